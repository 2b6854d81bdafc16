//! Several operations at once: what the body gets, what is stored, what ends with what.

use std::time::Duration;

use sagewai::prelude::*;
use sagewai::{Outcome, RunState, Settled, StepState, Waiting};

use crate::support::{Scene, soon, until};
use crate::{ledger, on_every_store};

#[step]
async fn word(ctx: &StepContext, n: u32) -> Result<String> {
    ledger::note(ctx, format!("word {n}"));
    Ok(format!("word {n}"))
}

#[step]
async fn fails(ctx: &StepContext, why: &str) -> Result<String> {
    ledger::note(ctx, "fails");
    Err(why.to_owned().into())
}

/// Never ends by itself; its end is noted, however it comes.
#[step]
async fn endless(ctx: StepContext) -> Result<String> {
    struct Ends(StepContext);
    impl Drop for Ends {
        fn drop(&mut self) {
            ledger::note(&self.0, "endless ends");
        }
    }
    ledger::note(&ctx, "endless begins");
    let _ends = Ends(ctx);
    std::future::pending().await
}

/// Waits until a step of the same run has come so far.
async fn noted(ctx: &StepContext, what: &str) {
    while !ledger::of(ctx.run_id()).iter().any(|noted| noted == what) {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Waits until the ledger says that an endless step has begun, so that it is in the middle when this one ends.
#[step]
async fn after_endless(ctx: &StepContext, then: &str) -> Result<String> {
    noted(ctx, "endless begins").await;
    match then {
        "fail" => Err("after all".into()),
        word => Ok(word.to_owned()),
    }
}

#[workflow]
async fn joins() -> Result<Vec<String>> {
    let between = " and ".to_owned();
    let mut order = Vec::new();
    let later = async {
        let second = word(2).await?;
        let third = word(3).named("third").await?;
        order.push("block");
        Ok::<_, Failure>(format!("{second}{between}{third}"))
    };
    let (first, block, (nested, id)) = join!(word(1), later, join!(word(4), uuid())).await;
    assert_eq!(id.len(), 36);
    Ok(vec![first?, block?, nested?, order.concat()])
}

#[workflow]
async fn eight() -> Result<String> {
    let words = join!(
        word(1),
        word(2),
        word(3),
        word(4),
        word(5),
        word(6),
        word(7),
        word(8)
    )
    .await;
    let (one, two, three, four, five, six, seven, eight) = words;
    Ok([one?, two?, three?, four?, five?, six?, seven?, eight?].concat())
}

#[workflow]
async fn maps(numbers: Vec<u32>) -> Result<(Vec<String>, Vec<String>)> {
    let offset = 100;
    let plain = map(&numbers, |n| word(*n)).concurrency(2).await;
    let plain = plain.into_iter().collect::<Result<_>>()?;
    let chosen = try_map(numbers, |n| {
        if n % 2 == 0 {
            async move {
                let text = word(n + offset).await?;
                Ok::<_, Failure>(format!("even {text}"))
            }
        } else {
            word(n)
        }
    })
    .concurrency(3)
    .await?;
    Ok((plain, chosen))
}

#[workflow]
async fn breaks() -> Result<String> {
    let failed = try_join!(endless(), after_endless("fail"), async {
        word(1).await?;
        approval("never").await?;
        Ok::<_, Failure>(())
    })
    .await;
    let why = failed.map(|_| ()).unwrap_err().to_string();
    // Nothing of the branches is left: the endless step has ended before this one begins.
    word(9).await?;
    Ok(why)
}

#[workflow]
async fn map_breaks() -> Result<String> {
    let failed = try_map(0..5_u32, |n| {
        if n == 1 {
            after_endless("fail")
        } else {
            endless()
        }
    })
    .concurrency(2)
    .await;
    let why = failed.unwrap_err().to_string();
    word(9).await?;
    Ok(why)
}

#[workflow]
async fn waits_for_all() -> Result<(String, String)> {
    let (failed, word) = join!(fails("no paper"), after_endless_word()).await;
    Ok((failed.unwrap_err().to_string(), word?))
}

#[step]
async fn after_endless_word(ctx: &StepContext) -> Result<String> {
    noted(ctx, "fails").await;
    Ok("all the same".to_owned())
}

#[workflow]
async fn races() -> Result<String> {
    let won = match race!(endless(), after_endless("quick"), sleep(LONG)).await {
        Won3::A(text) | Won3::B(text) => text?,
        Won3::C(slept) => {
            slept?;
            "slept".to_owned()
        }
    };
    word(9).await?;
    Ok(won)
}

const LONG: Duration = Duration::from_hours(1);

/// A decision with a time limit, and what is done about each.
#[workflow]
async fn limited(millis: u64) -> Result<String> {
    let limit = sleep(Duration::from_millis(millis));
    let decided = match race!(approval("review"), limit).await {
        Won2::A(decision) => decision?.by,
        Won2::B(slept) => {
            slept?;
            "nobody".to_owned()
        }
    };
    word(1).await?;
    Ok(decided)
}

#[workflow]
async fn two_sleeps() -> Result<u32> {
    match race!(
        sleep(Duration::from_millis(40)),
        sleep(Duration::from_millis(20))
    )
    .await
    {
        Won2::A(_) => Ok(1),
        Won2::B(_) => Ok(2),
    }
}

/// Two people, in any order.
#[workflow]
async fn two_gates() -> Result<(String, String)> {
    let (editor, lawyer) = try_join!(
        async { Ok::<_, Failure>(approval("editor").await?.by) },
        async {
            let by = approval("lawyer").await?.by;
            word(1).await?;
            Ok::<_, Failure>(by)
        }
    )
    .await?;
    Ok((editor, lawyer))
}

/// Every item has a gate of the same name.
#[workflow]
async fn many_gates() -> Result<Vec<String>> {
    let decided = map(0..3_u32, |_| approval("look")).await;
    decided.into_iter().map(|d| Ok(d?.by)).collect()
}

#[workflow]
async fn retrying() -> Result<u32> {
    let (a, b) = join!(
        flaky("a").retries(3).retry_delay(Duration::from_millis(30)),
        flaky("b").retries(3).retry_delay(Duration::from_millis(10))
    )
    .await;
    Ok(a? + b?)
}

#[step]
async fn flaky(ctx: &StepContext, name: &str) -> Result<u32> {
    ledger::note(ctx, format!("{name} {}", ctx.attempt()));
    if ctx.attempt() < 3 {
        return Err("not yet".into());
    }
    Ok(ctx.attempt())
}

async fn positions(scene: &Scene, run: &str) -> Vec<String> {
    let id = run.try_into().unwrap();
    let journal = scene.client.journal(&id).await.unwrap();
    let positions = journal.checkpoints.iter();
    let mut positions: Vec<String> = positions
        .map(|c| c.written.position.to_string())
        .filter(|p| !p.starts_with('$'))
        .collect();
    positions.sort();
    positions
}

async fn parked(scene: &Scene, run: &str) -> Waiting {
    until(async || {
        let status = scene.client.status(run).await.unwrap().unwrap();
        status
            .run
            .waiting
            .filter(|_| status.run.state == RunState::Waiting)
    })
    .await
}

on_every_store! {
    async fn join_runs_all_branches_and_names_count_in_each(scene: Scene) {
        let worker = scene.worker().workflow(joins).start().await.unwrap();
        let run = joins().start(&scene.client).await.unwrap();
        let words = soon(run.result()).await.unwrap();
        assert_eq!(words, ["word 1", "word 2 and word 3", "word 4", "block"]);
        assert_eq!(positions(&scene, run.id().as_str()).await, [
            "join.0/word",
            "join.1/block/third",
            "join.1/block/word",
            "join.2/join.0/word",
            "join.2/join.1/uuid",
        ]);
        worker.shutdown().await.unwrap();
    }

    async fn eight_branches_are_joined(scene: Scene) {
        let settled = soon(eight().run(&scene.client)).await.unwrap();
        let words: Vec<String> = (1..=8).map(|n| format!("word {n}")).collect();
        let words = words.concat();
        assert_eq!(settled, Settled::Completed(words));
    }

    async fn map_keeps_the_order_of_the_items(scene: Scene) {
        let worker = scene.worker().workflow(maps).start().await.unwrap();
        let run = maps((0..12).collect()).start(&scene.client).await.unwrap();
        let (plain, chosen) = soon(run.result()).await.unwrap();
        let expected: Vec<String> = (0..12).map(|n| format!("word {n}")).collect();
        assert_eq!(plain, expected);
        assert_eq!((&*chosen[2], &*chosen[3]), ("even word 102", "word 3"));
        let positions = positions(&scene, run.id().as_str()).await;
        assert!(positions.contains(&"map.11/word".to_owned()), "{positions:?}");
        assert!(positions.contains(&"map#2.2/block/word".to_owned()), "{positions:?}");
        let nothing = soon(maps(Vec::new()).run(&scene.client)).await.unwrap();
        assert_eq!(nothing, Settled::Completed((Vec::new(), Vec::new())));
        worker.shutdown().await.unwrap();
    }

    async fn failed_branch_of_try_join_ends_the_others_and_none_outlives_it(scene: Scene) {
        let worker = scene.worker().workflow(breaks).start().await.unwrap();
        let run = breaks().start(&scene.client).await.unwrap();
        assert_eq!(soon(run.result()).await.unwrap(), "after all");
        let effects = ledger::of(run.id());
        let at = |what: &str| effects.iter().position(|e| e == what).unwrap();
        assert!(at("endless ends") < at("word 9"), "{effects:?}");
        worker.shutdown().await.unwrap();
    }

    async fn failed_item_of_try_map_ends_the_others_and_no_more_begin(scene: Scene) {
        let worker = scene.worker().workflow(map_breaks).start().await.unwrap();
        let run = map_breaks().start(&scene.client).await.unwrap();
        assert_eq!(soon(run.result()).await.unwrap(), "after all");
        assert_eq!(ledger::of(run.id()), ["endless begins", "endless ends", "word 9"]);
        worker.shutdown().await.unwrap();
    }

    async fn failed_branch_of_join_is_a_value_and_the_others_go_on(scene: Scene) {
        let worker = scene.worker().workflow(waits_for_all).start().await.unwrap();
        let run = waits_for_all().start(&scene.client).await.unwrap();
        let expected = ("no paper".to_owned(), "all the same".to_owned());
        assert_eq!(soon(run.result()).await.unwrap(), expected);
        worker.shutdown().await.unwrap();
    }

    async fn first_branch_wins_and_the_others_end(scene: Scene) {
        let worker = scene.worker().workflow(races).start().await.unwrap();
        let run = races().start(&scene.client).await.unwrap();
        assert_eq!(soon(run.result()).await.unwrap(), "quick");
        assert_eq!(ledger::of(run.id()), ["endless begins", "endless ends", "word 9"]);
        let journal = scene.client.journal(run.id()).await.unwrap();
        let won = &journal.at("race/won").unwrap();
        assert_eq!(won.written.outcome, Outcome::Ok(sagewai::Json::encode(&1_u32).unwrap()));
        // The winner and what it won were stored at once.
        assert_eq!(won.at, journal.at("race.1/after_endless").unwrap().at);
        worker.shutdown().await.unwrap();
    }

    async fn decision_wins_over_its_time_limit(scene: Scene) {
        let worker = scene.worker().workflow(limited).start().await.unwrap();
        let run = limited(3_600_000).start(&scene.client).await.unwrap();
        let id = run.id().as_str();
        assert_eq!(parked(&scene, id).await, Waiting::Gate { gate: "review".into() });
        assert!(run.status().await.unwrap().run.due_at.is_some(), "it wakes by itself as well");
        scene.client.gate(id, "review").approve("ann").await.unwrap();
        assert_eq!(soon(run.result()).await.unwrap(), "ann");
        let expected = ["race.0/approval:review", "race.1/sleep", "race/won", "word"];
        assert_eq!(positions(&scene, id).await, expected);
        worker.shutdown().await.unwrap();
    }

    async fn time_limit_passes_also_while_no_worker_lives(scene: Scene) {
        // Driven in place, until it has slept; a decision that comes later is too late.
        let run = limited(5_300).start(&scene.client).await.unwrap();
        let id = run.id().as_str();
        let worker = scene.worker().workflow(limited).start().await.unwrap();
        parked(&scene, id).await;
        worker.shutdown().await.unwrap();
        until(async || {
            let due = run.status().await.unwrap().run.due_at.unwrap();
            (scene.store.now().await.unwrap() > due).then_some(())
        }).await;
        scene.client.gate(id, "review").approve("ann").await.unwrap();
        let worker = scene.worker().workflow(limited).start().await.unwrap();
        assert_eq!(soon(run.result()).await.unwrap(), "nobody");
        let expected = ["race.1/sleep", "race.1/sleep/woke", "race/won", "word"];
        assert_eq!(positions(&scene, id).await, expected);
        worker.shutdown().await.unwrap();
    }

    async fn shorter_sleep_wins(scene: Scene) {
        let settled = soon(two_sleeps().run(&scene.client)).await.unwrap();
        assert_eq!(settled, Settled::Completed(2));
    }

    async fn gates_of_branches_are_open_together(scene: Scene) {
        let worker = scene.worker().workflow(two_gates).start().await.unwrap();
        let run = two_gates().start(&scene.client).await.unwrap();
        let id = run.id().as_str();
        assert_eq!(parked(&scene, id).await, Waiting::Gate { gate: "editor".into() });
        assert_eq!(scene.client.gates().pending().await.unwrap().len(), 2);
        scene.client.gate(id, "lawyer").approve("bob").await.unwrap();
        until(async || (!ledger::of(id).is_empty()).then_some(())).await;
        scene.client.gate(id, "editor").approve("ann").await.unwrap();
        assert_eq!(soon(run.result()).await.unwrap(), ("ann".to_owned(), "bob".to_owned()));
        worker.shutdown().await.unwrap();
    }

    async fn gates_of_one_name_in_several_branches_are_told_apart(scene: Scene) {
        let worker = scene.worker().workflow(many_gates).start().await.unwrap();
        let run = many_gates().start(&scene.client).await.unwrap();
        let id = run.id().as_str();
        parked(&scene, id).await;
        let mut open: Vec<String> = scene.client.gates().pending().await.unwrap().into_iter().map(|g| g.name).collect();
        open.sort();
        assert_eq!(open, ["look", "map.1/look", "map.2/look"]);
        for gate in open.iter().rev() {
            scene.client.gate(id, gate).approve(gate).await.unwrap();
        }
        assert_eq!(soon(run.result()).await.unwrap(), open);
        worker.shutdown().await.unwrap();
    }

    async fn each_branch_is_retried_by_itself(scene: Scene) {
        let worker = scene.worker().workflow(retrying).start().await.unwrap();
        let run = retrying().start(&scene.client).await.unwrap();
        assert_eq!(soon(run.result()).await.unwrap(), 6);
        let mut effects = ledger::of(run.id());
        effects.sort();
        assert_eq!(effects, ["a 1", "a 2", "a 3", "b 1", "b 2", "b 3"]);
        let status = run.status().await.unwrap();
        let states: Vec<_> = status.steps.iter().map(|s| (s.state, s.attempt)).collect();
        assert_eq!(states, [(StepState::Completed, 3); 2]);
        worker.shutdown().await.unwrap();
    }
}
