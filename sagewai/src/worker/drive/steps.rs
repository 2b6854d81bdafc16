//! The steps of a driven run: each attempt is a task of its own.

use tokio::task::JoinError;

use super::Drive;
use super::arrivals::{Arrival, checkpoint};
use crate::clock::chance;
use crate::model::{CheckpointKind, EventKind, NewCheckpoint, NewEvent, Position, retry};
use crate::worker::attempt::{Attempted, Ended, attempt};
use crate::worker::operations::{Operation, Stage};
use crate::workflow::StepContext;

impl Drive {
    /// Begins the attempts whose time has come, and the runs that are to be started, unless the run is to stop.
    pub(super) fn begin_due(&mut self) {
        if self.mail.borrow().drain || self.run.pausing {
            return;
        }
        self.begin_starts();
        for position in self.operations.due_steps() {
            let Some(step) = self.operations.step_mut(&position) else {
                continue;
            };
            step.stage = Stage::Running;
            let context = StepContext::new(
                self.run.id.clone(),
                self.run.workflow.clone(),
                position.clone(),
                step.attempt,
                self.token.child_token(),
            );
            let attempt = attempt(
                context,
                self.life.setup.credentials.clone(),
                step.spec.name,
                step.spec.timeout,
                step.input.clone(),
                step.body.clone(),
            );
            let (life, run, number) = (self.life.clone(), self.run.id.clone(), step.attempt);
            let at = position.clone();
            tracing::debug!(run = %run, step = %position, attempt = number, "step begins");
            let task = self.tasks.spawn(async move {
                let noted = life.executing(&run, &at, number);
                let attempted = attempt.await;
                drop(noted);
                (at, Ended::Attempt(attempted))
            });
            self.aborts.insert(position, task);
        }
    }

    /// Takes in an attempt that has ended: its outcome, or the time of the next one.
    pub(super) fn joined(&mut self, ended: Result<(Position, Ended), JoinError>) {
        // A task that was aborted has been taken out of the books already; panics are caught inside.
        let Ok((position, ended)) = ended else {
            return;
        };
        if self.aborts.remove(&position).is_none() {
            return;
        }
        let Attempted { returned, took } = match ended {
            Ended::Attempt(attempted) => attempted,
            Ended::Started(outcome) => return self.started(&position, outcome),
        };
        let Some(step) = self.operations.step_mut(&position) else {
            return;
        };
        let number = step.attempt;
        if let Some(error) = &returned.error {
            let goes_on = !returned.terminal && number <= step.spec.retries;
            let next_at = goes_on.then(|| {
                let pause =
                    retry::pause(step.spec.retry_delay, step.spec.backoff, number, chance());
                let asked = returned.retry_after.unwrap_or_default();
                self.life.clock.now().after(pause.max(asked))
            });
            self.draft
                .events
                .push(NewEvent::new(EventKind::AttemptFailed {
                    position: position.clone(),
                    attempt: number,
                    error: error.clone(),
                    next_at,
                }));
            tracing::info!(run = %self.run.id, step = %position, attempt = number, %error, retried = goes_on, "attempt failed");
            if let Some(at) = next_at {
                step.attempt += 1;
                step.stage = Stage::Delayed {
                    at,
                    error: error.clone(),
                };
                return;
            }
        }
        let checkpoint = NewCheckpoint {
            attempts: number,
            took,
            input_digest: step.input_digest,
            ..checkpoint(
                &position,
                CheckpointKind::Step,
                step.site,
                returned.outcome.clone(),
            )
        };
        self.operations.remove(&position);
        let arrival = Arrival {
            position,
            outcome: returned.outcome,
            checkpoint: Some(checkpoint),
            takes: None,
        };
        self.arrivals.push(self.life.clock.now(), arrival);
    }

    /// Ends an operation that the body no longer waits for.
    pub(super) fn abandon(&mut self, position: &Position) {
        match self.operations.remove(position) {
            Some(Operation::Gate(gate)) => {
                let name = gate.request.name;
                // Nobody is asked any more, where nobody has been asked yet.
                let asked = self.draft.gates.len();
                self.draft.gates.retain(|gate| gate.name != name);
                if asked == self.draft.gates.len() {
                    self.draft.beyond.withdrawn.push(name);
                }
            }
            Some(Operation::Child { run, .. }) => self.draft.beyond.ends.push(run.key()),
            Some(Operation::Start(start)) if start.begun => {
                self.draft.beyond.ends.push(start.new.id.key());
                // It may be on its way: it is waited for, and then ended.
                self.aborts.remove(position);
                self.abandoned_starts = true;
            }
            _ => {}
        }
        if let Some(task) = self.aborts.remove(position) {
            task.abort();
        }
    }

    /// Waits until nothing is executed any more of what was abandoned, so that no step outlives the branch that
    /// called it.
    pub(super) async fn abandoned_have_ended(&mut self) {
        while self.tasks.len() > self.aborts.len() {
            match self.tasks.join_next().await {
                Some(ended) => self.joined(ended),
                None => break,
            }
        }
        self.abandoned_starts = false;
    }
}
