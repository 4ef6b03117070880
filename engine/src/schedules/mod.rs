//! Schedules: jobs that begin by themselves, as rows.
//!
//! A schedule is due by a [`Calendar`] or once. A *tick* locks the row of a schedule that is due, enqueues
//! its job, writes down what became of each time and moves on, in one transaction: each time comes once,
//! whatever dies in between and however many processes tick.

mod calendar;
mod change;
mod plan;
mod store;
mod tick;
mod view;

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use calendar::{BadCalendar, Calendar};
pub use change::Refused;
pub use plan::{Misfire, Overlap, Plan, Policy, Standing, Step};
pub use store::{Tick, count, due_of, get, last_ticks, list, lock, next_times, ticks};
pub use tick::run;
pub use view::View;

use crate::NewJob;

/// When something is due, as it is kept and shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Five fields, or a name such as `@daily`.
    Crontab(String),
    /// At one instant.
    Once(DateTime<Utc>),
}

/// The same, read.
#[derive(Debug, Clone)]
pub enum Timing {
    Calendar(Box<Calendar>),
    Once(DateTime<Utc>),
}

impl When {
    /// Reads it in a zone.
    ///
    /// # Errors
    /// If the crontab or the zone is unknown, or it never comes.
    pub fn read(&self, zone: &str) -> Result<Timing, BadCalendar> {
        match self {
            Self::Crontab(crontab) => Ok(Timing::Calendar(Calendar::parse(crontab, zone)?.into())),
            Self::Once(at) => calendar::read_zone(zone).map(|_| Timing::Once(*at)),
        }
    }
}

impl Timing {
    /// The first time after an instant.
    #[must_use]
    pub fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            Self::Calendar(calendar) => calendar.next_after(after),
            Self::Once(at) => Some(*at).filter(|at| *at > after),
        }
    }

    /// The newest times after `from` and not after `to`; see [`Calendar::last_within`].
    #[must_use]
    pub fn last_within(&self, from: DateTime<Utc>, to: DateTime<Utc>, most: usize) -> Vec<DateTime<Utc>> {
        match self {
            Self::Calendar(calendar) => calendar.last_within(from, to, most),
            Self::Once(at) => Some(*at).filter(|at| *at > from && *at <= to).into_iter().collect(),
        }
    }
}

/// How a schedule is to be.
#[derive(Debug, Clone)]
pub struct Spec {
    /// Unique in its tenant.
    pub name: String,
    /// What begins each time; the tenant is the schedule's.
    pub job: NewJob,
    /// The job is the first of a workflow's run.
    pub workflow: bool,
    pub when: When,
    /// A name of the IANA database.
    pub zone: String,
    pub overlap: Overlap,
    pub misfire: Misfire,
    /// A run that could not begin this long after its time does not begin any more.
    pub max_lateness: Option<Duration>,
    /// Each run begins up to so much later, by chance, so that many schedules of one time do not begin
    /// together. Lateness counts from then.
    pub jitter: Duration,
    /// Not due before.
    pub starts_at: Option<DateTime<Utc>>,
    /// Not due after.
    pub ends_at: Option<DateTime<Utc>>,
}

impl Spec {
    /// In UTC, with the usual policies, from now on and for ever.
    #[must_use]
    pub fn of(name: impl Into<String>, job: NewJob, when: When) -> Self {
        Self {
            name: name.into(),
            job,
            workflow: false,
            when,
            zone: "UTC".into(),
            overlap: Overlap::default(),
            misfire: Misfire::default(),
            max_lateness: None,
            jitter: Duration::ZERO,
            starts_at: None,
            ends_at: None,
        }
    }

    /// The times after an instant at which it is due.
    ///
    /// # Errors
    /// As [`When::read`].
    pub fn times(&self, after: DateTime<Utc>) -> Result<impl Iterator<Item = DateTime<Utc>>, BadCalendar> {
        times(&self.when, &self.zone, self.starts_at, self.ends_at, after)
    }
}

/// The times after an instant, from a start to an end.
///
/// # Errors
/// As [`When::read`].
pub fn times(
    when: &When,
    zone: &str,
    starts_at: Option<DateTime<Utc>>,
    ends_at: Option<DateTime<Utc>>,
    after: DateTime<Utc>,
) -> Result<impl Iterator<Item = DateTime<Utc>> + use<>, BadCalendar> {
    let timing = when.read(zone)?;
    let start = starts_at.map_or(after, |start| after.max(start - chrono::TimeDelta::microseconds(1)));
    let times = std::iter::successors(timing.next_after(start), move |due| timing.next_after(*due));
    Ok(times.take_while(move |due| ends_at.is_none_or(|end| *due <= end)))
}

/// Whether there is a zone of this name in the IANA database.
#[must_use]
pub fn is_zone(name: &str) -> bool {
    calendar::read_zone(name).is_ok()
}

/// What the business keys of schedules' jobs begin with.
pub const BUSINESS_KEY: &str = "schedule:";

/// The business key of a schedule's jobs, by which they are found.
#[must_use]
pub fn business_key(schedule: Uuid) -> String {
    format!("{BUSINESS_KEY}{schedule}")
}
