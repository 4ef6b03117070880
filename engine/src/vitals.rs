//! How the engine is, in numbers for whoever watches it. What is read grows with queues, lanes in use and processes, and not
//! with the work: depths are those of the last census.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Engine, schedules::BUSINESS_KEY};

/// A queue over all tenants.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueVitals {
    pub queue: String,
    /// Due later.
    pub scheduled: i64,
    /// Due, and neither running nor held back.
    pub available: i64,
    /// Held back by a pause, due or not.
    pub paused: i64,
    pub running: i64,
    /// Seconds that the first of the available had been due when they were counted; 0 if there was none. It does not grow
    /// until they are counted again: by then it may have run, or be paused.
    pub oldest_s: f64,
}

/// Processes of one role that stand in one way: `alive`, `draining` or `silent`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeVitals {
    pub role: String,
    pub state: String,
    pub nodes: i64,
}

/// The engine and its server.
#[derive(Debug, Clone, PartialEq)]
pub struct EngineVitals {
    /// Handlers of all processes that are not silent, and those of them that run something, as of their last beats.
    pub handlers: i64,
    pub busy: i64,
    /// Seconds since the first entry of the log was written that has no number yet; 0 if all have one.
    pub unnumbered_s: f64,
    /// A pause of everything: after a restore or a failover, or by hand.
    pub stopped: bool,
    /// Connections of everybody to the server, and how many it allows.
    pub server_connections: i64,
    pub server_most: i64,
}

/// A pool of connections of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolVitals {
    /// `app` behind the tenants' wall, or `system`.
    pub pool: &'static str,
    pub most: u32,
    pub open: u32,
    /// In use at this moment.
    pub busy: u32,
}

/// All queues, those without work too.
///
/// # Errors
/// If the database does not answer.
pub async fn queues(conn: &mut PgConnection) -> sqlx::Result<Vec<QueueVitals>> {
    sqlx::query_as!(
        QueueVitals,
        r#"select q.name as queue,
                  coalesce(sum(d.scheduled) filter (where l.paused_at is null), 0)::bigint as "scheduled!",
                  coalesce(sum(d.available) filter (where l.paused_at is null), 0)::bigint as "available!",
                  coalesce(sum(d.scheduled + d.available) filter (where l.paused_at is not null), 0)::bigint as "paused!",
                  coalesce(sum(d.running), 0)::bigint as "running!",
                  coalesce(extract(epoch from max(d.counted_at - d.oldest_due_at) filter (where l.paused_at is null)),
                           0)::float8 as "oldest_s!"
             from engine.queues q
             left join (engine.lane_depths d join engine.lanes l on l.id = d.lane) on l.queue_id = q.id
            group by q.name
            order by q.name"#
    )
    .fetch_all(conn)
    .await
}

/// Processes by role and state.
///
/// # Errors
/// If the database does not answer.
pub async fn nodes(conn: &mut PgConnection) -> sqlx::Result<Vec<NodeVitals>> {
    sqlx::query_as!(
        NodeVitals,
        r#"select r.role as "role!",
                  case when n.beat_at < clock_timestamp() - interval '10 s' then 'silent'
                       when n.draining then 'draining' else 'alive' end as "state!",
                  count(*) as "nodes!"
             from engine.nodes n, unnest(n.roles) as r(role)
            group by 1, 2"#
    )
    .fetch_all(conn)
    .await
}

/// What there is one of.
///
/// # Errors
/// If the database does not answer.
pub async fn engine(conn: &mut PgConnection) -> sqlx::Result<EngineVitals> {
    // Of other users' sessions no more is seen than that they are there; those of the server itself have no user.
    sqlx::query_as!(
        EngineVitals,
        r#"select n.handlers as "handlers!", n.busy as "busy!",
                  coalesce((select extract(epoch from engine.now() - l.at) from engine.log l
                             where l.born >= (select pg_snapshot_xmax(b.snap) from engine.log_batches b
                                               order by b.batch desc limit 1)
                             order by l.born limit 1), 0)::float8 as "unnumbered_s!",
                  exists (select from engine.pauses where num_nonnulls(queue_id, tenant_id, kind) = 0) as "stopped!",
                  (select count(*) from pg_stat_activity
                    where datid is not null and usesysid is not null) as "server_connections!",
                  current_setting('max_connections')::bigint as "server_most!"
             from (select coalesce(sum(slots), 0)::bigint as handlers, coalesce(sum(busy), 0)::bigint as busy
                     from engine.nodes where beat_at >= clock_timestamp() - interval '10 s') n"#
    )
    .fetch_one(conn)
    .await
}

/// The schedules of a tenant that come again, and how many seconds ago a job of each was completed last; where none is
/// known, since the schedule was made. A hundred at most.
///
/// # Errors
/// If the database does not answer.
pub async fn since_done(conn: &mut PgConnection, tenant: Uuid) -> sqlx::Result<Vec<(Uuid, String, f64)>> {
    let rows = sqlx::query!(
        r#"select s.id, s.name,
                  extract(epoch from engine.now() - coalesce(
                    (select h.finished_at from engine.job_history h
                      where h.tenant_id = s.tenant_id and h.business_key = $2 || s.id::text and h.state = 'completed'
                      order by h.id desc limit 1),
                    s.created_at))::float8 as "done_s!"
             from engine.schedules s
            where s.tenant_id = $1 and s.crontab is not null
            order by s.id limit 100"#,
        tenant,
        BUSINESS_KEY
    );
    Ok(rows.fetch_all(conn).await?.into_iter().map(|row| (row.id, row.name, row.done_s)).collect())
}

impl Engine {
    /// The pools of this process.
    #[must_use]
    pub fn pools(&self) -> [PoolVitals; 2] {
        let system = self.system();
        let idle = u32::try_from(system.num_idle()).unwrap_or(u32::MAX);
        let system = PoolVitals {
            pool: "system",
            most: system.options().get_max_connections(),
            open: system.size(),
            busy: system.size().saturating_sub(idle),
        };
        [self.app().vitals(), system]
    }

    /// The database's clock.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn clock(&self) -> sqlx::Result<DateTime<Utc>> {
        self.read_system(async |conn| {
            sqlx::query_scalar!(r#"select engine.now() as "now!""#).fetch_one(conn).await
        })
        .await
    }
}
