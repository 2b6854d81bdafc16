//! Runs in flight over code that has changed: each change, and what becomes of the run. `docs/determinism.md` gives
//! the same answers.

use sagewai::prelude::*;
use sagewai::{Error, RunState, Settled, Waiting};

use crate::support::{Scene, soon};
use crate::{ledger, on_every_store};

#[step]
async fn collect(ctx: &StepContext, n: u32) -> Result<u32> {
    ledger::note(ctx, "collect");
    Ok(n)
}

#[step]
async fn refine(ctx: &StepContext, n: u32) -> Result<u32> {
    ledger::note(ctx, "refine");
    Ok(n)
}

#[step(name = "collect")]
async fn gather(ctx: &StepContext, n: u32) -> Result<u32> {
    ledger::note(ctx, "gather");
    Ok(n)
}

#[step]
async fn extra(ctx: &StepContext) -> Result<()> {
    ledger::note(ctx, "extra");
    Ok(())
}

#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Report {
    n: u32,
}

/// `collect` of a release in which it returns something else.
#[step(name = "collect")]
async fn collect_report(n: u32) -> Result<Report> {
    Ok(Report { n })
}

/// `collect` of a release in which its argument has another type.
#[step(name = "collect")]
async fn collect_text(n: &str) -> Result<u32> {
    Ok(n.parse()?)
}

/// `collect` of a release in which it takes one argument more.
#[step(name = "collect")]
async fn collect_more(n: u32, hint: Option<String>) -> Result<u32> {
    Ok(n + u32::from(hint.is_some()))
}

/// One workflow in several versions, as several deploys have it.
macro_rules! version {
    ($module:ident, $n:ident: $body:block) => {
        #[allow(dead_code, reason = "runs are driven by the type of a version, and never started by it")]
        mod $module {
            #[allow(unused_imports, reason = "each version uses some of them")]
            use super::{
                collect, collect_more, collect_report, collect_text, extra, gather, refine,
            };
            use sagewai::prelude::*;

            #[workflow(name = "changing")]
            pub(super) async fn changing($n: u32) -> Result<u32> $body
        }
    };
}

version!(original, n: {
    let n = collect(n).await?;
    let n = collect(n + 1).await?;
    let n = refine(n).await?;
    approval("go").await?;
    Ok(n)
});
version!(renamed, n: {
    let n = extra().await.map(|()| n)?;
    let n = collect(n + 1).await?;
    let n = refine(n).await?;
    approval("go").await?;
    Ok(n)
});
version!(renamed_function, n: {
    let n = gather(n).await?;
    let n = gather(n + 1).await?;
    let n = refine(n).await?;
    approval("go").await?;
    Ok(n)
});
version!(inserted_before, n: {
    let n = collect(n).await?;
    extra().await?;
    let n = collect(n + 1).await?;
    let n = refine(n).await?;
    approval("go").await?;
    Ok(n)
});
version!(inserted_after, n: {
    let n = collect(n).await?;
    let n = collect(n + 1).await?;
    let n = refine(n).await?;
    approval("go").await?;
    extra().await?;
    Ok(n)
});
version!(removed, n: {
    let n = collect(n).await?;
    let n = collect(n + 1).await?;
    approval("go").await?;
    Ok(n)
});
version!(removed_at_the_end, n: {
    let n = collect(n).await?;
    Ok(n)
});
version!(swapped_calls_of_one_step, n: {
    let m = collect(n + 1).await?;
    collect(n).await?;
    let n = refine(m).await?;
    approval("go").await?;
    Ok(n)
});
version!(swapped_steps, n: {
    let n = collect(n).await?;
    let n = refine(n + 1).await?;
    let n = collect(n).await?;
    approval("go").await?;
    Ok(n)
});
version!(made_a_record, n: {
    let n = record("collect", || n).await;
    let n = collect(n + 1).await?;
    let n = refine(n).await?;
    approval("go").await?;
    Ok(n)
});
version!(other_output, n: {
    let n = collect_report(n).await?.n;
    let n = collect_report(n + 1).await?.n;
    let n = refine(n).await?;
    approval("go").await?;
    Ok(n)
});
version!(other_argument, n: {
    let n = collect_text(&n.to_string()).await?;
    let n = collect_text(&(n + 1).to_string()).await?;
    let n = refine(n).await?;
    approval("go").await?;
    Ok(n)
});
version!(one_argument_more, n: {
    let n = collect_more(n, None).await?;
    let n = collect_more(n + 1, None).await?;
    let n = refine(n).await?;
    approval("go").await?;
    Ok(n)
});
version!(panicking, n: {
    let n = collect(n).await?;
    assert!(n > 100, "too small");
    Ok(n)
});
version!(made_a_branch, n: {
    let (n, ()) = try_join!(collect(n), extra()).await?;
    let n = collect(n + 1).await?;
    let n = refine(n).await?;
    approval("go").await?;
    Ok(n)
});

version!(more_to_come, n: {
    let n = collect(n).await?;
    approval("go").await?;
    extra().await?;
    refine(n).await
});
version!(less_to_come, n: {
    let n = collect(n).await?;
    approval("go").await?;
    Ok(n)
});
version!(other_to_come, n: {
    let n = collect(n).await?;
    approval("go").await?;
    refine(n * 10).await
});

/// A run that has a winner, and versions of its code.
macro_rules! race_version {
    ($module:ident, $body:expr) => {
        #[allow(
            dead_code,
            reason = "runs are driven by the type of a version, and never started by it"
        )]
        mod $module {
            #[allow(unused_imports, reason = "each version uses some of them")]
            use super::{collect, extra, refine};
            use sagewai::prelude::*;

            #[workflow(name = "racing")]
            pub(super) async fn racing() -> Result<u32> {
                let n = $body;
                approval("go").await?;
                Ok(n)
            }
        }
    };
}

race_version!(raced, {
    match race!(collect(1), approval("never")).await {
        Won2::A(n) => n?,
        Won2::B(_) => 0,
    }
});
race_version!(loser_dropped, collect(1).await?);
race_version!(arms_swapped, {
    match race!(approval("never"), collect(1)).await {
        Won2::A(_) => 0,
        Won2::B(n) => n?,
    }
});
race_version!(loser_changed, {
    let pause = sleep(std::time::Duration::from_hours(1));
    match race!(collect(1), pause).await {
        Won2::A(n) => n?,
        Won2::B(_) => 0,
    }
});

/// Runs the original to its gate, and lets a person decide: any code may drive it now.
async fn run_to_the_gate(scene: &Scene, id: &str) {
    let settled = soon(original::changing(7).run_id(id).run(&scene.client)).await;
    assert!(matches!(
        settled,
        Ok(Settled::Waiting(Waiting::Gate { .. }))
    ));
    scene.client.gate(id, "go").approve("ann").await.unwrap();
}

/// What a version of the code finds wrong with a run. The line of the source stands for itself in `(line _ of ..)`.
async fn found<W: sagewai::Workflow<Output = u32>>(scene: &Scene, id: &str) -> String {
    let handle = scene.client.handle::<W>(id).await.unwrap();
    let reason = match soon(handle.run()).await {
        Ok(Settled::Waiting(Waiting::Diverged { reason })) => reason,
        other => panic!("{other:?}"),
    };
    // Whoever drives it, it waits, until a person says that the code has been mended.
    let status = handle.status().await.unwrap();
    assert_eq!(
        (status.run.state, status.run.due_at),
        (RunState::Waiting, None)
    );
    scene.client.retry(id, "ann").await.unwrap();
    let Some((before, rest)) = reason.split_once("(line ") else {
        return reason;
    };
    let (line, module) = rest.split_once(" of `it::divergence::").unwrap();
    assert!(line.parse::<u32>().unwrap() > 50, "{reason}");
    format!("{before}(line _ of `{module}")
}

async fn goes_on<W: sagewai::Workflow<Output = u32>>(
    scene: &Scene,
    id: &str,
) -> Result<u32, Error> {
    let handle = scene.client.handle::<W>(id).await?;
    match soon(handle.run()).await? {
        Settled::Completed(n) => Ok(n),
        other @ Settled::Waiting(_) => panic!("{other:?}"),
    }
}

on_every_store! {
    async fn changed_code_is_found_before_anything_executes_and_mended_code_goes_on(scene: Scene) {
        let id = &*scene.id("changed");
        run_to_the_gate(&scene, id).await;
        let before = ledger::of(id).len();
        assert_eq!(
            found::<renamed::changing>(&scene, id).await,
            "the run holds `collect`, and the code asks for `extra` instead (line _ of `renamed`)"
        );
        assert_eq!(
            found::<inserted_before::changing>(&scene, id).await,
            "the run holds `collect#2`, and the code asks for `extra` instead (line _ of `inserted_before`)"
        );
        assert_eq!(
            found::<removed::changing>(&scene, id).await,
            "the run holds `refine`, and the code asks for `approval:go` instead (line _ of `removed`)"
        );
        assert_eq!(
            found::<removed_at_the_end::changing>(&scene, id).await,
            "the run holds `collect#2`, and the code ends without it"
        );
        assert_eq!(
            found::<swapped_calls_of_one_step::changing>(&scene, id).await,
            "the step at `collect` was run with other arguments than the code gives it now (line _ of `swapped_calls_of_one_step`)"
        );
        assert_eq!(
            found::<swapped_steps::changing>(&scene, id).await,
            "the run holds `collect#2`, and the code asks for `refine` instead (line _ of `swapped_steps`)"
        );
        assert_eq!(
            found::<made_a_record::changing>(&scene, id).await,
            "the run holds a step at `collect`, and the code asks for a record there (line _ of `made_a_record`)"
        );
        assert_eq!(
            found::<other_argument::changing>(&scene, id).await,
            "the step at `collect` was run with other arguments than the code gives it now (line _ of `other_argument`)"
        );
        assert_eq!(
            found::<one_argument_more::changing>(&scene, id).await,
            "the step at `collect` was run with other arguments than the code gives it now (line _ of `one_argument_more`)"
        );
        let output = found::<other_output::changing>(&scene, id).await;
        assert!(output.starts_with("what the run holds at `collect` cannot be read back: invalid type: integer `7`"), "{output}");
        assert!(output.ends_with("(line _ of `other_output`)"), "{output}");
        assert_eq!(
            found::<panicking::changing>(&scene, id).await,
            "the run holds `collect#2`, and the code panics before it: too small"
        );
        assert_eq!(
            found::<made_a_branch::changing>(&scene, id).await,
            "the run holds `collect`, and the code asks for `join.0/collect` instead (line _ of `made_a_branch`)"
        );
        assert_eq!(ledger::of(id).len(), before, "nothing was executed");

        // Code that fits goes on where it was, whatever the functions are called.
        assert_eq!(goes_on::<inserted_after::changing>(&scene, id).await.unwrap(), 8);
        assert_eq!(ledger::of(id)[before..], ["extra"]);
    }

    async fn renamed_function_that_keeps_its_name_goes_on(scene: Scene) {
        let id = &*scene.id("renamed");
        run_to_the_gate(&scene, id).await;
        assert_eq!(goes_on::<renamed_function::changing>(&scene, id).await.unwrap(), 8);
        assert_eq!(ledger::of(id), ["collect", "collect", "refine"]);
    }

    async fn step_that_has_not_run_is_free_to_change(scene: Scene) {
        let ids = [scene.id("removed-later"), scene.id("changed-later")];
        for id in &ids {
            let settled = soon(more_to_come::changing(7).run_id(&**id).run(&scene.client)).await;
            assert!(matches!(settled, Ok(Settled::Waiting(Waiting::Gate { .. }))));
            scene.client.gate(id, "go").approve("ann").await.unwrap();
        }
        let [removed, changed] = &ids;
        assert_eq!(goes_on::<less_to_come::changing>(&scene, removed).await.unwrap(), 7);
        assert_eq!(ledger::of(removed), ["collect"]);
        assert_eq!(goes_on::<other_to_come::changing>(&scene, changed).await.unwrap(), 70);
        assert_eq!(ledger::of(changed), ["collect", "refine"]);
    }

    async fn changed_race_is_found_and_its_loser_may_change(scene: Scene) {
        let id = &*scene.id("raced");
        let settled = soon(raced::racing().run_id(id).run(&scene.client)).await;
        assert!(matches!(settled, Ok(Settled::Waiting(Waiting::Gate { .. }))));
        scene.client.gate(id, "go").approve("ann").await.unwrap();
        assert_eq!(
            found::<loser_dropped::racing>(&scene, id).await,
            "the run holds `race.0/collect`, and the code asks for `collect` instead (line _ of `loser_dropped`)"
        );
        assert_eq!(
            found::<arms_swapped::racing>(&scene, id).await,
            "the run holds `race.0/collect`, and the code asks for `race.0/approval:never` instead (line _ of `arms_swapped`)"
        );
        // What had left nothing behind is free to change.
        assert_eq!(goes_on::<loser_changed::racing>(&scene, id).await.unwrap(), 1);
        assert_eq!(ledger::of(id), ["collect"]);
    }
}
