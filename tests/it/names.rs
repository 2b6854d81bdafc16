//! Workflows of one name: a worker could not tell whose runs are whose.

use sagewai::Error;
use sagewai::prelude::*;

use crate::on_every_store;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    Ok(n)
}

/// Another function of this module, under the same name.
#[workflow(name = "article")]
async fn story(n: u32) -> Result<u32> {
    Ok(n + 1)
}

mod elsewhere {
    use sagewai::prelude::*;

    /// Another module's function of the same name.
    #[workflow]
    pub(super) async fn article(n: u32) -> Result<u32> {
        Ok(n + 2)
    }

    /// The same, which says so.
    #[workflow(name = "elsewhere-article")]
    pub(super) async fn renamed(n: u32) -> Result<u32> {
        Ok(n + 3)
    }
}

on_every_store! {
    async fn worker_refuses_two_workflows_of_one_name(scene: Scene) {
        for (builder, other) in [
            (scene.worker().workflow(article).workflow(story), "story"),
            (scene.worker().workflow(article).workflow(elsewhere::article), "elsewhere::article"),
        ] {
            let Err(Error::Worker { reason }) = builder.start().await else {
                panic!("it must not start");
            };
            assert_eq!(
                reason,
                format!(
                    "two workflows are named `article` in version 1: `it::names::article` and `it::names::{other}`; rename one with `#[workflow(name = \"..\")]`, or give it another `version`"
                )
            );
        }
    }

    async fn worker_serves_a_workflow_that_is_named_twice_and_functions_of_one_name_apart(scene: Scene) {
        let builder = scene.worker().workflow(article).workflow(article);
        let worker = builder.workflow(elsewhere::renamed).start().await.unwrap();
        let one = article(1).start(&scene.client).await.unwrap();
        let other = elsewhere::renamed(1).start(&scene.client).await.unwrap();
        assert_eq!((one.result().await.unwrap(), other.result().await.unwrap()), (1, 4));
        worker.shutdown().await.unwrap();
    }
}
