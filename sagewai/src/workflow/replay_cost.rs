//! What a replay costs, counted in polls: one for each outcome, however many branches there are.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::time::Duration;

use super::execution::{Execution, Progress};
use super::replay::Identity;
use super::scope::Site;
use super::{Definition, Durable, StepCall, Workflow};
use crate::model::{CheckpointKind, Json, Labels, NewCheckpoint, Outcome, RunId, digest};
use crate::prelude::*;

thread_local! {
    static POLLS: Cell<u32> = const { Cell::new(0) };
}

/// A step whose polls are counted.
struct Counted(StepCall<echo>);

impl Durable for Counted {
    type Output = Result<u32>;
    async fn run(self, at: Site) -> Result<u32> {
        let mut step = pin!(self.0.run(at));
        poll_fn(|cx| {
            POLLS.set(POLLS.get() + 1);
            step.as_mut().poll(cx)
        })
        .await
    }
}

#[step]
async fn echo(n: u32) -> Result<u32> {
    Ok(n)
}

#[workflow]
async fn one_by_one(count: u32) -> Result<u32> {
    let mut sum = 0;
    for n in 0..count {
        sum += Counted(echo(n)).await?;
    }
    Ok(sum)
}

#[workflow]
async fn at_once(count: u32) -> Result<u32> {
    let all = try_map(0..count, |n| Counted(echo(n))).await?;
    Ok(all.into_iter().sum())
}

#[workflow]
async fn nested(count: u32) -> Result<u32> {
    let halves = try_map(0..2, |half| async move {
        let all = try_map(0..count / 2, |n| Counted(echo(n + half))).await?;
        Ok::<u32, Failure>(all.into_iter().sum())
    })
    .await?;
    Ok(halves.into_iter().sum())
}

fn checkpoint(position: String, ordinal: u32, n: u32) -> NewCheckpoint {
    let input = Json::parse(format!("{{\"n\":{n}}}")).unwrap();
    NewCheckpoint {
        position: position.into(),
        ordinal,
        kind: CheckpointKind::Step,
        site: 0,
        input_digest: digest(&input),
        attempts: 1,
        took: Duration::ZERO,
        outcome: Outcome::Ok(Json::encode(&n).unwrap()),
    }
}

/// Replays a run of a workflow to its end, and says how often its steps were polled.
fn polls<W: Workflow>(count: u32, recorded: Vec<NewCheckpoint>) -> u32 {
    let identity = Identity {
        id: RunId::generate(),
        workflow: W::SPEC.name.to_owned(),
        pool: "default".to_owned(),
        labels: Labels::new(),
        started_by: None,
    };
    let input = Json::parse(format!("{{\"count\":{count}}}")).unwrap();
    let mut execution = Execution::new(&Definition::of::<W>(), identity, &input, recorded);
    POLLS.set(0);
    let (progress, abandoned) = execution.poll();
    assert!(abandoned.is_empty());
    let Progress::Returned(returned) = progress else {
        panic!("{progress:?}");
    };
    assert!(returned.outcome.is_ok(), "{returned:?}");
    POLLS.get()
}

const COUNT: u32 = 1_000;

#[test]
fn step_of_a_replay_is_polled_twice_one_after_the_other() {
    let position = |n: u32| match n {
        0 => "echo".to_owned(),
        n => format!("echo#{}", n + 1),
    };
    let recorded = (0..COUNT).map(|n| checkpoint(position(n), n + 1, n));
    assert_eq!(polls::<one_by_one>(COUNT, recorded.collect()), 2 * COUNT);
}

#[test]
fn step_of_a_replay_is_polled_twice_among_a_thousand_at_once() {
    // The last item was the first to end.
    let recorded = (0..COUNT).map(|n| checkpoint(format!("map.{n}/echo"), COUNT - n, n));
    assert_eq!(polls::<at_once>(COUNT, recorded.collect()), 2 * COUNT);
    let recorded = (0..COUNT).map(|n| {
        let (half, n) = (n % 2, n / 2);
        let position = format!("map.{half}/block/map.{n}/echo");
        checkpoint(position, 2 * n + half + 1, n + half)
    });
    assert_eq!(polls::<nested>(COUNT, recorded.collect()), 2 * COUNT);
}
