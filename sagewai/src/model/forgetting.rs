//! What a retry forgets of a run that failed.

use super::{Journal, NewCheckpoint, Outcome, Position};

impl Journal {
    /// What a retry removes of a failed run, beside its result, so that it goes on from its failure: the failures
    /// with which its branches ended; where none did, the last failure with the very outcome in which the run
    /// ended; and what came after these in the same line of the body, because it rests on them. What other
    /// branches of the same combinator have done stays.
    pub fn forgotten_by_retry(&self) -> Vec<Position> {
        let checkpoints: Vec<&NewCheckpoint> = self
            .checkpoints
            .iter()
            .map(|c| &c.written)
            .filter(|c| ![Position::INPUT, Position::OUTPUT].contains(&c.position.as_str()))
            .collect();
        let failures = self.failures(&checkpoints);
        let rests_on_one = |(index, later): &(usize, &&NewCheckpoint)| {
            failures
                .iter()
                .any(|(failed, at)| at == index || (at < index && follows(failed, later)))
        };
        checkpoints
            .iter()
            .enumerate()
            .filter(rests_on_one)
            .map(|(_, c)| c.position.clone())
            .collect()
    }

    /// The step or other operation whose failure ended the run.
    pub fn failed_at(&self) -> Option<&Position> {
        let checkpoints: Vec<&NewCheckpoint> =
            self.checkpoints.iter().map(|c| &c.written).collect();
        let output = self.output();
        let failures = self.failures(&checkpoints);
        let ended_it = |(c, _): &&(&NewCheckpoint, usize)| Some(&c.outcome) == output;
        let failure = failures.iter().rev().find(ended_it).or(failures.last())?;
        self.checkpoints
            .iter()
            .map(|c| &c.written.position)
            .find(|position| **position == failure.0.position)
    }

    /// The failures that ended the run, with their places.
    fn failures<'c>(&self, checkpoints: &[&'c NewCheckpoint]) -> Vec<(&'c NewCheckpoint, usize)> {
        let is_failure =
            |c: &NewCheckpoint| !c.outcome.is_ok() && c.position.as_str() != Position::OUTPUT;
        let is_note = |c: &NewCheckpoint| c.position.is_note();
        let ends_its_line = |(c, index): &(&NewCheckpoint, usize)| {
            checkpoints[index + 1..]
                .iter()
                .all(|later| !later.outcome.is_ok() || is_note(later) || !follows(c, later))
        };
        let failed = || {
            let all = checkpoints.iter().enumerate();
            all.map(|(index, c)| (*c, index))
                .filter(|(c, _)| is_failure(c))
        };
        let ends: Vec<_> = failed().filter(ends_its_line).collect();
        if !ends.is_empty() {
            return ends;
        }
        let output = self.output();
        failed()
            .rfind(|(c, _)| Some(&c.outcome) == output)
            .into_iter()
            .collect()
    }

    fn output(&self) -> Option<&Outcome> {
        self.at(Position::OUTPUT).map(|c| &c.written.outcome)
    }
}

/// Whether what was written later also comes later in the body: not where the two stand in different branches of one
/// combinator.
fn follows(earlier: &NewCheckpoint, later: &NewCheckpoint) -> bool {
    let (earlier, later) = (earlier.position.as_str(), later.position.as_str());
    let mut pairs = earlier.split('/').zip(later.split('/'));
    let Some((a, b)) = pairs.find(|(a, b)| a != b) else {
        return true;
    };
    // A branch is a part of a path, and never its end.
    let is_inside = |path: &str, part: &str| path.rsplit('/').next() != Some(part);
    match (combinator(a), combinator(b)) {
        (Some(one), Some(other)) if is_inside(earlier, a) && is_inside(later, b) => one != other,
        _ => true,
    }
}

/// `join#2` of `join#2.1`.
fn combinator(part: &str) -> Option<&str> {
    let (combinator, branch) = part.rsplit_once('.')?;
    branch.parse::<u32>().ok().map(|_| combinator)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Fault;
    use crate::model::{Checkpoint, CheckpointKind, Json, Timestamp};

    /// `join.0/a` is a value, `!join.1/b` a failure. The run ended in `output`.
    fn journal(positions: &[&str], output: u32) -> Journal {
        let failure = |n: u32| Outcome::Fault(Fault::Poisoned { workers: n });
        let mut journal = Journal::default();
        let all = positions.iter().copied().chain(["!$output"]);
        for (ordinal, position) in (1..).zip(all) {
            let outcome = match position.strip_prefix('!') {
                None => Outcome::Ok(Json::null()),
                Some("$output") => failure(output),
                Some(_) => failure(ordinal),
            };
            journal.checkpoints.push(Checkpoint {
                written: NewCheckpoint {
                    position: position.trim_start_matches('!').into(),
                    ordinal,
                    kind: CheckpointKind::Step,
                    site: 0,
                    input_digest: 0,
                    attempts: 1,
                    took: std::time::Duration::ZERO,
                    outcome,
                },
                at: Timestamp::from_micros(0),
            });
        }
        journal
    }

    fn forgotten(positions: &[&str], output: u32) -> Vec<String> {
        let forgotten = journal(positions, output).forgotten_by_retry();
        forgotten.iter().map(ToString::to_string).collect()
    }

    const ITS_OWN: u32 = 99;

    #[test]
    fn failure_at_the_end_is_forgotten_and_one_that_was_handled_is_not() {
        assert_eq!(forgotten(&["a", "!b", "c", "!d"], ITS_OWN), ["d"]);
        assert_eq!(forgotten(&["a", "!b", "!c"], ITS_OWN), ["b", "c"]);
        assert_eq!(forgotten(&["a", "!b", "c"], ITS_OWN), Vec::<String>::new());
    }

    #[test]
    fn failure_that_was_returned_later_is_forgotten_with_what_rests_on_it() {
        assert_eq!(forgotten(&["a", "!b", "c"], 2), ["b", "c"]);
        assert_eq!(forgotten(&["!a", "b", "!c", "d"], 1), ["a", "b", "c", "d"]);
    }

    #[test]
    fn other_branches_keep_what_they_have_done() {
        let join = [
            "join.0/a",
            "!join.1/block/b",
            "join.0/c",
            "join.2/sleep/woke",
        ];
        assert_eq!(forgotten(&join, ITS_OWN), ["join.1/block/b"]);
        let handled = ["!join.0/block/a", "join.0/block/instead", "!join.1/b"];
        assert_eq!(forgotten(&handled, ITS_OWN), ["join.1/b"]);
        let two = ["!join.0/a", "join.1/b", "join#2.0/a", "!join#2.1/b"];
        assert_eq!(forgotten(&two, ITS_OWN), ["join#2.1/b"]);
    }

    #[test]
    fn winner_of_a_race_is_forgotten_with_the_failure_that_won_it() {
        let race = ["race.1/block/a", "!race.0/b", "race/won"];
        assert_eq!(forgotten(&race, ITS_OWN), ["race.0/b", "race/won"]);
        assert_eq!(forgotten(&["race.0/b", "race/won", "!c"], ITS_OWN), ["c"]);
    }

    #[test]
    fn steps_may_be_named_like_branches() {
        assert_eq!(forgotten(&["!step.1", "step.2"], 1), ["step.1", "step.2"]);
    }
}
