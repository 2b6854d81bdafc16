//! What people ask.

use std::cmp::Reverse;
use std::time::Duration;

use async_trait::async_trait;

use super::InMemoryStore;
use crate::model::{
    Checkpoint, Done, History, Run, RunFilter, RunId, RunKey, RunState, WorkerKey, WorkerRecord,
};
use crate::store::{Query, StoreResult};

#[async_trait]
impl Query for InMemoryStore {
    async fn run(&self, run: &RunId) -> StoreResult<Option<Run>> {
        Ok(self.lock().runs.get(&run.key()).map(|r| r.run.clone()))
    }

    async fn history(&self, run: &RunId) -> StoreResult<Option<History>> {
        let tables = self.lock();
        let rows = tables.runs.get(&run.key());
        Ok(rows.map(|rows| {
            let journal = rows.journal();
            History {
                run: rows.run.clone(),
                done: journal.checkpoints.into_iter().map(done).collect(),
                events: journal.events,
            }
        }))
    }

    async fn runs(&self, filter: &RunFilter) -> StoreResult<Vec<Run>> {
        let tables = self.lock();
        let age = |run: &Run| (run.created_at, run.key());
        let before = match &filter.before {
            None => None,
            Some(id) => match tables.runs.get(&id.key()) {
                Some(rows) => Some(age(&rows.run)),
                None => return Ok(Vec::new()),
            },
        };
        let mut runs: Vec<Run> = tables
            .runs
            .values()
            .map(|rows| &rows.run)
            .filter(|run| filter.state.is_none_or(|state| run.state == state))
            .filter(|run| filter.workflow.as_ref().is_none_or(|w| run.workflow == *w))
            .filter(|run| before.is_none_or(|before| age(run) < before))
            .cloned()
            .collect();
        runs.sort_by_key(|run| Reverse(age(run)));
        runs.truncate(filter.limit as usize);
        Ok(runs)
    }

    async fn counts(&self) -> StoreResult<Vec<(RunState, u64)>> {
        let tables = self.lock();
        let in_state = |state| {
            tables
                .runs
                .values()
                .filter(|r| r.run.state == state)
                .count() as u64
        };
        Ok(RunState::ALL.map(|state| (state, in_state(state))).to_vec())
    }

    async fn wakes(&self, worker: WorkerKey, runs: &[RunKey]) -> StoreResult<Vec<(RunKey, i32)>> {
        let tables = self.lock();
        let own = |key: &RunKey| {
            let run = &tables.runs.get(key)?.run;
            let own = run.state == RunState::Running && run.worker == Some(worker);
            own.then_some((*key, run.wakes))
        };
        Ok(runs.iter().filter_map(own).collect())
    }

    async fn workers(&self, since: Duration) -> StoreResult<Vec<WorkerRecord>> {
        let mut tables = self.lock();
        let now = tables.clock.now();
        let mut workers: Vec<WorkerRecord> = tables
            .workers
            .values()
            .filter(|w| w.gone_at.is_none_or(|gone| gone.until(now) < since))
            .cloned()
            .collect();
        workers.sort_by_key(|w| Reverse((w.started_at, w.registered.key)));
        Ok(workers)
    }
}

fn done(checkpoint: Checkpoint) -> Done {
    let Checkpoint { written, at } = checkpoint;
    Done {
        position: written.position,
        kind: written.kind,
        attempts: written.attempts,
        took: written.took,
        failure: (!written.outcome.is_ok()).then_some(written.outcome),
        at,
    }
}
