//! What a campaign sends: its channels, its variants, and how the best of them is found.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    campaigns::rules::{
        budget::Micros,
        winner::{Measure, Otherwise, Rule},
    },
    messages::{provider::Channel, rules::Purpose},
    types::{ProviderId, TemplateId},
};

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
