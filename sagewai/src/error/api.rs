//! What callers of the library get.

use crate::credentials::WrongCredentials;
use crate::model::{Decision, Invalid, Outcome, RunId, RunState, VoteRefused};
use crate::store::StoreError;

use super::{Fault, StepError};

/// What a client or a worker could not do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store could not be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A name or an option cannot be used.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// A worker cannot bring these credentials along.
    #[error(transparent)]
    Credentials(#[from] WrongCredentials),
    /// An argument cannot be stored.
    #[error("the input of workflow `{workflow}` {fault}")]
    Input {
        /// The workflow.
        workflow: String,
        /// Why.
        #[source]
        fault: Fault,
    },
    /// A stored value does not describe the type that is asked for.
    #[error("what run `{run}` holds at `{position}` {fault}")]
    Stored {
        /// The run.
        run: RunId,
        /// Where in the run.
        position: String,
        /// Why.
        #[source]
        fault: Fault,
    },
    /// The code of this process does not fit what the run holds.
    #[error("the code of `{workflow}` in this process does not fit run `{run}`: {reason}")]
    Diverged {
        /// The run.
        run: RunId,
        /// Its workflow.
        workflow: String,
        /// What was expected where, and what the code asks for.
        reason: String,
    },
    /// A run of this id exists for another workflow or other arguments.
    #[error(
        "run `{run}` exists already, for {other}; choose another id, or start it with the same arguments to attach to it"
    )]
    Conflict {
        /// The run.
        run: RunId,
        /// What it was started for.
        other: String,
    },
    /// As many runs of the workflow wait for a worker as its `queue_depth` allows. Nothing was started.
    #[error(
        "{depth} runs of workflow `{workflow}` wait for a worker, and the limit is {limit}; try again when some were \
         taken, or raise `queue_depth`"
    )]
    QueueFull {
        /// The workflow.
        workflow: String,
        /// How many wait.
        depth: u32,
        /// How many may.
        limit: u32,
    },
    /// There is no such run.
    #[error("there is no run `{run}` in this store")]
    NoRun {
        /// The run.
        run: RunId,
    },
    /// There is no such schedule.
    #[error("there is no schedule `{name}` in this store")]
    NoSchedule {
        /// Its name.
        name: String,
    },
    /// The run is of another workflow.
    #[error("run `{run}` is one of workflow `{found}`, not of `{expected}`")]
    OtherWorkflow {
        /// The run.
        run: RunId,
        /// What was asked for.
        expected: String,
        /// What it is.
        found: String,
    },
    /// The run is of another version of its workflow.
    #[error(
        "run `{run}` is one of `{workflow}` in version {found}, and this program asks for version {expected}"
    )]
    OtherVersion {
        /// The run.
        run: RunId,
        /// Its workflow.
        workflow: String,
        /// What was asked for.
        expected: u32,
        /// What it is.
        found: u32,
    },
    /// There is no such worker among the living.
    #[error("no living worker is `{worker}`; `client.workers().list()` shows those that there are")]
    NoWorker {
        /// Its name or key.
        worker: String,
    },
    /// Another worker drives the run.
    #[error("run `{run}` is already running, on worker `{worker}`")]
    AlreadyRunning {
        /// The run.
        run: RunId,
        /// The worker that holds its lease.
        worker: String,
    },
    /// The state of the run does not allow this.
    #[error("run `{run}` is {state}, so it cannot be {verb}")]
    WrongState {
        /// The run.
        run: RunId,
        /// Where it stands.
        state: RunState,
        /// What was to be done.
        verb: &'static str,
    },
    /// A gate was decided otherwise before.
    #[error("gate `{gate}` of run `{run}` was {} by {} already", if .first.approved { "approved" } else { "rejected" }, .first.by)]
    AlreadyDecided {
        /// The run.
        run: RunId,
        /// The gate.
        gate: String,
        /// The decision that stands.
        first: Decision,
    },
    /// A vote does not count.
    #[error("gate `{gate}` of run `{run}`: {why}")]
    VoteRefused {
        /// The run.
        run: RunId,
        /// The gate.
        gate: String,
        /// Why.
        why: Box<VoteRefused>,
    },
    /// Another message was sent under the same id.
    #[error(
        "another message was sent to run `{run}` under this id; give each message an id of its own"
    )]
    OtherSignal {
        /// The run.
        run: RunId,
    },
    /// A message cannot be stored.
    #[error("{what} {fault}")]
    Message {
        /// Which one.
        what: String,
        /// Why.
        #[source]
        fault: Fault,
    },
    /// The run has nothing of this name or id.
    #[error("run `{run}` does not have {verb}")]
    Nothing {
        /// The run.
        run: RunId,
        /// What was looked for.
        verb: &'static str,
    },
    /// The run was ended from outside.
    #[error("run `{run}` was cancelled by {by}: {reason}")]
    Cancelled {
        /// The run.
        run: RunId,
        /// By whom.
        by: String,
        /// Why.
        reason: String,
    },
    /// The run failed.
    #[error(transparent)]
    Failed(#[from] Box<RunFailed>),
    /// A worker cannot be started as it was described.
    #[error("this worker cannot start: {reason}")]
    Worker {
        /// What is wrong, and what to do.
        reason: String,
    },
}

/// How a run failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("run `{run}` of workflow `{workflow}` failed{}: {message}", .step.as_ref().map(|s| format!(" in step `{s}`")).unwrap_or_default())]
pub struct RunFailed {
    /// The run.
    pub run: RunId,
    /// Its workflow.
    pub workflow: String,
    /// The step whose failure ended it, where it was one.
    pub step: Option<String>,
    /// What it said.
    pub message: String,
    /// The error as it is stored.
    pub outcome: Outcome,
}

impl RunFailed {
    /// The typed error in which the workflow ended; none where it does not describe an `E`.
    pub fn error<E: StepError>(&self) -> Option<E> {
        match &self.outcome {
            Outcome::Err(json) => E::load(json).ok(),
            Outcome::Fault(fault) => Some(E::from_fault(fault.clone())),
            Outcome::Ok(_) => None,
        }
    }
}
