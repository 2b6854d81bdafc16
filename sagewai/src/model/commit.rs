//! What a worker writes of a run, and what became of it.

use std::time::Duration;

use super::{
    CheckpointKind, GateRequest, NewCheckpoint, NewEvent, Outcome, Position, QueueName, RunKey,
    RunState, Waiting, WorkerKey,
};

/// One transaction of one run: all of it is stored, or nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Commit {
    /// The run.
    pub run: RunKey,
    /// The claim under which it is written.
    pub epoch: i32,
    /// The worker that writes it.
    pub worker: WorkerKey,
    /// Operations that ended.
    pub checkpoints: Vec<NewCheckpoint>,
    /// What else happened.
    pub events: Vec<NewEvent>,
    /// Gates at which the run asks.
    pub gates: Vec<GateRequest>,
    /// What it changes beyond that; most commits change nothing there.
    pub beyond: Beyond,
    /// How the run goes on.
    pub then: Then,
}

/// What a commit changes of messages and of other runs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Beyond {
    /// Whether a slot of a workflow with limits becomes free where the run does not go on with its worker. Nothing is
    /// written for that: others are told.
    pub frees: bool,
    /// Names of gates at which the run does not wait any more: another branch was faster.
    pub withdrawn: Vec<String>,
    /// Ids of the messages that it has taken.
    pub taken: Vec<String>,
    /// Runs that it started and that are to end with it, or that it does not wait for any more.
    pub ends: Vec<RunKey>,
    /// The run that started it, which is told that it has ended.
    pub parent: Option<RunKey>,
}

impl Beyond {
    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        let nothing = Beyond {
            frees: self.frees,
            ..Beyond::default()
        };
        *self == nothing
    }
}

impl Commit {
    /// Bytes of payload it carries, as far as they matter for the size of a batch.
    pub fn payload_bytes(&self) -> usize {
        let checkpoints = self.checkpoints.iter().map(|c| match &c.outcome {
            Outcome::Ok(json) | Outcome::Err(json) => json.len(),
            Outcome::Fault(_) => 100,
        });
        let gates = self
            .gates
            .iter()
            .map(|g| g.prompt.len() + g.context.as_ref().map_or(0, super::Json::len));
        checkpoints.sum::<usize>() + gates.sum::<usize>()
    }

    /// The run's result, where this commit ends it.
    pub fn result(&self) -> Option<&Outcome> {
        let mut checkpoints = self.checkpoints.iter();
        let result = checkpoints.find(|c| c.kind == CheckpointKind::Output);
        result.map(|c| &c.outcome)
    }
}

/// How a run goes on after a commit.
#[derive(Debug, Clone, PartialEq)]
pub enum Then {
    /// It stays with its worker.
    Continue,
    /// It goes to sleep, unless a message has arrived that the worker has not seen.
    Park(Park),
    /// It stops until a person makes it go on, unless a message has arrived that the worker has not seen.
    Pause {
        /// [`Run::wakes`](super::Run::wakes) as the worker has seen it.
        wakes: i32,
    },
    /// It ends. Its result is the checkpoint at [`Position::OUTPUT`], among the others.
    Finish(Ending),
    /// Its worker shuts down: claimable again, at once, by whoever could have it before.
    HandBack,
    /// A step asks for another worker: claimable at once, from this queue, until the run sleeps, pauses or ends.
    HandOver(QueueName),
}

/// How a run sleeps.
#[derive(Debug, Clone, PartialEq)]
pub struct Park {
    /// What it waits for.
    pub waiting: Waiting,
    /// When it goes on by itself; never without a message where there is none.
    pub wake_after: Option<Duration>,
    /// [`Run::wakes`](super::Run::wakes) as the worker has seen it.
    pub wakes: i32,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// It returned a value.
    Completed,
    /// It was given up.
    Failed {
        /// What went wrong, for [`Run::error`](super::Run::error).
        error: String,
    },
}

impl Ending {
    /// The state it ends in.
    pub fn state(&self) -> RunState {
        match self {
            Ending::Completed => RunState::Completed,
            Ending::Failed { .. } => RunState::Failed,
        }
    }
}

/// What became of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is stored.
    Committed,
    /// It is stored, but the run does not sleep: a message has arrived. It stays with its worker.
    Awake,
    /// Nothing is stored: the run or the lease is another worker's by now.
    Fenced,
}

/// What a store holds where a commit was refused, or where its fate is unknown.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// State of the run.
    pub state: RunState,
    /// Its epoch.
    pub epoch: i32,
    /// Its worker.
    pub worker: Option<WorkerKey>,
    /// Its wake counter.
    pub wakes: i32,
    /// Positions of the commit that have a checkpoint written under the commit's epoch.
    pub positions: Vec<Position>,
    /// Ids of the commit's events that are there.
    pub events: Vec<uuid::Uuid>,
}

/// Whether a commit whose reply was lost is stored: told by what is there, not guessed. `None` means that nothing
/// of it is there and that the fence still lets it through: write it again.
///
/// The parts of a commit are one transaction, so one part that is there proves all of them.
pub fn judge(commit: &Commit, found: &Found) -> Option<Verdict> {
    let ours = found.epoch == commit.epoch && found.worker == Some(commit.worker);
    let any_row = commit
        .checkpoints
        .iter()
        .any(|c| found.positions.contains(&c.position))
        || commit.events.iter().any(|e| found.events.contains(&e.id));
    // Only a commit that leaves no rows is told by the state of the run: somebody else may have moved it there.
    let leaves_rows = !commit.checkpoints.is_empty() || !commit.events.is_empty();
    let moved = || match &commit.then {
        Then::Continue => false,
        Then::Park(_) => {
            found.epoch == commit.epoch
                && matches!(found.state, RunState::Waiting | RunState::Pending)
        }
        Then::Pause { .. } => {
            found.epoch == commit.epoch
                && matches!(found.state, RunState::Paused | RunState::Pending)
        }
        Then::Finish(ending) => found.epoch == commit.epoch && found.state == ending.state(),
        Then::HandBack | Then::HandOver(_) => {
            found.epoch == commit.epoch && found.state == RunState::Pending
        }
    };
    if any_row || (!leaves_rows && moved()) {
        let still_driven = ours && found.state == RunState::Running;
        return Some(match &commit.then {
            Then::Park(_) | Then::Pause { .. } if still_driven => Verdict::Awake,
            _ => Verdict::Committed,
        });
    }
    if ours && found.state == RunState::Running {
        return None;
    }
    Some(Verdict::Fenced)
}
