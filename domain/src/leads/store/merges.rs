//! What making two leads one looks for and writes.

use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    super::{known::Known, lead::Status},
    calls::lock_calls,
};
use crate::{
    access::rows::Rows,
    error::Result,
    types::{ActivityId, AgentId, LeadId, TeamId, TenantId},
};

/// Leads with the same phone number or e-mail address, newest first.
pub(in crate::leads) async fn duplicates(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: LeadId,
    seen: Rows,
    limit: i64,
) -> Result<Vec<LeadId>> {
    let found = sqlx::query_scalar!(
        r#"with same as (
             select id, owner_id, team_id from leads
              where tenant_id = $1 and phone_index = (select phone_index from leads where tenant_id = $1 and id = $2)
             union
             select id, owner_id, team_id from leads
              where tenant_id = $1 and email_index = (select email_index from leads where tenant_id = $1 and id = $2))
           select id as "id!: LeadId" from same
            where id <> $2 and ($3::uuid is null or owner_id = $3) and ($4::uuid is null or team_id = $4)
            order by id desc limit $5"#,
        tenant.0,
        id.0,
        seen.owner(),
        seen.team(),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(found)
}

/// A lead that is to be made one with another.
pub(in crate::leads) struct RowToMerge {
    pub id: LeadId,
    pub version: i64,
    pub status: String,
    pub owner: Option<AgentId>,
    pub team: Option<TeamId>,
    pub language: Option<String>,
    pub region: Option<String>,
    pub value_cents: Option<i64>,
    pub cost_cents: Option<i64>,
    pub tags: Vec<String>,
    pub name_sealed: Option<Vec<u8>>,
    pub phone_sealed: Option<Vec<u8>>,
    pub phone_index: Option<Vec<u8>>,
    pub email_sealed: Option<Vec<u8>>,
    pub email_index: Option<Vec<u8>>,
    pub attributes_sealed: Option<Vec<u8>>,
}

pub(in crate::leads) async fn lock_to_merge(
    conn: &mut PgConnection,
    tenant: TenantId,
    ids: &[Uuid],
    seen: Rows,
) -> Result<Vec<RowToMerge>> {
    let rows = sqlx::query_as!(
        RowToMerge,
        r#"select id as "id: LeadId", version, status, owner_id as "owner: AgentId", team_id as "team: TeamId",
                  language, region, value_cents, cost_cents, tags, name_sealed, phone_sealed, phone_index, email_sealed,
                  email_index, attributes_sealed
             from leads
            where tenant_id = $1 and id = any($2) and ($3::uuid is null or owner_id = $3)
              and ($4::uuid is null or team_id = $4)
            order by id for update"#,
        tenant.0,
        ids,
        seen.owner(),
        seen.team()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Gives the messages of one lead to another, and what it wrote; `false` if one of them is held. Whoever settles a message
/// waits for its lead, so whoever has the lead does not wait for the message. Whoever takes in what it writes holds the
/// lead.
pub(in crate::leads) async fn take_messages(
    conn: &mut PgConnection,
    tenant: TenantId,
    from: LeadId,
    to: LeadId,
) -> Result<bool> {
    let held = sqlx::query_scalar!(
        "select id from messages where tenant_id = $1 and lead_id = $2 order by id for update nowait",
        tenant.0,
        from.0
    )
    .fetch_all(&mut *conn)
    .await;
    if !is_free(held)? {
        return Ok(false);
    }
    sqlx::query!(
        "update messages set lead_id = $3 where tenant_id = $1 and lead_id = $2",
        tenant.0,
        from.0,
        to.0
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update inbound_messages set lead_id = $3 where tenant_id = $1 and lead_id = $2",
        tenant.0,
        from.0,
        to.0
    )
    .execute(conn)
    .await?;
    Ok(true)
}

/// Gives the calls with one lead to another; `false` if one of them is held.
pub(in crate::leads) async fn take_calls(
    conn: &mut PgConnection,
    tenant: TenantId,
    from: LeadId,
    to: LeadId,
) -> Result<bool> {
    if !lock_calls(conn, tenant, &[from]).await?.is_empty() {
        return Ok(false);
    }
    sqlx::query!(
        "update calls set lead_id = $3, version = version + 1 where tenant_id = $1 and lead_id = $2",
        tenant.0,
        from.0,
        to.0
    )
    .execute(conn)
    .await?;
    Ok(true)
}

/// Whether what was to be locked at once is.
fn is_free(locked: sqlx::Result<Vec<Uuid>>) -> Result<bool> {
    match locked {
        // lock_not_available.
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("55P03") => Ok(false),
        locked => Ok(locked.map(|_| true)?),
    }
}

/// What is known of both, sealed.
pub(in crate::leads) struct MergedRow<'a> {
    pub known: &'a Known,
    pub status: Status,
    pub name_sealed: Option<Vec<u8>>,
    pub phone_sealed: Option<Vec<u8>>,
    pub phone_index: Option<&'a Vec<u8>>,
    pub email_sealed: Option<Vec<u8>>,
    pub email_index: Option<&'a Vec<u8>>,
    pub attributes_sealed: Option<Vec<u8>>,
}

pub(in crate::leads) async fn update_merged(
    conn: &mut PgConnection,
    tenant: TenantId,
    (winner, loser): (LeadId, LeadId),
    row: &MergedRow<'_>,
) -> Result<()> {
    sqlx::query!(
        "update leads w
            set name_sealed = $4, phone_sealed = $5, phone_index = $6, email_sealed = $7, email_index = $8,
                attributes_sealed = $9, language = $10, region = $11, value_cents = $12, tags = $13,
                cost_cents = $14, status = $15,
                activities = w.activities + l.activities,
                last_activity_at = greatest(w.last_activity_at, l.last_activity_at),
                version = w.version + 1, updated_at = engine.now()
           from leads l
          where w.tenant_id = $1 and w.id = $2 and l.tenant_id = $1 and l.id = $3",
        tenant.0,
        winner.0,
        loser.0,
        row.name_sealed.as_deref(),
        row.phone_sealed.as_deref(),
        row.phone_index.map(Vec::as_slice),
        row.email_sealed.as_deref(),
        row.email_index.map(Vec::as_slice),
        row.attributes_sealed.as_deref(),
        row.known.language.as_deref(),
        row.known.region.as_deref(),
        row.known.value_cents,
        &row.known.tags,
        row.known.cost_cents,
        row.status.as_str()
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(in crate::leads) async fn insert_merge(
    conn: &mut PgConnection,
    tenant: TenantId,
    (loser, winner): (LeadId, LeadId),
    by: Option<Uuid>,
) -> Result<()> {
    sqlx::query!(
        "insert into lead_merges (tenant_id, loser_id, winner_id, actor_id) values ($1, $2, $3, $4)",
        tenant.0,
        loser.0,
        winner.0,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Some of the notes on what was done with a lead.
pub(in crate::leads) async fn notes(
    conn: &mut PgConnection,
    tenant: TenantId,
    lead: LeadId,
    limit: i64,
) -> Result<Vec<(ActivityId, Vec<u8>)>> {
    let rows = sqlx::query!(
        r#"select id as "id: ActivityId", note_sealed as "note_sealed!" from lead_activities
            where tenant_id = $1 and lead_id = $2 and note_sealed is not null limit $3"#,
        tenant.0,
        lead.0,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.note_sealed)).collect())
}

/// Gives activities to a lead, with their notes sealed anew.
pub(in crate::leads) async fn move_notes(
    conn: &mut PgConnection,
    tenant: TenantId,
    to: LeadId,
    notes: &[(ActivityId, Option<Vec<u8>>)],
) -> Result<()> {
    sqlx::query!(
        "update lead_activities a set lead_id = $2, note_sealed = new.sealed
           from unnest($3::uuid[], $4::bytea[]) as new (id, sealed)
          where a.tenant_id = $1 and a.id = new.id",
        tenant.0,
        to.0,
        &notes.iter().map(|(id, _)| id.0).collect::<Vec<_>>(),
        &notes.iter().map(|(_, sealed)| sealed.clone()).collect::<Vec<_>>() as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives all other activities of a lead to another.
pub(in crate::leads) async fn move_activities(
    conn: &mut PgConnection,
    tenant: TenantId,
    (winner, loser): (LeadId, LeadId),
) -> Result<()> {
    sqlx::query!(
        "update lead_activities set lead_id = $2 where tenant_id = $1 and lead_id = $3",
        tenant.0,
        winner.0,
        loser.0
    )
    .execute(conn)
    .await?;
    Ok(())
}
