//! Writes what many runs have ready in one transaction: the cost of a database is commits, not rows.
//!
//! Callers hand starts and commits to a queue. A writer takes all that is there, writes it, answers each caller and
//! takes again; nothing waits for company, and while one transaction is on its way the next one gathers.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use super::failure::{Failure, Kind};
use super::{Hints, StoreError, StoreResult};
use crate::model::{Commit, Ending, NewRun, Outcome, RunKey, Then, Verdict};

/// The most starts and commits in one transaction.
const BATCH_MAX: usize = 1_000;
/// The most payload in one transaction, give or take the last one.
const BATCH_BYTES_MAX: usize = 4 << 20;
/// A second writer helps when so much is waiting. With less, two of them would only halve each other's batches: a
/// transaction costs more than what is in it.
const CROWD: usize = 250;
/// How often transactions that got into each other's way are tried.
const CLASHES_MAX: u32 = 10;

/// How a database writes a batch. Each writer has one of its own.
pub(super) trait Flush: Send + 'static {
    /// Writes a batch in one transaction.
    fn flush(&mut self, batch: &Batch) -> impl Future<Output = Result<Flushed, Failure>> + Send;

    /// Tells others what was written.
    fn announce(&self, news: News);
}

/// What is written together: at most one start or commit of a run, in the order of the runs' keys, so that two
/// transactions lock rows in the same order.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) starts: Vec<Arc<NewRun>>,
    pub(super) commits: Vec<Arc<Commit>>,
}

/// What became of a batch, in its order.
#[derive(Debug, Default)]
pub(super) struct Flushed {
    /// Whether the run was created; otherwise it was there.
    pub(super) created: Vec<bool>,
    /// None where the fence did not let the commit through.
    pub(super) verdicts: Vec<Option<Verdict>>,
}

impl News {
    /// Tells those who listen in this process.
    pub(super) fn tell(&self, hints: &Hints) {
        if self.due {
            hints.tell_due();
        } else if self.work {
            hints.tell_work();
        }
        for (run, result) in &self.runs {
            match result {
                Some(result) => hints.tell_completed(*run, result),
                None => hints.tell_run(*run),
            }
        }
    }
}

/// What may interest others after a flush.
#[derive(Debug, Default, PartialEq)]
pub(super) struct News {
    /// Whether there is something to claim, or a timer.
    pub(super) work: bool,
    /// Whether something is due at once: a parent is to be told, or a child to be ended.
    pub(super) due: bool,
    /// Runs that ended or went to sleep; with the results of those that are complete.
    pub(super) runs: Vec<(RunKey, Option<Outcome>)>,
}

/// The queue and its writers. The writers end when this is dropped and the queue is empty.
pub(super) struct GroupCommit<F> {
    shared: Arc<Shared>,
    store: String,
    make_flush: Box<dyn Fn() -> F + Send + Sync>,
    writers: Mutex<Vec<Option<JoinHandle<()>>>>,
}

impl<F: Flush> GroupCommit<F> {
    /// Nothing runs before the first write. `store` names the store in errors.
    pub(super) fn new(
        store: String,
        writers: usize,
        make_flush: impl Fn() -> F + Send + Sync + 'static,
    ) -> GroupCommit<F> {
        GroupCommit {
            shared: Arc::default(),
            store,
            make_flush: Box::new(make_flush),
            writers: Mutex::new((0..writers).map(|_| None).collect()),
        }
    }

    /// Creates a run. Returns false where one of this id is there.
    pub(super) async fn start(&self, run: Arc<NewRun>) -> StoreResult<bool> {
        self.ask(|reply| Asked::Start(run, reply)).await
    }

    /// Writes a commit. Returns none where it was refused: by the fence, or because parts of it are there already.
    pub(super) async fn commit(&self, commit: Arc<Commit>) -> StoreResult<Option<Verdict>> {
        self.ask(|reply| Asked::Commit(commit, reply)).await
    }

    async fn ask<T>(&self, ask: impl FnOnce(Reply<T>) -> Asked) -> StoreResult<T> {
        let (reply, answer) = oneshot::channel();
        self.shared.push(ask(reply));
        self.wake_writers();
        match answer.await {
            Ok(answer) => answer.map_err(|failure| failure.into_error(&self.store)),
            Err(_) => Err(StoreError::Unavailable {
                store: self.store.clone(),
                reason: "the task that writes to it has ended".to_owned(),
                source: None,
            }),
        }
    }

    /// Starts the writers that are not there: at the first write, and after their runtime was shut down.
    fn wake_writers(&self) {
        let mut writers = self.writers.lock().unwrap_or_else(PoisonError::into_inner);
        for writer in writers.iter_mut() {
            if writer.as_ref().is_none_or(JoinHandle::is_finished) {
                let shared = self.shared.clone();
                *writer = Some(tokio::spawn(write_all(shared, (self.make_flush)())));
            }
        }
    }
}

impl<F> Drop for GroupCommit<F> {
    fn drop(&mut self) {
        self.shared.state().closed = true;
        self.shared.wake.notify_waiters();
        // For a writer that has looked and not yet begun to wait.
        self.shared.wake.notify_one();
    }
}

impl<F> fmt::Debug for GroupCommit<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupCommit").finish_non_exhaustive()
    }
}

type Reply<T> = oneshot::Sender<Result<T, Failure>>;

/// One caller's wish.
enum Asked {
    Start(Arc<NewRun>, Reply<bool>),
    Commit(Arc<Commit>, Reply<Option<Verdict>>),
}

impl Asked {
    fn run(&self) -> RunKey {
        match self {
            Asked::Start(run, _) => run.id.key(),
            Asked::Commit(commit, _) => commit.run,
        }
    }

    fn is_start(&self) -> bool {
        matches!(self, Asked::Start(..))
    }

    fn bytes(&self) -> usize {
        match self {
            Asked::Start(run, _) => run.input.len(),
            Asked::Commit(commit, _) => commit.payload_bytes(),
        }
    }

    // A caller that no longer listens has been cancelled; what it asked for is done all the same.
    fn fail(self, failure: Failure) {
        match self {
            Asked::Start(_, reply) => drop(reply.send(Err(failure))),
            Asked::Commit(_, reply) => drop(reply.send(Err(failure))),
        }
    }
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    wake: Notify,
}

#[derive(Default)]
struct State {
    /// With the run's key, which costs a hash.
    waiting: VecDeque<(RunKey, Asked)>,
    /// Runs of which something is being written: what comes of them meanwhile waits, and so keeps its order.
    busy: HashSet<RunKey>,
    /// How many writers are at work.
    writing: usize,
    closed: bool,
}

/// What one writer has taken; the runs are free again when it is dropped, whatever became of the writer.
struct Taken<'a> {
    shared: &'a Shared,
    runs: Vec<RunKey>,
    asked: Vec<(RunKey, Asked)>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds this.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, asked: Asked) {
        self.state().waiting.push_back((asked.run(), asked));
        self.wake.notify_one();
    }

    /// Waits for something to write; none when the store's last handle is gone and nothing is left.
    async fn next(&self) -> Option<Taken<'_>> {
        loop {
            let woken = self.wake.notified();
            {
                let mut state = self.state();
                let asked = state.take();
                if !asked.is_empty() {
                    state.writing += 1;
                    let runs = asked.iter().map(|(run, _)| *run).collect();
                    return Some(Taken {
                        shared: self,
                        runs,
                        asked,
                    });
                }
                if state.closed && state.waiting.is_empty() {
                    // The word was for one; hand it on to the other writers.
                    self.wake.notify_one();
                    return None;
                }
            }
            woken.await;
        }
    }
}

impl State {
    /// Nothing where another writer is at work that takes it next.
    fn take(&mut self) -> Vec<(RunKey, Asked)> {
        if self.writing > 0 && self.waiting.len() < CROWD {
            return Vec::new();
        }
        let mut taken = Vec::new();
        let mut held = Vec::new();
        let mut bytes = 0;
        while taken.len() < BATCH_MAX && bytes < BATCH_BYTES_MAX {
            let Some((run, asked)) = self.waiting.pop_front() else {
                break;
            };
            if self.busy.insert(run) {
                bytes += asked.bytes();
                taken.push((run, asked));
            } else {
                held.push((run, asked));
            }
        }
        for asked in held.into_iter().rev() {
            self.waiting.push_front(asked);
        }
        taken.sort_unstable_by_key(|(run, _)| *run);
        taken
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.writing -= 1;
        for run in &self.runs {
            state.busy.remove(run);
        }
        if !state.waiting.is_empty() {
            self.shared.wake.notify_one();
        }
    }
}

async fn write_all<F: Flush>(shared: Arc<Shared>, mut flush: F) {
    while let Some(mut taken) = shared.next().await {
        let asked = taken.asked.drain(..).map(|(_, asked)| asked).collect();
        write(&mut flush, asked).await;
    }
}

/// Writes and answers. What the database refuses together is written in halves, down to the one that is at fault.
async fn write<F: Flush>(flush: &mut F, asked: Vec<Asked>) {
    let mut parts = vec![asked];
    while let Some(part) = parts.pop() {
        match flush_through_clashes(flush, &Batch::of(&part)).await {
            Ok(flushed) => {
                let news = News::of(&part, &flushed);
                answer(part, flushed);
                flush.announce(news);
            }
            Err(failure) if failure.kind == Kind::Unavailable => {
                for asked in part {
                    asked.fail(failure.clone());
                }
            }
            Err(failure) if part.len() > 1 => {
                let (first, rest) = halves(part, failure.kind);
                parts.push(rest);
                parts.push(first);
            }
            Err(failure) => {
                for asked in part {
                    match asked {
                        Asked::Commit(_, reply) if failure.kind == Kind::Duplicate => {
                            drop(reply.send(Ok(None)));
                        }
                        other => other.fail(failure.clone()),
                    }
                }
            }
        }
    }
}

/// Neither is empty where there are two.
fn halves(mut part: Vec<Asked>, kind: Kind) -> (Vec<Asked>, Vec<Asked>) {
    // A transaction that a caller has open holds the id of a start for as long as it likes. Commits need not wait.
    if kind == Kind::Locked && part.iter().any(Asked::is_start) && !part.iter().all(Asked::is_start)
    {
        let (starts, commits) = part.into_iter().partition(Asked::is_start);
        return (commits, starts);
    }
    let rest = part.split_off(part.len() / 2);
    (part, rest)
}

async fn flush_through_clashes<F: Flush>(flush: &mut F, batch: &Batch) -> Result<Flushed, Failure> {
    let mut clashes = 0;
    loop {
        match flush.flush(batch).await {
            Err(failure) if failure.kind == Kind::Clash && clashes < CLASHES_MAX => clashes += 1,
            done => return done,
        }
    }
}

fn answer(asked: Vec<Asked>, flushed: Flushed) {
    let mut created = flushed.created.into_iter();
    let mut verdicts = flushed.verdicts.into_iter();
    for asked in asked {
        match asked {
            Asked::Start(_, reply) => {
                drop(reply.send(Ok(created.next().unwrap_or(false))));
            }
            Asked::Commit(_, reply) => drop(reply.send(Ok(verdicts.next().flatten()))),
        }
    }
}

impl Batch {
    fn of(asked: &[Asked]) -> Batch {
        let mut batch = Batch::default();
        for asked in asked {
            match asked {
                Asked::Start(run, _) => batch.starts.push(run.clone()),
                Asked::Commit(commit, _) => batch.commits.push(commit.clone()),
            }
        }
        batch
    }
}

impl News {
    fn of(asked: &[Asked], flushed: &Flushed) -> News {
        let mut news = News {
            work: flushed.created.contains(&true),
            due: false,
            runs: Vec::new(),
        };
        let commits = asked.iter().filter_map(|asked| match asked {
            Asked::Commit(commit, _) => Some(commit),
            Asked::Start(..) => None,
        });
        for (commit, verdict) in commits.zip(&flushed.verdicts) {
            let beyond = &commit.beyond;
            news.due |= verdict.is_some() && (!beyond.ends.is_empty() || beyond.parent.is_some());
            let leaves = !matches!(commit.then, Then::Continue);
            news.work |= beyond.frees && leaves && *verdict == Some(Verdict::Committed);
            match (&commit.then, verdict) {
                (Then::Finish(Ending::Completed), Some(_)) => {
                    news.runs.push((commit.run, commit.result().cloned()));
                }
                (Then::Pause { .. }, Some(Verdict::Committed)) | (Then::Finish(_), Some(_)) => {
                    news.runs.push((commit.run, None));
                }
                (Then::Park(park), Some(Verdict::Committed)) => {
                    news.runs.push((commit.run, None));
                    // Its time may come before that of any other: whoever watches the clock looks again.
                    news.work |= park.wake_after.is_some();
                }
                (Then::HandBack | Then::HandOver(_), Some(_)) => news.work = true,
                _ => {}
            }
        }
        news
    }
}

#[cfg(test)]
mod tests;
