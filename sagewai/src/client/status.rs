//! Where a run stands, step by step.

use std::time::Duration;

use crate::error::Error;
use crate::model::{
    CheckpointKind, EventKind, Journal, Lack, Position, Run, RunId, RunState, RunningStep,
    Timestamp, WorkerRecord, lack, waits_in,
};
use crate::store::{AnyStore, StoreError};

/// A run, and what each of its operations has done, in the order of the run.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Status {
    /// The run: its state, what it waits for, its times.
    pub run: Run,
    /// Name of the worker that drives it, or drove it last.
    pub worker: Option<String>,
    /// Why no live worker can take it, where it is claimable and none can.
    pub lack: Option<Lack>,
    /// Its operations.
    pub steps: Vec<StepStatus>,
}

/// One operation of a run.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct StepStatus {
    /// Where in the run.
    pub position: Position,
    /// What it is.
    pub kind: CheckpointKind,
    /// Where it stands.
    pub state: StepState,
    /// Which attempt ended, runs, or comes next; from 1, and 0 where there are none.
    pub attempt: u32,
    /// What the last failed attempt said.
    pub error: Option<String>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// How long its last attempt took, or has been running as of the worker's last heartbeat.
    pub took: Option<Duration>,
}

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepState {
    /// An attempt runs, as of the worker's last heartbeat.
    Running,
    /// An attempt failed; the next one begins at a time.
    Retrying {
        /// When.
        next_at: Timestamp,
    },
    /// Its outcome is stored.
    Completed,
    /// Its failure is stored.
    Failed,
}

/// Reads a run and tells how far it is.
pub(super) async fn of(store: &AnyStore, id: &RunId) -> Result<Option<Status>, Error> {
    let Some(run) = store.run(id).await? else {
        return Ok(None);
    };
    let Some(journal) = store.journal(id).await? else {
        return Ok(None);
    };
    let mut worker = None;
    let mut executing = Vec::new();
    let mut missing = None;
    if run.state == RunState::Pending && run.due_at.is_none() {
        let workers = store.workers(Duration::MAX).await?;
        let queue = waits_in(&run, &journal.events);
        missing = lack(&queue, &workers, store.now().await?);
    }
    if let Some(record) = driver_of(store, &run).await? {
        worker = Some(record.registered.name);
        executing = record.running;
        executing.retain(|step| step.run == run.id && run.state == RunState::Running);
    }
    let steps = steps(&journal, &executing);
    Ok(Some(Status {
        run,
        worker,
        lack: missing,
        steps,
    }))
}

/// The worker that drives a run, or drove it last.
pub(crate) async fn driver_of(
    store: &AnyStore,
    run: &Run,
) -> Result<Option<WorkerRecord>, StoreError> {
    let Some(key) = run.worker else {
        return Ok(None);
    };
    let workers = store.workers(Duration::MAX).await?;
    Ok(workers.into_iter().find(|w| w.registered.key == key))
}

fn steps(journal: &Journal, executing: &[RunningStep]) -> Vec<StepStatus> {
    let mut steps: Vec<StepStatus> = journal
        .checkpoints
        .iter()
        .map(|checkpoint| (&checkpoint.written, checkpoint.at))
        .filter(|(written, _)| written.kind.is_of_an_operation(&written.position))
        .map(|(c, at)| StepStatus {
            position: c.position.clone(),
            kind: c.kind,
            state: if c.outcome.is_ok() {
                StepState::Completed
            } else {
                StepState::Failed
            },
            attempt: c.attempts,
            error: (!c.outcome.is_ok()).then(|| c.outcome.error_text()),
            finished_at: Some(at),
            took: Some(c.took),
        })
        .collect();
    for event in &journal.events {
        let EventKind::AttemptFailed {
            position,
            attempt,
            error,
            next_at,
        } = &event.kind
        else {
            continue;
        };
        match steps.iter_mut().find(|step| step.position == *position) {
            Some(step) => {
                step.error = Some(error.clone());
                if let (StepState::Retrying { .. }, Some(next_at)) = (step.state, *next_at) {
                    step.state = StepState::Retrying { next_at };
                    step.attempt = attempt + 1;
                }
            }
            None => {
                if let Some(next_at) = *next_at {
                    steps.push(StepStatus {
                        position: position.clone(),
                        kind: CheckpointKind::Step,
                        state: StepState::Retrying { next_at },
                        attempt: attempt + 1,
                        error: Some(error.clone()),
                        finished_at: None,
                        took: None,
                    });
                }
            }
        }
    }
    for running in executing {
        let took = Some(Duration::from_millis(running.for_ms));
        match steps.iter_mut().find(|s| s.position == running.position) {
            // Its outcome is newer than the heartbeat.
            Some(step) if step.finished_at.is_some() => {}
            Some(step) => {
                step.state = StepState::Running;
                step.attempt = step.attempt.max(running.attempt);
                step.took = took;
            }
            None => steps.push(StepStatus {
                position: running.position.clone(),
                kind: CheckpointKind::Step,
                state: StepState::Running,
                attempt: running.attempt,
                error: None,
                finished_at: None,
                took,
            }),
        }
    }
    steps
}
