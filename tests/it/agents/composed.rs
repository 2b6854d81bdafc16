//! Agents put together: alone, nested, and in workflows.

use std::sync::{Arc, LazyLock, Mutex};

use sagewai::agent::{
    AnyAgent, ChatReply, ConditionalAgent, FnAgent, LoopAgent, Message, ParallelAgent,
    ScriptedModel, SequentialAgent, UniversalAgent, from_fn,
};
use sagewai::prelude::*;

use crate::support::soon;
use crate::{ledger, on_every_store};

/// Says `name(what it was asked)`, and notes that it was asked.
fn echo(name: &'static str) -> FnAgent {
    from_fn(name, move |input: String| async move {
        if let Some(ctx) = StepContext::current() {
            ledger::note(&ctx, name);
            if name == "frail"
                && ctx.run_id().as_str().starts_with("composed-frail")
                && !repaired(&ctx)
            {
                return Err("not yet".into());
            }
        }
        Ok(format!("{name}({input})"))
    })
}

/// Whether the one who looks after the run has put something right.
fn repaired(ctx: &StepContext) -> bool {
    ledger::of(ctx.run_id()).contains(&"repaired".to_owned())
}

fn asked(name: &'static str) -> UniversalAgent {
    let script = ScriptedModel::new(move |request| {
        let Some(Message::User(text)) = request.messages.last() else {
            panic!()
        };
        Ok(ChatReply::text(format!("{name}[{text}]")))
    });
    UniversalAgent::builder(name)
        .scripted(script)
        .build()
        .unwrap()
}

/// A loop of a pipeline, in which two look at once and one is chosen.
static NESTED: LazyLock<LoopAgent> = LazyLock::new(|| {
    let both = ParallelAgent::builder("both")
        .agent(
            SequentialAgent::builder("left")
                .agent(echo("a"))
                .agent(asked("b"))
                .build()
                .unwrap(),
        )
        .agent(echo("c"))
        .merge(|replies| format!("{}+{}", replies[0].text().len(), replies[1].text().len()))
        .build()
        .unwrap();
    let choice = ConditionalAgent::builder("choice")
        .condition_async(async |input: String| Ok(input.contains('+')))
        .branch(true, echo("frail"))
        .default_branch(echo("never"))
        .build()
        .unwrap();
    let pipeline = SequentialAgent::builder("pipeline")
        .agent(both)
        .agent(AnyAgent::new(choice))
        .build();
    LoopAgent::builder("rounds")
        .agent(pipeline.unwrap())
        .until(|text, round| text.starts_with("frail") && round == 1)
        .max_iterations(5)
        .build()
        .unwrap()
});

#[workflow]
async fn nested(input: String) -> Result<(String, bool)> {
    let reply = NESTED.chat(input).await?;
    let hit_limit = reply.hit_limit();
    Ok((reply.into_text(), hit_limit))
}

on_every_store! {
    async fn nested_agents_are_durable_and_go_on_where_one_of_them_failed(scene: Scene) {
        let id = scene.id("composed-frail");
        let worker = scene.worker().workflow(nested).start().await.unwrap();
        let run = nested("x".into()).run_id(&id).start(&scene.client).await.unwrap();
        let error = soon(run.result()).await.unwrap_err().to_string();
        assert!(error.contains("not yet"), "{error}");
        let before = ledger::of(&id);
        assert_eq!(before.iter().filter(|name| *name == "a").count(), 1);
        ledger::note_of(&id, "repaired");
        scene.client.retry(id.as_str(), "ops").await.unwrap();
        let (text, hit_limit) = soon(run.result()).await.unwrap();
        assert!(text.starts_with("frail(") && !hit_limit, "{text}");
        let done = ledger::of(&id);
        let count = |name: &str| done.iter().filter(|n| *n == name).count();
        // Each once a round; the one that failed once more.
        assert_eq!((count("a"), count("c"), count("frail"), count("never")), (2, 2, 3, 0));
        worker.shutdown().await.unwrap();
    }

    async fn completed_loop_started_again_gives_its_result_and_asks_nobody(scene: Scene) {
        let id = scene.id("composed-again");
        let worker = scene.worker().workflow(nested).start().await.unwrap();
        let run = nested("x".into()).run_id(&id).start(&scene.client).await.unwrap();
        let first = soon(run.result()).await.unwrap();
        let asked = ledger::of(&id);
        let again = nested("x".into()).run_id(&id).start(&scene.client).await.unwrap();
        assert_eq!(soon(again.result()).await.unwrap(), first);
        assert_eq!(ledger::of(&id), asked);
        worker.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn one_after_the_other_hears_what_the_one_before_said() {
    let seen: Arc<Mutex<Vec<(usize, usize, String)>>> = Arc::default();
    let told = seen.clone();
    let mut five = SequentialAgent::builder("five")
        .on_progress(move |n, of, name| told.lock().unwrap().push((n, of, name.to_owned())));
    for name in ["a", "b", "c", "d", "e"] {
        five = five.agent(echo(name));
    }
    assert_eq!(
        five.build().unwrap().chat("x").await.unwrap().text(),
        "e(d(c(b(a(x)))))"
    );
    let seen = seen.lock().unwrap();
    assert_eq!((seen.len(), &seen[4]), (5, &(5, 5, "e".to_owned())));
}

#[tokio::test]
async fn several_at_once_are_merged_in_their_order_with_a_blank_line() {
    let slow = from_fn("slow", async |input: String| {
        tokio::task::yield_now().await;
        Ok(format!("slow {input}"))
    });
    let both = ParallelAgent::builder("both")
        .agent(slow)
        .agent(asked("b"))
        .build()
        .unwrap();
    let reply = both.chat("x").await.unwrap();
    assert_eq!(reply.text(), "slow x\n\nb[x]");
    assert_eq!(reply.spent().calls, 1);
}

#[tokio::test]
async fn loop_makes_all_rounds_without_a_condition_and_says_that_it_hit_its_limit() {
    let three = LoopAgent::builder("three")
        .agent(echo("a"))
        .max_iterations(3)
        .build()
        .unwrap();
    let reply = three.chat("x").await.unwrap();
    assert_eq!((reply.text(), reply.hit_limit()), ("a(a(a(x)))", true));
    let two = LoopAgent::builder("two")
        .agent(echo("a"))
        .until(|_, round| round == 1)
        .build()
        .unwrap();
    let reply = two.chat("x").await.unwrap();
    assert_eq!((reply.text(), reply.hit_limit()), ("a(a(x))", false));
}

#[tokio::test]
async fn no_branch_and_no_default_is_a_terminal_failure_that_names_the_branches() {
    let desk = ConditionalAgent::builder("desk")
        .condition(|text: &str| text.to_owned())
        .branch("left", echo("l"))
        .branch("right", echo("r"))
        .build()
        .unwrap();
    assert_eq!(desk.chat("right").await.unwrap().text(), "r(right)");
    let failure = desk.chat("up").await.unwrap_err();
    assert!(
        failure.is_terminal() && failure.message().contains("`left`, `right`"),
        "{failure}"
    );
}

#[test]
fn empty_compositions_are_refused() {
    assert!(SequentialAgent::builder("s").build().is_err());
    assert!(ParallelAgent::builder("p").build().is_err());
    assert!(LoopAgent::builder("l").build().is_err());
    assert!(
        LoopAgent::builder("l")
            .agent(echo("a"))
            .max_iterations(0)
            .build()
            .is_err()
    );
    assert!(
        ConditionalAgent::builder("c")
            .condition(|_: &str| true)
            .build()
            .is_err()
    );
    let twice = ConditionalAgent::builder("c")
        .condition(|_: &str| true)
        .branch(true, echo("a"))
        .branch("true", echo("b"));
    assert!(twice.build().is_err());
}
