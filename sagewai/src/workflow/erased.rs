//! Steps and workflows without their types. One copy of the engine serves all of them, which is what keeps a
//! program of many steps quick to compile.

use std::any::Any;
use std::fmt;
#[cfg(feature = "agents")]
use std::sync::Arc;
use std::time::Duration;

use super::args::Arguments;
use super::context::{StepContext, WorkflowContext};
use super::replay::Came;
use super::scope::{Scope, Site};
use super::spec::{BoxFuture, Payload, Step, Workflow};
use crate::error::{Failure, Fault, StepError};
use crate::model::{Json, Outcome, Position};

/// A body's end, as it is stored and as the engine must judge it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Returned {
    /// What is stored.
    pub(crate) outcome: Outcome,
    /// What it says, where it is no value.
    pub(crate) error: Option<String>,
    /// Whether another attempt is pointless.
    pub(crate) terminal: bool,
    /// How long no other attempt is to be made, where the error says so.
    pub(crate) retry_after: Option<Duration>,
}

impl Returned {
    pub(crate) fn fault(fault: Fault) -> Returned {
        Returned {
            error: Some(fault.to_string()),
            terminal: fault.is_terminal(),
            outcome: Outcome::Fault(fault),
            retry_after: None,
        }
    }

    pub(crate) fn of<T: Payload, E: StepError>(
        result: Result<T, E>,
        is_terminal: fn(&E) -> bool,
    ) -> Returned {
        let error = match result {
            Ok(value) => {
                return match value.store() {
                    Ok(json) => Returned {
                        outcome: Outcome::Ok(json),
                        error: None,
                        terminal: true,
                        retry_after: None,
                    },
                    Err(fault) => Returned::fault(fault),
                };
            }
            Err(error) => error,
        };
        match error.store() {
            Ok(json) => Returned {
                outcome: Outcome::Err(json),
                error: Some(error.message()),
                terminal: is_terminal(&error),
                retry_after: (&error as &dyn Any)
                    .downcast_ref()
                    .and_then(Failure::retry_after),
            },
            // The error itself cannot be stored. What it said is worth more than why it cannot.
            Err(fault) => Returned {
                error: Some(format!("{} (its error {fault})", error.message())),
                ..Returned::fault(fault)
            },
        }
    }
}

/// One attempt of a step.
#[derive(Clone)]
pub(crate) enum StepBody {
    /// That of a `#[step]`.
    Of(fn(StepContext, &Json) -> BoxFuture<'static, Returned>),
    /// One that holds values, such as the model that an agent asks.
    #[cfg(feature = "agents")]
    With(Arc<dyn Fn() -> BoxFuture<'static, Returned> + Send + Sync>),
}

impl StepBody {
    pub(crate) fn begin(&self, context: StepContext, input: &Json) -> BoxFuture<'static, Returned> {
        match self {
            StepBody::Of(body) => body(context, input),
            #[cfg(feature = "agents")]
            StepBody::With(body) => body(),
        }
    }
}

impl fmt::Debug for StepBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StepBody")
    }
}

/// A workflow's body over its run.
pub(crate) type WorkflowBody = fn(WorkflowContext, Scope, &Json) -> BoxFuture<'static, Returned>;

pub(crate) fn step_body<S: Step>(
    context: StepContext,
    input: &Json,
) -> BoxFuture<'static, Returned> {
    let params = S::SPEC.params;
    attempt(
        context,
        input,
        (&S::ARGUMENTS, params),
        S::body,
        S::is_terminal,
    )
}

/// The part that depends on what a step takes and returns, and not on the step: compiled once for all that do the same.
fn attempt<I: Arguments, T: Payload, E: StepError>(
    context: StepContext,
    input: &Json,
    (each, params): (&I::Each, &[&str]),
    body: fn(StepContext, I) -> BoxFuture<'static, Result<T, E>>,
    is_terminal: fn(&E) -> bool,
) -> BoxFuture<'static, Returned> {
    match I::read(input, each, params) {
        Ok(input) => returned(body(context, input), is_terminal),
        Err(fault) => Box::pin(std::future::ready(Returned::fault(fault))),
    }
}

pub(crate) fn workflow_body<W: Workflow>(
    context: WorkflowContext,
    scope: Scope,
    input: &Json,
) -> BoxFuture<'static, Returned> {
    match W::load(input) {
        Ok(input) => returned(W::body(context, scope, input), |_| true),
        Err(fault) => Box::pin(std::future::ready(Returned::fault(fault))),
    }
}

/// Runs a body to its end. Compiled once for all that return the same.
fn returned<T: Payload, E: StepError>(
    body: BoxFuture<'static, Result<T, E>>,
    is_terminal: fn(&E) -> bool,
) -> BoxFuture<'static, Returned> {
    Box::pin(async move { Returned::of(body.await, is_terminal) })
}

/// What an outcome is to the code that awaits it: the same after a replay as the first time.
pub(crate) async fn typed<T: Payload, E: StepError>(at: &Site, came: Came) -> Result<T, E> {
    let Came { outcome, replayed } = came;
    match read(outcome) {
        Ok(result) => result,
        Err(fault) => {
            unreadable(at, replayed.as_ref(), &fault).await;
            Err(E::from_fault(fault))
        }
    }
}

/// The same, where it can be read.
pub(crate) fn read<T: Payload, E: StepError>(outcome: Outcome) -> Result<Result<T, E>, Fault> {
    // No `map`: it would be compiled once for each type.
    match outcome {
        Outcome::Ok(json) => match T::load(json.as_str()) {
            Ok(value) => Ok(Ok(value)),
            Err(fault) => Err(fault),
        },
        Outcome::Err(json) => match E::load(&json) {
            Ok(error) => Ok(Err(error)),
            Err(fault) => Err(fault),
        },
        Outcome::Fault(fault) => Ok(Err(E::from_fault(fault))),
    }
}

/// An outcome cannot be read. Does not return where it was recorded: then the code no longer fits the run.
pub(crate) fn unreadable<'a>(
    at: &'a Site,
    replayed: Option<&'a Position>,
    fault: &'a Fault,
) -> BoxFuture<'a, ()> {
    Box::pin(async move {
        if let Some(position) = replayed {
            at.replay().unreadable(at, position, fault).await;
        }
    })
}

/// The text of a stored error, for people.
pub(crate) fn error_text(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Ok(_) => String::new(),
        Outcome::Err(json) => json
            .decode::<Failure>()
            .map_or_else(|_| json.to_string(), |failure| failure.message().to_owned()),
        Outcome::Fault(fault) => fault.to_string(),
    }
}
