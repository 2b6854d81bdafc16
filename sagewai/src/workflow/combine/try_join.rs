//! `try_join!`: all branches, or the first error.

use super::branch::Branch;
use super::branches::Branches;
use crate::workflow::durable::Durable;
use crate::workflow::scope::Site;

/// Runs two to eight durable operations at once: `try_join!(a(x), b(y)).await?` gives a tuple of their values when all
/// have one, or the first error as soon as there is one.
///
/// An error ends the other branches: their steps are cancelled where they stand, their gates and timers are given up,
/// and none of them outlives the call. What they have checkpointed stays. All branches have the same error type; which
/// error came first is the same on every replay.
///
/// Branches are written as in [`join!`](crate::join).
///
/// ```
/// # use sagewai::prelude::*;
/// # #[step] async fn illustrate(text: &str) -> Result<String> { Ok(format!("a picture of {text}")) }
/// # #[step] async fn verify(text: &str) -> Result<u32> { Ok(text.len() as u32) }
/// #[workflow]
/// async fn check(text: String) -> Result<(String, u32)> {
///     let (picture, claims) = try_join!(illustrate(&text), verify(&text)).await?;
///     Ok((picture, claims))
/// }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// # let store = sagewai::store::open("memory:").await?;
/// # let settled = check("tides".into()).run(&Client::new(&store)).await?;
/// # assert_eq!(settled, sagewai::Settled::Completed(("a picture of tides".to_owned(), 5)));
/// # Ok(()) }
/// ```
#[macro_export]
macro_rules! try_join {
    ($($branch:expr),+ $(,)?) => { $crate::macro_support::try_join(($($branch,)+)) };
}

/// What the macro calls. As with [`durable`](crate::macro_support::durable), nothing that depends on the branches
/// stands in the return type: what is wrong with them is then one error.
pub fn try_join<'a, T, Values, Error>(branches: T) -> Branch<'a, Result<Values, Error>>
where
    T: TryJoinBranches<Values = Values, Error = Error> + 'a,
{
    Branch::new(move |at| Box::pin(branches.run(at)))
}

/// A tuple of two to eight durable operations that give a `Result` with the same error type.
#[diagnostic::on_unimplemented(
    message = "`try_join!` takes two to eight durable operations that give a `Result` with one error type",
    label = "not a `Result` of one error type in every branch",
    note = "bring an error into the type of the others in an `async` block: `async {{ Ok::<_, Failure>(charge(n).await?) }}`",
    note = "`join!` takes values of any type"
)]
pub trait TryJoinBranches: Send {
    /// The tuple of their values.
    type Values: Send;
    /// Their error.
    type Error: Send;
    #[doc(hidden)]
    fn run(self, at: Site) -> impl Future<Output = Result<Self::Values, Self::Error>> + Send;
}

macro_rules! tuples {
    ($($($branch:ident $value:ident $output:ident)*;)*) => { $(
        #[diagnostic::do_not_recommend]
        impl<Error, $($value,)* $($branch),*> TryJoinBranches for ($($branch,)*)
        where
            Error: Send,
            $( $value: Send, $branch: Durable<Output = Result<$value, Error>>, )*
        {
            type Values = ($($value,)*);
            type Error = Error;
            async fn run(self, at: Site) -> Result<Self::Values, Error> {
                #[allow(non_snake_case)]
                let ($($branch,)*) = self;
                $( let mut $output = None; )*
                let mut branches = Branches::new(at, "join");
                $( branches.add_durable($branch, |result| {
                    result.map(|value| $output = Some(value))
                }); )*
                while let Some((_, result)) = branches.next().await {
                    // With the branches goes everything that they wait for.
                    result?;
                }
                drop(branches);
                Ok(($($output.expect(ENDED),)*))
            }
        }
    )* };
}

/// All of them have.
const ENDED: &str = "a branch that has ended has left its value";

tuples! {
    A VA a B VB b;
    A VA a B VB b C VC c;
    A VA a B VB b C VC c D VD d;
    A VA a B VB b C VC c D VD d E VE e;
    A VA a B VB b C VC c D VD d E VE e F VF f;
    A VA a B VB b C VC c D VD d E VE e F VF f G VG g;
    A VA a B VB b C VC c D VD d E VE e F VF f G VG g H VH h;
}
