//! Reading about queues and nodes. Depths come from the last census; nothing is counted here.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

/// A queue as one tenant sees it.
#[derive(Debug, Clone)]
pub struct QueueView {
    pub name: String,
    /// Due later.
    pub scheduled: i64,
    /// Due, and not running.
    pub available: i64,
    pub running: i64,
    /// Since when the first of the available has been due.
    pub oldest_due_at: Option<DateTime<Utc>>,
    /// When these were counted.
    pub counted_at: Option<DateTime<Utc>>,
    /// Whether nothing at all of this tenant is claimed.
    pub paused: bool,
    /// The kinds that are held back.
    pub paused_kinds: Vec<String>,
    /// Kinds that no living node knows.
    pub parked_kinds: Vec<String>,
    /// The tenant's share beside others.
    pub weight: f32,
    /// The tenant's bounds: `key`, `max_running`, `rate_per_s`, `burst`.
    pub limits: serde_json::Value,
    /// The pauses that name this tenant; those of the whole installation are not told one by one.
    pub pauses: Json<Vec<Held>>,
}

/// A pause of a tenant in a queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// `tenant`, `operator` or `product`: who takes it back.
    pub by: String,
    /// Only jobs of this kind.
    pub kind: Option<String>,
    pub why: String,
    pub at: DateTime<Utc>,
}

/// A process of this installation.
#[derive(Debug, Clone)]
pub struct NodeView {
    pub id: Uuid,
    pub name: String,
    pub roles: Vec<String>,
    pub build: String,
    pub started_at: DateTime<Utc>,
    /// A node is taken for dead 10 s after its last beat.
    pub beat_at: DateTime<Utc>,
    pub kinds: Vec<String>,
    /// The suspect that it runs at the moment.
    pub suspect_job: Option<Uuid>,
    /// Handlers that it has, over all queues.
    pub slots: i32,
    /// Those that run, as of its last beat.
    pub busy: i32,
    /// It begins nothing more and lets what runs end.
    pub draining: bool,
    /// It has not beaten for 10 s.
    pub silent: bool,
}

/// The queues in which a tenant has ever had work.
///
/// # Errors
/// If the database does not answer.
pub async fn list(conn: &mut PgConnection, tenant: Uuid) -> sqlx::Result<Vec<QueueView>> {
    sqlx::query_as!(
        QueueView,
        r#"select q.name as "name!", coalesce(sum(d.scheduled), 0)::bigint as "scheduled!",
                  coalesce(sum(d.available), 0)::bigint as "available!", coalesce(sum(d.running), 0)::bigint as "running!",
                  min(d.oldest_due_at) as oldest_due_at, max(d.counted_at) as counted_at,
                  bool_and(l.paused_at is not null) as "paused!",
                  coalesce(array_agg(distinct l.kind) filter (where l.paused_at is not null), '{}') as "paused_kinds!",
                  coalesce(array_agg(distinct l.kind) filter (where l.parked_at is not null), '{}') as "parked_kinds!",
                  max(l.weight) as "weight!",
                  coalesce((select jsonb_agg(jsonb_build_object('key', m.key, 'max_running', m.max_running,
                                               'rate_per_s', m.rate_per_s, 'burst', m.burst) order by m.key nulls first)
                              from engine.limits m
                             where m.queue_id = q.id and m.tenant_id = $1
                               and coalesce(m.max_running, m.rate_per_s) is not null), '[]') as "limits!",
                  coalesce((select jsonb_agg(jsonb_build_object('by', p.decided_by, 'kind', p.kind, 'why', p.why,
                                               'at', p.paused_at) order by p.id)
                              from engine.pauses p
                             where p.tenant_id = $1 and coalesce(p.queue_id, q.id) = q.id), '[]') as "pauses!: Json<Vec<Held>>"
             from engine.lanes l
             join engine.queues q on q.id = l.queue_id
             left join engine.lane_depths d on d.lane = l.id
            where l.tenant_id = $1
            group by q.id, q.name
            order by q.name"#,
        tenant
    )
    .fetch_all(conn)
    .await
}

/// Whether there is a queue of this name.
///
/// # Errors
/// If the database does not answer.
pub async fn exists(conn: &mut PgConnection, name: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select exists (select from engine.queues where name = $1) as "exists!""#, name)
        .fetch_one(conn)
        .await
}

/// The processes, the newest first, at most 200.
///
/// # Errors
/// If the database does not answer.
pub async fn nodes(conn: &mut PgConnection) -> sqlx::Result<Vec<NodeView>> {
    sqlx::query_as!(
        NodeView,
        r#"select id, name, roles, build, started_at, beat_at, kinds, suspect_job, slots, busy, draining,
                  beat_at < clock_timestamp() - interval '10 s' as "silent!"
             from engine.nodes order by id desc limit 200"#
    )
    .fetch_all(conn)
    .await
}

/// A queue over all tenants, as the installation's operators see it.
#[derive(Debug, Clone, Serialize)]
pub struct Load {
    pub queue: String,
    /// Tenants that have ever had work in it.
    pub tenants: i64,
    pub scheduled: i64,
    pub available: i64,
    pub running: i64,
    pub oldest_due_at: Option<DateTime<Utc>>,
    /// What is paused: `by` whom, `tenant`, `kind`, `why`, each pause that concerns this queue.
    pub pauses: serde_json::Value,
    /// Bounds and weights: `tenant`, `key`, `max_running`, `rate_per_s`, `burst`, `weight`.
    pub limits: serde_json::Value,
}

/// All queues, over all tenants.
///
/// # Errors
/// If the database does not answer.
pub async fn loads(conn: &mut PgConnection) -> sqlx::Result<Vec<Load>> {
    sqlx::query_as!(
        Load,
        r#"select q.name as queue, count(distinct l.tenant_id) as "tenants!",
                  coalesce(sum(d.scheduled), 0)::bigint as "scheduled!", coalesce(sum(d.available), 0)::bigint as "available!",
                  coalesce(sum(d.running), 0)::bigint as "running!", min(d.oldest_due_at) as oldest_due_at,
                  coalesce((select jsonb_agg(jsonb_strip_nulls(jsonb_build_object('by', p.decided_by, 'tenant', p.tenant_id, 'kind', p.kind, 'why', p.why)) order by p.id)
                              from engine.pauses p where coalesce(p.queue_id, q.id) = q.id), '[]') as "pauses!",
                  coalesce((select jsonb_agg(jsonb_strip_nulls(jsonb_build_object('tenant', m.tenant_id, 'key', m.key,
                              'max_running', m.max_running, 'rate_per_s', m.rate_per_s, 'burst', m.burst, 'weight', m.weight)) order by m.id)
                              from engine.limits m where m.queue_id = q.id), '[]') as "limits!"
             from engine.queues q
             left join engine.lanes l on l.queue_id = q.id
             left join engine.lane_depths d on d.lane = l.id
            group by q.id, q.name
            order by q.name"#
    )
    .fetch_all(conn)
    .await
}

/// Work that no living node knows how to run.
#[derive(Debug, Clone, Serialize)]
pub struct Unrunnable {
    pub queue: String,
    pub kind: String,
    pub version: i16,
    pub jobs: i64,
    pub oldest_due_at: Option<DateTime<Utc>>,
    /// The newest version that a living node knows; none if none knows the kind.
    pub known_version: Option<i16>,
}

/// What is queued, as the last census found it, that nothing can run.
///
/// # Errors
/// If the database does not answer.
pub async fn unrunnable(conn: &mut PgConnection) -> sqlx::Result<Vec<Unrunnable>> {
    sqlx::query_as!(
        Unrunnable,
        r#"with known as (
             select k.kind, max(k.version) as version
               from engine.nodes n, unnest(n.kinds, n.versions) k(kind, version)
              where n.beat_at > clock_timestamp() - interval '10 s' group by 1)
           select q.name as queue, l.kind, l.version, sum(d.scheduled + d.available)::bigint as "jobs!",
                  min(d.oldest_due_at) as oldest_due_at, max(k.version) as known_version
             from engine.lane_depths d
             join engine.lanes l on l.id = d.lane
             join engine.queues q on q.id = l.queue_id
             left join known k on k.kind = l.kind
            where d.scheduled + d.available > 0 and coalesce(k.version < l.version, true)
            group by q.name, l.kind, l.version
            order by 4 desc limit 200"#
    )
    .fetch_all(conn)
    .await
}
