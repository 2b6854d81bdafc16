//! What a step may ask about itself, and a workflow about its run.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::replay::Replay;
use crate::model::{Labels, Position, RunId};

/// What a step may ask about itself. Take it as a parameter, `ctx: &StepContext` or `ctx: StepContext`: it is
/// neither stored nor part of the call.
///
/// ```
/// # use sagewai::StepContext;
/// async fn charge(ctx: &StepContext, cents: u32) -> String {
///     // The same on every attempt, so that the other side can tell a repetition.
///     format!("{} for key {}", cents, ctx.idempotency_key())
/// }
/// ```
#[derive(Debug, Clone)]
pub struct StepContext(Arc<Step>);

#[derive(Debug)]
struct Step {
    run: RunId,
    workflow: String,
    position: Position,
    attempt: u32,
    token: CancellationToken,
}

tokio::task_local! {
    static CURRENT: StepContext;
}

impl StepContext {
    pub(crate) fn new(
        run: RunId,
        workflow: String,
        position: Position,
        attempt: u32,
        token: CancellationToken,
    ) -> StepContext {
        StepContext(Arc::new(Step {
            run,
            workflow,
            position,
            attempt,
            token,
        }))
    }

    /// A context for a step that is called outside a workflow, in a unit test for instance: a run id of its own, the
    /// step's name as position, the first attempt.
    pub fn detached(step: &str) -> StepContext {
        StepContext::new(
            RunId::generate(),
            String::new(),
            step.into(),
            1,
            CancellationToken::new(),
        )
    }

    /// The context of the step that runs on this task, for code that is not handed one. None in tasks that the step
    /// spawned.
    pub fn current() -> Option<StepContext> {
        CURRENT.try_with(Clone::clone).ok()
    }

    /// The run.
    pub fn run_id(&self) -> &RunId {
        &self.0.run
    }

    /// Name of the workflow; empty outside one.
    pub fn workflow(&self) -> &str {
        &self.0.workflow
    }

    /// Where in the run: `draft`, `draft#2`.
    pub fn position(&self) -> &Position {
        &self.0.position
    }

    /// Which attempt this is, from 1.
    pub fn attempt(&self) -> u32 {
        self.0.attempt
    }

    /// A text that is the same on every attempt and every replay of this step, and of no other.
    pub fn idempotency_key(&self) -> String {
        format!("{}:{}", self.0.run, self.0.position)
    }

    /// Waits until the run is cancelled, or is another worker's. A step that watches it can stop in order; one that does
    /// not is aborted after a grace, at its next `.await`. Nothing that it returns is stored any more.
    ///
    /// ```
    /// # use sagewai::StepContext;
    /// # async fn work() -> u32 { 1 }
    /// async fn crawl(ctx: &StepContext) -> u32 {
    ///     tokio::select! {
    ///         pages = work() => pages,
    ///         () = ctx.cancelled() => 0, // closes what it has opened
    ///     }
    /// }
    /// ```
    pub async fn cancelled(&self) {
        self.0.token.cancelled().await;
    }

    /// Whether the run was cancelled, or is another worker's: for loops that do not await.
    pub fn is_cancelled(&self) -> bool {
        self.0.token.is_cancelled()
    }

    pub(crate) async fn scope<F: Future>(self, body: F) -> F::Output {
        CURRENT.scope(self, body).await
    }
}

/// What a workflow may ask about its run; every replay gives the same answers. Take it as a parameter,
/// `cx: &WorkflowContext`.
#[derive(Debug, Clone)]
pub struct WorkflowContext(Arc<Replay>);

impl WorkflowContext {
    pub(crate) fn new(replay: &Arc<Replay>) -> WorkflowContext {
        WorkflowContext(replay.clone())
    }

    /// The run.
    pub fn run_id(&self) -> &RunId {
        &self.0.identity.id
    }

    /// Name of the workflow.
    pub fn workflow(&self) -> &str {
        &self.0.identity.workflow
    }

    /// What the run asks of a worker.
    pub fn labels(&self) -> &Labels {
        &self.0.identity.labels
    }
}
