//! ad hoc
use sagewai::prelude::*;
use std::time::{Duration, Instant};

#[step]
async fn one(payload: String) -> Result<String> {
    Ok(payload)
}
#[step]
async fn two(payload: String) -> Result<String> {
    Ok(payload)
}
#[step]
async fn three(payload: String) -> Result<String> {
    Ok(payload)
}

#[workflow]
async fn life(payload: String) -> Result<String> {
    let p = one(payload).await?;
    let p = two(p).await?;
    three(p).await
}
fn cpu() -> f64 {
    let s = std::fs::read_to_string("/proc/self/stat").unwrap();
    let r: Vec<&str> = s.rsplit_once(')').unwrap().1.split_whitespace().collect();
    (r[11].parse::<f64>().unwrap() + r[12].parse::<f64>().unwrap()) / 100.0
}
fn pg_cpu(pid: &str) -> f64 {
    if pid.is_empty() {
        return 0.0;
    }
    let kids =
        std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    kids.split_whitespace()
        .filter_map(|k| std::fs::read_to_string(format!("/proc/{k}/schedstat")).ok())
        .map(|s| s.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1e9)
        .sum()
}
#[tokio::main]
async fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let url = args.next().unwrap();
    let conc: usize = args.next().unwrap().parse()?;
    let secs: f64 = args.next().unwrap().parse()?;
    let pid = args.next().unwrap_or_default();
    let store = sagewai::store::open(&url).await?;
    let client = Client::new(&store);
    let worker = WorkflowWorker::builder(&store)
        .workflow(life)
        .concurrency(2000)
        .start()
        .await?;
    let payload = "x".repeat(98);
    let warm = Instant::now() + Duration::from_secs_f64(1.0);
    let end = warm + Duration::from_secs_f64(secs);
    let tasks: Vec<_> = (0..conc)
        .map(|_| {
            let (client, payload) = (client.clone(), payload.clone());
            tokio::spawn(async move {
                let mut lats = vec![];
                while Instant::now() < end {
                    let t = Instant::now();
                    let run = life(payload.clone()).start(&client).await.unwrap();
                    run.result().await.unwrap();
                    if t >= warm {
                        lats.push(t.elapsed().as_micros() as u64);
                    }
                }
                lats
            })
        })
        .collect();
    tokio::time::sleep_until(warm.into()).await;
    let (c0, p0) = (cpu(), pg_cpu(&pid));
    tokio::time::sleep_until(end.into()).await;
    let (c1, p1) = (cpu(), pg_cpu(&pid));
    let mut lats = vec![];
    for t in tasks {
        lats.extend(t.await?);
    }
    lats.sort_unstable();
    let n = lats.len();
    println!(
        "conc={conc} runs/s={:.0} p50={:.2}ms p99={:.2}ms client={:.0}us server={:.0}us per run",
        n as f64 / secs,
        lats[n / 2] as f64 / 1e3,
        lats[n * 99 / 100] as f64 / 1e3,
        (c1 - c0) * 1e6 / n as f64,
        (p1 - p0) * 1e6 / n as f64
    );
    worker.shutdown().await?;
    Ok(())
}
