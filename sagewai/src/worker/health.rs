//! How a worker is, as it knows itself: for the probes of whoever keeps processes running.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::life::Life;
use crate::store::AnyStore;

/// How long the store may take to answer a probe.
const STORE_ANSWERS_WITHIN: Duration = Duration::from_secs(2);
/// Probes that come closer together share one answer of the store.
const ANSWER_HOLDS: Duration = Duration::from_secs(1);
/// A loop that did not move for so long, or for two leases, is stuck: it looks every two seconds or so, and waits no
/// longer for a store that does not answer.
const STUCK_AFTER: Duration = Duration::from_mins(1);

/// What the tasks of a worker note of themselves, through all its lives.
#[derive(Debug)]
pub(crate) struct Vitals {
    moved: Mutex<Instant>,
    life: Mutex<Weak<Life>>,
    draining: AtomicBool,
}

impl Default for Vitals {
    fn default() -> Vitals {
        Vitals {
            moved: Mutex::new(Instant::now()),
            life: Mutex::default(),
            draining: AtomicBool::new(false),
        }
    }
}

impl Vitals {
    /// The worker's loop took an input.
    pub(crate) fn moved(&self) {
        *lock(&self.moved) = Instant::now();
    }

    /// A life begins.
    pub(crate) fn lives(&self, life: &Arc<Life>) {
        *lock(&self.life) = Arc::downgrade(life);
    }

    /// It claims nothing more.
    pub(crate) fn drains(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }
}

/// Tells how a worker is, for as long as the process lives; clones tell the same. Made by
/// [`WorkerHandle::health`](super::WorkerHandle::health).
///
/// ```
/// # use sagewai::prelude::*;
/// # #[workflow] async fn job() -> Result<()> { Ok(()) }
/// # #[tokio::main] async fn main() -> Result<()> {
/// # let store = sagewai::store::open("memory:").await?;
/// let worker = WorkflowWorker::builder(&store).workflow(job).start().await?;
/// let health = worker.health();
/// while !health.look().is_ready() {
///     tokio::task::yield_now().await; // its loop begins in a moment
/// }
/// worker.shutdown().await?;
/// assert!(!health.check().await.is_ready());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct HealthWatch {
    name: String,
    lease: Duration,
    store: AnyStore,
    vitals: Arc<Vitals>,
    /// When the store was asked last, and what was wrong with it.
    asked: Arc<tokio::sync::Mutex<Option<Answer>>>,
}

impl HealthWatch {
    pub(super) fn new(
        name: &str,
        lease: Duration,
        store: &AnyStore,
        vitals: &Arc<Vitals>,
    ) -> HealthWatch {
        HealthWatch {
            name: name.to_owned(),
            lease,
            store: store.clone(),
            vitals: vitals.clone(),
            asked: Arc::default(),
        }
    }

    /// Looks at the worker, and asks the store nothing.
    pub fn look(&self) -> Health {
        let life = lock(&self.vitals.life).upgrade();
        let draining = self.vitals.draining.load(Ordering::Relaxed);
        let silent = lock(&self.vitals.moved).elapsed();
        // Draining, it waits for steps as long as they may take.
        let stuck = !draining && silent > STUCK_AFTER.max(self.lease * 2);
        Health {
            worker: self.name.clone(),
            draining,
            stuck: stuck.then_some(silent),
            lease: self.lease,
            extended: life.map(|life| life.since_extended()),
            store: None,
        }
    }

    /// Looks at the worker, and asks the store whether it can be reached: waits at most 2 seconds, and asks at most once a
    /// second.
    pub async fn check(&self) -> Health {
        let store = self.store_trouble().await;
        Health {
            store,
            ..self.look()
        }
    }

    async fn store_trouble(&self) -> Option<String> {
        let mut asked = self.asked.lock().await;
        if let Some(answer) = &*asked
            && answer.at.elapsed() < ANSWER_HOLDS
        {
            return answer.trouble.clone();
        }
        let trouble = match timeout(STORE_ANSWERS_WITHIN, self.store.check()).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!(
                "the store did not answer within {STORE_ANSWERS_WITHIN:?}"
            )),
        };
        *asked = Some(Answer {
            at: Instant::now(),
            trouble: trouble.clone(),
        });
        trouble
    }
}

impl fmt::Debug for HealthWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HealthWatch").field(&self.look()).finish()
    }
}

/// What the store answered to a probe.
struct Answer {
    at: Instant,
    trouble: Option<String>,
}

/// How a worker is at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// Its name.
    pub worker: String,
    /// Whether it was asked to end, and claims nothing more.
    pub draining: bool,
    /// How long its loop has not moved, where that is longer than it may be.
    pub stuck: Option<Duration>,
    /// How long its lease is.
    pub lease: Duration,
    /// How long ago its lease was extended; none where it holds none.
    pub extended: Option<Duration>,
    /// Why the store cannot be reached; none where it can be, and where it was not asked.
    pub store: Option<String>,
}

impl Health {
    /// Whether its loop moves: a process where it does not can only be started again.
    pub fn is_alive(&self) -> bool {
        self.stuck.is_none()
    }

    /// Whether it claims runs and can write what it does of them.
    pub fn is_ready(&self) -> bool {
        self.is_alive() && self.why_not_ready().is_empty()
    }

    /// What is wrong with its loop, for people.
    pub fn why_not_alive(&self) -> Option<String> {
        let silent = self.stuck?;
        Some(format!("its loop has not moved for {} s", silent.as_secs()))
    }

    /// Why it claims no runs, or cannot write what it does, for people.
    pub fn why_not_ready(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        reasons.extend(self.why_not_alive());
        if self.draining {
            reasons.push("it drains, and claims nothing more".to_owned());
        }
        reasons.extend(self.store.clone());
        match self.extended {
            None => reasons.push("it holds no lease".to_owned()),
            Some(extended) if extended >= self.lease => reasons.push(format!(
                "its lease of {} s was extended {} s ago",
                self.lease.as_secs_f64(),
                extended.as_secs()
            )),
            Some(_) => {}
        }
        reasons
    }
}

fn lock<T>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each value is whole at every moment.
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn well() -> Health {
        Health {
            worker: "w".to_owned(),
            draining: false,
            stuck: None,
            lease: Duration::from_secs(30),
            extended: Some(Duration::from_secs(9)),
            store: None,
        }
    }

    #[test]
    fn each_trouble_is_told_and_only_a_loop_that_stands_still_is_deadly() {
        assert!(well().is_alive() && well().is_ready());
        let change = |change: fn(&mut Health)| {
            let mut health = well();
            change(&mut health);
            (health.is_alive(), health.is_ready(), health.why_not_ready())
        };
        for (found, alive, reason) in [
            (change(|h| h.draining = true), true, "it drains"),
            (change(|h| h.store = Some("away".into())), true, "away"),
            (change(|h| h.extended = None), true, "it holds no lease"),
            (
                change(|h| h.extended = Some(Duration::from_secs(30))),
                true,
                "its lease of 30 s was extended 30 s ago",
            ),
            (
                change(|h| h.stuck = Some(Duration::from_secs(61))),
                false,
                "its loop has not moved for 61 s",
            ),
        ] {
            assert_eq!((found.0, found.1), (alive, false), "{reason}");
            assert!(
                found.2.len() == 1 && found.2[0].starts_with(reason),
                "{:?}",
                found.2
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn loop_that_stands_still_is_noticed_unless_it_drains() {
        let store = AnyStore::new(crate::store::InMemoryStore::new());
        let vitals = Arc::<Vitals>::default();
        let watch = HealthWatch::new("w", Duration::from_secs(10), &store, &vitals);
        tokio::time::advance(Duration::from_secs(59)).await;
        assert!(watch.look().is_alive());
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(!watch.look().is_alive());
        vitals.moved();
        assert!(watch.look().is_alive());
        tokio::time::advance(Duration::from_secs(90)).await;
        vitals.drains();
        assert!(watch.look().is_alive() && watch.look().draining);
    }
}
