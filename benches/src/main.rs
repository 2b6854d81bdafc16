//! What a run costs: many callers start short runs and await them, one worker drives them, all in this process. For
//! each number of callers one line: runs per second, latency, processor time, commits, statements and WAL per run.
//!
//! ```sh
//! cargo run --release -p sagewai-benches -- --store postgres://postgres@127.0.0.1/bench
//! ```

mod load;
mod meter;

use std::time::Duration;

use clap::Parser;
use sagewai::prelude::*;

use load::life;
use meter::Meter;

/// Measures the whole life of 3-step runs: start, claim, three checkpoints, result.
#[derive(Debug, Parser)]
struct Options {
    /// Where runs live: `sqlite://file.db`, `postgres://…`, `memory:`. PostgreSQL is measured best with nothing else on
    /// the server; with the extension `pg_stat_statements`, statements are counted too.
    #[arg(long)]
    store: String,
    /// Callers at once, each with one run on its way.
    #[arg(long, value_delimiter = ',', default_value = "1,10,100,1000")]
    callers: Vec<usize>,
    /// How long each number of callers is measured, in seconds, after one second to warm up.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Bytes of the argument and of each result.
    #[arg(long, default_value_t = 100)]
    payload: usize,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    if !(0.1..=3600.0).contains(&options.seconds) || options.callers.contains(&0) {
        return Err("--seconds goes from 0.1 to 3600, --callers from 1".into());
    }
    let store = sagewai::store::open(&options.store).await?;
    let client = Client::new(&store);
    let meter = Meter::of(&options.store).await?;
    println!(
        "| callers | runs/s | p50 ms | p99 ms | client µs | server µs | commits | statements | WAL bytes |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for &callers in &options.callers {
        let worker = WorkflowWorker::builder(&store)
            .workflow(life)
            .concurrency(callers.max(10) * 2)
            .start()
            .await?;
        let length = Duration::from_secs_f64(options.seconds);
        let (runs, cost) = load::run(&client, &meter, callers, options.payload, length).await?;
        worker.shutdown().await?;
        let per_run = |total: Option<f64>, digits: usize| {
            total.map_or("–".to_owned(), |t| format!("{:.digits$}", t / runs.count))
        };
        println!(
            "| {callers} | {:.0} | {:.2} | {:.2} | {} | {} | {} | {} | {} |",
            runs.count / runs.seconds,
            runs.percentile(0.5),
            runs.percentile(0.99),
            per_run(cost.client_us, 0),
            per_run(cost.server_us, 0),
            per_run(cost.commits, 2),
            per_run(cost.statements, 2),
            per_run(cost.wal_bytes, 0),
        );
    }
    Ok(())
}
