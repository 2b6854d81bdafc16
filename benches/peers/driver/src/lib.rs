//! What the programs share: how they are told what to do, and how they tell what came out.
//!
//! ```text
//! PROGRAM URL life CALLERS RUNS PAYLOAD    3-step runs, so many at once
//! PROGRAM URL long STEPS PAYLOAD           one run of many steps
//! PROGRAM URL enqueue RUNS PAYLOAD         1-step runs into a queue, from 20 tasks
//! PROGRAM URL drain RUNS PAYLOAD           until all of them are executed
//! ```
//!
//! A program makes itself ready, says `begin`, waits for a line, works, says `end SECONDS P50_MS P99_MS`, and ends with
//! its input. Meanwhile the one that started it reads what was spent.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, Lines, Stdin};
use tokio::task::JoinSet;

/// Connections of each program, and how often it looks into its queue: tuned, not as it comes.
pub const CONNECTIONS: u32 = 20;
pub const POLL: Duration = Duration::from_millis(50);
/// How many runs of a queue are executed at once.
pub const AT_ONCE: usize = 200;

static BODIES: AtomicU64 = AtomicU64::new(0);

/// What is to be done.
#[derive(Debug, Clone)]
pub struct Work {
    pub url: String,
    pub name: String,
    numbers: Vec<u64>,
    payload: String,
}

impl Work {
    pub fn from_args() -> Work {
        let mut args = std::env::args().skip(1);
        let (url, name) = (args.next().expect("a URL"), args.next().expect("a kind of work"));
        let mut numbers: Vec<u64> = args.map(|a| a.parse().expect("a number")).collect();
        let payload = letters(numbers.pop().expect("a size"));
        Work { url, name, numbers, payload }
    }

    /// The n-th number.
    pub fn number(&self, n: usize) -> u64 {
        self.numbers[n]
    }

    /// A result of a step.
    pub fn payload(&self) -> Value {
        json!(self.payload)
    }
}

/// Letters that do not shrink much when they are compressed.
fn letters(bytes: u64) -> String {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    (0..bytes.saturating_sub(2))
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
            char::from(alphabet[(state >> 20) as usize % 64])
        })
        .collect()
}

/// Notes that the body of a 1-step run is executed.
pub fn executed() {
    BODIES.fetch_add(1, Ordering::Relaxed);
}

/// The conversation with the one that measures.
pub struct Watch(Lines<BufReader<Stdin>>);

impl Watch {
    /// Everything is ready; returns when the measurement has begun.
    pub async fn begin() -> Watch {
        let mut input = BufReader::new(tokio::io::stdin()).lines();
        println!("begin");
        input.next_line().await.expect("input can be read");
        Watch(input)
    }

    /// The work is done; returns when everything was read. Latencies in milliseconds, if there are any.
    pub async fn end(mut self, took: Duration, mut latencies: Vec<f64>) {
        latencies.sort_by(f64::total_cmp);
        let at = |part: f64| {
            let place = (latencies.len() as f64 * part) as usize;
            latencies.get(place.min(latencies.len().saturating_sub(1))).copied().unwrap_or(0.0)
        };
        println!("end {} {} {}", took.as_secs_f64(), at(0.5), at(0.99));
        while let Ok(Some(_)) = self.0.next_line().await {}
    }
}

/// Callers that start a run, await it and start the next, until so many are done.
pub async fn life<F>(work: &Work, run: impl Fn(u64) -> F + Clone + Send + Sync + 'static)
where
    F: Future<Output = ()> + Send,
{
    let (callers, runs) = (work.number(0), work.number(1));
    let all = |runs: u64| {
        let run = run.clone();
        async move {
            let mut tasks = JoinSet::new();
            for caller in 0..callers {
                let run = run.clone();
                tasks.spawn(async move {
                    let mut took = Vec::new();
                    for n in (caller..runs).step_by(callers as usize) {
                        let began = Instant::now();
                        run(n).await;
                        took.push(began.elapsed().as_secs_f64() * 1_000.0);
                    }
                    took
                });
            }
            tasks.join_all().await.concat()
        }
    };
    all(callers.max(20)).await;
    let watch = Watch::begin().await;
    let began = Instant::now();
    let latencies = all(runs).await;
    watch.end(began.elapsed(), latencies).await;
}

/// One run of many steps, after a short one.
pub async fn long<F>(work: &Work, run: impl Fn(u64) -> F)
where
    F: Future<Output = ()>,
{
    run(50).await;
    let watch = Watch::begin().await;
    let began = Instant::now();
    run(work.number(0)).await;
    watch.end(began.elapsed(), Vec::new()).await;
}

/// Runs into a queue, from 20 tasks.
pub async fn enqueue<F>(work: &Work, one: impl Fn() -> F + Clone + Send + 'static)
where
    F: Future<Output = ()> + Send,
{
    let runs = work.number(0);
    let watch = Watch::begin().await;
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for task in 0..20 {
        let one = one.clone();
        tasks.spawn(async move {
            for _ in (task..runs).step_by(20) {
                one().await;
            }
        });
    }
    tasks.join_all().await;
    watch.end(began.elapsed(), Vec::new()).await;
}

/// Until all runs of the queue are executed; `launch` begins to serve it.
pub async fn drain<F: Future<Output = ()>>(work: &Work, launch: F) {
    let watch = Watch::begin().await;
    let began = Instant::now();
    launch.await;
    while BODIES.load(Ordering::Relaxed) < work.number(0) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    watch.end(began.elapsed(), Vec::new()).await;
}
