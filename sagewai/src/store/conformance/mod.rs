//! The contract of a store as tests: for the stores of this library, and for your own.
//!
//! Every case begins with a new, empty store, which a factory makes, and panics where the store breaks a promise.
//! [`conformance_tests!`] makes one test of each case, named by the behaviour:
//!
//! ```
//! # #[cfg(any())]
//! mod my_store {
//!     use sagewai::store::conformance::Fresh;
//!
//!     async fn factory() -> Fresh {
//!         let folder = tempfile::tempdir().unwrap();
//!         Fresh::new(MyStore::open(folder.path()).await.unwrap()).keeping(folder)
//!     }
//!
//!     sagewai::conformance_tests!(factory);
//! }
//! ```
//!
//! The tests use `tokio` with the features `macros` and `rt-multi-thread`, which the package that holds them names
//! among its dependencies.

#[doc(hidden)]
pub mod cases;
mod scene;

use std::any::Any;
use std::future::Future;

use super::{AnyStore, Store};

pub use crate::conformance_tests;

/// A store that nobody has used: without tables, if it has such.
#[derive(Debug)]
pub struct Fresh {
    store: AnyStore,
    // Dropped after the store.
    kept: Vec<Box<dyn Any + Send>>,
}

impl Fresh {
    /// Holds a store that nobody has used.
    pub fn new(store: impl Store) -> Fresh {
        Fresh {
            store: AnyStore::new(store),
            kept: Vec::new(),
        }
    }

    /// Keeps something until the case is over: the folder of a file, a server.
    pub fn keeping(mut self, thing: impl Any + Send) -> Fresh {
        self.kept.push(Box::new(thing));
        self
    }

    /// The store.
    pub fn store(&self) -> AnyStore {
        self.store.clone()
    }
}

/// Runs every case, one after the other, each on a new store. For a harness that cannot use
/// [`conformance_tests!`].
///
/// # Panics
/// Where the store breaks a promise.
///
/// ```
/// use sagewai::store::InMemoryStore;
/// use sagewai::store::conformance::{Fresh, run_all};
///
/// # #[tokio::main] async fn main() {
/// run_all(|| async { Fresh::new(InMemoryStore::new()) }).await;
/// # }
/// ```
pub async fn run_all<F, Making>(factory: F)
where
    F: Fn() -> Making,
    Making: Future<Output = Fresh>,
{
    conformance_tests!(@list run factory);
}

/// Makes one `#[tokio::test]` of each case of [`store::conformance`](crate::store::conformance): for the factory
/// that it is given, an `async fn() -> Fresh`.
#[macro_export]
macro_rules! conformance_tests {
    (@tests $factory:expr; $($case:ident)*) => { $(
        #[::tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $case() {
            let fresh = $factory().await;
            $crate::store::conformance::cases::$case(fresh.store()).await;
        }
    )* };
    (@run $factory:expr; $($case:ident)*) => { $(
        let fresh = $factory().await;
        $crate::store::conformance::cases::$case(fresh.store()).await;
    )* };
    (@names $nothing:expr; $($case:ident)*) => {
        [$(stringify!($case)),*]
    };
    (@list $way:ident $factory:expr) => {
        $crate::conformance_tests! { @$way $factory;
            tables_are_made_once_however_often_and_by_however_many
            clock_does_not_run_backwards
            hint_follows_what_makes_work
            hint_follows_the_end_of_a_run

            started_run_is_there_with_its_input
            start_of_same_id_and_input_attaches
            start_of_same_id_with_other_input_or_workflow_conflicts
            two_starts_of_one_id_at_once_create_one_run
            many_starts_at_once_are_each_answered
            start_of_finished_run_leaves_it_as_it_is
            unknown_run_is_no_error
            too_large_input_is_refused_with_nothing_written
            delayed_run_is_claimable_when_its_time_has_come

            claimed_run_is_running_under_a_new_epoch
            higher_priority_is_claimed_first_then_age
            priority_holds_across_label_sets
            claim_takes_no_more_than_its_limit
            three_workers_share_sixty_runs_each_once
            labels_are_matched_by_containment
            worker_without_labels_gets_only_what_asks_for_none
            worker_of_another_pool_gets_nothing
            run_of_unregistered_workflow_is_not_claimed
            worker_that_is_gone_claims_nothing
            one_run_is_claimed_whatever_it_asks_for
            one_run_is_not_claimed_while_it_is_not_claimable
            two_claims_of_one_run_at_once_have_one_winner
            claims_whose_reply_was_lost_are_taken_again

            commit_is_read_back_as_it_was_written
            journal_is_in_order
            commit_given_twice_answers_the_same
            commit_given_twice_is_still_stored_after_a_takeover
            commit_under_an_old_epoch_is_fenced
            commit_of_another_worker_is_fenced
            commit_of_a_buried_worker_is_fenced
            commit_after_the_lease_passed_is_fenced_until_a_heartbeat
            commit_of_a_run_that_is_over_is_fenced
            commit_of_an_unknown_run_is_fenced
            output_is_there_as_soon_as_the_run_has_ended
            completed_run_keeps_its_output
            failed_run_says_what_went_wrong
            too_large_payload_is_refused_with_nothing_written
            many_commits_at_once_are_each_judged_alone
            position_that_is_taken_is_an_error_of_its_own_commit
            run_that_is_handed_back_is_claimable_at_once

            parked_run_waits_and_says_for_what
            timer_wakes_a_parked_run
            nothing_is_due_where_nobody_sleeps
            park_is_refused_after_a_decision
            park_and_decision_at_once_lose_no_wake_up
            decision_wakes_a_run_before_its_time

            decision_is_kept_and_told
            vote_that_comes_early_is_kept_for_the_question
            first_decision_stands
            two_decisions_at_once_have_one_winner
            quorum_takes_so_many_different_people
            votes_at_once_are_all_counted
            deadline_decides_where_nobody_has
            gate_that_is_withdrawn_is_not_open
            vote_on_a_run_that_is_over_changes_nothing
            open_gates_are_those_that_wait_oldest_first
            asking_twice_keeps_the_first_question
            retry_asks_anew_where_a_gate_was_rejected

            signals_are_kept_in_the_order_they_were_sent
            signal_wakes_a_run_that_waits
            signal_before_the_first_claim_is_kept
            signal_sent_again_under_its_id_is_one
            signal_is_taken_with_the_commit_that_uses_it
            signal_is_not_taken_by_a_commit_that_is_fenced
            signal_to_a_run_that_is_over_is_refused
            signal_that_is_dropped_stays_sent
            too_large_signal_is_refused_with_nothing_written
            signals_sent_at_once_are_all_kept
            park_and_signal_at_once_lose_no_wake_up

            cancel_ends_a_run_whatever_it_does
            cancel_of_a_run_that_is_over_changes_nothing
            commits_after_a_cancel_are_fenced_and_leave_nothing
            cancel_and_completion_at_once_leave_one_end
            cancel_and_park_at_once_leave_a_run_that_is_over
            cancel_and_claim_at_once_leave_nothing_to_claim
            hint_follows_a_cancel
            run_that_was_cancelled_is_not_retried

            pause_takes_hold_with_the_next_commit
            pause_of_a_run_that_nobody_drives_holds_at_once
            resume_before_the_pause_takes_hold_undoes_it
            run_that_ends_does_not_pause_any_more
            pause_outlives_the_worker_that_was_to_heed_it
            pause_and_park_at_once_leave_a_run_that_pauses
            resume_and_the_pause_at_once_leave_a_run_that_goes_on

            as_many_starts_at_once_are_let_in_as_may_wait
            run_that_does_not_wait_any_more_makes_room
            start_of_a_run_that_is_there_attaches_however_many_wait
            debounced_starts_become_one_run_with_the_last_arguments
            debounced_run_waits_no_longer_than_it_may
            paused_run_takes_no_arguments_of_debounced_starts
            debounced_start_and_claim_at_once_lose_no_arguments

            children_are_listed_with_how_they_ended
            end_of_a_child_wakes_its_parent
            end_of_a_child_is_heard_by_a_parent_that_is_driven
            end_of_a_child_means_nothing_to_a_parent_that_does_not_wait
            children_end_with_their_parent_unless_they_are_abandoned
            commit_ends_children_that_are_not_waited_for
            park_and_end_of_a_child_at_once_lose_no_wake_up
            start_again_keeps_the_first_header

            run_fails_at_its_deadline_whatever_it_does
            deadline_means_nothing_to_a_run_that_is_over
            next_deadline_is_told
            run_that_no_worker_takes_in_time_is_cancelled
            run_that_was_taken_in_time_does_not_expire
            deadline_and_completion_at_once_leave_one_end

            no_more_runs_of_a_workflow_are_driven_than_its_limit
            claims_at_once_keep_the_limit
            full_key_is_passed_over
            keys_take_turns_by_age
            run_that_waits_holds_no_slot_and_takes_one_again
            slot_is_free_when_a_run_is_ended_or_stopped_from_outside
            slot_of_a_dead_worker_goes_on_with_its_run
            claim_of_others_leaves_workflows_with_limits_alone
            rate_lets_so_many_begin_and_says_when_the_next_may
            rate_of_a_key_holds_back_that_key
            run_that_has_begun_goes_on_whatever_the_rate
            one_run_is_not_claimed_beyond_the_limits
            hint_follows_a_slot_that_becomes_free

            heartbeat_extends_the_lease_and_tells_what_runs
            heartbeat_of_a_worker_that_is_gone_is_lost
            lease_that_passed_is_found_by_the_clock
            worker_is_buried_once
            run_of_a_worker_that_signed_off_is_claimable_at_once
            wish_comes_with_the_beat_until_the_worker_is_gone
            name_of_its_own_is_that_of_one_living_worker
            two_registrations_of_one_name_at_once_are_one
            worker_takes_only_versions_that_it_serves
            backlog_tells_what_waits_by_what_it_asks_for
            run_that_is_handed_over_goes_where_it_is_sent
            run_that_was_handed_over_is_home_after_a_sleep
            run_that_was_handed_over_can_be_cancelled_in_its_queue
            run_that_is_meant_for_a_worker_goes_to_it
            run_that_is_meant_for_a_worker_that_does_not_come_goes_to_any
            worker_leaves_what_is_meant_for_it_where_it_does_not_serve_it
            choices_count_before_anything_is_claimed
            choices_at_once_are_spread
            choice_that_was_claimed_counts_as_a_run_and_one_that_expired_not_at_all

            takeover_comes_before_queued_runs
            takeover_finds_what_a_worker_still_has_among_all_it_had
            takeover_has_one_winner
            claim_whose_reply_was_lost_is_taken_again_by_its_worker
            takeover_asks_for_pool_labels_and_workflow
            deaths_without_progress_are_counted
            workers_are_listed_newest_first

            retried_run_goes_on_from_its_failure
            retry_forgets_an_earlier_failure_that_ended_the_run
            retry_keeps_what_other_branches_have_done
            retry_of_a_run_whose_code_did_not_fit_keeps_everything
            retry_of_any_other_run_changes_nothing
            two_retries_at_once_are_one

            schedule_is_read_back_as_it_was_written
            schedule_is_written_over_the_revision_that_was_read_only
            of_many_changes_over_one_revision_one_is_written
            schedules_are_listed_by_name_until_they_are_deleted
            schedules_are_found_when_they_are_due
            hint_follows_a_schedule_that_is_due_at_a_time
            schedule_with_too_large_an_input_is_refused

            runs_are_listed_newest_first_and_by_page
            runs_are_filtered_by_state_and_workflow
            history_tells_of_failures_and_leaves_values_where_they_are
            runs_are_counted_by_state
            wake_counters_are_those_of_own_runs
        }
    };
    ($factory:expr) => {
        $crate::conformance_tests! { @list tests $factory }
    };
}

#[cfg(test)]
mod tests {
    use std::future::{Ready, ready};

    use super::Fresh;
    use crate::store::InMemoryStore;

    fn in_memory() -> Ready<Fresh> {
        ready(Fresh::new(InMemoryStore::new()))
    }

    conformance_tests!(in_memory);

    #[test]
    fn every_case_is_listed() {
        let listed = conformance_tests!(@list names ());
        let written: Vec<&str> = [
            include_str!("cases/admission.rs"),
            include_str!("cases/schema.rs"),
            include_str!("cases/start.rs"),
            include_str!("cases/claim.rs"),
            include_str!("cases/commit.rs"),
            include_str!("cases/fence.rs"),
            include_str!("cases/park.rs"),
            include_str!("cases/gates.rs"),
            include_str!("cases/signals.rs"),
            include_str!("cases/cancel.rs"),
            include_str!("cases/pause.rs"),
            include_str!("cases/children.rs"),
            include_str!("cases/limits.rs"),
            include_str!("cases/limited.rs"),
            include_str!("cases/lease.rs"),
            include_str!("cases/fleet.rs"),
            include_str!("cases/takeover.rs"),
            include_str!("cases/retry.rs"),
            include_str!("cases/schedules.rs"),
            include_str!("cases/query.rs"),
        ]
        .iter()
        .flat_map(|file| file.lines())
        .filter_map(|line| line.strip_prefix("pub async fn "))
        .filter_map(|rest| rest.split('(').next())
        .collect();
        for case in &written {
            assert!(listed.contains(case), "`{case}` is not in the list");
        }
        assert_eq!(listed.len(), written.len());
    }
}
