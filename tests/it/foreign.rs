//! Waiting for what is not durable, where the attribute cannot see it: noticed at the first poll, named, never a
//! hang.

use std::time::Duration;

use sagewai::macro_support::Site;
use sagewai::prelude::*;
use sagewai::{Durable, Error, StepCall};

use crate::support::{Scene, soon};
use crate::{ledger, on_every_store};

#[step]
async fn first(ctx: &StepContext) -> Result<u32> {
    ledger::note(ctx, "first");
    Ok(1)
}

/// Operations that a careless author calls durable.
enum Careless {
    /// Nobody wakes it.
    Hangs,
    /// A timer of the runtime.
    Timer,
    /// A task that answers through a channel.
    Channel,
    /// Asks to be polled again.
    Yields,
    /// It is there at once, and something foreign is still under way.
    LeavesATimer,
}

impl Durable for Careless {
    type Output = u32;
    async fn run(self, _: Site) -> u32 {
        match self {
            Careless::Hangs => std::future::pending().await,
            Careless::Timer => tokio::time::sleep(Duration::from_millis(1)).await,
            Careless::Channel => {
                let (send, receive) = tokio::sync::oneshot::channel();
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    send.send(())
                });
                receive.await.unwrap();
            }
            Careless::Yields => tokio::task::yield_now().await,
            Careless::LeavesATimer => {
                let mut timer = Box::pin(tokio::time::sleep(Duration::from_mins(1)));
                let _ = futures_util::poll!(&mut timer);
                std::mem::forget(timer);
            }
        }
        7
    }
}

/// A step that gives up after a time of the runtime's.
struct Limited(StepCall<first>);

impl Durable for Limited {
    type Output = Result<u32>;
    async fn run(self, at: Site) -> Result<u32> {
        tokio::select! {
            done = self.0.run(at) => done,
            () = tokio::time::sleep(Duration::from_mins(1)) => Ok(0),
        }
    }
}

/// A step under another name; nothing is wrong with it.
struct Renamed(StepCall<first>);

impl Durable for Renamed {
    type Output = Result<u32>;
    async fn run(self, at: Site) -> Result<u32> {
        self.0.named("renamed").run(at).await
    }
}

fn careless(kind: &str) -> Careless {
    match kind {
        "timer" => Careless::Timer,
        "channel" => Careless::Channel,
        "yields" => Careless::Yields,
        "leaves a timer" => Careless::LeavesATimer,
        _ => Careless::Hangs,
    }
}

#[workflow]
async fn alone(kind: String) -> Result<u32> {
    first().await?;
    Ok(careless(&kind).await)
}

#[workflow]
async fn before_anything() -> Result<u32> {
    Ok(Careless::Hangs.await)
}

/// Beside a person who may take a week.
#[workflow]
async fn in_a_branch(kind: String) -> Result<u32> {
    first().await?;
    let (_, n) = join!(approval("go"), careless(&kind)).await;
    Ok(n)
}

#[workflow]
async fn deep_in_a_branch(kind: String) -> Result<u32> {
    let won = race!(
        approval("go"),
        async {
            let n = first().await?;
            let all = map(0..3_u32, |i| async move {
                if i == 1 {
                    return careless("hangs").await;
                }
                approval("item").await.map_or(0, |_| i)
            })
            .await;
            Ok::<_, Failure>(n + u32::try_from(all.len())?)
        },
        sleep(Duration::from_hours(1))
    )
    .await;
    drop(kind);
    match won {
        Won3::A(_) | Won3::C(_) => Ok(0),
        Won3::B(n) => n,
    }
}

#[workflow]
async fn beside_a_step() -> Result<u32> {
    Limited(first()).await
}

#[workflow]
async fn wrapped() -> Result<u32> {
    let (a, b) = try_join!(Renamed(first()), first()).await?;
    Ok(a + b)
}

async fn failure<W: sagewai::Workflow>(scene: &Scene, call: sagewai::WorkflowCall<W>) -> String
where
    W::Output: std::fmt::Debug,
{
    match soon(call.run(&scene.client)).await {
        Err(Error::Failed(failed)) => failed.to_string(),
        other => panic!("{other:?}"),
    }
}

const FOREIGN: &str = "the workflow waits for something that is not durable";

on_every_store! {
    async fn foreign_wait_of_any_kind_ends_the_run_at_once(scene: Scene) {
        for kind in ["hangs", "timer", "channel", "yields", "leaves a timer"] {
            let failed = failure(&scene, alone(kind.to_owned())).await;
            assert!(failed.contains(&format!("{FOREIGN}, after `first`; do it in a `#[step]`")), "{kind}: {failed}");
        }
        let failed = failure(&scene, before_anything()).await;
        assert!(failed.contains(&format!("{FOREIGN}, before its first step")), "{failed}");
    }

    async fn foreign_wait_is_noticed_beside_a_branch_that_waits_for_a_person(scene: Scene) {
        for kind in ["hangs", "timer", "channel", "yields", "leaves a timer"] {
            let failed = failure(&scene, in_a_branch(kind.to_owned())).await;
            assert!(failed.contains(&format!("{FOREIGN}, in branch `join.1`, before its first step")), "{kind}: {failed}");
        }
        let failed = failure(&scene, deep_in_a_branch("hangs".to_owned())).await;
        assert!(failed.contains(&format!("{FOREIGN}, in branch `race.1/block/map.1`, after `race.1/block/map.1/block`")), "{failed}");
    }

    async fn foreign_timer_beside_a_step_ends_the_run_at_once(scene: Scene) {
        let failed = failure(&scene, beside_a_step()).await;
        assert!(failed.contains(&format!("{FOREIGN}, after `first`")), "{failed}");
    }

    async fn durable_operation_inside_another_is_no_foreign_one(scene: Scene) {
        let settled = soon(wrapped().run(&scene.client)).await.unwrap();
        assert_eq!(settled, sagewai::Settled::Completed(2));
    }
}
