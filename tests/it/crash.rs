//! Processes that are killed, stopped and cut off: nothing is lost, nothing is committed twice, nothing that was
//! committed is done again.

use std::time::{Duration, Instant};

use sagewai::prelude::*;
use sagewai::{EventKind, RunState};

use crate::on_every_shared_store;
use crate::support::field::{Field, Victim, counts};
use crate::support::{Scene, soon, until};

/// What the victims serve; here it is only started.
#[workflow(name = "victim")]
async fn victim(value: u32) -> Result<u32> {
    Ok(value)
}

#[workflow(name = "at-once")]
async fn at_once(value: u32) -> Result<u32> {
    Ok(value)
}

#[workflow(name = "poison")]
async fn poison() -> Result<()> {
    Ok(())
}

#[workflow(name = "asking")]
async fn asking() -> Result<String> {
    Ok(String::new())
}

/// Each position has one checkpoint, and the run is over.
async fn assert_sound(scene: &Scene, run: &str) {
    let id = run.try_into().unwrap();
    let journal = scene.client.journal(&id).await.unwrap();
    let positions: Vec<&str> = journal
        .checkpoints
        .iter()
        .map(|c| c.written.position.as_str())
        .collect();
    assert_eq!(positions, ["$input", "one", "two", "three", "$output"]);
    let ordinals: Vec<u32> = journal
        .checkpoints
        .iter()
        .map(|c| c.written.ordinal)
        .collect();
    assert_eq!(ordinals, [0, 1, 2, 3, 4]);
}

on_every_shared_store! {
    async fn killed_at_each_commit_the_run_goes_on_without_repeating_what_was_committed(scene: Scene) {
        let steps = ["one", "two", "three"];
        for n in 1..=3_u32 {
            for point in ["before", "after"] {
                let field = Field::new(&scene);
                let id = format!("killed-{point}-{n}");
                let run = victim(1).run_id(&id).start(&scene.client).await.unwrap();
                let first = field.victim(&[&format!("--stop-{point}-commit"), &n.to_string()]);
                field.marked().await;
                first.kill();

                let began = Instant::now();
                let second = field.victim(&[]);
                assert_eq!(soon(run.result()).await.unwrap(), 4, "{id}");
                // Far sooner than the lease of 30 s: the dead process is known to be gone.
                assert!(began.elapsed() < Duration::from_secs(15));
                second.kill();
                assert_sound(&scene, &id).await;
                let twice = |step: usize| u32::from(point == "before" && step + 1 == n as usize) + 1;
                let expected: Vec<(String, u32)> = (0..3)
                    .flat_map(|i| ["begin", "end"].map(|what| (format!("{what} {}", steps[i]), twice(i))))
                    .collect();
                assert_eq!(field.effects(&id), expected.into_iter().collect(), "{id}");
            }
        }
    }

    async fn killed_at_each_commit_around_branches_nothing_that_was_committed_is_repeated(scene: Scene) {
        let mut n = 0;
        let mut stopped = true;
        while stopped {
            n += 1;
            for point in ["before", "after"] {
                let field = Field::new(&scene);
                let id = format!("branches-{point}-{n}");
                let run = at_once(1).run_id(&id).start(&scene.client).await.unwrap();
                let first = field.victim(&[&format!("--stop-{point}-commit"), &n.to_string()]);
                // Beyond its last commit, it does not stand still any more.
                stopped = until(async || {
                    let is_over = run.status().await.unwrap().run.state.is_finished();
                    if field.marker().exists() { Some(true) } else { is_over.then_some(false) }
                }).await;
                let stored = scene.client.journal(run.id()).await.unwrap();
                first.kill();
                let second = field.victim(&[]);
                // 2 and 3 of the join, 3 + 4 + 5 of the map, 13 of the race, and the last step.
                assert_eq!(soon(run.result()).await.unwrap(), 17, "{id}");
                second.kill();
                let journal = scene.client.journal(run.id()).await.unwrap();
                let ordinals: Vec<u32> = journal.checkpoints.iter().map(|c| c.written.ordinal).collect();
                let expected: Vec<u32> = (0..).take(ordinals.len()).collect();
                assert_eq!(ordinals, expected, "{id}");
                let effects = field.effects(&id);
                for checkpoint in &stored.checkpoints {
                    let position = &checkpoint.written.position;
                    let ends = effects.get(&format!("end {position}")).copied();
                    if checkpoint.written.kind == sagewai::CheckpointKind::Step {
                        assert_eq!(ends, Some(1), "{id}: {position} was committed, and done again");
                    }
                }
            }
        }
        assert!(n > 5, "it has several commits: {n}");
    }

    async fn killed_inside_each_step_that_step_starts_over(scene: Scene) {
        for step in ["one", "two", "three"] {
            let field = Field::new(&scene);
            let id = format!("killed-in-{step}");
            let run = victim(1).run_id(&id).start(&scene.client).await.unwrap();
            let first = field.victim(&["--stop-in", step]);
            field.marked().await;
            first.kill();
            let second = field.victim(&[]);
            assert_eq!(soon(run.result()).await.unwrap(), 4);
            second.kill();
            assert_sound(&scene, &id).await;
            let mut expected = counts(&[
                ("begin one", 1), ("begin two", 1), ("begin three", 1),
                ("end one", 1), ("end two", 1), ("end three", 1),
            ]);
            expected.insert(format!("begin {step}"), 2);
            assert_eq!(field.effects(&id), expected);
        }
    }

    async fn dead_worker_of_another_machine_loses_its_runs_with_its_lease(scene: Scene) {
        let field = Field::new(&scene);
        let elsewhere = tempfile::tempdir().unwrap();
        let run = victim(1).start(&scene.client).await.unwrap();
        let first = field.victim_in(elsewhere.path(), &["--lease-ms", "1500", "--stop-in", "two"]);
        field.marked().await;
        first.kill();
        let second = field.victim(&["--name", "heir"]);
        assert_eq!(soon(run.result()).await.unwrap(), 4);
        assert_eq!(run.status().await.unwrap().worker.as_deref(), Some("heir"));
        let journal = scene.client.journal(run.id()).await.unwrap();
        let takeover = journal.events.iter().any(|e| {
            matches!(&e.kind, EventKind::Claimed { takeover: true, worker } if worker == "heir")
        });
        assert!(takeover, "{:?}", journal.events);
        second.kill();
    }

    async fn stopped_worker_that_wakes_after_its_lease_writes_nothing_and_works_on(scene: Scene) {
        let field = Field::new(&scene);
        let id = "stopped";
        let run = victim(1).run_id(id).start(&scene.client).await.unwrap();
        let sleeper = field.victim(&["--lease-ms", "600", "--stop-in", "two", "--label", "who=sleeper"]);
        field.marked().await;
        sleeper.signal("-STOP");
        let heir = field.victim(&["--name", "heir"]);
        assert_eq!(soon(run.result()).await.unwrap(), 4);
        let before = scene.client.journal(run.id()).await.unwrap();

        // It wakes in the middle of its step, ends it, and is not allowed to write.
        std::fs::remove_file(field.marker()).unwrap();
        sleeper.signal("-CONT");
        let own = victim(5).label("who", "sleeper").start(&scene.client).await.unwrap();
        assert_eq!(soon(own.result()).await.unwrap(), 8, "it registered anew, without a restart");
        let pid = sleeper.pid();
        let its: Vec<String> = field.lines().into_iter()
            .filter(|l| l[1] == id && l[3] == pid)
            .map(|l| format!("{} {}", l[0], l[2]))
            .collect();
        assert!(!its.contains(&"begin three".to_owned()), "{its:?}");
        assert_eq!(scene.client.journal(run.id()).await.unwrap(), before);
        assert_sound(&scene, id).await;
        heir.kill();
        sleeper.kill();
    }

    async fn run_that_kills_its_workers_is_given_up(scene: Scene) {
        let field = Field::new(&scene);
        let run = poison().start(&scene.client).await.unwrap();
        let mut deaths = 0;
        let failed = until(async || {
            let mut victim = field.victim(&["--max-claims", "3"]);
            loop {
                if victim.0.try_wait().unwrap().is_some() {
                    deaths += 1;
                    return None;
                }
                let status = run.status().await.unwrap();
                if status.run.state == RunState::Failed {
                    return Some(status);
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }).await;
        assert_eq!(deaths, 4, "the first claim, and three takeovers");
        let error = failed.run.error.unwrap();
        assert!(error.contains("4 workers died with this run"), "{error}");
    }

    async fn decision_after_the_worker_was_killed_is_taken_by_the_next(scene: Scene) {
        let field = Field::new(&scene);
        let run = asking().run_id("asked-and-killed").start(&scene.client).await.unwrap();
        let first = field.victim(&[]);
        until(async || {
            let status = run.status().await.unwrap();
            (status.run.state == RunState::Waiting).then_some(())
        }).await;
        first.kill();
        scene.client.gate("asked-and-killed", "go").approve("ann").await.unwrap();
        let second = field.victim(&[]);
        assert_eq!(soon(run.result()).await.unwrap(), "ann");
        assert_eq!(field.effects("asked-and-killed"), counts(&[("end before", 1), ("end after", 1)]));
        second.kill();
    }

    async fn same_id_started_by_two_processes_executes_once(scene: Scene) {
        let field = Field::new(&scene);
        let processes: Vec<Victim> = (0..4).map(|_| field.victim(&["--start", "twins"])).collect();
        let handle = until(async || scene.client.handle::<victim>("twins").await.ok()).await;
        assert_eq!(soon(handle.result()).await.unwrap(), 4);
        assert_sound(&scene, "twins").await;
        assert!(field.effects("twins").values().all(|n| *n == 1), "{:?}", field.effects("twins"));
        drop(processes);
    }

    async fn workers_killed_at_random_under_load_lose_and_repeat_nothing(scene: Scene) {
        let field = Field::new(&scene);
        let mut draw = Draw::new();
        let mut runs = Vec::new();
        for n in 0..120_u32 {
            runs.push(victim(n).run_id(format!("load-{n}")).start(&scene.client).await.unwrap());
        }
        // Killed this often, a worker may die with a run again and again before it came to it.
        let patient = ["--max-claims", "100"];
        let mut workers: Vec<Victim> = (0..3).map(|_| field.victim(&patient)).collect();
        for _ in 0..12 {
            let pause = Duration::from_millis(40 + draw.below(120));
            tokio::time::sleep(pause).await;
            let chosen = usize::try_from(draw.below(3)).unwrap();
            std::mem::replace(&mut workers[chosen], field.victim(&patient)).kill();
        }
        for (n, run) in (0..).zip(&runs) {
            assert_eq!(soon(run.result()).await.unwrap(), n + 3, "seed {}", draw.seed);
            assert_sound(&scene, run.id().as_str()).await;
            let effects = field.effects(run.id().as_str());
            for step in ["one", "two", "three"] {
                assert!(effects[&format!("end {step}")] >= 1, "seed {}", draw.seed);
            }
        }
        drop(workers);
    }
}

/// Draws, from a seed that a failure names. (xorshift: Marsaglia, 2003.)
pub(crate) struct Draw {
    pub(crate) seed: u64,
    state: u64,
}

impl Draw {
    pub(crate) fn new() -> Draw {
        let seed = std::env::var("SAGEWAI_TEST_SEED")
            .ok()
            .and_then(|s| s.parse().ok());
        let seed = seed.unwrap_or_else(|| u64::from(std::process::id()) * 0x9E37_79B9 + 1);
        Draw { seed, state: seed }
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state % limit
    }
}
