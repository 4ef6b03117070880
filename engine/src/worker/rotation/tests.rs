use proptest::prelude::*;

use super::*;

fn lane(id: u32, tenant: u128, priority: i16) -> Lane {
    weighted(id, tenant, priority, 1.0)
}

fn weighted(id: u32, tenant: u128, priority: i16, weight: f32) -> Lane {
    let tenant = Uuid::from_u128(tenant);
    Lane { id: id.into(), tenant, priority, kind: "probe".into(), version: 1, weight, isolated: false }
}

#[test]
fn a_big_tenant_gets_no_more_than_its_turn() {
    let mut rotation = Rotation::default();
    rotation.learn((1..=4).map(|n| lane(n, n.into(), 1)));
    let asks = rotation.next(10);
    assert_eq!(asks.iter().map(|ask| ask.take).sum::<i32>(), 10);
    assert!(asks.iter().all(|ask| (2..=3).contains(&ask.take)), "{asks:?}");
}

#[test]
fn with_less_room_than_tenants_turns_go_round() {
    let mut rotation = Rotation::default();
    rotation.learn((1..=4).map(|n| lane(n, n.into(), 1)));
    let turns: Vec<i64> = (0..8).flat_map(|_| rotation.next(1)).map(|ask| ask.lane).collect();
    assert_eq!(turns, [1, 2, 3, 4, 1, 2, 3, 4]);
}

#[test]
fn priority_goes_first_but_never_starves_the_rest() {
    let mut rotation = Rotation::default();
    rotation.learn([lane(1, 1, 0), lane(2, 1, 3)]);
    let turns: Vec<i64> = (0..16).flat_map(|_| rotation.next(1)).map(|ask| ask.lane).collect();
    assert_eq!(turns.iter().filter(|turn| **turn == 2).count(), 2, "{turns:?}");
}

#[test]
fn lanes_of_one_priority_take_turns() {
    let mut rotation = Rotation::default();
    rotation.learn([lane(1, 1, 1), lane(2, 1, 1)]);
    let turns: Vec<i64> = (0..4).flat_map(|_| rotation.next(1)).map(|ask| ask.lane).collect();
    assert_eq!(turns.iter().filter(|turn| **turn == 2).count(), 2, "{turns:?}");
}

#[test]
fn a_dry_lane_rests_until_woken() {
    let mut rotation = Rotation::default();
    rotation.learn([lane(1, 1, 1)]);
    let ask = rotation.next(5)[0];
    rotation.came_back(ask, 5);
    assert!(!rotation.is_dry());
    rotation.came_back(ask, 4);
    assert!(rotation.is_dry());
    assert!(rotation.next(5).is_empty());
    rotation.wake(1);
    assert_eq!(rotation.next(5), [Ask { lane: 1, take: 5 }]);
}

#[test]
fn who_comes_back_from_idling_has_saved_no_turns() {
    let mut rotation = Rotation::default();
    rotation.learn([lane(1, 1, 1), lane(2, 2, 1)]);
    let idle = rotation.next(2).into_iter().find(|ask| ask.lane == 2).expect("both are asked");
    rotation.came_back(idle, 0);
    for _ in 0..1_000 {
        rotation.next(1);
    }
    rotation.wake(2);
    let turns: Vec<i64> = (0..10).flat_map(|_| rotation.next(1)).map(|ask| ask.lane).collect();
    assert!((4..=6).contains(&turns.iter().filter(|turn| **turn == 2).count()), "{turns:?}");
}

#[test]
fn who_was_served_while_nobody_else_wanted_anything_is_not_made_to_wait_for_it() {
    let mut rotation = Rotation::default();
    rotation.learn([lane(1, 1, 1)]);
    for _ in 0..1_000 {
        let ask = rotation.next(2)[0];
        rotation.came_back(ask, 1);
        rotation.wake(1);
    }
    let ask = rotation.next(1)[0];
    rotation.came_back(ask, 0);
    rotation.learn([lane(2, 2, 1)]);
    rotation.wake(1);
    let turns: Vec<i64> = (0..10).flat_map(|_| rotation.next(1)).map(|ask| ask.lane).collect();
    assert!((4..=6).contains(&turns.iter().filter(|turn| **turn == 2).count()), "{turns:?}");
}

#[test]
fn under_a_limit_of_one_tenants_still_take_turns() {
    let mut rotation = Rotation::default();
    rotation.learn([lane(1, 1, 1), lane(2, 2, 1)]);
    let mut served = [0, 0];
    for _ in 0..10 {
        let asks = rotation.next(8);
        // The limit gives its one slot to the first that asks.
        for (place, ask) in asks.iter().enumerate() {
            let taken = usize::from(place == 0);
            served[usize::try_from(ask.lane - 1).expect("a lane")] += taken;
            rotation.came_back(*ask, taken);
        }
        // The next poll, in the order of lanes.
        rotation.wake_all();
    }
    assert_eq!(served, [5, 5]);
}

proptest! {
    /// Whatever the room of each claim, tenants with work get jobs in proportion to their weights.
    #[test]
    fn shares_follow_weights(
        weights in proptest::collection::vec(1_u8..20, 2..6),
        rooms in proptest::collection::vec(1_u16..300, 50..80),
    ) {
        let mut rotation = Rotation::default();
        rotation.learn((0..).zip(&weights).map(|(n, weight)| weighted(n + 1, n.into(), 1, f32::from(*weight))));
        let mut got = vec![0_f64; weights.len()];
        for room in &rooms {
            for ask in rotation.next((*room).into()) {
                rotation.came_back(ask, usize::try_from(ask.take).expect("no more than the room"));
                got[usize::try_from(ask.lane - 1).expect("a lane")] += f64::from(ask.take);
            }
        }
        let total: f64 = got.iter().sum();
        let weight: f64 = weights.iter().map(|weight| f64::from(*weight)).sum();
        let room: f64 = rooms.iter().map(|room| f64::from(*room)).sum();
        prop_assert!((total - room).abs() < 0.5);
        for (got, own) in got.iter().zip(&weights) {
            let fair = total * f64::from(*own) / weight;
            // One claim's dealing, and one chunk, is all that anyone may be ahead or behind.
            prop_assert!((got - fair).abs() <= 90.0, "{got} instead of {fair}");
        }
    }
}
