//! What a run has recorded, in the order in which it came to the body.
//!
//! A body decides by what comes first: which branch wins a race, which error ends a `try_join!`. So a replay gives
//! it the recorded outcomes in the order of their ordinals, each when the body can go no further, just as they came
//! the first time. Every replay then takes the same way, however many branches there are.

use std::collections::HashMap;

use crate::model::{CheckpointKind, NewCheckpoint, Outcome, Position};

/// The checkpoints of a run, as far as the body has not got them.
#[derive(Debug, Default)]
pub(super) struct Recorded {
    in_order: Vec<Entry>,
    by_position: HashMap<Position, usize>,
    /// The first that has not been dealt with.
    next: usize,
}

#[derive(Debug)]
struct Entry {
    checkpoint: NewCheckpoint,
    /// It says when a sleep ends: the body has it as soon as it asks, and waits on.
    is_beginning: bool,
    asked_for: bool,
}

/// What stands at a position.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Recall {
    /// A checkpoint that fits; its turn comes.
    Recorded,
    /// A checkpoint of something else, described.
    Differs(String),
    /// No checkpoint.
    Nothing,
}

impl Recorded {
    pub(super) fn new(checkpoints: impl IntoIterator<Item = NewCheckpoint>) -> Recorded {
        let mut in_order: Vec<Entry> = checkpoints
            .into_iter()
            .map(|checkpoint| Entry {
                is_beginning: checkpoint.kind == CheckpointKind::Sleep
                    && !checkpoint.position.is_note(),
                asked_for: false,
                checkpoint,
            })
            .collect();
        in_order.sort_by_key(|entry| entry.checkpoint.ordinal);
        let by_position = in_order
            .iter()
            .enumerate()
            .map(|(index, entry)| (entry.checkpoint.position.clone(), index))
            .collect();
        Recorded {
            in_order,
            by_position,
            next: 0,
        }
    }

    /// The body asks for an operation of this kind and input.
    pub(super) fn recall(
        &mut self,
        position: &Position,
        kind: CheckpointKind,
        input_digest: i64,
    ) -> Recall {
        let Some(entry) = self.entry(position) else {
            return Recall::Nothing;
        };
        let found = &entry.checkpoint;
        if found.kind != kind {
            return Recall::Differs(format!(
                "the run holds a {} at `{position}`, and the code asks for a {} there",
                found.kind.as_str(),
                kind.as_str()
            ));
        }
        if found.input_digest != input_digest {
            return Recall::Differs(format!(
                "the {} at `{position}` was run with other arguments than the code gives it now",
                kind.as_str()
            ));
        }
        entry.asked_for = true;
        Recall::Recorded
    }

    /// What the beginning of a sleep says.
    pub(super) fn beginning(&mut self, position: &Position) -> Option<Outcome> {
        let entry = self.entry(position).filter(|entry| entry.is_beginning)?;
        entry.asked_for = true;
        Some(entry.checkpoint.outcome.clone())
    }

    /// Whether something was recorded after what stands at this position.
    pub(super) fn has_later(&self, position: &Position) -> bool {
        let index = self.by_position.get(position);
        index.is_some_and(|index| index + 1 < self.in_order.len())
    }

    fn entry(&mut self, position: &Position) -> Option<&mut Entry> {
        let index = *self.by_position.get(position)?;
        self.in_order.get_mut(index)
    }

    /// The checkpoint whose turn it is.
    pub(super) fn next(&mut self) -> Option<&NewCheckpoint> {
        while self.in_order.get(self.next)?.is_passed() {
            self.next += 1;
        }
        Some(&self.in_order.get(self.next)?.checkpoint)
    }

    /// Takes it, and goes on to the one after it.
    pub(super) fn take_next(&mut self) -> Option<Outcome> {
        let entry = self.in_order.get_mut(self.next)?;
        self.next += 1;
        Some(std::mem::replace(
            &mut entry.checkpoint.outcome,
            Outcome::Ok(crate::model::Json::null()),
        ))
    }
}

impl Entry {
    /// The body has it already.
    fn is_passed(&self) -> bool {
        self.is_beginning && self.asked_for
    }
}
