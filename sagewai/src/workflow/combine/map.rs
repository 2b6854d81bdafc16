//! `map` and `try_map`: one branch for each item.

use std::fmt;

use super::branches::Branches;
use crate::workflow::durable::Durable;
use crate::workflow::scope::Site;

/// Runs a durable operation for each item, all at once or [some at a time](Map::concurrency), and waits for all of
/// them. Gives what they gave, in the order of the items.
///
/// `operation` makes a step call, any other durable operation, or an `async move` block, out of an item. It is called
/// in the order of the items, each time there is room for one more. The items must be the same on every replay: take
/// them from arguments and results, not from an unordered map.
///
/// ```
/// # use sagewai::prelude::*;
/// #[step]
/// async fn summarize(page: &str) -> Result<String> {
///     Ok(page[..3].to_owned())
/// }
///
/// #[workflow]
/// async fn digest(pages: Vec<String>) -> Result<String> {
///     let summaries = map(&pages, |page| summarize(page)).concurrency(8).await;
///     let good: Vec<String> = summaries.into_iter().filter_map(Result::ok).collect();
///     Ok(good.join(" "))
/// }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// # let store = sagewai::store::open("memory:").await?;
/// # let settled = digest(vec!["tides".into(), "moon".into()]).run(&Client::new(&store)).await?;
/// # assert_eq!(settled, sagewai::Settled::Completed("tid moo".to_owned()));
/// # Ok(()) }
/// ```
pub fn map<Items, Make, Operation>(items: Items, operation: Make) -> Map<Items, Make>
where
    Items: IntoIterator,
    Make: FnMut(Items::Item) -> Operation,
    Operation: Durable,
{
    Map {
        items,
        operation,
        at_once: usize::MAX,
    }
}

/// [`map`] for operations that give a `Result`: the values in the order of the items, or the first error as soon as
/// there is one.
///
/// An error ends the other operations as in [`try_join!`](crate::try_join), and no further ones begin.
///
/// ```
/// # use sagewai::prelude::*;
/// # #[step] async fn verify(claim: &str) -> Result<bool> { Ok(!claim.is_empty()) }
/// #[workflow]
/// async fn all_true(claims: Vec<String>) -> Result<bool> {
///     let verified = try_map(&claims, |claim| verify(claim)).concurrency(4).await?;
///     Ok(verified.into_iter().all(|is_true| is_true))
/// }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// # let store = sagewai::store::open("memory:").await?;
/// # let settled = all_true(vec!["water is wet".into()]).run(&Client::new(&store)).await?;
/// # assert_eq!(settled, sagewai::Settled::Completed(true));
/// # Ok(()) }
/// ```
pub fn try_map<Items, Make, Operation, Value, Error>(
    items: Items,
    operation: Make,
) -> TryMap<Items, Make>
where
    Items: IntoIterator,
    Make: FnMut(Items::Item) -> Operation,
    Operation: Durable<Output = Result<Value, Error>>,
{
    TryMap(Map {
        items,
        operation,
        at_once: usize::MAX,
    })
}

/// What [`map()`] returns; await it.
#[must_use = "`map` does nothing unless awaited"]
pub struct Map<Items, Make> {
    items: Items,
    operation: Make,
    at_once: usize,
}

/// What [`try_map`] returns; await it.
#[must_use = "`try_map` does nothing unless awaited"]
pub struct TryMap<Items, Make>(Map<Items, Make>);

impl<Items, Make> Map<Items, Make> {
    /// How many operations go on at once; 0 counts as 1. All of them by default.
    pub fn concurrency(mut self, at_once: usize) -> Map<Items, Make> {
        self.at_once = at_once.max(1);
        self
    }
}

impl<Items, Make> TryMap<Items, Make> {
    /// How many operations go on at once; 0 counts as 1. All of them by default.
    pub fn concurrency(self, at_once: usize) -> TryMap<Items, Make> {
        TryMap(self.0.concurrency(at_once))
    }
}

#[diagnostic::do_not_recommend]
impl<Items, Make, Operation> Durable for Map<Items, Make>
where
    Items: IntoIterator<IntoIter: Send, Item: Send> + Send,
    Make: FnMut(Items::Item) -> Operation + Send,
    Operation: Durable,
{
    type Output = Vec<Operation::Output>;
    async fn run(self, at: Site) -> Self::Output {
        let mut outputs = Outputs::default();
        let mut going_on = GoingOn::begin(self, at);
        while let Some((index, output)) = going_on.next().await {
            outputs.put(index, output);
        }
        outputs.all()
    }
}

#[diagnostic::do_not_recommend]
impl<Items, Make, Operation, Value, Error> Durable for TryMap<Items, Make>
where
    Items: IntoIterator<IntoIter: Send, Item: Send> + Send,
    Make: FnMut(Items::Item) -> Operation + Send,
    Operation: Durable<Output = Result<Value, Error>>,
    Value: Send,
    Error: Send,
{
    type Output = Result<Vec<Value>, Error>;
    async fn run(self, at: Site) -> Self::Output {
        let mut outputs = Outputs::default();
        let mut going_on = GoingOn::begin(self.0, at);
        while let Some((index, result)) = going_on.next().await {
            outputs.put(index, result?);
        }
        Ok(outputs.all())
    }
}

/// The operations that have begun, and the items that have not.
struct GoingOn<'a, Items: Iterator, Make, T> {
    branches: Branches<'a, T>,
    items: Items,
    operation: Make,
    at_once: usize,
}

impl<'a, Items, Make, Operation> GoingOn<'a, Items, Make, Operation::Output>
where
    Items: Iterator,
    Make: FnMut(Items::Item) -> Operation,
    Operation: Durable + 'a,
{
    fn begin<From: IntoIterator<IntoIter = Items, Item = Items::Item>>(
        map: Map<From, Make>,
        at: Site,
    ) -> Self {
        GoingOn {
            branches: Branches::new(at, "map"),
            items: map.items.into_iter(),
            operation: map.operation,
            at_once: map.at_once,
        }
    }

    async fn next(&mut self) -> Option<(usize, Operation::Output)> {
        while self.branches.left() < self.at_once
            && let Some(item) = self.items.next()
        {
            let operation = (self.operation)(item);
            self.branches.add_durable(operation, |output| output);
        }
        self.branches.next().await
    }
}

/// What operations gave, by the number of the item.
struct Outputs<T>(Vec<Option<T>>);

impl<T> Default for Outputs<T> {
    fn default() -> Outputs<T> {
        Outputs(Vec::new())
    }
}

impl<T> Outputs<T> {
    fn put(&mut self, index: usize, output: T) {
        if self.0.len() <= index {
            self.0.resize_with(index + 1, || None);
        }
        self.0[index] = Some(output);
    }

    fn all(self) -> Vec<T> {
        self.0.into_iter().flatten().collect()
    }
}

impl<Items, Make> fmt::Debug for Map<Items, Make> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = f.debug_struct("Map");
        text.field("at_once", &self.at_once).finish_non_exhaustive()
    }
}

impl<Items, Make> fmt::Debug for TryMap<Items, Make> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TryMap").field(&self.0).finish()
    }
}
