//! What an answer means for a delivery, when it is tried again, and what may be subscribed to: pure. Only 2xx is success,
//! and 410 says that the endpoint is gone (Standard Webhooks).

use std::time::Duration;

use url::Url;

use crate::{
    access::permission::PermissionSet,
    error::{Error, Result},
    events,
};

/// The waits between attempts.
pub const WAITS: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(5),
    Duration::from_hours(10),
    Duration::from_hours(14),
    Duration::from_hours(20),
    Duration::from_hours(24),
];
/// Up to this share is added to a wait by chance, so that what failed together does not come back together.
pub const SPREAD: f64 = 0.2;
/// The longest wait that an endpoint may ask for.
const LONGEST_WAIT: Duration = Duration::from_hours(24);
/// An endpoint at which nothing succeeded for so many days is disabled.
pub const FAILING_DAYS: i32 = 5;
/// Characters of the text that is kept of a failure.
const ERROR_CHARS: usize = 200;
/// The type of the event that a test sends.
pub const TEST: &str = "webhook.test";

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// It was answered; nothing of the body is kept.
    Answered { status: u16, retry_after: Option<Duration> },
    /// The address must not be called, in words without it.
    Blocked(String),
    /// There was no whole answer, in words that do not name where it went.
    NoAnswer(String),
}

/// What becomes of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Succeeded,
    /// It is tried again after this long.
    Again(Duration),
    Failed,
}

/// What a reply means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub fate: Fate,
    /// The endpoint wants to hear nothing any more.
    pub gone: bool,
    /// The HTTP status, if there was one.
    pub status: Option<i16>,
    /// A stable name of the failure; none of a success.
    pub code: Option<&'static str>,
    pub text: Option<String>,
}

/// Which attempt it was.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// 1 is the first since the delivery was made or replayed.
    pub tries: i16,
    /// No more may follow, whatever the schedule says: it is a test, or its job is spent.
    pub last: bool,
    pub url: &'a str,
    /// Uniform, 0 to 1.
    pub chance: f64,
}

/// Judges the reply to an attempt.
#[must_use]
pub fn judge(reply: &Reply, attempt: Attempt<'_>) -> Verdict {
    let again = |wanted: Option<Duration>| {
        let wait = wait(attempt, wanted).filter(|_| !attempt.last);
        wait.map_or(Fate::Failed, Fate::Again)
    };
    let failed = |fate, status, code, text: &str| Verdict {
        fate,
        gone: false,
        status,
        code: Some(code),
        text: Some(redacted(text, attempt.url)),
    };
    match reply {
        Reply::Answered { status, retry_after } => {
            let kept = i16::try_from(*status).ok();
            match *status {
                200..=299 => {
                    Verdict { fate: Fate::Succeeded, gone: false, status: kept, code: None, text: None }
                }
                410 => {
                    let text = "the endpoint says that it is gone, so it is told nothing any more";
                    Verdict { gone: true, ..failed(Fate::Failed, kept, "gone", text) }
                }
                300..=399 => {
                    let text = "the endpoint answers with a redirect, which is not followed";
                    failed(again(*retry_after), kept, "redirect", text)
                }
                _ => failed(again(*retry_after), kept, "status", &format!("the endpoint answered {status}")),
            }
        }
        Reply::Blocked(why) => failed(Fate::Failed, None, "blocked", why),
        Reply::NoAnswer(why) => failed(again(None), None, "no_answer", why),
    }
}

/// How long after an attempt the next one comes; none after the last.
fn wait(attempt: Attempt<'_>, wanted: Option<Duration>) -> Option<Duration> {
    let before = usize::try_from(attempt.tries).ok()?.checked_sub(1)?;
    let spread = WAITS.get(before)?.mul_f64(1.0 + SPREAD * attempt.chance.clamp(0.0, 1.0));
    Some(spread.max(wanted.unwrap_or_default().min(LONGEST_WAIT)))
}

/// What may be kept of a text about a call: nothing of the URL, which may hold a token.
fn redacted(text: &str, url: &str) -> String {
    let mut bare = text.replace(url, "…");
    if let Some(host) = Url::parse(url).ok().as_ref().and_then(Url::host_str) {
        bare = bare.replace(host, "…");
    }
    bare.chars().filter(|letter| !letter.is_control()).take(ERROR_CHARS).collect()
}

/// A URL for whoever may not see the token that may be in it: where it goes, and no more.
#[must_use]
pub fn origin(url: &str) -> String {
    Url::parse(url).map_or_else(|_| "…".to_owned(), |url| format!("{}/…", url.origin().ascii_serialization()))
}

/// The types that somebody with these permissions may subscribe to, in order and each once.
///
/// # Errors
/// If there are none, one is unknown, or the permission that lets a person see it is missing.
pub fn subscribed(types: &[String], grants: PermissionSet) -> Result<Vec<String>> {
    if types.is_empty() {
        return Err(Error::invalid("/types", "name at least one type of event, for example message.sent"));
    }
    for (at, kind) in types.iter().enumerate() {
        let known = events::kinds().any(|known| known == kind);
        let Some(needed) = events::needed(kind).filter(|_| known) else {
            let there: Vec<&str> = events::kinds().collect();
            return Err(Error::invalid(format!("/types/{at}"), format!("there are {}", there.join(", "))));
        };
        if !grants.contains(needed) {
            let detail = format!("to have others told of it, you need the permission {}", needed.as_str());
            return Err(Error::beyond(format!("/types/{at}"), detail));
        }
    }
    let mut kept = types.to_vec();
    kept.sort_unstable();
    kept.dedup();
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::permission::Permission;

    const URL: &str = "https://hooks.example.com/in?token=s3cret";

    fn judged(reply: &Reply, tries: i16, last: bool, chance: f64) -> Verdict {
        judge(reply, Attempt { tries, last, url: URL, chance })
    }

    fn answered(status: u16, retry_after: Option<u64>) -> Reply {
        Reply::Answered { status, retry_after: retry_after.map(Duration::from_secs) }
    }

    #[test]
    fn only_2xx_is_success_and_410_is_the_end() {
        let again = Fate::Again(WAITS[0]);
        for (reply, fate, gone, code) in [
            (answered(200, None), Fate::Succeeded, false, None),
            (answered(204, None), Fate::Succeeded, false, None),
            (answered(299, Some(60)), Fate::Succeeded, false, None),
            (answered(302, None), again, false, Some("redirect")),
            (answered(400, None), again, false, Some("status")),
            (answered(404, None), again, false, Some("status")),
            (answered(410, None), Fate::Failed, true, Some("gone")),
            (answered(500, None), again, false, Some("status")),
            (answered(999, None), again, false, Some("status")),
            (Reply::NoAnswer("late".into()), again, false, Some("no_answer")),
            (Reply::Blocked("near".into()), Fate::Failed, false, Some("blocked")),
        ] {
            let verdict = judged(&reply, 1, false, 0.0);
            assert_eq!((verdict.fate, verdict.gone, verdict.code), (fate, gone, code), "{reply:?}");
            let last = judged(&reply, 1, true, 0.0).fate;
            assert_eq!(last, if fate == again { Fate::Failed } else { fate }, "{reply:?}");
        }
    }

    #[test]
    fn waits_grow_are_spread_and_end() {
        let failure = answered(503, None);
        for (tries, wait) in (1..).zip(WAITS) {
            for (chance, most) in [(0.0, 1.0), (1.0, 1.0 + SPREAD)] {
                let fate = judged(&failure, tries, false, chance).fate;
                assert_eq!(fate, Fate::Again(wait.mul_f64(most)), "{tries}");
            }
        }
        assert_eq!(judged(&failure, 10, false, 0.0).fate, Fate::Failed);
        assert_eq!(judged(&failure, 0, false, 0.0).fate, Fate::Failed);
    }

    #[test]
    fn an_endpoint_may_ask_for_a_longer_wait_within_bounds_and_not_for_a_shorter_one() {
        for (wanted, wait) in [(1, 5), (60, 60), (1_000_000, 86_400)] {
            let fate = judged(&answered(429, Some(wanted)), 1, false, 0.0).fate;
            assert_eq!(fate, Fate::Again(Duration::from_secs(wait)), "{wanted}");
        }
    }

    #[test]
    fn what_is_kept_of_a_failure_does_not_say_where_it_went() {
        let why = format!("cannot reach {URL} (hooks.example.com)\n{}", "x".repeat(300));
        let text = judged(&Reply::NoAnswer(why), 1, false, 0.0).text.expect("a text");
        assert!(text.starts_with("cannot reach … (…)x"), "{text}");
        assert_eq!(text.chars().count(), ERROR_CHARS);
        assert_eq!(origin(URL), "https://hooks.example.com/…");
        assert_eq!(origin("http://127.0.0.1:8080/x"), "http://127.0.0.1:8080/…");
    }

    #[test]
    fn only_what_somebody_sees_is_subscribed_to() {
        let grants: PermissionSet = [Permission::MessagesRead, Permission::JobsRead].into_iter().collect();
        let ask = |types: &[&str]| {
            let types: Vec<String> = types.iter().map(|kind| (*kind).to_owned()).collect();
            subscribed(&types, grants)
        };
        let kept = ask(&["message.sent", "job.discarded", "message.sent"]).expect("both are seen");
        assert_eq!(kept, ["job.discarded", "message.sent"]);
        for types in [&[][..], &["message"], &["message.sent", "message.unheard_of"], &["webhook.test"]] {
            assert!(matches!(ask(types), Err(Error::Invalid(_))), "{types:?}");
        }
        let Err(Error::Beyond(beyond)) = ask(&["message.sent", "lead.created"]) else {
            panic!("no right to leads")
        };
        assert_eq!(beyond.pointer, "/types/1");
        assert!(beyond.detail.contains("leads:read"), "{}", beyond.detail);
    }
}
