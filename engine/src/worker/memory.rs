//! What a dispatcher remembers between claims, and what wakes it.

use std::{collections::BTreeSet, time::Duration};

use tokio::{
    sync::broadcast::{self, error::TryRecvError},
    time::Instant,
};

use super::{
    QueueId,
    alone::ALONE_EVERY,
    chance,
    positions::Positions,
    rotation::{Ask, Rotation},
    waiting::Waiting,
};
use crate::{Engine, bus::Hint, db::Line};

/// Polling is never further apart, hints or not.
const POLL: Duration = Duration::from_secs(1);
/// A sweep is at least so far from the last.
pub(super) const SWEEP: Duration = Duration::from_secs(20);

/// How long no endings go before claims once some were refused: what they wait for may take its time.
const CALM: Duration = Duration::from_secs(1);

/// What a dispatcher remembers between claims.
pub(super) struct Memory {
    pub line: Line,
    pub rotation: Rotation,
    pub positions: Positions,
    hints: broadcast::Receiver<Hint>,
    pub poll_at: Instant,
    waiting: Waiting,
    /// When endings before a claim were last refused.
    refused: Option<Instant>,
    /// The operators' revision that the rotation was read at.
    pub revision: i64,
    pub known: Known,
    pub sweep_at: Instant,
    pub swept: i64,
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
            waiting: Waiting::default(),
            refused: None,
            revision: 0,
            known: Known::Stale,
            sweep_at: Instant::now() + SWEEP,
            swept: 0,
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
        self.waiting.forget_slots();
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
        while let Some(lane) = self.waiting.due(now) {
            self.rotation.wake(lane);
        }
    }

    /// Lanes that something keeps from being served now: a time that must come, a slot that must return.
    pub(super) fn wait_for(&mut self, later: Vec<(i64, Duration)>, held_back: Vec<(i64, Vec<i64>)>) {
        let now = Instant::now();
        // What lies beyond the next poll is looked at then anyway.
        for (lane, wait) in later.into_iter().filter(|(_, wait)| *wait < POLL) {
            self.waiting.until(now + wait, lane);
        }
        for (lane, limits) in held_back {
            self.waiting.for_slots(lane, limits);
        }
    }

    /// The lanes for which endings may be taken over, because they wait for slots. None where some lanes of the queue are
    /// left to other nodes or to whoever can run a suspect, for these would find no slot free if this one always took its
    /// own again; none while positions want a claim that endings do not go before, or soon after one was refused.
    pub(super) fn waiting_for_slots(&self) -> BTreeSet<i64> {
        let may_take_over = !self.rotation.leaves_any()
            && !self.waiting.have_suspects()
            && self.positions.are_fresh()
            && self.refused.is_none_or(|at| at.elapsed() > CALM);
        if may_take_over { self.waiting.lanes() } else { BTreeSet::new() }
    }

    /// What was asked behind endings was refused because of these: it is asked without any for a while.
    pub(super) fn ask_anew(&mut self, asks: Vec<Ask>) {
        self.refused = Some(Instant::now());
        self.unanswered.clear();
        for ask in asks {
            let lane = ask.lane;
            self.rotation.came_back(ask, 0);
            self.rotation.wake(lane);
        }
    }

    /// Jobs of these lanes are about to end here: whoever waits for their slots asks again.
    pub(super) fn end_here(&mut self, lanes: &[i64]) {
        for lane in self.waiting.end_here(lanes) {
            self.rotation.wake(lane);
        }
    }

    /// Waits for a hint, a lane's time, or the next poll.
    pub(super) async fn rest(&mut self, queue: QueueId) {
        let until = self.waiting.next().map_or(self.poll_at, |at| at.min(self.poll_at));
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
            Hint::Returned { limits, elsewhere: true } => {
                self.waiting.came_back_elsewhere(&limits, Instant::now());
            }
            Hint::Returned { limits, elsewhere: false } => {
                for lane in self.waiting.came_back_here(&limits) {
                    self.rotation.wake(lane);
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
