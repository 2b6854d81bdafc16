//! The limit on payloads, applied before anything is written.

use super::{PAYLOAD_BYTES_MAX, StoreError, StoreResult};
use crate::model::{Act, Commit, Json, NewRun, Outcome, ScheduleRecord};

/// Refuses a start whose input is too large.
pub(super) fn check_start(new: &NewRun) -> StoreResult<()> {
    check("the input of a run", new.input.len())
}

/// Refuses a schedule whose runs would have an input that is too large.
pub(super) fn check_schedule(record: &ScheduleRecord) -> StoreResult<()> {
    let input = record.definition.runs.input.len();
    check("the input of a schedule's runs", input)
}

/// Refuses a commit of which one payload is too large.
pub(super) fn check_commit(commit: &Commit) -> StoreResult<()> {
    for checkpoint in &commit.checkpoints {
        match &checkpoint.outcome {
            Outcome::Ok(json) => check("the result of an operation", json.len())?,
            Outcome::Err(json) => check("the error of an operation", json.len())?,
            Outcome::Fault(_) => {}
        }
    }
    for gate in &commit.gates {
        check("the prompt of a gate", gate.prompt.len())?;
        check(
            "the context of a gate",
            gate.context.as_ref().map_or(0, Json::len),
        )?;
    }
    Ok(())
}

/// Refuses a message that is too large.
pub(super) fn check_act(act: &Act) -> StoreResult<()> {
    match act {
        Act::Signal(signal) => check("a message", signal.payload.len()),
        _ => Ok(()),
    }
}

fn check(what: &'static str, bytes: usize) -> StoreResult<()> {
    if bytes <= PAYLOAD_BYTES_MAX {
        return Ok(());
    }
    Err(StoreError::TooLarge {
        what,
        bytes,
        limit: PAYLOAD_BYTES_MAX,
    })
}
