//! Driving a run in the calling process, without a worker beside it.

use std::convert::Infallible;
use std::sync::Arc;

use tokio::sync::watch;

use super::{Client, RunHandle};
use crate::error::Error;
use crate::model::{Beyond, ClaimOne, Commit, Run, RunKey, RunState, Then, Waiting, WorkerKey};
use crate::worker::drive::{Mail, drive};
use crate::worker::life::Life;
use crate::worker::{Undertaker, begin_life, keep_lease, setup_in_place};
use crate::workflow::{Definition, Workflow, WorkflowCall};

/// How far a run came that was driven in place.
#[derive(Debug, Clone, PartialEq)]
pub enum Settled<T> {
    /// It returned this.
    Completed(T),
    /// It waits for something outside. Driven again, by the same call or by any worker, it goes on from there.
    Waiting(Waiting),
}

impl<W: Workflow> WorkflowCall<W> {
    /// Starts the run, or attaches to it, and drives it in this process until it is over or waits for a person. It
    /// waits for timers and retries, and until the limits of its workflow let it go on; of these it keeps all, but it
    /// does not wait for queued runs that are older.
    ///
    /// # Errors
    /// As [`start`](WorkflowCall::start), and [`Error::Failed`] with the run's own error;
    /// [`Error::AlreadyRunning`] where the run was there before, and a live worker drives it.
    ///
    /// ```
    /// # use sagewai::prelude::*;
    /// # use sagewai::Settled;
    /// #[workflow]
    /// async fn greet(name: String) -> Result<String> {
    ///     Ok(format!("hello {name}"))
    /// }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// let store = sagewai::store::open("memory:").await?;
    /// let settled = greet("World".into()).run(&Client::new(&store)).await?;
    /// assert_eq!(settled, Settled::Completed("hello World".to_owned()));
    /// # Ok(()) }
    /// ```
    pub async fn run(self, client: &Client) -> Result<Settled<W::Output>, Error> {
        self.start(client).await?.run().await
    }
}

impl<W: Workflow> RunHandle<W> {
    /// Drives the run in this process; see [`WorkflowCall::run`]. The id is all it needs: get the handle from
    /// [`Client::handle`].
    ///
    /// # Errors
    /// As [`WorkflowCall::run`], without those of starting.
    pub async fn run(&self) -> Result<Settled<W::Output>, Error> {
        let client = self.client();
        let setup = setup_in_place(&client.store, Definition::of::<W>());
        client.store.check().await?;
        let life = Arc::new(begin_life(&setup).await?);
        let lease = tokio::spawn(keep_lease(life.clone()));
        let settled = tokio::select! {
            settled = self.drive(&life) => settled,
            () = lost(lease) => Err(Error::Worker {
                reason: "its lease was lost; the run goes on with whoever claims it".to_owned(),
            }),
        };
        let signed_off = client.store.deregister(life.key).await;
        let settled = settled?;
        signed_off?;
        Ok(settled)
    }

    async fn drive(&self, life: &Arc<Life>) -> Result<Settled<W::Output>, Error> {
        let client = self.client();
        let store = &client.store;
        let limits = W::SPEC.limits();
        let mut undertaker = Undertaker::default();
        loop {
            let mut hints = store.hints().watch_run(self.id().key());
            let mut work = store.hints().watch_work();
            undertaker.look(life).await?;
            let tick = store.tick().await?;
            let run = match store.claim_one(life.key, self.id(), &limits).await? {
                ClaimOne::Claimed(claimed) if claimed.run.version != W::SPEC.version => {
                    let run = &claimed.run;
                    life.commit(run, hand_back(run, life.key)).await?;
                    return Err(Error::OtherVersion {
                        run: run.id.clone(),
                        workflow: run.workflow.clone(),
                        expected: W::SPEC.version,
                        found: run.version,
                    });
                }
                ClaimOne::Claimed(claimed) => {
                    let (mail, inbox) = watch::channel(Mail {
                        wakes: claimed.run.wakes,
                        drain: false,
                        lost: false,
                    });
                    let definition = Definition::of::<W>();
                    let run = claimed.run.key();
                    tokio::select! {
                        _ = drive(life.clone(), definition, *claimed, inbox) => {}
                        never = bring_mail(life, run, mail) => match never {},
                    }
                    continue;
                }
                ClaimOne::NoRun => {
                    return Err(Error::NoRun {
                        run: self.id().clone(),
                    });
                }
                ClaimOne::Not(run) => run,
            };
            match run.state {
                RunState::Completed | RunState::Failed | RunState::Cancelled => {
                    // Retried between the two looks, it is not over any more.
                    let Some(outcome) = store.output(self.id()).await? else {
                        continue;
                    };
                    return self.typed(outcome).await.map(Settled::Completed);
                }
                // A worker was quicker with the run that this call has created; what it returns is the same.
                RunState::Running if self.is_new() => {}
                RunState::Running => return Err(self.already_running(&run).await?),
                RunState::Paused => {
                    return Err(Error::WrongState {
                        run: run.id,
                        state: run.state,
                        verb: "driven",
                    });
                }
                RunState::Pending | RunState::Waiting => {}
            }
            // With a time to wait for, it goes on by itself; otherwise somebody outside must act.
            let wakes_by_itself = run.due_at.is_some();
            match run.waiting {
                Some(waiting) if !wakes_by_itself => return Ok(Settled::Waiting(waiting)),
                _ => {}
            }
            let wait = tick.next_due.unwrap_or(LOOK_AGAIN).min(LOOK_AGAIN);
            let is_held_back = limits.are_any() && run.state == RunState::Pending;
            let hint = async {
                tokio::select! {
                    () = hints.changed() => {}
                    // A slot of its workflow may have become free.
                    () = work.changed(), if is_held_back => {}
                }
            };
            // A hint may be lost, so a look follows in any case.
            let _ = tokio::time::timeout(wait, hint).await;
        }
    }

    async fn already_running(&self, run: &Run) -> Result<Error, Error> {
        let workers = self
            .client()
            .store
            .workers(std::time::Duration::ZERO)
            .await?;
        let its = workers
            .into_iter()
            .find(|w| Some(w.registered.key) == run.worker);
        Ok(Error::AlreadyRunning {
            run: run.id.clone(),
            worker: its.map_or_else(|| "unknown".to_owned(), |w| w.registered.name),
        })
    }
}

/// Gives a run back, untouched.
fn hand_back(run: &Run, worker: WorkerKey) -> Commit {
    Commit {
        run: run.key(),
        epoch: run.epoch,
        worker,
        checkpoints: Vec::new(),
        events: Vec::new(),
        gates: Vec::new(),
        beyond: Beyond::default(),
        then: Then::HandBack,
    }
}

/// Tells a driven run, for as long as it is driven, of messages, and that it was taken away.
async fn bring_mail(life: &Life, run: RunKey, mail: watch::Sender<Mail>) -> Infallible {
    let store = &life.setup.store;
    let mut hints = store.hints().watch_work();
    loop {
        // A hint may be lost, so a look follows in any case.
        let _ = tokio::time::timeout(LOOK_AGAIN, hints.changed()).await;
        if store.hints().take_due()
            && let Err(error) = store.tick().await
        {
            tracing::warn!(%error, "the clock was not looked at");
        }
        match store.wakes(life.key, &[run]).await {
            Ok(own) => {
                let wakes = own.first().map(|(_, wakes)| *wakes);
                mail.send_if_modified(|mail| mail.hear(wakes));
            }
            Err(error) => tracing::warn!(%error, "messages not looked for yet"),
        }
    }
}

/// Waits for a task; dropped, it ends the task.
async fn lost(task: tokio::task::JoinHandle<()>) {
    struct Abort(tokio::task::JoinHandle<()>);
    impl Drop for Abort {
        fn drop(&mut self) {
            self.0.abort();
        }
    }
    let mut task = Abort(task);
    // However the task ended, the lease is no longer kept.
    let _ = (&mut task.0).await;
}

/// How long a driver waits for its run's time before it looks again.
const LOOK_AGAIN: std::time::Duration = std::time::Duration::from_secs(1);
