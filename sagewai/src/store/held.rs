//! One run under its lock, in an open transaction: the small moves of which [`outside`](super::outside) is made.
//!
//! The rows in `queue` and `timers` follow from a run's row. [`Held::put`] keeps them so: nobody else moves a run that
//! no worker drives.

use std::future::Future;

use uuid::Uuid;

use crate::model::{
    Cause, Checkpoint, Gate, NewCheckpoint, NewEvent, Position, Run, RunKey, Signal, Timestamp,
};

/// An open transaction over one run. Nothing of it is visible before it is committed.
pub(super) trait Held {
    type Error;

    /// Locks a run against everybody else; says how it stands, and what the clock says. None where there is none.
    fn lock(
        &mut self,
        run: RunKey,
    ) -> impl Future<Output = Result<Option<(Run, Timestamp)>, Self::Error>>;

    /// Changes the run's row, with its places in the queue and among the timers: state, waiting, due, error, end,
    /// claims, wakes, and whether it is pausing.
    fn put(&mut self, before: &Run, after: &Run) -> impl Future<Output = Result<(), Self::Error>>;

    /// A gate of it.
    fn gate(
        &mut self,
        run: &Run,
        name: &str,
    ) -> impl Future<Output = Result<Option<Gate>, Self::Error>>;

    /// Keeps the votes and the decision of a gate.
    fn put_gate(
        &mut self,
        run: RunKey,
        gate: &Gate,
    ) -> impl Future<Output = Result<(), Self::Error>>;

    /// Takes a gate away, with its votes and decision.
    fn remove_gate(
        &mut self,
        run: RunKey,
        name: &str,
    ) -> impl Future<Output = Result<(), Self::Error>>;

    /// A message of it that it has not taken.
    fn signal(
        &mut self,
        run: RunKey,
        id: &str,
    ) -> impl Future<Output = Result<Option<Signal>, Self::Error>>;

    /// Keeps a message for it. Messages are taken in the order of `ordinal`.
    fn put_signal(
        &mut self,
        run: RunKey,
        signal: &Signal,
        ordinal: i32,
    ) -> impl Future<Output = Result<(), Self::Error>>;

    /// Takes a message away.
    fn remove_signal(
        &mut self,
        run: RunKey,
        id: &str,
    ) -> impl Future<Output = Result<(), Self::Error>>;

    /// Its checkpoints, in order.
    fn checkpoints(
        &mut self,
        run: RunKey,
    ) -> impl Future<Output = Result<Vec<Checkpoint>, Self::Error>>;

    /// Ordinal of its last checkpoint.
    fn last_ordinal(&mut self, run: RunKey) -> impl Future<Output = Result<u32, Self::Error>>;

    /// Adds a checkpoint that no worker wrote.
    fn put_checkpoint(
        &mut self,
        run: &Run,
        checkpoint: &NewCheckpoint,
        at: Timestamp,
    ) -> impl Future<Output = Result<(), Self::Error>>;

    /// Takes a checkpoint away.
    fn remove_checkpoint(
        &mut self,
        run: RunKey,
        position: &Position,
    ) -> impl Future<Output = Result<(), Self::Error>>;

    /// Adds to its timeline.
    fn event(
        &mut self,
        run: RunKey,
        event: NewEvent,
        at: Timestamp,
    ) -> impl Future<Output = Result<(), Self::Error>>;

    /// Whether an event of this id is in its timeline.
    fn has_event(
        &mut self,
        run: RunKey,
        id: Uuid,
    ) -> impl Future<Output = Result<bool, Self::Error>>;

    /// Has the run looked at when the clock is next: it waits no longer, or hears of a message.
    fn nudge(
        &mut self,
        run: RunKey,
        at: Timestamp,
    ) -> impl Future<Output = Result<(), Self::Error>>;

    /// Has the children of a run that are not over asked to end with it, when the clock is next looked at.
    fn end_children(
        &mut self,
        run: RunKey,
        at: Timestamp,
    ) -> impl Future<Output = Result<(), Self::Error>>;

    /// Forgets that the run was to be ended for this cause.
    fn remove_ending(
        &mut self,
        run: RunKey,
        cause: Cause,
    ) -> impl Future<Output = Result<(), Self::Error>>;
}
