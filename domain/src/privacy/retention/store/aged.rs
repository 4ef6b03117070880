//! What is old enough, counted and blanked.

use sqlx::PgConnection;

use crate::{
    error::Result,
    types::{LeadId, TenantId},
};

/// What has an age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aged {
    ClosedLeads,
    Messages,
    Inbound,
    Calls,
    Notes,
}

/// Leads that were closed so many days ago, of nobody who is held, restricted or being erased.
pub(in crate::privacy::retention) async fn closed_leads(
    conn: &mut PgConnection,
    tenant: TenantId,
    days: i32,
    limit: i64,
) -> Result<Vec<LeadId>> {
    let leads = sqlx::query_scalar!(
        r#"select l.id as "id: LeadId" from leads l
            where l.tenant_id = $1 and l.status in ('converted', 'lost') and l.restricted_at is null
              and l.updated_at < engine.now() - make_interval(days => $2)
              and coalesce(l.last_activity_at, l.updated_at) < engine.now() - make_interval(days => $2)
              and not exists (select from legal_holds h
                    where h.tenant_id = $1 and h.released_at is null
                      and (h.subject_id = l.id or h.subject_id in (
                        select m.loser_id from lead_merges m where m.tenant_id = $1 and m.winner_id = l.id)))
              and not exists (select from erasures e
                    where e.tenant_id = $1 and e.subject_id = l.id and e.state not in ('done', 'withdrawn'))
            order by l.updated_at limit $3"#,
        tenant.0,
        days,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(leads)
}

/// Of a table: how many rows are old enough, which `$old` says of `t`, and are of nobody who is held or restricted; and how many
/// are. `$whose` names whose they may be.
macro_rules! counted {
    ($table:literal, $whose:literal, $old:literal, $conn:expr, $tenant:expr, $days:expr) => {{
        let row = sqlx::query!(
            r#"select count(*) filter (where not held) as "goes!", count(*) filter (where held) as "held!"
                 from (select exists (select from legal_holds h
                                where h.tenant_id = $1 and h.released_at is null and h.subject_id in ("#
                + $whose
                + r#"))
                          or exists (select from leads r
                                where r.tenant_id = $1 and r.id = t.lead_id and r.restricted_at is not null) as held
                         from "#
                + $table
                + r#" t where t.tenant_id = $1 and "#
                + $old
                + r#") old"#,
            $tenant.0,
            $days
        )
        .fetch_one($conn)
        .await?;
        Ok((row.goes, row.held))
    }};
}

/// Blanks the oldest of the same, as `$blank` says it.
macro_rules! blanked {
    ($table:literal, $whose:literal, $old:literal, $at:literal, $blank:literal, $conn:expr, $tenant:expr, $days:expr, $limit:expr) => {{
        let done = sqlx::query!(
            "with old as (
               select t.id from "
                + $table
                + " t
                where t.tenant_id = $1 and "
                + $old
                + "
                  and not exists (select from legal_holds h
                        where h.tenant_id = $1 and h.released_at is null and h.subject_id in ("
                + $whose
                + "))
                  and not exists (select from leads r
                        where r.tenant_id = $1 and r.id = t.lead_id and r.restricted_at is not null)
                order by "
                + $at
                + " limit $3)
             update "
                + $table
                + " t set "
                + $blank
                + " from old where t.tenant_id = $1 and t.id = old.id",
            $tenant.0,
            $days,
            $limit
        )
        .execute($conn)
        .await?;
        Ok(done.rows_affected())
    }};
}

/// How many are old enough and would go, and how many a hold keeps.
pub(in crate::privacy::retention) async fn count(
    conn: &mut PgConnection,
    tenant: TenantId,
    aged: Aged,
    days: i32,
) -> Result<(i64, i64)> {
    match aged {
        Aged::ClosedLeads => count_closed(conn, tenant, days).await,
        Aged::Messages => counted!(
            "messages",
            "t.subject_id, t.lead_id",
            "t.created_at < engine.now() - make_interval(days => $2) and t.vars_sealed <> ''::bytea
             and t.status not in ('pending', 'queued', 'sending', 'unknown')",
            conn,
            tenant,
            days
        ),
        Aged::Inbound => counted!(
            "inbound_messages",
            "t.subject_id, t.lead_id",
            "t.received_at < engine.now() - make_interval(days => $2) and t.body_sealed <> ''::bytea",
            conn,
            tenant,
            days
        ),
        Aged::Calls => counted!(
            "calls",
            "t.subject_id, t.lead_id",
            "t.started_at < engine.now() - make_interval(days => $2) and t.number_sealed <> ''::bytea
             and t.ended_at is not null",
            conn,
            tenant,
            days
        ),
        Aged::Notes => counted!(
            "lead_activities",
            "t.lead_id",
            "t.at < engine.now() - make_interval(days => $2) and t.note_sealed is not null",
            conn,
            tenant,
            days
        ),
    }
}

async fn count_closed(conn: &mut PgConnection, tenant: TenantId, days: i32) -> Result<(i64, i64)> {
    let row = sqlx::query!(
        r#"select count(*) filter (where not held) as "goes!", count(*) filter (where held) as "held!"
             from (select exists (select from legal_holds h
                            where h.tenant_id = $1 and h.released_at is null
                              and (h.subject_id = l.id or h.subject_id in (
                                select m.loser_id from lead_merges m where m.tenant_id = $1 and m.winner_id = l.id)))
                      or l.restricted_at is not null as held
                     from leads l
                    where l.tenant_id = $1 and l.status in ('converted', 'lost')
                      and l.updated_at < engine.now() - make_interval(days => $2)
                      and coalesce(l.last_activity_at, l.updated_at) < engine.now() - make_interval(days => $2)) old"#,
        tenant.0,
        days
    )
    .fetch_one(conn)
    .await?;
    Ok((row.goes, row.held))
}

/// Blanks a page of what is old enough. Answers how many rows; leads are erased otherwise.
pub(in crate::privacy::retention) async fn blank(
    conn: &mut PgConnection,
    tenant: TenantId,
    aged: Aged,
    days: i32,
    limit: i64,
) -> Result<u64> {
    match aged {
        Aged::ClosedLeads => Ok(0),
        Aged::Messages => blank_messages(conn, tenant, days, limit).await,
        Aged::Inbound => blanked!(
            "inbound_messages",
            "t.subject_id, t.lead_id",
            "t.received_at < engine.now() - make_interval(days => $2) and t.body_sealed <> ''::bytea",
            "t.received_at",
            "body_sealed = ''",
            conn,
            tenant,
            days,
            limit
        ),
        Aged::Calls => blanked!(
            "calls",
            "t.subject_id, t.lead_id",
            "t.started_at < engine.now() - make_interval(days => $2) and t.number_sealed <> ''::bytea
             and t.ended_at is not null",
            "t.started_at",
            "number_sealed = '', number_index = uuid_send(gen_random_uuid()), notes_sealed = null, recording_sealed = null",
            conn,
            tenant,
            days,
            limit
        ),
        Aged::Notes => blanked!(
            "lead_activities",
            "t.lead_id",
            "t.at < engine.now() - make_interval(days => $2) and t.note_sealed is not null",
            "t.at",
            "note_sealed = null",
            conn,
            tenant,
            days,
            limit
        ),
    }
}

/// What a message said, as it was filled in, handed over, and put down by the sandbox.
async fn blank_messages(conn: &mut PgConnection, tenant: TenantId, days: i32, limit: i64) -> Result<u64> {
    let old = sqlx::query_scalar!(
        "select m.id from messages m
          where m.tenant_id = $1 and m.created_at < engine.now() - make_interval(days => $2)
            and m.vars_sealed <> ''::bytea and m.status not in ('pending', 'queued', 'sending', 'unknown')
            and not exists (select from legal_holds h
                  where h.tenant_id = $1 and h.released_at is null and h.subject_id in (m.subject_id, m.lead_id))
            and not exists (select from leads r
                  where r.tenant_id = $1 and r.id = m.lead_id and r.restricted_at is not null)
          order by m.created_at limit $3
            for update of m skip locked",
        tenant.0,
        days,
        limit
    )
    .fetch_all(&mut *conn)
    .await?;
    sqlx::query!(
        "update message_attempts set request_sealed = '', request_hash = '', text = null
          where tenant_id = $1 and message_id = any($2)",
        tenant.0,
        &old
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("delete from sandbox_outbox where tenant_id = $1 and message_id = any($2)", tenant.0, &old)
        .execute(&mut *conn)
        .await?;
    let done = sqlx::query!(
        "update messages set vars_sealed = '', error_text = null where tenant_id = $1 and id = any($2)",
        tenant.0,
        &old
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
