//! Claims and leases.

use async_trait::async_trait;

use super::InMemoryStore;
use super::limited;
use super::outside::do_act;
use super::tables::Tables;
use crate::model::{
    Act, Beat, Cause, ClaimOne, Claimed, EventKind, Lease, LimitedClaim, Limits, NewWorker,
    Registered, RunId, RunKey, RunState, RunningStep, Serves, Tick, Timestamp, Wish, WorkerKey,
    WorkerRecord, orderly_claims,
};
use crate::store::outside::Acted;
use crate::store::{Fleet, Queue, Schema, StoreResult};

/// How many runs one look at the clock wakes at most.
const WOKEN_MAX: usize = 1_000;

#[async_trait]
impl Queue for InMemoryStore {
    async fn register(&self, worker: &NewWorker) -> StoreResult<Registered> {
        let mut tables = self.lock();
        let now = tables.clock.now();
        let workers = tables.workers.values();
        let mut holders = workers.filter(|w| w.gone_at.is_none() && w.registered.exclusive);
        if worker.exclusive
            && let Some(holder) =
                holders.find(|w| w.registered.name == worker.name && w.registered.key != worker.key)
        {
            return Ok(Registered::NameHeld(Box::new(holder.clone())));
        }
        tables.forget_workers(now);
        tables
            .workers
            .entry(worker.key)
            .or_insert_with(|| WorkerRecord {
                registered: worker.clone(),
                started_at: now,
                seen_at: now,
                lease_until: now.after(worker.lease),
                gone_at: None,
                signed_off: false,
                wish: Wish::Run,
                running: Vec::new(),
            });
        Ok(Registered::Done)
    }

    async fn heartbeat(&self, worker: WorkerKey, running: &[RunningStep]) -> StoreResult<Lease> {
        let mut tables = self.lock();
        let now = tables.clock.now();
        match tables.workers.get_mut(&worker) {
            Some(record) if record.gone_at.is_none() => {
                record.seen_at = now;
                record.lease_until = now.after(record.registered.lease);
                record.running = running.to_vec();
                Ok(Lease::Kept)
            }
            _ => Ok(Lease::Lost),
        }
    }

    async fn beat(
        &self,
        worker: WorkerKey,
        _serves: &Serves,
        running: &[RunningStep],
    ) -> StoreResult<Beat> {
        Ok(Beat {
            wish: self.wished(worker).await?.unwrap_or_default(),
            lease: self.heartbeat(worker, running).await?,
            tick: self.tick().await?,
            now: self.now().await?,
            work: true,
        })
    }

    async fn deregister(&self, worker: WorkerKey) -> StoreResult<()> {
        if self.bury(worker).await?
            && let Some(record) = self.lock().workers.get_mut(&worker)
        {
            record.signed_off = true;
        }
        Ok(())
    }

    async fn bury(&self, worker: WorkerKey) -> StoreResult<bool> {
        let was_alive = {
            let mut tables = self.lock();
            let now = tables.clock.now();
            tables.bury(worker, now)
        };
        if was_alive {
            self.hints.tell_work();
        }
        Ok(was_alive)
    }

    async fn tick(&self) -> StoreResult<Tick> {
        let tick = {
            let mut tables = self.lock();
            let now = tables.clock.now();
            let schedule_due = tables.schedules.values().filter_map(|s| s.due_at).min();
            let ended = end_due(&mut tables, now);
            let buried = bury_expired(&mut tables, now);
            let woken = wake_due(&mut tables, now);
            let timer = tables.timers.first().map(|(due, _)| *due);
            let ending = tables.endings.first().map(|(due, ..)| *due);
            for (run, acted) in ended {
                acted.tell(run, &self.hints);
            }
            Tick {
                schedule_due: schedule_due.map(|due| now.until(due)),
                buried,
                woken,
                next_due: timer
                    .into_iter()
                    .chain(ending)
                    .min()
                    .map(|due| now.until(due)),
            }
        };
        if tick.buried + tick.woken > 0 {
            self.hints.tell_work();
        }
        Ok(tick)
    }

    async fn claim(
        &self,
        worker: WorkerKey,
        serves: &Serves,
        limit: u32,
    ) -> StoreResult<Vec<Claimed>> {
        let mut tables = self.lock();
        let now = tables.clock.now();
        if !tables.holds_lease(worker, now) {
            return Ok(Vec::new());
        }
        let served = |key: &RunKey| tables.runs[key].is_served_by(serves);
        let assigned = tables.assigned(worker);
        let chosen: Vec<RunKey> = tables
            .orphans()
            .into_iter()
            .chain(tables.queue.iter().map(|queued| queued.key))
            .chain(assigned)
            .filter(served)
            .take(limit as usize)
            .collect();
        Ok(chosen
            .into_iter()
            .map(|key| take(&mut tables, key, worker, now))
            .collect())
    }

    async fn strays(&self, worker: WorkerKey, driven: &[RunKey]) -> StoreResult<Vec<Claimed>> {
        let mut tables = self.lock();
        let now = tables.clock.now();
        if !tables.holds_lease(worker, now) {
            return Ok(Vec::new());
        }
        let strays: Vec<RunKey> = tables
            .runs
            .values()
            .filter(|r| r.run.state == RunState::Running && r.run.worker == Some(worker))
            .map(|r| r.run.key())
            .filter(|key| !driven.contains(key))
            .collect();
        let retaken = strays.into_iter().map(|key| {
            // The caller found the run under the same lock.
            let rows = tables.runs.get_mut(&key).expect("a stray run has rows");
            rows.run.epoch += 1;
            Claimed {
                run: rows.run.clone(),
                journal: rows.journal(),
            }
        });
        Ok(retaken.collect())
    }

    async fn claim_limited(
        &self,
        worker: WorkerKey,
        serves: &Serves,
        limit: u32,
    ) -> StoreResult<LimitedClaim> {
        let mut tables = self.lock();
        let now = tables.clock.now();
        if !tables.holds_lease(worker, now) {
            return Ok(LimitedClaim::default());
        }
        let mut claim = LimitedClaim::default();
        for limited in &serves.limited {
            let only = Serves {
                workflows: vec![limited.served()],
                limited: Vec::new(),
                ..serves.clone()
            };
            let most = limit as usize - claim.runs.len();
            let (chosen, again) = limited::choose(&tables, limited, &only, most, now);
            let taken = chosen
                .into_iter()
                .map(|key| take(&mut tables, key, worker, now));
            claim.runs.extend(taken);
            claim.again = claim.again.into_iter().chain(again).min();
        }
        Ok(claim)
    }

    async fn claim_one(
        &self,
        worker: WorkerKey,
        run: &RunId,
        limits: &Limits,
    ) -> StoreResult<ClaimOne> {
        let key = run.key();
        let mut tables = self.lock();
        let now = tables.clock.now();
        let Some(rows) = tables.runs.get(&key) else {
            return Ok(ClaimOne::NoRun);
        };
        let claimable = if rows.queued.is_some() {
            limited::admits(&tables, &rows.run, limits, now)
        } else {
            tables.is_orphan(&rows.run)
        };
        if !claimable || !tables.holds_lease(worker, now) {
            return Ok(ClaimOne::Not(Box::new(rows.run.clone())));
        }
        let claimed = take(&mut tables, key, worker, now);
        Ok(ClaimOne::Claimed(Box::new(claimed)))
    }
}

/// Gives a claimable run to a worker.
fn take(tables: &mut Tables, key: RunKey, worker: WorkerKey, now: Timestamp) -> Claimed {
    let name = tables.workers[&worker].registered.name.clone();
    let takeover = tables.runs[&key].run.state == RunState::Running;
    tables.disarm(key);
    tables.unassign(key);
    // The caller found the run under the same lock.
    let rows = tables.runs.get_mut(&key).expect("a claimable run has rows");
    if let Some(queued) = rows.queued.take() {
        tables.queue.remove(&queued);
    }
    let epoch = rows.run.epoch;
    let progressed = rows.checkpoints.values().any(|(_, e)| *e == epoch);
    rows.run.claims = orderly_claims(rows.run.claims, takeover, progressed);
    rows.run.state = RunState::Running;
    rows.run.epoch += 1;
    rows.run.worker = Some(worker);
    rows.run.started_at = rows.run.started_at.or(Some(now));
    if rows.run.epoch > 1 {
        rows.record_kind(
            EventKind::Claimed {
                worker: name,
                takeover,
            },
            now,
        );
    }
    Claimed {
        run: rows.run.clone(),
        journal: rows.journal(),
    }
}

/// Declares workers dead whose lease has passed.
fn bury_expired(tables: &mut Tables, now: Timestamp) -> u64 {
    let expired: Vec<WorkerKey> = tables
        .workers
        .iter()
        .filter(|(_, w)| w.gone_at.is_none() && w.lease_until < now)
        .map(|(key, _)| *key)
        .collect();
    for worker in &expired {
        tables.bury(*worker, now);
    }
    expired.len() as u64
}

/// Ends runs that are to be ended by now.
fn end_due(tables: &mut Tables, now: Timestamp) -> Vec<(RunKey, Acted)> {
    let due: Vec<(RunKey, Cause)> = tables
        .endings
        .iter()
        .take_while(|(at, ..)| *at <= now)
        .take(WOKEN_MAX)
        .map(|(_, run, cause)| (*run, *cause))
        .collect();
    due.into_iter()
        .map(|(run, cause)| (run, do_act(tables, run, &Act::End(cause))))
        .collect()
}

/// Makes runs claimable whose time has come. One that is driven has a message instead.
fn wake_due(tables: &mut Tables, now: Timestamp) -> u64 {
    let due: Vec<(Timestamp, RunKey)> = tables
        .timers
        .iter()
        .take_while(|(due, _)| *due <= now)
        .take(WOKEN_MAX)
        .copied()
        .collect();
    let mut woken = 0;
    for timer @ (at, key) in due {
        tables.timers.remove(&timer);
        let Some(rows) = tables.runs.get_mut(&key) else {
            continue;
        };
        match rows.run.state {
            RunState::Waiting => {}
            RunState::Pending if rows.run.due_at == Some(at) => {}
            RunState::Running => {
                rows.run.wakes = rows.run.wakes.wrapping_add(1);
                woken += 1;
                continue;
            }
            _ => continue,
        }
        tables.disarm(key);
        tables.enqueue(key, at, now);
        woken += 1;
    }
    woken
}
