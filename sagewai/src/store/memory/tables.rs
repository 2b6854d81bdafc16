//! What the tables of the databases hold, as maps.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;
use uuid::Uuid;

use crate::model::{
    Cause, Checkpoint, Child, Debounced, Event, EventKind, Gate, Journal, NewEvent, Outcome,
    Position, QueueName, Run, RunKey, RunState, ScheduleRecord, Serves, Signal, Timestamp,
    WorkerKey, WorkerRecord,
};

/// Everything the store holds.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) clock: Clock,
    pub(super) runs: BTreeMap<RunKey, RunRows>,
    /// Runs that are claimable now, in the order of their claim.
    pub(super) queue: BTreeSet<Queued>,
    /// Runs that become claimable at a time.
    pub(super) timers: BTreeSet<(Timestamp, RunKey)>,
    /// Runs that are to be ended at a time.
    pub(super) endings: BTreeSet<(Timestamp, RunKey, Cause)>,
    pub(super) workers: BTreeMap<WorkerKey, WorkerRecord>,
    pub(super) schedules: BTreeMap<String, ScheduleRecord>,
    /// Which runs debounced starts become, by workflow and key.
    pub(super) debounces: BTreeMap<(String, String), Debounced>,
    pub(super) assignments: BTreeMap<(WorkerKey, Uuid), Assignment>,
}

/// A worker that a run is meant for.
#[derive(Debug)]
pub(super) struct Assignment {
    /// None until it is started.
    pub(super) run: Option<RunKey>,
    pub(super) expires_at: Timestamp,
}

/// All rows of one run.
#[derive(Debug)]
pub(super) struct RunRows {
    pub(super) run: Run,
    /// Its place in the queue, while it has one.
    pub(super) queued: Option<Queued>,
    /// The queue in which it is, while a step of it asks for another worker.
    pub(super) away: Option<QueueName>,
    /// Each with the epoch under which it was written.
    pub(super) checkpoints: BTreeMap<Position, (Checkpoint, i32)>,
    pub(super) events: Vec<Event>,
    pub(super) gates: BTreeMap<String, Gate>,
    /// Messages that it has not taken, in their order.
    pub(super) signals: BTreeMap<i32, Signal>,
}

/// A place in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Queued {
    /// When the run was created, earlier by its priority.
    since: Timestamp,
    pub(super) key: RunKey,
}

impl Tables {
    /// Makes a run claimable from `at` on: now, or when that time has come.
    pub(super) fn enqueue(&mut self, key: RunKey, at: Timestamp, now: Timestamp) {
        let Some(rows) = self.runs.get_mut(&key) else {
            return;
        };
        rows.run.state = RunState::Pending;
        rows.run.waiting = None;
        if at > now {
            rows.run.due_at = Some(at);
            self.timers.insert((at, key));
        } else {
            rows.run.due_at = None;
            let since = rows.run.queued_since();
            let queued = Queued { since, key };
            rows.queued = Some(queued);
            self.queue.insert(queued);
        }
    }

    /// Takes away the time at which a run would have gone on by itself.
    pub(super) fn disarm(&mut self, key: RunKey) {
        if let Some(rows) = self.runs.get_mut(&key)
            && let Some(due) = rows.run.due_at.take()
        {
            self.timers.remove(&(due, key));
        }
    }

    /// Runs that a run has started, in the order of their start.
    pub(super) fn children(&self, parent: RunKey) -> Vec<Child> {
        let mut children: Vec<_> = self
            .runs
            .values()
            .filter_map(|rows| {
                let run = &rows.run;
                let header = run.header.parent.as_ref()?;
                (header.run.key() == parent).then(|| Child {
                    run: run.id.clone(),
                    workflow: run.workflow.clone(),
                    position: header.position.clone(),
                    state: run.state,
                    outcome: rows.output().cloned(),
                    finished_at: run.finished_at,
                })
            })
            .collect();
        children.sort_by_key(|child| {
            let key = child.run.key();
            (self.runs[&key].run.created_at, key)
        });
        children
    }

    /// Whether a worker may write: registered, not found dead, its lease not passed.
    pub(super) fn holds_lease(&self, worker: WorkerKey, now: Timestamp) -> bool {
        self.workers
            .get(&worker)
            .is_some_and(|w| w.gone_at.is_none() && w.lease_until > now)
    }

    /// Whether a run's worker was found dead, signed off, or never registered.
    pub(super) fn is_orphan(&self, run: &Run) -> bool {
        let worker = run.worker.and_then(|key| self.workers.get(&key));
        run.state == RunState::Running && worker.is_none_or(|w| w.gone_at.is_some())
    }

    /// Takes away what says that a run is meant for a worker.
    pub(super) fn unassign(&mut self, run: RunKey) {
        self.assignments.retain(|_, a| a.run != Some(run));
    }

    /// Runs whose workers are gone, in the order of their claim.
    pub(super) fn orphans(&self) -> Vec<RunKey> {
        let orphans = self.runs.values().filter(|rows| self.is_orphan(&rows.run));
        let mut orphans: Vec<_> = orphans
            .map(|rows| (rows.run.queued_since(), rows.run.key()))
            .collect();
        orphans.sort_unstable();
        orphans.into_iter().map(|(_, key)| key).collect()
    }

    /// Marks a worker as gone. Returns whether it was alive.
    pub(super) fn bury(&mut self, worker: WorkerKey, now: Timestamp) -> bool {
        match self.workers.get_mut(&worker) {
            Some(record) if record.gone_at.is_none() => {
                record.gone_at = Some(now);
                true
            }
            _ => false,
        }
    }
}

impl RunRows {
    pub(super) fn new(run: Run) -> RunRows {
        RunRows {
            run,
            queued: None,
            away: None,
            checkpoints: BTreeMap::new(),
            events: Vec::new(),
            gates: BTreeMap::new(),
            signals: BTreeMap::new(),
        }
    }

    /// Whether a worker may serve this run.
    pub(super) fn is_served_by(&self, serves: &Serves) -> bool {
        serves.fits(&self.queue())
    }

    /// The queue whose workers may have it.
    pub(super) fn queue(&self) -> QueueName {
        self.away.clone().unwrap_or_else(|| self.run.home())
    }

    /// Adds to the timeline.
    pub(super) fn record(&mut self, event: NewEvent, at: Timestamp) {
        self.events.push(Event {
            id: event.id,
            at,
            kind: event.kind,
        });
    }

    /// Adds to the timeline what the store itself did.
    pub(super) fn record_kind(&mut self, kind: EventKind, at: Timestamp) {
        self.record(NewEvent::new(kind), at);
    }

    /// How the run ended.
    pub(super) fn output(&self) -> Option<&Outcome> {
        let output = self.checkpoints.get(&Position::from(Position::OUTPUT));
        output.map(|(checkpoint, _)| &checkpoint.written.outcome)
    }

    /// What the run has left, in order.
    pub(super) fn journal(&self) -> Journal {
        let mut checkpoints: Vec<Checkpoint> =
            self.checkpoints.values().map(|(c, _)| c.clone()).collect();
        checkpoints.sort_by_key(|c| c.written.ordinal);
        Journal {
            checkpoints,
            events: self.events.clone(),
            gates: self.gates.values().cloned().collect(),
        }
    }
}

/// Tells times that only go up, so that what came later is newer.
#[derive(Debug)]
pub(super) struct Clock {
    began: Timestamp,
    running_since: Instant,
    moved: Duration,
    last: Timestamp,
}

impl Default for Clock {
    fn default() -> Clock {
        let began = Timestamp::from_system(SystemTime::now());
        Clock {
            began,
            running_since: Instant::now(),
            moved: Duration::ZERO,
            last: began,
        }
    }
}

impl Clock {
    pub(super) fn now(&mut self) -> Timestamp {
        let elapsed = self.running_since.elapsed().saturating_add(self.moved);
        let next = self.last.after(Duration::from_micros(1));
        self.last = self.began.after(elapsed).max(next);
        self.last
    }

    pub(super) fn advance(&mut self, time: Duration) {
        self.moved = self.moved.saturating_add(time);
    }
}
