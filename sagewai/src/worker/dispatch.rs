//! The loop of a worker: it alone owns what the worker is doing, and these are all the things that move it.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep_until};

use super::drive::{Ended, Mail, drive};
use super::handle::Stop;
use super::identity::begin_next_life;
use super::lease::{self, Undertaker};
use super::life::Life;
#[cfg(feature = "schedules")]
use super::schedules;
use crate::error::Error;
use crate::model::{Claimed, RunKey, Serves, Wish};
use crate::store::{StoreResult, WorkWatch};

/// What can happen to a worker.
enum Input {
    /// Something may be claimable, or one of its runs has a message.
    Hint,
    /// It is time to look without a hint.
    Poll,
    /// It is time to look for processes of this machine that are gone.
    Proof,
    /// A run ended or left.
    RunEnded,
    /// The lease is another's to take.
    LeaseLost,
    /// Asked to end.
    Stop(Stop),
}

/// Runs a worker until it is asked to end.
pub(crate) async fn dispatch(life: Life, mut stop: watch::Receiver<Stop>) -> Result<(), Error> {
    let setup = life.setup.clone();
    let mut life = life;
    loop {
        let mut worker = Worker::new(life);
        match worker.live(&mut stop).await {
            Stopped::Asked => return worker.sign_off(&mut stop).await,
            Stopped::LeaseLost => {
                tracing::warn!(worker = %setup.name, "lease lost; registering anew");
                let wish = worker.wish;
                worker.drop_everything().await;
                match begin_next_life(&setup, wish, &mut stop).await? {
                    Some(next) => life = next,
                    None => return Ok(()),
                }
            }
        }
    }
}

/// Why a life ended.
enum Stopped {
    Asked,
    LeaseLost,
}

/// Workflows with limits are claimed by themselves.
#[derive(Clone, Copy)]
enum First {
    Limited,
    Unlimited,
}

/// A run that is driven here.
struct Driven {
    /// The claim under which it is. A run that has just left may be claimed again before its task is seen to end.
    epoch: i32,
    mail: watch::Sender<Mail>,
}

struct Worker {
    life: Arc<Life>,
    serves: Serves,
    hints: WorkWatch,
    lease: JoinHandle<()>,
    runs: JoinSet<(RunKey, i32, Ended)>,
    driven: HashMap<RunKey, Driven>,
    /// When to look without a hint.
    poll_at: Instant,
    /// When the clock was looked at last.
    ticked_at: Instant,
    /// When to look for processes that are gone.
    proof_at: Instant,
    undertaker: Undertaker,
    /// Until when nobody is declared dead, after the store was away.
    patient_until: Instant,
    /// What people want of it.
    wish: Wish,
    /// How often people had wanted something of workers when that was read.
    wishes: u64,
    /// Whether the last claim may have left something behind.
    more: bool,
    /// The same for workflows with limits.
    more_limited: bool,
    /// Who was claimed first: if always the same ones were, the others might never be.
    first: First,
    /// Whether a claim's reply may have been lost: the store may hold runs for this worker that it does not know.
    strays: bool,
}

impl Worker {
    fn new(life: Life) -> Worker {
        let life = Arc::new(life);
        let setup = &life.setup;
        setup.vitals.lives(&life);
        Worker {
            serves: Serves {
                workflows: setup.registry.unlimited(),
                limited: setup.registry.limited(),
                pool: setup.pool.clone(),
                labels: setup.labels.clone(),
            },
            // Listening begins before the first look.
            hints: setup.store.hints().watch_work(),
            lease: tokio::spawn(lease::keep(life.clone())),
            runs: JoinSet::new(),
            driven: HashMap::new(),
            poll_at: Instant::now(),
            ticked_at: Instant::now(),
            proof_at: Instant::now(),
            undertaker: Undertaker::default(),
            patient_until: Instant::now(),
            wish: Wish::Run,
            wishes: life.wishes_before,
            more: false,
            more_limited: false,
            first: First::Unlimited,
            strays: false,
            life,
        }
    }

    async fn live(&mut self, stop: &mut watch::Receiver<Stop>) -> Stopped {
        loop {
            self.life.setup.vitals.moved();
            let step = match self.next_input(stop).await {
                Input::LeaseLost => return Stopped::LeaseLost,
                Input::Stop(Stop::No) => continue,
                Input::Stop(_) => return Stopped::Asked,
                Input::Poll => self.poll().await,
                Input::Proof => self.prove().await,
                Input::Hint => {
                    // It may have been about a time that comes before that of any other.
                    self.poll_at = self.poll_at.min(self.ticked_at + TICK_AFTER);
                    self.look().await
                }
                Input::RunEnded => self.claim().await,
            };
            if let Err(error) = step {
                tracing::warn!(worker = %self.life.setup.name, %error, "no answer from the store; asking again");
                self.poll_at = Instant::now() + self.poll_interval().min(RETRY_AFTER);
            }
            if self.wish == Wish::Drain {
                return Stopped::Asked;
            }
        }
    }

    async fn next_input(&mut self, stop: &mut watch::Receiver<Stop>) -> Input {
        tokio::select! {
            biased;
            _ = stop.changed() => Input::Stop(*stop.borrow_and_update()),
            _ = &mut self.lease => Input::LeaseLost,
            Some(ended) = self.runs.join_next(), if !self.runs.is_empty() => {
                self.forget(ended);
                while let Some(ended) = self.runs.try_join_next() {
                    self.forget(ended);
                }
                Input::RunEnded
            }
            () = self.hints.changed() => Input::Hint,
            () = sleep_until(self.proof_at) => Input::Proof,
            () = sleep_until(self.poll_at) => Input::Poll,
        }
    }

    /// How often to look without a hint: seldom while hints come, and then with the heartbeat, so that a worker which has
    /// nothing to do asks one statement in that time.
    fn poll_interval(&self) -> Duration {
        let setup = &self.life.setup;
        match setup.poll_interval {
            Some(interval) => interval,
            None if setup.store.hints().are_live() => setup.heartbeat_interval.mul_f64(0.9),
            None => POLL.min(setup.heartbeat_interval),
        }
    }

    /// Looks for processes of this machine that are gone. That costs the store nothing.
    async fn prove(&mut self) -> StoreResult<()> {
        self.proof_at = Instant::now() + self.life.setup.poll_interval.unwrap_or(POLL);
        // After the store was away, they may have been told already.
        if Instant::now() >= self.patient_until && self.undertaker.look(&self.life).await? {
            self.look().await?;
        }
        Ok(())
    }

    /// Looks at the clock, for workers that died, for messages, and for work.
    async fn poll(&mut self) -> StoreResult<()> {
        let life = self.life.clone();
        let setup = &life.setup;
        // Whoever was cut off for a whole lease would find itself dead, and everybody who was cut off with it: first
        // they all get a chance to say that they live.
        if self.life.since_extended() >= setup.lease {
            self.life.heartbeat().await?;
            self.patient_until = Instant::now() + setup.heartbeat_interval;
        }
        if Instant::now() < self.patient_until {
            self.poll_at = self.patient_until;
            return self.look().await;
        }
        self.ticked_at = Instant::now();
        let (tick, work) = if self.life.since_extended() >= setup.heartbeat_interval / 2 {
            let beat = self.life.beat(&self.serves).await?;
            self.heed(beat.wish);
            (beat.tick, beat.work)
        } else {
            (setup.store.tick().await?, true)
        };
        // Before the claim, which then finds the runs.
        #[cfg(feature = "schedules")]
        let attend_at = schedules::attend(&setup.store, &tick).await;
        // Counted from when it was asked, as the lease is.
        let next = self.ticked_at + self.poll_interval();
        let due = tick
            .next_due
            .map(|due| Instant::now() + due.max(SHORTEST_POLL));
        self.poll_at = due.map_or(next, |due| due.min(next));
        #[cfg(feature = "schedules")]
        if let Some(wait) = attend_at {
            self.poll_at = self.poll_at.min(Instant::now() + wait);
        }
        if work || !self.driven.is_empty() || self.strays {
            return self.look().await;
        }
        Ok(())
    }

    /// Reads what people want of it, if they want something of any worker.
    async fn hear_wish(&mut self) -> StoreResult<()> {
        let store = &self.life.setup.store;
        let wishes = store.hints().wishes();
        if wishes != self.wishes {
            // Where it is gone, its lease will tell.
            let wish = store.wished(self.life.key).await?;
            self.wishes = wishes;
            self.heed(wish.unwrap_or(self.wish));
        }
        Ok(())
    }

    fn heed(&mut self, wish: Wish) {
        if wish != self.wish {
            tracing::info!(worker = %self.life.setup.name, wish = wish.as_str(), "asked from outside");
            self.wish = wish;
            self.more = !self.serves.workflows.is_empty();
            self.more_limited = !self.serves.limited.is_empty();
        }
    }

    /// Looks for messages and for work.
    async fn look(&mut self) -> StoreResult<()> {
        self.hear_wish().await?;
        if self.life.setup.store.hints().take_due() {
            let tick = self.life.setup.store.tick().await?;
            let due = tick.next_due.map(|due| due.max(SHORTEST_POLL));
            let again = due.map(|due| Instant::now() + due);
            self.poll_at = again.map_or(self.poll_at, |again| self.poll_at.min(again));
        }
        if !self.driven.is_empty() {
            let runs = self.driven_keys();
            let own = self.life.setup.store.wakes(self.life.key, &runs).await?;
            let own: HashMap<RunKey, i32> = own.into_iter().collect();
            for (run, driven) in &self.driven {
                // None where it was ended from outside, taken away, or just given back by its own task, which then
                // listens no more.
                let wakes = own.get(run).copied();
                driven.mail.send_if_modified(|mail| mail.hear(wakes));
            }
        }
        self.more = !self.serves.workflows.is_empty();
        self.more_limited = !self.serves.limited.is_empty();
        self.claim().await
    }

    /// Fills the free slots, as long as there is something to claim.
    async fn claim(&mut self) -> StoreResult<()> {
        if self.strays {
            let driven = self.driven_keys();
            let strays = self.life.setup.store.strays(self.life.key, &driven).await?;
            self.strays = false;
            self.drive_all(strays);
        }
        if self.wish != Wish::Run {
            return Ok(());
        }
        match self.first {
            First::Unlimited => {
                self.first = First::Limited;
                self.claim_limited().await?;
                self.claim_unlimited().await
            }
            First::Limited => {
                self.first = First::Unlimited;
                self.claim_unlimited().await?;
                self.claim_limited().await
            }
        }
    }

    async fn claim_unlimited(&mut self) -> StoreResult<()> {
        while self.more {
            let Some(batch) = self.batch() else {
                return Ok(());
            };
            self.strays = true;
            let store = &self.life.setup.store;
            let claimed = store.claim(self.life.key, &self.serves, batch).await?;
            self.strays = false;
            self.more = claimed.len() == batch as usize;
            self.drive_all(claimed);
        }
        Ok(())
    }

    async fn claim_limited(&mut self) -> StoreResult<()> {
        while self.more_limited {
            let Some(batch) = self.batch() else {
                return Ok(());
            };
            // Each time another workflow comes first.
            self.serves.limited.rotate_left(1);
            self.strays = true;
            let store = &self.life.setup.store;
            let claimed = store
                .claim_limited(self.life.key, &self.serves, batch)
                .await?;
            self.strays = false;
            self.more_limited = claimed.runs.len() == batch as usize;
            if let Some(again) = claimed.again {
                let again = Instant::now() + again.max(SHORTEST_POLL);
                self.poll_at = self.poll_at.min(again);
            }
            self.drive_all(claimed.runs);
        }
        Ok(())
    }

    /// How many runs the next claim may take; none where all slots are in use.
    fn batch(&self) -> Option<u32> {
        let slots = self.life.setup.concurrency;
        let batch = slots.saturating_sub(self.driven.len()).min(BATCH);
        (batch > 0).then(|| u32::try_from(batch).unwrap_or(u32::MAX))
    }

    fn driven_keys(&self) -> Vec<RunKey> {
        self.driven.keys().copied().collect()
    }

    fn drive_all(&mut self, claimed: Vec<Claimed>) {
        for claimed in claimed {
            let Some(definition) = self
                .life
                .setup
                .registry
                .get(&claimed.run.workflow, claimed.run.version)
            else {
                // The store gives only what was asked for.
                tracing::error!(run = %claimed.run.id, workflow = %claimed.run.workflow, version = claimed.run.version, "claimed a workflow that is not served");
                continue;
            };
            let key = claimed.run.key();
            let (mail, inbox) = watch::channel(Mail {
                wakes: claimed.run.wakes,
                drain: false,
                lost: false,
            });
            tracing::debug!(run = %claimed.run.id, workflow = %claimed.run.workflow, epoch = claimed.run.epoch, "run claimed");
            let epoch = claimed.run.epoch;
            self.driven.insert(key, Driven { epoch, mail });
            let life = self.life.clone();
            self.runs
                .spawn(async move { (key, epoch, drive(life, definition, claimed, inbox).await) });
        }
    }

    fn forget(&mut self, ended: Result<(RunKey, i32, Ended), tokio::task::JoinError>) {
        match ended {
            Ok((run, epoch, _)) => {
                if self.driven.get(&run).is_some_and(|d| d.epoch == epoch) {
                    self.driven.remove(&run);
                }
            }
            // Steps and bodies are caught when they panic, so this is a mistake of ours: the run stays with this
            // worker in the store, and is taken from there again.
            Err(error) => {
                tracing::error!(%error, "the task of a run ended by itself");
                self.strays = true;
                self.driven.retain(|_, driven| !driven.mail.is_closed());
            }
        }
    }

    /// Ends in order: runs are told to give themselves back, steps may end up to the limit, and what is left is given
    /// back by signing off.
    async fn sign_off(mut self, stop: &mut watch::Receiver<Stop>) -> Result<(), Error> {
        let setup = self.life.setup.clone();
        setup.vitals.drains();
        tracing::info!(worker = %setup.name, runs = self.driven.len(), "draining");
        for driven in self.driven.values() {
            driven.mail.send_modify(|mail| mail.drain = true);
        }
        let limit = sleep_until(Instant::now() + setup.drain_timeout);
        tokio::pin!(limit);
        while !self.runs.is_empty() {
            let drained = tokio::select! {
                ended = self.runs.join_next() => {
                    if let Some(ended) = ended {
                        self.forget(ended);
                    }
                    ControlFlow::Continue(())
                }
                () = &mut limit => ControlFlow::Break("the drain limit is over"),
                _ = &mut self.lease => ControlFlow::Break("the lease is lost"),
                _ = stop.wait_for(|stop| *stop == Stop::Now) => ControlFlow::Break("asked a second time"),
            };
            if let ControlFlow::Break(why) = drained {
                tracing::info!(worker = %setup.name, runs = self.driven.len(), why, "giving runs back unfinished");
                break;
            }
        }
        let key = self.life.key;
        self.drop_everything().await;
        setup.store.deregister(key).await?;
        setup.store.hints().tell_work();
        tracing::info!(worker = %setup.name, "worker signed off");
        Ok(())
    }

    /// Stops all tasks, and waits until they have stopped: nothing of this life goes on behind the next.
    async fn drop_everything(mut self) {
        self.lease.abort();
        self.runs.shutdown().await;
    }
}

/// How many runs one claim takes at most.
const BATCH: usize = 100;
/// How often a worker looks that cannot hear of work, and for processes that are gone.
const POLL: Duration = Duration::from_secs(2);
/// How soon after a look at the clock a hint leads to the next one.
const TICK_AFTER: Duration = Duration::from_secs(1);
/// How soon the store is asked again after it did not answer.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// However soon the next run is due, the store is not asked more often than this.
const SHORTEST_POLL: Duration = Duration::from_millis(1);
