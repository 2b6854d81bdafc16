//! Which worker gets which run.

use sagewai::prelude::*;
use sagewai::{Error, RunState};
use serde_json::json;

use crate::support::{Scene, soon};
use crate::{ledger, on_every_store};

#[step]
async fn work(ctx: &StepContext) -> Result<()> {
    ledger::note(ctx, "work");
    Ok(())
}

#[workflow]
async fn job() -> Result<()> {
    work().await
}

#[workflow]
async fn unregistered() -> Result<()> {
    work().await
}

/// Runs that a worker has left alone, once it had its fill.
async fn still_pending(scene: &Scene, run: &str) -> bool {
    let status = scene.client.status(run).await.unwrap().unwrap();
    status.run.state == RunState::Pending && ledger::of(run).is_empty()
}

async fn worker_name(scene: &Scene, run: &str) -> String {
    scene
        .client
        .status(run)
        .await
        .unwrap()
        .unwrap()
        .worker
        .unwrap()
}

on_every_store! {
    async fn runs_go_where_pool_and_labels_fit(scene: Scene) {
        let c = &scene.client;
        let eu = job().label("zone", "eu").start(c).await.unwrap();
        let gpu = job().label("zone", "eu").label("gpu", true).start(c).await.unwrap();
        let cloud = job().pool("cloud").start(c).await.unwrap();
        let nobody = job().label("zone", "mars").start(c).await.unwrap();
        let plain = job().start(c).await.unwrap();

        // A worker without labels takes only what asks for none.
        let bare = scene.worker().name("bare").workflow(job).start().await.unwrap();
        soon(plain.result()).await.unwrap();
        let after = job().start(c).await.unwrap();
        soon(after.result()).await.unwrap();
        for run in [&eu, &gpu, &cloud, &nobody] {
            assert!(still_pending(&scene, run.id().as_str()).await);
        }
        bare.shutdown().await.unwrap();

        let labelled = scene.worker()
            .name("eu-gpu")
            .labels(json!({"zone": "eu", "gpu": true, "cpus": 8}))
            .workflow(job)
            .start().await.unwrap();
        soon(eu.result()).await.unwrap();
        soon(gpu.result()).await.unwrap();
        assert_eq!(worker_name(&scene, gpu.id().as_str()).await, "eu-gpu");
        assert!(still_pending(&scene, cloud.id().as_str()).await);
        labelled.shutdown().await.unwrap();

        let cloudy = scene.worker().name("cloud-1").pool("cloud").workflow(job).start().await.unwrap();
        soon(cloud.result()).await.unwrap();
        assert_eq!(worker_name(&scene, cloud.id().as_str()).await, "cloud-1");
        assert!(still_pending(&scene, nobody.id().as_str()).await);
        cloudy.shutdown().await.unwrap();
    }

    async fn run_of_a_workflow_that_nobody_serves_is_left_alone(scene: Scene) {
        let worker = scene.worker().workflow(job).start().await.unwrap();
        let orphan = unregistered().start(&scene.client).await.unwrap();
        let served = job().start(&scene.client).await.unwrap();
        soon(served.result()).await.unwrap();
        assert!(still_pending(&scene, orphan.id().as_str()).await);
        let other = scene.worker().workflow(unregistered).start().await.unwrap();
        soon(orphan.result()).await.unwrap();
        worker.shutdown().await.unwrap();
        other.shutdown().await.unwrap();
    }

    async fn higher_priority_goes_first_then_older(scene: Scene) {
        let c = &scene.client;
        let mut runs = Vec::new();
        for priority in [0, 5, 1, 5] {
            runs.push(job().priority(priority).start(c).await.unwrap());
        }
        let worker = scene.worker().concurrency(1).workflow(job).start().await.unwrap();
        let mut started = Vec::new();
        for (n, run) in runs.iter().enumerate() {
            soon(run.result()).await.unwrap();
            started.push((run.status().await.unwrap().run.started_at.unwrap(), n));
        }
        started.sort_unstable();
        let order: Vec<usize> = started.into_iter().map(|(_, n)| n).collect();
        assert_eq!(order, [1, 3, 2, 0]);
        worker.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn set_up_that_cannot_work_is_refused_at_start() {
    let scene = Scene::memory().await;
    let reason = async |builder: sagewai::WorkerBuilder| match builder.start().await {
        Err(Error::Worker { reason }) => reason,
        Err(other) => other.to_string(),
        Ok(_) => panic!("it started"),
    };
    let second = std::time::Duration::from_secs(1);
    let w = || scene.worker().workflow(job);
    assert!(reason(scene.worker()).await.contains("no workflow"));
    assert!(
        reason(w().concurrency(0))
            .await
            .contains("concurrency of 0")
    );
    assert!(
        reason(w().lease(second).heartbeat_interval(second))
            .await
            .contains("half of the lease")
    );
    assert!(
        reason(w().poll_interval(std::time::Duration::ZERO))
            .await
            .contains("interval of 0")
    );
    assert!(reason(w().pool("")).await.contains("pool"));
    assert!(
        reason(w().labels(json!({"a": [1]})))
            .await
            .contains("label set")
    );
    assert!(
        reason(w().workflow(twin::job))
            .await
            .contains("two workflows are named `job`")
    );
}

mod twin {
    use sagewai::prelude::*;

    #[workflow]
    pub async fn job() -> Result<()> {
        Ok(())
    }
}
