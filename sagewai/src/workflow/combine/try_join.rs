//! `try_join!`: all branches, or the first error.

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

/// What [`try_join!`](crate::try_join) makes; await it.
#[must_use = "`try_join!` does nothing unless awaited"]
#[derive(Debug)]
pub struct TryJoin<T>(T);

/// What the macro calls.
pub fn try_join<T>(branches: T) -> TryJoin<T> {
    TryJoin(branches)
}

macro_rules! tuples {
    ($($($branch:ident $value:ident $output:ident)*;)*) => { $(
        #[diagnostic::do_not_recommend]
        impl<Error, $($value,)* $($branch),*> Durable for TryJoin<($($branch,)*)>
        where
            Error: Send,
            $( $value: Send, $branch: Durable<Output = Result<$value, Error>>, )*
        {
            type Output = Result<($($value,)*), Error>;
            async fn run(self, at: Site) -> Self::Output {
                #[allow(non_snake_case)]
                let ($($branch,)*) = self.0;
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
