//! One attempt of a step.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::Instant;

use crate::credentials::{WorkerCredentials, with_worker_credentials};
use crate::error::Fault;
use crate::model::{Json, Outcome};
use crate::store::PAYLOAD_BYTES_MAX;
use crate::workflow::StepContext;
use crate::workflow::erased::{Returned, StepBody};
use crate::workflow::execution::panic_text;

/// How an attempt ended, and how long it took.
pub(crate) struct Attempted {
    pub(crate) returned: Returned,
    pub(crate) took: Duration,
}

/// How a task of a driven run ended.
pub(crate) enum Ended {
    /// An attempt of a step.
    Attempt(Attempted),
    /// The start of another run.
    Started(Outcome),
}

/// Runs the body once: a panic, a passed limit and a result that is too large are failures like any other.
pub(crate) async fn attempt(
    context: StepContext,
    credentials: Option<Arc<WorkerCredentials>>,
    step: &'static str,
    limit: Option<Duration>,
    input: Json,
    body: StepBody,
) -> Attempted {
    let began = Instant::now();
    // The body is made inside, since reading the arguments back may panic too.
    let run = context
        .clone()
        .scope(async move { body.begin(context, &input).await });
    let run = async move {
        match credentials {
            Some(credentials) => with_worker_credentials(credentials, run).await,
            None => run.await,
        }
    };
    let run = AssertUnwindSafe(run).catch_unwind();
    let ended = match limit {
        Some(limit) => tokio::time::timeout(limit, run).await.map_err(|_| limit),
        None => Ok(run.await),
    };
    let returned = match ended {
        Ok(Ok(returned)) => sized(returned),
        Ok(Err(panic)) => Returned::fault(Fault::Panicked {
            message: panic_text(&*panic),
        }),
        Err(limit) => Returned::fault(Fault::TimedOut {
            step: step.to_owned(),
            limit,
        }),
    };
    Attempted {
        returned,
        took: began.elapsed(),
    }
}

/// Refuses what the store would refuse, while it can still be the step's own failure.
pub(crate) fn sized(returned: Returned) -> Returned {
    match &returned.outcome {
        Outcome::Ok(json) | Outcome::Err(json) if json.len() > PAYLOAD_BYTES_MAX => {
            Returned::fault(Fault::TooLarge {
                bytes: json.len(),
                limit: PAYLOAD_BYTES_MAX,
            })
        }
        _ => returned,
    }
}
