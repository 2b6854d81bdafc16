//! A worker that was started.

use tokio::sync::watch;
use tokio::task::{JoinError, JoinHandle};

use super::health::HealthWatch;
use super::signals::EndSignals;
use crate::error::Error;

/// How a worker is asked to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Stop {
    /// It is not.
    #[default]
    No,
    /// Finish what is being executed, up to the drain limit.
    Drain,
    /// Give everything back now.
    Now,
}

/// A worker that runs in the background. Dropping the handle asks it to drain and does not wait for it;
/// [`shutdown`](WorkerHandle::shutdown) waits.
#[must_use = "a worker drains when its handle is dropped"]
#[derive(Debug)]
pub struct WorkerHandle {
    pub(crate) name: String,
    pub(crate) health: HealthWatch,
    pub(crate) stop: watch::Sender<Stop>,
    pub(crate) task: Option<JoinHandle<Result<(), Error>>>,
}

impl WorkerHandle {
    /// The worker's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Tells how the worker is, also when this handle is gone.
    pub fn health(&self) -> HealthWatch {
        self.health.clone()
    }

    /// Lets it run until SIGTERM or SIGINT, then shuts it down. A second signal gives everything back at once.
    ///
    /// # Errors
    /// As [`shutdown`](WorkerHandle::shutdown).
    pub async fn until_signal(self) -> Result<(), Error> {
        let signals = EndSignals::listen()?;
        self.until(signals).await
    }

    pub(super) async fn until(mut self, mut signals: EndSignals) -> Result<(), Error> {
        let Some(mut task) = self.task.take() else {
            return Ok(());
        };
        let mut stop = Stop::Drain;
        loop {
            tokio::select! {
                ended = &mut task => return of_task(ended),
                () = signals.next() => {
                    tracing::info!(worker = %self.name, ?stop, "asked to end");
                    self.ask(stop);
                    stop = Stop::Now;
                }
            }
        }
    }

    /// Stops claiming, lets steps that are being executed end up to the drain limit, gives the other runs back, and
    /// signs off. What it gives back is claimable at once.
    ///
    /// # Errors
    /// Where the store could not be reached to sign off; the lease then ends by itself.
    pub async fn shutdown(mut self) -> Result<(), Error> {
        self.ask(Stop::Drain);
        match self.task.take() {
            Some(task) => of_task(task.await),
            None => Ok(()),
        }
    }

    /// Waits until the worker ends by itself: because it was [drained](crate::Workers::drain) from outside.
    ///
    /// # Errors
    /// As [`shutdown`](WorkerHandle::shutdown), and where another worker has taken its name while it was cut off.
    pub async fn wait(mut self) -> Result<(), Error> {
        let Some(task) = &mut self.task else {
            return Ok(());
        };
        task.await.unwrap_or_else(|panic| {
            Err(Error::Worker {
                reason: format!("its loop ended by itself: {panic}"),
            })
        })
    }

    /// Asks the worker to end; asked to end at once after it was asked to drain, it does.
    pub(crate) fn ask(&self, stop: Stop) {
        self.stop.send_modify(|held| *held = (*held).max(stop));
    }
}

fn of_task(ended: Result<Result<(), Error>, JoinError>) -> Result<(), Error> {
    ended.unwrap_or_else(|panic| {
        Err(Error::Worker {
            reason: format!("its loop ended by itself: {panic}"),
        })
    })
}

impl Drop for WorkerHandle {
    fn drop(&mut self) {
        self.ask(Stop::Drain);
    }
}
