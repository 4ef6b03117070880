//! What Twilio's codes mean: <https://www.twilio.com/docs/api/errors>.

use domain::messages::{
    provider::{Refusal, Scope},
    rules::{FailureKind, Status},
};

/// What a code of a refused request means. Of one that is not known the HTTP status says it; none where it does not:
/// who failed in the middle may have sent the message.
pub(super) fn refusal(code: u64, status: u16) -> Option<Refusal> {
    Some(match code {
        // The recipient has opted out of this sender.
        21610 => Refusal::Suppress(Scope::All),
        20003 | 20005 | 21606 | 21608 | 21659 | 21660 => Refusal::Account,
        20429 | 14107 => Refusal::Throttled,
        // The account's queue is full.
        30001 | 21611 => Refusal::Transient,
        21211 | 21408 | 21602 | 21604 | 21612 | 21614 | 21617 => Refusal::Permanent,
        _ => match status {
            429 => Refusal::Throttled,
            401 | 403 => Refusal::Account,
            400..500 => Refusal::Permanent,
            _ => return None,
        },
    })
}

/// What became of a message, by its status and error code; none for what it is before it was sent.
pub(super) fn fate(status: &str, code: Option<u64>) -> Option<(Status, Option<FailureKind>)> {
    let failure = match code {
        // Unreachable, full, or filtered by the carrier for now.
        Some(30001 | 30003 | 30008) => FailureKind::Transient,
        Some(30002 | 21606 | 21608) => FailureKind::Account,
        _ => FailureKind::Permanent,
    };
    Some(match status {
        "accepted" | "scheduled" | "queued" | "sending" | "sent" => (Status::Sent, None),
        "delivered" => (Status::Delivered, None),
        "read" => (Status::Read, None),
        // An unknown number, a landline: what was sent came back.
        "undelivered" if matches!(code, Some(30005 | 30006)) => {
            (Status::Bounced, Some(FailureKind::Permanent))
        }
        "undelivered" | "failed" | "canceled" => (Status::Failed, Some(failure)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_that_is_known_means_what_its_page_says() {
        use Refusal::{Account, Permanent, Suppress, Throttled, Transient};
        for (code, status, wanted) in [
            (21211, 400, Some(Permanent)),
            (21612, 400, Some(Permanent)),
            (21614, 400, Some(Permanent)),
            (21610, 400, Some(Suppress(Scope::All))),
            (20003, 401, Some(Account)),
            (21606, 400, Some(Account)),
            (21608, 400, Some(Account)),
            (20429, 429, Some(Throttled)),
            (30001, 400, Some(Transient)),
            (30001, 500, Some(Transient)),
            (99999, 400, Some(Permanent)),
            (99999, 403, Some(Account)),
            (99999, 429, Some(Throttled)),
            (20500, 500, None),
            (20503, 503, None),
        ] {
            assert_eq!(refusal(code, status), wanted, "{code} {status}");
        }
    }

    #[test]
    fn a_status_and_its_code_tell_the_fate() {
        use FailureKind::{Account, Permanent, Transient};
        for (status, code, wanted) in [
            ("queued", None, Some((Status::Sent, None))),
            ("sent", None, Some((Status::Sent, None))),
            ("delivered", None, Some((Status::Delivered, None))),
            ("read", None, Some((Status::Read, None))),
            ("undelivered", Some(30003), Some((Status::Failed, Some(Transient)))),
            ("undelivered", Some(30005), Some((Status::Bounced, Some(Permanent)))),
            ("undelivered", Some(30006), Some((Status::Bounced, Some(Permanent)))),
            ("undelivered", Some(30007), Some((Status::Failed, Some(Permanent)))),
            ("undelivered", Some(30008), Some((Status::Failed, Some(Transient)))),
            ("failed", Some(30002), Some((Status::Failed, Some(Account)))),
            ("failed", None, Some((Status::Failed, Some(Permanent)))),
            ("dancing", None, None),
        ] {
            assert_eq!(fate(status, code), wanted, "{status} {code:?}");
        }
    }
}
