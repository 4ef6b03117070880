//! How far what is told brings a message. Pure.

use std::cmp::Reverse;

use crate::{
    messages::{
        provider::Scope,
        rules::{self, FailureKind, Status},
    },
    types::{MessageId, ProviderId},
};

/// One thing told of a message that is known.
pub(in crate::messages) struct Heard {
    pub message: MessageId,
    pub provider: ProviderId,
    /// What the provider calls the message.
    pub name: Option<String>,
    pub status: Status,
    pub failure: Option<FailureKind>,
    pub code: Option<String>,
    pub suppress: Option<Scope>,
}

/// How far a message has come, as what is told of it can change it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::messages) struct Course {
    pub status: Status,
    /// Whom it was handed to last.
    pub provider: Option<ProviderId>,
    /// What that one calls it.
    pub name: Option<String>,
    /// Some provider has surely taken it.
    pub taken: bool,
    pub failure: Option<FailureKind>,
    pub code: Option<String>,
    /// Its status, or the reason that is given for it, is another than the stored one.
    pub moved: bool,
}

impl Course {
    /// Takes in what is told; says whether the message has come further by it.
    ///
    /// Good news counts from whoever brings it: the message has reached somebody. Bad news counts only of the attempt
    /// that the message hangs on now, which is of its last provider and, where both ids are known, under that id.
    ///
    /// Where the same loss is told under several reasons, the message keeps the one that weighs most, whichever came first.
    pub(in crate::messages) fn hear(&mut self, heard: &Heard) -> bool {
        if matches!(self.status, Status::Suppressed | Status::Cancelled) {
            return false;
        }
        let is_its_own = self.provider == Some(heard.provider);
        if is_its_own && self.name.is_none() {
            self.name.clone_from(&heard.name);
        }
        let is_another = heard.name.is_some() && heard.name != self.name;
        if heard.status.is_lost() && (!is_its_own || is_another) {
            return false;
        }
        // What came back was taken; what failed may not have been.
        self.taken |=
            matches!(heard.status, Status::Sent | Status::Delivered | Status::Read | Status::Bounced);
        let further = rules::told(self.status, heard.status);
        let to = further.unwrap_or(self.status);
        let failure = to.is_lost().then(|| heard.failure.unwrap_or(FailureKind::Permanent));
        let code = heard.code.clone().filter(|_| to.is_lost());
        let is_same_loss = to.is_lost() && heard.status == self.status;
        let says_more = weight(failure, code.as_deref()) > weight(self.failure, self.code.as_deref());
        if further.is_some() || (is_same_loss && says_more) {
            (self.status, self.failure, self.code) = (to, failure, code);
            self.moved = true;
        }
        further.is_some()
    }
}

/// How much a reason says, as a total order: a fault of the recipient or the content for good before one of the account, one
/// that passes, one that nobody knows, and one of our own gates; then one with a code before one without; then the code that
/// comes first as text, which says nothing, but is the same in whatever order both are told.
fn weight(failure: Option<FailureKind>, code: Option<&str>) -> (u8, Option<Reverse<&str>>) {
    let kind = match failure {
        Some(FailureKind::Permanent) => 5,
        Some(FailureKind::Account) => 4,
        Some(FailureKind::Transient) => 3,
        Some(FailureKind::Ambiguous) => 2,
        Some(FailureKind::Gate) => 1,
        None => 0,
    };
    (kind, code.map(Reverse))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const OWN: ProviderId = ProviderId(Uuid::from_u128(1));
    const FORMER: ProviderId = ProviderId(Uuid::from_u128(2));

    fn course(status: Status, name: Option<&str>) -> Course {
        let name = name.map(str::to_owned);
        Course { status, provider: Some(OWN), name, taken: false, failure: None, code: None, moved: false }
    }

    fn heard(provider: ProviderId, name: Option<&str>, status: Status) -> Heard {
        let (message, name) = (MessageId(Uuid::nil()), name.map(str::to_owned));
        let code = status.is_lost().then(|| status.as_str().to_owned());
        Heard { message, provider, name, status, failure: None, code, suppress: None }
    }

    /// All orders of some things.
    fn orders(things: &[Status]) -> Vec<Vec<Status>> {
        if things.is_empty() {
            return vec![Vec::new()];
        }
        let mut all = Vec::new();
        for (at, first) in things.iter().enumerate() {
            let rest = [&things[..at], &things[at + 1..]].concat();
            all.extend(orders(&rest).into_iter().map(|order| [vec![*first], order].concat()));
        }
        all
    }

    #[test]
    fn the_order_in_which_things_are_told_does_not_matter() {
        use Status::{Bounced, Delivered, Failed, Queued, Read, Sending, Sent, Unknown};
        for (things, wanted) in [
            (vec![Sent, Delivered, Read, Failed, Delivered], Read),
            (vec![Sent, Delivered, Failed, Sent], Delivered),
            (vec![Sent, Failed, Bounced, Failed, Sent], Bounced),
            (vec![Sent, Failed], Failed),
            (vec![Failed, Delivered], Delivered),
        ] {
            for start in [Queued, Sending, Unknown, Sent] {
                for order in orders(&things) {
                    let mut course = course(start, None);
                    for status in &order {
                        course.hear(&heard(OWN, Some("p"), *status));
                    }
                    let named = format!("{start:?} {order:?}");
                    assert_eq!(course.status, wanted, "{named}");
                    assert_eq!((course.taken, course.name.as_deref()), (true, Some("p")), "{named}");
                    let lost = wanted.is_lost().then_some(wanted.as_str());
                    assert_eq!(
                        (course.code.as_deref(), course.failure.is_some()),
                        (lost, lost.is_some()),
                        "{named}"
                    );
                }
            }
        }
    }

    #[test]
    fn bad_news_counts_only_of_the_attempt_that_the_message_hangs_on() {
        use Status::{Cancelled, Delivered, Failed, Sent, Suppressed, Unknown};
        for (at, name, from, under, tells, wanted) in [
            (Sent, Some("b"), OWN, Some("b"), Failed, Failed),
            (Sent, Some("b"), OWN, None, Failed, Failed),
            (Sent, Some("b"), OWN, Some("a"), Failed, Sent),
            (Sent, Some("b"), OWN, Some("a"), Delivered, Delivered),
            (Sent, Some("b"), FORMER, Some("a"), Failed, Sent),
            (Sent, None, FORMER, None, Failed, Sent),
            (Unknown, None, FORMER, Some("a"), Delivered, Delivered),
            (Unknown, None, OWN, Some("a"), Failed, Failed),
            (Cancelled, None, OWN, None, Delivered, Cancelled),
            (Suppressed, None, OWN, None, Failed, Suppressed),
        ] {
            let mut course = course(at, name);
            let moved = course.hear(&heard(from, under, tells));
            assert_eq!((course.status, course.moved), (wanted, moved), "{at:?} {tells:?} {under:?}");
            assert_eq!(moved, at != wanted, "{at:?} {tells:?} {under:?}");
            let known = if from == OWN && name.is_none() && wanted != at { under } else { name };
            assert_eq!(course.name.as_deref(), known, "only its own provider names it");
        }
    }

    #[test]
    fn of_several_reasons_the_same_one_stays_in_whatever_order_they_are_told() {
        use FailureKind::{Account, Permanent, Transient};
        // From the one that weighs least to the one that weighs most.
        let reasons = [
            (Some(Transient), Some("1")),
            (Some(Account), Some("1")),
            (Some(Permanent), None),
            // Permanent, where the adapter names no kind.
            (None, Some("30006")),
            (Some(Permanent), Some("30003")),
        ];
        for status in [Status::Failed, Status::Bounced] {
            let told = |(failure, code): (Option<FailureKind>, Option<&str>)| Heard {
                failure,
                code: code.map(str::to_owned),
                ..heard(OWN, Some("p"), status)
            };
            for (less, one) in reasons.into_iter().enumerate() {
                for (more, two) in reasons.into_iter().enumerate().skip(less) {
                    for order in [[one, two, one], [two, one, two], [two, two, one]] {
                        let mut course = course(Status::Sent, Some("p"));
                        let further = order.map(|reason| course.hear(&told(reason)));
                        assert_eq!(further, [true, false, false], "only the first moves it: {less} {more}");
                        let (failure, code) = two;
                        let kept = (failure.or(Some(Permanent)), code);
                        assert_eq!(
                            (course.failure, course.code.as_deref()),
                            kept,
                            "{status:?} {less} {more}"
                        );
                    }
                }
            }
        }
    }
}
