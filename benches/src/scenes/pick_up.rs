//! How soon an idle worker in another process begins.

use std::time::Duration;

use sagewai::prelude::*;

use super::{Scale, float};
use crate::open;
use crate::report::Row;
use crate::target::Target;
use crate::worker::Process;
use crate::workflows::{now_us, pick_up};

pub async fn run(target: &Target, scale: &Scale) -> Result<Vec<Row>> {
    let place = target.place().await?;
    let client = Client::new(open(&place).await?);
    let mut worker = Process::start(&place.url, &[])?;
    worker.told("ready").await?;
    let (mut began_us, mut result_us) = (Vec::new(), Vec::new());
    for n in 0..scale.of(200) + 5 {
        tokio::time::sleep(Duration::from_millis(30)).await;
        let started = now_us();
        let picked_up = pick_up(started).start(&client).await?.result().await?;
        // The first ones open connections.
        if n >= 5 {
            began_us.push(u32::try_from(picked_up)?);
            result_us.push(u32::try_from(now_us() - started)?);
        }
    }
    worker.end().await?;
    result_us.sort_unstable();
    let median = float(u64::from(result_us[result_us.len() / 2]));
    Ok(vec![
        Row::new("pick-up by an idle worker process", "run")
            .latencies(began_us)
            .with("result_there_p50_ms", median / 1_000.0),
    ])
}
