//! Limits around durable operations.

use std::time::Duration;

use sagewai::prelude::*;

use crate::support::soon;
use crate::{ledger, on_every_store};

#[step]
async fn quick(ctx: &StepContext, text: &str) -> Result<String> {
    ledger::note(ctx, text);
    Ok(text.to_owned())
}

#[step]
async fn endless(ctx: &StepContext) -> Result<String> {
    ledger::note(ctx, "endless");
    std::future::pending().await
}

/// A block of several operations under one limit.
#[workflow]
async fn limited_block(millis: u64, ends: bool) -> Result<String> {
    let limit = Duration::from_millis(millis);
    let block = async {
        let first = quick("first").await?;
        if ends {
            return Ok(first);
        }
        endless().await
    };
    let ended: Result<String> = block.timeout(limit).await;
    let said = match ended {
        Ok(text) => text,
        Err(failure) => failure.to_string(),
    };
    quick("after").await?;
    Ok(said)
}

#[workflow]
async fn limited_branches(millis: u64) -> Result<String> {
    let limit = Duration::from_millis(millis);
    match try_join!(quick("one"), endless()).timeout(limit).await {
        Ok((one, _)) => Ok(one),
        Err(failure) => Ok(failure.to_string()),
    }
}

on_every_store! {
    async fn block_ends_at_its_limit_and_the_run_goes_on(scene: Scene) {
        let worker = scene.worker().workflow(limited_block).start().await.unwrap();
        let run = limited_block(500, false).start(&scene.client).await.unwrap();
        assert_eq!(soon(run.result()).await.unwrap(), "timeout: `block` did not end within 500ms");
        assert_eq!(ledger::of(run.id()), ["first", "endless", "after"]);
        worker.shutdown().await.unwrap();
    }

    async fn block_that_ends_in_time_gives_its_value(scene: Scene) {
        let worker = scene.worker().workflow(limited_block).start().await.unwrap();
        let run = limited_block(60_000, true).start(&scene.client).await.unwrap();
        assert_eq!(soon(run.result()).await.unwrap(), "first");
        assert_eq!(ledger::of(run.id()), ["first", "after"]);
        worker.shutdown().await.unwrap();
    }

    async fn branches_end_at_their_limit(scene: Scene) {
        let worker = scene.worker().workflow(limited_branches).start().await.unwrap();
        let run = limited_branches(50).start(&scene.client).await.unwrap();
        assert_eq!(soon(run.result()).await.unwrap(), "timeout: `branches` did not end within 50ms");
        worker.shutdown().await.unwrap();
    }
}
