//! The stored checkpoints of a run with their types, and where in its graph a run is.

use std::collections::BTreeMap;
use std::time::Duration;

use sagewai::prelude::*;
use sagewai::{Decision, Error, Json, Place, RunHandle, Timestamp, Waiting, Workflow};

use crate::support::{soon, until};
use crate::{ledger, on_every_store};

#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
struct Draft {
    title: String,
}

#[step]
async fn draft(topic: &str) -> Result<Draft> {
    Ok(Draft {
        title: topic.to_owned(),
    })
}

#[step(name = "count-words")]
async fn count(draft: &Draft) -> Result<usize> {
    Ok(draft.title.split(' ').count())
}

#[step]
async fn fail() -> Result<()> {
    Err("no ink".into())
}

#[workflow]
async fn written(topic: String) -> Result<usize> {
    let first = draft(&topic).await?;
    let (counted, _) = join!(count(&first), draft("other").named("again")).await;
    let limit = sleep(Duration::from_hours(1));
    if let Won2::A(decision) = race!(approval("review"), limit).await {
        decision?;
    }
    let lucky = record("lucky", || 7_u32).await;
    let failed = fail().await.is_err();
    counted.map(|n| n + lucky as usize + usize::from(failed))
}

/// No arm is left out: this does not compile when a variant is missing.
fn word(state: &WrittenState) -> String {
    match state {
        WrittenState::Draft(Draft { title }) => format!("draft {title}"),
        WrittenState::Count(words) => format!("{words} words"),
        WrittenState::Approval(Decision { by, .. }) => format!("approved by {by}"),
        WrittenState::Sleep(until) => {
            assert!(*until > Timestamp::from_micros(0));
            "sleeps".to_owned()
        }
        WrittenState::Record(json) => format!("recorded {json}"),
        WrittenState::Fail(()) => "no failure".to_owned(),
        WrittenState::Other(json) => format!("other {json}"),
    }
}

/// `written` of a release in which a draft is something else.
mod changed {
    use sagewai::prelude::*;

    #[step]
    async fn draft(topic: &str) -> Result<u32> {
        Ok(topic.len().try_into()?)
    }

    #[workflow(name = "written")]
    pub(super) async fn written(topic: String) -> Result<usize> {
        Ok(draft(&topic).await? as usize)
    }
}

on_every_store! {
    async fn stored_checkpoints_are_read_with_their_types(scene: Scene) {
        let id = &*scene.id("states");
        let run = written("on tides".to_owned()).run_id(id).start(&scene.client).await.unwrap();
        let gate = scene.client.gate(id, "review");
        gate.approve("ann").await.unwrap();
        soon(run.run()).await.unwrap();

        let states = run.states().await.unwrap();
        let words: BTreeMap<String, String> = states
            .iter()
            .map(|s| (s.position.to_string(), word(&s.state)))
            .collect();
        let expected = [
            ("draft", "draft on tides"),
            ("join.0/count-words", "2 words"),
            ("join.1/again", "draft other"),
            ("lucky", "recorded 7"),
            ("race.0/approval:review", "approved by ann"),
            ("race.1/sleep", "sleeps"),
        ];
        let expected = expected.map(|(position, word)| (position.to_owned(), word.to_owned()));
        assert_eq!(words, BTreeMap::from(expected));

        // Each is at its place in the graph.
        for state in &states {
            let node = &written::GRAPH.nodes[usize::from(state.site.unwrap())];
            assert!(node.is(state.position.name()), "{state:?}");
        }
        assert!(states.is_sorted_by_key(|s| s.at));

        let handle = scene.client.handle::<changed::written>(id).await.unwrap();
        let unreadable = handle.states().await.unwrap_err();
        assert!(matches!(unreadable, Error::Stored { position, .. } if position == "draft"));
    }
}

#[test]
fn state_of_a_name_that_is_unknown_is_other() {
    let json = Json::encode(&7).unwrap();
    let state = written::state("unheard-of", &json).unwrap();
    assert_eq!(word(&state), "other 7");
}

/// Fails, as long as no note says that it may go on.
#[step(retry_delay = "1h")]
async fn publish(ctx: &StepContext, text: &str) -> Result<()> {
    if ledger::of(ctx.run_id()).is_empty() {
        return Err(format!("no paper for {text}").into());
    }
    Ok(())
}

/// Begins, and ends when the test says so.
#[step]
async fn print(ctx: &StepContext) -> Result<()> {
    ledger::note(ctx, "prints");
    while !ledger::of(ctx.run_id()).contains(&"printed".to_owned()) {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(())
}

#[workflow]
async fn issue(retries: u32) -> Result<()> {
    let text = draft("tides").await?;
    let hour = Duration::from_hours(1);
    let editors = join!(approval("words"), approval("pictures"));
    match race!(editors, sleep(hour)).await {
        Won2::A((words, pictures)) => (words?, pictures?),
        Won2::B(slept) => return Ok(slept?),
    };
    publish(&text.title).retries(retries).await?;
    print().await
}

/// `issue` of a release that does something else first.
mod rewritten {
    use sagewai::prelude::*;

    #[workflow(name = "issue")]
    pub(super) async fn issue(retries: u32) -> Result<()> {
        super::fail().await?;
        super::publish("nothing").retries(retries).await
    }
}

/// Where a run is: positions, and what stands there in the graph.
async fn places<W: Workflow>(run: &RunHandle<W>) -> Vec<(String, &'static str)> {
    let places = run.places().await.unwrap();
    let at = |place: Place| {
        assert_eq!(
            place.node.line,
            W::GRAPH.nodes[usize::from(place.site)].line
        );
        (place.position.to_string(), place.node.path)
    };
    places.into_iter().map(at).collect()
}

async fn until_at<W: Workflow>(run: &RunHandle<W>, expected: &[(String, &str)]) {
    until(async || (places(run).await == expected).then_some(())).await;
}

fn at<const N: usize>(expected: [(&str, &'static str); N]) -> Vec<(String, &'static str)> {
    expected
        .map(|(position, path)| (position.to_owned(), path))
        .into()
}

on_every_store! {
    async fn run_is_found_in_its_graph_wherever_it_stands(scene: Scene) {
        let id = &*scene.id("places");
        let client = &scene.client;
        let run = issue(0).run_id(id).start(client).await.unwrap();
        assert_eq!(places(&run).await, at([("draft", "draft")]), "before a worker has it");

        let worker = scene.worker().workflow(issue).start().await.unwrap();
        let waits = [
            ("race.0/join.0/approval:words", "approval"),
            ("race.0/join.1/approval:pictures", "approval"),
            ("race.1/sleep", "sleep"),
        ];
        until_at(&run, &at(waits)).await;
        client.gate(id, "words").approve("ann").await.unwrap();
        until_at(&run, &at([waits[1], waits[2]])).await;

        client.gate(id, "pictures").approve("bob").await.unwrap();
        soon(run.result()).await.unwrap_err();
        worker.shutdown().await.unwrap();
        assert_eq!(places(&run).await, at([("publish", "publish")]), "failed");
        let before = run.states().await.unwrap().len();

        client.retry(id, "ann").await.unwrap();
        assert_eq!(places(&run).await, at([("publish", "publish")]), "retried");
        let states = run.states().await.unwrap();
        assert_eq!(states.len(), before, "what succeeded stays");
        assert!(matches!(&states[0].state, IssueState::Draft(draft) if draft.title == "tides"));

        let elsewhere = client.handle::<rewritten::issue>(id).await.unwrap();
        let error = elsewhere.places().await.unwrap_err();
        let said = "the run holds `draft`, and the code asks for `fail` instead";
        assert!(matches!(&error, Error::Diverged { reason, .. } if reason.contains(said)), "{error}");

        ledger::note_of(id, "paper");
        let worker = scene.worker().workflow(issue).start().await.unwrap();
        until(async || ledger::of(id).contains(&"prints".to_owned()).then_some(())).await;
        assert_eq!(places(&run).await, at([("print", "print")]), "in the middle of a step");
        ledger::note_of(id, "printed");
        soon(run.result()).await.unwrap();
        assert_eq!(places(&run).await, at([]), "completed");
        worker.shutdown().await.unwrap();
    }

    async fn run_between_two_attempts_is_at_its_step(scene: Scene) {
        let id = &*scene.id("between-attempts");
        let run = issue(1).run_id(id).start(&scene.client).await.unwrap();
        for gate in ["words", "pictures"] {
            scene.client.gate(id, gate).approve("ann").await.unwrap();
        }
        let worker = scene.worker().workflow(issue).start().await.unwrap();
        let waits = until(async || run.status().await.unwrap().run.waiting).await;
        assert!(matches!(waits, Waiting::Retry { .. }), "{waits:?}");
        assert_eq!(places(&run).await, at([("publish", "publish")]));
        let last = run.states().await.unwrap().pop().unwrap();
        assert!(matches!(last.state, IssueState::Approval(_)), "{last:?}");
        worker.shutdown().await.unwrap();
    }
}
