//! The protocol holds in every world.

use stateright::{Checker, Model};

use super::worlds::World;

/// Goes through the whole world: everything holds, and all that must be seen is seen.
fn holds(world: World) {
    world.checker().spawn_bfs().join().assert_properties();
}

#[test]
fn two_innocents_survive_two_crashes() {
    holds(World::two_innocents_and_two_crashes());
}

#[test]
fn an_innocent_is_quarantined_only_if_it_is_killed_alone() {
    holds(World::an_innocent_with_bad_luck());
}

#[test]
fn a_killer_is_quarantined_and_the_innocent_beside_it_is_not() {
    holds(World::a_killer_beside_an_innocent());
}

#[test]
fn a_killer_that_is_handed_back_unrun_stays_a_suspect() {
    holds(World::a_killer_that_is_handed_back());
}

#[test]
fn a_killer_that_wakes_too_late_puts_no_blame_on_others() {
    holds(World::a_killer_that_sleeps());
}

#[test]
fn a_process_that_slept_changes_nothing_with_its_late_results() {
    holds(World::sleep_and_late_completion());
}

#[test]
fn a_cancellation_is_not_undone_by_a_completion_or_a_crash() {
    holds(World::cancel_against_completion());
}

#[test]
fn a_write_is_repeated_until_its_answer_comes_and_counts_once() {
    holds(World::lost_answers_are_repeated());
}

#[test]
fn a_database_that_stands_still_or_starts_again_looks_like_nobodys_death() {
    holds(World::the_database_stands_still());
}

#[test]
fn a_node_that_leaves_leaves_nothing_behind() {
    holds(World::nodes_leave());
}

#[test]
fn an_innocent_on_its_last_trial_is_not_blamed_for_a_killer() {
    holds(World::the_last_trial_of_an_innocent());
}

#[test]
fn a_trial_whose_answer_is_lost_proves_nothing() {
    holds(World::a_trial_without_an_answer());
}

#[test]
fn what_a_sleeper_claimed_runs_nowhere_unknown() {
    holds(World::claims_that_sleep());
}

#[test]
fn a_sleeper_with_an_open_transaction_learns_what_it_lost() {
    holds(World::a_transaction_that_sleeps());
}

#[test]
fn a_join_waits_for_all_and_comes_once() {
    holds(World::steps_that_meet_in_a_join());
}

#[test]
fn a_step_that_fails_stops_its_run() {
    holds(World::a_step_that_fails());
}

#[test]
fn each_time_of_a_schedule_comes_once() {
    holds(World::times_of_a_schedule());
}
