//! Runs that a driven run starts: each start is a task of its own, begun like a step after the commit that leads to it.
//!
//! A start is repeated by its replay until its checkpoint is stored; under the same id, all of them are one.

use super::Drive;
use super::arrivals::checkpoint;
use crate::clock::Backoff;
use crate::error::Fault;
use crate::model::{CheckpointKind, Json, NewCheckpoint, NewRun, Outcome, Position, Started};
use crate::store::{AnyStore, StoreError};
use crate::worker::attempt::Ended;
use crate::worker::operations::Operation;

impl Drive {
    /// Hands the runs to the store that the body has asked for.
    pub(super) fn begin_starts(&mut self) {
        for (position, new) in self.operations.due_starts() {
            tracing::debug!(run = %self.run.id, child = %new.id, "child starts");
            let store = self.life.setup.store.clone();
            let at = position.clone();
            let task = self.tasks.spawn(async move {
                let outcome = start(&store, new).await;
                (at, Ended::Started(outcome))
            });
            self.aborts.insert(position, task);
        }
    }

    /// Takes in that a run was started, or why it cannot be.
    pub(super) fn started(&mut self, position: &Position, outcome: Outcome) {
        let Some(Operation::Start(start)) = self.operations.remove(position) else {
            return;
        };
        let kept = NewCheckpoint {
            input_digest: start.digest,
            ..checkpoint(position, CheckpointKind::Child, start.site, outcome)
        };
        self.arrived(self.life.clock.now(), kept);
    }
}

/// Starts a run, however long the store is away.
async fn start(store: &AnyStore, new: NewRun) -> Outcome {
    let mut backoff = Backoff::new();
    loop {
        match store.start(new.clone()).await {
            Ok(Started::Created) => return named(&new),
            Ok(Started::Conflict { workflow, .. }) => {
                let reason =
                    format!("it exists already, for other arguments or workflow `{workflow}`");
                return refused(&new, reason);
            }
            Ok(Started::Attached) => match store.run(&new.id).await {
                Ok(found)
                    if found
                        .as_ref()
                        .is_some_and(|r| r.header.parent == new.header.parent) =>
                {
                    return named(&new);
                }
                Ok(_) => {
                    let reason = "it exists already, and something else started it".to_owned();
                    return refused(&new, reason);
                }
                Err(error) => note(&new, &error),
            },
            Err(error) if error.is_transient() => note(&new, &error),
            Err(error) => return refused(&new, error.to_string()),
        }
        backoff.pause().await;
    }
}

fn note(new: &NewRun, error: &StoreError) {
    tracing::warn!(child = %new.id, %error, "child not started yet");
}

fn named(new: &NewRun) -> Outcome {
    Json::encode(new.id.as_str()).map_or_else(Outcome::Fault, Outcome::Ok)
}

fn refused(new: &NewRun, reason: String) -> Outcome {
    Outcome::Fault(Fault::Child {
        run: new.id.to_string(),
        reason,
    })
}
