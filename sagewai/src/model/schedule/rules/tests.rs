//! The moves of a schedule, one by one.

use super::*;
use crate::model::schedule::{CatchUp, RunTemplate, Timing};
use crate::model::{Header, Json, Labels};

const HOUR: u64 = 3_600;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_micros(i64::try_from(seconds * 1_000_000).unwrap())
}

fn hourly(overlap: Overlap, catch_up: CatchUp) -> ScheduleDefinition {
    ScheduleDefinition {
        timing: Timing::Every { seconds: HOUR },
        starting: None,
        until: None,
        jitter_us: 0,
        overlap,
        catch_up,
        runs: RunTemplate {
            workflow: "report".to_owned(),
            version: 1,
            pool: "default".to_owned(),
            labels: Labels::new(),
            priority: 0,
            concurrency_key: None,
            input: Json::null(),
            fingerprint: 0,
            delay_us: 0,
            header: Header::default(),
        },
    }
}

fn begun(overlap: Overlap, catch_up: CatchUp) -> ScheduleRecord {
    ScheduleRecord::begin("s", hourly(overlap, catch_up), at(10)).unwrap()
}

fn hours(times: &[Timestamp]) -> Vec<u64> {
    times
        .iter()
        .map(|t| t.as_micros().unsigned_abs() / 1_000_000 / HOUR)
        .collect()
}

fn runs(ids: &[&str]) -> Vec<RunId> {
    ids.iter().map(|id| RunId::new(*id).unwrap()).collect()
}

#[test]
fn new_schedule_is_due_at_its_first_firing() {
    let record = begun(Overlap::Skip, CatchUp::Latest);
    assert_eq!(record.progress.next_at, Some(at(HOUR)));
    assert_eq!(record.due_at, Some(at(HOUR)));
    assert_eq!(
        record.run_id(at(HOUR)).unwrap().as_str(),
        "s@1970-01-01T01:00:00Z"
    );
}

#[test]
fn overlap_decides_what_starts_beside_an_open_run() {
    let all = CatchUp::All { max: 10 };
    // Three firings have come up: starting, waiting, left out.
    for (overlap, open, starting, waiting, skipped) in [
        (Overlap::Skip, &[][..], &[1][..], &[][..], 2),
        (Overlap::Skip, &["x"][..], &[], &[], 3),
        (Overlap::Queue, &[], &[1], &[2, 3], 0),
        (Overlap::Queue, &["x"], &[], &[1, 2, 3], 0),
        (Overlap::CancelOld, &[], &[3], &[], 2),
        (Overlap::CancelOld, &["x"], &[3], &[], 2),
        (Overlap::Allow, &["x"], &[1, 2, 3], &[], 0),
    ] {
        let case = format!("{overlap:?} beside {open:?}");
        let now = at(3 * HOUR);
        let planned = begun(overlap, all).planned(runs(open), now).unwrap();
        let progress = &planned.progress;
        assert_eq!(hours(&progress.starting), starting, "{case}");
        assert_eq!(hours(&progress.waiting), waiting, "{case}");
        assert_eq!(progress.skipped, skipped, "{case}");
        assert_eq!(progress.next_at, Some(at(4 * HOUR)), "{case}");
        let cancelled = match overlap {
            Overlap::CancelOld => runs(open),
            _ => Vec::new(),
        };
        assert_eq!(progress.cancelling, cancelled, "{case}");
        // While there is something to start, whoever looks is to start it.
        let due = match (starting.is_empty(), waiting.is_empty()) {
            (false, _) => now,
            (true, false) => now.after(LOOK_AGAIN),
            (true, true) => at(4 * HOUR),
        };
        assert_eq!(planned.due_at, Some(due), "{case}");
    }
}

#[test]
fn firings_that_wait_start_one_by_one_and_are_never_missed() {
    let record = begun(Overlap::Queue, CatchUp::Skip);
    let now = |hour: u64| at(hour * HOUR);
    let mut record = record.planned(Vec::new(), now(1)).unwrap();
    let mut started = Vec::new();
    for hour in 2..6 {
        started.extend(hours(&record.progress.starting));
        record = record.settled(&[], now(hour)).unwrap();
        // Its run takes three hours.
        let open = if hour == 4 {
            Vec::new()
        } else {
            record.progress.open.clone()
        };
        record = record.planned(open, now(hour)).unwrap();
    }
    started.extend(hours(&record.progress.starting));
    assert_eq!(started, [1, 2]);
    assert_eq!(hours(&record.progress.waiting), [3, 4, 5]);
    assert_eq!((record.progress.fired, record.progress.skipped), (2, 0));
}

#[test]
fn more_than_a_hundred_firings_do_not_wait() {
    let record = begun(Overlap::Queue, CatchUp::All { max: 1_000 });
    let planned = record.planned(runs(&["x"]), at(150 * HOUR)).unwrap();
    assert_eq!(
        hours(&planned.progress.waiting),
        (1..=100).collect::<Vec<_>>()
    );
    assert_eq!(planned.progress.skipped, 50);
    let skip = planned.progress.last_skip.unwrap();
    assert_eq!(
        (skip.firing, skip.because),
        (at(150 * HOUR), SkipReason::QueueFull)
    );
}

#[test]
fn settled_firings_are_counted_and_a_taken_id_is_told() {
    let record = begun(Overlap::Allow, CatchUp::Latest);
    let planned = record.planned(Vec::new(), at(HOUR)).unwrap();
    let settled = planned.settled(&[], at(HOUR)).unwrap();
    let run = settled.run_id(at(HOUR)).unwrap();
    assert_eq!(
        settled.progress.last,
        Some(Fired {
            firing: at(HOUR),
            run: run.clone()
        })
    );
    assert_eq!((settled.progress.fired, settled.progress.skipped), (1, 0));
    assert_eq!(
        (settled.due_at, settled.revision),
        (Some(at(2 * HOUR)), record.revision + 2)
    );

    let taken = planned.settled(&[at(HOUR)], at(HOUR)).unwrap();
    assert_eq!((taken.progress.fired, taken.progress.skipped), (0, 1));
    assert_eq!(
        taken.progress.last_skip.unwrap().because,
        SkipReason::IdTaken { run }
    );
    assert_eq!(taken.progress.last, None);
}

#[test]
fn paused_schedule_is_not_due_and_goes_on_with_the_next_firing() {
    let record = begun(Overlap::Queue, CatchUp::Latest);
    let waits = record.planned(runs(&["x"]), at(HOUR)).unwrap();
    let paused = waits.paused("ann", at(HOUR + 1)).unwrap();
    assert_eq!(paused.due_at, None);
    assert_eq!(paused.progress.waiting, []);
    assert_eq!(
        paused.progress.last_skip.clone().unwrap().because,
        SkipReason::Paused {
            by: "ann".to_owned()
        }
    );
    let again = paused.paused("bob", at(HOUR + 2)).unwrap();
    assert_eq!(again.progress.paused, Some(mark("ann", at(HOUR + 1))));
    assert!(again.upcoming(5).unwrap().is_empty());

    let resumed = again.resumed("bob", at(10 * HOUR)).unwrap();
    assert_eq!(resumed.due_at, Some(at(11 * HOUR)));
    assert_eq!(
        (&resumed.progress.paused, resumed.progress.resumed.as_ref()),
        (&None, Some(&mark("bob", at(10 * HOUR))))
    );
    assert_eq!(hours(&resumed.upcoming(2).unwrap()), [11, 12]);
    assert_eq!(
        resumed.progress.skipped, 1,
        "those between are as if they had not been"
    );
}

#[test]
fn what_was_decided_is_started_even_where_it_is_paused_meanwhile() {
    let planned = begun(Overlap::Skip, CatchUp::Latest)
        .planned(Vec::new(), at(HOUR))
        .unwrap();
    let paused = planned.paused("ann", at(HOUR + 1)).unwrap();
    assert_eq!(
        (paused.due_at, hours(&paused.progress.starting)),
        (Some(at(HOUR + 1)), vec![1])
    );
    assert_eq!(paused.settled(&[], at(HOUR + 2)).unwrap().due_at, None);
}

#[test]
fn other_definition_keeps_what_came_up_unless_the_times_change() {
    let record = begun(Overlap::Skip, CatchUp::Latest);
    let mut other = hourly(Overlap::Allow, CatchUp::Latest);
    other.runs.priority = 5;
    let next = record.redefined(other.clone(), at(9 * HOUR)).unwrap();
    assert_eq!(
        next.progress.next_at,
        Some(at(HOUR)),
        "a deploy after an outage loses no firing"
    );
    other.timing = Timing::Every { seconds: 2 * HOUR };
    let next = next.redefined(other, at(9 * HOUR)).unwrap();
    assert_eq!(
        (next.progress.next_at, next.due_at),
        (Some(at(10 * HOUR)), Some(at(10 * HOUR)))
    );
}

#[test]
fn range_is_bounded_and_does_not_reach_into_the_future() {
    let record = begun(Overlap::Skip, CatchUp::Latest);
    let range = |from, to, max| {
        record
            .firings((at(from), at(to)), max, at(5 * HOUR))
            .unwrap()
    };
    assert_eq!(hours(&range(HOUR, 3 * HOUR, 9).unwrap()), [1, 2]);
    assert_eq!(hours(&range(4 * HOUR, 9 * HOUR, 9).unwrap()), [4, 5]);
    assert_eq!(range(HOUR, 9 * HOUR, 4).unwrap_err(), 5);
}

#[test]
fn schedule_with_no_firing_left_is_never_due() {
    let mut ended = hourly(Overlap::Skip, CatchUp::Latest);
    ended.until = Some(at(5));
    let record = ScheduleRecord::begin("s", ended, at(10)).unwrap();
    assert_eq!((record.due_at, record.progress.next_at), (None, None));
}
