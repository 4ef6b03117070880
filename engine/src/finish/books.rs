//! Endings on their way into the books, and who is told of them afterwards.

use std::collections::BTreeMap;

use serde::Deserialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Ending;
use crate::{Engine, bus::Hint};

/// Endings as the database takes them: an array for each part.
pub(crate) struct Columns<'a> {
    pub jobs: Vec<Uuid>,
    pub tenants: Vec<Uuid>,
    pub claims: Vec<i64>,
    pub verdicts: Vec<&'static str>,
    pub delays_ms: Vec<i64>,
    pub outputs: Vec<Option<&'a serde_json::Value>>,
    pub codes: Vec<Option<&'static str>>,
    pub errors: Vec<Option<&'a str>>,
}

impl<'a> Columns<'a> {
    pub(crate) fn of(endings: &'a [Ending]) -> Self {
        let millis = |ending: &Ending| i64::try_from(ending.delay.as_millis()).unwrap_or(i64::MAX);
        Self {
            jobs: endings.iter().map(|ending| ending.job).collect(),
            tenants: endings.iter().map(|ending| ending.tenant).collect(),
            claims: endings.iter().map(|ending| ending.claim).collect(),
            verdicts: endings.iter().map(|ending| ending.verdict.as_str()).collect(),
            delays_ms: endings.iter().map(millis).collect(),
            outputs: endings.iter().map(|ending| ending.output.as_ref()).collect(),
            codes: endings.iter().map(|ending| ending.code).collect(),
            errors: endings.iter().map(|ending| ending.error.as_deref()).collect(),
        }
    }
}

/// See `engine.finish`.
#[derive(Debug, Deserialize)]
pub(crate) struct Finished {
    pub(super) lost: Option<Vec<Uuid>>,
    wakes: Option<Vec<i64>>,
    wake_queues: Option<Vec<i32>>,
    pub(super) returned: Option<Vec<i64>>,
    pub(super) logged: bool,
}

impl Finished {
    /// The lanes that jobs came to, each with its queue.
    pub(super) fn waking(&self) -> impl Iterator<Item = (i32, i64)> {
        let queues = self.wake_queues.as_deref().unwrap_or_default();
        queues.iter().copied().zip(self.wakes.as_deref().unwrap_or_default().iter().copied())
    }

    /// How many endings were lost to other nodes.
    pub(crate) fn lost(&self) -> usize {
        self.lost.as_ref().map_or(0, Vec::len)
    }
}

pub(super) async fn finish(conn: &mut PgConnection, endings: &[Ending]) -> sqlx::Result<Finished> {
    let columns = Columns::of(endings);
    sqlx::query_as!(
        Finished,
        r#"select lost, wakes, wake_queues, returned, logged as "logged!"
             from engine.finish($1, $2, $3, $4, $5, $6, $7, $8)"#,
        &columns.jobs,
        &columns.tenants,
        &columns.claims,
        &columns.verdicts as &[&str],
        &columns.delays_ms,
        &columns.outputs as &[Option<&serde_json::Value>],
        &columns.codes as &[Option<&str>],
        &columns.errors as &[Option<&str>],
    )
    .fetch_one(conn)
    .await
}

impl Engine {
    /// Tells this process and the others what follows of endings that are committed.
    pub(crate) fn tell_finished(&self, finished: &Finished) {
        let mut waking: BTreeMap<i32, Vec<i64>> = BTreeMap::new();
        for (queue, lane) in finished.waking() {
            waking.entry(queue).or_default().push(lane);
        }
        for (queue, lanes) in waking {
            self.bus().publish(Hint::Queue { queue, lanes });
        }
        if finished.logged {
            self.bus().publish(Hint::Logged);
        }
        if let Some(limits) = finished.returned.clone() {
            self.bus().publish(Hint::Returned { limits, elsewhere: false });
        }
    }
}
