use std::time::Duration;

use sagewai::prelude::*;
use sagewai::{Rate, Step, Workflow};

const TRIES: u32 = 7;
const LIMIT: Duration = Duration::from_secs(90);
const FACTOR: f64 = 1.5;

#[step]
async fn plain() -> Result<()> {
    Ok(())
}

#[step(name = "charge-card", retries = 3, retry_delay = 0.5, backoff = 1, timeout = "1m 30s")]
async fn literals() -> Result<()> {
    Ok(())
}

#[step(retries = TRIES * 2, backoff = FACTOR, timeout = LIMIT, retry_delay = Duration::from_millis(1),)]
async fn constants() -> Result<()> {
    Ok(())
}

#[workflow(name = "article-pipeline", queue_depth = TRIES)]
async fn article() -> Result<()> {
    plain().retries(2).timeout(LIMIT).await?;
    literals().named("again").await?;
    constants().await
}

#[workflow(concurrency = 10, concurrency_per_key = TRIES, rate = "100/1m", rate_per_key = "5 / s")]
async fn limited() -> Result<()> {
    plain().await
}

macro_rules! step_with {
    ($name:ident, $argument:ty, $retries:expr, $timeout:expr) => {
        #[step(retries = $retries, timeout = $timeout)]
        async fn $name(argument: &$argument) -> Result<$argument> {
            Ok(argument.clone())
        }
    };
}
step_with!(generated, String, 4, "5s");

fn main() {
    let spec = plain::SPEC;
    assert_eq!((spec.name, spec.function, spec.retries), ("plain", "plain", 0));
    assert_eq!((spec.retry_delay, spec.timeout), (Duration::from_secs(1), None));

    let spec = literals::SPEC;
    assert_eq!((spec.name, spec.function, spec.retries), ("charge-card", "literals", 3));
    assert_eq!((spec.retry_delay, spec.timeout), (Duration::from_millis(500), Some(LIMIT)));

    let spec = constants::SPEC;
    assert_eq!((spec.retries, spec.retry_delay), (14, Duration::from_millis(1)));
    assert_eq!((spec.backoff, spec.timeout), (1.5, Some(LIMIT)));

    let spec = generated::SPEC;
    assert_eq!((spec.retries, spec.timeout), (4, Some(Duration::from_secs(5))));
    assert_eq!((article::SPEC.name, article::SPEC.queue_depth), ("article-pipeline", Some(7)));
    assert_eq!((article::SPEC.concurrency, article::SPEC.rate), (None, None));

    let spec = limited::SPEC;
    assert_eq!((spec.concurrency, spec.concurrency_per_key), (Some(10), Some(TRIES)));
    let (runs, per) = (100, Duration::from_mins(1));
    assert_eq!(spec.rate, Some(Rate { runs, per }));
    let (runs, per) = (5, Duration::from_secs(1));
    assert_eq!(spec.rate_per_key, Some(Rate { runs, per }));
}
