//! What runs cost, measured: one command, every kind of work, on PostgreSQL and on SQLite, medians of several rounds, as
//! JSON and as Markdown.
//!
//! ```sh
//! cargo run --release -p sagewai-benches              # everything; starts a PostgreSQL of its own
//! cargo run --release -p sagewai-benches -- --quick   # a look at everything, in a few minutes
//! cargo run --release -p sagewai-benches -- --only life --store postgres
//! ```

mod meter;
mod peers;
mod report;
mod scenes;
mod target;
mod worker;
mod workflows;

use std::path::PathBuf;

use clap::Parser;
use sagewai::prelude::*;
use serde_json::json;

use report::Row;
use scenes::{SCENES, Scale, Scene};
use target::{Place, Target};

/// Measures what runs cost: time, processor seconds of client and server, commits, statements, bytes of the log.
///
/// Steps do nothing, so that what is left is the cost of the library. Each measurement has a database or file of its own.
/// Other programs on the machine disturb times more than processor seconds, and counts not at all.
#[derive(Debug, Parser)]
#[command(after_help = scenes::help())]
struct Options {
    /// Where: `postgres` (starts a throwaway server that writes to the disk), `sqlite` (files in the folder for temporary
    /// ones), `postgres://…` (a server that is there; its user must be able to create databases), `sqlite:FOLDER`.
    #[arg(long, value_delimiter = ',', default_value = "postgres,sqlite")]
    store: Vec<String>,
    /// Which kinds of work; all by default.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// How often each is measured; the median counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Small and once: to see that everything works, and roughly what comes out.
    #[arg(long)]
    quick: bool,
    /// Callers at once, for `life`.
    #[arg(long, value_delimiter = ',', default_value = "1,10,100,1000")]
    callers: Vec<usize>,
    /// Bytes of each argument and result, for `life`; the first one with all numbers of callers, others with 100 callers.
    #[arg(long, value_delimiter = ',', default_value = "100,2048,51200")]
    payload: Vec<usize>,
    /// How long each number of callers is measured, in seconds, after one second to warm up.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Where the results are written, as `results.json` and `results.md`; printed only, by default.
    #[arg(long)]
    out: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What else this program does.
#[derive(Debug, clap::Subcommand)]
enum Command {
    /// A process of its own, for what needs several.
    #[command(hide = true)]
    Worker(worker::Worker),
    /// Sets this library beside other systems; `peers/run` builds their programs and does all of it.
    Peers(peers::Peers),
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    match options.command {
        Some(Command::Worker(worker)) => return worker::run(worker).await,
        Some(Command::Peers(peers)) => return peers::run(peers).await,
        None => {}
    }
    if !(0.1..=3600.0).contains(&options.seconds)
        || options.callers.contains(&0)
        || options.rounds == 0
    {
        return Err("--seconds goes from 0.1 to 3600, --callers and --rounds from 1".into());
    }
    let unknown = options
        .only
        .iter()
        .find(|name| !SCENES.iter().any(|scene| scene.name == **name));
    if let Some(unknown) = unknown {
        return Err(format!("`{unknown}` is no kind of work; see --help").into());
    }
    let scale = Scale {
        quick: options.quick,
        seconds: if options.quick {
            options.seconds.min(1.0)
        } else {
            options.seconds
        },
        callers: options.callers.clone(),
        payloads: options.payload.clone(),
    };
    let rounds = if options.quick { 1 } else { options.rounds };
    let mut stores = Vec::new();
    for store in &options.store {
        let target = Target::parse(store)?;
        let mut rows = Vec::new();
        for scene in SCENES {
            if options.only.is_empty() || options.only.iter().any(|name| name == scene.name) {
                rows.extend(measure(scene, &target, &scale, rounds).await?);
            }
        }
        report::beside_the_floor(&mut rows);
        println!("\n## {}\n\n{}", target.name(), report::markdown(&rows));
        stores.push((target.name(), rows));
    }
    if let Some(folder) = &options.out {
        let about = json!({
            "rounds": rounds, "quick": options.quick,
            "processors": std::thread::available_parallelism().map_or(0, usize::from),
        });
        std::fs::create_dir_all(folder)?;
        let text = serde_json::to_string_pretty(&report::json(&about, &stores))?;
        std::fs::write(folder.join("results.json"), text)?;
        let tables = stores
            .iter()
            .map(|(name, rows)| format!("## {name}\n\n{}\n", report::markdown(rows)));
        std::fs::write(folder.join("results.md"), tables.collect::<String>())?;
    }
    Ok(())
}

/// The rows of one kind of work, each the median of its rounds.
async fn measure(scene: &Scene, target: &Target, scale: &Scale, rounds: usize) -> Result<Vec<Row>> {
    let mut measured: Vec<Vec<Row>> = Vec::new();
    for round in 1..=rounds {
        eprintln!("{}: {} ({round} of {rounds})", target.name(), scene.name);
        measured.push((scene.run)(target, scale).await?);
    }
    let count = measured.iter().map(Vec::len).min().unwrap_or(0);
    let rows = (0..count).filter_map(|n| {
        let rounds: Vec<Row> = measured.iter().map(|rows| rows[n].clone()).collect();
        report::median(&rounds)
    });
    Ok(rows.collect())
}

/// A store that is ready, in a place of its own.
async fn open(place: &Place) -> Result<sagewai::store::AnyStore> {
    Ok(sagewai::store::open(&place.url).await?)
}
