//! Whose turn it is: by weight between tenants, by priority within one. Pure and in memory.
//!
//! Stride scheduling: each job that a tenant gets moves it forward by the inverse of its weight, and
//! whoever is furthest back is served next. A tenant that comes back from idling starts where the
//! others were when a turn was last given, so nobody saves up turns, and one that a limit held back keeps
//! its place before those that were served meanwhile.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use uuid::Uuid;

use crate::lanes::Lane;

/// Tenants asked in one claim.
const TENANTS_PER_CLAIM: usize = 256;
/// Every so many turns a tenant's longest-waiting lane goes first, whatever its priority.
const AGEING: u64 = 8;
/// How far one job moves a tenant of weight 1.
const STRIDE: f32 = 1_048_576.0;
/// Suspects in one claim of a lane: few, so that a death leaves few to be blamed.
const SUSPECTS: usize = 8;
/// Room is dealt in so many rounds at most, so that dealing stays cheap.
const ROUNDS: usize = 8;

/// The lanes of a queue that may have work, and the order of tenants.
#[derive(Debug, Default)]
pub(super) struct Rotation {
    lanes: BTreeMap<i64, Lane>,
    of_others: HashSet<i64>,
    newest: i64,
    tenants: HashMap<Uuid, Turns>,
    /// Tenants with work: how far they are, then who came first.
    order: BTreeSet<(u64, u64, Uuid)>,
    arrivals: u64,
    /// How far the tenant that was furthest back was when turns were last given.
    now: u64,
}

#[derive(Debug, Default)]
struct Turns {
    /// How far the tenant is.
    pass: u64,
    stride: u64,
    /// Its key in the order while it has work.
    place: Option<(u64, u64)>,
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
    /// Lanes that are new, or whose weight changed.
    pub(super) fn learn(&mut self, lanes: impl IntoIterator<Item = Lane>) {
        for lane in lanes {
            self.newest = self.newest.max(lane.id);
            let turns = self.tenants.entry(lane.tenant).or_default();
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "weights are 0.01 to 100"
            )]
            let stride = (STRIDE / lane.weight.max(0.001)) as u64;
            turns.stride = stride.max(1);
            let id = lane.id;
            self.lanes.insert(id, lane);
            self.wake(id);
        }
    }

    pub(super) fn newest(&self) -> i64 {
        self.newest
    }

    /// Lanes whose kind this node cannot run.
    pub(super) fn leave_to_others(&mut self, lanes: impl IntoIterator<Item = i64>) {
        for lane in lanes {
            self.newest = self.newest.max(lane);
            self.of_others.insert(lane);
        }
    }

    /// Whether there are lanes that this node leaves to others.
    pub(super) fn leaves_any(&self) -> bool {
        !self.of_others.is_empty()
    }

    /// A lane of this node.
    pub(super) fn lane(&self, lane: i64) -> Option<&Lane> {
        self.lanes.get(&lane)
    }

    /// The lanes of suspects.
    pub(super) fn isolated(&self) -> impl Iterator<Item = i64> {
        self.lanes.values().filter(|lane| lane.isolated).map(|lane| lane.id)
    }

    /// A few of this node's lanes after a number, in order.
    pub(super) fn ours_after(&self, lane: i64, count: usize) -> Vec<i64> {
        self.lanes.range(lane + 1..).take(count).map(|(lane, _)| *lane).collect()
    }

    /// A lane may have work. Answers whether it is known at all.
    pub(super) fn wake(&mut self, lane: i64) -> bool {
        let Some(known) = self.lanes.get(&lane) else { return self.of_others.contains(&lane) };
        let Some(turns) = self.tenants.get_mut(&known.tenant) else { return true };
        let now = turns.taken;
        turns.lanes.entry((known.priority, lane)).or_insert(now);
        if turns.place.is_none() {
            turns.pass = turns.pass.max(self.now);
            self.arrivals += 1;
            turns.place = Some((turns.pass, self.arrivals));
            self.order.insert((turns.pass, self.arrivals, known.tenant));
        }
        true
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
        let count = self.order.len().min(TENANTS_PER_CLAIM).min(room);
        if count == 0 {
            return Vec::new();
        }
        if let Some((furthest_back, _, _)) = self.order.first() {
            self.now = self.now.max(*furthest_back);
        }
        let chosen: Vec<Uuid> = self.order.iter().take(count).map(|(_, _, tenant)| *tenant).collect();
        let chunk = (room / (count * ROUNDS)).max(1);
        let mut shares: HashMap<Uuid, usize> = HashMap::with_capacity(count);
        let mut turn: BTreeSet<(u64, u64, Uuid)> = BTreeSet::new();
        for tenant in &chosen {
            if let Some((pass, arrival)) = self.leave_order(*tenant) {
                turn.insert((pass, arrival, *tenant));
            }
        }
        let mut left = room;
        while left > 0 {
            let Some((_, _, tenant)) = turn.pop_first() else { break };
            let given = chunk.min(left);
            left -= given;
            *shares.entry(tenant).or_default() += given;
            let Some(turns) = self.tenants.get_mut(&tenant) else { continue };
            turns.pass += turns.stride * given as u64;
            self.arrivals += 1;
            turn.insert((turns.pass, self.arrivals, tenant));
        }
        let mut asks = Vec::with_capacity(count);
        for tenant in chosen {
            self.enter_order(tenant);
            let Some(turns) = self.tenants.get_mut(&tenant) else { continue };
            let Some(take) = shares.get(&tenant) else { continue };
            let Some(key) = turns.pick() else { continue };
            let most = if self.lanes.get(&key.1).is_some_and(|lane| lane.isolated) { SUSPECTS } else { room };
            asks.push(Ask { lane: key.1, take: i32::try_from(*take.min(&most)).unwrap_or(i32::MAX) });
        }
        asks
    }

    /// What a claim brought: a lane that gave less than asked rests until it is woken again, and the
    /// tenant is not charged for what it did not get.
    pub(super) fn came_back(&mut self, ask: Ask, taken: usize) {
        let asked = usize::try_from(ask.take).unwrap_or(0);
        if taken >= asked {
            return;
        }
        let Some(lane) = self.lanes.get(&ask.lane) else { return };
        let (tenant, key) = (lane.tenant, (lane.priority, ask.lane));
        self.leave_order(tenant);
        let Some(turns) = self.tenants.get_mut(&tenant) else { return };
        turns.pass = turns.pass.saturating_sub(turns.stride * (asked - taken) as u64);
        turns.lanes.remove(&key);
        self.enter_order(tenant);
    }

    pub(super) fn is_dry(&self) -> bool {
        self.order.is_empty()
    }

    fn leave_order(&mut self, tenant: Uuid) -> Option<(u64, u64)> {
        let (pass, arrival) = self.tenants.get_mut(&tenant)?.place.take()?;
        self.order.remove(&(pass, arrival, tenant));
        Some((pass, arrival))
    }

    fn enter_order(&mut self, tenant: Uuid) {
        let Some(turns) = self.tenants.get_mut(&tenant) else { return };
        if turns.lanes.is_empty() {
            return;
        }
        self.arrivals += 1;
        turns.place = Some((turns.pass, self.arrivals));
        self.order.insert((turns.pass, self.arrivals, tenant));
    }
}

impl Turns {
    /// The tenant's lane whose turn it is.
    fn pick(&mut self) -> Option<(i16, i64)> {
        self.taken += 1;
        let (first, _) = self.lanes.first_key_value()?;
        let longest = |among: &mut dyn Iterator<Item = (&(i16, i64), &u64)>| {
            among.min_by_key(|(_, last)| **last).map(|(key, _)| *key)
        };
        let priority = first.0;
        let key = if self.taken.is_multiple_of(AGEING) {
            longest(&mut self.lanes.iter())
        } else {
            longest(&mut self.lanes.range((priority, i64::MIN)..=(priority, i64::MAX)))
        }?;
        self.lanes.insert(key, self.taken);
        Some(key)
    }
}

#[cfg(test)]
mod tests;
