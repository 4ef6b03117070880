//! Every way to break the protocol is found out: the checks can fail.

use stateright::{Checker, HasDiscoveries, Model};

use super::{broken::Broken, properties, worlds::World};

/// Looks for a way in which the broken protocol violates the property.
fn is_found_out(world: World, broken: &'static [Broken], property: &'static str) {
    let wanted = HasDiscoveries::AnyOf([property].into());
    let checked = world.with(broken).checker().finish_when(wanted).spawn_bfs().join();
    assert!(checked.discovery(property).is_some(), "{broken:?} does not violate: {property}");
}

#[test]
fn a_completion_without_a_fence_is_found_out() {
    let broken = &[Broken::CompletionWithoutFence];
    is_found_out(World::sleep_and_late_completion(), broken, properties::LATE_IS_VOID);
}

#[test]
fn a_fence_that_is_the_number_of_the_attempt_is_found_out() {
    let broken = &[Broken::FenceFromAttempt];
    is_found_out(World::sleep_and_late_completion(), broken, properties::FENCES_GROW);
    is_found_out(World::sleep_and_late_completion(), broken, properties::ONE_HOLDER);
}

#[test]
fn a_rescue_that_leaves_the_claim_is_found_out() {
    let broken = &[Broken::RescueKeepsClaim];
    is_found_out(World::sleep_and_late_completion(), broken, properties::LATE_IS_VOID);
}

#[test]
fn blame_for_all_that_were_there_is_found_out() {
    let broken = &[Broken::BlameForAll];
    is_found_out(World::a_killer_beside_an_innocent(), broken, properties::INNOCENT_IS_SAFE);
}

#[test]
fn a_claim_that_ignores_the_recorded_suspect_is_found_out() {
    let broken = &[Broken::SuspectBesideSuspect];
    is_found_out(World::two_innocents_and_two_crashes(), broken, properties::SUSPECTS_APART);
}

#[test]
fn a_retry_that_ignores_a_cancellation_is_found_out() {
    let broken = &[Broken::RetryIgnoresCancel];
    is_found_out(World::cancel_against_completion(), broken, properties::CANCEL_HOLDS);
}

#[test]
fn a_node_that_leaves_with_jobs_is_found_out() {
    let broken = &[Broken::LeavesWithJobs];
    is_found_out(World::nodes_leave(), broken, properties::NOTHING_LOST);
    is_found_out(World::nodes_leave(), broken, properties::ALL_END);
}

#[test]
fn silence_that_counts_across_a_start_of_the_database_is_found_out() {
    let broken = &[Broken::SilenceAcrossRestart, Broken::OwnGapForgotten];
    is_found_out(World::the_database_stands_still(), broken, properties::NO_FALSE_DEATH);
}

#[test]
fn a_rescuer_fresh_from_silence_is_found_out() {
    let broken = &[Broken::OwnGapForgotten];
    is_found_out(World::the_database_stands_still(), broken, properties::NO_FALSE_DEATH);
}

#[test]
fn a_rescue_that_forgets_a_cancellation_is_found_out() {
    let broken = &[Broken::RescueForgetsCancel];
    is_found_out(World::cancel_against_completion(), broken, properties::CANCEL_HOLDS);
}

#[test]
fn a_suspect_that_shields_a_killer_beside_it_is_found_out() {
    let broken = &[Broken::CompanyLetOff];
    is_found_out(World::a_killer_beside_an_innocent(), broken, properties::KILLER_IS_BOUNDED);
}

#[test]
fn a_process_that_keeps_what_it_lost_is_found_out() {
    let broken = &[Broken::StruckOffGoesOn];
    is_found_out(World::a_killer_that_sleeps(), broken, properties::RUNS_ITS_OWN);
}

#[test]
fn a_claim_whose_answer_is_forgotten_is_found_out() {
    let broken = &[Broken::LostAnswerNotDisowned];
    is_found_out(World::lost_answers_are_repeated(), broken, properties::ALL_END);
}

#[test]
fn a_suspect_cleared_by_being_handed_back_is_found_out() {
    let broken = &[Broken::ReleasedClearsSuspicion];
    is_found_out(World::a_killer_that_is_handed_back(), broken, properties::KILLER_IS_BOUNDED);
}

#[test]
fn a_lost_result_that_is_recorded_is_found_out() {
    let broken = &[Broken::LostResultRecorded];
    is_found_out(World::sleep_and_late_completion(), broken, properties::ENDS_ONCE);
    is_found_out(World::lost_answers_are_repeated(), broken, properties::ENDS_ONCE);
}

#[test]
fn an_effect_that_is_committed_without_its_ending_is_found_out() {
    let broken = &[Broken::EffectWithoutEnding];
    is_found_out(World::sleep_and_late_completion(), broken, properties::EFFECT_ONCE);
}

#[test]
fn a_last_attempt_that_is_tried_again_is_found_out() {
    let broken = &[Broken::LastAttemptRetried];
    is_found_out(World::sleep_and_late_completion(), broken, properties::ATTEMPTS_BOUNDED);
}

#[test]
fn a_third_blame_beside_others_is_found_out() {
    let broken = &[Broken::BlameBesideOthersQuarantines];
    is_found_out(World::the_last_trial_of_an_innocent(), broken, properties::INNOCENT_IS_SAFE);
}

#[test]
fn a_claim_before_the_end_of_a_lone_suspect_is_written_is_found_out() {
    let broken = &[Broken::QuietEndsTooEarly];
    is_found_out(World::the_last_trial_of_an_innocent(), broken, properties::INNOCENT_IS_SAFE);
    is_found_out(World::the_last_trial_of_an_innocent(), broken, properties::KILLER_IS_BOUNDED);
    is_found_out(World::a_trial_without_an_answer(), broken, properties::INNOCENT_IS_SAFE);
}

#[test]
fn a_void_claim_that_is_carried_out_is_found_out() {
    let broken = &[Broken::OldConnectionsStayValid];
    is_found_out(World::a_trial_without_an_answer(), broken, properties::INNOCENT_IS_SAFE);
    is_found_out(World::claims_that_sleep(), broken, properties::ALL_END);
}

#[test]
fn a_new_row_that_forgets_void_connections_is_found_out() {
    let broken = &[Broken::NewRowForgetsConnections];
    is_found_out(World::claims_that_sleep(), broken, properties::ALL_END);
}

#[test]
fn an_answer_that_outlives_its_row_is_found_out() {
    let broken = &[Broken::AnswerAfterStrikeOffRuns];
    is_found_out(World::claims_that_sleep(), broken, properties::RUNS_ITS_OWN);
}

#[test]
fn a_node_that_does_not_know_what_it_lost_is_found_out() {
    let broken = &[Broken::RescuedInPart];
    is_found_out(World::a_transaction_that_sleeps(), broken, properties::RUNS_ITS_OWN);
}

#[test]
fn a_ticker_that_trusts_its_look_is_found_out() {
    let broken = &[Broken::TickTrustsItsLook];
    is_found_out(World::times_of_a_schedule(), broken, properties::ACCEPTED_ONCE);
}

#[test]
fn a_tick_in_two_transactions_is_found_out() {
    let broken = &[Broken::TickInTwoTransactions];
    is_found_out(World::times_of_a_schedule(), broken, properties::ALL_END);
}

#[test]
fn a_release_apart_from_the_ending_is_found_out() {
    let broken = &[Broken::ReleaseApart];
    is_found_out(World::steps_that_meet_in_a_join(), broken, properties::ALL_END);
}

#[test]
fn a_lost_result_that_releases_is_found_out() {
    let broken = &[Broken::LostResultReleases];
    is_found_out(World::steps_that_meet_in_a_join(), broken, properties::AFTER_ITS_NEEDS);
}

#[test]
fn a_stop_that_forgets_what_waits_is_found_out() {
    let broken = &[Broken::StopForgetsWhatWaits];
    is_found_out(World::a_step_that_fails(), broken, properties::ALL_END);
}
