//! Versions of a workflow beside each other, and defaults of the attribute.

use sagewai::prelude::*;
use sagewai::{Error, Labels, RunState};
use serde_json::json;

use crate::on_every_store;
use crate::support::{Scene, soon, until};

mod old {
    use sagewai::prelude::*;

    #[workflow(name = "invoice")]
    pub async fn invoice(n: u32) -> Result<String> {
        Ok(format!("old {n}"))
    }
}

#[workflow(name = "invoice", version = 2)]
async fn invoice(n: u32) -> Result<String> {
    Ok(format!("new {n}"))
}

#[workflow(pool = "gpu", labels(gpu = true, zone = "eu"))]
async fn routed() -> Result<String> {
    Ok("done".to_owned())
}

on_every_store! {
    async fn runs_keep_the_version_that_they_began_with(scene: Scene) {
        let c = &scene.client;
        let before = old::invoice(1).start(c).await.unwrap();
        let after = invoice(2).start(c).await.unwrap();
        let new = scene.worker().name("new").version("2.0.0").workflow(invoice).start().await.unwrap();
        assert_eq!(soon(after.result()).await.unwrap(), "new 2");
        let unserved = until(async || scene.client.unserved().await.unwrap().pop()).await;
        assert_eq!(
            unserved.lack.to_string(),
            "nobody serves version 1 of workflow `invoice`; live workers serve version 2"
        );
        assert_eq!(before.status().await.unwrap().run.state, RunState::Pending);
        let listed = c.workers().list().await.unwrap();
        let program = &listed[0].record.registered.program;
        assert_eq!(program.version.as_deref(), Some("2.0.0"));
        assert_eq!(program.pid, std::process::id());
        assert!(!program.host.is_empty());
        assert_eq!(program.workflows[0].to_string(), "invoice v2");

        // One program may serve both.
        let both = scene.worker().name("both").workflow(invoice).workflow(old::invoice).start().await.unwrap();
        assert_eq!(soon(before.result()).await.unwrap(), "old 1");
        both.shutdown().await.unwrap();
        new.shutdown().await.unwrap();
    }

    async fn attribute_gives_pool_and_labels_unless_the_start_does(scene: Scene) {
        let c = &scene.client;
        let asks = async |run: &sagewai::RunHandle<routed>| {
            let run = run.status().await.unwrap().run;
            (run.pool, run.labels.to_string())
        };
        let plain = routed().start(c).await.unwrap();
        assert_eq!(asks(&plain).await, ("gpu".to_owned(), "gpu=true zone=eu".to_owned()));
        let elsewhere = routed().label("zone", "us").start(c).await.unwrap();
        assert_eq!(asks(&elsewhere).await, ("gpu".to_owned(), "gpu=true zone=us".to_owned()));
        let anywhere = routed().pool("default").labels(Labels::new()).start(c).await.unwrap();
        assert_eq!(asks(&anywhere).await, ("default".to_owned(), String::new()));
        let worker = scene.worker().pool("gpu").labels(json!({"gpu": true, "zone": "eu"})).workflow(routed)
            .start().await.unwrap();
        soon(plain.result()).await.unwrap();
        assert_eq!(elsewhere.status().await.unwrap().run.state, RunState::Pending);
        worker.shutdown().await.unwrap();
    }

    async fn run_of_another_version_is_not_driven_in_place(scene: Scene) {
        let run = old::invoice(1).start(&scene.client).await.unwrap();
        let as_new = scene.client.handle::<invoice>(run.id().clone()).await.unwrap();
        let refused = as_new.run().await.unwrap_err();
        assert!(matches!(refused, Error::OtherVersion { expected: 2, found: 1, .. }), "{refused}");
        assert_eq!(run.status().await.unwrap().run.state, RunState::Pending, "untouched");
        assert_eq!(run.run().await.unwrap(), sagewai::Settled::Completed("old 1".to_owned()));
    }
}

mod twin {
    use sagewai::prelude::*;

    #[workflow(name = "invoice", version = 2)]
    pub async fn invoice_again(n: u32) -> Result<String> {
        Ok(format!("twin {n}"))
    }
}

#[tokio::test]
async fn two_workflows_of_one_name_and_version_are_refused_by_both_their_names() {
    let scene = Scene::memory().await;
    let worker = scene
        .worker()
        .workflow(invoice)
        .workflow(twin::invoice_again);
    let refused = worker.start().await.unwrap_err().to_string();
    assert!(refused.contains("`invoice` in version 2"), "{refused}");
    assert!(refused.contains("versions::invoice`"), "{refused}");
    assert!(
        refused.contains("versions::twin::invoice_again`"),
        "{refused}"
    );
}
