//! A message that the run waits for.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use super::durable::Durable;
use super::replay::Effect;
use super::scope::Site;
use super::spec::Payload;
use super::timeout::{Timeout, timeout};
use crate::error::Fault;
use crate::model::Outcome;

/// Waits for the next message of this name, which [`Client::signal`](crate::Client::signal) sends from any process. It
/// gives what the message says, as a `T`.
///
/// Messages are kept in the order in which they were sent, also from before the run asks. Each is taken once, in the
/// commit that stores what it says; so a workflow that asks three times gets the first three. The run costs nothing
/// while it waits.
///
/// A message that does not describe a `T` is not taken: the run waits with that reason.
/// [Drop](crate::Client::drop_signal) it, and the run waits for the next one; or mend the type, and
/// [retry](crate::Client::retry) the run.
///
/// ```
/// # use sagewai::prelude::*;
/// #[workflow]
/// async fn order(cents: u32) -> Result<String> {
///     let reference = signal::<String>("payment").await?;
///     Ok(format!("{cents} paid by {reference}"))
/// }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// # let store = sagewai::store::open("memory:").await?;
/// # let client = Client::new(&store);
/// let run = order(500).run_id("order-1").start(&client).await?;
/// client.signal("order-1", "payment", &"invoice 7").await?;
/// assert_eq!(run.run().await?, sagewai::Settled::Completed("500 paid by invoice 7".to_owned()));
/// # Ok(()) }
/// ```
pub fn signal<T: Payload>(name: impl Into<String>) -> SignalWait<T> {
    SignalWait {
        name: name.into(),
        says: PhantomData,
    }
}

/// What [`signal`] returns; await it.
#[must_use = "a signal is not waited for unless this is awaited"]
pub struct SignalWait<T> {
    name: String,
    says: PhantomData<fn() -> T>,
}

impl<T: Payload> SignalWait<T> {
    /// How long the run waits at most: then this gives [`Fault::TimedOut`].
    pub fn timeout(self, limit: Duration) -> Timeout<SignalWait<T>> {
        let what = format!("signal:{}", self.name);
        timeout(limit, what, self)
    }
}

#[diagnostic::do_not_recommend]
impl<T: Payload> Durable for SignalWait<T> {
    type Output = Result<T, Fault>;
    async fn run(self, at: Site) -> Self::Output {
        let replay = at.replay().clone();
        let name = self.name;
        crate::model::signal_name(&name).map_err(|invalid| Fault::Encode {
            reason: invalid.to_string(),
        })?;
        let position = at.position(&format!("signal:{name}"));
        let effect = Effect::Signal { name: name.clone() };
        let came = replay.operation_at(&at, position.clone(), 0, effect).await;
        let fault = match came.outcome {
            Outcome::Ok(json) => match T::load(json.as_str()) {
                Ok(value) => return Ok(value),
                Err(fault) => fault,
            },
            Outcome::Fault(fault) => return Err(fault),
            Outcome::Err(_) => {
                return Err(Fault::Decode {
                    reason: "a message is no error".to_owned(),
                });
            }
        };
        // Whether it was taken before or not: the code cannot read it, and so it is not taken now.
        let reason =
            format!("the message at `{position}` {fault}; mend the type, or drop the message");
        replay.diverge(&at, &reason).await;
        Err(fault)
    }
}

impl<T> fmt::Debug for SignalWait<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SignalWait").field(&self.name).finish()
    }
}
