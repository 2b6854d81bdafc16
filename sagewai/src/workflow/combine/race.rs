//! `race!`: the first branch.

use super::branch::Branch;
use super::branches::Branches;
use crate::model::{Json, Outcome, Position};
use crate::workflow::durable::Durable;
use crate::workflow::replay::Effect;
use crate::workflow::scope::Site;

/// Runs two to eight durable operations at once and takes the first that ends: `race!(a(x), b(y)).await` gives
/// [`Won2::A`](crate::workflow::Won2) or [`Won2::B`](crate::workflow::Won2) with its output.
///
/// The others end there: their steps are cancelled where they stand, their gates and timers are given up. What they
/// have checkpointed stays. Which branch won is stored in one commit with what it won, and is the same on every
/// replay.
///
/// Branches are written as in [`join!`](crate::join). A race of a gate and a [`sleep`](crate::sleep) is a decision with
/// a time limit:
///
/// ```
/// # use std::time::Duration;
/// # use sagewai::prelude::*;
/// #[workflow]
/// async fn ask(days: u32) -> Result<bool> {
///     let limit = Duration::from_secs(u64::from(days) * 24 * 60 * 60);
///     match race!(approval("publish"), sleep(limit)).await {
///         Won2::A(decision) => Ok(decision?.approved),
///         Won2::B(slept) => {
///             slept?;
///             Ok(false)
///         }
///     }
/// }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// # let store = sagewai::store::open("memory:").await?;
/// # let settled = ask(0).run(&Client::new(&store)).await?;
/// # assert_eq!(settled, sagewai::Settled::Completed(false));
/// # Ok(()) }
/// ```
#[macro_export]
macro_rules! race {
    ($($branch:expr),+ $(,)?) => { $crate::macro_support::race(($($branch,)+)) };
}

/// What the macro calls. As with [`durable`](crate::macro_support::durable), nothing that depends on the branches
/// stands in the return type: what is wrong with them is then one error.
pub fn race<'a, T, Output>(branches: T) -> Branch<'a, Output>
where
    T: RaceBranches<Won = Output> + 'a,
{
    Branch::new(move |at| Box::pin(branches.run(at)))
}

/// Waits for the first branch, ends the others, and stores which one it was.
async fn first<T: Send>(at: &Site, mut branches: Branches<'_, T>) -> T {
    let Some((winner, output)) = branches.next().await else {
        unreachable!("a race has branches")
    };
    let position = branches.position().won();
    drop(branches);
    store_winner(at, position, winner).await;
    output
}

/// Which of two operations ended first, and what it gave.
pub(in crate::workflow) enum First<A, B> {
    One(A),
    Other(B),
}

/// Races two operations as branches of the combinator that comes next under this name.
pub(in crate::workflow) async fn first_of_two<A: Durable, B: Durable>(
    at: &Site,
    name: &str,
    one: A,
    other: B,
) -> First<A::Output, B::Output> {
    let mut branches = Branches::new(at.clone(), name);
    branches.add_durable(one, First::One);
    branches.add_durable(other, First::Other);
    first(at, branches).await
}

/// Asks for this while the winner's last checkpoint is not committed yet, so that both are one commit. A replay takes
/// the recorded outcomes in their order and finds the same winner; that it is stored shows it to people, and to the
/// replay that the code has changed.
async fn store_winner(at: &Site, position: Position, winner: usize) {
    let replay = at.replay();
    let value = Json::encode(&winner).map_or_else(Outcome::Fault, Outcome::Ok);
    let effect = Effect::Record(value.clone());
    let stored = replay.operation_at(at, position.clone(), 0, effect).await;
    let stored = stored.outcome;
    if stored != value {
        let (held, found) = (number(&stored), number(&value));
        let reason = format!(
            "the run holds at `{position}` that branch {held} has won, and in the code it is branch {found}"
        );
        replay.diverge(at, &reason).await;
    }
}

fn number(stored: &Outcome) -> String {
    match stored {
        Outcome::Ok(json) | Outcome::Err(json) => json.to_string(),
        Outcome::Fault(fault) => fault.to_string(),
    }
}

/// A tuple of two to eight durable operations.
#[diagnostic::on_unimplemented(
    message = "`race!` takes two to eight durable operations",
    label = "not two to eight durable operations",
    note = "put some of them into an inner `race!`, which is one branch"
)]
pub trait RaceBranches: Send {
    /// Which of them ended first, and what it gave.
    type Won: Send;
    #[doc(hidden)]
    fn run(self, at: Site) -> impl Future<Output = Self::Won> + Send;
}

macro_rules! races {
    ($($won:ident: $($branch:ident)*;)*) => { $(
        /// Which branch of a [`race!`](crate::race) ended first, in the order of the source, and what it gave.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[allow(missing_docs, reason = "the variants are the branches in their order")]
        pub enum $won<$($branch),*> { $( $branch($branch), )* }

        #[diagnostic::do_not_recommend]
        impl<$($branch: Durable),*> RaceBranches for ($($branch,)*) {
            type Won = $won<$($branch::Output),*>;
            async fn run(self, at: Site) -> Self::Won {
                #[allow(non_snake_case)]
                let ($($branch,)*) = self;
                let mut branches = Branches::new(at.clone(), "race");
                $( branches.add_durable($branch, $won::$branch); )*
                first(&at, branches).await
            }
        }
    )* };
}

races! {
    Won2: A B;
    Won3: A B C;
    Won4: A B C D;
    Won5: A B C D E;
    Won6: A B C D E F;
    Won7: A B C D E F G;
    Won8: A B C D E F G H;
}
