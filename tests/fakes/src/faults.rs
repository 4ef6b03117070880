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

/// How often sends fail, in per mille, and from which seed that is drawn. The default never fails.
///
/// Whether an attempt fails depends on the seed, the message's key and the number of the attempt alone, so
/// that a run under load has the same faults however its sends are interleaved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FaultPlan {
    pub seed: u64,
    pub accepted_then_reset: u16,
    /// Half of these were accepted.
    pub timeout: u16,
    pub error_500_after_accept: u16,
    pub rate_limited: u16,
    /// What `rate_limited` tells the sender to wait, in seconds.
    pub retry_after_s: u32,
    /// How long an answer takes, faulty or not.
    pub delay: Duration,
}

impl FaultPlan {
    /// What befalls this attempt, counted from 0.
    #[must_use]
    pub fn of(&self, key: &str, attempt: u32) -> Option<Fault> {
        let drawn = splitmix64(splitmix64(self.seed ^ hash(key)) ^ u64::from(attempt));
        let mut left = drawn % 1000;
        let timeout = Fault::Timeout { accepted: (drawn >> 40) & 1 == 1 };
        let limited = Fault::RateLimited { retry_after_s: self.retry_after_s };
        let planned = [
            (self.accepted_then_reset, Fault::AcceptThenReset),
            (self.timeout, timeout),
            (self.error_500_after_accept, Fault::Error500AfterAccept),
            (self.rate_limited, limited),
        ];
        for (rate, fault) in planned {
            let rate = u64::from(rate);
            if left < rate {
                return Some(fault);
            }
            left -= rate;
        }
        None
    }
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

/// The finaliser of Steele, Lea and Flood's SplitMix: one well mixed number for each number.
pub(crate) fn splitmix64(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// FNV-1a: the same on every machine and in every process.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
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
}
