//! Where runs live: the contract of a store, and the three that come with the library.
//!
//! A method is one transaction. Its documentation says what is true when it returns; when the process dies
//! before that, either all of it is true or nothing.

mod admission;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod admission_sql;
mod any;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod columns;
#[cfg(feature = "testing")]
pub mod conformance;
mod error;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod failure;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod group_commit;
mod held;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod held_sql;
mod hints;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod history_sql;
mod memory;
mod open;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod outputs;
mod outside;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod row;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod schema;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod settle;
mod size;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod start_in;
#[cfg(feature = "cli")]
pub(crate) mod upkeep;

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;

use crate::model::{
    Act, Admission, Answer, Assigned, Assigning, Backlog, Beat, ClaimOne, Claimed, Commit,
    DueSchedules, Gate, History, Journal as RunJournal, Lease, LimitedClaim, Limits, Messages,
    NewRun, NewWorker, Outcome, Registered, Run, RunFilter, RunId, RunKey, RunState, RunningStep,
    ScheduleRecord, Serves, StartRules, Started, Tick, Timestamp, Verdict, Wish, WorkerKey,
    WorkerRecord,
};

pub use any::AnyStore;
pub use error::{StoreError, StoreResult};
pub use hints::{Hints, RunWatch, WorkWatch};
pub use memory::InMemoryStore;
pub use open::open;
#[cfg(feature = "cli")]
pub(crate) use open::open_as_is;
#[cfg(feature = "postgres")]
pub use postgres::{PostgresBuilder, PostgresStore};
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub use start_in::OpenTransaction;

/// The largest payload that a store takes, in bytes of JSON text: 16 MiB.
pub const PAYLOAD_BYTES_MAX: usize = 16 << 20;

/// How long the row of a worker that is gone is kept: a day.
pub const WORKERS_KEPT: Duration = Duration::from_hours(24);

/// A place where runs live. Implemented by [`InMemoryStore`], [`SqliteStore`], [`PostgresStore`], and by your own;
/// `store::conformance` (feature `testing`) is its contract as tests.
///
/// A store is a cheap handle: clones share everything.
pub trait Store:
    Schema + Journal + Queue + Fleet + Outside + Schedules + Query + Debug + Send + Sync + 'static
{
}

impl<T> Store for T where
    T: Schema
        + Journal
        + Queue
        + Fleet
        + Outside
        + Schedules
        + Query
        + Debug
        + Send
        + Sync
        + 'static
{
}

/// Tables, the clock, and hints.
#[async_trait]
pub trait Schema {
    /// Creates what is missing, or brings it up to this version. Does nothing where it is up to date; safe from
    /// several processes at once.
    ///
    /// # Errors
    /// [`StoreError::Schema`] where the tables were made by a newer version.
    async fn initialize(&self) -> StoreResult<()>;

    /// Checks that [`Schema::initialize`] has been here.
    ///
    /// # Errors
    /// [`StoreError::Schema`], with what to do.
    async fn check(&self) -> StoreResult<()>;

    /// What the store's clock says.
    async fn now(&self) -> StoreResult<Timestamp>;

    /// Where this store tells, within the process and as far as it can from outside, that something changed. Hints
    /// are coalesced and may be lost: whoever waits looks again after a while.
    fn hints(&self) -> &Hints;
}

/// Runs and what they leave.
#[async_trait]
pub trait Journal {
    /// Creates a run: `pending`, queued (at once, or when its delay is over), its input kept as the checkpoint at
    /// [`Position::INPUT`](crate::Position::INPUT).
    ///
    /// A run of the same id is left as it is: [`Started::Attached`] for the same workflow and input,
    /// [`Started::Conflict`] otherwise. Of two that start the same id at once, one creates and one attaches.
    async fn start(&self, run: NewRun) -> StoreResult<Started>;

    /// Creates a run as [`start`](Journal::start) does, under rules that look at other runs.
    ///
    /// With a limit of depth, a run is created only where fewer runs of the workflow wait: queued for a worker, or put
    /// off. Of starts at once, as many are let in as there is room for, whichever process they come from. A start that
    /// finds its run there attaches, however many wait.
    ///
    /// Debounced, the run that starts of the same workflow and key became takes the arguments, pool, labels and priority
    /// of this start and is put off again, if no worker has taken it; otherwise this start makes a run of its own. Of
    /// such a start and a claim at once, either the claim gets the new arguments, or the start makes a run of its own.
    async fn admit(&self, run: NewRun, rules: &StartRules) -> StoreResult<Admission>;

    /// Writes what a worker has done of a run: everything, or nothing.
    ///
    /// When it returns [`Verdict::Committed`] or [`Verdict::Awake`], all rows are durable. It returns
    /// [`Verdict::Fenced`], with nothing written, unless the run is `running` under the commit's epoch and worker,
    /// and that worker's lease has neither passed nor been taken. Given the same commit again (its reply was
    /// lost), it answers as the first time.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where the database could not be reached: whether the commit is stored is then
    /// unknown, and the caller gives it again.
    async fn commit(&self, commit: Commit) -> StoreResult<Verdict>;

    /// What a run has left; none where there is no such run.
    async fn journal(&self, run: &RunId) -> StoreResult<Option<RunJournal>>;

    /// How a run ended: its checkpoint at [`Position::OUTPUT`](crate::Position::OUTPUT). None while it has not, where it
    /// was cancelled, and where there is no such run.
    async fn output(&self, run: &RunId) -> StoreResult<Option<Outcome>>;
}

/// Claims and leases.
#[async_trait]
pub trait Queue {
    /// Registers one life of a worker; its lease begins. Where it calls its name its own, and a worker that is not gone
    /// does so too, nothing is written. Rows of workers that have been gone for [`WORKERS_KEPT`] are removed.
    async fn register(&self, worker: &NewWorker) -> StoreResult<Registered>;

    /// Extends a worker's lease, counted from now on the store's clock, and notes what it is executing. A worker
    /// that was found dead stays dead: [`Lease::Lost`].
    async fn heartbeat(&self, worker: WorkerKey, running: &[RunningStep]) -> StoreResult<Lease>;

    /// [`heartbeat`](Queue::heartbeat), [`tick`](Queue::tick) and a look for work at once: all that a worker asks while
    /// nothing happens, in one statement where the store can. A worker does not find itself dead by its own beat.
    async fn beat(
        &self,
        worker: WorkerKey,
        serves: &Serves,
        running: &[RunningStep],
    ) -> StoreResult<Beat>;

    /// Signs a worker off. Runs that it still holds are claimable at once.
    async fn deregister(&self, worker: WorkerKey) -> StoreResult<()>;

    /// Declares a worker dead whose lease has not passed, on proof: its process is gone. Its runs are claimable at
    /// once. Returns whether it was alive.
    async fn bury(&self, worker: WorkerKey) -> StoreResult<bool>;

    /// Looks at the clock: makes runs claimable whose time has come (at most a thousand at once), tells parents of
    /// children that have ended, ends runs that are to be ended, and declares workers dead whose lease has passed.
    async fn tick(&self) -> StoreResult<Tick>;

    /// Takes up to `limit` runs that this worker may serve, of workflows without limits: `running`, under a new epoch.
    /// Queued ones come by age, to which each level of priority adds a minute; after them those that are
    /// [meant](Fleet::assign) for this worker, and first of all runs of workers that are gone. Two workers never get the
    /// same run.
    ///
    /// A worker that is gone itself gets nothing.
    async fn claim(
        &self,
        worker: WorkerKey,
        serves: &Serves,
        limit: u32,
    ) -> StoreResult<Vec<Claimed>>;

    /// The same for workflows with limits, as far as these let it: never are more of them driven at once, by all workers
    /// together, nor do more begin in a time. Of a workflow's runs the oldest come first that may. A run holds its slot while it is `running`, also when another worker takes it over; one that is
    /// taken for the first time counts for its rate.
    ///
    /// Where a rate holds something back that this worker could take, it says when to look again.
    async fn claim_limited(
        &self,
        worker: WorkerKey,
        serves: &Serves,
        limit: u32,
    ) -> StoreResult<LimitedClaim>;

    /// Takes again, each under a new epoch, the runs that the store holds for this worker but that are not among
    /// those it drives: claims whose reply was lost.
    async fn strays(&self, worker: WorkerKey, driven: &[RunKey]) -> StoreResult<Vec<Claimed>>;

    /// Takes one certain run, if it is claimable now and the limits of its workflow let it, whatever pool and labels it
    /// asks for, and whoever is before it in the queue.
    async fn claim_one(
        &self,
        worker: WorkerKey,
        run: &RunId,
        limits: &Limits,
    ) -> StoreResult<ClaimOne>;
}

/// The workers as a whole.
#[async_trait]
pub trait Fleet {
    /// Notes what people want of a worker. It hears of it by a hint, and else by its next [`beat`](Queue::beat). Returns
    /// whether the worker is there and not gone; only then something is written.
    async fn wish(&self, worker: WorkerKey, wish: Wish) -> StoreResult<bool>;

    /// What people want of a worker; none where it is gone.
    async fn wished(&self, worker: WorkerKey) -> StoreResult<Option<Wish>>;

    /// Queues in which runs wait that are claimable now, each with how many they are. Costs by the queues, and by what is
    /// counted of each.
    async fn backlog(&self) -> StoreResult<Vec<Backlog>>;

    /// Has [`choose`](crate::model::choose) choose a worker, and keeps the choice for as long as it lasts: it counts as
    /// a run of that worker until it expires or is claimed. One choice at a time is made, by whomever.
    async fn assign(&self, ask: &Assigning) -> StoreResult<Option<Assigned>>;
}

/// What comes to runs from outside.
#[async_trait]
pub trait Outside {
    /// Does something to a run, as [`Act`] says. What is news to the run raises [`Run::wakes`]: one that waits becomes
    /// `pending`, one that is driven hears of it, and one that is about to sleep does not. Of two acts on one run,
    /// each sees all or nothing of the other.
    ///
    /// A run that ends this way gets its checkpoint at [`Position::OUTPUT`](crate::Position::OUTPUT) and an event. What
    /// its worker writes afterwards is fenced. Its own parent is told, and children that are to end with it do so at
    /// the next [`Queue::tick`].
    async fn act(&self, run: &RunId, act: &Act) -> StoreResult<Answer>;

    /// What has come for a run, and how it stands; none where there is no such run. Nothing that [`Run::wakes`] counts
    /// in the answer is missing from it; what came at the same time may be in it and not be counted yet.
    async fn messages(&self, run: &RunId) -> StoreResult<Option<Messages>>;

    /// Gates at which unfinished runs wait for a decision, oldest first, at most `limit`.
    async fn open_gates(&self, limit: u32) -> StoreResult<Vec<Gate>>;
}

/// What starts by the clock. The rules stand in the model: a store keeps each schedule whole, lets it be written over
/// the one revision that was read, and tells (in [`Tick::schedule_due`]) when the next one is due.
#[async_trait]
pub trait Schedules {
    /// Writes a schedule if what is there has the revision `over`: none for a new one. Of two that write over the same
    /// revision, one does. Returns whether it was written; a hint of work follows where it is due at a time, which may
    /// come before that of any other.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`] where the input of its runs is; [`StoreError::Unavailable`] where the database could
    /// not be reached: whether it was written is then told by the revision that is there.
    async fn save_schedule(&self, record: &ScheduleRecord, over: Option<i64>) -> StoreResult<bool>;

    /// Removes a schedule; its runs stay. Returns whether it was there.
    async fn delete_schedule(&self, name: &str) -> StoreResult<bool>;

    /// One schedule; none where there is none of this name.
    async fn schedule(&self, name: &str) -> StoreResult<Option<ScheduleRecord>>;

    /// All schedules, by name.
    async fn schedules(&self) -> StoreResult<Vec<ScheduleRecord>>;

    /// At most `limit` schedules whose time has come, by that time, and what the store's clock said.
    async fn due_schedules(&self, limit: u32) -> StoreResult<DueSchedules>;
}

/// What people ask.
#[async_trait]
pub trait Query {
    /// One run; none where there is no such run.
    async fn run(&self, run: &RunId) -> StoreResult<Option<Run>>;

    /// What a run has left, without its payloads, in the order of its checkpoints and events; none where there is no such
    /// run.
    async fn history(&self, run: &RunId) -> StoreResult<Option<History>>;

    /// Runs, newest first.
    async fn runs(&self, filter: &RunFilter) -> StoreResult<Vec<Run>>;

    /// How many runs there are in each state; states that no run is in may be left out.
    async fn counts(&self) -> StoreResult<Vec<(RunState, u64)>>;

    /// The wake counters of these runs of a worker, as far as they are still its own.
    async fn wakes(&self, worker: WorkerKey, runs: &[RunKey]) -> StoreResult<Vec<(RunKey, i32)>>;

    /// Workers, newest first; those that have been gone for `since` or longer are left out.
    async fn workers(&self, since: Duration) -> StoreResult<Vec<WorkerRecord>>;
}
