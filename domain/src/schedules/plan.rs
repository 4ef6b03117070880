//! A schedule as it is asked for, and the rules that it must keep.

use std::time::Duration;

use chrono::{DateTime, Datelike, Utc};
use engine::schedules::{Misfire, Overlap, When};
use serde::{Deserialize, Serialize};

use super::Work;
use crate::error::{Error, FieldError, Result};

const NAME_LIMIT: usize = 100;
/// The longest jitter, and the longest lateness that can be bounded, in seconds.
const LONGEST: u32 = 30 * 86_400;

/// What happens when it is due while a run of it goes on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OverlapPolicy {
    /// Nothing begins.
    #[default]
    Skip,
    /// One begins when the run has ended.
    BufferOne,
    /// Both run.
    Allow,
    /// The older run is cancelled.
    CancelOlder,
}

/// What happens to times that nobody was there for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MisfirePolicy {
    /// They are gone.
    Skip,
    /// One run stands for all of them.
    #[default]
    RunOnce,
    /// The newest of them run, as many as `catch_up` says.
    CatchUp,
}

/// How a schedule is to be. Either `crontab` or `at` is given.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Unique in the tenant.
    pub name: String,
    pub work: Work,
    /// Minute, hour, day of month, month, day of week; or `@hourly @daily @weekly @monthly @yearly`.
    #[schema(example = "30 7 * * 1-5")]
    pub crontab: Option<String>,
    /// Once, at this instant.
    pub at: Option<DateTime<Utc>>,
    /// A name of the IANA database; the tenant's own if not said.
    #[schema(example = "Europe/Berlin")]
    pub zone: Option<String>,
    #[serde(default)]
    pub overlap: OverlapPolicy,
    #[serde(default)]
    pub misfire: MisfirePolicy,
    /// With `misfire: catch_up` and `overlap: allow`; 1 to 1000.
    pub catch_up: Option<u16>,
    /// A run that could not begin so many seconds after its time does not begin any more.
    pub max_lateness_s: Option<u32>,
    /// Each run begins up to so many seconds later, so that not all begin together.
    #[serde(default)]
    pub jitter_s: u32,
    pub starts_at: Option<DateTime<Utc>>,
    pub ends_at: Option<DateTime<Utc>>,
}

impl Plan {
    /// Names everything that breaks a rule.
    pub(super) fn check(&self) -> Result<()> {
        let mut wrong = Vec::new();
        let mut demand = |holds: bool, pointer: &str, detail: String| {
            if !holds {
                wrong.push(FieldError::new(pointer, detail));
            }
        };
        let letters = self.name.chars().count();
        demand((1..=NAME_LIMIT).contains(&letters), "/name", format!("1 to {NAME_LIMIT} characters"));
        demand(self.jitter_s <= LONGEST, "/jitter_s", format!("at most {LONGEST} seconds"));
        let bounded = self.max_lateness_s.is_none_or(|late| (1..=LONGEST).contains(&late));
        demand(bounded, "/max_lateness_s", format!("1 to {LONGEST} seconds"));
        let catches_up = matches!(self.misfire, MisfirePolicy::CatchUp);
        let most = self.catch_up.is_some_and(|most| (1..=1000).contains(&most));
        demand(!catches_up || most, "/catch_up", "1 to 1000".into());
        demand(catches_up || self.catch_up.is_none(), "/catch_up", "only with misfire: catch_up".into());
        let ordered = self.starts_at.zip(self.ends_at).is_none_or(|(start, end)| start < end);
        demand(ordered, "/ends_at", "later than starts_at".into());
        for (pointer, at) in [("/at", self.at), ("/starts_at", self.starts_at), ("/ends_at", self.ends_at)] {
            demand(at.is_none_or(is_near), pointer, FAR.into());
        }
        let allows = matches!(self.overlap, OverlapPolicy::Allow);
        demand(!catches_up || allows, "/overlap", "allow, with misfire: catch_up".into());
        if wrong.is_empty() { Ok(()) } else { Err(Error::Invalid(wrong)) }
    }

    pub(super) fn misfire(&self) -> Misfire {
        match self.misfire {
            MisfirePolicy::Skip => Misfire::Skip,
            MisfirePolicy::RunOnce => Misfire::RunOnce,
            MisfirePolicy::CatchUp => Misfire::CatchUp(self.catch_up.unwrap_or(1)),
        }
    }

    pub(super) fn max_lateness(&self) -> Option<Duration> {
        self.max_lateness_s.map(|seconds| Duration::from_secs(seconds.into()))
    }
}

pub(super) const FAR: &str = "a year from 2000 to 2999";

/// Whether an instant is one that people schedule for.
pub(super) fn is_near(at: DateTime<Utc>) -> bool {
    (2000..3000).contains(&at.year())
}

/// When it is due: a crontab or an instant, not both.
pub(super) fn when(crontab: Option<&str>, at: Option<DateTime<Utc>>) -> Result<When> {
    match (crontab, at) {
        (Some(crontab), None) => Ok(When::Crontab(crontab.to_owned())),
        (None, Some(at)) => Ok(When::Once(at)),
        _ => Err(Error::invalid("/crontab", "give either crontab or at")),
    }
}

impl From<OverlapPolicy> for Overlap {
    fn from(policy: OverlapPolicy) -> Self {
        match policy {
            OverlapPolicy::Skip => Self::Skip,
            OverlapPolicy::BufferOne => Self::BufferOne,
            OverlapPolicy::Allow => Self::Allow,
            OverlapPolicy::CancelOlder => Self::CancelOlder,
        }
    }
}

impl From<Overlap> for OverlapPolicy {
    fn from(overlap: Overlap) -> Self {
        match overlap {
            Overlap::Skip => Self::Skip,
            Overlap::BufferOne => Self::BufferOne,
            Overlap::Allow => Self::Allow,
            Overlap::CancelOlder => Self::CancelOlder,
        }
    }
}

impl MisfirePolicy {
    /// The policy, and how many times are caught up.
    #[must_use]
    pub fn of(misfire: Misfire) -> (Self, Option<u16>) {
        match misfire {
            Misfire::Skip => (Self::Skip, None),
            Misfire::RunOnce => (Self::RunOnce, None),
            Misfire::CatchUp(most) => (Self::CatchUp, Some(most)),
        }
    }
}
