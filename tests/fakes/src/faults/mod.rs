//! How a fake fails: by a plan that a seed repeats exactly, or by a script.
//!
//! A send meets, in this order, the next scripted fault, the one that stands for its recipient, the one that
//! stands for all, the plan's. Only what the provider would have accepted meets one: wrong credentials and
//! malformed requests are answered as the provider answers them.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::{
    http::{Answer, Reply},
    lock,
};

mod plan;
#[cfg(test)]
mod tests;

pub use plan::FaultPlan;
use plan::hash;
pub(crate) use plan::splitmix64;

/// What can go wrong with one call. Where it says "reset", the peer sees a reset of the connection (RST).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The message is in the ledger, and the sender is never told.
    AcceptThenReset,
    /// The request was read whole and thrown away.
    ResetBeforeAccept,
    /// No answer comes until the sender gives up.
    Timeout { accepted: bool },
    /// A gateway's error page for a message that was accepted.
    Error500AfterAccept,
    /// A gateway's error page for one that was not.
    Error500,
    /// As this provider says that it is too much.
    RateLimited { retry_after_s: u32 },
    /// This answer, for a message that was not accepted.
    Answer(Answer),
    /// This answer, for one that was: some providers' own errors may come after the fact.
    AnswerAfterAccept(Answer),
}

/// What was done to callers so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    pub accepted_then_reset: u64,
    pub reset_before_accept: u64,
    pub timeouts_accepted: u64,
    pub timeouts_not_accepted: u64,
    pub errors_500_after_accept: u64,
    pub errors_500: u64,
    pub rate_limited: u64,
    pub answers: u64,
    pub answers_after_accept: u64,
    /// Of look-ups, verifications and requests for tokens, whatever it was.
    pub reads: u64,
}

impl Counts {
    /// The sends that met a fault.
    #[must_use]
    pub fn sends(&self) -> u64 {
        self.accepted_then_reset
            + self.reset_before_accept
            + self.timeouts_accepted
            + self.timeouts_not_accepted
            + self.errors_500_after_accept
            + self.errors_500
            + self.rate_limited
            + self.answers
            + self.answers_after_accept
    }

    fn add(&mut self, fault: &Fault) {
        let count = match fault {
            Fault::AcceptThenReset => &mut self.accepted_then_reset,
            Fault::ResetBeforeAccept => &mut self.reset_before_accept,
            Fault::Timeout { accepted: true } => &mut self.timeouts_accepted,
            Fault::Timeout { accepted: false } => &mut self.timeouts_not_accepted,
            Fault::Error500AfterAccept => &mut self.errors_500_after_accept,
            Fault::Error500 => &mut self.errors_500,
            Fault::RateLimited { .. } => &mut self.rate_limited,
            Fault::Answer(_) => &mut self.answers,
            Fault::AnswerAfterAccept(_) => &mut self.answers_after_accept,
        };
        *count += 1;
    }
}

/// The faults of a running fake. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    plan: FaultPlan,
    next: VecDeque<Fault>,
    next_read: VecDeque<Fault>,
    of_recipient: HashMap<String, Fault>,
    of_all: Option<Fault>,
    attempts: HashMap<u64, u32>,
    counts: Counts,
}

impl State {
    fn standing(&self, to: &str) -> Option<Fault> {
        self.of_recipient.get(to).or(self.of_all.as_ref()).cloned()
    }
}

impl Faults {
    #[must_use]
    pub fn new(plan: FaultPlan) -> Self {
        let faults = Self::default();
        faults.plan(plan);
        faults
    }

    /// From now on this plan holds; the attempts counted so far stay counted.
    pub fn plan(&self, plan: FaultPlan) {
        lock(&self.state).plan = plan;
    }

    /// The next send that would be accepted meets this; what is called first comes first.
    pub fn next(&self, fault: Fault) {
        lock(&self.state).next.push_back(fault);
    }

    /// The next look-up, verification or request for a token meets this.
    pub fn next_read(&self, fault: Fault) {
        lock(&self.state).next_read.push_back(fault);
    }

    /// Every send to this recipient meets this, until it is taken back with none.
    pub fn of_recipient(&self, to: &str, fault: Option<Fault>) {
        let mut state = lock(&self.state);
        match fault {
            Some(fault) => state.of_recipient.insert(to.to_owned(), fault),
            None => state.of_recipient.remove(to),
        };
    }

    /// Every send meets this, until it is taken back with none.
    pub fn of_all(&self, fault: Option<Fault>) {
        lock(&self.state).of_all = fault;
    }

    /// What was done to callers so far.
    #[must_use]
    pub fn injected(&self) -> Counts {
        lock(&self.state).counts
    }

    pub(crate) fn delay(&self) -> Duration {
        lock(&self.state).plan.delay
    }

    /// What befalls a send that would be accepted.
    pub(crate) fn draw(&self, key: &str, to: &str) -> Option<Fault> {
        let mut state = lock(&self.state);
        let counted = state.attempts.entry(hash(key)).or_default();
        let attempt = *counted;
        *counted += 1;
        let scripted = state.next.pop_front().or_else(|| state.standing(to));
        let fault = scripted.or_else(|| state.plan.of(key, attempt));
        if let Some(fault) = &fault {
            state.counts.add(fault);
        }
        fault
    }

    fn draw_read(&self) -> Option<Fault> {
        let mut state = lock(&self.state);
        let fault = state.next_read.pop_front()?;
        state.counts.reads += 1;
        Some(fault)
    }

    /// Answers a send: `accept` writes it down and says so, `limited` is this provider's 429.
    pub(crate) fn play(
        &self,
        (key, to): (&str, &str),
        limited: impl FnOnce(u32) -> Answer,
        accept: impl FnOnce() -> Answer,
    ) -> Reply {
        let fault = self.draw(key, to);
        meet(fault, limited, accept).after(self.delay())
    }

    /// Answers what changes nothing.
    pub(crate) fn play_read(
        &self,
        limited: impl FnOnce(u32) -> Answer,
        answer: impl FnOnce() -> Answer,
    ) -> Reply {
        meet(self.draw_read(), limited, answer)
    }
}

fn meet(fault: Option<Fault>, limited: impl FnOnce(u32) -> Answer, accept: impl FnOnce() -> Answer) -> Reply {
    match fault {
        None => Reply::Answer(accept()),
        Some(Fault::AcceptThenReset) => {
            accept();
            Reply::Reset
        }
        Some(Fault::ResetBeforeAccept) => Reply::Reset,
        Some(Fault::Timeout { accepted }) => {
            if accepted {
                accept();
            }
            Reply::Hang
        }
        Some(Fault::Error500AfterAccept) => {
            accept();
            Reply::Answer(Answer::broken())
        }
        Some(Fault::Error500) => Reply::Answer(Answer::broken()),
        Some(Fault::RateLimited { retry_after_s }) => Reply::Answer(limited(retry_after_s)),
        Some(Fault::Answer(answer)) => Reply::Answer(answer),
        Some(Fault::AnswerAfterAccept(answer)) => {
            accept();
            Reply::Answer(answer)
        }
    }
}
