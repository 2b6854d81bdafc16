//! How a schedule moves: each function gives the record that follows, and changes nothing.

use std::time::Duration;

use super::calendar::Calendar;
use super::missed::Times;
use super::{
    Fired, Invalid, Mark, Overlap, RunId, ScheduleDefinition, ScheduleProgress, ScheduleRecord,
    Skip, SkipReason, Timestamp,
};

/// When it is looked again whether the run has ended that others wait for.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// When a schedule is looked at again that cannot be understood here.
const PUT_OFF: Duration = Duration::from_mins(1);
/// How many firings wait at most for a run to end.
const WAITING_MAX: usize = 100;
/// How many runs are remembered as open at most.
const OPEN_MAX: usize = 100;
/// How many firings a range is counted up to.
const COUNTED_MAX: usize = 100_000;

impl ScheduleRecord {
    /// A new schedule.
    ///
    /// # Errors
    /// [`Invalid`] for a definition that means nothing.
    pub(crate) fn begin(
        name: &str,
        definition: ScheduleDefinition,
        now: Timestamp,
    ) -> Result<ScheduleRecord, Invalid> {
        let calendar = Calendar::of(&definition)?;
        let progress = ScheduleProgress {
            next_at: calendar.next(now),
            ..ScheduleProgress::default()
        };
        let begun = ScheduleRecord {
            name: name.to_owned(),
            revision: now.as_micros(),
            due_at: None,
            definition,
            progress,
        };
        Ok(begun.due(&calendar, now))
    }

    /// The same schedule under another definition. What came up before and was not acted upon is still to be, unless
    /// the times are others now.
    pub(crate) fn redefined(
        &self,
        definition: ScheduleDefinition,
        now: Timestamp,
    ) -> Result<ScheduleRecord, Invalid> {
        let calendar = Calendar::of(&definition)?;
        let times = |d: &ScheduleDefinition| (d.timing.clone(), d.starting, d.until);
        let mut next = self.changed();
        if times(&definition) != times(&self.definition) {
            next.progress.next_at = calendar.next(now);
            next.leave_waiting_out(&SkipReason::Replaced);
        }
        next.definition = definition;
        Ok(next.due(&calendar, now))
    }

    /// Paused by a person; the first of two stays.
    pub(crate) fn paused(&self, by: &str, now: Timestamp) -> Result<ScheduleRecord, Invalid> {
        let calendar = Calendar::of(&self.definition)?;
        let mut next = self.changed();
        next.progress.paused.get_or_insert_with(|| mark(by, now));
        next.leave_waiting_out(&SkipReason::Paused { by: by.to_owned() });
        Ok(next.due(&calendar, now))
    }

    /// Goes on with the first firing from now; those between are as if they had not been.
    pub(crate) fn resumed(&self, by: &str, now: Timestamp) -> Result<ScheduleRecord, Invalid> {
        let calendar = Calendar::of(&self.definition)?;
        let mut next = self.changed();
        if next.progress.paused.take().is_some() {
            next.progress.resumed = Some(mark(by, now));
            next.progress.next_at = calendar.next(now);
        }
        Ok(next.due(&calendar, now))
    }

    /// A person starts a run beside the firings. It counts where runs must not overlap.
    pub(crate) fn ran_now(&self, run: RunId, by: &str, now: Timestamp) -> ScheduleRecord {
        let mut next = self.changed();
        next.progress.ran_now = Some(mark(by, now));
        next.note_open(run);
        next
    }

    /// Decides what is to be started now, which stands in `starting` afterwards; `open` are its runs that have not
    /// ended. Whoever stores this record has decided for all; who comes too late has nothing to do.
    pub(crate) fn planned(
        &self,
        open: Vec<RunId>,
        now: Timestamp,
    ) -> Result<ScheduleRecord, Invalid> {
        let calendar = Calendar::of(&self.definition)?;
        let mut next = self.changed();
        next.progress.open = open;
        if let Some(next_at) = self.progress.next_at {
            let due = self
                .times(&calendar)
                .due(next_at, self.definition.catch_up, now);
            next.progress.next_at = due.next_at;
            next.skip(&due.missed, &SkipReason::Missed);
            next.progress.waiting.extend(due.run);
        }
        next.start_what_may_start()?;
        Ok(next.due(&calendar, now))
    }

    /// What was to be started is there; for the firings in `taken`, something else is.
    pub(crate) fn settled(
        &self,
        taken: &[Timestamp],
        now: Timestamp,
    ) -> Result<ScheduleRecord, Invalid> {
        let calendar = Calendar::of(&self.definition)?;
        let mut next = self.changed();
        next.progress.cancelling.clear();
        for firing in std::mem::take(&mut next.progress.starting) {
            let run = self.run_id(firing)?;
            if taken.contains(&firing) {
                next.progress.open.retain(|open| *open != run);
                next.skip(&[firing], &SkipReason::IdTaken { run });
            } else {
                next.progress.fired += 1;
                next.progress.last = Some(Fired { firing, run });
            }
        }
        Ok(next.due(&calendar, now))
    }

    /// It cannot be understood here: its zone is not known to this program, say. Others may know better.
    pub(crate) fn put_off(&self, now: Timestamp) -> ScheduleRecord {
        ScheduleRecord {
            due_at: Some(now.after(PUT_OFF)),
            ..self.changed()
        }
    }

    /// Firings from `from` on and before `to`, none of them after `now`. Their number, which is not counted without
    /// end, where there are more than `max`.
    pub(crate) fn firings(
        &self,
        (from, to): (Timestamp, Timestamp),
        max: usize,
        now: Timestamp,
    ) -> Result<Result<Vec<Timestamp>, usize>, Invalid> {
        let calendar = Calendar::of(&self.definition)?;
        let from = Timestamp::from_micros(from.as_micros().saturating_sub(1));
        let firings = std::iter::successors(calendar.next(from), |last| calendar.next(*last));
        let within = firings.take_while(|firing| *firing < to && *firing <= now);
        let found: Vec<Timestamp> = within.take(COUNTED_MAX).collect();
        Ok(if found.len() > max {
            Err(found.len())
        } else {
            Ok(found)
        })
    }

    /// The next firings, before jitter; none while it is paused.
    pub(crate) fn upcoming(&self, n: usize) -> Result<Vec<Timestamp>, Invalid> {
        let calendar = Calendar::of(&self.definition)?;
        let first = self
            .progress
            .next_at
            .filter(|_| self.progress.paused.is_none());
        Ok(std::iter::successors(first, |last| calendar.next(*last))
            .take(n)
            .collect())
    }

    fn changed(&self) -> ScheduleRecord {
        ScheduleRecord {
            revision: self.revision + 1,
            ..self.clone()
        }
    }

    fn times<'a>(&'a self, calendar: &'a Calendar) -> Times<'a> {
        Times {
            calendar,
            name: &self.name,
            jitter: Duration::from_micros(self.definition.jitter_us),
        }
    }

    /// Sets when a worker has to look again.
    fn due(mut self, calendar: &Calendar, now: Timestamp) -> ScheduleRecord {
        let progress = &self.progress;
        let acts = progress
            .next_at
            .map(|next_at| self.times(calendar).acts_at(next_at));
        self.due_at = if !progress.starting.is_empty() {
            Some(now)
        } else if progress.paused.is_some() {
            None
        } else if progress.waiting.is_empty() {
            acts
        } else {
            let look = now.after(LOOK_AGAIN);
            Some(acts.map_or(look, |acts| acts.min(look)))
        };
        self
    }

    /// Moves firings from `waiting` to `starting` as far as open runs let them.
    fn start_what_may_start(&mut self) -> Result<(), Invalid> {
        let mut waiting = std::mem::take(&mut self.progress.waiting);
        if self.definition.overlap == Overlap::Allow {
            self.progress.open.clear();
            self.progress.starting.append(&mut waiting);
            return Ok(());
        }
        if self.definition.overlap == Overlap::CancelOld {
            let Some(last) = waiting.pop() else {
                return Ok(());
            };
            self.skip(&waiting, &SkipReason::Superseded);
            self.progress.cancelling = std::mem::take(&mut self.progress.open);
            self.progress.starting.push(last);
            self.note_open(self.run_id(last)?);
            return Ok(());
        }
        if self.progress.open.is_empty() && !waiting.is_empty() {
            let first = waiting.remove(0);
            self.progress.starting.push(first);
            self.note_open(self.run_id(first)?);
        }
        let open = self.progress.open.last().cloned();
        if let (Overlap::Skip, Some(run)) = (self.definition.overlap, open) {
            self.skip(&waiting, &SkipReason::Overlap { run });
            return Ok(());
        }
        let rest = waiting.split_off(waiting.len().min(WAITING_MAX));
        self.skip(&rest, &SkipReason::QueueFull);
        self.progress.waiting = waiting;
        Ok(())
    }

    fn note_open(&mut self, run: RunId) {
        if self.definition.overlap == Overlap::Allow {
            return;
        }
        let open = &mut self.progress.open;
        open.push(run);
        open.drain(..open.len().saturating_sub(OPEN_MAX));
    }

    fn leave_waiting_out(&mut self, because: &SkipReason) {
        let waiting = std::mem::take(&mut self.progress.waiting);
        self.skip(&waiting, because);
    }

    fn skip(&mut self, firings: &[Timestamp], because: &SkipReason) {
        if let Some(firing) = firings.last() {
            self.progress.skipped += firings.len() as u64;
            self.progress.last_skip = Some(Skip {
                firing: *firing,
                because: because.clone(),
            });
        }
    }
}

fn mark(by: &str, at: Timestamp) -> Mark {
    Mark {
        by: by.to_owned(),
        at,
    }
}

#[cfg(test)]
mod tests;
