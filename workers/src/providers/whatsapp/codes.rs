//! What Meta's codes mean: <https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes>.

use domain::messages::provider::{Refusal, Scope};
use domain::messages::rules::FailureKind;

/// What a code of a refused request means. One that is not known is of this message; none if it comes with an HTTP status
/// of the server's own failure: then the message may have been sent.
pub(super) fn refusal(code: i64, status: u16) -> Option<Refusal> {
    Some(match code {
        2 | 131_000 | 131_016 | 131_056 => Refusal::Transient,
        4 | 80_007 | 130_429 => Refusal::Throttled,
        131_050 => Refusal::Suppress(Scope::Marketing),
        0 | 3 | 10 | 190 | 200..=299 | 368 | 131_031 | 131_042 | 131_048 | 132_015 | 132_016 => {
            Refusal::Account
        }
        100 | 130_472 | 131_008 | 131_026 | 131_047 | 131_049 | 131_051 | 132_000 | 132_001 | 132_007
        | 132_012 => Refusal::Permanent,
        _ if status >= 500 => return None,
        _ => Refusal::Permanent,
    })
}

/// Of what kind a failure is that is told later.
pub(super) fn failure(code: i64) -> FailureKind {
    match refusal(code, 200) {
        Some(Refusal::Transient | Refusal::Throttled) => FailureKind::Transient,
        Some(Refusal::Account) => FailureKind::Account,
        Some(Refusal::Permanent | Refusal::Suppress(_)) | None => FailureKind::Permanent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_that_is_known_means_what_its_page_says() {
        use Refusal::{Account, Permanent, Suppress, Throttled, Transient};
        let of = |codes: &[i64], wanted: Refusal| {
            for code in codes {
                for status in [400, 500] {
                    assert_eq!(refusal(*code, status), Some(wanted), "{code} {status}");
                }
            }
        };
        of(&[2, 131_000, 131_016, 131_056], Transient);
        of(&[4, 80_007, 130_429], Throttled);
        of(
            &[100, 131_008, 131_026, 130_472, 131_047, 131_051, 132_000, 132_001, 132_007, 132_012, 131_049],
            Permanent,
        );
        of(&[131_050], Suppress(Scope::Marketing));
        of(&[0, 3, 10, 190, 200, 299, 368, 131_031, 131_042, 131_048, 132_015, 132_016], Account);
        assert_eq!((refusal(1, 400), refusal(1, 500)), (Some(Permanent), None));
    }
}
