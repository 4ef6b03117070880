//! A schedule as it is kept, and what it comes to.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{BadCalendar, Misfire, Overlap, Policy, Spec, Standing, When};
use crate::NewJob;

/// A schedule as its tenant sees it.
#[derive(Debug, Clone)]
pub struct View {
    pub id: Uuid,
    pub tenant: Uuid,
    pub name: String,
    pub queue: String,
    pub kind: String,
    pub version: i16,
    pub priority: i16,
    pub max_attempts: i16,
    pub timeout_ms: i32,
    pub watched: bool,
    /// What begins is a workflow.
    pub workflow: bool,
    pub args: Box<RawValue>,
    pub actor: serde_json::Value,
    pub when: When,
    pub zone: String,
    pub overlap: Overlap,
    pub misfire: Misfire,
    pub max_lateness_s: Option<i32>,
    pub jitter_s: i32,
    pub starts_at: Option<DateTime<Utc>>,
    pub ends_at: Option<DateTime<Utc>>,
    pub paused_at: Option<DateTime<Utc>>,
    /// Why it is paused.
    pub why: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// None when it is over.
    pub next_at: Option<DateTime<Utc>>,
    /// Was due while the run before went on, and waits for its end.
    pub buffered_at: Option<DateTime<Utc>>,
}

impl View {
    /// How it deals with its times.
    ///
    /// # Errors
    /// If this build's zones do not know its zone any more.
    pub fn policy(&self) -> Result<Policy, BadCalendar> {
        Ok(Policy {
            timing: self.when.read(&self.zone)?,
            overlap: self.overlap,
            misfire: self.misfire,
            max_lateness: self.max_lateness(),
            ends_at: self.ends_at,
        })
    }

    fn max_lateness(&self) -> Option<TimeDelta> {
        self.max_lateness_s.map(|seconds| TimeDelta::seconds(seconds.into()))
    }

    /// The times after an instant at which it is due, were it not paused.
    ///
    /// # Errors
    /// As [`When::read`].
    pub fn times(
        &self,
        after: DateTime<Utc>,
    ) -> Result<impl Iterator<Item = DateTime<Utc>> + use<>, BadCalendar> {
        super::times(&self.when, &self.zone, self.starts_at, self.ends_at, after)
    }

    /// Whether it is already what a spec says, but for who asked for it.
    #[must_use]
    pub fn is_as(&self, spec: &Spec) -> bool {
        let job = &spec.job;
        (&self.name, &self.when, &self.zone) == (&spec.name, &spec.when, &spec.zone)
            && (&*self.queue, &*self.kind, self.version, self.args.get())
                == (&*job.queue, &*job.kind, job.version, job.args.get())
            && (self.priority, self.max_attempts, self.watched, self.workflow)
                == (job.priority, job.max_attempts, job.watched, spec.workflow)
            && i128::from(self.timeout_ms) == i128::try_from(job.timeout.as_millis()).unwrap_or(i128::MAX)
            && (self.overlap, self.misfire) == (spec.overlap, spec.misfire)
            && (self.max_lateness_s, self.jitter_s) == (spec.max_lateness.map(seconds), seconds(spec.jitter))
            && (self.starts_at, self.ends_at) == (spec.starts_at, spec.ends_at)
    }

    pub(super) fn standing(&self, active: bool) -> Standing {
        Standing { next_at: self.next_at, buffered_at: self.buffered_at, active }
    }

    /// The job of one time. `chance` is a uniform random number in 0..1.
    pub(super) fn job(&self, id: Uuid, due: DateTime<Utc>, chance: f64) -> NewJob {
        let jitter = Duration::from_secs(u64::try_from(self.jitter_s).unwrap_or(0)).mul_f64(chance);
        let run_at = due + jitter;
        NewJob {
            id,
            tenant: self.tenant,
            queue: self.queue.clone().into(),
            kind: self.kind.clone().into(),
            version: self.version,
            priority: self.priority,
            limit_key: String::new(),
            args: self.args.clone(),
            run_at: Some(run_at),
            delay: Duration::ZERO,
            max_attempts: self.max_attempts,
            timeout: Duration::from_millis(u64::try_from(self.timeout_ms).unwrap_or(0)),
            deadline: self.max_lateness().map(|lateness| run_at + lateness),
            business_key: Some(super::business_key(self.id)),
            tags: Vec::new(),
            watched: self.watched,
            unique: None,
            run: None,
        }
    }
}

impl Overlap {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::BufferOne => "buffer_one",
            Self::Allow => "allow",
            Self::CancelOlder => "cancel_older",
        }
    }

    pub(super) fn stored(text: &str) -> Self {
        let all = [Self::Skip, Self::BufferOne, Self::Allow, Self::CancelOlder];
        all.into_iter().find(|overlap| overlap.as_str() == text).unwrap_or_default()
    }
}

impl Misfire {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::RunOnce => "run_once",
            Self::CatchUp(_) => "catch_up",
        }
    }

    pub(super) fn most(self) -> i32 {
        if let Self::CatchUp(most) = self { most.into() } else { 0 }
    }

    pub(super) fn stored(text: &str, most: i32) -> Self {
        match text {
            "skip" => Self::Skip,
            "catch_up" => Self::CatchUp(u16::try_from(most).unwrap_or(u16::MAX)),
            _ => Self::RunOnce,
        }
    }
}

pub(super) fn seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs()).unwrap_or(i32::MAX)
}
