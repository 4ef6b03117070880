//! Lanes that something keeps from being served now: a time that must come, or a slot that must come back. Pure and in
//! memory.
//!
//! A slot is left for a while to the process where it came back: if all asked at once, they would stand in each other's
//! way for what one can take. A lane goes on waiting for a slot of this process while it waits for such a while to pass.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use tokio::time::Instant;

/// How long a slot is left to the process where it came back.
const HEAD_START: Duration = Duration::from_millis(8);

/// The limit that stands for the turn of a suspect; see `engine.claim`.
const SUSPECTS: i64 = 0;

#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// Lanes to look at again: a bucket fills, a job is due, or others had their head start.
    later: BTreeSet<(Instant, i64)>,
    /// Lanes by the limit that must get a slot back.
    held_back: HashMap<i64, BTreeSet<i64>>,
    /// Lanes for which a slot came back elsewhere: when they are looked at, and the limit.
    left_to_others: HashMap<i64, (Instant, i64)>,
}

impl Waiting {
    /// A lane is to be looked at then.
    pub(super) fn until(&mut self, at: Instant, lane: i64) {
        self.later.insert((at, lane));
    }

    /// A lane waits for a slot of one of these limits.
    pub(super) fn for_slots(&mut self, lane: i64, limits: Vec<i64>) {
        for limit in limits {
            self.held_back.entry(limit).or_default().insert(lane);
        }
    }

    /// When the next lane is to be looked at.
    pub(super) fn next(&self) -> Option<Instant> {
        self.later.first().map(|(at, _)| *at)
    }

    /// A lane whose time has come.
    pub(super) fn due(&mut self, now: Instant) -> Option<i64> {
        let (at, lane) = self.later.pop_first()?;
        if at > now {
            self.later.insert((at, lane));
            return None;
        }
        if let Some((_, limit)) = self.left_to_others.remove(&lane)
            && let Some(lanes) = self.held_back.get_mut(&limit)
        {
            lanes.remove(&lane);
        }
        Some(lane)
    }

    /// Whether suspects wait for their turn.
    pub(super) fn have_suspects(&self) -> bool {
        self.held_back.get(&SUSPECTS).is_some_and(|lanes| !lanes.is_empty())
    }

    /// The lanes that wait for slots.
    pub(super) fn lanes(&self) -> BTreeSet<i64> {
        self.held_back.values().flatten().copied().collect()
    }

    /// Jobs of these lanes end in this process: what holds one of them back gets a slot. Answers the lanes that waited
    /// for one.
    pub(super) fn end_here(&mut self, lanes: &[i64]) -> BTreeSet<i64> {
        let holds = |held: &BTreeSet<i64>| lanes.iter().any(|lane| held.contains(lane));
        let limits: Vec<i64> =
            self.held_back.iter().filter(|(_, held)| holds(held)).map(|(limit, _)| *limit).collect();
        self.came_back_here(&limits)
    }

    /// Limits got slots back in this process. Answers the lanes that waited for them.
    pub(super) fn came_back_here(&mut self, limits: &[i64]) -> BTreeSet<i64> {
        let lanes: BTreeSet<i64> =
            limits.iter().filter_map(|limit| self.held_back.remove(limit)).flatten().collect();
        for lane in &lanes {
            if let Some((at, _)) = self.left_to_others.remove(lane) {
                self.later.remove(&(at, *lane));
            }
        }
        lanes
    }

    /// Limits got slots back in another process.
    pub(super) fn came_back_elsewhere(&mut self, limits: &[i64], now: Instant) {
        let at = now + HEAD_START;
        for limit in limits {
            for lane in self.held_back.get(limit).into_iter().flatten() {
                self.left_to_others.entry(*lane).or_insert_with(|| {
                    self.later.insert((at, *lane));
                    (at, *limit)
                });
            }
        }
    }

    /// All lanes are looked at now, whatever they wait for.
    pub(super) fn forget_slots(&mut self) {
        self.held_back.clear();
        self.left_to_others.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting() -> (Waiting, Instant) {
        let mut waiting = Waiting::default();
        waiting.for_slots(7, vec![1, 2]);
        waiting.for_slots(8, vec![1]);
        (waiting, Instant::now())
    }

    #[test]
    fn a_slot_of_this_process_is_taken_at_once_also_while_others_have_their_head_start() {
        let (mut waiting, now) = waiting();
        waiting.came_back_elsewhere(&[1], now);
        assert_eq!(waiting.due(now), None);
        assert_eq!(waiting.came_back_here(&[1]), BTreeSet::from([7, 8]));
        assert_eq!(waiting.due(now + HEAD_START), None, "they were looked at");
        assert_eq!(waiting.came_back_here(&[1]), BTreeSet::new());
        assert_eq!(waiting.came_back_here(&[2]), BTreeSet::from([7]));
    }

    #[test]
    fn a_slot_of_another_process_is_looked_for_once_after_its_head_start() {
        let (mut waiting, now) = waiting();
        for late in 0..4 {
            waiting.came_back_elsewhere(&[1, 3], now + Duration::from_millis(late));
        }
        assert_eq!(waiting.next(), Some(now + HEAD_START));
        let mut due = BTreeSet::new();
        while let Some(lane) = waiting.due(now + HEAD_START) {
            due.insert(lane);
        }
        assert_eq!((due, waiting.next()), (BTreeSet::from([7, 8]), None));
        waiting.came_back_elsewhere(&[1], now);
        assert_eq!(waiting.next(), None, "nobody waits for it any more");
        waiting.came_back_elsewhere(&[2], now);
        assert_eq!(waiting.due(now + HEAD_START), Some(7));
    }

    #[test]
    fn what_ends_in_a_lane_that_waits_is_for_all_that_wait_for_the_same() {
        let (mut waiting, now) = waiting();
        waiting.for_slots(9, vec![3]);
        assert_eq!(waiting.lanes(), BTreeSet::from([7, 8, 9]));
        waiting.came_back_elsewhere(&[1], now);
        assert_eq!(waiting.end_here(&[5]), BTreeSet::new(), "nothing holds that lane back");
        assert_eq!(waiting.end_here(&[5, 8]), BTreeSet::from([7, 8]));
        assert_eq!(waiting.due(now + HEAD_START), None, "they were looked at");
        assert_eq!(waiting.lanes(), BTreeSet::from([7, 9]), "of the other limit nothing is known");
        assert!(!waiting.have_suspects());
        waiting.for_slots(4, vec![SUSPECTS]);
        assert!(waiting.have_suspects());
    }

    #[test]
    fn times_come_in_their_order() {
        let (mut waiting, now) = waiting();
        let second = Duration::from_secs(1);
        waiting.until(now + second, 5);
        waiting.until(now, 6);
        assert_eq!((waiting.due(now), waiting.due(now)), (Some(6), None));
        waiting.forget_slots();
        assert_eq!(waiting.came_back_here(&[1, 2]), BTreeSet::new());
        assert_eq!(waiting.due(now + second), Some(5));
    }
}
