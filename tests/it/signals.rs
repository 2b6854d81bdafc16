//! Messages to runs.

use std::time::Duration;

use sagewai::prelude::*;
use sagewai::{Error, RunState, Waiting};
use serde::{Deserialize, Serialize};

use crate::support::{Scene, soon, until};
use crate::{ledger, on_every_store};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Payment {
    cents: u32,
}

#[step]
async fn book(ctx: &StepContext, cents: u32) -> Result<u32> {
    ledger::note(ctx, format!("book {cents}"));
    Ok(cents)
}

#[workflow]
async fn order() -> Result<u32> {
    let payment = signal::<Payment>("payment").await?;
    book(payment.cents).await
}

/// Takes as many as it is told.
#[workflow]
async fn counts(messages: u32) -> Result<Vec<u32>> {
    let mut taken = Vec::new();
    for _ in 0..messages {
        taken.push(signal::<u32>("number").await?);
    }
    Ok(taken)
}

#[workflow]
async fn patient(millis: u64) -> Result<String> {
    let limit = Duration::from_millis(millis);
    match signal::<Payment>("payment").timeout(limit).await {
        Ok(payment) => Ok(format!("{} paid", payment.cents)),
        Err(Fault::TimedOut { step, .. }) => Ok(format!("no {step}")),
        Err(fault) => Err(fault.into()),
    }
}

/// What its losing branch did not take goes to the next one who asks.
#[workflow]
async fn either() -> Result<(u32, u32)> {
    let first = match race!(signal::<u32>("a"), signal::<u32>("b")).await {
        Won2::A(a) => a?,
        Won2::B(b) => b?,
    };
    let second = signal::<u32>("a").await?;
    Ok((first, second))
}

async fn waits_for(scene: &Scene, run: &str, signal: &str) {
    until(async || {
        let status = scene.client.status(run).await.unwrap().unwrap();
        (status.run.waiting
            == Some(Waiting::Signal {
                signal: signal.into(),
            }))
        .then_some(())
    })
    .await;
}

on_every_store! {
    async fn waiting_run_goes_on_with_the_message(scene: Scene) {
        let worker = scene.worker().workflow(order).start().await.unwrap();
        let run = order().start(&scene.client).await.unwrap();
        waits_for(&scene, run.id().as_str(), "payment").await;
        run.signal("payment", &Payment { cents: 500 }).by("shop").await.unwrap();
        assert_eq!(soon(run.result()).await.unwrap(), 500);
        assert!(scene.client.signals(run.id()).await.unwrap().is_empty(), "it is taken");
        worker.shutdown().await.unwrap();
    }

    async fn message_before_the_run_is_claimed_is_kept(scene: Scene) {
        let run = order().start(&scene.client).await.unwrap();
        run.signal("payment", &Payment { cents: 7 }).await.unwrap();
        let worker = scene.worker().workflow(order).start().await.unwrap();
        assert_eq!(soon(run.result()).await.unwrap(), 7);
        worker.shutdown().await.unwrap();
    }

    async fn messages_are_taken_once_each_in_their_order(scene: Scene) {
        let worker = scene.worker().workflow(counts).start().await.unwrap();
        let run = counts(40).start(&scene.client).await.unwrap();
        for number in 0..40u32 {
            let id = format!("n{number}");
            run.signal("number", &number).id(&id).await.unwrap();
            // The sender was not sure, and sent it again.
            run.signal("number", &number).id(&id).await.unwrap();
        }
        let taken = soon(run.result()).await.unwrap();
        assert_eq!(taken, (0..40).collect::<Vec<_>>());
        worker.shutdown().await.unwrap();
    }

    async fn messages_race_with_parking_and_none_is_lost(scene: Scene) {
        let worker = scene.worker().workflow(order).start().await.unwrap();
        let mut runs = Vec::new();
        for n in 0..60u32 {
            let run = order().start(&scene.client).await.unwrap();
            let sender = run.clone();
            runs.push((run, tokio::spawn(async move {
                tokio::time::sleep(Duration::from_micros(u64::from(n) * 150)).await;
                sender.signal("payment", &Payment { cents: n }).await
            })));
        }
        for (n, (run, sent)) in runs.into_iter().enumerate() {
            sent.await.unwrap().unwrap();
            soon(run.result()).await.unwrap();
            assert_eq!(ledger::of(run.id()), [format!("book {n}")]);
        }
        worker.shutdown().await.unwrap();
    }

    async fn limit_on_a_message_passes(scene: Scene) {
        let worker = scene.worker().workflow(patient).start().await.unwrap();
        let none = patient(30).start(&scene.client).await.unwrap();
        let some = patient(3_600_000).start(&scene.client).await.unwrap();
        assert_eq!(soon(none.result()).await.unwrap(), "no signal:payment");
        waits_for(&scene, some.id().as_str(), "payment").await;
        some.signal("payment", &Payment { cents: 3 }).await.unwrap();
        assert_eq!(soon(some.result()).await.unwrap(), "3 paid");
        worker.shutdown().await.unwrap();
    }

    async fn message_that_a_losing_branch_did_not_take_stays(scene: Scene) {
        let run = either().start(&scene.client).await.unwrap();
        run.signal("b", &1).await.unwrap();
        run.signal("a", &2).await.unwrap();
        let worker = scene.worker().workflow(either).start().await.unwrap();
        assert_eq!(soon(run.result()).await.unwrap(), (1, 2));
        worker.shutdown().await.unwrap();
    }

    async fn message_that_cannot_be_read_parks_the_run_with_the_reason(scene: Scene) {
        let worker = scene.worker().workflow(order).start().await.unwrap();
        let run = order().start(&scene.client).await.unwrap();
        let id = run.id().as_str();
        // Nothing is known of the type here.
        scene.client.signal(id, "payment", "five hundred").id("bad").await.unwrap();
        let reason = until(async || match run.status().await.unwrap().run.waiting {
            Some(Waiting::Diverged { reason }) => Some(reason),
            _ => None,
        }).await;
        assert!(reason.contains("signal:payment") && reason.contains("drop the message"), "{reason}");
        assert_eq!(scene.client.signals(run.id()).await.unwrap().len(), 1, "it is not taken");
        scene.client.drop_signal(id, "bad", "ops").await.unwrap();
        let gone = scene.client.drop_signal(id, "bad", "ops").await.unwrap_err();
        assert!(matches!(gone, Error::Nothing { .. }));
        scene.client.signal(id, "payment", &Payment { cents: 9 }).await.unwrap();
        assert_eq!(soon(run.result()).await.unwrap(), 9);
        worker.shutdown().await.unwrap();
    }

    async fn bad_messages_are_refused_at_the_sender(scene: Scene) {
        let run = order().start(&scene.client).await.unwrap();
        let id = run.id().as_str();
        let unknown = run.signal("paymnet", &1).await.unwrap_err();
        assert!(unknown.to_string().contains("waits for: payment"), "{unknown}");
        let unreadable = run.signal("payment", "five hundred").await.unwrap_err();
        assert!(unreadable.to_string().contains("expected struct Payment"), "{unreadable}");
        let nobody = scene.client.signal("nobody", "payment", &1).await.unwrap_err();
        assert!(matches!(nobody, Error::NoRun { .. }));
        scene.client.signal(id, "payment", &1).id("one").await.unwrap();
        let other = scene.client.signal(id, "payment", &2).id("one").await.unwrap_err();
        assert!(matches!(other, Error::OtherSignal { .. }), "{other}");
        scene.client.cancel(id, "ann", "not wanted").await.unwrap();
        let late = scene.client.signal(id, "payment", &3).await.unwrap_err();
        assert!(matches!(late, Error::WrongState { state: RunState::Cancelled, .. }), "{late}");
    }
}
