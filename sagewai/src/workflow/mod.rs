//! How authors write: what may be awaited in a workflow, and how a body is replayed over what its run has left.
//! This layer asks for effects and performs none.

pub(crate) mod approval;
pub(crate) mod args;
pub(crate) mod asks;
mod child;
pub(crate) mod combine;
mod context;
pub(crate) mod durable;
pub(crate) mod erased;
pub(crate) mod execution;
pub(crate) mod graph;
pub(crate) mod in_order;
pub(crate) mod node;
pub(crate) mod operations;
mod record;
mod registry;
pub(crate) mod replay;
#[cfg(test)]
mod replay_cost;
#[cfg(feature = "schedules")]
mod schedule;
pub(crate) mod scope;
mod signal;
mod sleep;
mod spawn;
pub(crate) mod spec;
pub(crate) mod stand_in;
mod step_call;
pub(crate) mod timeout;
pub(crate) mod unchecked;
mod watch;
mod workflow_call;

pub use approval::{ApprovalGate, approval};
pub use asks::{StaticLabel, StaticLabels};
pub use child::{ChildCall, ChildHandle, ChildResult, ChildStart, child};
pub use combine::{Map, TryMap, Won2, Won3, Won4, Won5, Won6, Won7, Won8, map, try_map};
pub use context::{StepContext, WorkflowContext};
pub use durable::Durable;
pub use graph::{Flow, Graph, GraphNode, NodeInfo, NodeKind, ParallelKind};
pub use record::{Now, Record, UuidCall, now, record, uuid};
pub use registry::WorkflowFn;
pub(crate) use registry::{Definition, Registry};
#[cfg(feature = "schedules")]
pub use schedule::Schedule;
pub use signal::{SignalWait, signal};
pub use sleep::{Sleep, sleep, sleep_until};
pub use spawn::{Spawned, spawn};
pub use spec::{Payload, Step, StepSpec, Workflow, WorkflowSpec};
pub use step_call::StepCall;
pub use timeout::Timeout;
pub use unchecked::unchecked;
pub use workflow_call::{Assignment, DEFAULT_POOL, WorkflowCall};
