//! Word that something changed, so that nobody has to wait for the next look.
//!
//! A hint may be lost. Whoever waits subscribes, then looks, then waits for a hint or for a while, and looks again. Only
//! what can never change may come along with one, within the process: the result of a run that is complete.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use crate::model::{Outcome, RunKey};

/// Where a store tells, and workers and clients listen. Clones share everything.
#[derive(Debug, Clone)]
pub struct Hints(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Counts hints about work; the value itself means nothing.
    work: watch::Sender<u64>,
    /// Whether a time has come that no look at the clock has seen.
    due: AtomicBool,
    /// Whether words of other processes arrive.
    live: AtomicBool,
    /// Counts words about what people want of workers.
    wishes: AtomicU64,
    runs: Mutex<HashMap<RunKey, watch::Sender<Heard>>>,
}

/// What was said of a run.
#[derive(Debug, Default)]
struct Heard {
    result: Option<Outcome>,
}

impl Default for Hints {
    fn default() -> Hints {
        Hints(Arc::new(Shared {
            work: watch::Sender::new(0),
            due: AtomicBool::new(false),
            live: AtomicBool::new(false),
            wishes: AtomicU64::new(0),
            runs: Mutex::default(),
        }))
    }
}

impl Hints {
    /// Nobody listens yet.
    pub fn new() -> Hints {
        Hints::default()
    }

    /// Nobody listens yet, and everything that happens to the store is told here.
    pub fn live() -> Hints {
        let hints = Hints::new();
        hints.set_live(true);
        hints
    }

    /// Whether other processes can be heard by now. Where they can, whoever waits looks for itself only seldom.
    pub fn are_live(&self) -> bool {
        self.0.live.load(Ordering::Relaxed)
    }

    /// Other processes can be heard from now on, or cannot any more.
    pub fn set_live(&self, live: bool) {
        self.0.live.store(live, Ordering::Relaxed);
    }

    /// Something may be claimable, or a running run has a message.
    pub fn tell_work(&self) {
        self.0.work.send_modify(|n| *n = n.wrapping_add(1));
    }

    /// A time has come: whoever hears it first looks at the clock.
    pub fn tell_due(&self) {
        self.0.due.store(true, Ordering::Release);
        self.tell_work();
    }

    /// Whether a time has come, asked by the one who looks at the clock now.
    pub(crate) fn take_due(&self) -> bool {
        self.0.due.swap(false, Ordering::AcqRel)
    }

    /// People want something of a worker: each one that hears it looks whether it is meant.
    pub fn tell_wish(&self) {
        self.0.wishes.fetch_add(1, Ordering::AcqRel);
        self.tell_work();
    }

    /// How often that was told.
    pub(crate) fn wishes(&self) -> u64 {
        self.0.wishes.load(Ordering::Acquire)
    }

    /// A run has ended or gone to sleep.
    pub fn tell_run(&self, run: RunKey) {
        if let Some(sender) = self.runs().get(&run) {
            sender.send_modify(|_| {});
        }
    }

    /// A run is complete, and this is its result: it is durable, and stays what it is. So who waits for it in this process
    /// need not look. (That a run has failed is no such thing: it may be retried.)
    pub fn tell_completed(&self, run: RunKey, result: &Outcome) {
        if let Some(sender) = self.runs().get(&run) {
            sender.send_modify(|heard| heard.result = Some(result.clone()));
        }
    }

    /// Another process changed something.
    pub fn tell_all(&self) {
        self.tell_wish();
        self.tell_runs();
    }

    /// Some run has ended or gone to sleep.
    pub fn tell_runs(&self) {
        for sender in self.runs().values() {
            sender.send_modify(|_| {});
        }
    }

    /// Listens for work.
    pub fn watch_work(&self) -> WorkWatch {
        WorkWatch(self.0.work.subscribe())
    }

    /// Listens for one run.
    pub fn watch_run(&self, run: RunKey) -> RunWatch {
        let receiver = self.runs().entry(run).or_default().subscribe();
        RunWatch {
            receiver,
            run,
            hints: self.clone(),
        }
    }

    /// Whether anybody listens.
    #[cfg(feature = "sqlite")]
    pub(super) fn is_watched(&self) -> bool {
        self.0.work.receiver_count() > 0 || !self.runs().is_empty()
    }

    fn runs(&self) -> std::sync::MutexGuard<'_, HashMap<RunKey, watch::Sender<Heard>>> {
        // The map is whole at every moment, so a panic elsewhere does not make it unusable.
        self.0.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Listens for work.
#[derive(Debug)]
pub struct WorkWatch(watch::Receiver<u64>);

impl WorkWatch {
    /// Returns at the next hint, or at once if one came since the last time. Cancel safe.
    pub async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            // The store is gone; there will be no more hints, and the caller's own poll goes on.
            std::future::pending::<()>().await;
        }
    }
}

/// Listens for one run.
#[derive(Debug)]
pub struct RunWatch {
    receiver: watch::Receiver<Heard>,
    run: RunKey,
    hints: Hints,
}

impl RunWatch {
    /// Returns at the next hint, or at once if one came since the last time. Cancel safe.
    pub async fn changed(&mut self) {
        if self.receiver.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// The run's result, where it came with a hint.
    pub fn result(&self) -> Option<Outcome> {
        self.receiver.borrow().result.clone()
    }
}

impl Drop for RunWatch {
    fn drop(&mut self) {
        let mut runs = self.hints.runs();
        if let Some(sender) = runs.get(&self.run)
            // The last listener, which is this one, takes the entry along.
            && sender.receiver_count() <= 1
        {
            runs.remove(&self.run);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RunId;

    #[tokio::test]
    async fn hint_between_look_and_wait_is_not_lost() {
        let hints = Hints::new();
        let key = RunId::generate().key();
        let mut run = hints.watch_run(key);
        let mut work = hints.watch_work();
        hints.tell_run(key);
        hints.tell_work();
        run.changed().await;
        work.changed().await;
        hints.tell_all();
        run.changed().await;
        work.changed().await;
    }

    #[tokio::test]
    async fn result_comes_to_those_who_listen_and_stays_when_more_is_heard() {
        let hints = Hints::new();
        let key = RunId::generate().key();
        let result = Outcome::Ok(crate::model::Json::null());
        hints.tell_completed(key, &result);
        let mut run = hints.watch_run(key);
        assert_eq!(run.result(), None);
        hints.tell_completed(key, &result);
        hints.tell_runs();
        run.changed().await;
        assert_eq!(run.result(), Some(result));
    }

    #[test]
    fn last_listener_leaves_nothing_behind() {
        let hints = Hints::new();
        let key = RunId::generate().key();
        let (a, b) = (hints.watch_run(key), hints.watch_run(key));
        drop(a);
        assert_eq!(hints.runs().len(), 1);
        drop(b);
        assert!(hints.runs().is_empty());
    }
}
