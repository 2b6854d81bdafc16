//! A workflow of all combinators, in which what comes next always depends on what came first.

use std::sync::Mutex;
use std::time::Duration;

use sagewai::prelude::*;

use super::scripted::{Entry, Script, still_there, work};

#[step]
async fn any(ctx: &StepContext) -> Result<u64> {
    work(ctx, false).await
}

/// Fails for good, after some time.
#[step]
async fn bad(ctx: &StepContext) -> Result<u64> {
    work(ctx, true).await
}

/// Acts upon something that was decided; nothing of the branches may be left by then.
#[step]
async fn act(ctx: &StepContext, what: &str, branches: &str) -> Result<String> {
    let script = Script::of(ctx);
    if let Some(left) = still_there(ctx, branches) {
        return Err(Failure::terminal(format!("`{left}` outlives its branch")));
    }
    let decided = Entry::Decided {
        what: what.to_owned(),
    };
    script.note(decided);
    work(ctx, false).await?;
    Ok(what.to_owned())
}

#[workflow]
pub async fn storm(seed: u64) -> Result<Vec<String>> {
    let mut said = Vec::new();

    // A race of branches of several steps: the winner, and how far the others came.
    let (mut left, mut right) = (0_u64, 0_u64);
    let won = race!(
        async {
            left = any().await?;
            left ^= any().await?;
            any().await
        },
        async {
            right = any().await?;
            any().await
        },
        async { Ok::<_, Failure>(any().await? ^ any().await?) }
    )
    .await;
    let (winner, value) = match won {
        Won3::A(value) => ("a", value?),
        Won3::B(value) => ("b", value?),
        Won3::C(value) => ("c", value?),
    };
    said.push(act(&format!("race {winner} {value} {left} {right}"), "race.").await?);

    // Which of two errors comes first, and what was done until then.
    let order = Mutex::new(Vec::new());
    let failed = try_join!(
        async {
            let first = any().await?;
            order.lock().unwrap().push(first);
            bad().await
        },
        async {
            let first = any().await?;
            order.lock().unwrap().push(first);
            let second = any().await?;
            order.lock().unwrap().push(second);
            bad().await
        },
        any()
    )
    .await;
    let why = failed.map(|_| ()).unwrap_err();
    let order = order.into_inner().unwrap();
    said.push(act(&format!("join {why} {order:?}"), "join.").await?);

    // All of them, with a race inside and one after the other.
    let (numbers, inner, _) = join!(
        map(
            0..5_u64,
            |n| async move { Ok::<_, Failure>(any().await? ^ n) }
        )
        .concurrency(2),
        race!(any(), any()),
        async {
            let at = now().await;
            sleep(Duration::from_micros(seed % 700)).await?;
            Ok::<_, Failure>(at)
        }
    )
    .await;
    let numbers = numbers.into_iter().collect::<Result<Vec<u64>>>()?;
    let inner = match inner {
        Won2::A(n) => n?,
        Won2::B(n) => n? ^ 1,
    };
    said.push(act(&format!("all {numbers:?} {inner}"), "join#2.").await?);

    // A person, a time limit, a step.
    let waited = race!(
        approval("go"),
        sleep(Duration::from_micros(seed % 3_000)),
        async {
            any().await?;
            any().await?;
            Ok::<_, Failure>(())
        }
    )
    .await;
    let first = match waited {
        Won3::A(decision) => decision?.by,
        Won3::B(slept) => slept.map(|()| "time".to_owned())?,
        Won3::C(done) => done.map(|()| "work".to_owned())?,
    };
    said.push(act(&format!("limit {first}"), "race#2.").await?);

    let failed = try_map(0..4_u64, |n| if n == 2 { bad() } else { any() })
        .concurrency(3)
        .await;
    said.push(act(&format!("map {}", failed.unwrap_err()), "map.").await?);
    Ok(said)
}
