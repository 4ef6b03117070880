//! The table of teams.

use sqlx::PgConnection;

use super::super::teams::{TeamChange, TeamView};
use crate::{
    error::Result,
    types::{TeamId, TenantId, Text},
};

/// `false` if the name is taken.
pub(in crate::agents) async fn insert_team(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: TeamId,
    name: &str,
) -> Result<bool> {
    let put = sqlx::query!(
        "insert into teams (tenant_id, id, name) values ($1, $2, $3)
         on conflict (tenant_id, name) where deleted_at is null do nothing",
        tenant.0,
        id.0,
        name
    )
    .execute(conn)
    .await?;
    Ok(put.rows_affected() == 1)
}

pub(in crate::agents) async fn teams(
    conn: &mut PgConnection,
    tenant: TenantId,
    only: Option<TeamId>,
    before: Option<TeamId>,
    limit: i64,
) -> Result<Vec<TeamView>> {
    let rows = sqlx::query_as!(
        TeamView,
        r#"select id as "id: TeamId", name, wrap_up_s, sla_s, overflow_team_id as "overflow_team_id: TeamId",
                  overflow_after_s, version, created_at
             from teams
            where tenant_id = $1 and deleted_at is null
              and ($2::uuid is null or id = $2) and ($3::uuid is null or id < $3)
            order by id desc limit $4"#,
        tenant.0,
        only.map(|id| id.0),
        before.map(|id| id.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// The version of a team, its row locked; whoever only refers to it does not wait.
pub(in crate::agents) async fn lock_team(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: TeamId,
) -> Result<Option<i64>> {
    let version = sqlx::query_scalar!(
        "select version from teams where tenant_id = $1 and id = $2 and deleted_at is null for no key update",
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(version)
}

/// The version of a team, locked against everybody who would refer to it.
pub(in crate::agents) async fn lock_team_whole(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: TeamId,
) -> Result<Option<i64>> {
    let version = sqlx::query_scalar!(
        "select version from teams where tenant_id = $1 and id = $2 and deleted_at is null for update",
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(version)
}

/// Whether there is such a team. It is not deleted before this transaction ends.
pub(crate) async fn share_team(conn: &mut PgConnection, tenant: TenantId, id: TeamId) -> Result<bool> {
    let found = sqlx::query_scalar!(
        r#"select id as "id: TeamId" from teams
            where tenant_id = $1 and id = $2 and deleted_at is null for key share"#,
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.is_some())
}

/// `false` if the name is taken.
pub(in crate::agents) async fn update_team(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: TeamId,
    change: &TeamChange,
) -> Result<bool> {
    let done = sqlx::query!(
        "update teams set name = coalesce($3, name), wrap_up_s = coalesce($4, wrap_up_s),
                sla_s = case when $5 then $6 else sla_s end,
                overflow_team_id = case when $7 then $8 else overflow_team_id end,
                overflow_after_s = case when $9 then $10 else overflow_after_s end,
                version = version + 1
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        change.name.as_ref().map(Text::as_str),
        change.wrap_up_s,
        change.sla_s.is_some(),
        change.sla_s.flatten(),
        change.overflow_team_id.is_some(),
        change.overflow_team_id.flatten().map(|team| team.0),
        change.overflow_after_s.is_some(),
        change.overflow_after_s.flatten()
    )
    .execute(conn)
    .await;
    match done {
        Err(sqlx::Error::Database(error)) if error.constraint() == Some("teams_name_key") => Ok(false),
        done => Ok(done?.rows_affected() == 1),
    }
}

/// What a team is needed for, the first of these: `agents` in it, open `leads` in its queue or with its agents, `calls`
/// that wait for it, or others that `overflow` into it.
pub(in crate::agents) async fn team_uses(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: TeamId,
) -> Result<Option<String>> {
    let uses = sqlx::query_scalar!(
        r#"select case
             when exists (select from agents where tenant_id = $1 and team_id = $2) then 'agents'
             when exists (select from leads where tenant_id = $1 and team_id = $2
                             and status not in ('converted', 'lost')) then 'leads'
             when exists (select from calls where tenant_id = $1 and team_id = $2
                             and status = 'queued' and direction = 'inbound') then 'calls'
             when exists (select from teams where tenant_id = $1 and overflow_team_id = $2
                             and deleted_at is null) then 'overflow' end"#,
        tenant.0,
        id.0
    )
    .fetch_one(conn)
    .await?;
    Ok(uses)
}

/// Whether a routing rule sends leads to a team. A rule that is being written holds the team, so it was waited for.
pub(in crate::agents) async fn is_in_rules(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: TeamId,
) -> Result<bool> {
    let found = sqlx::query_scalar!(
        r#"select exists (select from routing_rules
            where tenant_id = $1 and (team_id = $2 or fallback_team_id = $2)) as "found!""#,
        tenant.0,
        id.0
    )
    .fetch_one(conn)
    .await?;
    Ok(found)
}

/// Nobody sees the team any more; what refers to it stays whole.
pub(in crate::agents) async fn delete_team(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: TeamId,
) -> Result<()> {
    sqlx::query!(
        "update teams set deleted_at = engine.now(), version = version + 1 where tenant_id = $1 and id = $2",
        tenant.0,
        id.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Seconds that a team's agents have after a call; 0 for none.
pub(in crate::agents) async fn wrap_up_s(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: TeamId,
) -> Result<i32> {
    let seconds =
        sqlx::query_scalar!("select wrap_up_s from teams where tenant_id = $1 and id = $2", tenant.0, id.0)
            .fetch_optional(conn)
            .await?;
    Ok(seconds.unwrap_or(0))
}
