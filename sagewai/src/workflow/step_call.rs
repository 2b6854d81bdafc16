//! A step that is called but not yet awaited.

use std::fmt;
use std::future::IntoFuture;
use std::time::Duration;

use super::args::Arguments;
use super::asks::Asks;
use super::context::StepContext;
use super::durable::Durable;
use super::erased::{StepBody, read, step_body, unreadable};
use super::execution::in_body;
use super::replay::{Came, Effect};
use super::scope::Site;
use super::spec::{BoxFuture, Payload, Step, StepSpec};
use crate::error::{Fault, StepError};
use crate::model::{Json, Label, Outcome, Position, digest};

/// A call of a `#[step]`: the arguments, and options that override those of the attribute.
///
/// Awaited inside a workflow, the step runs on the worker and its outcome is stored. Awaited anywhere else, it is
/// the plain async function, once, without retries or timeout: which is how a step is unit-tested.
#[must_use = "a step does nothing unless awaited"]
pub struct StepCall<S: Step> {
    input: S::Input,
    spec: StepSpec,
    /// What it asks of its worker; what the attribute does where it says nothing.
    asks: Option<Box<Asks>>,
}

impl<S: Step> StepCall<S> {
    #[doc(hidden)]
    pub fn new(input: S::Input) -> StepCall<S> {
        StepCall {
            input,
            spec: S::SPEC,
            asks: None,
        }
    }

    /// How many times the step runs again when it fails.
    pub fn retries(mut self, retries: u32) -> StepCall<S> {
        self.spec.retries = retries;
        self
    }

    /// The pause before the first retry.
    pub fn retry_delay(mut self, delay: Duration) -> StepCall<S> {
        self.spec.retry_delay = delay;
        self
    }

    /// The factor by which the pause grows; below 1 and what is no number count as 1.
    pub fn backoff(mut self, factor: f64) -> StepCall<S> {
        self.spec.backoff = if factor >= 1.0 && factor.is_finite() {
            factor
        } else {
            1.0
        };
        self
    }

    /// The longest time one attempt may take.
    pub fn timeout(mut self, limit: Duration) -> StepCall<S> {
        self.spec.timeout = Some(limit);
        self
    }

    /// The pool whose workers execute the step, instead of that of the run or of the attribute.
    pub fn pool(mut self, pool: impl Into<String>) -> StepCall<S> {
        self.asks().pool = Some(pool.into());
        self
    }

    /// A label that the step's worker must have, beside those of the run and of the attribute.
    pub fn label(mut self, key: impl Into<String>, value: impl Into<Label>) -> StepCall<S> {
        self.asks().labels.insert(key, value);
        self
    }

    fn asks(&mut self) -> &mut Asks {
        let spec = &self.spec;
        let asks = &mut self.asks;
        asks.get_or_insert_with(|| Box::new(Asks::of(spec.pool, spec.labels)))
    }

    /// Another name in the journal, where the same step is called for different things.
    pub fn named(mut self, name: &'static str) -> StepCall<S> {
        self.spec.name = name;
        self
    }
}

impl<S: Step> fmt::Debug for StepCall<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StepCall")
            .field("step", &self.spec.name)
            .finish_non_exhaustive()
    }
}

#[diagnostic::do_not_recommend]
impl<S: Step> Durable for StepCall<S> {
    type Output = Result<S::Output, S::Error>;
    fn run(self, at: Site) -> impl Future<Output = Self::Output> + Send {
        self.boxed(at)
    }
    fn boxed<'a>(self, at: Site) -> BoxFuture<'a, Self::Output>
    where
        Self: 'a,
    {
        let how = (self.spec, self.asks);
        let body = StepBody::Of(step_body::<S>);
        call_step(at, how, &self.input, &S::ARGUMENTS, body)
    }
}

/// How a step is executed, and by whom.
type How = (StepSpec, Option<Box<Asks>>);

/// The part that depends on what a step takes and returns, and not on the step: compiled once for all that do the same.
fn call_step<'a, I: Arguments, T: Payload, E: StepError>(
    at: Site,
    how: How,
    input: &I,
    each: &I::Each,
    body: StepBody,
) -> BoxFuture<'a, Result<T, E>> {
    let input = input.write(each, how.0.params);
    waiting_call(at, how, input, body)
}

/// The part that depends on what it returns alone.
fn waiting_call<'a, T: Payload, E: StepError>(
    at: Site,
    how: How,
    input: Result<Json, Fault>,
    body: StepBody,
) -> BoxFuture<'a, Result<T, E>> {
    Box::pin(async move {
        let Came { outcome, replayed } = run_step(&at, how, input, body).await;
        match read(outcome) {
            Ok(result) => result,
            Err(fault) => {
                unreadable(&at, replayed.as_ref(), &fault).await;
                Err(E::from_fault(fault))
            }
        }
    })
}

/// The part of a step's await that does not depend on its types: it is compiled once, and not for each step.
fn run_step(
    at: &Site,
    (spec, asks): How,
    input: Result<Json, Fault>,
    body: StepBody,
) -> BoxFuture<'_, Came> {
    Box::pin(async move {
        let input = match asks.as_deref().map(Asks::check) {
            Some(Err(invalid)) => Err(Fault::Encode {
                reason: invalid.to_string(),
            }),
            _ => input,
        };
        let input = match input {
            Ok(input) => input,
            // The same on every replay, so there is nothing to store; the name counts all the same.
            Err(fault) => {
                let _: Position = at.position(spec.name);
                return Came {
                    outcome: Outcome::Fault(fault),
                    replayed: None,
                };
            }
        };
        let digest = digest(&input);
        let replay = at.replay().clone();
        let effect = Effect::Step {
            spec,
            asks,
            input,
            body,
        };
        replay.operation(at, spec.name, digest, effect).await
    })
}

impl<S: Step> IntoFuture for StepCall<S> {
    type Output = Result<S::Output, S::Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        if in_body() {
            let step = self.spec.name.to_owned();
            return Box::pin(async { Err(S::Error::from_fault(Fault::HiddenAwait { step })) });
        }
        let context =
            StepContext::current().unwrap_or_else(|| StepContext::detached(self.spec.name));
        S::body(context, self.input)
    }
}
