//! Whose turn it is: rotation between tenants, priority within one. Pure and in memory.

use std::collections::{BTreeMap, HashMap, VecDeque};

use uuid::Uuid;

use crate::lanes::Lane;

/// Lanes asked in one claim.
const LANES_PER_CLAIM: usize = 64;
/// Every so many turns a tenant's longest-waiting lane goes first, whatever its priority.
const AGEING: u64 = 8;

/// The lanes of a queue that may have work, and the order of tenants.
#[derive(Debug, Default)]
pub(super) struct Rotation {
    lanes: HashMap<i64, Lane>,
    newest: i64,
    ready: HashMap<Uuid, Turns>,
    order: VecDeque<Uuid>,
}

#[derive(Debug, Default)]
struct Turns {
    taken: u64,
    /// Ready lanes by (priority, id), with the turn they last had.
    lanes: BTreeMap<(i16, i64), u64>,
}

/// One lane's part in a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ask {
    pub lane: i64,
    pub take: i32,
}

impl Rotation {
    pub(super) fn learn(&mut self, lanes: impl IntoIterator<Item = Lane>) {
        for lane in lanes {
            self.newest = self.newest.max(lane.id);
            self.lanes.insert(lane.id, lane.clone());
            self.wake(lane.id);
        }
    }

    pub(super) fn newest(&self) -> i64 {
        self.newest
    }

    pub(super) fn knows(&self, lane: i64) -> bool {
        self.lanes.contains_key(&lane)
    }

    /// A lane may have work.
    pub(super) fn wake(&mut self, lane: i64) {
        let Some(known) = self.lanes.get(&lane) else { return };
        let turns = self.ready.entry(known.tenant).or_insert_with(|| {
            self.order.push_back(known.tenant);
            Turns::default()
        });
        let now = turns.taken;
        turns.lanes.entry((known.priority, lane)).or_insert(now);
    }

    /// Any lane may have work.
    pub(super) fn wake_all(&mut self) {
        let all: Vec<i64> = self.lanes.keys().copied().collect();
        for lane in all {
            self.wake(lane);
        }
    }

    /// Divides `room` among the tenants whose turn it is, one lane for each.
    pub(super) fn next(&mut self, room: usize) -> Vec<Ask> {
        let tenants = self.order.len().min(LANES_PER_CLAIM).min(room);
        if tenants == 0 {
            return Vec::new();
        }
        let (share, mut extra) = (room / tenants, room % tenants);
        let mut asks = Vec::with_capacity(tenants);
        for _ in 0..tenants {
            let Some(tenant) = self.order.pop_front() else { break };
            self.order.push_back(tenant);
            let Some(turns) = self.ready.get_mut(&tenant) else { continue };
            turns.taken += 1;
            let aged = turns.taken % AGEING == 0;
            let pick = if aged {
                turns.lanes.iter().min_by_key(|(_, last)| **last).map(|(key, _)| *key)
            } else {
                turns.lanes.keys().next().copied()
            };
            if let Some(key) = pick {
                turns.lanes.insert(key, turns.taken);
                let take = share + usize::from(extra > 0);
                extra = extra.saturating_sub(1);
                asks.push(Ask { lane: key.1, take: i32::try_from(take).unwrap_or(i32::MAX) });
            }
        }
        asks
    }

    /// What a claim brought: a lane that gave less than asked is dry until it is woken again.
    pub(super) fn came_back(&mut self, ask: Ask, taken: usize) {
        let full = usize::try_from(ask.take).is_ok_and(|take| taken >= take);
        let Some(lane) = self.lanes.get(&ask.lane) else { return };
        if full {
            return;
        }
        let tenant = lane.tenant;
        if let Some(turns) = self.ready.get_mut(&tenant) {
            turns.lanes.remove(&(lane.priority, ask.lane));
            if turns.lanes.is_empty() {
                self.ready.remove(&tenant);
                self.order.retain(|waiting| *waiting != tenant);
            }
        }
    }

    pub(super) fn is_dry(&self) -> bool {
        self.order.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(id: u32, tenant: u128, priority: i16) -> Lane {
        Lane { id: id.into(), tenant: Uuid::from_u128(tenant), priority }
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
}
