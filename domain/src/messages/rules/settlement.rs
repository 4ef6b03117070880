//! What an answer of a provider does to a message and its job. Pure.

use std::time::Duration;

use super::{FailureKind, OnUnknown, Status, refusal::refused};
use crate::{
    events::EventType,
    messages::provider::{Answer, Channel, Route, Scope},
};

/// What becomes of a message and its job after an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    pub status: Status,
    pub event: EventType,
    pub next: Next,
    pub provider_message_id: Option<String>,
    pub failure: Option<FailureKind>,
    pub code: Option<String>,
    pub text: Option<String>,
    /// Nobody should write to the address again.
    pub suppress: Option<Scope>,
    /// What it says of the whole account.
    pub account: Option<AccountWord>,
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    Nothing,
    /// Again, after the given time or by the back-off; the attempt counts.
    Again(Option<Duration>),
    /// By the next account at once: this one has surely not taken it.
    Another,
    /// The account is waited for; that counts as no attempt.
    Wait(Duration),
    /// The provider is asked what became of it.
    Ask,
}

/// What a provider says of the account that called it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountWord {
    /// Nothing more for so long.
    Throttled(Duration),
    /// It is at fault.
    Fault,
}

/// Where an answer comes in.
#[derive(Debug, Clone, Copy)]
pub struct Situation {
    pub channel: Channel,
    pub route: Route,
    pub on_unknown: OnUnknown,
    /// No attempt is left after this one.
    pub last: bool,
    /// Another account could take the message now.
    pub another: bool,
    /// An attempt before this one may have sent it.
    pub in_doubt: bool,
    /// Which attempt it is; 1 is the first.
    pub attempt: i64,
}

/// The code of an attempt of which nobody knows whether it sent the message.
pub const IN_DOUBT: &str = "unknown";

/// What an answer means.
#[must_use]
pub fn settle(answer: Answer, at: Situation) -> Settlement {
    let settlement = |status, event| Settlement {
        status,
        event,
        next: Next::Nothing,
        provider_message_id: None,
        failure: None,
        code: None,
        text: None,
        suppress: None,
        account: None,
    };
    match answer {
        Answer::Accepted { provider_message_id } => {
            Settlement { provider_message_id, ..settlement(Status::Sent, EventType::MessageSent) }
        }
        Answer::Refused { refusal, code, text, retry_after } => {
            let told = Settlement {
                code: Some(code),
                text: Some(text),
                ..settlement(Status::Queued, EventType::MessageRetrying)
            };
            refused(told, refusal, retry_after, at)
        }
        Answer::Unknown { text } => {
            let told = |base| Settlement { code: Some(IN_DOUBT.into()), text: Some(text), ..base };
            let again = match at.route {
                // The receiver drops what comes twice under one key.
                Route::Keyed => !at.last,
                Route::Asked | Route::Echoes => false,
                Route::Blind => at.on_unknown == OnUnknown::Resend && !at.last,
            };
            if again {
                let again = settlement(Status::Queued, EventType::MessageRetrying);
                return told(Settlement { next: Next::Again(None), ..again });
            }
            let next = if at.route == Route::Asked { Next::Ask } else { Next::Nothing };
            let failure = Some(FailureKind::Ambiguous);
            told(Settlement { next, failure, ..settlement(Status::Unknown, EventType::MessageUnknown) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::{
        provider::Refusal,
        rules::refusal::{LONGEST_WAIT, LOOK_AGAIN, growing},
    };

    fn refused(refusal: Refusal, wait: Option<u64>) -> Answer {
        let retry_after = wait.map(Duration::from_secs);
        Answer::Refused { refusal, code: "451".into(), text: "busy".into(), retry_after }
    }

    fn lost() -> Answer {
        Answer::Unknown { text: "connection lost".into() }
    }

    const AT: Situation = Situation {
        channel: Channel::Sms,
        route: Route::Blind,
        on_unknown: OnUnknown::Hold,
        last: false,
        another: false,
        in_doubt: false,
        attempt: 1,
    };

    #[test]
    fn each_answer_has_one_meaning() {
        let last = Situation { last: true, ..AT };
        let another = Situation { another: true, last: true, ..AT };
        let doubtful = Situation { in_doubt: true, last: true, ..AT };
        let mail = Situation { channel: Channel::Email, ..AT };
        let seconds = |n| Some(Duration::from_secs(n));
        let cases = [
            (Answer::Accepted { provider_message_id: None }, last, Status::Sent, Next::Nothing, None),
            (
                refused(Refusal::Permanent, None),
                another,
                Status::Failed,
                Next::Nothing,
                Some(FailureKind::Permanent),
            ),
            (
                refused(Refusal::Suppress(Scope::All), None),
                AT,
                Status::Failed,
                Next::Nothing,
                Some(FailureKind::Permanent),
            ),
            (
                refused(Refusal::Suppress(Scope::Marketing), None),
                mail,
                Status::Bounced,
                Next::Nothing,
                Some(FailureKind::Permanent),
            ),
            (
                refused(Refusal::Permanent, None),
                mail,
                Status::Failed,
                Next::Nothing,
                Some(FailureKind::Permanent),
            ),
            (
                refused(Refusal::Transient, None),
                doubtful,
                Status::Unknown,
                Next::Nothing,
                Some(FailureKind::Ambiguous),
            ),
            (
                refused(Refusal::Permanent, None),
                Situation { last: false, ..doubtful },
                Status::Unknown,
                Next::Nothing,
                Some(FailureKind::Ambiguous),
            ),
            (
                refused(Refusal::Suppress(Scope::All), None),
                Situation { channel: Channel::Email, ..doubtful },
                Status::Unknown,
                Next::Nothing,
                Some(FailureKind::Ambiguous),
            ),
            (refused(Refusal::Transient, None), AT, Status::Queued, Next::Again(None), None),
            (refused(Refusal::Transient, Some(7)), AT, Status::Queued, Next::Again(seconds(7)), None),
            (
                refused(Refusal::Transient, None),
                last,
                Status::Failed,
                Next::Nothing,
                Some(FailureKind::Transient),
            ),
            (refused(Refusal::Transient, None), another, Status::Queued, Next::Another, None),
            (
                refused(Refusal::Throttled, Some(7)),
                last,
                Status::Queued,
                Next::Wait(Duration::from_secs(7)),
                None,
            ),
            (refused(Refusal::Throttled, None), AT, Status::Queued, Next::Wait(Duration::from_secs(2)), None),
            (refused(Refusal::Throttled, None), another, Status::Queued, Next::Another, None),
            (refused(Refusal::Account, None), last, Status::Queued, Next::Wait(LOOK_AGAIN), None),
            (refused(Refusal::Account, None), another, Status::Queued, Next::Another, None),
        ];
        for (answer, at, status, next, failure) in cases {
            let got = settle(answer.clone(), at);
            assert_eq!((got.status, got.next, got.failure), (status, next, failure), "{answer:?} {at:?}");
        }
    }

    #[test]
    fn what_nobody_knows_is_sent_again_only_where_the_route_allows() {
        use OnUnknown::{Hold, Resend};
        for (route, on_unknown, last, status, next) in [
            (Route::Keyed, Hold, false, Status::Queued, Next::Again(None)),
            (Route::Keyed, Resend, true, Status::Unknown, Next::Nothing),
            (Route::Asked, Resend, false, Status::Unknown, Next::Ask),
            (Route::Echoes, Resend, false, Status::Unknown, Next::Nothing),
            (Route::Blind, Hold, false, Status::Unknown, Next::Nothing),
            (Route::Blind, Resend, false, Status::Queued, Next::Again(None)),
            (Route::Blind, Resend, true, Status::Unknown, Next::Nothing),
        ] {
            // That another account could take it changes nothing: it may have been sent.
            let got = settle(lost(), Situation { route, on_unknown, last, another: true, ..AT });
            assert_eq!((got.status, got.next), (status, next), "{route:?} {on_unknown:?} {last}");
        }
    }

    #[test]
    fn a_word_about_the_account_is_passed_on() {
        let said = |refusal, at| settle(refused(refusal, Some(9)), at).account;
        assert_eq!(said(Refusal::Throttled, AT), Some(AccountWord::Throttled(Duration::from_secs(9))));
        let another = Situation { another: true, ..AT };
        assert_eq!(said(Refusal::Account, another), Some(AccountWord::Fault));
        assert_eq!(said(Refusal::Permanent, AT), None);
        assert_eq!(
            settle(refused(Refusal::Suppress(Scope::Marketing), None), AT).suppress,
            Some(Scope::Marketing)
        );
        let waits = [1, 2, 5, 6, 900].map(|attempt| growing(attempt).as_secs());
        assert_eq!(waits, [2, 4, 32, 60, 60]);
    }

    #[test]
    fn a_no_to_a_repeat_keeps_the_doubt_says_so_and_keeps_the_address_back_all_the_same() {
        let doubtful = Situation { route: Route::Keyed, in_doubt: true, ..AT };
        let got = settle(refused(Refusal::Suppress(Scope::All), None), doubtful);
        assert_eq!(
            (got.status, got.suppress, got.code.as_deref()),
            (Status::Unknown, Some(Scope::All), Some("451"))
        );
        let text = got.text.expect("a reason");
        assert!(text.contains("may have sent it") && text.ends_with("busy"), "{text}");
    }

    #[test]
    fn a_provider_cannot_ask_for_no_wait_at_all() {
        for (attempt, asked, wanted) in [(1, 0, 2), (3, 0, 8), (900, 0, 60), (3, 7, 8), (3, 9, 9)] {
            let at = Situation { attempt, ..AT };
            let wait = Duration::from_secs(wanted);
            let again = settle(refused(Refusal::Transient, Some(asked)), at);
            assert_eq!(again.next, Next::Again(Some(wait)), "{attempt} {asked}");
            let waits = settle(refused(Refusal::Throttled, Some(asked)), at);
            assert_eq!(waits.next, Next::Wait(wait), "{attempt} {asked}");
            // The account's other messages wait as the provider said, but never not at all.
            let account = Duration::from_secs(asked.max(2));
            assert_eq!(waits.account, Some(AccountWord::Throttled(account)), "{attempt} {asked}");
        }
    }

    #[test]
    fn a_provider_cannot_ask_for_a_wait_without_end() {
        let got = settle(refused(Refusal::Transient, Some(1_000_000)), AT);
        assert_eq!(got.next, Next::Again(Some(LONGEST_WAIT)));
    }
}
