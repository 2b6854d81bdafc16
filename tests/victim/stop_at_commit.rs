//! Standing still at the n-th commit, or at the n-th write of a schedule.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use sagewai::ScheduleRecord;
use sagewai::model::{Commit, Verdict};
use sagewai_tests::watched_store::CommitWatch;

/// Where it stands still.
#[derive(Debug, Clone, Copy)]
pub enum StopAt {
    /// Before the n-th commit is given to the store.
    Before(u64),
    /// When the n-th commit is stored, before its answer.
    After(u64),
    /// Before a schedule is written for the n-th time.
    BeforeSchedule(u64),
    /// When a schedule was written for the n-th time, before the answer.
    AfterSchedule(u64),
}

/// Counts commits, and stands still at one of them.
#[derive(Debug)]
pub struct StopAtCommit {
    stop: StopAt,
    stopped: fn(),
    /// How many there were, and those that are on their way, with their numbers.
    commits: Mutex<(u64, Vec<(Commit, u64)>)>,
    schedules: AtomicU64,
}

impl StopAtCommit {
    pub fn new(stop: StopAt, stopped: fn()) -> StopAtCommit {
        StopAtCommit {
            stop,
            stopped,
            commits: Mutex::default(),
            schedules: AtomicU64::new(0),
        }
    }

    async fn stand_still(&self) {
        (self.stopped)();
        std::future::pending::<()>().await;
    }
}

#[async_trait]
impl CommitWatch for StopAtCommit {
    async fn before(&self, commit: &Commit) {
        let n = {
            let mut commits = self.commits.lock().expect("nobody panics here");
            commits.0 += 1;
            let n = commits.0;
            commits.1.push((commit.clone(), n));
            n
        };
        if matches!(self.stop, StopAt::Before(at) if at == n) {
            self.stand_still().await;
        }
    }

    async fn after(&self, commit: &Commit, _: Verdict) {
        let n = {
            let mut commits = self.commits.lock().expect("nobody panics here");
            let found = commits.1.iter().position(|(sent, _)| sent == commit);
            found.map(|index| commits.1.swap_remove(index).1)
        };
        if matches!((self.stop, n), (StopAt::After(at), Some(n)) if at == n) {
            self.stand_still().await;
        }
    }

    async fn before_schedule(&self, _: &ScheduleRecord) {
        let n = self.schedules.fetch_add(1, Ordering::SeqCst) + 1;
        if matches!(self.stop, StopAt::BeforeSchedule(at) if at == n) {
            self.stand_still().await;
        }
    }

    async fn after_schedule(&self, _: &ScheduleRecord) {
        let n = self.schedules.load(Ordering::SeqCst);
        if matches!(self.stop, StopAt::AfterSchedule(at) if at == n) {
            self.stand_still().await;
        }
    }
}
