//! What cannot be meant, named with its place. Pure.

use std::ops::RangeInclusive;

use chrono::Datelike;
use engine::schedules::is_zone;

use super::{CampaignChannel, Content, Definition, Limits, Timing, Variant};
use crate::{
    error::{Error, FieldError, Result},
    messages::provider::Channel,
    schedules::{MisfirePolicy, OverlapPolicy},
};

/// Variants of a campaign.
const MOST_VARIANTS: usize = 10;
const NAME_LIMIT: usize = 100;
/// The most that `variables` may take as JSON, in bytes.
const VARIABLES_LIMIT: usize = 16 * 1024;
/// The longest lateness and the longest test of variants, in seconds: 30 days.
const LONGEST: u32 = 30 * 86_400;

impl Definition {
    /// Names everything that cannot be meant.
    ///
    /// # Errors
    /// With the place of each.
    pub(in crate::campaigns) fn check(&self, name: &str) -> Result<()> {
        let mut wrong = Wrong(Vec::new());
        let letters = name.trim().chars().count();
        wrong.unless((1..=NAME_LIMIT).contains(&letters), "/name", "1 to 100 characters");
        wrong.unless((1..=366).contains(&self.attribution_days), "/attribution_days", "1 to 366 days");
        self.content.check(&mut wrong);
        self.limits.check(&mut wrong);
        if let Some(timing) = &self.schedule {
            timing.check(&mut wrong);
        }
        // Postgres keeps none.
        let plain = serde_json::to_string(self).is_ok_and(|text| !text.contains("\\u0000"));
        wrong.unless(plain && !name.contains('\0'), "", "remove the NUL characters");
        let priced = self.content.channels.iter().all(|way| way.cost_micros.is_some());
        let priced = priced || self.limits.budget_cents.is_none();
        wrong.unless(
            priced,
            "/limits/budget_cents",
            "say `cost_micros` of each channel, so that it is known what is spent",
        );
        if wrong.0.is_empty() { Ok(()) } else { Err(Error::Invalid(wrong.0)) }
    }
}

/// What a run may spend, in hundredths of the tenant's currency; and in words.
pub(in crate::campaigns) const BUDGET: RangeInclusive<i64> = 0..=1_000_000_000_000;
pub(in crate::campaigns) const BUDGET_SAID: &str = "0 to 1000000000000";

/// What was found to be wrong.
struct Wrong(Vec<FieldError>);

impl Wrong {
    fn unless(&mut self, holds: bool, pointer: impl Into<String>, detail: &str) {
        if !holds {
            self.0.push(FieldError::new(pointer, detail));
        }
    }
}

impl Content {
    fn check(&self, wrong: &mut Wrong) {
        wrong.unless((1..=3).contains(&self.channels.len()), "/content/channels", "1 to 3 channels");
        for (place, way) in self.channels.iter().enumerate() {
            let at = format!("/content/channels/{place}");
            let reaches = matches!(way.channel, Channel::Email | Channel::Sms | Channel::Whatsapp);
            wrong.unless(reaches, format!("{at}/channel"), "leads are reached by email, sms or whatsapp");
            let first = self.channels.iter().position(|other| other.channel == way.channel) == Some(place);
            wrong.unless(first, format!("{at}/channel"), "name each channel once");
            let cost = way.cost_micros.is_none_or(|cost| (0..=1_000_000_000_000).contains(&cost));
            wrong.unless(cost, format!("{at}/cost_micros"), "0 to 1000000000000");
        }
        let many = (1..=MOST_VARIANTS).contains(&self.variants.len());
        wrong.unless(many, "/content/variants", "1 to 10 variants");
        for (place, variant) in self.variants.iter().enumerate() {
            variant.check(&format!("/content/variants/{place}"), &self.channels, wrong);
            let first = self.variants.iter().position(|other| other.name == variant.name) == Some(place);
            wrong.unless(
                first,
                format!("/content/variants/{place}/name"),
                "each variant has a name of its own",
            );
        }
        if let Some(rule) = self.winner {
            wrong.unless(
                self.variants.len() > 1,
                "/content/winner",
                "name two variants at least, or set it to null",
            );
            let sample = (1..=90).contains(&rule.sample_percent);
            wrong.unless(sample, "/content/winner/sample_percent", "1 to 90");
            let after = (60..=LONGEST).contains(&rule.after_s);
            wrong.unless(after, "/content/winner/after_s", "60 to 2592000 seconds");
            let sure = (80..=99).contains(&rule.confidence_percent);
            wrong.unless(sure, "/content/winner/confidence_percent", "80 to 99");
            wrong.unless((1..=1_000_000).contains(&rule.least), "/content/winner/least", "1 to 1000000");
        }
        let length = serde_json::to_string(&self.variables).map_or(0, |text| text.len());
        wrong.unless(length <= VARIABLES_LIMIT, "/content/variables", "at most 16 KiB");
    }
}

impl Variant {
    fn check(&self, at: &str, channels: &[CampaignChannel], wrong: &mut Wrong) {
        let letters = self.name.trim().chars().count();
        wrong.unless((1..=NAME_LIMIT).contains(&letters), format!("{at}/name"), "1 to 100 characters");
        wrong.unless((1..=1_000).contains(&self.weight), format!("{at}/weight"), "1 to 1000");
        for way in channels {
            let said = self.messages.iter().filter(|message| message.channel == way.channel).count();
            let detail = format!("say once what it says by {}", way.channel.as_str());
            wrong.unless(said == 1, format!("{at}/messages"), &detail);
        }
        for (place, message) in self.messages.iter().enumerate() {
            let at = format!("{at}/messages/{place}");
            let known = channels.iter().any(|way| way.channel == message.channel);
            wrong.unless(known, format!("{at}/channel"), "it is no channel of the campaign");
            let named = message.template.is_some() != message.template_id.is_some();
            wrong.unless(
                named,
                format!("{at}/template"),
                "name the template by its name or by its id (`template_id`)",
            );
        }
    }
}

impl Timing {
    fn check(&self, wrong: &mut Wrong) {
        let once = self.at.is_some() != self.crontab.is_some();
        wrong.unless(once, "/schedule/at", "give either at or crontab");
        let zone = self.zone.as_deref().is_none_or(is_zone);
        wrong.unless(
            zone,
            "/schedule/zone",
            "use a name of the IANA time zone database, for example Europe/Berlin or UTC",
        );
        let catches_up = matches!(self.misfire, MisfirePolicy::CatchUp);
        let most = self.catch_up.is_some_and(|most| (1..=100).contains(&most));
        wrong.unless(!catches_up || most, "/schedule/catch_up", "1 to 100");
        wrong.unless(
            catches_up || self.catch_up.is_none(),
            "/schedule/catch_up",
            "only with misfire: catch_up",
        );
        let older = matches!(self.overlap, OverlapPolicy::CancelOlder);
        let detail = "skip, buffer_one or allow: a run that has begun is cancelled by people only";
        wrong.unless(!older, "/schedule/overlap", detail);
        let allows = matches!(self.overlap, OverlapPolicy::Allow);
        wrong.unless(!catches_up || allows, "/schedule/overlap", "allow, with misfire: catch_up");
        for (pointer, year) in [
            ("/schedule/at", self.at.map(|at| at.year())),
            ("/schedule/starts_at", self.starts_at.map(|at| at.year())),
            ("/schedule/ends_at", self.ends_at.map(|at| at.year())),
        ] {
            let near = year.is_none_or(|year| (2000..3000).contains(&year));
            wrong.unless(near, pointer, "a year from 2000 to 2999");
        }
        let ordered = self.starts_at.zip(self.ends_at).is_none_or(|(start, end)| start < end);
        wrong.unless(ordered, "/schedule/ends_at", "later than starts_at");
    }
}

impl Limits {
    fn check(&self, wrong: &mut Wrong) {
        let rate = self.rate_per_minute.is_none_or(|rate| (1..=1_000_000).contains(&rate));
        wrong.unless(rate, "/limits/rate_per_minute", "1 to 1000000");
        let late = self.max_lateness_s.is_none_or(|late| (1..=LONGEST).contains(&late));
        wrong.unless(late, "/limits/max_lateness_s", "1 to 2592000 seconds");
        let budget = self.budget_cents.is_none_or(|cents| BUDGET.contains(&cents));
        wrong.unless(budget, "/limits/budget_cents", BUDGET_SAID);
        if let Some(quiet) = &self.quiet_hours {
            wrong.unless(quiet.from != quiet.until, "/limits/quiet_hours/until", "another time than `from`");
        }
        if let Some(cap) = &self.frequency_cap {
            wrong.unless((1..=1_000).contains(&cap.most), "/limits/frequency_cap/most", "1 to 1000");
            wrong.unless((1..=720).contains(&cap.hours), "/limits/frequency_cap/hours", "1 to 720");
        }
        if let Some(breaker) = &self.breaker {
            wrong.unless((10..=100_000).contains(&breaker.window), "/limits/breaker/window", "10 to 100000");
            wrong.unless((1..=100).contains(&breaker.percent), "/limits/breaker/percent", "1 to 100");
            wrong.unless((1..=100_000).contains(&breaker.least), "/limits/breaker/least", "1 to 100000");
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn definition(change: impl FnOnce(&mut Value)) -> Definition {
        let mut said = json!({
            "audience": "live", "schedule": null, "limits": {}, "needs_approval": false, "attribution_days": 7,
            "content": {
                "channels": [{"channel": "sms"}, {"channel": "email"}],
                "variants": [
                    {"name": "a", "messages": [
                        {"channel": "sms", "template": "one"}, {"channel": "email", "template": "two"},
                    ]},
                    {"name": "b", "weight": 3, "messages": [
                        {"channel": "sms", "template": "one"}, {"channel": "email", "template": "two"},
                    ]},
                ],
            },
        });
        change(&mut said);
        serde_json::from_value(said).expect("a definition")
    }

    fn wrong(definition: &Definition) -> Vec<String> {
        match definition.check("A name") {
            Err(Error::Invalid(wrong)) => wrong.into_iter().map(|field| field.pointer).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn what_cannot_be_meant_is_named() {
        type Change = fn(&mut Value);
        let cases: [(Change, &[&str]); 10] = [
            (|_| {}, &[]),
            (
                |said| said["content"]["channels"] = json!([]),
                &[
                    "/content/channels",
                    "/content/variants/0/messages/0/channel",
                    "/content/variants/0/messages/1/channel",
                    "/content/variants/1/messages/0/channel",
                    "/content/variants/1/messages/1/channel",
                ],
            ),
            (|said| said["content"]["variants"] = json!([]), &["/content/variants"]),
            (|said| said["content"]["variants"][1]["name"] = json!("a"), &["/content/variants/1/name"]),
            (
                |said| said["content"]["variants"][0]["messages"][0]["template"] = json!(null),
                &["/content/variants/0/messages/0/template"],
            ),
            (
                |said| {
                    said["content"]["winner"] =
                        json!({"measure": "read", "sample_percent": 91, "after_s": 5});
                },
                &["/content/winner/sample_percent", "/content/winner/after_s"],
            ),
            (|said| said["schedule"] = json!({"zone": "Mars/Olympus"}), &["/schedule/at", "/schedule/zone"]),
            (
                |said| said["schedule"] = json!({"crontab": "0 9 * * *", "misfire": "catch_up"}),
                &["/schedule/catch_up", "/schedule/overlap"],
            ),
            (|said| said["limits"] = json!({"rate_per_minute": 0}), &["/limits/rate_per_minute"]),
            (|said| said["limits"] = json!({"budget_cents": 100}), &["/limits/budget_cents"]),
        ];
        for (at, (change, wanted)) in cases.into_iter().enumerate() {
            assert_eq!(wrong(&definition(change)), wanted, "case {at}");
        }
        assert!(definition(|_| {}).check(" ").is_err());
    }

    #[test]
    fn a_share_of_the_leads_gets_the_variants_first() {
        let whole = definition(|_| {});
        assert_eq!((whole.content.upto(), whole.content.first_wave()), (vec![1, 4], 10_000));
        let sampled = definition(|said| {
            said["content"]["winner"] = json!({"measure": "read", "sample_percent": 20, "after_s": 60});
        });
        assert_eq!((sampled.content.upto(), sampled.content.first_wave()), (vec![1, 4], 2_000));
    }

    #[test]
    fn what_is_kept_reads_as_it_was_said() {
        let said = definition(|said| {
            said["schedule"] = json!({"at": "2026-12-01T09:00:00", "clock": "recipient"});
            said["limits"] = json!({"quiet_hours": {"from": "21:00", "until": "08:00"}, "breaker": null});
        });
        let kept = serde_json::to_value(&said).expect("JSON");
        assert_eq!(serde_json::from_value::<Definition>(kept).expect("a definition"), said);
        assert_eq!(said.limits.breaker, None);
        assert!(definition(|_| {}).limits.breaker.is_some(), "there is one if nothing is said");
    }
}
