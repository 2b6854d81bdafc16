//! The workers, as people see and steer them.

use std::time::Duration;

use super::Client;
use crate::error::Error;
use crate::model::{
    Backlog, Lack, QueueName, Timestamp, Wish, WorkerKey, WorkerRecord, WorkerState, lack,
};
use crate::store::WORKERS_KEPT;

/// The workers of a store; see [`Client::workers`].
#[derive(Debug, Clone)]
pub struct Workers {
    client: Client,
}

/// A worker, and how it stands.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct WorkerView {
    /// Its key: that of this life of it.
    pub key: WorkerKey,
    /// Its name.
    pub name: String,
    /// How it stands.
    pub state: WorkerState,
    /// What it registered, and its times.
    pub record: WorkerRecord,
}

/// Runs that wait in one queue, and that no live worker can take.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unserved {
    /// What they ask for: workflow, version, pool and labels.
    pub queue: QueueName,
    /// How many, counted up to [`Backlog::COUNTED_MAX`]: that count means as many, or more.
    pub runs: u64,
    /// When the run was submitted that is the first in line.
    pub since: Timestamp,
    /// What is missing; its `Display` says it in words.
    pub lack: Lack,
}

impl Client {
    /// The workers: who is there, and what they are to do.
    ///
    /// ```
    /// # use sagewai::prelude::*;
    /// # #[workflow] async fn greet(name: String) -> Result<String> { Ok(name) }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// # let store = sagewai::store::open("memory:").await?;
    /// # let client = Client::new(&store);
    /// let worker = WorkflowWorker::builder(&store).name("gpu-1").workflow(greet).start().await?;
    /// assert_eq!(client.workers().list().await?[0].name, "gpu-1");
    ///
    /// client.workers().drain("gpu-1").await?; // from any process
    /// worker.wait().await?; // it has given back what it had
    /// # Ok(()) }
    /// ```
    pub fn workers(&self) -> Workers {
        Workers {
            client: self.clone(),
        }
    }

    /// Runs that are claimable and that no live worker can take, by what they ask for, with what is missing. Its cost goes
    /// by the number of different things that runs ask for, and hardly by the number of runs.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn unserved(&self) -> Result<Vec<Unserved>, Error> {
        let backlog = self.store.backlog().await?;
        if backlog.is_empty() {
            return Ok(Vec::new());
        }
        let workers = self.store.workers(Duration::ZERO).await?;
        let now = self.store.now().await?;
        let unserved = backlog.into_iter().filter_map(|backlog| {
            let Backlog { queue, runs, since } = backlog;
            let lack = lack(&queue, &workers, now)?;
            Some(Unserved {
                queue,
                runs,
                since,
                lack,
            })
        });
        Ok(unserved.collect())
    }
}

impl Workers {
    /// All that are there, and those that have been gone for less than a day, newest first. Rows of older ones are removed
    /// when a worker registers.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn list(&self) -> Result<Vec<WorkerView>, Error> {
        let store = &self.client.store;
        let records = store.workers(WORKERS_KEPT).await?;
        let now = store.now().await?;
        let view = |record: WorkerRecord| WorkerView {
            key: record.registered.key,
            name: record.registered.name.clone(),
            state: record.state(now),
            record,
        };
        Ok(records.into_iter().map(view).collect())
    }

    /// Has a worker drain: it takes no more runs, ends the steps that it executes, up to its
    /// [limit](crate::WorkerBuilder::drain_timeout), gives its runs back and ends, as at a shutdown. Given its name or its
    /// key. It hears of it at once where hints arrive, and else with its next heartbeat.
    ///
    /// # Errors
    /// [`Error::NoWorker`] where no living worker is meant, [`Error::Store`].
    pub async fn drain(&self, worker: &str) -> Result<(), Error> {
        self.wish(worker, Wish::Drain).await
    }

    /// Has a worker take no more runs until it is [resumed](Workers::resume). It goes on with those that it has.
    ///
    /// # Errors
    /// As [`drain`](Workers::drain).
    pub async fn pause(&self, worker: &str) -> Result<(), Error> {
        self.wish(worker, Wish::Pause).await
    }

    /// Has a worker take runs again that was paused. (One that drains may have ended by then.)
    ///
    /// # Errors
    /// As [`drain`](Workers::drain).
    pub async fn resume(&self, worker: &str) -> Result<(), Error> {
        self.wish(worker, Wish::Run).await
    }

    async fn wish(&self, worker: &str, wish: Wish) -> Result<(), Error> {
        let store = &self.client.store;
        let mut heard = false;
        for record in store.workers(Duration::ZERO).await? {
            if record.registered.is(worker) {
                heard |= store.wish(record.registered.key, wish).await?;
            }
        }
        if heard {
            return Ok(());
        }
        Err(Error::NoWorker {
            worker: worker.to_owned(),
        })
    }
}
