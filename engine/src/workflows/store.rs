//! Reading about runs: how they stand, and what they wait for.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::ids::{CLOCKS_APART, first_of};

/// A run as its tenant sees it.
#[derive(Debug, Clone)]
pub struct RunView {
    pub id: Uuid,
    /// The workflow.
    pub name: String,
    pub version: i16,
    /// `running`, `stopping`, `completed`, `failed` or `cancelled`.
    pub state: String,
    /// How a stopping run will be called.
    pub ending: Option<String>,
    /// The step that stopped it; empty if it was its first job.
    pub failed_step: Option<String>,
    pub business_key: Option<String>,
    pub input: serde_json::Value,
    pub created_at: DateTime<Utc>,
    /// When its steps were put in.
    pub begun_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
}

/// Which runs to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub id: Option<Uuid>,
    pub name: Option<String>,
    pub state: Option<String>,
    pub business_key: Option<String>,
    pub created_from: Option<DateTime<Utc>>,
    pub created_until: Option<DateTime<Utc>>,
}

/// A step of a run.
#[derive(Debug, Clone)]
pub struct StepView {
    pub name: String,
    /// The steps that it comes after.
    pub needs: Vec<String>,
    pub only_step: Option<String>,
    pub only_outcome: Option<String>,
    pub go_on: bool,
    /// `waiting`, `started`, `sleeping`, `completed`, `failed`, `cancelled` or `skipped`.
    pub state: String,
    /// How a wait for a signal ended: `signalled` or `timed_out`.
    pub outcome: Option<String>,
    /// Of a job; none of a wait.
    pub kind: Option<String>,
    pub queue: Option<String>,
    pub job_id: Option<Uuid>,
    /// As its own job is now; none once its history is gone.
    pub job_state: Option<String>,
    /// When its own job is due, while that waits.
    pub job_run_at: Option<DateTime<Utc>>,
    /// Since when an operator's pause holds its own job back.
    pub job_paused_at: Option<DateTime<Utc>>,
    /// Why its own job ended as it did, or one of those that it spread into, where one did not complete.
    pub error_code: Option<String>,
    /// The signal that it waits for.
    pub signal: Option<String>,
    pub jobs: i32,
    pub left_jobs: i32,
    pub failed: i32,
    pub cancelled: i32,
    /// Of a step of one job: that job's output; of a wait: the signal's payload.
    pub output: Option<serde_json::Value>,
    pub started_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    /// When its sleep ends by itself.
    pub wake_at: Option<DateTime<Utc>>,
}

/// A signal that a run was given.
#[derive(Debug, Clone)]
pub struct SignalView {
    pub name: String,
    pub payload: serde_json::Value,
    pub given_at: DateTime<Utc>,
}

/// Why a step, or a run that has no steps yet, has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "because", rename_all = "snake_case")]
pub enum Why {
    /// Its own job is in this state.
    Job {
        state: String,
        /// When the job is due, if that is to come.
        run_at: Option<DateTime<Utc>>,
        /// Since when an operator's pause holds it back.
        paused_at: Option<DateTime<Utc>>,
    },
    /// So many of its jobs have not ended.
    Jobs { left: i32, of: i32 },
    /// These steps have not ended.
    Steps { steps: Vec<String> },
    /// Nobody gave this signal yet.
    Signal { signal: String, until: Option<DateTime<Utc>> },
    /// It sleeps.
    Time { until: Option<DateTime<Utc>> },
}

/// A tenant's runs, newest first, those with ids below `before`.
///
/// # Errors
/// If the database does not answer.
pub async fn list(
    conn: &mut PgConnection,
    tenant: Uuid,
    filter: &Filter,
    before: Option<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<RunView>> {
    sqlx::query_as!(
        RunView,
        "select id, name, version, state, ending, failed_step, business_key, input, created_at, begun_at, finished_at
           from engine.runs
          where tenant_id = $1 and ($2::uuid is null or id = $2) and ($3::text is null or name = $3)
            and ($4::text is null or state = $4) and ($5::text is null or business_key = $5)
            and ($6::uuid is null or id < $6)
            and ($8::timestamptz is null or created_at >= $8) and ($9::timestamptz is null or created_at < $9)
            and ($10::uuid is null or id >= $10) and ($11::uuid is null or id < $11)
          order by id desc limit $7",
        tenant,
        filter.id,
        filter.name,
        filter.state,
        filter.business_key,
        before,
        limit,
        filter.created_from,
        filter.created_until,
        filter.created_from.map(|from| first_of(from - CLOCKS_APART)),
        filter.created_until.map(|until| first_of(until + CLOCKS_APART))
    )
    .fetch_all(conn)
    .await
}

/// One run of a tenant.
///
/// # Errors
/// If the database does not answer.
pub async fn get(conn: &mut PgConnection, tenant: Uuid, id: Uuid) -> sqlx::Result<Option<RunView>> {
    let filter = Filter { id: Some(id), ..Filter::default() };
    Ok(list(conn, tenant, &filter, None, 1).await?.pop())
}

/// A run's steps, in the order in which they were declared.
///
/// # Errors
/// If the database does not answer.
pub async fn steps(conn: &mut PgConnection, tenant: Uuid, run: Uuid) -> sqlx::Result<Vec<StepView>> {
    sqlx::query_as!(
        StepView,
        r#"select s.name, s.needs, s.only_step, s.only_outcome, s.go_on, s.state, s.outcome, l.kind as "kind?",
                  q.name as "queue?", s.job_id, coalesce(j.state, h.state) as job_state, j.run_at as "job_run_at?",
                  case when s.state = 'started' then l.paused_at end as job_paused_at, coalesce(h.error_code, b.error_code) as error_code,
                  s.signal, s.jobs, s.left_jobs, s.failed, s.cancelled, s.output, s.started_at, s.ended_at, s.wake_at
             from engine.steps s
             left join engine.lanes l on l.id = s.lane
             left join engine.queues q on q.id = l.queue_id
             left join lateral (
               select engine.live_state(j.node, j.attempt, j.run_at, l.parked_at) as state, j.run_at
                 from engine.jobs j where j.tenant_id = s.tenant_id and j.id = s.job_id) j on true
             left join lateral (
               select h.state, h.error_code from engine.job_history h
                where h.tenant_id = s.tenant_id and h.id = s.job_id limit 1) h on true
             left join lateral (
               select b.error_code from engine.job_history b
                where b.tenant_id = s.tenant_id and b.run_id = s.run_id and b.step = s.name and b.spread
                  and b.state <> 'completed' and s.failed > 0 limit 1) b on true
            where s.tenant_id = $1 and s.run_id = $2
            order by s.position"#,
        tenant,
        run
    )
    .fetch_all(conn)
    .await
}

/// The signals that a run was given, in their order.
///
/// # Errors
/// If the database does not answer.
pub async fn signals(conn: &mut PgConnection, tenant: Uuid, run: Uuid) -> sqlx::Result<Vec<SignalView>> {
    sqlx::query_as!(
        SignalView,
        "select name, payload, given_at from engine.signals
          where tenant_id = $1 and run_id = $2 order by given_at limit 400",
        tenant,
        run
    )
    .fetch_all(conn)
    .await
}

/// Why a step of these has not ended; none if it has.
#[must_use]
pub fn why(step: &StepView, all: &[StepView]) -> Option<Why> {
    let is_open = |state: &str| matches!(state, "waiting" | "started" | "sleeping");
    match step.state.as_str() {
        "waiting" => {
            let open = |name: &&String| all.iter().any(|other| other.name == **name && is_open(&other.state));
            Some(Why::Steps { steps: step.needs.iter().filter(open).cloned().collect() })
        }
        "started" if step.jobs > 1 => Some(Why::Jobs { left: step.left_jobs, of: step.jobs }),
        "started" => Some(Why::Job {
            state: step.job_state.clone().unwrap_or_default(),
            run_at: step.job_run_at,
            paused_at: step.job_paused_at,
        }),
        "sleeping" => Some(match &step.signal {
            Some(signal) => Why::Signal { signal: signal.clone(), until: step.wake_at },
            None => Why::Time { until: step.wake_at },
        }),
        _ => None,
    }
}
