//! Everything that generated code may name, and nothing else. Not for people: no promise is made here.

pub use std::boxed::Box;
pub use std::clone::Clone;
pub use std::option::Option;
pub use std::path::PathBuf;
pub use std::string::String;
pub use std::time::Duration;
pub use std::vec::Vec;

pub use crate::error::{Classify, Failure, Fault, StepError, StepResult};
pub use crate::model::{Json, Rate};
pub use crate::workflow::args::{Arg, Arguments, arg, copy, own};
pub use crate::workflow::asks::StaticLabel;
pub use crate::workflow::combine::{
    Block, Branch, CheckedBlock, JoinBranches, RaceBranches, Slot, TryJoinBranches, branch,
    checked_block, join, race, try_join,
};
pub use crate::workflow::durable::durable;
pub use crate::workflow::graph::{
    Flow, Graph, GraphNode, NodeInfo, NodeKind, ParallelKind, unique,
};
pub use crate::workflow::in_order::{Through, ThroughFallback, in_order};
pub use crate::workflow::node::{
    Node, Probe, ProbeFallback, StepNode, TerminalFallback, TerminalProbe, Unknown, ValueNode,
    WorkflowNode, debug_state, load,
};
pub use crate::workflow::scope::{Scope, Site};
pub use crate::workflow::spec::{
    BoxFuture, Payload, Step, StepSpec, Workflow, WorkflowSpec, backoff, queue_depth, slots,
    timeout,
};
pub use crate::workflow::stand_in::{Failed, checked};
pub use crate::workflow::unchecked::{Own, OwnFallback};
pub use crate::workflow::{StepCall, StepContext, WorkflowCall, WorkflowContext};

/// What reading or writing a stored value gives.
pub type Stored<T> = Result<T, Fault>;
/// The future of a step's body.
pub type StepFuture<S> = BoxFuture<'static, Result<<S as Step>::Output, <S as Step>::Error>>;
/// The future of a workflow's body.
pub type BodyFuture<W> =
    BoxFuture<'static, Result<<W as Workflow>::Output, <W as Workflow>::Error>>;
