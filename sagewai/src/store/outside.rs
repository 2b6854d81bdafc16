//! What people, clocks and other runs do to a run: written once for all stores.
//!
//! Each act is one transaction that holds the run's row. It reads, lets the model judge, and writes; where it changes
//! nothing, the transaction is rolled back.

use super::Hints;
use super::held::Held;
use crate::error::Fault;
use crate::model::{
    Act, Answer, Cause, Checkpoint, CheckpointKind, EventKind, Gate, Journal, NewCheckpoint,
    NewEvent, NewSignal, Outcome, Position, Run, RunKey, RunState, Signal, Timestamp, Vote, Voted,
    may,
};

/// What became of an act, and what others are to hear of it once it is committed.
#[derive(Debug)]
pub(super) struct Acted {
    pub(super) answer: Answer,
    /// Whether anything was written.
    pub(super) changed: bool,
    /// Whether the run has ended.
    pub(super) ended: bool,
}

impl Acted {
    fn nothing(answer: Answer) -> Acted {
        Acted {
            answer,
            changed: false,
            ended: false,
        }
    }

    fn changed(answer: Answer) -> Acted {
        Acted {
            answer,
            changed: true,
            ended: false,
        }
    }

    /// Whether others are to hear of it.
    pub(super) fn is_news(&self) -> bool {
        self.changed && !matches!(self.answer, Answer::WrongState(_) | Answer::NoRun)
    }

    /// Tells in this process what it has changed.
    pub(super) fn tell(&self, run: RunKey, hints: &Hints) {
        if !self.is_news() {
            return;
        }
        hints.tell_run(run);
        if self.ended {
            hints.tell_due();
        } else {
            hints.tell_work();
        }
    }
}

/// Does it. The caller commits what [`Acted::changed`], and rolls back the rest.
pub(super) async fn act<H: Held>(held: &mut H, key: RunKey, act: &Act) -> Result<Acted, H::Error> {
    let Some((run, now)) = held.lock(key).await? else {
        if let Act::End(cause) = act {
            // There is nothing to end; it is forgotten, so that nobody looks again.
            held.remove_ending(key, *cause).await?;
            return Ok(Acted::changed(Answer::NoRun));
        }
        return Ok(Acted::nothing(Answer::NoRun));
    };
    match act {
        // A decision that stands is told even where the run is over.
        Act::Vote { gate, vote } => return self::vote(held, &run, gate, vote, now).await,
        Act::Cancel { .. } if run.state == RunState::Cancelled => {
            return Ok(Acted::nothing(Answer::Already(Box::new(run))));
        }
        Act::Pause { .. } if run.state == RunState::Paused || run.pausing => {
            return Ok(Acted::nothing(Answer::Already(Box::new(run))));
        }
        Act::Signal(signal) if held.has_event(key, signal.event_id()).await? => {
            return sent_again(held, run, signal).await;
        }
        // The cause does not hold any more; it is forgotten all the same.
        Act::End(cause) if !may(act, &run) => {
            held.remove_ending(key, *cause).await?;
            return Ok(Acted::changed(Answer::WrongState(Box::new(run))));
        }
        _ if !may(act, &run) => return Ok(Acted::nothing(Answer::WrongState(Box::new(run)))),
        _ => {}
    }
    match act {
        Act::Vote { .. } => unreachable!("it was answered above"),
        Act::CloseGate { gate } => close_gate(held, &run, gate, now).await,
        Act::Signal(signal) => send(held, run, signal, now).await,
        Act::DropSignal { id, by } => drop_signal(held, run, id, by, now).await,
        Act::Cancel { by, reason } => {
            let fault = Fault::Cancelled {
                by: by.clone(),
                reason: reason.clone(),
            };
            end(held, run, RunState::Cancelled, fault, now).await
        }
        Act::Pause { by } => pause(held, run, by, now).await,
        Act::Resume { by } => resume(held, run, by, now).await,
        Act::Retry { by } => retry(held, run, by, now).await,
        Act::End(cause) => {
            held.remove_ending(key, *cause).await?;
            let (state, fault) = ending(&run, *cause);
            end(held, run, state, fault, now).await
        }
    }
}

async fn vote<H: Held>(
    held: &mut H,
    run: &Run,
    name: &str,
    vote: &Vote,
    now: Timestamp,
) -> Result<Acted, H::Error> {
    let found = held.gate(run, name).await?;
    let mut gate = found.unwrap_or_else(|| Gate::new(run.id.clone(), name));
    let starter = run.header.started_by.as_deref();
    let voted = gate.judge(vote, starter, now);
    let stands = matches!(voted, Voted::Already | Voted::Conflict(_));
    if run.state.is_finished() && !stands {
        let voted = Voted::Finished(run.state);
        return Ok(Acted::nothing(Answer::Voted(voted)));
    }
    let (gate_name, by) = (name.to_owned(), vote.by.clone());
    let (approved, reason) = (vote.approved, vote.reason.clone());
    let event = match &voted {
        Voted::Decided(decision) => {
            gate.decision = Some((decision.clone(), now));
            EventKind::Decided {
                gate: gate_name,
                approved,
                by,
                reason,
            }
        }
        Voted::Counted { .. } | Voted::Early => EventKind::Voted {
            gate: gate_name,
            approved,
            by,
            reason,
        },
        _ => return Ok(Acted::nothing(Answer::Voted(voted))),
    };
    gate.votes.push(vote.clone());
    held.put_gate(run.key(), &gate).await?;
    held.event(run.key(), NewEvent::new(event), now).await?;
    // An early vote is news to a run that is about to ask.
    if !matches!(voted, Voted::Counted { .. }) {
        tell(held, run).await?;
    }
    Ok(Acted::changed(Answer::Voted(voted)))
}

async fn close_gate<H: Held>(
    held: &mut H,
    run: &Run,
    name: &str,
    now: Timestamp,
) -> Result<Acted, H::Error> {
    let Some(mut gate) = held.gate(run, name).await? else {
        return Ok(Acted::nothing(Answer::Nothing));
    };
    let Some(decision) = gate.overdue(now) else {
        return Ok(Acted::nothing(Answer::Already(Box::new(run.clone()))));
    };
    let event = EventKind::Decided {
        gate: name.to_owned(),
        approved: decision.approved,
        by: decision.by.clone(),
        reason: decision.reason.clone(),
    };
    gate.decision = Some((decision, now));
    held.put_gate(run.key(), &gate).await?;
    held.event(run.key(), NewEvent::new(event), now).await?;
    tell(held, run).await?;
    Ok(Acted::changed(Answer::Done(Box::new(run.clone()))))
}

async fn send<H: Held>(
    held: &mut H,
    run: Run,
    signal: &NewSignal,
    now: Timestamp,
) -> Result<Acted, H::Error> {
    let kept = Signal {
        id: signal.id.clone(),
        name: signal.name.clone(),
        payload: signal.payload.clone(),
        by: signal.by.clone(),
        at: now,
    };
    // The counter of messages goes up with each: it is their order.
    held.put_signal(run.key(), &kept, told(&run).wakes).await?;
    let event = NewEvent {
        id: signal.event_id(),
        kind: EventKind::Signalled {
            signal: signal.name.clone(),
            id: signal.id.clone(),
            by: signal.by.clone(),
        },
    };
    held.event(run.key(), event, now).await?;
    tell(held, &run).await?;
    Ok(Acted::changed(Answer::Done(Box::new(run))))
}

/// A message of an id that was sent before: the same one, as far as it is still there to be compared.
async fn sent_again<H: Held>(
    held: &mut H,
    run: Run,
    signal: &NewSignal,
) -> Result<Acted, H::Error> {
    let differs = held
        .signal(run.key(), &signal.id)
        .await?
        .is_some_and(|first| first.name != signal.name || first.payload != signal.payload);
    Ok(Acted::nothing(if differs {
        Answer::OtherSignal
    } else {
        Answer::Already(Box::new(run))
    }))
}

async fn drop_signal<H: Held>(
    held: &mut H,
    run: Run,
    id: &str,
    by: &str,
    now: Timestamp,
) -> Result<Acted, H::Error> {
    let Some(signal) = held.signal(run.key(), id).await? else {
        return Ok(Acted::nothing(Answer::Nothing));
    };
    held.remove_signal(run.key(), id).await?;
    let event = EventKind::SignalDropped {
        signal: signal.name,
        id: id.to_owned(),
        by: by.to_owned(),
    };
    held.event(run.key(), NewEvent::new(event), now).await?;
    if !run.state.is_finished() {
        tell(held, &run).await?;
    }
    Ok(Acted::changed(Answer::Done(Box::new(run))))
}

async fn pause<H: Held>(
    held: &mut H,
    run: Run,
    by: &str,
    now: Timestamp,
) -> Result<Acted, H::Error> {
    let asked = EventKind::PauseAsked { by: by.to_owned() };
    held.event(run.key(), NewEvent::new(asked), now).await?;
    let mut after = told(&run);
    if run.state == RunState::Running {
        after.pausing = true;
    } else {
        held.event(run.key(), NewEvent::new(EventKind::Paused), now)
            .await?;
        after = Run {
            state: RunState::Paused,
            waiting: None,
            due_at: None,
            ..after
        };
    }
    held.put(&run, &after).await?;
    Ok(Acted::changed(Answer::Done(Box::new(run))))
}

async fn resume<H: Held>(
    held: &mut H,
    run: Run,
    by: &str,
    now: Timestamp,
) -> Result<Acted, H::Error> {
    let event = EventKind::Resumed { by: by.to_owned() };
    held.event(run.key(), NewEvent::new(event), now).await?;
    let mut after = Run {
        pausing: false,
        ..told(&run)
    };
    if run.state == RunState::Paused {
        after.state = RunState::Pending;
    }
    held.put(&run, &after).await?;
    Ok(Acted::changed(Answer::Done(Box::new(run))))
}

async fn retry<H: Held>(
    held: &mut H,
    run: Run,
    by: &str,
    now: Timestamp,
) -> Result<Acted, H::Error> {
    if run.state == RunState::Failed {
        forget_failures(held, &run).await?;
    }
    let event = EventKind::Retried { by: by.to_owned() };
    held.event(run.key(), NewEvent::new(event), now).await?;
    let after = Run {
        error: None,
        finished_at: None,
        claims: 0,
        ..pending(&run)
    };
    held.put(&run, &after).await?;
    Ok(Acted::changed(Answer::Done(Box::new(run))))
}

/// Removes what made a run fail, and its result. A gate that was rejected is asked at anew.
async fn forget_failures<H: Held>(held: &mut H, run: &Run) -> Result<(), H::Error> {
    let journal = Journal {
        checkpoints: held.checkpoints(run.key()).await?,
        ..Journal::default()
    };
    let mut positions = journal.forgotten_by_retry();
    for position in &positions {
        if let Some(gate) = journal.at(position.as_str()).and_then(rejected_gate) {
            held.remove_gate(run.key(), gate).await?;
        }
    }
    positions.push(Position::OUTPUT.into());
    for position in &positions {
        held.remove_checkpoint(run.key(), position).await?;
    }
    Ok(())
}

fn rejected_gate(checkpoint: &Checkpoint) -> Option<&str> {
    match &checkpoint.written.outcome {
        Outcome::Fault(Fault::Rejected { gate, .. }) => Some(gate),
        // What a deadline did is undone too.
        Outcome::Fault(Fault::TimedOut { step, .. }) => step.strip_prefix("approval:"),
        _ => None,
    }
}

/// How a cause ends a run.
fn ending(run: &Run, cause: Cause) -> (RunState, Fault) {
    let cancelled = |by: &str, reason: String| {
        let by = by.to_owned();
        (RunState::Cancelled, Fault::Cancelled { by, reason })
    };
    match cause {
        Cause::Deadline => {
            let limit = run.header.deadline.unwrap_or_default();
            (RunState::Failed, Fault::DeadlinePassed { limit })
        }
        Cause::Expired => {
            let limit = run.header.expires_after.unwrap_or_default();
            cancelled(
                "the queue",
                format!("no worker has taken it within {limit:?}"),
            )
        }
        Cause::Parent => {
            let parent = run.header.parent.as_ref();
            let parent = parent.map_or_else(String::new, |p| format!(" `{}`", p.run));
            cancelled(
                "its parent",
                format!("run{parent}, which started it, does not wait for it any more"),
            )
        }
    }
}

/// Ends a run from outside. Whatever its worker writes afterwards is fenced, since the run is not running.
async fn end<H: Held>(
    held: &mut H,
    run: Run,
    state: RunState,
    fault: Fault,
    now: Timestamp,
) -> Result<Acted, H::Error> {
    let key = run.key();
    let event = match &fault {
        Fault::Cancelled { by, reason } => EventKind::Cancelled {
            by: by.clone(),
            reason: reason.clone(),
        },
        _ => EventKind::DeadlinePassed {
            limit: run.header.deadline.unwrap_or_default(),
        },
    };
    held.event(key, NewEvent::new(event), now).await?;
    let error = fault.to_string();
    let output = NewCheckpoint {
        position: Position::OUTPUT.into(),
        ordinal: held.last_ordinal(key).await? + 1,
        kind: CheckpointKind::Output,
        site: 0,
        input_digest: 0,
        attempts: 0,
        took: std::time::Duration::ZERO,
        outcome: Outcome::Fault(fault),
    };
    held.put_checkpoint(&run, &output, now).await?;
    held.end_children(key, now).await?;
    if let Some(parent) = &run.header.parent {
        held.nudge(parent.run.key(), now).await?;
    }
    let after = Run {
        state,
        waiting: None,
        due_at: None,
        pausing: false,
        error: Some(error),
        finished_at: Some(now),
        ..told(&run)
    };
    held.put(&run, &after).await?;
    Ok(Acted {
        ended: true,
        ..Acted::changed(Answer::Done(Box::new(run)))
    })
}

/// Raises the counter of a run's messages, and makes it claimable where it waits.
async fn tell<H: Held>(held: &mut H, run: &Run) -> Result<(), H::Error> {
    let after = if run.state == RunState::Waiting {
        pending(run)
    } else {
        told(run)
    };
    held.put(run, &after).await
}

fn told(run: &Run) -> Run {
    Run {
        wakes: run.wakes.wrapping_add(1),
        ..run.clone()
    }
}

fn pending(run: &Run) -> Run {
    Run {
        state: RunState::Pending,
        waiting: None,
        due_at: None,
        ..told(run)
    }
}
