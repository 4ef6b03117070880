//! Refusals: of each actor's in a minute the first are written down in full and the others counted, so that whoever is
//! refused all the time does not fill the log. No refusal is left out of the count, unless the process is killed.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use serde_json::json;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Entry, record};
use crate::{Ctx, error::Result};

/// How long refusals of an actor are counted together.
const MINUTE: Duration = Duration::from_mins(1);
/// Refusals of an actor within it that are written down in full.
const IN_FULL: u32 = 20;
/// How often it is looked for counts that are complete.
const SWEEP: Duration = Duration::from_secs(10);
/// Actors of whom refusals are counted at a time; those of more are written down in full.
const ACTORS: usize = 10_000;

/// Refusals by actor that are not in the log yet.
#[derive(Default)]
pub struct Denials(Mutex<HashMap<Who, Minute>>);

/// Tenant, kind and id of an actor.
type Who = (Uuid, &'static str, Option<Uuid>);

/// What somebody was refused since a moment.
struct Minute {
    ctx: Ctx,
    began: Instant,
    since: DateTime<Utc>,
    in_full: u32,
    /// The others, by route: there are no more of those than the route table has.
    counted: BTreeMap<String, u64>,
}

impl Denials {
    /// Writes down that a route was refused, or counts it.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn record(&self, ctx: &Ctx, route: &str) -> Result<()> {
        if self.counts(ctx, route) {
            return Ok(());
        }
        record(ctx, Entry::new("access", "route", route).denied()).await
    }

    /// Counts it, if the actor was refused often enough in full.
    fn counts(&self, ctx: &Ctx, route: &str) -> bool {
        let (mut minutes, who) = (self.minutes(), (ctx.tenant.0, ctx.actor.kind(), ctx.actor.id()));
        if minutes.len() >= ACTORS && !minutes.contains_key(&who) {
            return false;
        }
        let minute = minutes.entry(who).or_insert_with(|| Minute::of(ctx));
        if minute.in_full < IN_FULL {
            minute.in_full += 1;
            return false;
        }
        *minute.counted.entry(route.to_owned()).or_default() += 1;
        true
    }

    /// Writes counts down when they are a minute old, until `stop`. What is left then is for [`write`](Self::write),
    /// once nobody is served any more.
    pub async fn sweep(&self, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(SWEEP)).await.is_some() {
            self.write(MINUTE).await;
        }
    }

    /// Writes down the counts that were begun so long ago. One that cannot be written goes on.
    pub async fn write(&self, ago: Duration) {
        let over: Vec<(Who, Minute)> =
            self.minutes().extract_if(|_, minute| minute.began.elapsed() >= ago).collect();
        for (who, minute) in over {
            if let Err(error) = minute.write().await {
                tracing::warn!(%error, "refusals that were counted could not be written down yet");
                self.put_back(who, minute);
            }
        }
    }

    fn put_back(&self, who: Who, minute: Minute) {
        let mut minutes = self.minutes();
        let goes_on =
            minutes.entry(who).or_insert_with(|| Minute { in_full: IN_FULL, ..Minute::of(&minute.ctx) });
        goes_on.since = goes_on.since.min(minute.since);
        for (route, times) in minute.counted {
            *goes_on.counted.entry(route).or_default() += times;
        }
    }

    fn minutes(&self) -> MutexGuard<'_, HashMap<Who, Minute>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Minute {
    fn of(ctx: &Ctx) -> Self {
        let since = ctx.now();
        // What is written down at the end is of no single request.
        let ctx = Ctx { trace: None, idempotency: None, ..ctx.clone() };
        Self { ctx, began: Instant::now(), since, in_full: 0, counted: BTreeMap::new() }
    }

    /// One entry for all that were counted.
    async fn write(&self) -> Result<()> {
        let count: u64 = self.counted.values().sum();
        if count == 0 {
            return Ok(());
        }
        let detail = json!({ "count": count, "since": self.since, "routes": self.counted });
        record(&self.ctx, Entry::new("access", "routes", "").detail(detail).denied()).await
    }
}
