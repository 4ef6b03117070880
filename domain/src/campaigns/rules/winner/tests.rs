use super::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

fn rule(otherwise: Otherwise) -> Rule {
    Rule { confidence: 9_500, least: 100, deadline: at("2026-06-02T09:00:00Z"), otherwise }
}

fn of_thousand(hits: &[u32]) -> Vec<Tally> {
    hits.iter().map(|hits| Tally { sent: 1_000, hits: *hits }).collect()
}

const BEFORE: &str = "2026-06-02T08:59:59Z";
const AFTER: &str = "2026-06-02T09:00:00Z";

/// Which variant is taken and whether it is surely better, or which looks were taken.
fn shown(verdict: Verdict) -> String {
    match verdict {
        Verdict::Wait(looks) => format!("wait {} {}", looks.taken, looks.at),
        Verdict::Taken { variant, why: Why::Better { p } } => format!("{variant} better {p:.5}"),
        Verdict::Taken { variant, why: Why::TimeUp } => format!("{variant} time is up"),
        Verdict::Taken { variant, why: Why::Alone } => format!("{variant} alone"),
    }
}

/// The chances of p, by hand: 250 against 200 is 0.00742; 300 against 240, 255, 262 is 0.00251, 0.02463, 0.05871. What the
/// looks allow at 95 %: 0.025, 0.00833, 0.00417.
#[test]
fn whoever_is_better_than_each_other_is_taken_as_soon_as_it_is_sure() {
    for (hits, taken, looked_at, now, wanted) in [
        (&[200, 250][..], 0, 0, BEFORE, "1 better 0.00742"),
        (&[250, 200][..], 0, 0, BEFORE, "0 better 0.00742"),
        // Not a second time before there is twice as much to see.
        (&[200, 250][..], 1, 501, BEFORE, "wait 1 501"),
        (&[200, 250][..], 1, 500, BEFORE, "1 better 0.00742"),
        // The third look must be surer.
        (&[200, 250][..], 2, 500, BEFORE, "wait 3 1000"),
        (&[200, 250][..], 2, 500, AFTER, "1 time is up"),
        // The last look may come early.
        (&[200, 250][..], 1, 900, AFTER, "1 better 0.00742"),
        (&[200, 200][..], 0, 0, BEFORE, "wait 1 1000"),
        (&[200, 200][..], 0, 0, AFTER, "0 time is up"),
        // Of three the best must beat both: the nearer at 0.025, the other at the half of it.
        (&[240, 300, 255][..], 0, 0, BEFORE, "1 better 0.02463"),
        (&[240, 300, 262][..], 0, 0, BEFORE, "wait 1 1000"),
        (&[255, 300, 255][..], 0, 0, BEFORE, "wait 1 1000"),
        (&[240, 300, 255][..], 1, 100, BEFORE, "wait 2 1000"),
        // Nobody has replied yet.
        (&[0, 0][..], 0, 0, BEFORE, "wait 0 0"),
        (&[7][..], 0, 0, BEFORE, "0 alone"),
        (&[][..], 0, 0, BEFORE, "0 alone"),
    ] {
        let looks = Looks { taken, at: looked_at, asked_at: None };
        let verdict = rule(Otherwise::Best).decide(&of_thousand(hits), looks, at(now));
        assert_eq!(shown(verdict), wanted, "{hits:?} {looks:?} {now}");
    }
}

#[test]
fn without_enough_it_waits_and_from_the_deadline_on_as_the_rule_says() {
    // Far apart, but one of them has had fewer than a hundred.
    let few = [Tally { sent: 5_000, hits: 500 }, Tally { sent: 99, hits: 90 }];
    let looks = Looks::default();
    let decide = |otherwise, now| shown(rule(otherwise).decide(&few, looks, at(now)));
    assert_eq!(decide(Otherwise::Best, BEFORE), "wait 0 0", "that was no look");
    assert_eq!(decide(Otherwise::Best, AFTER), "1 time is up");
    assert_eq!(decide(Otherwise::Control, AFTER), "0 time is up");
    let nobody = [Tally::default(); 3];
    assert_eq!(shown(rule(Otherwise::Best).decide(&nobody, looks, at(AFTER))), "0 time is up");
    let unsent = [Tally::default(), Tally { sent: 10, hits: 0 }];
    assert_eq!(shown(rule(Otherwise::Best).decide(&unsent, looks, at(AFTER))), "1 time is up");
}

#[test]
fn hits_are_counted_where_a_look_is_due_and_not_again_and_again() {
    const HALF_A_MINUTE_BEFORE: &str = "2026-06-02T08:59:29Z";
    const A_MOMENT_BEFORE: &str = "2026-06-02T08:59:30Z";
    for (sent, looked_at, asked_at, now, wanted) in [
        (100, 0, None, BEFORE, true),
        (100, 0, Some(HALF_A_MINUTE_BEFORE), BEFORE, true),
        (100, 0, Some(A_MOMENT_BEFORE), BEFORE, false),
        // Too few to compare, or not twice as many as at the last look.
        (99, 0, None, BEFORE, false),
        (199, 100, None, BEFORE, false),
        (200, 100, None, BEFORE, true),
        // Somebody is taken then in any case.
        (0, 100, Some(BEFORE), AFTER, true),
    ] {
        let tallies = [Tally { sent: 5_000, hits: 0 }, Tally { sent, hits: 0 }];
        let looks = Looks { taken: 1, at: looked_at, asked_at: asked_at.map(at) };
        assert_eq!(rule(Otherwise::Best).asks(&tallies, looks, at(now)), wanted, "{sent} {looks:?} {now}");
    }
    assert!(rule(Otherwise::Best).asks(&[Tally::default()], Looks::default(), at(BEFORE)), "it is alone");
}

#[test]
fn equal_rates_are_equal_however_large_and_the_first_is_ahead() {
    let thirds = [(1, 3), (333_333_333, 999_999_999), (2, 6)].map(|(hits, sent)| Tally { sent, hits });
    assert_eq!(best(&thirds), 0);
    assert_eq!(best(&[thirds[0], Tally { sent: 999_999_999, hits: 333_333_334 }]), 1);
}

/// Numbers that follow no rule anybody would find: splitmix64 of G. L. Steele, D. Lea, C. H. Flood (2014).
fn draw(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Two variants that are the same are looked at after every hundred messages of each. Whoever tests each time at 95 % takes
/// one for better far oftener than one time in twenty; the rule does not.
#[test]
fn looking_often_does_not_make_chance_a_winner() {
    let (mut by_rule, mut by_peeping) = (0, 0);
    let mut state = 1;
    for _ in 0..400 {
        let mut tallies = [Tally::default(); 2];
        let (mut looks, mut won, mut peeped) = (Looks::default(), false, false);
        for _ in 0..40 {
            for tally in &mut tallies {
                for _ in 0..100 {
                    tally.sent += 1;
                    tally.hits += u32::from(draw(&mut state).is_multiple_of(5));
                }
            }
            peeped |= two_proportions(tallies[0], tallies[1]).is_some_and(|test| test.p <= 0.05);
            if !won {
                match rule(Otherwise::Best).decide(&tallies, looks, at(BEFORE)) {
                    Verdict::Wait(taken) => looks = taken,
                    Verdict::Taken { .. } => won = true,
                }
            }
        }
        by_rule += u32::from(won);
        by_peeping += u32::from(peeped);
    }
    assert!(by_rule <= 20, "{by_rule} of 400");
    assert!(by_peeping > 60, "{by_peeping} of 400: the test would not show it");
}
