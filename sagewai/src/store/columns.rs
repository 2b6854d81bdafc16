//! What goes into a column where it is not the model's field itself; `row.rs` is the way back.

use std::time::Duration;

use serde::Serialize;
use uuid::Uuid;

#[cfg(feature = "postgres")]
use crate::model::ServedWorkflow;
use crate::model::{Ending, GateRules, Header, NewRun, Park, QueueName, RunState, Then};

/// What identifies a queue: workflow, version, pool, and the one JSON text of the labels.
pub(super) type QueueColumns = (String, i32, String, String);

/// The queue to which a run belongs.
pub(super) fn home(run: &NewRun) -> QueueColumns {
    let labels = run.labels.to_json();
    (
        run.workflow.clone(),
        count(run.version),
        run.pool.clone(),
        labels,
    )
}

/// A queue by its name.
pub(super) fn queue(name: &QueueName) -> QueueColumns {
    let labels = name.labels.to_json();
    (
        name.workflow.clone(),
        count(name.version),
        name.pool.clone(),
        labels,
    )
}

/// Names of workflows, and beside each its version.
#[cfg(feature = "postgres")]
pub(super) fn served(workflows: &[ServedWorkflow]) -> (Vec<String>, Vec<i32>) {
    let workflows = workflows.iter();
    workflows
        .map(|served| (served.name.clone(), count(served.version)))
        .unzip()
}

/// A length of time in microseconds, short enough to be added to any time of this age.
pub(super) fn micros(length: Duration) -> i64 {
    crate::model::micros(length).min(i64::MAX / 4)
}

/// A text without the character that PostgreSQL cannot hold.
pub(super) fn text(text: &str) -> String {
    text.replace('\0', "")
}

/// One of the model's own types, as JSON text. A NUL in it is written as an escape, which a text column holds.
pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> String {
    // Texts, numbers and enums with names: JSON can hold them.
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}

/// The rules of a gate; null where they are the plain ones.
pub(super) fn rules(rules: &GateRules) -> Option<String> {
    (*rules != GateRules::default()).then(|| json(rules))
}

/// What is known of a run from its start; null where that is nothing.
pub(super) fn header(header: &Header) -> Option<String> {
    (!header.is_empty()).then(|| json(header))
}

/// The run that started it.
pub(super) fn parent(header: &Header) -> Option<Uuid> {
    let parent = header.parent.as_ref();
    parent.map(|parent| parent.run.key().uuid())
}

/// A count, as the column holds it.
pub(super) fn count(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

/// What [`Then`] changes in the row of a run.
#[derive(Debug)]
pub(super) struct Move {
    /// The state it moves to.
    pub(super) state: &'static str,
    /// For a run that sleeps or pauses: the wake counter that its worker has seen.
    #[cfg_attr(
        not(feature = "postgres"),
        expect(dead_code, reason = "SQLite compares it before it writes")
    )]
    pub(super) wakes: Option<i32>,
    /// What it waits for.
    pub(super) waiting: Option<String>,
    /// How long it waits at most.
    pub(super) wake_us: Option<i64>,
    /// Why it failed.
    pub(super) error: Option<String>,
}

impl Move {
    /// Leaves the run where it is: running.
    #[cfg(feature = "postgres")]
    pub(super) fn nowhere() -> Move {
        Move::to(RunState::Running)
    }

    fn to(state: RunState) -> Move {
        Move {
            state: state.as_str(),
            wakes: None,
            waiting: None,
            wake_us: None,
            error: None,
        }
    }

    /// None where the run stays with its worker.
    pub(super) fn of(then: &Then) -> Option<Move> {
        Some(match then {
            Then::Continue => return None,
            Then::HandBack | Then::HandOver(_) => Move::to(RunState::Pending),
            Then::Finish(Ending::Completed) => Move::to(RunState::Completed),
            Then::Finish(Ending::Failed { error }) => Move {
                error: Some(text(error)),
                ..Move::to(RunState::Failed)
            },
            Then::Park(Park {
                waiting,
                wake_after,
                wakes,
            }) => Move {
                wakes: Some(*wakes),
                waiting: Some(json(waiting)),
                wake_us: wake_after.map(micros),
                ..Move::to(RunState::Waiting)
            },
            Then::Pause { wakes } => Move {
                wakes: Some(*wakes),
                ..Move::to(RunState::Paused)
            },
        })
    }
}
