//! Where a completer hands endings to the dispatcher of its queue while that waits for the very slots that they give
//! back: it ends and claims in one statement then, and between two jobs lies one way to the database and to its disk
//! instead of two.
//!
//! The endings stay the completer's. Whoever takes them owes it a word; if none comes, nothing was done, and the
//! completer writes them as it writes all others.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Notify, oneshot};

use crate::finish::{Ending, Verdict};

/// Endings that are handed over at a time: of many the statement of their own costs little, and the claim would wait
/// for all of them.
const HANDFUL: usize = 32;
/// Lanes that may wait: to ask many takes longer than is won.
const LANES: usize = 64;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Desk {
    state: Mutex<State>,
    handed: Notify,
}

#[derive(Debug, Default)]
enum State {
    /// The dispatcher is at work.
    #[default]
    Closed,
    /// The dispatcher rests, and these lanes wait for slots.
    Open(BTreeSet<i64>),
    Handed(Handed),
}

/// Endings in the hands of a dispatcher.
#[derive(Debug)]
pub(super) struct Handed {
    pub endings: Arc<Vec<Ending>>,
    word: oneshot::Sender<Said>,
}

/// A desk that may be open. It is closed with this, so that a dispatcher that breaks down takes no ending with it.
pub(super) struct Opened<'a>(&'a Desk);

impl Drop for Opened<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// What became of endings that were handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    Untouched,
    /// They are written; so many were lost to other nodes.
    Written {
        lost: usize,
    },
    /// They may be written: the answer did not come.
    InDoubt,
}

impl Desk {
    /// The dispatcher rests while these lanes wait for slots, at the longest until what is answered is dropped.
    #[must_use]
    pub(super) fn open(&self, waiting: BTreeSet<i64>) -> Opened<'_> {
        let is_worth_it = (1..=LANES).contains(&waiting.len());
        *self.state() = if is_worth_it { State::Open(waiting) } else { State::Closed };
        Opened(self)
    }

    /// Resolves when something may have been handed over.
    pub(super) async fn handed(&self) {
        self.handed.notified().await;
    }

    /// The dispatcher rests no longer; answers what was handed over meanwhile.
    pub(super) fn close(&self) -> Option<Handed> {
        match std::mem::take(&mut *self.state()) {
            State::Handed(handed) => Some(handed),
            State::Closed | State::Open(_) => None,
        }
    }

    /// Hands over endings that give back slots which are waited for. Answers where a word about them will come; if the
    /// sender goes without one, they are untouched. None if they are not for here.
    pub(super) fn offer(&self, endings: &Arc<Vec<Ending>>) -> Option<oneshot::Receiver<Said>> {
        if endings.len() > HANDFUL || !endings.iter().all(is_plain) {
            return None;
        }
        let mut state = self.state();
        let State::Open(waiting) = &*state else { return None };
        if !endings.iter().any(|ending| waiting.contains(&ending.lane)) {
            return None;
        }
        let (word, answer) = oneshot::channel();
        *state = State::Handed(Handed { endings: Arc::clone(endings), word });
        drop(state);
        self.handed.notify_one();
        Some(answer)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Handed {
    /// The lanes that the jobs had waited in.
    pub(super) fn lanes(&self) -> Vec<i64> {
        self.endings.iter().map(|ending| ending.lane).collect()
    }

    /// Says what became of them.
    pub(super) fn say(self, said: Said) {
        // A completer that has given up does not listen any more.
        let _ = self.word.send(said);
    }
}

/// Whether it is written by one statement, and its job does not come back.
fn is_plain(ending: &Ending) -> bool {
    let is_over = matches!(ending.verdict, Verdict::Completed | Verdict::Cancelled | Verdict::Discarded);
    is_over && ending.steps.is_none()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;
    use crate::{Outcome, finish::Claim};

    fn ended(lanes: &[i64], outcome: impl Fn() -> Outcome) -> Arc<Vec<Ending>> {
        let end = |lane: &i64| {
            let claim = Claim {
                job: Uuid::nil(),
                tenant: Uuid::nil(),
                lane: *lane,
                fence: 7,
                attempt: 1,
                max_attempts: 3,
            };
            claim.ending(outcome(), || 0.5).expect("an ending")
        };
        Arc::new(lanes.iter().map(end).collect())
    }

    fn done() -> Outcome {
        Outcome::Done(serde_json::Value::Null)
    }

    #[tokio::test]
    async fn endings_are_handed_to_a_dispatcher_that_rests_and_waits_for_their_slots() {
        let desk = Desk::default();
        let batch = ended(&[5, 8], done);
        assert!(desk.offer(&batch).is_none(), "it is at work");
        let _for_seven = desk.open(BTreeSet::from([7]));
        assert!(desk.offer(&batch).is_none(), "it waits for another lane's");
        let _for_both = desk.open(BTreeSet::from([7, 8]));
        let answer = desk.offer(&batch).expect("handed over");
        assert!(desk.offer(&batch).is_none(), "one batch at a time");
        desk.handed().await;
        let handed = desk.close().expect("it is there");
        assert_eq!(handed.lanes(), [5, 8]);
        assert!(desk.close().is_none() && desk.offer(&batch).is_none(), "it is at work again");
        handed.say(Said::Written { lost: 1 });
        assert_eq!(answer.await, Ok(Said::Written { lost: 1 }));
    }

    #[tokio::test]
    async fn what_is_let_go_without_a_word_is_untouched() {
        let desk = Desk::default();
        let open = desk.open(BTreeSet::from([7]));
        let answer = desk.offer(&ended(&[7], done)).expect("handed over");
        drop(desk.close());
        answer.await.expect_err("no word");
        drop(open);
        let open = desk.open(BTreeSet::from([7]));
        let answer = desk.offer(&ended(&[7], done)).expect("handed over");
        drop(open);
        answer.await.expect_err("whoever opened it is gone");
    }

    #[tokio::test]
    async fn what_takes_long_or_comes_back_goes_the_usual_way() {
        let desk = Desk::default();
        let _open = desk.open(BTreeSet::from([7]));
        let later = || Outcome::Snooze { after: Duration::ZERO };
        let refused =
            [ended(&[7; HANDFUL + 1], done), ended(&[7], later), ended(&[7], || Outcome::Begin(Vec::new()))];
        assert!(refused.iter().all(|batch| desk.offer(batch).is_none()));
        let _for_many = desk.open((0..).take(LANES + 1).collect());
        assert!(desk.offer(&ended(&[7], done)).is_none(), "too many lanes wait");
        let _for_none = desk.open(BTreeSet::new());
        assert!(desk.offer(&ended(&[7], done)).is_none(), "none waits");
        let _again = desk.open(BTreeSet::from([7]));
        assert!(desk.offer(&ended(&[7; HANDFUL], done)).is_some());
    }
}
