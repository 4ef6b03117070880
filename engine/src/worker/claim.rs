//! One claim on the wire: what is asked and what comes back.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::value::RawValue;
use sqlx::{PgConnection, types::Json};
use tokio::sync::OwnedSemaphorePermit;
use uuid::Uuid;

use super::{Envelope, QueueId, Signals, positions::Mark, refusals::is_of_endings, rotation::Ask};
use crate::{
    ELSEWHERE,
    finish::{Claim, Columns, Ending, Finished},
    lanes::Lane,
};

/// What a dispatcher asks for; `marks` says for each lane where to go on.
pub(super) struct Request {
    pub queue: QueueId,
    pub node: Uuid,
    /// The connection that it is said on.
    pub connection: i32,
    /// Nothing else runs on this node.
    pub alone: bool,
    pub asks: Vec<Ask>,
    pub marks: Vec<Mark>,
    /// Written in the same transaction before anything is claimed.
    pub endings: Arc<Vec<Ending>>,
}

/// What came back.
pub(super) struct Claimed {
    pub head: Head,
    pub rows: Vec<ClaimedRow>,
    /// What became of the endings, if there were any.
    pub ended: Option<Ended>,
}

/// See `engine.finish_and_claim`.
#[derive(Debug, Deserialize)]
pub(super) struct Ended {
    pub finished: Finished,
    /// Nothing was claimed, for others have a right to the slots as well: all ask anew.
    pub stood_back: bool,
}

/// What the claim saw; see `engine.claim`.
pub(super) struct Head {
    /// None where all that was asked for is at its limit.
    pub moment: Option<Moment>,
    pub newest_lane: i64,
    pub revision: i64,
    /// The claim's own number, for all that it took.
    pub fence: i64,
    pub dry: Vec<i64>,
    /// Lanes in which somebody else held a job for a moment.
    pub skipped: Vec<i64>,
    /// Lanes to look at again after a time: their bucket has more then, or a job is due.
    pub later: Vec<(i64, Duration)>,
    /// Lanes that waited for a slot, with the limits that must get one back.
    pub held_back: Vec<(i64, Vec<i64>)>,
    /// A suspect waits for a node where nothing else runs.
    pub wants_alone: bool,
}

/// When a claim was made: the clock, its transaction, unless it had begun before, and the oldest one that was open.
pub(super) struct Moment {
    pub t: DateTime<Utc>,
    pub xid: Option<i64>,
    pub xmin: i64,
}

#[derive(Deserialize)]
struct StoredHead {
    t: Option<i64>,
    xid: Option<i64>,
    xmin: Option<i64>,
    lanes: Option<i64>,
    revision: i64,
    fence: Option<i64>,
    dry: Option<Vec<i64>>,
    skipped: Option<Vec<i64>>,
    held_back: Vec<Later>,
    due: Option<Vec<Later>>,
    wants_alone: bool,
}

#[derive(Deserialize)]
struct Later {
    lane: i64,
    wait_ms: Option<u64>,
    limits: Option<Vec<i64>>,
}

impl From<StoredHead> for Head {
    fn from(stored: StoredHead) -> Self {
        let waiting = stored.held_back.iter().chain(stored.due.iter().flatten());
        let later = waiting.filter_map(|later| Some((later.lane, Duration::from_millis(later.wait_ms?))));
        Self {
            later: later.collect(),
            held_back: stored
                .held_back
                .into_iter()
                .map(|held| (held.lane, held.limits.unwrap_or_default()))
                .collect(),
            skipped: stored.skipped.unwrap_or_default(),
            wants_alone: stored.wants_alone,
            moment: stored.t.zip(stored.xmin).map(|(t, xmin)| Moment {
                t: instant(t),
                xid: stored.xid,
                xmin,
            }),
            newest_lane: stored.lanes.unwrap_or(0),
            revision: stored.revision,
            fence: stored.fence.unwrap_or(0),
            dry: stored.dry.unwrap_or_default(),
        }
    }
}

/// A claimed job as it comes off the wire; the first row holds the head alone, and behind endings the last one what
/// became of them.
pub(super) struct ClaimedRow {
    ended: Option<Json<Ended>>,
    head: Option<Json<StoredHead>>,
    id: Option<Uuid>,
    pub lane: Option<i64>,
    run_at: Option<DateTime<Utc>>,
    attempt: Option<i16>,
    max_attempts: Option<i16>,
    late: Option<bool>,
    args: Option<Json<Box<RawValue>>>,
    actor: Option<Json<Box<RawValue>>>,
    trace: Option<String>,
    timeout_ms: Option<i32>,
    business_key: Option<String>,
}

impl Request {
    /// Claims due jobs for a node. None if the endings before it were refused: nothing was done then, and nothing is
    /// wrong with the connection.
    pub(super) async fn send(&self, conn: &mut PgConnection) -> sqlx::Result<Option<Claimed>> {
        let answer =
            if self.endings.is_empty() { self.claim(conn).await } else { self.finish_and_claim(conn).await };
        let mut rows = match answer {
            Err(error) if !self.endings.is_empty() && is_of_endings(&error) => {
                tracing::debug!(%error, endings = self.endings.len(), "endings are written without a claim");
                return Ok(None);
            }
            rows => rows?,
        };
        let ended = rows.pop_if(|last| last.ended.is_some()).and_then(|last| last.ended);
        let head = rows.first_mut().and_then(|first| first.head.take());
        let head = head.ok_or_else(|| sqlx::Error::Protocol("a claim came back without its head".into()))?;
        Ok(Some(Claimed { head: head.0.into(), rows, ended: ended.map(|ended| ended.0) }))
    }

    async fn claim(&self, conn: &mut PgConnection) -> sqlx::Result<Vec<ClaimedRow>> {
        let asked = self.asked();
        sqlx::query_as!(
            ClaimedRow,
            r#"select null::jsonb as "ended: _", head as "head: _", id, lane, run_at, attempt, max_attempts, late,
                      args as "args: _", actor as "actor: _", trace, timeout_ms, business_key
                 from engine.claim($1, $2, $3, $4, $5, $6, $7, $8)"#,
            self.queue,
            self.node,
            self.connection,
            self.alone,
            &asked.lanes,
            &asked.takes,
            &asked.after_at,
            &asked.after_id,
        )
        .fetch_all(conn)
        .await
    }

    async fn finish_and_claim(&self, conn: &mut PgConnection) -> sqlx::Result<Vec<ClaimedRow>> {
        let (ended, asked) = (Columns::of(&self.endings), self.asked());
        sqlx::query_as!(
            ClaimedRow,
            r#"select ended as "ended: _", head as "head: _", id, lane, run_at, attempt, max_attempts, late,
                      args as "args: _", actor as "actor: _", trace, timeout_ms, business_key
                 from engine.finish_and_claim($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"#,
            &ended.jobs,
            &ended.tenants,
            &ended.claims,
            &ended.verdicts as &[&str],
            &ended.delays_ms,
            &ended.outputs as &[Option<&serde_json::Value>],
            &ended.codes as &[Option<&str>],
            &ended.errors as &[Option<&str>],
            self.queue,
            self.node,
            self.connection,
            &asked.lanes,
            &asked.takes,
            &asked.after_at,
            &asked.after_id,
        )
        .fetch_all(conn)
        .await
    }

    fn asked(&self) -> Asked {
        Asked {
            lanes: self.asks.iter().map(|ask| ask.lane).collect(),
            takes: self.asks.iter().map(|ask| ask.take).collect(),
            after_at: self.marks.iter().map(|(at, _)| *at).collect(),
            after_id: self.marks.iter().map(|(_, id)| *id).collect(),
        }
    }
}

/// What is asked as the database takes it: an array for each part.
struct Asked {
    lanes: Vec<i64>,
    takes: Vec<i32>,
    after_at: Vec<DateTime<Utc>>,
    after_id: Vec<Uuid>,
}

/// Pauses all work if the database was restored or another took over since the installation was at work last; see
/// `engine.leave_unless_at_home`. Answers whether it is so.
pub(super) async fn is_elsewhere(conn: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select engine.leave_unless_at_home($1) as "elsewhere!""#, ELSEWHERE)
        .fetch_one(conn)
        .await
}

/// Hands back what the node claimed after a fence and never heard of; see `engine.disown`.
pub(super) async fn disown(
    conn: &mut PgConnection,
    queue: QueueId,
    node: Uuid,
    connection: i32,
    after_fence: i64,
    lanes: &[i64],
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select engine.disown($1, $2, $3, $4, $5) as "jobs!""#,
        queue,
        node,
        connection,
        after_fence,
        lanes
    )
    .fetch_one(conn)
    .await
}

/// Whether the books say that a node runs a suspect and nothing else.
pub(super) async fn runs_alone(conn: &mut PgConnection, node: Uuid) -> sqlx::Result<bool> {
    let alone = sqlx::query_scalar!("select suspect_alone from engine.nodes where id = $1", node);
    Ok(alone.fetch_optional(conn).await?.unwrap_or(false))
}

impl ClaimedRow {
    /// Its lane and its place there.
    pub(super) fn place(&self) -> Option<(i64, Mark)> {
        Some((self.lane?, (self.run_at?, self.id?)))
    }

    pub(super) fn into_job(
        self,
        lane: &Lane,
        fence: i64,
        permit: Option<OwnedSemaphorePermit>,
        signals: &dyn Fn(Claim) -> Signals,
    ) -> Option<Envelope> {
        let claim = Claim {
            job: self.id?,
            tenant: lane.tenant,
            lane: lane.id,
            fence,
            attempt: self.attempt?,
            max_attempts: self.max_attempts?,
        };
        Some(Envelope {
            claim,
            kind: Arc::clone(&lane.kind),
            version: lane.version,
            args: self.args?.0,
            actor: self.actor?.0,
            trace: self.trace,
            timeout: Duration::from_millis(u64::try_from(self.timeout_ms?).unwrap_or(0)),
            late: self.late.unwrap_or(false),
            business_key: self.business_key,
            signals: signals(claim),
            permit,
        })
    }
}

/// Microseconds since 1970 as the database counts them.
fn instant(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or(DateTime::UNIX_EPOCH)
}
