//! What a `for` of a workflow body goes through: anything whose order is the same in each process.

use std::collections::hash_map::{self, HashMap};
use std::collections::hash_set::{self, HashSet};
use std::iter;
use std::marker::PhantomData;

/// What a `for` goes through, where its order is the same in each process.
///
/// The type of the items is known in any case, so that a wrong order is one error.
pub fn in_order<T, O: InOrder<T>>(items: Judged<T, O>) -> T {
    items.items
}

/// Asks what a `for` goes through for its order. `Through(items).judged()` is a method of the type where the order
/// differs, which comes before one of a trait.
#[derive(Debug)]
pub struct Through<T>(pub T);

/// Items, and what is known of their order.
#[derive(Debug)]
pub struct Judged<T, O> {
    items: T,
    _order: PhantomData<O>,
}

/// The order of a vector, a range, a tree.
#[derive(Debug)]
pub enum Ordered {}

/// The order of a hash map.
#[derive(Debug)]
pub enum Shuffled {}

impl<T: Unordered> Through<T> {
    /// The order differs.
    pub fn judged(self) -> Judged<T, Shuffled> {
        judged(self)
    }
}

/// What [`Through`] answers for any other type.
pub trait ThroughFallback: Sized {
    /// What is gone through.
    type Items;
    /// The order is the same.
    fn judged(self) -> Judged<Self::Items, Ordered>;
}

impl<T> ThroughFallback for Through<T> {
    type Items = T;
    fn judged(self) -> Judged<T, Ordered> {
        judged(self)
    }
}

fn judged<T, O>(through: Through<T>) -> Judged<T, O> {
    Judged {
        items: through.0,
        _order: PhantomData,
    }
}

/// An order that is the same in each process.
#[diagnostic::on_unimplemented(
    message = "`{T}` gives its items in another order in each process, so a workflow body cannot go through it",
    label = "its order differs from one replay to the next",
    note = "make it a `BTreeMap` or `BTreeSet` first, as in `BTreeMap::from_iter(map)`",
    note = "where the order has no effect, `sagewai::unchecked(..)` around it says so"
)]
pub trait InOrder<T> {}

#[diagnostic::do_not_recommend]
impl<T> InOrder<T> for Ordered {}

/// Something that gives its items in another order in each process.
pub trait Unordered {}

macro_rules! unordered {
    ($([$($generics:tt)*] $ty:ty;)*) => { $(
        impl<$($generics)*> Unordered for $ty {}
    )* };
}
unordered! {
    [K, V, S] HashMap<K, V, S>;
    [K, V] hash_map::Iter<'_, K, V>;
    [K, V] hash_map::IterMut<'_, K, V>;
    [K, V] hash_map::IntoIter<K, V>;
    [K, V] hash_map::Keys<'_, K, V>;
    [K, V] hash_map::Values<'_, K, V>;
    [K, V] hash_map::ValuesMut<'_, K, V>;
    [K, V] hash_map::IntoKeys<K, V>;
    [K, V] hash_map::IntoValues<K, V>;
    [K, V] hash_map::Drain<'_, K, V>;
    [T, S] HashSet<T, S>;
    [T] hash_set::Iter<'_, T>;
    [T] hash_set::IntoIter<T>;
    [T] hash_set::Drain<'_, T>;
    [T, S] hash_set::Intersection<'_, T, S>;
    [T, S] hash_set::Difference<'_, T, S>;
    [T, S] hash_set::Union<'_, T, S>;
    [T, S] hash_set::SymmetricDifference<'_, T, S>;
    [T: Unordered] &T;
    [T: Unordered] &mut T;
    [I: Unordered] iter::Cloned<I>;
    [I: Unordered] iter::Copied<I>;
    [I: Unordered] iter::Enumerate<I>;
    [I: Unordered, F] iter::Filter<I, F>;
    [I: Unordered, F] iter::FilterMap<I, F>;
    [I: Unordered, F] iter::Map<I, F>;
    [I: Unordered] iter::Skip<I>;
    [I: Unordered] iter::Take<I>;
}
