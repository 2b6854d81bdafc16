//! What comes to runs from outside.

use std::convert::Infallible;

use async_trait::async_trait;
use futures_util::FutureExt;
use uuid::Uuid;

use super::InMemoryStore;
use super::tables::Tables;
use crate::model::{
    Act, Answer, Cause, Checkpoint, Gate, Messages, NewCheckpoint, NewEvent, Position, Run, RunId,
    RunKey, RunState, Signal, Timestamp,
};
use crate::store::held::Held;
use crate::store::outside::{self, Acted};
use crate::store::{Outside, StoreResult, size};

#[async_trait]
impl Outside for InMemoryStore {
    async fn act(&self, run: &RunId, act: &Act) -> StoreResult<Answer> {
        size::check_act(act)?;
        let acted = do_act(&mut self.lock(), run.key(), act);
        acted.tell(run.key(), &self.hints);
        Ok(acted.answer)
    }

    async fn messages(&self, run: &RunId) -> StoreResult<Option<Messages>> {
        let tables = self.lock();
        let Some(rows) = tables.runs.get(&run.key()) else {
            return Ok(None);
        };
        Ok(Some(Messages {
            run: rows.run.clone(),
            gates: rows.gates.values().cloned().collect(),
            signals: rows.signals.values().cloned().collect(),
            children: tables.children(run.key()),
        }))
    }

    async fn open_gates(&self, limit: u32) -> StoreResult<Vec<Gate>> {
        let tables = self.lock();
        let mut open: Vec<Gate> = tables
            .runs
            .values()
            .filter(|rows| !rows.run.state.is_finished())
            .flat_map(|rows| rows.gates.values())
            .filter(|gate| gate.is_open())
            .cloned()
            .collect();
        open.sort_by_key(|gate| gate.asked_at);
        open.truncate(limit as usize);
        Ok(open)
    }
}

/// Does it under the lock of the whole store.
pub(super) fn do_act(tables: &mut Tables, run: RunKey, act: &Act) -> Acted {
    let mut held = MemoryHeld(tables);
    let acted = outside::act(&mut held, run, act).now_or_never();
    let Ok(acted) = acted.expect("nothing is waited for in memory");
    acted
}

/// The lock on everything is the lock on a run.
struct MemoryHeld<'a>(&'a mut Tables);

impl MemoryHeld<'_> {
    fn rows(&mut self, run: RunKey) -> &mut super::tables::RunRows {
        self.0
            .runs
            .get_mut(&run)
            .expect("the run was found under the same lock")
    }
}

type Done<T> = Result<T, Infallible>;

impl Held for MemoryHeld<'_> {
    type Error = Infallible;

    async fn lock(&mut self, run: RunKey) -> Done<Option<(Run, Timestamp)>> {
        let now = self.0.clock.now();
        Ok(self.0.runs.get(&run).map(|rows| (rows.run.clone(), now)))
    }

    async fn put(&mut self, before: &Run, after: &Run) -> Done<()> {
        let key = before.key();
        self.0.disarm(key);
        if let Some(queued) = self.rows(key).queued.take() {
            self.0.queue.remove(&queued);
        }
        let rows = self.rows(key);
        if !matches!(after.state, RunState::Pending | RunState::Running) {
            rows.away = None;
        }
        rows.run = after.clone();
        if after.state == RunState::Pending {
            let now = self.0.clock.now();
            let at = after.due_at.unwrap_or(now);
            self.0.enqueue(key, at, now);
        } else if let Some(due) = after.due_at {
            self.0.timers.insert((due, key));
        }
        Ok(())
    }

    async fn gate(&mut self, run: &Run, name: &str) -> Done<Option<Gate>> {
        Ok(self.rows(run.key()).gates.get(name).cloned())
    }

    async fn put_gate(&mut self, run: RunKey, gate: &Gate) -> Done<()> {
        self.rows(run).gates.insert(gate.name.clone(), gate.clone());
        Ok(())
    }

    async fn remove_gate(&mut self, run: RunKey, name: &str) -> Done<()> {
        self.rows(run).gates.remove(name);
        Ok(())
    }

    async fn signal(&mut self, run: RunKey, id: &str) -> Done<Option<Signal>> {
        let mut signals = self.rows(run).signals.values();
        Ok(signals.find(|signal| signal.id == id).cloned())
    }

    async fn put_signal(&mut self, run: RunKey, signal: &Signal, ordinal: i32) -> Done<()> {
        self.rows(run).signals.insert(ordinal, signal.clone());
        Ok(())
    }

    async fn remove_signal(&mut self, run: RunKey, id: &str) -> Done<()> {
        self.rows(run).signals.retain(|_, signal| signal.id != id);
        Ok(())
    }

    async fn checkpoints(&mut self, run: RunKey) -> Done<Vec<Checkpoint>> {
        Ok(self.rows(run).journal().checkpoints)
    }

    async fn last_ordinal(&mut self, run: RunKey) -> Done<u32> {
        let checkpoints = self.rows(run).checkpoints.values();
        Ok(checkpoints
            .map(|(c, _)| c.written.ordinal)
            .max()
            .unwrap_or(0))
    }

    async fn put_checkpoint(&mut self, run: &Run, new: &NewCheckpoint, at: Timestamp) -> Done<()> {
        let (position, written) = (new.position.clone(), new.clone());
        // No claim has this epoch.
        let checkpoint = (Checkpoint { written, at }, 0);
        self.rows(run.key())
            .checkpoints
            .insert(position, checkpoint);
        Ok(())
    }

    async fn remove_checkpoint(&mut self, run: RunKey, position: &Position) -> Done<()> {
        self.rows(run).checkpoints.remove(position);
        Ok(())
    }

    async fn event(&mut self, run: RunKey, event: NewEvent, at: Timestamp) -> Done<()> {
        self.rows(run).record(event, at);
        Ok(())
    }

    async fn has_event(&mut self, run: RunKey, id: Uuid) -> Done<bool> {
        Ok(self.rows(run).events.iter().any(|event| event.id == id))
    }

    async fn nudge(&mut self, run: RunKey, at: Timestamp) -> Done<()> {
        self.0.timers.insert((at, run));
        Ok(())
    }

    async fn end_children(&mut self, run: RunKey, at: Timestamp) -> Done<()> {
        for child in self.0.children(run) {
            if !child.state.is_finished() {
                self.0.endings.insert((at, child.run.key(), Cause::Parent));
            }
        }
        Ok(())
    }

    async fn remove_ending(&mut self, run: RunKey, cause: Cause) -> Done<()> {
        self.0
            .endings
            .retain(|(_, key, why)| (*key, *why) != (run, cause));
        Ok(())
    }
}
