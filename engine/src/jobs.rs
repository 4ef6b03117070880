//! Reading about jobs: one tenant's live and past ones as a single list.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::ids;

/// A job as its tenant sees it.
#[derive(Debug, Clone)]
pub struct JobView {
    pub id: Uuid,
    pub queue: String,
    pub kind: String,
    pub version: i16,
    /// `scheduled available running retrying parked`, or how it ended.
    pub state: String,
    pub priority: i16,
    pub attempt: i16,
    pub max_attempts: i16,
    pub created_at: DateTime<Utc>,
    /// When it is due, while it waits.
    pub run_at: Option<DateTime<Utc>>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    pub business_key: Option<String>,
    pub tags: Vec<String>,
    /// 0 to 1, as the handler last said.
    pub progress: Option<f32>,
    pub note: Option<String>,
    /// Failed attempts, oldest first, each with node, times, code and redacted text.
    pub attempts: serde_json::Value,
    pub output: Option<serde_json::Value>,
    /// Why it ended as it did, where it did not complete.
    pub error_code: Option<String>,
    /// The node that runs it, or ran it last.
    pub node: Option<Uuid>,
    pub deadline: Option<DateTime<Utc>>,
    /// It runs, and its node has been told to cancel it.
    pub cancelling: bool,
    /// A process died while it ran; it runs alone until it has shown that it was not to blame.
    pub suspect: bool,
    /// Since when an operator's pause holds it back.
    pub paused_at: Option<DateTime<Utc>>,
    pub args: serde_json::Value,
    pub trace: Option<String>,
    /// The run of a workflow that it belongs to.
    pub run_id: Option<Uuid>,
    /// The step of that run; none of its first job.
    pub step: Option<String>,
}

/// Which jobs to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    #[serde(skip)]
    pub id: Option<Uuid>,
    pub kind: Option<String>,
    pub state: Option<String>,
    pub business_key: Option<String>,
    pub queue: Option<String>,
    pub tag: Option<String>,
    /// Why it ended as it did.
    pub error_code: Option<String>,
    /// The node that runs it, or ran it last.
    pub node: Option<Uuid>,
    /// Only these; all if none is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<Uuid>,
    /// Only those that have ended, since this moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_from: Option<DateTime<Utc>>,
    /// Only those that have ended, before this moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_until: Option<DateTime<Utc>>,
    /// Only ids above this one.
    #[serde(skip)]
    pub after: Option<Uuid>,
    /// Only ids up to this one: what was there when somebody looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upto: Option<Uuid>,
}

impl Filter {
    /// Below which ids it lets anything through, of those below `before`.
    fn below(&self, before: Option<Uuid>) -> Option<Uuid> {
        let beyond = self.upto.map(ids::next);
        before.into_iter().chain(beyond).min()
    }
}

/// One tenant's jobs, newest first, those with ids below `before`.
///
/// # Errors
/// If the database does not answer.
pub async fn list(
    conn: &mut PgConnection,
    tenant: Uuid,
    filter: &Filter,
    before: Option<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<JobView>> {
    sqlx::query_file_as!(
        JobView,
        "src/jobs.sql",
        tenant,
        filter.below(before),
        limit,
        filter.id,
        filter.kind,
        filter.state,
        filter.business_key,
        filter.queue,
        filter.tag,
        filter.error_code,
        filter.node,
        &filter.ids,
        filter.ended_from,
        filter.ended_until,
        filter.after
    )
    .fetch_all(conn)
    .await
}

/// One job of a tenant.
///
/// # Errors
/// If the database does not answer.
pub async fn get(conn: &mut PgConnection, tenant: Uuid, id: Uuid) -> sqlx::Result<Option<JobView>> {
    let filter = Filter { id: Some(id), ..Filter::default() };
    Ok(list(conn, tenant, &filter, None, 1).await?.pop())
}

/// The jobs of a tenant about any of these things that wait for a time to come.
///
/// # Errors
/// If the database does not answer.
pub async fn waiting_about(
    conn: &mut PgConnection,
    tenant: Uuid,
    keys: &[String],
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "select id from engine.jobs
          where tenant_id = $1 and business_key = any($2) and node is null and run_at > engine.now()",
        tenant,
        keys
    )
    .fetch_all(conn)
    .await
}

/// Notes how far a running job has come. Only the attempt that holds the claim may say so.
///
/// # Errors
/// If the database does not answer.
pub async fn report_progress(
    conn: &mut PgConnection,
    claim: &crate::finish::Claim,
    progress: f32,
    note: &str,
) -> sqlx::Result<bool> {
    let noted = sqlx::query!(
        "update engine.jobs set progress = $4, note = $5 where tenant_id = $1 and id = $2 and claim = $3",
        claim.tenant,
        claim.job,
        claim.fence,
        progress,
        note
    )
    .execute(conn)
    .await?;
    Ok(noted.rows_affected() == 1)
}
