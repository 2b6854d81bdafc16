//! What stands in for code that does not compile or is not meant to run, so that one mistake is one error.

use std::future::IntoFuture;
use std::marker::PhantomData;

use super::durable::Durable;
use super::scope::Site;
use super::spec::BoxFuture;

/// A call of a function whose attribute refused it. It can be awaited everywhere; the program it stands in does not
/// compile, so nobody ever does.
#[derive(Debug)]
pub struct Failed<R>(PhantomData<fn() -> R>);

impl<R> Failed<R> {
    /// Made by the function that stands in.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Failed<R> {
        Failed(PhantomData)
    }
}

#[diagnostic::do_not_recommend]
impl<R: Send> Durable for Failed<R> {
    type Output = R;
    async fn run(self, _: Site) -> R {
        unreachable!("the program that calls this does not compile")
    }
}

impl<R: Send + 'static> IntoFuture for Failed<R> {
    type Output = R;
    type IntoFuture = BoxFuture<'static, R>;

    fn into_future(self) -> BoxFuture<'static, R> {
        unreachable!("the program that calls this does not compile")
    }
}

/// An await in the copy of a body that is only type-checked.
pub fn checked<T>(_: BoxFuture<'_, T>) -> T {
    unreachable!("the copy of a body that is only type-checked was run")
}
