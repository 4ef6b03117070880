//! What bounds a campaign: how fast and when it is sent, to whom no more, and what it may spend.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::{agents::shifts::ClockTime, campaigns::rules::breaker::Threshold};

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
    /// When failures stop it, until somebody resumes it; null for never. A recurring campaign begins no run meanwhile either.
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
