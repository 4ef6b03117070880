//! What a job is, from asking for it to its ending.

use std::{borrow::Cow, time::Duration};

use chrono::{DateTime, Utc};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::workflows::NewStep;

/// The most that a payload or an output may take as JSON, in bytes.
pub const JSON_LIMIT: usize = 256 * 1024;

/// A payload that knows how it wants to be run. Payloads hold ids, never personal data or secrets.
pub trait JobKind: Serialize + DeserializeOwned + Send + 'static {
    /// The stable name of the kind: a string we choose, never a type path.
    const KIND: &'static str;
    /// The queue it waits in.
    const QUEUE: &'static str;
    /// Names it had before: jobs that still carry one are run all the same.
    const ALIASES: &'static [&'static str] = &[];
    /// Grows when the payload changes shape. A node runs this version and all before it; a newer one is
    /// left to nodes that know it.
    const VERSION: i16 = 1;
    /// Attempts before the job is discarded.
    const MAX_ATTEMPTS: i16 = 10;
    /// How long one attempt may take.
    const TIMEOUT: Duration = Duration::from_mins(1);
    /// 0 (first) to 3 (last) within a tenant.
    const PRIORITY: i16 = 1;
    /// Whether each ending is told in the log, not only discards.
    const WATCHED: bool = false;

    /// Turns a payload of an older version into one of this version.
    ///
    /// # Errors
    /// A sentence about what does not fit; the job is then discarded with it.
    fn upcast(version: i16, args: serde_json::Value) -> Result<serde_json::Value, String> {
        let _ = version;
        Ok(args)
    }

    /// Reads a stored payload of this version or an older one.
    ///
    /// # Errors
    /// A sentence about what does not fit; the job is then discarded with it.
    fn decode(version: i16, args: &RawValue) -> Result<Self, String> {
        let unfit = |error| format!("the payload does not fit {} version {version}: {error}", Self::KIND);
        if version == Self::VERSION {
            return serde_json::from_str(args.get()).map_err(unfit);
        }
        let old = serde_json::from_str(args.get()).map_err(unfit)?;
        serde_json::from_value(Self::upcast(version, old)?).map_err(unfit)
    }
}

/// A job about to be enqueued.
#[derive(Debug, Clone)]
pub struct NewJob {
    pub id: Uuid,
    pub tenant: Uuid,
    pub queue: Cow<'static, str>,
    pub kind: Cow<'static, str>,
    pub version: i16,
    pub priority: i16,
    /// The named limit that it counts against, as a provider's account; empty for none.
    pub limit_key: String,
    pub args: Box<RawValue>,
    /// Not before this instant; earlier than now means now.
    pub run_at: Option<DateTime<Utc>>,
    /// Not before this long after the database's own clock at enqueue.
    pub delay: Duration,
    pub max_attempts: i16,
    pub timeout: Duration,
    /// After this instant the job is not worth running and is discarded.
    pub deadline: Option<DateTime<Utc>>,
    /// What the job is about, for search: `lead:…`, `campaign:…`.
    pub business_key: Option<String>,
    pub tags: Vec<String>,
    pub watched: bool,
    pub unique: Option<Unique>,
    /// The run of a workflow that it belongs to, and the step of it; the run's first job belongs to none.
    pub(crate) run: Option<(Uuid, Option<String>)>,
}

/// At most one job of a tenant and kind with this key.
#[derive(Debug, Clone)]
pub struct Unique {
    pub key: String,
    /// How long the key is held; `None` holds it until the job has ended.
    pub period: Option<Duration>,
}

impl NewJob {
    /// A job of kind `A` with the kind's own defaults.
    ///
    /// # Errors
    /// If the payload cannot be written as JSON or is larger than [`JSON_LIMIT`].
    pub fn of<A: JobKind>(tenant: Uuid, id: Uuid, args: &A) -> serde_json::Result<Self> {
        let args = serde_json::value::to_raw_value(args)?;
        if args.get().len() > JSON_LIMIT {
            let why =
                format!("the payload of a {} is over {JSON_LIMIT} bytes; store it and pass its id", A::KIND);
            return Err(serde::ser::Error::custom(why));
        }
        Ok(Self {
            id,
            tenant,
            queue: A::QUEUE.into(),
            kind: A::KIND.into(),
            version: A::VERSION,
            priority: A::PRIORITY,
            limit_key: String::new(),
            args,
            run_at: None,
            delay: Duration::ZERO,
            max_attempts: A::MAX_ATTEMPTS,
            timeout: A::TIMEOUT,
            deadline: None,
            business_key: None,
            tags: Vec::new(),
            watched: A::WATCHED,
            unique: None,
            run: None,
        })
    }

    /// What it is about, for search: `lead:…`, `campaign:…`.
    #[must_use]
    pub fn about(mut self, business_key: impl Into<String>) -> Self {
        self.business_key = Some(business_key.into());
        self
    }

    /// 0 (first) to 3 (last) within the tenant; what lies beyond is the nearer of them.
    #[must_use]
    pub fn priority(mut self, priority: i16) -> Self {
        self.priority = priority.clamp(0, 3);
        self
    }

    /// Counts against the tenant's limit of this name, if there is one.
    #[must_use]
    pub fn limited_by(mut self, key: impl Into<String>) -> Self {
        self.limit_key = key.into();
        self
    }

    /// Not before this instant; one that has passed means now.
    #[must_use]
    pub fn run_at(mut self, at: DateTime<Utc>) -> Self {
        self.run_at = Some(at);
        self
    }

    /// Not before so long after the database's own clock at enqueue.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// How often it is tried before it is given up: once at least.
    #[must_use]
    pub fn max_attempts(mut self, attempts: i16) -> Self {
        self.max_attempts = attempts.max(1);
        self
    }

    /// After this instant it is not worth running and is discarded.
    #[must_use]
    pub fn deadline(mut self, at: DateTime<Utc>) -> Self {
        self.deadline = Some(at);
        self
    }

    /// Words that are kept with it for people; they take the place of those it had.
    #[must_use]
    pub fn tags(mut self, tags: impl IntoIterator<Item = String>) -> Self {
        self.tags = tags.into_iter().collect();
        self
    }

    pub(crate) fn timeout_ms(&self) -> i32 {
        i32::try_from(self.timeout.as_millis()).unwrap_or(i32::MAX)
    }

    /// A duration as the database keeps it.
    pub(crate) fn millis(duration: Duration) -> i64 {
        i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
    }

    /// Unique until the job has ended.
    #[must_use]
    pub fn unique(mut self, key: impl Into<String>) -> Self {
        self.unique = Some(Unique { key: key.into(), period: None });
        self
    }

    /// Unique for a period, whether or not the job has ended.
    #[must_use]
    pub fn unique_for(mut self, key: impl Into<String>, period: Duration) -> Self {
        self.unique = Some(Unique { key: key.into(), period: Some(period) });
        self
    }
}

/// How an attempt ended, as the handler says it.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The work is done; the value is kept as the job's output.
    Done(serde_json::Value),
    /// The first job of a workflow's run is done, and these are the run's steps.
    Begin(Vec<NewStep>),
    /// Try again: after the given time, or by the exponential back-off if none is given.
    Retry { after: Option<Duration>, code: &'static str, why: String },
    /// Not now; does not count as an attempt.
    Snooze { after: Duration },
    /// Never again. The job is kept as a dead letter.
    Discard { code: &'static str, why: String },
    /// The work is no longer wanted.
    Cancel,
    /// The handler has already ended its job in the transaction of its effect.
    Settled,
}

/// Why a value cannot be stored with a job.
pub(crate) struct Unfit {
    pub code: &'static str,
    pub why: &'static str,
}

/// Deeper nesting than this is refused: Postgres and every reader walk JSON by recursion.
const DEEPEST: usize = 100;

/// Whether Postgres can keep a value beside a job: small enough, not too deep, and no NUL in its texts,
/// which `jsonb` refuses. Stops as soon as it does not fit.
pub(crate) fn storable(value: &serde_json::Value) -> Result<(), Unfit> {
    struct Room(usize);
    impl std::io::Write for Room {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(std::io::ErrorKind::FileTooLarge)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    if value.is_null() {
        return Ok(());
    }
    if !is_plain(value, DEEPEST) {
        let why = "nests too deep, or holds a NUL character, which the database cannot keep";
        return Err(Unfit { code: "output_unfit", why });
    }
    serde_json::to_writer(Room(JSON_LIMIT), value)
        .map_err(|_| Unfit { code: "output_too_large", why: "was too large to keep" })
}

fn is_plain(value: &serde_json::Value, depth: usize) -> bool {
    use serde_json::Value::{Array, Bool, Null, Number, Object, String};
    let Some(deeper) = depth.checked_sub(1) else { return false };
    match value {
        Null | Bool(_) | Number(_) => true,
        String(text) => !text.contains('\0'),
        Array(items) => items.iter().all(|item| is_plain(item, deeper)),
        Object(fields) => fields.iter().all(|(name, item)| !name.contains('\0') && is_plain(item, deeper)),
    }
}

/// The time before the next attempt: 1 s doubled for each attempt made, capped at one hour, and
/// spread over ±25 % so that jobs which failed together do not come back together.
///
/// `chance` is a uniform random number in 0..1.
#[must_use]
pub fn backoff(attempt: i16, chance: f64) -> Duration {
    let doublings = u32::from(attempt.clamp(1, 13).unsigned_abs()) - 1;
    let base = Duration::from_secs(1 << doublings).min(Duration::from_hours(1));
    base.mul_f64(0.75 + chance.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn back_off_doubles_stays_bounded_and_is_spread() {
        let cases = [(1, 0.5, 1.0), (2, 0.5, 2.0), (5, 0.5, 16.0), (13, 0.5, 3600.0), (30_000, 0.5, 3600.0)];
        for (attempt, chance, seconds) in cases {
            assert!((backoff(attempt, chance).as_secs_f64() - seconds).abs() < 1e-6, "attempt {attempt}");
        }
        assert!((backoff(1, 0.0).as_secs_f64() - 0.75).abs() < 1e-6);
        assert!((backoff(1, 1.0).as_secs_f64() - 1.25).abs() < 1e-6);
        assert!(backoff(0, 0.0) > Duration::ZERO, "an attempt number of zero still waits");
    }
}
