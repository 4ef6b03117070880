//! A campaign as people say it: here when it is sent and to whom, in `content` what, in `limits` what bounds it; in `check`
//! what cannot be meant. What is said is kept as it is; a run keeps its own copy, with the versions of the templates that were
//! in use when it began.

pub(super) mod check;
mod content;
mod limits;

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::{Deserialize, Serialize};

pub use self::{
    content::{CampaignChannel, Content, Variant, VariantMessage, WinnerRule},
    limits::{Breaker, CampaignCap, CampaignQuietHours, Limits},
};
use crate::schedules::{MisfirePolicy, OverlapPolicy};

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
        self.schedule.as_ref().is_some_and(Timing::recurs)
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

impl Timing {
    /// Whether it names several times.
    pub(in crate::campaigns) fn recurs(&self) -> bool {
        self.crontab.is_some()
    }
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
