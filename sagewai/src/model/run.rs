//! One execution of a workflow: its states, what it waits for, what a worker gets of it.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    Assigned, Checkpoint, Child, Event, Gate, Header, Json, Labels, Position, QueueName, RunId,
    RunKey, Signal, Timestamp, WorkerKey,
};

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Claimable, now or at a time.
    Pending,
    /// A worker drives it.
    Running,
    /// It waits for a gate, a signal, another run, a timer, a retry; it costs nothing meanwhile.
    Waiting,
    /// A person stopped it; it goes on when they say so.
    Paused,
    /// It returned a value.
    Completed,
    /// It was given up: a dead letter until it is retried or discarded.
    Failed,
    /// A person ended it.
    Cancelled,
}

impl RunState {
    /// All of them.
    pub const ALL: [RunState; 7] = [
        RunState::Pending,
        RunState::Running,
        RunState::Waiting,
        RunState::Paused,
        RunState::Completed,
        RunState::Failed,
        RunState::Cancelled,
    ];

    /// The word in the tables and on the console.
    pub fn as_str(self) -> &'static str {
        match self {
            RunState::Pending => "pending",
            RunState::Running => "running",
            RunState::Waiting => "waiting",
            RunState::Paused => "paused",
            RunState::Completed => "completed",
            RunState::Failed => "failed",
            RunState::Cancelled => "cancelled",
        }
    }

    /// Reads the word.
    pub fn from_word(word: &str) -> Option<RunState> {
        RunState::ALL.into_iter().find(|s| s.as_str() == word)
    }

    /// Whether nothing more happens by itself.
    pub fn is_finished(self) -> bool {
        matches!(
            self,
            RunState::Completed | RunState::Failed | RunState::Cancelled
        )
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The legal moves of a run; `docs/states.md` draws them, the tables' constraints repeat what they can.
pub fn is_legal(from: RunState, to: RunState) -> bool {
    use RunState::{Cancelled, Completed, Failed, Paused, Pending, Running, Waiting};
    matches!(
        (from, to),
        // To failed: it was not over by its deadline.
        (Pending | Waiting | Paused, Failed)
            | (Pending, Running | Paused | Cancelled)
            // To itself: taken over from a worker that is gone.
            | (Running, Running | Pending | Waiting | Paused | Completed | Failed | Cancelled)
            | (Waiting, Pending | Paused | Cancelled)
            | (Paused, Pending | Cancelled)
            | (Failed, Pending)
    )
}

/// What a parked run waits for, and what would make it go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "for", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Waiting {
    /// A person's decision.
    Gate {
        /// Name of the gate.
        gate: String,
    },
    /// A message.
    Signal {
        /// What it is called.
        signal: String,
    },
    /// Another run, which it started.
    Child {
        /// Which one.
        run: RunId,
    },
    /// A time.
    Timer {
        /// Where in the run.
        position: Position,
        /// When it ends.
        until: Timestamp,
    },
    /// The next attempt of a step.
    Retry {
        /// Which step.
        position: Position,
        /// The attempt that comes next, from 2.
        attempt: u32,
        /// When.
        at: Timestamp,
        /// What the last one said.
        error: String,
    },
    /// Its code no longer fits what is stored. Nothing was executed; it goes on after a retry by fitting code.
    Diverged {
        /// What was expected where, and what the code asks for.
        reason: String,
    },
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Waiting::Gate { gate } => write!(f, "waits for a decision at gate `{gate}`"),
            Waiting::Signal { signal } => write!(f, "waits for signal `{signal}`"),
            Waiting::Child { run } => write!(f, "waits for run `{run}`, which it started"),
            Waiting::Timer { position, until } => write!(f, "`{position}` sleeps until {until}"),
            Waiting::Retry {
                position,
                attempt,
                at,
                error,
            } => {
                write!(
                    f,
                    "attempt {attempt} of `{position}` begins at {at}; the last one said: {error}"
                )
            }
            Waiting::Diverged { reason } => write!(f, "the code no longer fits the run: {reason}"),
        }
    }
}

/// What a level of priority is worth: who has one more goes before those who are older by less than a minute.
pub const PRIORITY_LEVEL_US: i64 = 60_000_000;

/// A run that is to be created.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRun {
    /// Its id.
    pub id: RunId,
    /// Name of its workflow.
    pub workflow: String,
    /// The version of its workflow that it begins with, and keeps.
    pub version: u32,
    /// The pool whose workers may serve it.
    pub pool: String,
    /// What it asks of a worker.
    pub labels: Labels,
    /// A level is worth a minute of age; the oldest are claimed first.
    pub priority: i16,
    /// Of the runs of one key, so many are driven at once as its workflow says.
    pub concurrency_key: Option<String>,
    /// Its arguments.
    pub input: Json,
    /// Fingerprint of the workflow it begins with.
    pub fingerprint: i64,
    /// How long it stays out of the queue.
    pub delay: Duration,
    /// Until when it stays out of the queue, if that is later.
    pub not_before: Option<Timestamp>,
    /// The worker that it is meant for, which may have it before its delay is over.
    pub assigned: Option<Assigned>,
    /// Where it comes from, and how long it may take.
    pub header: Header,
}

impl NewRun {
    /// The queue to which it belongs.
    pub fn home(&self) -> QueueName {
        QueueName {
            workflow: self.workflow.clone(),
            version: self.version,
            pool: self.pool.clone(),
            labels: self.labels.clone(),
        }
    }

    /// When it goes into the queue, where it starts now; none where that is at once.
    pub fn due_at(&self, now: Timestamp) -> Option<Timestamp> {
        let due = now.after(self.delay);
        let due = self.not_before.map_or(due, |at| due.max(at));
        (due > now).then_some(due)
    }
}

/// What became of a start.
#[derive(Debug, Clone, PartialEq)]
pub enum Started {
    /// The run exists now.
    Created,
    /// It existed already, for the same workflow and input.
    Attached,
    /// A run of this id exists for another workflow or input.
    Conflict {
        /// The workflow it was started for.
        workflow: String,
        /// Whether the input is the one that differs.
        same_workflow: bool,
    },
}

/// A run as the stores know it, without its payloads.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// Name of its workflow.
    pub workflow: String,
    /// The version of its workflow that it began with.
    pub version: u32,
    /// The pool whose workers may serve it.
    pub pool: String,
    /// What it asks of a worker.
    pub labels: Labels,
    /// Where it stands.
    pub state: RunState,
    /// Goes up with each claim and fences writes.
    pub epoch: i32,
    /// The worker that drives it, or drove it last.
    pub worker: Option<WorkerKey>,
    /// Workers that died with it since it last made progress.
    pub claims: i32,
    /// Goes up with each message to the run, so that no wake-up is lost.
    pub wakes: i32,
    /// A level is worth a minute of age; the oldest are claimed first.
    pub priority: i16,
    /// Fingerprint of the workflow it began with.
    pub fingerprint: i64,
    /// The key under which its workflow's limits per key count it.
    pub concurrency_key: Option<String>,
    /// Where it comes from, and how long it may take.
    pub header: Header,
    /// Whether it was asked to pause and has not come to a durable point yet.
    pub pausing: bool,
    /// What it waits for.
    pub waiting: Option<Waiting>,
    /// When it goes on by itself.
    pub due_at: Option<Timestamp>,
    /// What went wrong, in one line, where it failed.
    pub error: Option<String>,
    /// When it was submitted.
    pub created_at: Timestamp,
    /// When it was first claimed.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

impl Run {
    /// The key under which stores keep it.
    pub fn key(&self) -> RunKey {
        self.id.key()
    }

    /// The queue to which it belongs.
    pub fn home(&self) -> QueueName {
        QueueName {
            workflow: self.workflow.clone(),
            version: self.version,
            pool: self.pool.clone(),
            labels: self.labels.clone(),
        }
    }

    /// Since when it counts as queued: when it was created, earlier by its priority. This never changes, so nothing
    /// waits for ever behind what comes later.
    pub(crate) fn queued_since(&self) -> Timestamp {
        let ahead = i64::from(self.priority) * PRIORITY_LEVEL_US;
        Timestamp::from_micros(self.created_at.as_micros() - ahead)
    }
}

/// Everything a run has left in the store, in the order of the checkpoints and events.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Journal {
    /// Its checkpoints, the input among them, by ordinal.
    pub checkpoints: Vec<Checkpoint>,
    /// Its stored events, by time.
    pub events: Vec<Event>,
    /// Its gates, by name.
    pub gates: Vec<Gate>,
}

impl Journal {
    /// The checkpoint at a position.
    pub fn at(&self, position: &str) -> Option<&Checkpoint> {
        self.checkpoints
            .iter()
            .find(|c| c.written.position.as_str() == position)
    }
}

/// What has come for a run from outside, and how it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Messages {
    /// The run.
    pub run: Run,
    /// Its gates, by name.
    pub gates: Vec<Gate>,
    /// Messages that it has not taken, in the order in which they were sent.
    pub signals: Vec<Signal>,
    /// Runs that it started, in the order of their start.
    pub children: Vec<Child>,
}

/// A run that a worker may drive.
#[derive(Debug, Clone, PartialEq)]
pub struct Claimed {
    /// The run, with the epoch of this claim.
    pub run: Run,
    /// What it has left so far.
    pub journal: Journal,
}

/// What became of a claim of one certain run.
#[derive(Debug, Clone, PartialEq)]
pub enum ClaimOne {
    /// It may be driven.
    Claimed(Box<Claimed>),
    /// It cannot be claimed now: it is over, waits, is paused, or a live worker drives it.
    Not(Box<Run>),
    /// There is no such run.
    NoRun,
}

/// Whether a person can make it go on: it failed, or its code no longer fitted.
pub fn can_retry(run: &Run) -> bool {
    match run.state {
        RunState::Failed => true,
        RunState::Waiting => matches!(run.waiting, Some(Waiting::Diverged { .. })),
        _ => false,
    }
}

/// How often workers died with a run without progress, at its next claim: counted up when it is taken from a
/// worker that is gone and nothing was committed since, from the start again otherwise.
pub fn orderly_claims(claims: i32, takeover: bool, progressed: bool) -> i32 {
    match (takeover, progressed) {
        (false, _) => 0,
        (true, true) => 1,
        (true, false) => claims.saturating_add(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finished_runs_do_not_move_but_a_failed_one_can_be_retried() {
        for from in RunState::ALL {
            for to in RunState::ALL {
                let legal = is_legal(from, to);
                if from.is_finished() {
                    assert_eq!(legal, (from, to) == (RunState::Failed, RunState::Pending));
                }
                if legal && to == RunState::Completed {
                    assert_eq!(from, RunState::Running, "only a driven run can return");
                }
            }
        }
    }

    #[test]
    fn words_are_read_back() {
        for state in RunState::ALL {
            assert_eq!(RunState::from_word(state.as_str()), Some(state));
        }
        assert_eq!(RunState::from_word("done"), None);
    }
}
