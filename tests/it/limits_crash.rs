//! Limits while workers are killed: what was driven at the same time, by the ledger outside of the store.

use std::collections::HashMap;
use std::time::Duration;

use sagewai::prelude::*;

use crate::crash::Draw;
use crate::on_every_shared_store;
use crate::support::field::{Field, Victim};
use crate::support::soon;

/// What the victims serve; here it is only started.
#[workflow(name = "limited", concurrency = 4, concurrency_per_key = 2)]
async fn limited(value: u32) -> Result<u32> {
    Ok(value)
}

on_every_shared_store! {
    async fn workers_killed_at_random_never_exceed_a_limit_and_lose_no_slot(scene: Scene) {
        let field = Field::new(&scene);
        let mut draw = Draw::new();
        let mut runs = Vec::new();
        for n in 0..80_u32 {
            let key = format!("key-{}", n % 4);
            let run = limited(n).run_id(format!("{key}-run-{n}")).concurrency_key(key);
            runs.push(run.start(&scene.client).await.unwrap());
        }
        let patient = ["--max-claims", "100"];
        let mut workers: Vec<Victim> = (0..3).map(|_| field.victim(&patient)).collect();
        for _ in 0..12 {
            let pause = Duration::from_millis(40 + draw.below(120));
            tokio::time::sleep(pause).await;
            let chosen = usize::try_from(draw.below(3)).unwrap();
            std::mem::replace(&mut workers[chosen], field.victim(&patient)).kill();
        }
        for (n, run) in (0..).zip(&runs) {
            assert_eq!(soon(run.result()).await.unwrap(), n + 2, "seed {}", draw.seed);
        }
        drop(workers);

        // A run whose worker was killed keeps its slot until its next worker has ended the step.
        let mut driven: HashMap<String, String> = HashMap::new();
        let mut most = 0;
        for [what, run, _, _] in field.lines() {
            if what == "begin" {
                let key = run.split("-run").next().unwrap().to_owned();
                driven.insert(run, key);
            } else {
                driven.remove(&run);
            }
            most = most.max(driven.len());
            assert!(driven.len() <= 4, "seed {}: {driven:?}", draw.seed);
            for key in driven.values() {
                let of_key = driven.values().filter(|other| *other == key).count();
                assert!(of_key <= 2, "seed {}: {driven:?}", draw.seed);
            }
        }
        assert_eq!(most, 4, "the limit was used");
    }
}
