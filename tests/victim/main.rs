//! A worker in a process of its own, which the crash tests kill, stop and cut off.
//!
//! Its steps write what they do into a ledger outside of the store. On demand it stands still at a certain point,
//! says so by a marker file, and waits to be killed.

mod agents;
mod deploy;
mod starts;
mod stop_at_commit;

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Parser;
use sagewai::prelude::*;
use sagewai::store::AnyStore;

use sagewai_tests::watched_store::WatchedStore;

use stop_at_commit::{StopAt, StopAtCommit};

/// A worker to be killed.
#[derive(Debug, Parser)]
struct Options {
    /// Where runs live.
    #[arg(long)]
    store: String,
    /// Where steps write what they do.
    #[arg(long)]
    ledger: PathBuf,
    #[arg(long, default_value = "victim")]
    name: String,
    #[arg(long, default_value_t = 30_000)]
    lease_ms: u64,
    #[arg(long, default_value = "default")]
    pool: String,
    /// A label that it has, as `key=value`.
    #[arg(long)]
    label: Option<String>,
    /// The version of a deploy, 1 or 2, whose workflows it serves as well.
    #[arg(long)]
    deploy: Option<u32>,
    /// Start this run first.
    #[arg(long)]
    start: Option<String>,
    /// Only start so many runs of a workflow with a limit of five, all at once, and exit with 100 and how many got in.
    #[arg(long)]
    start_narrow: Option<u32>,
    /// Only start this run in a transaction, and stand still before it is committed.
    #[arg(long)]
    start_in: Option<String>,
    /// Stand still before the n-th commit is written.
    #[arg(long)]
    stop_before_commit: Option<u64>,
    /// Stand still when the n-th commit is written and its answer is on its way.
    #[arg(long)]
    stop_after_commit: Option<u64>,
    /// Stand still before a schedule is written for the n-th time.
    #[arg(long)]
    stop_before_schedule: Option<u64>,
    /// Stand still when a schedule was written for the n-th time.
    #[arg(long)]
    stop_after_schedule: Option<u64>,
    /// Stand still inside this step, the first time.
    #[arg(long)]
    stop_in: Option<String>,
    /// The file that says that it stands still.
    #[arg(long)]
    marker: Option<PathBuf>,
    #[arg(long, default_value_t = 3)]
    max_claims: u32,
}

static OPTIONS: OnceLock<Options> = OnceLock::new();

fn options() -> &'static Options {
    OPTIONS.get_or_init(Options::parse)
}

/// Appends one line in one write, so that lines of several processes do not mix.
fn note(ctx: &StepContext, what: &str) {
    let line = format!(
        "{what} {} {} {}\n",
        ctx.run_id(),
        ctx.position(),
        std::process::id()
    );
    let mut ledger = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&options().ledger)
        .expect("the ledger can be opened");
    ledger
        .write_all(line.as_bytes())
        .expect("the ledger can be written");
}

/// Says that it stands still.
fn mark() {
    if let Some(marker) = &options().marker {
        std::fs::write(marker, "").expect("the marker can be written");
    }
}

/// Whether it has stood still in a step.
static STOPPED: AtomicBool = AtomicBool::new(false);

async fn effect(ctx: &StepContext, value: u32) -> u32 {
    note(ctx, "begin");
    let here = options().stop_in.as_deref() == Some(ctx.position().name());
    if here && !STOPPED.swap(true, Ordering::SeqCst) {
        mark();
        // Until the marker is taken away: by a test that lets it go on after it was stopped.
        while options().marker.as_ref().is_some_and(|m| m.exists()) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
    tokio::time::sleep(Duration::from_millis(3)).await;
    note(ctx, "end");
    value + 1
}

#[step]
async fn one(ctx: &StepContext, value: u32) -> Result<u32> {
    Ok(effect(ctx, value).await)
}

#[step]
async fn two(ctx: &StepContext, value: u32) -> Result<u32> {
    Ok(effect(ctx, value).await)
}

#[step]
async fn three(ctx: &StepContext, value: u32) -> Result<u32> {
    Ok(effect(ctx, value).await)
}

#[workflow(name = "victim")]
async fn victim(value: u32) -> Result<u32> {
    let value = one(value).await?;
    let value = two(value).await?;
    three(value).await
}

/// Driven a few at once, with a pause in which another may be.
#[workflow(name = "limited", concurrency = 4, concurrency_per_key = 2)]
async fn limited(value: u32) -> Result<u32> {
    let value = one(value).await?;
    sleep(Duration::from_millis(5)).await?;
    two(value).await
}

/// Several things at once, one after the other: each combinator's outcome decides what comes next.
#[workflow(name = "at-once")]
async fn at_once(value: u32) -> Result<u32> {
    let (left, right) = try_join!(one(value), async {
        let next = two(value).await?;
        three(next).await
    })
    .await?;
    let all = map(0..3_u32, |n| one(left + n)).concurrency(2).await;
    let all = all.into_iter().sum::<Result<u32>>()?;
    let won = match race!(two(all), hangs()).await {
        Won2::A(value) | Won2::B(value) => value?,
    };
    three(won + right).await
}

/// Never ends by itself.
#[step]
async fn hangs(ctx: &StepContext) -> Result<u32> {
    note(ctx, "begin");
    std::future::pending().await
}

#[step]
async fn deadly(ctx: &StepContext) -> Result<()> {
    note(ctx, "begin");
    std::process::abort()
}

/// Kills each worker that it meets.
#[workflow(name = "poison")]
async fn poison() -> Result<()> {
    deadly().await
}

#[step]
async fn before(ctx: &StepContext) -> Result<()> {
    note(ctx, "end");
    Ok(())
}

#[step]
async fn after(ctx: &StepContext, by: &str) -> Result<String> {
    note(ctx, "end");
    Ok(by.to_owned())
}

/// Waits for a person between two steps.
#[workflow(name = "asking")]
async fn asking() -> Result<String> {
    before().await?;
    let decision = approval("go").await?;
    after(&decision.by).await
}

/// Waits for all that a run can wait for, one after the other.
#[workflow(name = "waiting")]
async fn waiting(value: u32) -> Result<u32> {
    let grown = child(victim(value)).await?;
    let added = signal::<u32>("more").await?;
    let decision = approval("go").await?;
    let limit = Duration::from_millis(20);
    let late = signal::<u32>("never").timeout(limit).await.unwrap_or(100);
    let (left, right) = try_join!(victim(grown), victim(added)).await?;
    one(left + right + late + u32::from(decision.approved)).await
}

#[step(pool = "gpu", labels(gpu = "yes"))]
async fn on_gpu(ctx: &StepContext, value: u32) -> Result<u32> {
    Ok(effect(ctx, value).await)
}

/// Two of its steps ask for another worker than the rest; after the sleep it is back where it began.
#[workflow(name = "filming")]
async fn filming(value: u32) -> Result<u32> {
    let value = one(value).await?;
    let (value, other) = try_join!(on_gpu(value), two(value)).await?;
    let value = on_gpu(value + other).await?;
    sleep(Duration::from_secs(6)).await?;
    three(value).await
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = options();
    let opened = sagewai::store::open(&options.store).await?;
    let stops = [
        options.stop_before_commit.map(StopAt::Before),
        options.stop_after_commit.map(StopAt::After),
        options.stop_before_schedule.map(StopAt::BeforeSchedule),
        options.stop_after_schedule.map(StopAt::AfterSchedule),
    ];
    let stop = stops.into_iter().flatten().next();
    let store = match stop {
        Some(stop) => AnyStore::new(WatchedStore::new(
            opened,
            std::sync::Arc::new(StopAtCommit::new(stop, mark)),
        )),
        None => opened,
    };
    if let Some(runs) = options.start_narrow {
        std::process::exit(100 + starts::narrow_at_once(&store, runs).await);
    }
    if let Some(run) = &options.start_in {
        starts::in_a_transaction(&options.store, victim(1).run_id(run), mark).await?;
    }
    if let Some(run) = &options.start {
        victim(1).run_id(run).start(&Client::new(&store)).await?;
    }
    let lease = Duration::from_millis(options.lease_ms);
    let mut worker = WorkflowWorker::builder(&store)
        .name(&options.name)
        .pool(&options.pool)
        .lease(lease)
        .heartbeat_interval((lease / 3).min(Duration::from_secs(10)))
        .poll_interval(Duration::from_millis(100))
        .max_claims(options.max_claims)
        .workflow(victim)
        .workflow(at_once)
        .workflow(limited)
        .workflow(poison)
        .workflow(asking)
        .workflow(waiting)
        .workflow(agents::agents)
        .workflow(filming);
    worker = match options.deploy {
        Some(1) => worker.version("1.0.0").workflow(deploy::v1::invoice),
        Some(_) => worker
            .version("2.0.0")
            .workflow(deploy::v1::invoice)
            .workflow(deploy::v2::invoice),
        None => worker,
    };
    if let Some((key, value)) = options.label.as_deref().and_then(|l| l.split_once('=')) {
        worker = worker.label(key, value);
    }
    Ok(worker.run().await?)
}
