//! One claim on the wire: what is asked and what comes back.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Envelope, QueueId, dispatcher::instant, positions::Mark, rotation::Ask};
use crate::{Engine, finish::Claim};

/// What a dispatcher asks for; `marks` says for each lane where to go on.
pub(super) struct Request {
    pub queue: QueueId,
    pub node: Uuid,
    pub asks: Vec<Ask>,
    pub marks: Vec<Mark>,
}

/// What came back; each job with its place in its lane.
pub(super) struct Claimed {
    pub head: Head,
    pub jobs: Vec<(Mark, Envelope)>,
}

/// What the claim saw; see `engine.claim`.
pub(super) struct Head {
    pub t: DateTime<Utc>,
    pub xid: i64,
    pub xmin: i64,
    pub newest_lane: i64,
    pub revision: i64,
    pub dry: Vec<i64>,
    /// Lanes that a limit held back, with the time after which their bucket has more.
    pub held_back: Vec<(i64, Option<Duration>)>,
}

#[derive(Deserialize)]
struct StoredHead {
    t: i64,
    xid: i64,
    xmin: i64,
    lanes: Option<i64>,
    revision: i64,
    dry: Option<Vec<i64>>,
    held_back: Option<Vec<HeldBack>>,
}

#[derive(Deserialize)]
struct HeldBack {
    lane: i64,
    wait_ms: Option<u64>,
}

impl From<StoredHead> for Head {
    fn from(stored: StoredHead) -> Self {
        let held_back = stored.held_back.unwrap_or_default();
        Self {
            t: instant(stored.t),
            xid: stored.xid,
            xmin: stored.xmin,
            newest_lane: stored.lanes.unwrap_or(0),
            revision: stored.revision,
            dry: stored.dry.unwrap_or_default(),
            held_back: held_back
                .into_iter()
                .map(|held| (held.lane, held.wait_ms.map(Duration::from_millis)))
                .collect(),
        }
    }
}

struct ClaimedRow {
    head: Option<sqlx::types::Json<StoredHead>>,
    id: Option<Uuid>,
    tenant: Option<Uuid>,
    lane: Option<i64>,
    fence: Option<i64>,
    run_at: Option<DateTime<Utc>>,
    attempt: Option<i16>,
    max_attempts: Option<i16>,
    late: Option<bool>,
    args: Option<serde_json::Value>,
    actor: Option<serde_json::Value>,
    trace: Option<String>,
    timeout_ms: Option<i32>,
    business_key: Option<String>,
}

impl Engine {
    /// Claims due jobs for a node.
    pub(super) async fn claim(&self, request: &Request) -> sqlx::Result<Claimed> {
        let rows = sqlx::query_as!(
            ClaimedRow,
            r#"select head as "head: _", id, tenant_id as tenant, lane, fence, run_at, attempt, max_attempts, late,
                      args, actor, trace, timeout_ms, business_key
                 from engine.claim($1, $2, $3, $4, $5, $6)"#,
            request.queue,
            request.node,
            &request.asks.iter().map(|ask| ask.lane).collect::<Vec<_>>(),
            &request.asks.iter().map(|ask| ask.take).collect::<Vec<_>>(),
            &request.marks.iter().map(|(at, _)| *at).collect::<Vec<_>>(),
            &request.marks.iter().map(|(_, id)| *id).collect::<Vec<_>>(),
        )
        .fetch_all(self.system())
        .await?;
        let mut head = None;
        let mut jobs = Vec::with_capacity(rows.len());
        for mut row in rows {
            match row.head.take() {
                Some(stored) => head = Some(stored.0.into()),
                None => jobs.extend(row.into_job()),
            }
        }
        let head = head.ok_or_else(|| sqlx::Error::Protocol("a claim came back without its head".into()))?;
        Ok(Claimed { head, jobs })
    }
}

impl ClaimedRow {
    fn into_job(self) -> Option<(Mark, Envelope)> {
        let (id, tenant, lane) = (self.id?, self.tenant?, self.lane?);
        let claim = Claim {
            job: id,
            tenant,
            fence: self.fence?,
            attempt: self.attempt?,
            max_attempts: self.max_attempts?,
        };
        let envelope = Envelope {
            claim,
            lane,
            kind: std::sync::Arc::from(""),
            version: 0,
            args: self.args?,
            actor: self.actor?,
            trace: self.trace,
            timeout: Duration::from_millis(u64::try_from(self.timeout_ms?).unwrap_or(0)),
            late: self.late.unwrap_or(false),
            business_key: self.business_key,
            stop: CancellationToken::new(),
            cancelled: CancellationToken::new(),
            permit: None,
        };
        Some(((self.run_at?, id), envelope))
    }
}
