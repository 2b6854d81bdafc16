//! Starts under rules, under the lock of the whole store.

use std::convert::Infallible;

use futures_util::FutureExt;

use super::InMemoryStore;
use super::journal::{attach, create};
use super::tables::Tables;
use crate::model::{
    Admission, Checkpoint, Debounced, NewRun, Position, Run, RunKey, RunState, StartRules, Started,
    Timestamp, has_not_begun, input_checkpoint,
};
use crate::store::StoreResult;
use crate::store::admission::{self, Entry, admit};

impl InMemoryStore {
    /// Starts a run under rules.
    pub(super) fn admit(&self, new: NewRun, rules: &StartRules) -> StoreResult<Admission> {
        admission::check(&new)?;
        let admitted = {
            let mut tables = self.lock();
            let mut entry = MemoryEntry(&mut tables);
            let admitted = admit(&mut entry, new, rules).now_or_never();
            let Ok(admitted) = admitted.expect("nothing is waited for in memory");
            admitted
        };
        if admission::is_written(&admitted) {
            self.hints.tell_work();
        }
        Ok(admitted)
    }
}

/// The lock on everything is the lock on a workflow, a key and a run.
struct MemoryEntry<'a>(&'a mut Tables);

type Done<T> = Result<T, Infallible>;

impl Entry for MemoryEntry<'_> {
    type Error = Infallible;

    async fn now(&mut self) -> Done<Timestamp> {
        Ok(self.0.clock.now())
    }

    async fn lock_workflow(&mut self, _: &str) -> Done<()> {
        Ok(())
    }

    async fn depth(&mut self, workflow: &str, _: u32) -> Done<u32> {
        let waits = |run: &Run| run.workflow == workflow && run.state == RunState::Pending;
        let waiting = self.0.runs.values().filter(|rows| waits(&rows.run)).count();
        Ok(u32::try_from(waiting).unwrap_or(u32::MAX))
    }

    async fn note_put_off(&mut self, _: &str, _: RunKey) -> Done<()> {
        // It is seen where it is counted.
        Ok(())
    }

    async fn lock_key(&mut self, new: &NewRun, key: &str, now: Timestamp) -> Done<Debounced> {
        let of_key = (new.workflow.clone(), key.to_owned());
        let becomes = self.0.debounces.get(&of_key).copied();
        Ok(becomes.unwrap_or(Debounced {
            run: new.id.key(),
            since: now,
        }))
    }

    async fn keep_key(
        &mut self,
        workflow: &str,
        key: &str,
        becomes: Debounced,
        _: Timestamp,
    ) -> Done<()> {
        let of_key = (workflow.to_owned(), key.to_owned());
        self.0.debounces.insert(of_key, becomes);
        Ok(())
    }

    async fn lock_unbegun(&mut self, run: RunKey) -> Done<Option<Run>> {
        let run = self.0.runs.get(&run).map(|rows| rows.run.clone());
        Ok(run.filter(|run| has_not_begun(run.state, run.epoch)))
    }

    async fn replace(
        &mut self,
        before: &Run,
        new: &NewRun,
        due_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Done<()> {
        let key = before.key();
        self.0.disarm(key);
        if let Some(rows) = self.0.runs.get_mut(&key) {
            if let Some(queued) = rows.queued.take() {
                self.0.queue.remove(&queued);
            }
            rows.run.version = new.version;
            rows.run.pool.clone_from(&new.pool);
            rows.run.labels.clone_from(&new.labels);
            rows.run.priority = new.priority;
            rows.run.fingerprint = new.fingerprint;
            rows.run.concurrency_key.clone_from(&new.concurrency_key);
            let written = input_checkpoint(&new.input);
            let input = Checkpoint { written, at: now };
            rows.checkpoints
                .insert(Position::from(Position::INPUT), (input, 0));
        }
        self.0.enqueue(key, due_at.unwrap_or(now), now);
        Ok(())
    }

    async fn started(&mut self, new: &NewRun) -> Done<Option<Started>> {
        let there = self.0.runs.get(&new.id.key());
        Ok(there.map(|rows| attach(rows, new)))
    }

    async fn create(&mut self, new: &NewRun) -> Done<Started> {
        Ok(create(self.0, new))
    }
}
