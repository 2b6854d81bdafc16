//! What a replay costs: the body of a run that waits at a gate is run over its checkpoints, in memory, as each worker
//! does that takes the run over. For each number of checkpoints one line: milliseconds, and microseconds per checkpoint.
//!
//! ```sh
//! cargo run --release -p sagewai-benches --bin replay
//! ```

use std::time::Instant;

use sagewai::prelude::*;

#[step]
async fn echo(text: String) -> Result<String> {
    Ok(text)
}

/// Steps one after the other.
#[workflow]
async fn one_by_one(steps: u32) -> Result<()> {
    let mut text = "a hundred bytes or so ".repeat(5);
    for _ in 0..steps {
        text = echo(text).await?;
    }
    approval("go").await?;
    Ok(())
}

/// Steps all at once.
#[workflow]
async fn at_once(steps: u32) -> Result<()> {
    let text = "a hundred bytes or so ".repeat(5);
    try_map(0..steps, |_| echo(text.clone())).await?;
    approval("go").await?;
    Ok(())
}

/// How often each is measured; the best counts, because all else is noise of the machine.
const ROUNDS: u32 = 20;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let store = sagewai::store::open("memory:").await?;
    let client = Client::new(&store);
    println!("| checkpoints | one by one ms | µs each | at once ms | µs each |");
    println!("|---|---|---|---|---|");
    for steps in [100, 1_000, 10_000] {
        let one_by_one = best(one_by_one(steps).start(&client).await?).await?;
        let at_once = best(at_once(steps).start(&client).await?).await?;
        let each = |ms: f64| 1_000.0 * ms / f64::from(steps);
        println!(
            "| {steps} | {one_by_one:.2} | {:.2} | {at_once:.2} | {:.2} |",
            each(one_by_one),
            each(at_once)
        );
    }
    Ok(())
}

/// The best time in milliseconds in which a run is read from the store and replayed. It has come to its gate then.
async fn best<W: sagewai::Workflow>(run: sagewai::RunHandle<W>) -> Result<f64> {
    run.run().await?;
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let places = run.places().await?;
        best = best.min(began.elapsed().as_secs_f64() * 1_000.0);
        if places.len() != 1 || places[0].position.as_str() != "approval:go" {
            return Err(format!("the run is elsewhere: {places:?}").into());
        }
    }
    Ok(best)
}
