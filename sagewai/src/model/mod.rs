//! The nouns of the system and the rules between them: pure, synchronous, and the same for every store.

mod act;
mod admission;
mod balance;
mod checkpoint;
mod commit;
mod event;
mod filter;
mod fleet;
mod forgetting;
mod gate;
mod ids;
mod labels;
mod limits;
mod lineage;
mod payload;
pub(crate) mod retry;
mod run;
mod schedule;
mod signal;
mod storable;
mod time;
mod timeline;
mod worker;

pub use act::{Act, Answer, may};
pub use admission::{Admission, Debounce, Debounced, StartRules, has_not_begun, start_key};
pub use balance::{Assigned, Assigning, Balancing, Constraints, WorkerLoad, choose};
pub use checkpoint::{
    Checkpoint, CheckpointKind, NewCheckpoint, Outcome, digest, input_checkpoint,
};
pub use commit::{Beyond, Commit, Ending, Found, Park, Then, Verdict, judge};
pub use event::{Event, EventKind, NewEvent};
pub use filter::{DEFAULT_PAGE, RunFilter};
pub use fleet::{Backlog, Lack, WorkerState, lack, waits_in};
pub use gate::{
    DEADLINE, Decision, Gate, GateRequest, GateRules, OnDeadline, Vote, VoteRefused, Voted,
    gate_digest,
};
pub use ids::{
    Invalid, Position, RunId, RunKey, WorkerKey, concurrency_key, gate_name, person, pool_name,
    program_version, reason, signal_name, worker_name, workflow_name,
};
pub use labels::{Label, Labels};
pub use limits::{Admitted, Candidate, Limited, LimitedClaim, Limits, Rate, Usage};
pub use lineage::{Cause, Child, Header, OnParentEnd, Parent};
pub use payload::Json;
pub use run::{
    ClaimOne, Claimed, Journal, Messages, NewRun, PRIORITY_LEVEL_US, Run, RunState, Started,
    Waiting, can_retry, is_legal, orderly_claims,
};
#[cfg(feature = "schedules")]
pub(crate) use schedule::Calendar;
pub use schedule::{
    CatchUp, DueSchedules, Fired, Mark, Overlap, RunTemplate, ScheduleDefinition, ScheduleProgress,
    ScheduleRecord, Skip, SkipReason, Timing, schedule_name,
};
pub use signal::{NewSignal, Signal};
pub use time::Timestamp;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(crate) use time::micros;
pub use timeline::{Done, Driver, Happened, History, TimelineEntry};
pub use worker::{
    Beat, Lease, NewWorker, Program, QueueName, Registered, RunningStep, ServedWorkflow, Serves,
    Tick, Wish, WorkerRecord,
};
