//! A worker that was started.

use tokio::sync::watch;
use tokio::task::JoinHandle;

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
    pub(crate) stop: watch::Sender<Stop>,
    pub(crate) task: Option<JoinHandle<Result<(), Error>>>,
}

impl WorkerHandle {
    /// The worker's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Stops claiming, lets steps that are being executed end up to the drain limit, gives the other runs back, and
    /// signs off. What it gives back is claimable at once.
    ///
    /// # Errors
    /// Where the store could not be reached to sign off; the lease then ends by itself.
    pub async fn shutdown(mut self) -> Result<(), Error> {
        self.ask(Stop::Drain);
        match self.task.take() {
            Some(task) => task.await.unwrap_or_else(|panic| {
                Err(Error::Worker {
                    reason: format!("its loop ended by itself: {panic}"),
                })
            }),
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

impl Drop for WorkerHandle {
    fn drop(&mut self) {
        self.ask(Stop::Drain);
    }
}
