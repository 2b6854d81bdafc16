//! The workers as a whole.

use async_trait::async_trait;

use super::InMemoryStore;
use super::tables::{Assignment, Tables};
use crate::model::{
    Assigned, Assigning, Backlog, RunKey, RunState, Timestamp, Wish, WorkerKey, WorkerLoad, choose,
};
use crate::store::{Fleet, StoreResult, WORKERS_KEPT};

#[async_trait]
impl Fleet for InMemoryStore {
    async fn wish(&self, worker: WorkerKey, wish: Wish) -> StoreResult<bool> {
        let found = {
            let mut tables = self.lock();
            let record = tables.workers.get_mut(&worker);
            let living = record.filter(|record| record.gone_at.is_none());
            living.map(|record| record.wish = wish).is_some()
        };
        if found {
            self.hints.tell_wish();
        }
        Ok(found)
    }

    async fn wished(&self, worker: WorkerKey) -> StoreResult<Option<Wish>> {
        let tables = self.lock();
        let record = tables.workers.get(&worker);
        Ok(record.filter(|r| r.gone_at.is_none()).map(|r| r.wish))
    }

    async fn backlog(&self) -> StoreResult<Vec<Backlog>> {
        let tables = self.lock();
        let mut backlog: Vec<Backlog> = Vec::new();
        for queued in &tables.queue {
            let rows = &tables.runs[&queued.key];
            let queue = rows.queue();
            match backlog.iter_mut().find(|b| b.queue == queue) {
                Some(known) => known.runs = (known.runs + 1).min(Backlog::COUNTED_MAX),
                None => backlog.push(Backlog {
                    queue,
                    runs: 1,
                    since: rows.run.created_at,
                }),
            }
        }
        backlog.sort_by(|a, b| a.queue.cmp(&b.queue));
        Ok(backlog)
    }

    async fn assign(&self, ask: &Assigning) -> StoreResult<Option<Assigned>> {
        let mut tables = self.lock();
        let now = tables.clock.now();
        tables.assignments.retain(|_, a| a.expires_at > now);
        let candidates = tables.workers.keys().map(|key| tables.candidate(*key));
        let chosen = choose(ask, candidates.collect(), now);
        if let Some(chosen) = &chosen {
            let assignment = Assignment {
                run: None,
                expires_at: now.after(ask.lasts),
            };
            let place = (chosen.worker, chosen.id);
            tables.assignments.insert(place, assignment);
        }
        Ok(chosen)
    }
}

impl Tables {
    fn candidate(&self, key: WorkerKey) -> WorkerLoad {
        let driven = self.runs.values().map(|rows| &rows.run);
        let driven = driven.filter(|r| r.state == RunState::Running && r.worker == Some(key));
        let assigned = self.assignments.keys().filter(|(worker, _)| *worker == key);
        WorkerLoad {
            worker: self.workers[&key].clone(),
            runs: (driven.count() + assigned.count()) as u64,
        }
    }

    /// Runs that are meant for a worker, and that it may have before their time.
    pub(super) fn assigned(&self, worker: WorkerKey) -> Vec<RunKey> {
        let its = self.assignments.iter().filter(|((w, _), _)| *w == worker);
        let waits = |run: &RunKey| {
            let run = &self.runs[run].run;
            run.state == RunState::Pending && run.due_at.is_some()
        };
        let mut runs: Vec<RunKey> = its.filter_map(|(_, a)| a.run).filter(waits).collect();
        runs.sort_by_key(|run| self.runs[run].run.created_at);
        runs
    }

    /// Removes workers that have been gone for long and that no run names as its driver.
    pub(super) fn forget_workers(&mut self, now: Timestamp) {
        let driven = self.runs.values().map(|rows| &rows.run);
        let driven = driven.filter(|run| run.state == RunState::Running);
        let holders: Vec<WorkerKey> = driven.filter_map(|run| run.worker).collect();
        self.workers.retain(|key, worker| {
            let is_old = |gone: Timestamp| gone.until(now) >= WORKERS_KEPT;
            holders.contains(key) || !worker.gone_at.is_some_and(is_old)
        });
    }
}
