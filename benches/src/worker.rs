//! Workers in processes of their own: this program again.

use std::process::Stdio;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clap::Args;
use sagewai::prelude::*;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};

use crate::workflows::{
    BODIES, STOP_AT, TELL_FROM, asking, decided, many_steps, now_us, one_step, pick_up, three_steps,
};

/// Serves everything, and tells how many runs of one step it has executed. It ends with its input.
#[derive(Debug, Args)]
pub struct Worker {
    #[arg(long)]
    store: String,
    /// How many workers, each with a store of its own.
    #[arg(long, default_value_t = 1)]
    workers: usize,
    #[arg(long, default_value_t = 100)]
    concurrency: usize,
    /// The step that tells that it executes, and never ends.
    #[arg(long)]
    stop_at: Option<u64>,
    /// From which step on they tell.
    #[arg(long)]
    tell_from: Option<u64>,
}

/// Runs such a process.
pub async fn run(worker: Worker) -> Result<()> {
    let Worker {
        store,
        workers,
        concurrency,
        stop_at,
        tell_from,
    } = worker;
    println!("begun {}", now_us());
    STOP_AT.store(stop_at.unwrap_or(u64::MAX), Ordering::Relaxed);
    TELL_FROM.store(tell_from.unwrap_or(u64::MAX), Ordering::Relaxed);
    let mut started = Vec::new();
    for _ in 0..workers {
        let store = sagewai::store::open(&store).await?;
        let worker = WorkflowWorker::builder(&store)
            .workflow(one_step)
            .workflow(three_steps)
            .workflow(pick_up)
            .workflow(many_steps)
            .workflow(asking)
            .workflow(decided)
            .concurrency(concurrency)
            .drain_timeout(Duration::ZERO);
        started.push(worker.start().await?);
    }
    println!("ready");
    let mut input = BufReader::new(tokio::io::stdin()).lines();
    let mut told = 0;
    let mut tell = tokio::time::interval(Duration::from_millis(5));
    loop {
        tokio::select! {
            line = input.next_line() => if line?.is_none() { break },
            // Many workers are there to be idle.
            _ = tell.tick(), if workers == 1 => {
                let bodies = BODIES.load(Ordering::Relaxed);
                if bodies != told {
                    println!("bodies {bodies}");
                    told = bodies;
                }
            }
        }
    }
    for worker in started {
        worker.shutdown().await?;
    }
    Ok(())
}

/// Such a process, seen from the one that measures. Dropped, it is killed.
#[derive(Debug)]
pub struct Process {
    child: Child,
    told: Lines<BufReader<ChildStdout>>,
    /// When it was started, by this machine's clock.
    pub spawned_us: u64,
}

impl Process {
    /// Starts one on a store.
    pub fn start(store: &str, more: &[&str]) -> Result<Process> {
        let spawned_us = now_us();
        let mut child = tokio::process::Command::new(std::env::current_exe()?)
            .args(["worker", "--store", store])
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let told = child.stdout.take().ok_or("the worker has no output")?;
        Ok(Process {
            child,
            told: BufReader::new(told).lines(),
            spawned_us,
        })
    }

    /// Its number.
    pub fn pid(&self) -> u32 {
        self.child.id().unwrap_or(0)
    }

    /// The next line that begins with this word, without it.
    pub async fn told(&mut self, word: &str) -> Result<String> {
        loop {
            let line =
                tokio::time::timeout(Duration::from_mins(5), self.told.next_line()).await??;
            let line = line.ok_or_else(|| format!("the worker ended before it told `{word}`"))?;
            if let Some(rest) = line.strip_prefix(word) {
                return Ok(rest.trim().to_owned());
            }
        }
    }

    /// Kills it, without a chance to do anything.
    pub async fn kill(mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Lets it end in order.
    pub async fn end(mut self) -> Result<()> {
        drop(self.child.stdin.take());
        self.child.wait().await?;
        Ok(())
    }
}
