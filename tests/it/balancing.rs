//! Runs that are meant for a worker before they are started.

use std::collections::BTreeMap;
use std::time::Duration;

use sagewai::prelude::*;
use sagewai::{Error, RoutingConstraints, WorkerHandle, WorkerLoadBalancer};

use crate::on_every_store;
use crate::support::{Scene, soon};

#[step]
async fn work() -> Result<()> {
    Ok(())
}

#[workflow]
async fn job() -> Result<()> {
    work().await
}

async fn workers(scene: &Scene, names: &[&str]) -> Vec<WorkerHandle> {
    let mut workers = Vec::new();
    for name in names {
        let worker = scene.worker().name(*name).workflow(job);
        workers.push(worker.start().await.unwrap());
    }
    workers
}

async fn end(workers: Vec<WorkerHandle>) {
    for worker in workers {
        worker.shutdown().await.unwrap();
    }
}

async fn chosen(balancer: &WorkerLoadBalancer) -> Option<String> {
    let assigned = balancer.assign(RoutingConstraints::new()).await.unwrap();
    assigned.map(|assigned| assigned.worker().to_owned())
}

on_every_store! {
    async fn four_choices_before_the_first_claim_are_four_workers(scene: Scene) {
        let four = workers(&scene, &["w1", "w2", "w3", "w4"]).await;
        let mut runs = Vec::new();
        for n in 0..8 {
            // Each as in a process of its own.
            let balancer = WorkerLoadBalancer::new(&scene.store).expires_after(Duration::from_hours(1)).unwrap();
            let call = job().run_id(scene.id(&format!("balanced-{n}")));
            let assigned = balancer.assign(&call).await.unwrap().unwrap();
            runs.push((call.assigned_to(&assigned), assigned));
        }
        let mut by_worker = BTreeMap::new();
        for (_, assigned) in &runs {
            *by_worker.entry(assigned.worker().to_owned()).or_insert(0) += 1;
        }
        let expected = ["w1", "w2", "w3", "w4"].map(|name| (name.to_owned(), 2));
        assert_eq!(by_worker, expected.into());
        for (call, assigned) in runs {
            let run = call.start(&scene.client).await.unwrap();
            soon(run.result()).await.unwrap();
            let status = run.status().await.unwrap();
            assert_eq!(status.worker.as_deref(), Some(assigned.worker()));
        }
        end(four).await;
    }

    async fn run_that_is_meant_for_a_worker_that_vanished_is_taken_by_another(scene: Scene) {
        let mut both = workers(&scene, &["w1", "w2"]).await;
        let balancer = WorkerLoadBalancer::new(&scene.store).expires_after(Duration::from_millis(50)).unwrap();
        let to_first = RoutingConstraints::new().worker("w1");
        let assigned = balancer.assign(to_first).await.unwrap().unwrap();
        both.remove(0).shutdown().await.unwrap();
        let run = job().assigned_to(&assigned).start(&scene.client).await.unwrap();
        soon(run.result()).await.unwrap();
        assert_eq!(run.status().await.unwrap().worker.as_deref(), Some("w2"));
        end(both).await;
    }

    async fn strategies_choose_as_they_say(scene: Scene) {
        let three = workers(&scene, &["w1", "w2", "w3"]).await;
        let balancer = || WorkerLoadBalancer::new(&scene.store);
        let round = balancer().round_robin();
        let mut names = Vec::new();
        for _ in 0..6 {
            names.extend(chosen(&round).await);
        }
        assert_eq!(names, ["w1", "w2", "w3", "w1", "w2", "w3"]);

        let direct = balancer().direct();
        assert_eq!(chosen(&direct).await, None);
        let named = RoutingConstraints::new().worker("w2");
        let assigned = direct.assign(named).await.unwrap().unwrap();
        assert_eq!(assigned.worker(), "w2");

        // Two choices of a hundred slots stand against each of them.
        assert_eq!(chosen(&balancer().threshold(0.02).unwrap()).await, None);
        assert!(chosen(&balancer().threshold(WorkerLoadBalancer::THRESHOLD).unwrap()).await.is_some());
        let nobody = RoutingConstraints::new().pool("gpu");
        assert_eq!(balancer().assign(nobody).await.unwrap(), None);
        end(three).await;
    }
}

#[tokio::test]
async fn balancer_that_cannot_work_is_refused() {
    let scene = Scene::memory().await;
    let balancer = || WorkerLoadBalancer::new(&scene.store);
    for part in [-0.1, 1.1, f64::NAN] {
        let refused = balancer().threshold(part).unwrap_err();
        assert!(matches!(refused, Error::Invalid(_)), "{refused}");
    }
    assert!(balancer().expires_after(Duration::ZERO).is_err());
    let worker = workers(&scene, &["w1"]).await;
    let call = job();
    let assigned = balancer().assign(&call).await.unwrap().unwrap();
    let late = call
        .assigned_to(&assigned)
        .delay(Duration::from_secs(1))
        .start(&scene.client);
    let refused = late.await.unwrap_err();
    assert!(refused.to_string().contains("starts later"), "{refused}");
    end(worker).await;
}
