//! Other systems on the same work, on the same server, read by the same meter: this library first, then each of them as
//! a ratio to it.

use std::fmt::Write;
use std::process::Stdio;

use clap::Args;
use sagewai::Result;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::meter::{Meter, cpu_us_of_process, since};
use crate::report::{Row, median};
use crate::scenes::{Scale, drain, float, life, long};
use crate::target::Target;

/// Sets this library beside other systems.
#[derive(Debug, Args)]
pub struct Peers {
    /// A system and its program, as `NAME=PROGRAM [ARGUMENT ..]`; see `peers/driver`. Given as often as there are some.
    #[arg(long = "driver", value_name = "NAME=PROGRAM")]
    drivers: Vec<String>,
    /// Where: `postgres` (a throwaway server), or `postgres://…`.
    #[arg(long, default_value = "postgres")]
    store: String,
    /// How often each is measured; the median counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Small and once.
    #[arg(long)]
    quick: bool,
    /// Bytes of each argument and result.
    #[arg(long, default_value_t = 100)]
    payload: usize,
}

/// What all do, with how it is said to a driver.
enum Work {
    Life { callers: usize, runs: u64 },
    Long { steps: u64 },
    Drain { runs: u64 },
}

/// A name, a program, its first arguments.
type Driver<'a> = (&'a str, Vec<&'a str>);

/// Measures and prints.
pub async fn run(options: Peers) -> Result<()> {
    let target = Target::parse(&options.store)?;
    let scale = Scale {
        quick: options.quick,
        seconds: if options.quick { 1.0 } else { 5.0 },
        callers: Vec::new(),
        payloads: vec![options.payload],
    };
    let drivers: Vec<Driver<'_>> = options
        .drivers
        .iter()
        .map(|driver| {
            let (name, program) = driver
                .split_once('=')
                .ok_or("--driver takes NAME=PROGRAM")?;
            Ok((name, program.split_whitespace().collect()))
        })
        .collect::<Result<_>>()?;
    let works = [
        Work::Life {
            callers: 1,
            runs: scale.of(500),
        },
        Work::Life {
            callers: 100,
            runs: scale.of(5_000),
        },
        Work::Life {
            callers: 1_000,
            runs: scale.of(10_000),
        },
        Work::Long {
            steps: scale.of(1_000),
        },
        Work::Drain {
            runs: scale.of(5_000),
        },
    ];
    let rounds = if options.quick { 1 } else { options.rounds };
    for work in &works {
        let mut systems: Vec<(&str, Row)> = Vec::new();
        let mut ours = Vec::new();
        for _ in 0..rounds {
            ours.push(match work {
                Work::Life { callers, .. } => {
                    life::live(&target, &scale, *callers, options.payload).await?
                }
                Work::Long { .. } => long::whole(&target, &scale).await?,
                Work::Drain { .. } => drain::drain(&target, &scale, 1).await?,
            });
        }
        systems.extend(median(&ours).map(|row| ("sagewai", row)));
        for driver in &drivers {
            let mut theirs = Vec::new();
            for round in 1..=rounds {
                eprintln!("{} ({round} of {rounds})", driver.0);
                match drive(&target, driver, work, options.payload).await {
                    Ok(row) => theirs.push(row),
                    // Not everybody does everything.
                    Err(error) => eprintln!("{}: {error}", driver.0),
                }
            }
            systems.extend(median(&theirs).map(|row| (driver.0, row)));
        }
        println!("{}", table(&systems));
    }
    Ok(())
}

/// One system on one kind of work, in a database of its own.
async fn drive(target: &Target, driver: &Driver<'_>, work: &Work, payload: usize) -> Result<Row> {
    let place = target.place().await?;
    let meter = Meter::of(&place.url).await?;
    let payload = payload.to_string();
    match work {
        Work::Life { callers, runs } => {
            let arguments = [
                "life".to_owned(),
                callers.to_string(),
                runs.to_string(),
                payload,
            ];
            converse(&place.url, &meter, driver, &arguments, *runs).await
        }
        Work::Long { steps } => {
            let arguments = ["long".to_owned(), steps.to_string(), payload];
            converse(&place.url, &meter, driver, &arguments, *steps).await
        }
        Work::Drain { runs } => {
            let arguments = |word: &str| [word.to_owned(), runs.to_string(), payload.clone()];
            converse(&place.url, &meter, driver, &arguments("enqueue"), *runs).await?;
            converse(&place.url, &meter, driver, &arguments("drain"), *runs).await
        }
    }
}

async fn converse(
    url: &str,
    meter: &Meter,
    (name, program): &Driver<'_>,
    arguments: &[String],
    count: u64,
) -> Result<Row> {
    let (program, first) = program.split_first().ok_or("--driver names no program")?;
    let mut child = Command::new(program)
        .args(first)
        .arg(url)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let input = child.stdin.take();
    let output = child.stdout.take().ok_or("the driver has no output")?;
    let mut told = BufReader::new(output).lines();
    // Its own server, where it is not the database.
    let mut server = None;
    let pids = [child.id().unwrap_or(0)];
    let mut before = None;
    let mut input = input.ok_or("the driver has no input")?;
    loop {
        let line =
            tokio::time::timeout(std::time::Duration::from_mins(3), told.next_line()).await??;
        let line = line.ok_or_else(|| format!("it does not do `{}`", arguments[0]))?;
        let mut words = line.split(' ');
        match words.next() {
            Some("server") => server = words.next().and_then(|pid| pid.parse().ok()),
            Some("begin") => {
                before = Some((meter.read(&pids).await?, server.and_then(cpu_us_of_process)));
                tokio::io::AsyncWriteExt::write_all(&mut input, b"go\n").await?;
            }
            Some("end") => {
                let (before, server_before) = before.ok_or("it ended before it began")?;
                let mut spent = since(&before, &meter.read(&pids).await?);
                if let Some(server) = server {
                    spent = [
                        spent[0],
                        cpu_us_of_process(server)
                            .zip(server_before)
                            .map(|(a, b)| a - b),
                        None,
                        None,
                        None,
                        None,
                    ];
                }
                let numbers: Vec<f64> = words
                    .map(str::parse)
                    .collect::<std::result::Result<_, _>>()?;
                drop(input);
                child.wait().await?;
                let mut row = Row::new(*name, "")
                    .spent(&spent, float(count))
                    .with("per_second", float(count) / numbers[0]);
                if numbers[1] > 0.0 {
                    row = row.with("p50_ms", numbers[1]).with("p99_ms", numbers[2]);
                }
                return Ok(row);
            }
            _ => {}
        }
    }
}

/// All beside the first.
fn table(systems: &[(&str, Row)]) -> String {
    let Some((_, ours)) = systems.first() else {
        return String::new();
    };
    let mut text = format!(
        "\n### {}\n\n| system | per s | p50 ms | p99 ms | client µs | server µs | commits | WAL bytes | processor, × ours | p50, × ours |\n\
         |---|---|---|---|---|---|---|---|---|---|\n",
        ours.work
    );
    for (name, row) in systems {
        let figure = |of: &str| row.figures.get(of).copied();
        let show = |value: Option<f64>, digits: usize| {
            value.map_or("–".to_owned(), |v| format!("{v:.digits$}"))
        };
        let ratio = |a: Option<f64>, b: Option<f64>| show(a.zip(b).map(|(a, b)| a / b), 1);
        let _ = writeln!(
            text,
            "| {name} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            show(figure("per_second"), 0),
            show(figure("p50_ms"), 2),
            show(figure("p99_ms"), 2),
            show(figure("client_us"), 0),
            show(figure("server_us"), 0),
            show(figure("commits"), 2),
            show(figure("wal_bytes"), 0),
            ratio(row.cpu_us(), ours.cpu_us()),
            ratio(figure("p50_ms"), ours.figures.get("p50_ms").copied()),
        );
    }
    text
}
