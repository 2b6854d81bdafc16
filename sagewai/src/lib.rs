//! Durable, typed workflows.
//!
//! You annotate async functions; every step's result is checkpointed to your database; after a crash, a deploy or a week
//! of waiting for a person, the run goes on where it was. Runs on tokio. There is no server to operate.
//!
//! ```
//! use sagewai::prelude::*;
//!
//! #[step]
//! async fn research(topic: &str) -> Result<String> {
//!     Ok(format!("notes on {topic}")) // anything: HTTP, files, a language model
//! }
//!
//! #[step(retries = 3, retry_delay = 2.0, timeout = "30s")]
//! async fn draft(notes: &str) -> Result<String> {
//!     Ok(format!("an article from {notes}"))
//! }
//!
//! /// Researches, drafts, asks a person.
//! #[workflow(name = "article-pipeline")]
//! async fn article_pipeline(topic: String) -> Result<String> {
//!     let notes = research(&topic).await?;
//!     let draft = draft(&notes).await?;
//!     approval("review").prompt("Publish it?").context(&draft).await?;
//!     Ok(draft)
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<()> {
//!     let store = sagewai::store::open("memory:").await?; // or sqlite://articles.db, postgres://…
//!     let client = Client::new(&store);
//!     let worker = WorkflowWorker::builder(&store).workflow(article_pipeline).start().await?;
//!
//!     let run = article_pipeline("tides".into()).run_id("article-1").start(&client).await?;
//!     client.gate("article-1", "review").approve("editor@acme.com").await?; // from any process
//!     println!("{}", run.result().await?);
//!     worker.shutdown().await?;
//!     Ok(())
//! }
//! ```
//!
//! **The promise**: a step's result is committed exactly once; a step's body runs at least once; every write is fenced
//! by the lease of the worker that makes it; a workflow never sees a result that is not committed.
//!
//! # Where to look
//!
//! - [`step`] and [`workflow`](macro@workflow): how to write them; [`Durable`] lists what a workflow may await.
//! - [`Client`] and [`RunHandle`]: start runs, await them, decide, retry. [`WorkflowWorker`]: drive them.
//! - [`store`]: where they live.
//! - [`Failure`], [`Fault`], [`Error`]: what can go wrong, for authors, of the engine, for callers.
//!
//! # Features
//!
//! | feature | default | |
//! |---|---|---|
//! | `sqlite` | yes | [`store::SqliteStore`]: one file, for one machine |
//! | `postgres` | yes | [`store::PostgresStore`]: for several machines |
//! | `macros` | yes | the attributes |
//! | `schedules` | yes | `Schedule`: runs that start by the calendar or at an interval |
//! | `agents` | no | `agent`: models, tools and agents, whose every call is a checkpoint of its own |
//! | `cli` | no | `cli`: the command line of your own binary, with a worker, its probes, starts and migrations |
//! | `testing` | no | [`store::conformance`]: the contract of a store as tests, for your own |

// Generated code names `::sagewai`, in the tests of this crate as well.
extern crate self as sagewai;

#[cfg(feature = "agents")]
pub mod agent;
#[cfg(feature = "cli")]
pub mod cli;
pub mod client;
mod clock;
pub mod credentials;
pub mod error;
#[doc(hidden)]
pub mod macro_support;
#[doc(hidden)]
pub mod model;
pub mod monitor;
#[doc(hidden)]
pub mod options;
pub mod prelude;
pub mod store;
pub mod worker;
pub mod workflow;

#[cfg(feature = "agents")]
pub use agent::{ConditionalAgent, LoopAgent, ParallelAgent, SequentialAgent, UniversalAgent};
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub use client::StartIn;
#[cfg(feature = "schedules")]
pub use client::{Backfill, Schedules};
pub use client::{
    Client, GateHandle, Place, RoutingConstraints, RunHandle, Settled, StateAt, Status, StepState,
    StepStatus, Unserved, WorkerLoadBalancer, WorkerView, Workers,
};
pub use credentials::{
    InferenceParams, Secret, WorkerCredentials, WrongCredentials, with_worker_credentials,
    worker_credentials,
};
pub use error::{Classify, Error, Failure, Fault, Result, RunFailed, StepError};
pub use model::{
    Backlog, Checkpoint, CheckpointKind, Child, Decision, Event, EventKind, Gate, GateRules,
    Happened, Header, Invalid, Journal, Json, Label, Labels, Lack, NewCheckpoint, OnDeadline,
    OnParentEnd, Outcome, Parent, Position, Program, QueueName, Rate, Run, RunFilter, RunId,
    RunKey, RunState, ServedWorkflow, Signal, TimelineEntry, Timestamp, Vote, VoteRefused, Waiting,
    Wish, WorkerKey, WorkerRecord, WorkerState,
};
pub use model::{
    CatchUp, Fired, Mark, Overlap, RunTemplate, ScheduleDefinition, ScheduleProgress,
    ScheduleRecord, Skip, SkipReason, Timing,
};
pub use monitor::{Why, WhyCode, WorkflowMonitor};
#[cfg(feature = "macros")]
pub use sagewai_macros::{step, workflow};
pub use worker::{Health, HealthWatch, WorkerBuilder, WorkerHandle, WorkflowWorker};
#[cfg(feature = "schedules")]
pub use workflow::Schedule;
pub use workflow::approval::approval;
pub use workflow::graph::graph;
// The types behind these functions, which the graph of a workflow asks; see `workflow/operations.rs`.
#[doc(hidden)]
pub use workflow::operations::{
    approval, child, map, now, record, signal, sleep, sleep_until, try_map, uuid,
};
pub use workflow::{
    ApprovalGate, Assignment, ChildCall, ChildHandle, Durable, Payload, SignalWait, Spawned, Step,
    StepCall, StepContext, Workflow, WorkflowCall, WorkflowContext, child, map, now, record,
    signal, sleep, sleep_until, spawn, try_map, unchecked, uuid,
};
