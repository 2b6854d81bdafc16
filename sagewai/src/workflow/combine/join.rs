//! `join!`: all branches.

use super::branch::Branch;
use super::branches::Branches;
use crate::workflow::durable::Durable;
use crate::workflow::scope::Site;

/// Runs two to eight durable operations at once and waits for all of them: `join!(a(x), b(y)).await` gives a tuple.
///
/// A branch is a step call, any other durable operation, another combinator, or an `async` block that awaits several
/// of them and may borrow local variables. Each branch leaves its own checkpoints as it goes on. An error of one is a
/// value like any other; [`try_join!`](crate::try_join) ends the others.
///
/// ```
/// # use sagewai::prelude::*;
/// #[step]
/// async fn word(n: u32) -> Result<String> {
///     Ok(format!("word {n}"))
/// }
///
/// #[workflow]
/// async fn words() -> Result<String> {
///     let between = " and ".to_owned();
///     let (first, rest) = join!(word(1), async {
///         let second = word(2).await?;
///         Ok::<_, Failure>(format!("{between}{second}"))
///     })
///     .await;
///     Ok(first? + &rest?)
/// }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// # let store = sagewai::store::open("memory:").await?;
/// # let settled = words().run(&Client::new(&store)).await?;
/// # assert_eq!(settled, sagewai::Settled::Completed("word 1 and word 2".to_owned()));
/// # Ok(()) }
/// ```
#[macro_export]
macro_rules! join {
    ($($branch:expr),+ $(,)?) => { $crate::macro_support::join(($($branch,)+)) };
}

/// What the macro calls. As with [`durable`](crate::macro_support::durable), nothing that depends on the branches
/// stands in the return type: what is wrong with them is then one error.
pub fn join<'a, T, Output>(branches: T) -> Branch<'a, Output>
where
    T: JoinBranches<Outputs = Output> + 'a,
{
    Branch::new(move |at| Box::pin(branches.run(at)))
}

/// A tuple of two to eight durable operations.
#[diagnostic::on_unimplemented(
    message = "`join!` takes two to eight durable operations",
    label = "not two to eight durable operations",
    note = "put some of them into an `async` block, which is one branch, or use `map` for many of a kind"
)]
pub trait JoinBranches: Send {
    /// The tuple of what they give.
    type Outputs: Send;
    #[doc(hidden)]
    fn run(self, at: Site) -> impl Future<Output = Self::Outputs> + Send;
}

macro_rules! tuples {
    ($($($branch:ident $output:ident)*;)*) => { $(
        #[diagnostic::do_not_recommend]
        impl<$($branch: Durable),*> JoinBranches for ($($branch,)*) {
            type Outputs = ($($branch::Output,)*);
            async fn run(self, at: Site) -> Self::Outputs {
                #[allow(non_snake_case)]
                let ($($branch,)*) = self;
                $( let mut $output = None; )*
                let mut branches = Branches::new(at, "join");
                $( branches.add_durable($branch, |output| $output = Some(output)); )*
                while branches.next().await.is_some() {}
                drop(branches);
                ($($output.expect(ENDED),)*)
            }
        }
    )* };
}

/// All of them have.
const ENDED: &str = "a branch that has ended has left its output";

tuples! {
    A a B b;
    A a B b C c;
    A a B b C c D d;
    A a B b C c D d E e;
    A a B b C c D d E e F f;
    A a B b C c D d E e F f G g;
    A a B b C c D d E e F f G g H h;
}
