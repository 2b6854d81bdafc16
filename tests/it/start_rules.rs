//! Starts that look at other runs: idempotency keys, limits of depth, debouncing, and times.

use std::time::{Duration, SystemTime};

use sagewai::prelude::*;
use sagewai::{Error, RunFilter, RunHandle, RunState};

use crate::support::field::Field;
use crate::support::{soon, until};
use crate::{ledger, on_every_shared_store, on_every_store};

const LIMIT: u32 = 5;

#[workflow(queue_depth = 5)]
async fn narrow(n: u32) -> Result<u32> {
    Ok(n)
}

#[workflow(queue_depth = LIMIT)]
async fn narrow_by_a_constant(n: u32) -> Result<u32> {
    Ok(n)
}

#[step]
async fn note(ctx: &StepContext, n: u32) -> Result<u32> {
    ledger::note(ctx, n.to_string());
    Ok(n)
}

#[workflow]
async fn noting(n: u32) -> Result<u32> {
    note(n).await
}

#[workflow]
async fn parent_of_many(n: u32) -> Result<u32> {
    map(0..n, |n| child(narrow(n))).await.into_iter().sum()
}

fn refused<W>(start: Result<RunHandle<W>, Error>) -> String {
    match start {
        Err(Error::Invalid(refusal)) => refusal.to_string(),
        Err(other) => panic!("{other}"),
        Ok(run) => panic!("{run:?} was started"),
    }
}

on_every_store! {
    async fn idempotency_key_starts_one_run_of_each_workflow(scene: Scene) {
        let start = || noting(1).idempotency_key("order-17").start(&scene.client);
        let starts = futures_util::future::join_all((0..8).map(|_| start())).await;
        let starts: Vec<_> = starts.into_iter().map(Result::unwrap).collect();
        assert_eq!(starts.iter().filter(|run| run.is_new()).count(), 1);
        assert!(starts.iter().all(|run| run.id() == starts[0].id()));
        // Another workflow has a run of its own; other arguments are a conflict, not a new run.
        let other = narrow(1).idempotency_key("order-17").start(&scene.client).await.unwrap();
        assert!(other.is_new() && other.id() != starts[0].id());
        let changed = noting(2).idempotency_key("order-17").start(&scene.client).await;
        assert!(matches!(changed, Err(Error::Conflict { .. })), "{changed:?}");
        assert!(!start().await.unwrap().is_new());
        assert_eq!(scene.client.runs(&RunFilter::new()).await.unwrap().len(), 2);
    }

    async fn options_that_contradict_each_other_are_refused(scene: Scene) {
        let (client, calm) = (&scene.client, Duration::from_secs(1));
        for (start, reason) in [
            (noting(1).run_id("a").idempotency_key("k").start(client).await, "follows from the key"),
            (noting(1).idempotency_key("").start(client).await, "it is empty"),
            (noting(1).debounce("", calm).start(client).await, "it is empty"),
            (noting(1).debounce("k", Duration::ZERO).start(client).await, "a period of zero"),
            (noting(1).debounce("k", calm).debounce_max(Duration::ZERO).start(client).await, "a period of zero"),
            (noting(1).debounce_max(calm).start(client).await, "there is none"),
            (noting(1).debounce("k", calm).run_id("a").start(client).await, "follows from the key"),
            (noting(1).debounce("k", calm).idempotency_key("a").start(client).await, "follows from the key"),
            (noting(1).debounce("k", calm).delay(calm).start(client).await, "follows from the period"),
            (noting(1).debounce("k", calm).start_at(SystemTime::now()).start(client).await, "follows from the period"),
        ] {
            let refusal = refused(start);
            assert!(refusal.contains(reason), "{refusal}");
        }
        let schedule = sagewai::Schedule::every("s", calm).runs(noting(1).idempotency_key("k"));
        let refusal = client.schedules().put(schedule).await.unwrap_err();
        assert!(refusal.to_string().contains("leave `.idempotency_key(..)`"), "{refusal}");
        assert!(client.runs(&RunFilter::new()).await.unwrap().is_empty());
    }

    async fn forty_starts_at_once_let_in_as_many_as_may_wait(scene: Scene) {
        let starts = (0..40).map(|n| narrow(n).start(&scene.client));
        let started = soon(futures_util::future::join_all(starts)).await;
        let mut new = 0;
        for start in started {
            match start {
                Ok(run) => new += u32::from(run.is_new()),
                Err(full) => {
                    assert!(matches!(full, Error::QueueFull { depth: 5, limit: 5, .. }), "{full}");
                    assert!(full.to_string().starts_with("5 runs of workflow `narrow` wait for a worker"));
                }
            }
        }
        assert_eq!(new, 5);
        // As they are taken, others come in.
        let worker = scene.worker().workflow(narrow).start().await.unwrap();
        let next = until(async || narrow(99).start(&scene.client).await.ok()).await;
        assert_eq!(soon(next.result()).await.unwrap(), 99);
        worker.shutdown().await.unwrap();
    }

    async fn many_starts_beyond_the_limit_start_those_before_it(scene: Scene) {
        let calls = (0..9).map(|n| narrow_by_a_constant(n).run_id(n.to_string()));
        let full = scene.client.start_many(calls).await.unwrap_err();
        assert!(matches!(full, Error::QueueFull { depth: 5, limit: 5, .. }), "{full}");
        let runs = scene.client.runs(&RunFilter::new()).await.unwrap();
        let mut ids: Vec<&str> = runs.iter().map(|run| run.id.as_str()).collect();
        ids.sort_unstable();
        assert_eq!(ids, ["0", "1", "2", "3", "4"]);
        // Those that are there are attached to, for all that.
        let again = scene.client.start_many((0..5).map(|n| narrow_by_a_constant(n).run_id(n.to_string())));
        assert!(again.await.unwrap().iter().all(|run| !run.is_new()));
    }

    async fn children_are_not_refused_by_the_limit_and_count(scene: Scene) {
        let run = parent_of_many(8).start(&scene.client).await.unwrap();
        let worker = scene.worker().workflow(parent_of_many).start().await.unwrap();
        until(async || {
            (scene.client.children(run.id()).await.unwrap().len() == 8).then_some(())
        }).await;
        let full = narrow(1).start(&scene.client).await.unwrap_err();
        assert!(matches!(full, Error::QueueFull { depth: 8, limit: 5, .. }), "{full}");
        let serves = scene.worker().workflow(narrow).start().await.unwrap();
        assert_eq!(soon(run.result()).await.unwrap(), 28);
        worker.shutdown().await.unwrap();
        serves.shutdown().await.unwrap();
    }

    async fn debounced_starts_become_one_run_when_there_is_calm(scene: Scene) {
        let worker = scene.worker().workflow(noting).start().await.unwrap();
        let calm = Duration::from_millis(300);
        let mut runs = Vec::new();
        for n in 0..10 {
            runs.push(noting(n).debounce("document", calm).start(&scene.client).await.unwrap());
        }
        assert!(runs[0].is_new() && runs[1..].iter().all(|run| !run.is_new()));
        assert!(runs.iter().all(|run| run.id() == runs[0].id()));
        assert_eq!(soon(runs[0].result()).await.unwrap(), 9);
        assert_eq!(ledger::of(runs[0].id()), ["9"]);
        // It has run; the next start makes another one.
        let next = noting(10).debounce("document", calm).debounce_max(calm / 2).start(&scene.client).await.unwrap();
        assert!(next.is_new());
        assert_eq!(soon(next.result()).await.unwrap(), 10);
        worker.shutdown().await.unwrap();
    }

    async fn each_debounced_start_reaches_a_run_however_it_meets_a_worker(scene: Scene) {
        let worker = scene.worker().workflow(noting).start().await.unwrap();
        // About as long as a start takes, so that each one meets a claim or just misses it.
        let calm = Duration::from_micros(500);
        let mut said: Vec<(sagewai::RunId, u32)> = Vec::new();
        for n in 0..60 {
            let run = noting(n).debounce("k", calm).start(&scene.client).await.unwrap();
            match said.last_mut() {
                Some((last, with)) if last == run.id() => *with = n,
                _ => {
                    assert!(run.is_new());
                    said.push((run.id().clone(), n));
                }
            }
        }
        for (id, n) in said {
            let run = scene.client.handle::<noting>(&id).await.unwrap();
            assert_eq!(soon(run.result()).await.unwrap(), n);
            assert_eq!(ledger::of(&id), [n.to_string()]);
        }
        worker.shutdown().await.unwrap();
    }

    async fn delayed_run_and_one_with_a_time_begin_then_and_not_before(scene: Scene) {
        let worker = scene.worker().workflow(noting).start().await.unwrap();
        let wait = Duration::from_millis(400);
        let delayed = noting(1).delay(wait).start(&scene.client).await.unwrap();
        let at = scene.store.now().await.unwrap().after(wait).to_system();
        let timed = noting(2).start_at(at).start(&scene.client).await.unwrap();
        // The later of both; and what has passed is now.
        let both = noting(3).start_at(at).delay(Duration::from_mins(10)).start(&scene.client).await.unwrap();
        let passed = noting(4).start_at(SystemTime::UNIX_EPOCH).start(&scene.client).await.unwrap();
        assert_eq!(soon(passed.result()).await.unwrap(), 4);
        assert_eq!(soon(delayed.result()).await.unwrap(), 1);
        assert_eq!(soon(timed.result()).await.unwrap(), 2);
        let delayed = delayed.status().await.unwrap().run;
        assert!(delayed.created_at.until(delayed.started_at.unwrap()) >= wait);
        let timed = timed.status().await.unwrap().run;
        assert!(timed.started_at.unwrap().to_system() >= at);
        let both = both.status().await.unwrap().run;
        assert_eq!(both.state, RunState::Pending);
        assert_eq!(both.due_at, Some(both.created_at.after(Duration::from_mins(10))));
        worker.shutdown().await.unwrap();
    }
}

on_every_shared_store! {
    async fn starts_of_several_processes_let_in_as_many_as_may_wait(scene: Scene) {
        let field = Field::new(&scene);
        let processes: Vec<_> = (0..4).map(|_| field.victim(&["--start-narrow", "10"])).collect();
        let mut let_in = 0;
        for mut process in processes {
            // It says by its exit how many it got in.
            let code = until(async || process.0.try_wait().unwrap()).await.code().unwrap();
            let_in += code - 100;
        }
        assert_eq!(let_in, 5);
        assert_eq!(scene.client.runs(&RunFilter::new()).await.unwrap().len(), 5);
    }

    async fn transaction_of_a_process_that_is_killed_leaves_no_run(scene: Scene) {
        let field = Field::new(&scene);
        let victim = field.victim(&["--start-in", "lost"]);
        field.marked().await;
        victim.kill();
        // The database may take a moment to see that its client is gone.
        let run = soon(noting(1).run_id("lost").start(&scene.client)).await.unwrap();
        assert!(run.is_new());
        assert_eq!(scene.client.runs(&RunFilter::new()).await.unwrap().len(), 1);
    }
}
