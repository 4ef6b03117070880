//! Whether a message may leave, pure.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::quiet_until;
use crate::messages::{
    policy::{ConsentRule, Policy},
    rules::{Purpose, Status, Stop, Verdict},
};

/// What is known of a message and its recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    pub purpose: Purpose,
    /// What is done with the person's data is restricted (GDPR Art. 18).
    pub restricted: bool,
    /// The address is not written to on this channel, or not with what the message is for.
    pub suppressed: bool,
    /// What the lead has said last of the channel and the purpose; none for nothing.
    pub by_lead: Option<bool>,
    /// What was said last by the address.
    pub by_address: Option<bool>,
    /// Messages that count against the cap.
    pub sent: i64,
    /// Where the person may be; nothing is known of them if it is empty.
    pub zones: Vec<Tz>,
}

impl Facts {
    /// Whether the message is not sent at all, whatever the time is.
    #[must_use]
    pub fn is_held_back(&self, policy: &Policy) -> bool {
        self.wished(policy).is_some()
    }

    /// What is against it of all that the person has a say in.
    fn wished(&self, policy: &Policy) -> Option<Stop> {
        if self.restricted {
            let why = "what is done with the person's data is restricted; see the restrictions";
            return Some(stop("restricted", why));
        }
        if self.suppressed {
            return Some(stop("suppressed", "the address is not written to; see the suppressions"));
        }
        let said = [self.by_lead, self.by_address];
        if said.contains(&Some(false)) {
            return Some(stop("consent_withdrawn", "the person does not want such messages on this channel"));
        }
        if policy.consent.of(self.purpose) == ConsentRule::Required && !said.contains(&Some(true)) {
            let why =
                "the person has not agreed to such messages on this channel; record their consent first";
            return Some(stop("no_consent", why));
        }
        None
    }
}

/// Whether a message may leave now. `home` is where people are taken to be of whom nothing is known, or who may be in
/// places of which it is always quiet in one.
#[must_use]
pub fn decide(facts: &Facts, policy: &Policy, home: Tz, now: DateTime<Utc>) -> Verdict {
    if let Some(stop) = facts.wished(policy) {
        return Verdict::Stop(stop);
    }
    if policy.cap_for(facts.purpose).is_some_and(|cap| facts.sent >= i64::from(cap.most)) {
        let why = "the person had as many such messages of late as the policy allows";
        return Verdict::Stop(stop("frequency_cap", why));
    }
    let Some(hours) = policy.quiet_for(facts.purpose) else { return Verdict::Go };
    match quiet_until(&[hours], &facts.zones, home, now) {
        Some(until) => Verdict::Defer { until, code: "quiet_hours" },
        None => Verdict::Go,
    }
}

fn stop(code: &'static str, text: &str) -> Stop {
    Stop { status: Status::Suppressed, code, text: text.to_owned() }
}

#[cfg(test)]
mod tests {
    use chrono_tz::{America::New_York, Europe::Berlin, Pacific::Auckland};
    use serde_json::json;

    use super::*;

    fn policy(policy: serde_json::Value) -> Policy {
        serde_json::from_value(policy).expect("a policy")
    }

    fn strict() -> Policy {
        policy(json!({
            "quiet_hours": {"from": "21:00", "until": "08:00", "purposes": ["marketing"]},
            "frequency_cap": {"most": 3, "hours": 24, "purposes": ["marketing"], "per": "channel"},
        }))
    }

    fn facts(purpose: Purpose) -> Facts {
        Facts {
            purpose,
            restricted: false,
            suppressed: false,
            by_lead: None,
            by_address: None,
            sent: 0,
            zones: vec![Berlin],
        }
    }

    /// The code of the gate, if there is one that does not open.
    fn code(verdict: &Verdict) -> Option<&'static str> {
        match verdict {
            Verdict::Go => None,
            Verdict::Stop(stop) => {
                assert_eq!(stop.status, Status::Suppressed);
                Some(stop.code)
            }
            Verdict::Defer { code, .. } => Some(*code),
        }
    }

    #[test]
    fn each_gate_is_asked_in_its_turn() {
        use Purpose::{Marketing, Transactional};
        let (noon, night) = ("2026-06-01T10:00:00Z", "2026-06-01T20:00:00Z");
        let said = |by_lead, by_address| Facts { by_lead, by_address, ..facts(Marketing) };
        let asked = |by_lead, by_address| Facts { by_lead, by_address, ..facts(Transactional) };
        let agreed = || said(Some(true), None);
        for (facts, now, wanted) in [
            (facts(Transactional), noon, None),
            (facts(Transactional), night, None),
            (asked(Some(false), None), noon, Some("consent_withdrawn")),
            (asked(Some(true), Some(false)), noon, Some("consent_withdrawn")),
            (facts(Marketing), noon, Some("no_consent")),
            (said(Some(true), None), noon, None),
            (said(None, Some(true)), noon, None),
            (said(Some(true), Some(false)), noon, Some("consent_withdrawn")),
            (said(Some(false), Some(true)), noon, Some("consent_withdrawn")),
            (Facts { suppressed: true, ..agreed() }, noon, Some("suppressed")),
            (Facts { suppressed: true, ..said(Some(false), None) }, night, Some("suppressed")),
            (Facts { sent: 2, ..agreed() }, noon, None),
            (Facts { sent: 3, ..agreed() }, noon, Some("frequency_cap")),
            (Facts { sent: 3, ..agreed() }, night, Some("frequency_cap")),
            (Facts { sent: 3, ..facts(Marketing) }, night, Some("no_consent")),
            (Facts { sent: 3, ..facts(Transactional) }, noon, None),
            (agreed(), night, Some("quiet_hours")),
        ] {
            let verdict = decide(&facts, &strict(), Tz::UTC, now.parse().expect("an instant"));
            assert_eq!(code(&verdict), wanted, "{facts:?} at {now}");
        }
    }

    #[test]
    fn what_the_product_says_by_itself_is_about_consent_only() {
        let night = "2026-06-01T20:00:00Z".parse().expect("an instant");
        let own = Policy::default();
        let agreed = Facts { by_lead: Some(true), sent: 1_000, ..facts(Purpose::Marketing) };
        assert_eq!(decide(&agreed, &own, Tz::UTC, night), Verdict::Go);
        assert_eq!(code(&decide(&facts(Purpose::Marketing), &own, Tz::UTC, night)), Some("no_consent"));
        assert_eq!(decide(&facts(Purpose::Transactional), &own, Tz::UTC, night), Verdict::Go);
        let lax = policy(json!({"consent": {"marketing": "unless_withdrawn"}}));
        assert_eq!(decide(&facts(Purpose::Marketing), &lax, Tz::UTC, night), Verdict::Go);
    }

    #[test]
    fn it_waits_until_it_is_day_wherever_the_person_may_be() {
        let defer = |until: &str| {
            let until = until.parse().expect("an instant");
            Verdict::Defer { until, code: "quiet_hours" }
        };
        for (zones, home, now, wanted) in [
            (&[Berlin][..], New_York, "2026-06-01T20:00:00Z", defer("2026-06-02T06:00:00Z")),
            // Nothing is known: where the tenant is.
            (&[][..], New_York, "2026-06-01T20:00:00Z", Verdict::Go),
            // In one of both: eight in New York is two in the afternoon in Berlin.
            (&[Berlin, New_York][..], Tz::UTC, "2026-06-01T20:00:00Z", defer("2026-06-02T12:00:00Z")),
            (&[Berlin, New_York][..], Tz::UTC, "2026-06-01T13:00:00Z", Verdict::Go),
            // It is always night in one of these, so they tell nothing.
            (&[Berlin, New_York, Auckland][..], Tz::UTC, "2026-06-01T13:00:00Z", Verdict::Go),
            (
                &[Berlin, New_York, Auckland][..],
                Tz::UTC,
                "2026-06-01T22:00:00Z",
                defer("2026-06-02T08:00:00Z"),
            ),
        ] {
            let facts = Facts { by_lead: Some(true), zones: zones.to_vec(), ..facts(Purpose::Marketing) };
            let verdict = decide(&facts, &strict(), home, now.parse().expect("an instant"));
            assert_eq!(verdict, wanted, "{zones:?} {home} at {now}");
        }
    }
}
