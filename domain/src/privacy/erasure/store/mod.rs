//! The tables of erasures: here the requests, `done` what was done; `who` the people, `reached` where they are reached,
//! `open` what goes on for them; `tables` those of the manifest.

mod done;
mod open;
mod reached;
pub(super) mod tables;
mod who;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

pub(super) use self::{done::*, open::*, reached::*, who::*};
use super::view::{ErasureFilter, State};
use crate::{
    error::Result,
    types::{ErasureId, LeadId, SubjectId, TenantId},
};

/// A request about to be written.
pub(super) struct NewRow {
    pub id: ErasureId,
    pub named: Option<LeadId>,
    pub subject: SubjectId,
    pub cause: &'static str,
    pub by: Option<Uuid>,
    /// When the person asked, if it was not now.
    pub asked_at: Option<DateTime<Utc>>,
    pub due_days: i32,
}

/// `false` if one for the same person is open. Of a cause of our own nobody asks who it is.
pub(super) async fn insert(conn: &mut PgConnection, tenant: TenantId, new: &NewRow) -> Result<bool> {
    let put = sqlx::query!(
        "insert into erasures (tenant_id, id, lead_id, subject_id, cause, state, asked_by, asked_at, due_at, identity, identity_at)
         values ($1, $2, $3, $4, $5, case when $5 = 'asked' then 'identity' else 'cooling' end, $6,
                 coalesce($7, engine.now()), coalesce($7, engine.now()) + make_interval(days => $8),
                 case when $5 = 'asked' then null else 'not asked: by age' end,
                 case when $5 = 'asked' then null else engine.now() end)
         on conflict (tenant_id, subject_id) where state not in ('done', 'withdrawn') do nothing",
        tenant.0,
        new.id.0,
        new.named.map(|lead| lead.0),
        new.subject.0,
        new.cause,
        new.by,
        new.asked_at,
        new.due_days
    )
    .execute(conn)
    .await?;
    Ok(put.rows_affected() == 1)
}

/// A request, held until commit.
pub(super) struct Held {
    pub state: State,
    pub lead: Option<LeadId>,
    pub subject: SubjectId,
    pub run: Option<Uuid>,
    pub place: Option<String>,
    pub cursor: Option<Vec<String>>,
}

pub(super) async fn lock(conn: &mut PgConnection, tenant: TenantId, id: ErasureId) -> Result<Option<Held>> {
    let row = sqlx::query!(
        r#"select state, lead_id as "lead: LeadId", subject_id as "subject: SubjectId", run_id, place, cursor
             from erasures where tenant_id = $1 and id = $2 for update"#,
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        Ok(Held {
            state: State::stored(&row.state)?,
            lead: row.lead,
            subject: row.subject,
            run: row.run_id,
            place: row.place,
            cursor: row.cursor,
        })
    })
    .transpose()
}

pub(super) async fn identify(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ErasureId,
    identity: &str,
    by: Option<Uuid>,
) -> Result<()> {
    sqlx::query!(
        "update erasures set identity = $3, identity_by = $4, identity_at = engine.now()
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        identity,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn cool(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ErasureId,
    run: Uuid,
    days: i32,
) -> Result<()> {
    sqlx::query!(
        "update erasures
            set state = 'cooling', run_id = $3, not_before = engine.now() + make_interval(days => $4)
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        run,
        days
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn withdraw(conn: &mut PgConnection, tenant: TenantId, id: ErasureId) -> Result<()> {
    sqlx::query!(
        "update erasures set state = 'withdrawn', withdrawn_at = engine.now() where tenant_id = $1 and id = $2",
        tenant.0,
        id.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn set_state(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ErasureId,
    state: State,
) -> Result<()> {
    sqlx::query!(
        "update erasures set state = $3, begun_at = case when $3 = 'running' then engine.now() end
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        state.as_str()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A request as it lies.
pub(super) struct Row {
    pub id: ErasureId,
    pub lead_id: Option<LeadId>,
    pub subject_id: SubjectId,
    pub cause: String,
    pub state: String,
    pub asked_by: Option<Uuid>,
    pub asked_at: DateTime<Utc>,
    pub due_at: DateTime<Utc>,
    pub identity: Option<String>,
    pub identity_at: Option<DateTime<Utc>>,
    pub not_before: Option<DateTime<Utc>>,
    pub run_id: Option<Uuid>,
    pub begun_at: Option<DateTime<Utc>>,
    pub withdrawn_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
}

pub(super) async fn list(
    conn: &mut PgConnection,
    tenant: TenantId,
    filter: &ErasureFilter,
    before: Option<ErasureId>,
    limit: i64,
) -> Result<Vec<Row>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id: ErasureId", lead_id as "lead_id: LeadId", subject_id as "subject_id: SubjectId", cause, state,
                  asked_by, asked_at, due_at, identity, identity_at, not_before, run_id, begun_at, withdrawn_at, finished_at
             from erasures
            where tenant_id = $1 and ($2::uuid is null or id = $2) and ($3::text is null or state = $3)
              and ($4::uuid is null or lead_id = $4 or subject_id = $4) and ($5::uuid is null or id < $5)
            order by id desc limit $6"#,
        tenant.0,
        filter.id.map(|id| id.0),
        filter.state.map(State::as_str),
        filter.lead.map(|lead| lead.0),
        before.map(|id| id.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// An erasure that the database does not know, or not as carried out: it was restored from before. Answers whether there is
/// something to be done again.
pub(super) async fn put_again(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ErasureId,
    (lead, subject): (Option<LeadId>, SubjectId),
    at: DateTime<Utc>,
    keys: &[Uuid],
) -> Result<bool> {
    // Another request for the same person that was open then gives way to the one that was carried out.
    sqlx::query!(
        "update erasures set state = 'withdrawn', withdrawn_at = engine.now()
          where tenant_id = $1 and subject_id = $2 and id <> $3 and state not in ('done', 'withdrawn')",
        tenant.0,
        subject.0,
        id.0
    )
    .execute(&mut *conn)
    .await?;
    let put = sqlx::query!(
        "insert into erasures as e (tenant_id, id, lead_id, subject_id, state, asked_at, due_at, identity, begun_at)
         values ($1, $2, $3, $4, 'running', $5, $5, 'by the tombstone', engine.now())
         on conflict (tenant_id, id) do update
            set state = 'running', identity = coalesce(e.identity, excluded.identity), begun_at = engine.now(),
                withdrawn_at = null, finished_at = null, certificate = null, place = null, cursor = null
          where e.state <> 'done' or exists (select from subject_keys k
                  where k.tenant_id = $1 and k.id = any($6) and k.wrapped is not null)",
        tenant.0,
        id.0,
        lead.map(|lead| lead.0),
        subject.0,
        at,
        keys
    )
    .execute(conn)
    .await?;
    Ok(put.rows_affected() == 1)
}

/// Erasures that are not over while their runs are.
pub(super) async fn stranded(conn: &mut PgConnection) -> Result<Vec<(TenantId, Uuid)>> {
    let rows = sqlx::query!(
        r#"select e.tenant_id as "tenant: TenantId", e.run_id as "run!" from erasures e
             join engine.runs r on r.tenant_id = e.tenant_id and r.id = e.run_id
            where e.state in ('cooling', 'held', 'running') and r.state in ('failed', 'cancelled')
            order by e.tenant_id, e.id limit 100"#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant, row.run)).collect())
}
