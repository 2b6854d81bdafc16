//! Why a run does not go on.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::client::{Client, driver_of};
use crate::error::Error;
use crate::model::{
    Event, EventKind, Gate, History, Lack, Run, RunId, RunState, Timestamp, Waiting, WorkerRecord,
    lack, waits_in,
};

/// Why a run is not over, and what would make it go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Why {
    /// The kind of reason.
    pub code: WhyCode,
    /// Since when it is so, on the store's clock.
    pub since: Timestamp,
    /// The reason in words.
    pub reason: String,
    /// What would make it go on.
    pub remedy: String,
}

/// `reason; remedy`.
impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.reason, self.remedy)
    }
}

/// Kinds of reasons why a run is not over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WhyCode {
    /// Nothing is wrong: a worker drives it.
    Running,
    /// It is to stop at its next durable point.
    Pausing,
    /// The worker that drives it is silent.
    WorkerSilent,
    /// It is queued, and no worker has taken it yet.
    Queued,
    /// It is queued, and no live worker can take it.
    Unserved,
    /// It was started with a delay.
    Delayed,
    /// A person must decide.
    Gate,
    /// A message must come.
    Signal,
    /// A run that it started must end.
    Child,
    /// It sleeps.
    Timer,
    /// The next attempt of a step comes at a time.
    Retry,
    /// Its code does not fit what is stored.
    Diverged,
    /// A person paused it.
    Paused,
}

/// Looks a run up and says why it is not over.
pub(super) async fn of(client: &Client, id: &RunId) -> Result<Option<Why>, Error> {
    let store = &client.store;
    let Some(history) = store.history(id).await? else {
        return Ok(None);
    };
    let run = &history.run;
    Ok(match run.state {
        RunState::Completed | RunState::Failed | RunState::Cancelled => None,
        RunState::Pending => {
            let mut missing = None;
            if run.due_at.is_none() {
                let workers = store.workers(Duration::ZERO).await?;
                let queue = waits_in(run, &history.events);
                missing = lack(&queue, &workers, store.now().await?);
            }
            Some(pending(&history, missing.as_ref()))
        }
        RunState::Paused => Some(paused(&history)),
        RunState::Running => {
            let worker = driver_of(store, run).await?;
            Some(running(&history, worker.as_ref(), store.now().await?))
        }
        RunState::Waiting => match &run.waiting {
            None => None,
            Some(Waiting::Gate { gate }) => {
                let messages = store.messages(id).await?;
                let gates = messages.map(|m| m.gates).unwrap_or_default();
                let gate = gates.into_iter().find(|g| g.name == *gate);
                gate.map(|gate| at_gate(&history, &gate))
            }
            Some(Waiting::Child { run: child }) => {
                let child = store.run(child).await?;
                child.map(|child| for_child(&history, &child))
            }
            Some(waiting) => Some(parked(&history, waiting)),
        },
    })
}

fn pending(history: &History, lack: Option<&Lack>) -> Why {
    let run = &history.run;
    if let Some(lack) = lack {
        return Why {
            code: WhyCode::Unserved,
            since: queued_since(history),
            reason: lack.to_string(),
            remedy: format!(
                "start {}, or let those go on that are paused",
                asked(history)
            ),
        };
    }
    match run.due_at {
        Some(until) => Why {
            code: WhyCode::Delayed,
            since: run.created_at,
            reason: format!("it is not to begin before {until}"),
            remedy: "it begins by itself then".to_owned(),
        },
        None => Why {
            code: WhyCode::Queued,
            since: queued_since(history),
            reason: format!("no worker has taken it yet: it asks for {}", asked(history)),
            remedy: "start a worker that fits, or wait until one has a free slot and the limits of its workflow have room".to_owned(),
        },
    }
}

/// What a run asks of a worker.
fn asked(history: &History) -> String {
    let queue = waits_in(&history.run, &history.events);
    let labels = if queue.labels.is_empty() {
        String::new()
    } else {
        format!(" and has labels {}", queue.labels.to_json())
    };
    let version = match queue.version {
        1 => String::new(),
        version => format!(" in version {version}"),
    };
    format!(
        "one of pool `{}` that serves workflow `{}`{version}{labels}",
        queue.pool, queue.workflow
    )
}

fn queued_since(history: &History) -> Timestamp {
    // Where it has begun, what put it into the queue again is what happened last.
    let last = history.events.last().map(|event| event.at);
    let begun = history.run.started_at.and(last);
    begun.unwrap_or(history.run.created_at)
}

fn paused(history: &History) -> Why {
    let mut paused = history.events.iter().rev();
    let by = paused.find_map(|event| match &event.kind {
        EventKind::PauseAsked { by } => Some((by.as_str(), event.at)),
        _ => None,
    });
    let (by, since) = by.unwrap_or(("somebody", history.run.created_at));
    Why {
        code: WhyCode::Paused,
        since,
        reason: format!("{by} paused it"),
        remedy: "resume it".to_owned(),
    }
}

fn running(history: &History, worker: Option<&WorkerRecord>, now: Timestamp) -> Why {
    let run = &history.run;
    let claimed = last(history, |kind| matches!(kind, EventKind::Claimed { .. }));
    let since = claimed.or(run.started_at).unwrap_or(run.created_at);
    let name = worker.map_or("a worker", |w| w.registered.name.as_str());
    if run.pausing {
        return Why {
            code: WhyCode::Pausing,
            since: last(history, |kind| matches!(kind, EventKind::PauseAsked { .. }))
                .unwrap_or(since),
            reason: format!("it is to pause, and a step is still being executed on `{name}`"),
            remedy: "it pauses when the step ends".to_owned(),
        };
    }
    match worker {
        Some(worker) if worker.gone_at.is_none() && worker.lease_until > now => Why {
            code: WhyCode::Running,
            since,
            reason: format!("worker `{name}` drives it"),
            remedy: "nothing needs to be done".to_owned(),
        },
        Some(worker) => Why {
            code: WhyCode::WorkerSilent,
            since: worker.seen_at,
            reason: format!(
                "worker `{name}` on host `{}` has not been heard of since {}",
                worker.registered.host, worker.seen_at
            ),
            remedy: format!("another worker takes it over: {}", asked(history)),
        },
        None => Why {
            code: WhyCode::WorkerSilent,
            since,
            reason: "the worker that drove it is not known any more".to_owned(),
            remedy: format!("another worker takes it over: {}", asked(history)),
        },
    }
}

fn at_gate(history: &History, gate: &Gate) -> Why {
    let rules = &gate.rules;
    let who: Vec<&str> = rules
        .reviewers
        .iter()
        .chain(&rules.groups)
        .map(String::as_str)
        .collect();
    let who = if who.is_empty() {
        "anybody".to_owned()
    } else {
        who.join(", ")
    };
    let until = gate.deadline_at;
    let until = until.map_or(String::new(), |at| format!(", until {at}"));
    Why {
        code: WhyCode::Gate,
        since: gate.asked_at.unwrap_or(history.run.created_at),
        reason: format!("it waits for a decision at gate `{}`", gate.name),
        remedy: format!("approve or reject it; {who} may{until}"),
    }
}

fn for_child(history: &History, child: &Run) -> Why {
    Why {
        code: WhyCode::Child,
        since: parked_since(history),
        reason: format!(
            "it waits for run `{}` of workflow `{}`, which is {}",
            child.id, child.workflow, child.state
        ),
        remedy: format!(
            "it goes on when `{}` ends; ask why that one has not",
            child.id
        ),
    }
}

fn parked(history: &History, waiting: &Waiting) -> Why {
    let (code, remedy) = match waiting {
        Waiting::Signal { signal } => (WhyCode::Signal, format!("send signal `{signal}` to it")),
        Waiting::Timer { until, .. } => {
            (WhyCode::Timer, format!("it goes on by itself at {until}"))
        }
        Waiting::Retry { at, .. } => (WhyCode::Retry, format!("it goes on by itself at {at}")),
        Waiting::Diverged { .. } => (
            WhyCode::Diverged,
            "deploy code that fits, then retry it".to_owned(),
        ),
        Waiting::Gate { .. } => (WhyCode::Gate, "decide at the gate".to_owned()),
        Waiting::Child { .. } => (
            WhyCode::Child,
            "it goes on when the other run ends".to_owned(),
        ),
    };
    Why {
        code,
        since: parked_since(history),
        reason: match waiting {
            Waiting::Signal { .. } => format!("it {waiting}"),
            _ => waiting.to_string(),
        },
        remedy,
    }
}

fn parked_since(history: &History) -> Timestamp {
    let parked = last(history, |kind| matches!(kind, EventKind::Parked { .. }));
    parked.unwrap_or(history.run.created_at)
}

/// When something of this kind happened last.
fn last(history: &History, is_it: impl Fn(&EventKind) -> bool) -> Option<Timestamp> {
    let mut events = history.events.iter().rev();
    events
        .find(|event: &&Event| is_it(&event.kind))
        .map(|e| e.at)
}
