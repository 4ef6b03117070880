//! The rows of schedules and their ticks, as they are read.

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use super::{Misfire, Overlap, When, view::View};

/// What became of one time at which a schedule was due.
#[derive(Debug, Clone)]
pub struct Tick {
    pub due_at: DateTime<Utc>,
    /// `started`, `by_hand`, `skipped` or `buffered` because the run before went on, or `missed`.
    pub outcome: String,
    /// The last of the times that a `missed` stands for.
    pub until_at: Option<DateTime<Utc>>,
    pub ticked_at: DateTime<Utc>,
    pub job_id: Option<Uuid>,
    /// As the job is now; none once its history is gone.
    pub job_state: Option<String>,
}

/// A tenant's schedules, newest first, those with ids below `before`: only those that are `active`, `paused` or `over`, if one
/// is named.
///
/// # Errors
/// If the database does not answer.
pub async fn list(
    conn: &mut PgConnection,
    tenant: Uuid,
    standing: Option<&str>,
    before: Option<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<View>> {
    select(conn, tenant, None, standing, before, limit).await
}

/// One schedule of a tenant.
///
/// # Errors
/// If the database does not answer.
pub async fn get(conn: &mut PgConnection, tenant: Uuid, id: Uuid) -> sqlx::Result<Option<View>> {
    Ok(select(conn, tenant, Some(id), None, None, 1).await?.pop())
}

async fn select(
    conn: &mut PgConnection,
    tenant: Uuid,
    id: Option<Uuid>,
    standing: Option<&str>,
    before: Option<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<View>> {
    let rows = sqlx::query!(
        r#"select id, tenant_id, name, queue, kind, version, priority, max_attempts, timeout_ms, watched,
                  workflow, args as "args: Json<Box<RawValue>>", actor, crontab, zone, once_at, overlap, misfire, catch_up,
                  max_lateness_s, jitter_s, starts_at, ends_at, paused_at, why, created_at, updated_at, next_at,
                  buffered_at
             from engine.schedules
            where tenant_id = $1 and ($2::uuid is null or id = $2) and ($3::uuid is null or id < $3)
              and ($5::text is null or $5 = case when paused_at is not null then 'paused' when next_at is null then 'over'
                                                 else 'active' end)
            order by id desc limit $4"#,
        tenant,
        id,
        before,
        limit,
        standing
    );
    let views = rows.fetch_all(conn).await?.into_iter().map(|row| View {
        id: row.id,
        tenant: row.tenant_id,
        name: row.name,
        queue: row.queue,
        kind: row.kind,
        version: row.version,
        priority: row.priority,
        max_attempts: row.max_attempts,
        timeout_ms: row.timeout_ms,
        watched: row.watched,
        workflow: row.workflow,
        args: row.args.0,
        actor: row.actor,
        when: match (row.crontab, row.once_at) {
            (Some(crontab), _) => When::Crontab(crontab),
            (None, at) => When::Once(at.unwrap_or(DateTime::UNIX_EPOCH)),
        },
        zone: row.zone,
        overlap: Overlap::stored(&row.overlap),
        misfire: Misfire::stored(&row.misfire, row.catch_up),
        max_lateness_s: row.max_lateness_s,
        jitter_s: row.jitter_s,
        starts_at: row.starts_at,
        ends_at: row.ends_at,
        paused_at: row.paused_at,
        why: row.why,
        created_at: row.created_at,
        updated_at: row.updated_at,
        next_at: row.next_at,
        buffered_at: row.buffered_at,
    });
    Ok(views.collect())
}

/// The same, locked until the transaction ends: what is decided from it still holds when it is written.
///
/// # Errors
/// If the database does not answer.
pub async fn lock(conn: &mut PgConnection, tenant: Uuid, id: Uuid) -> sqlx::Result<Option<View>> {
    let locked = sqlx::query_scalar!(
        "select id from engine.schedules where tenant_id = $1 and id = $2 for update",
        tenant,
        id
    );
    match locked.fetch_optional(&mut *conn).await? {
        Some(_) => get(conn, tenant, id).await,
        None => Ok(None),
    }
}

/// A schedule with which something is to be done now, locked; none if there is nothing to do, or somebody
/// else does it.
pub(super) async fn lock_due(conn: &mut PgConnection, tenant: Uuid, id: Uuid) -> sqlx::Result<Option<View>> {
    let locked = sqlx::query_scalar!(
        "select id from engine.schedules
          where tenant_id = $1 and id = $2 and paused_at is null
            and (next_at <= engine.now() or buffered_at is not null)
            for update skip locked",
        tenant,
        id
    );
    match locked.fetch_optional(&mut *conn).await? {
        Some(_) => get(conn, tenant, id).await,
        None => Ok(None),
    }
}

/// How many schedules a tenant has.
///
/// # Errors
/// If the database does not answer.
pub async fn count(conn: &mut PgConnection, tenant: Uuid) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from engine.schedules where tenant_id = $1"#, tenant)
        .fetch_one(conn)
        .await
}

/// What became of a schedule's times, the newest first, those before one.
///
/// # Errors
/// If the database does not answer.
pub async fn ticks(
    conn: &mut PgConnection,
    tenant: Uuid,
    schedule: Uuid,
    before: Option<DateTime<Utc>>,
    limit: i64,
) -> sqlx::Result<Vec<Tick>> {
    sqlx::query_as!(
        Tick,
        r#"select due_at, outcome, until_at, ticked_at, job_id, engine.state_of(tenant_id, job_id) as job_state
             from engine.ticks
            where tenant_id = $1 and schedule_id = $2 and ($3::timestamptz is null or due_at < $3)
            order by due_at desc limit $4"#,
        tenant,
        schedule,
        before,
        limit
    )
    .fetch_all(conn)
    .await
}

/// When these schedules are due next, those that are.
///
/// # Errors
/// If the database does not answer.
pub async fn next_times(
    conn: &mut PgConnection,
    tenant: Uuid,
    schedules: &[Uuid],
) -> sqlx::Result<Vec<(Uuid, DateTime<Utc>)>> {
    let rows = sqlx::query!(
        r#"select id, next_at as "next_at!" from engine.schedules
            where tenant_id = $1 and id = any($2) and next_at is not null"#,
        tenant,
        schedules
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.next_at)).collect())
}

/// When the job of a schedule was due; none if it was not begun by that, or so long ago that this is forgotten.
///
/// # Errors
/// If the database does not answer.
pub async fn due_of(
    conn: &mut PgConnection,
    tenant: Uuid,
    schedule: Uuid,
    job: Uuid,
) -> sqlx::Result<Option<DateTime<Utc>>> {
    sqlx::query_scalar!(
        "select due_at from engine.ticks where tenant_id = $1 and schedule_id = $2 and job_id = $3",
        tenant,
        schedule,
        job
    )
    .fetch_optional(conn)
    .await
}

/// The last time of each of these schedules of which it is known what became of it.
///
/// # Errors
/// If the database does not answer.
pub async fn last_ticks(
    conn: &mut PgConnection,
    tenant: Uuid,
    schedules: &[Uuid],
) -> sqlx::Result<Vec<(Uuid, Tick)>> {
    let rows = sqlx::query!(
        r#"select s.id as "schedule!", t.due_at as "due_at!", t.outcome as "outcome!", t.until_at,
                  t.ticked_at as "ticked_at!", t.job_id, engine.state_of($1, t.job_id) as job_state
             from unnest($2::uuid[]) s(id)
            cross join lateral (
                  select k.due_at, k.outcome, k.until_at, k.ticked_at, k.job_id from engine.ticks k
                   where k.tenant_id = $1 and k.schedule_id = s.id and k.outcome <> 'buffered'
                   order by k.due_at desc limit 1) t"#,
        tenant,
        schedules
    );
    let rows = rows.fetch_all(conn).await?.into_iter().map(|row| {
        let tick = Tick {
            due_at: row.due_at,
            outcome: row.outcome,
            until_at: row.until_at,
            ticked_at: row.ticked_at,
            job_id: row.job_id,
            job_state: row.job_state,
        };
        (row.schedule, tick)
    });
    Ok(rows.collect())
}

/// The database's clock, the only one for due times.
pub(super) async fn now(conn: &mut PgConnection) -> sqlx::Result<DateTime<Utc>> {
    sqlx::query_scalar!(r#"select engine.now() as "now!""#).fetch_one(conn).await
}
