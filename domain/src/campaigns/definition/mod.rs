//! A campaign as people say it, and what cannot be meant. What is said is kept as it is; a run keeps its own copy, with the
//! versions of the templates that were in use when it began.

pub(super) mod check;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::rules::{
    breaker::Threshold,
    budget::Micros,
    winner::{Measure, Otherwise, Rule},
};
use crate::{
    agents::shifts::ClockTime,
    messages::{provider::Channel, rules::Purpose},
    schedules::{MisfirePolicy, OverlapPolicy},
    types::{ProviderId, TemplateId},
};

/// All that is said of a campaign but its name and whom it is to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    pub audience: AudienceMode,
    pub content: Content,
    pub schedule: Option<Timing>,
    pub limits: Limits,
    pub needs_approval: bool,
    pub attribution_days: u16,
}

impl Definition {
    /// Whether it is sent at several times.
    pub(in crate::campaigns) fn recurs(&self) -> bool {
        self.schedule.as_ref().is_some_and(|timing| timing.crontab.is_some())
    }
}

/// When it is settled who fits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AudienceMode {
    /// Whenever a run begins.
    #[default]
    Live,
    /// When the campaign is scheduled: all runs are to the same leads.
    Snapshot,
}

/// What is sent, and by what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CampaignContent)]
pub struct Content {
    /// Marketing is sent with consent only, outside of quiet hours, and not too often. It is if not said.
    #[serde(default = "marketing")]
    #[schema(required = false)]
    pub purpose: Purpose,
    /// 1 to 3: `email`, `sms` or `whatsapp`. Each lead gets the first by which they can be reached; if that surely comes to
    /// nothing, the next one is tried.
    #[schema(min_items = 1, max_items = 3)]
    pub channels: Vec<CampaignChannel>,
    /// 1 to 10. By weight each lead is drawn one, the same in whichever order they come.
    #[schema(min_items = 1, max_items = 10)]
    pub variants: Vec<Variant>,
    /// Some of the leads get the variants first, and the others the one that did best. Without it all get what they were drawn.
    pub winner: Option<WinnerRule>,
    /// What templates are given to speak of besides `name`, `language`, `region` and `attributes` of the lead.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub variables: Map<String, Value>,
}

/// A channel of a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CampaignChannel {
    pub channel: Channel,
    /// The account that carries it, and no other.
    pub provider_id: Option<ProviderId>,
    /// What a message costs, and of a short message each of its parts, in millionths of a hundredth of the tenant's currency:
    /// 750000 is three quarters of a cent. A preview of a template says how many parts there are.
    pub cost_micros: Option<i64>,
}

/// One of several ways to say it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CampaignVariant)]
pub struct Variant {
    pub name: String,
    /// 1 to 1000: its share of all weights is its share of the leads. 1 if not said.
    #[serde(default = "one")]
    #[schema(required = false)]
    pub weight: i32,
    /// One for each channel.
    pub messages: Vec<VariantMessage>,
}

/// What a variant says on a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CampaignMessage)]
pub struct VariantMessage {
    pub channel: Channel,
    /// The name of a template: the newest versions of all its locales as of the beginning of the run, or as of the approval if
    /// the campaign needs that; for each lead the one that is nearest to their language. Either this or `template_id`.
    pub template: Option<String>,
    /// A version of a template.
    pub template_id: Option<TemplateId>,
}

/// How the best variant is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CampaignWinnerRule)]
pub struct WinnerRule {
    pub measure: Measure,
    /// 1 to 90: so many percent of the leads get the variants first.
    pub sample_percent: i32,
    /// Nobody is waited for any longer after the last of them was handed over: 60 to 2592000 seconds. A variant that is
    /// surely better wins before.
    pub after_s: u32,
    /// How sure it must be, 80 to 99 percent; 95 if not said.
    #[serde(default = "sure")]
    #[schema(required = false)]
    pub confidence_percent: u16,
    /// Nothing is compared before each variant had so many messages taken, 1 to 1000000; 100 if not said.
    #[serde(default = "hundred")]
    #[schema(required = false)]
    pub least: u32,
    /// Who is taken where none is surely better in time.
    #[serde(default)]
    #[schema(required = false)]
    pub otherwise: Otherwise,
}

/// When it is sent: at one time, or again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CampaignSchedule)]
pub struct Timing {
    /// Once, as a clock shows it. Either this or `crontab`.
    #[schema(value_type = Option<String>, example = "2026-12-01T09:00:00")]
    pub at: Option<NaiveDateTime>,
    /// Again and again: minute, hour, day of month, month, day of week.
    #[schema(example = "0 9 * * 1")]
    pub crontab: Option<String>,
    /// A name of the IANA database; the tenant's own if not said.
    #[schema(example = "Europe/Berlin")]
    pub zone: Option<String>,
    /// Whose clock it is.
    #[serde(default)]
    #[schema(required = false)]
    pub clock: Clock,
    /// What happens to times that nobody was there for.
    #[serde(default)]
    #[schema(required = false)]
    pub misfire: MisfirePolicy,
    /// With `misfire: catch_up`: 1 to 100.
    pub catch_up: Option<u16>,
    /// What happens when it is due while a run goes on. `allow` has them run one after the other; `cancel_older` is none
    /// for campaigns. By each recipient's clock a run takes a day and more, from the first zone to the last: with `crontab`
    /// `skip` is `buffer_one` then, so that no day is passed over.
    #[serde(default)]
    #[schema(required = false)]
    pub overlap: OverlapPolicy,
    pub starts_at: Option<DateTime<Utc>>,
    pub ends_at: Option<DateTime<Utc>>,
}

/// Whose clock shows the time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CampaignClock)]
pub enum Clock {
    /// That of the zone.
    #[default]
    Zone,
    /// Each lead's own, as far as their number or region says where they are; else that of the zone. A number that may be in
    /// several zones is taken to be in the last of them.
    Recipient,
}

/// What bounds a campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = CampaignLimits)]
pub struct Limits {
    /// Messages a minute that are handed over to be sent, 1 to 1000000.
    pub rate_per_minute: Option<i32>,
    /// Besides those of the tenant's policy: nobody is written to meanwhile, where they are.
    pub quiet_hours: Option<CampaignQuietHours>,
    /// Besides that of the tenant's policy, over all campaigns: whoever had as many is skipped.
    pub frequency_cap: Option<CampaignCap>,
    /// When failures stop it; null for never.
    pub breaker: Option<Breaker>,
    /// Whoever could not be written to so many seconds after their time is skipped: 1 to 2592000.
    pub max_lateness_s: Option<u32>,
    /// What one run may spend, in hundredths of the tenant's currency. Each channel needs `cost_micros` then.
    pub budget_cents: Option<i64>,
}

/// Hours of every day, half open; up to `until` on the next day if that is before `from`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CampaignQuietHours {
    #[schema(value_type = String, example = "21:00")]
    pub from: ClockTime,
    #[schema(value_type = String, example = "08:00")]
    pub until: ClockTime,
}

/// How many messages of campaigns a lead gets at the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CampaignCap {
    /// 1 to 1000, this one included.
    pub most: i32,
    /// Within so many hours: 1 to 720.
    pub hours: i32,
}

/// When failures stop a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CampaignBreaker)]
pub struct Breaker {
    /// Of so many that were tried last, 10 to 100000.
    pub window: u32,
    /// So many percent have failed, bounced or are in doubt, 1 to 100.
    pub percent: u16,
    /// And at least so many, 1 to 100000.
    pub least: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            rate_per_minute: None,
            quiet_hours: None,
            frequency_cap: None,
            breaker: Some(Breaker { window: 1_000, percent: 50, least: 100 }),
            max_lateness_s: None,
            budget_cents: None,
        }
    }
}

impl Breaker {
    pub(in crate::campaigns) fn threshold(self) -> Threshold {
        Threshold { window: self.window, share: self.percent.saturating_mul(100), least: self.least }
    }
}

impl Limits {
    pub(in crate::campaigns) fn max_lateness(&self) -> Option<TimeDelta> {
        self.max_lateness_s.map(|seconds| TimeDelta::seconds(seconds.into()))
    }
}

impl CampaignChannel {
    /// What a part of a message costs; nothing, if nothing is said.
    pub(in crate::campaigns) fn price(&self) -> Micros {
        self.cost_micros.map_or(Micros::ZERO, Micros)
    }
}

impl Content {
    /// The channels in the order in which they are tried.
    pub(in crate::campaigns) fn names(&self) -> Vec<String> {
        self.channels.iter().map(|way| way.channel.as_str().to_owned()).collect()
    }

    pub(in crate::campaigns) fn way(&self, channel: Channel) -> Option<&CampaignChannel> {
        self.channels.iter().find(|way| way.channel == channel)
    }

    /// The weights of the variants, each with those before it.
    pub(in crate::campaigns) fn upto(&self) -> Vec<i64> {
        let upto = self.variants.iter().scan(0_i64, |upto, variant| {
            *upto += i64::from(variant.weight);
            Some(*upto)
        });
        upto.collect()
    }

    /// The share of leads that get a variant at once, in ten-thousandths.
    pub(in crate::campaigns) fn first_wave(&self) -> i64 {
        self.winner.map_or(10_000, |rule| i64::from(rule.sample_percent) * 100)
    }
}

fn marketing() -> Purpose {
    Purpose::Marketing
}

fn one() -> i32 {
    1
}

fn sure() -> u16 {
    95
}

fn hundred() -> u32 {
    100
}

impl WinnerRule {
    /// The same, as of when the last of the first wave was handed over.
    pub(in crate::campaigns) fn since(self, sampled_at: DateTime<Utc>) -> Rule {
        Rule {
            confidence: self.confidence_percent.saturating_mul(100),
            least: self.least,
            deadline: sampled_at + TimeDelta::seconds(self.after_s.into()),
            otherwise: self.otherwise,
        }
    }
}
