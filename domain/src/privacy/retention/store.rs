//! The rules, and what is old enough by them.

use sqlx::PgConnection;

use super::{RetentionRules, RetentionView};
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

pub(super) async fn rules(conn: &mut PgConnection, tenant: TenantId) -> Result<RetentionView> {
    let row = sqlx::query!(
        "select cool_off_days, closed_leads_days, messages_days, calls_days, notes_days, version, updated_at
           from retention_rules where tenant_id = $1",
        tenant.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(match row {
        None => RetentionView { rules: RetentionRules::default(), version: 0, updated_at: None },
        Some(row) => RetentionView {
            rules: RetentionRules {
                cool_off_days: row.cool_off_days,
                closed_leads_days: row.closed_leads_days,
                messages_days: row.messages_days,
                calls_days: row.calls_days,
                notes_days: row.notes_days,
            },
            version: row.version,
            updated_at: Some(row.updated_at),
        },
    })
}

pub(super) async fn make(conn: &mut PgConnection, tenant: TenantId) -> Result<()> {
    sqlx::query!(
        "insert into retention_rules (tenant_id, version) values ($1, 0) on conflict do nothing",
        tenant.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The version that is there, held until commit.
pub(super) async fn lock(conn: &mut PgConnection, tenant: TenantId) -> Result<i64> {
    let version =
        sqlx::query_scalar!("select version from retention_rules where tenant_id = $1 for update", tenant.0)
            .fetch_one(conn)
            .await?;
    Ok(version)
}

pub(super) async fn put(conn: &mut PgConnection, tenant: TenantId, rules: &RetentionRules) -> Result<()> {
    sqlx::query!(
        "update retention_rules
            set cool_off_days = $2, closed_leads_days = $3, messages_days = $4, calls_days = $5, notes_days = $6,
                version = version + 1, updated_at = engine.now()
          where tenant_id = $1",
        tenant.0,
        rules.cool_off_days,
        rules.closed_leads_days,
        rules.messages_days,
        rules.calls_days,
        rules.notes_days
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn tenants(conn: &mut PgConnection, after: TenantId, limit: i64) -> Result<Vec<TenantId>> {
    let tenants = sqlx::query_scalar!(
        r#"select tenant_id as "tenant!: TenantId" from retention_rules
            where tenant_id > $1
              and num_nonnulls(closed_leads_days, messages_days, calls_days, notes_days) > 0
            order by tenant_id limit $2"#,
        after.0,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(tenants)
}

/// Leads that were closed so many days ago, of nobody who is held, restricted or being erased.
pub(super) async fn closed_leads(
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

/// How many are old enough and would go, and how many a hold keeps.
pub(super) async fn count(
    conn: &mut PgConnection,
    tenant: TenantId,
    aged: Aged,
    days: i32,
) -> Result<(i64, i64)> {
    match aged {
        Aged::ClosedLeads => count_closed(conn, tenant, days).await,
        Aged::Messages => count_messages(conn, tenant, days).await,
        Aged::Inbound => count_inbound(conn, tenant, days).await,
        Aged::Calls => count_calls(conn, tenant, days).await,
        Aged::Notes => count_notes(conn, tenant, days).await,
    }
}

async fn count_closed(conn: &mut PgConnection, tenant: TenantId, days: i32) -> Result<(i64, i64)> {
    let row = sqlx::query!(
                r#"select count(*) filter (where not held) as "goes!", count(*) filter (where held) as "held!"
                     from (select exists (select from legal_holds h
                                    where h.tenant_id = $1 and h.released_at is null
                                      and (h.subject_id = l.id or h.subject_id in (
                                        select m.loser_id from lead_merges m
                                         where m.tenant_id = $1 and m.winner_id = l.id)))
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

async fn count_messages(conn: &mut PgConnection, tenant: TenantId, days: i32) -> Result<(i64, i64)> {
    let row = sqlx::query!(
        r#"select count(*) filter (where not held) as "goes!", count(*) filter (where held) as "held!"
                     from (select exists (select from legal_holds h
                                    where h.tenant_id = $1 and h.released_at is null
                                      and h.subject_id in (m.subject_id, m.lead_id))
                              or exists (select from leads r where r.tenant_id = $1 and r.id = m.lead_id
                                           and r.restricted_at is not null) as held
                             from messages m
                            where m.tenant_id = $1 and m.created_at < engine.now() - make_interval(days => $2)
                              and m.vars_sealed <> ''::bytea
                              and m.status not in ('pending', 'queued', 'sending', 'unknown')) old"#,
        tenant.0,
        days
    )
    .fetch_one(conn)
    .await?;
    Ok((row.goes, row.held))
}

async fn count_inbound(conn: &mut PgConnection, tenant: TenantId, days: i32) -> Result<(i64, i64)> {
    let row = sqlx::query!(
                r#"select count(*) filter (where not held) as "goes!", count(*) filter (where held) as "held!"
                     from (select exists (select from legal_holds h
                                    where h.tenant_id = $1 and h.released_at is null
                                      and h.subject_id in (i.subject_id, i.lead_id))
                              or exists (select from leads r where r.tenant_id = $1 and r.id = i.lead_id
                                           and r.restricted_at is not null) as held
                             from inbound_messages i
                            where i.tenant_id = $1 and i.received_at < engine.now() - make_interval(days => $2)
                              and i.body_sealed <> ''::bytea) old"#,
                tenant.0,
                days
            )
            .fetch_one(conn)
            .await?;
    Ok((row.goes, row.held))
}

async fn count_calls(conn: &mut PgConnection, tenant: TenantId, days: i32) -> Result<(i64, i64)> {
    let row = sqlx::query!(
        r#"select count(*) filter (where not held) as "goes!", count(*) filter (where held) as "held!"
                     from (select exists (select from legal_holds h
                                    where h.tenant_id = $1 and h.released_at is null
                                      and h.subject_id in (c.subject_id, c.lead_id))
                              or exists (select from leads r where r.tenant_id = $1 and r.id = c.lead_id
                                           and r.restricted_at is not null) as held
                             from calls c
                            where c.tenant_id = $1 and c.started_at < engine.now() - make_interval(days => $2)
                              and c.number_sealed <> ''::bytea and c.ended_at is not null) old"#,
        tenant.0,
        days
    )
    .fetch_one(conn)
    .await?;
    Ok((row.goes, row.held))
}

async fn count_notes(conn: &mut PgConnection, tenant: TenantId, days: i32) -> Result<(i64, i64)> {
    let row = sqlx::query!(
                r#"select count(*) filter (where not held) as "goes!", count(*) filter (where held) as "held!"
                     from (select exists (select from legal_holds h
                                    where h.tenant_id = $1 and h.released_at is null and h.subject_id = a.lead_id)
                              or exists (select from leads r where r.tenant_id = $1 and r.id = a.lead_id
                                           and r.restricted_at is not null) as held
                             from lead_activities a
                            where a.tenant_id = $1 and a.at < engine.now() - make_interval(days => $2)
                              and a.note_sealed is not null) old"#,
                tenant.0,
                days
            )
            .fetch_one(conn)
            .await?;
    Ok((row.goes, row.held))
}

/// Blanks a page of what is old enough. Answers how many rows; leads are erased otherwise.
pub(super) async fn blank(
    conn: &mut PgConnection,
    tenant: TenantId,
    aged: Aged,
    days: i32,
    limit: i64,
) -> Result<u64> {
    match aged {
        Aged::ClosedLeads => Ok(0),
        Aged::Messages => blank_messages(conn, tenant, days, limit).await,
        Aged::Inbound => {
            let done = sqlx::query!(
                "with old as (
                   select i.id from inbound_messages i
                    where i.tenant_id = $1 and i.received_at < engine.now() - make_interval(days => $2)
                      and i.body_sealed <> ''::bytea
                      and not exists (select from legal_holds h
                            where h.tenant_id = $1 and h.released_at is null
                              and h.subject_id in (i.subject_id, i.lead_id))
            and not exists (select from leads r
                  where r.tenant_id = $1 and r.id = i.lead_id and r.restricted_at is not null)
                    order by i.received_at limit $3)
                 update inbound_messages i set body_sealed = '' from old
                  where i.tenant_id = $1 and i.id = old.id",
                tenant.0,
                days,
                limit
            )
            .execute(conn)
            .await?;
            Ok(done.rows_affected())
        }
        Aged::Calls => {
            let done = sqlx::query!(
                "with old as (
                   select c.id from calls c
                    where c.tenant_id = $1 and c.started_at < engine.now() - make_interval(days => $2)
                      and c.number_sealed <> ''::bytea and c.ended_at is not null
                      and not exists (select from legal_holds h
                            where h.tenant_id = $1 and h.released_at is null
                              and h.subject_id in (c.subject_id, c.lead_id))
            and not exists (select from leads r
                  where r.tenant_id = $1 and r.id = c.lead_id and r.restricted_at is not null)
                    order by c.started_at limit $3)
                 update calls c
                    set number_sealed = '', number_index = uuid_send(gen_random_uuid()), notes_sealed = null,
                        recording_sealed = null
                   from old where c.tenant_id = $1 and c.id = old.id",
                tenant.0,
                days,
                limit
            )
            .execute(conn)
            .await?;
            Ok(done.rows_affected())
        }
        Aged::Notes => {
            let done = sqlx::query!(
                "with old as (
                   select a.id from lead_activities a
                    where a.tenant_id = $1 and a.at < engine.now() - make_interval(days => $2)
                      and a.note_sealed is not null
                      and not exists (select from legal_holds h
                            where h.tenant_id = $1 and h.released_at is null and h.subject_id = a.lead_id)
                      and not exists (select from leads r
                            where r.tenant_id = $1 and r.id = a.lead_id and r.restricted_at is not null)
                    order by a.at limit $3)
                 update lead_activities a set note_sealed = null from old where a.tenant_id = $1 and a.id = old.id",
                tenant.0,
                days,
                limit
            )
            .execute(conn)
            .await?;
            Ok(done.rows_affected())
        }
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
