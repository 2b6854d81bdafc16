//! Workers: they claim runs and drive them.
//!
//! One life of a run: `dispatch` claims it, `drive` polls its body and does what it asks for, `attempt` runs
//! one attempt of a step, `lease` keeps the worker's right to all of it.

mod attempt;
mod builder;
mod dispatch;
pub(crate) mod drive;
mod handle;
mod health;
mod identity;
mod lease;
pub(crate) mod life;
mod operations;
mod proof;
mod reminder;
#[cfg(feature = "schedules")]
mod schedules;
mod signals;

pub use builder::WorkerBuilder;
pub(crate) use builder::setup_in_place;
pub use handle::WorkerHandle;
pub use health::{Health, HealthWatch};
pub(crate) use identity::begin_life;
pub(crate) use lease::{Undertaker, keep as keep_lease};
pub use reminder::Reminded;
#[cfg(feature = "schedules")]
pub(crate) use schedules::{change as change_schedule, put as put_schedule};

/// Claims runs from a store and drives them; as many as you like, in as many processes as you like.
///
/// ```no_run
/// # use sagewai::prelude::*;
/// # #[workflow] async fn article_pipeline(topic: String) -> Result<String> { Ok(topic) }
/// # async fn doc() -> Result<()> {
/// let store = sagewai::store::open("sqlite://articles.db").await?;
/// let worker = WorkflowWorker::builder(&store)
///     .workflow(article_pipeline)
///     .concurrency(20)
///     .start()
///     .await?;
/// // …
/// worker.shutdown().await?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct WorkflowWorker(());
