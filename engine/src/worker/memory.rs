//! What a dispatcher remembers between claims, and what wakes it.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use tokio::{
    sync::broadcast::{self, error::TryRecvError},
    time::Instant,
};

use super::{QueueId, alone::ALONE_EVERY, chance, positions::Positions, rotation::Rotation};
use crate::{Engine, bus::Hint, db::Line};

/// Polling is never further apart, hints or not.
const POLL: Duration = Duration::from_secs(1);
/// How long a slot is left to the process where it came back: if all asked at once, they would stand in each other's
/// way for what one can take.
const HEAD_START: Duration = Duration::from_millis(8);
/// A sweep is at least so far from the last.
pub(super) const SWEEP: Duration = Duration::from_secs(20);

/// What a dispatcher remembers between claims.
pub(super) struct Memory {
    pub line: Line,
    pub rotation: Rotation,
    pub positions: Positions,
    hints: broadcast::Receiver<Hint>,
    pub poll_at: Instant,
    /// Lanes to look at again: a bucket fills, or a job is due.
    later: BTreeSet<(Instant, i64)>,
    /// The operators' revision that the rotation was read at.
    pub revision: i64,
    pub known: Known,
    pub sweep_at: Instant,
    pub swept: i64,
    /// Lanes that wait for a slot, by the limit that must get one back.
    held_back: HashMap<i64, BTreeSet<i64>>,
    /// The newest claim whose answer came, and the connection it came on.
    pub fence: i64,
    pub connection: i32,
    /// When a suspect that wants to run alone is next made room for, if one waits.
    pub wants_alone: bool,
    pub alone_at: Instant,
    pub alone_every: Duration,
    /// Lanes of claims whose answers have not come.
    pub unanswered: Vec<i64>,
}

/// Which lanes have been read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    All,
    /// A lane is new, or an operator changed one.
    Stale,
}

impl Memory {
    pub(super) fn of(engine: &Engine) -> Self {
        Self {
            line: Line::new(engine),
            rotation: Rotation::default(),
            positions: Positions::default(),
            hints: engine.bus().subscribe(),
            poll_at: Instant::now(),
            later: BTreeSet::new(),
            revision: 0,
            known: Known::Stale,
            sweep_at: Instant::now() + SWEEP,
            swept: 0,
            held_back: HashMap::new(),
            fence: 0,
            connection: 0,
            wants_alone: false,
            alone_at: Instant::now(),
            alone_every: ALONE_EVERY,
            unanswered: Vec::new(),
        }
    }

    /// Any lane may have work by now; where none is known, there may be new ones.
    pub(super) fn poll(&mut self) {
        self.rotation.wake_all();
        self.held_back.clear();
        self.poll_at = Instant::now() + POLL.mul_f64(0.95 + chance() / 20.0);
        if self.rotation.is_dry() {
            self.known = Known::Stale;
        }
    }

    /// Takes in what was said since the last look, and the lanes whose time has come.
    pub(super) fn heed_all(&mut self, queue: QueueId) {
        loop {
            match self.hints.try_recv() {
                Ok(hint) => self.heed(hint, queue),
                Err(TryRecvError::Lagged(_)) => self.poll_at = Instant::now(),
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        let now = Instant::now();
        while let Some((at, lane)) = self.later.pop_first() {
            if at > now {
                self.later.insert((at, lane));
                break;
            }
            self.rotation.wake(lane);
        }
    }

    /// Lanes that something keeps from being served now: a time that must come, a slot that must return.
    pub(super) fn wait_for(&mut self, later: Vec<(i64, Duration)>, held_back: Vec<(i64, Vec<i64>)>) {
        let now = Instant::now();
        // What lies beyond the next poll is looked at then anyway.
        self.later.extend(
            later.into_iter().filter(|(_, wait)| *wait < POLL).map(|(lane, wait)| (now + wait, lane)),
        );
        for (lane, limits) in held_back {
            for limit in limits {
                self.held_back.entry(limit).or_default().insert(lane);
            }
        }
    }

    /// Waits for a hint, a lane's time, or the next poll.
    pub(super) async fn rest(&mut self, queue: QueueId) {
        let next = self.later.first().map(|(at, _)| *at);
        let until = next.map_or(self.poll_at, |at| at.min(self.poll_at));
        tokio::select! {
            hint = self.hints.recv() => match hint {
                Ok(hint) => self.heed(hint, queue),
                Err(_) => self.poll_at = Instant::now(),
            },
            () = tokio::time::sleep_until(until) => {}
        }
    }

    fn heed(&mut self, hint: Hint, queue: QueueId) {
        match hint {
            Hint::Queue { queue: woken, lanes } if woken == queue => {
                if lanes.is_empty() {
                    self.poll_at = Instant::now();
                    self.known = Known::Stale;
                }
                for lane in lanes {
                    if !self.rotation.wake(lane) {
                        self.known = Known::Stale;
                    }
                }
            }
            Hint::Returned { limits, elsewhere } => {
                let lanes = limits.iter().filter_map(|limit| self.held_back.remove(limit)).flatten();
                if elsewhere {
                    let at = Instant::now() + HEAD_START;
                    self.later.extend(lanes.map(|lane| (at, lane)));
                } else {
                    lanes.for_each(|lane| {
                        self.rotation.wake(lane);
                    });
                }
            }
            Hint::Missed => {
                self.poll_at = Instant::now();
                self.known = Known::Stale;
            }
            Hint::Queue { .. }
            | Hint::Logged
            | Hint::Numbered { .. }
            | Hint::Topic { .. }
            | Hint::Cancelled => {}
        }
    }
}
