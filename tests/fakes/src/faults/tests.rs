use super::*;

const PLAN: FaultPlan = FaultPlan {
    seed: 7,
    accepted_then_reset: 30,
    timeout: 20,
    error_500_after_accept: 10,
    rate_limited: 40,
    retry_after_s: 2,
    delay: Duration::ZERO,
};

#[test]
fn a_plan_draws_the_same_whatever_the_order_and_about_as_often_as_it_says() {
    let faults = Faults::new(PLAN);
    let keys: Vec<String> = (0..20_000).map(|number| format!("key{number}")).collect();
    let first: Vec<_> = keys.iter().map(|key| faults.draw(key, "a")).collect();
    let again: Vec<_> = keys.iter().rev().map(|key| PLAN.of(key, 0)).rev().collect();
    assert_eq!(first, again);
    let counts = faults.injected();
    let near = |count: u64, per_mille: u64| count.abs_diff(per_mille * 20) < per_mille * 5;
    assert!(near(counts.accepted_then_reset, 30), "{counts:?}");
    assert!(near(counts.timeouts_accepted + counts.timeouts_not_accepted, 20), "{counts:?}");
    assert!(counts.timeouts_accepted > 100 && counts.timeouts_not_accepted > 100, "{counts:?}");
    assert!(near(counts.errors_500_after_accept, 10) && near(counts.rate_limited, 40), "{counts:?}");
    let other = FaultPlan { seed: 8, ..PLAN };
    assert!(keys.iter().any(|key| other.of(key, 0) != PLAN.of(key, 0)));
}

#[test]
fn the_next_attempt_of_a_key_has_luck_of_its_own() {
    let faults = Faults::new(PLAN);
    let drawn: Vec<_> = (0..200).map(|_| faults.draw("one", "a")).collect();
    let planned: Vec<_> = (0..200).map(|attempt| PLAN.of("one", attempt)).collect();
    assert_eq!(drawn, planned);
    assert!(drawn.iter().any(Option::is_some) && drawn.iter().any(Option::is_none));
}

#[test]
fn a_script_goes_before_what_stands_and_what_stands_before_the_plan() {
    let faults = Faults::new(FaultPlan { rate_limited: 1000, ..FaultPlan::default() });
    faults.of_recipient("a", Some(Fault::Error500));
    faults.next(Fault::AcceptThenReset);
    assert_eq!(faults.draw("k", "a"), Some(Fault::AcceptThenReset));
    assert_eq!(faults.draw("k", "a"), Some(Fault::Error500));
    assert_eq!(faults.draw("k", "b"), Some(Fault::RateLimited { retry_after_s: 0 }));
    faults.of_all(Some(Fault::ResetBeforeAccept));
    faults.of_recipient("a", None);
    assert_eq!(faults.draw("k", "a"), Some(Fault::ResetBeforeAccept));
    faults.of_all(None);
    assert_eq!(faults.draw("k", "a"), Some(Fault::RateLimited { retry_after_s: 0 }));
    assert_eq!(faults.injected().sends(), 5);
}
