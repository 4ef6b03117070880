//! The table of teams.

use sqlx::PgConnection;

use super::super::teams::{AfterWait, TeamChange, TeamView};
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
                  overflow_after_s, ring_s, max_wait_s, after_max_wait as "after_max_wait: AfterWait", version,
                  created_at
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
                ring_s = coalesce($11, ring_s), max_wait_s = case when $12 then $13 else max_wait_s end,
                after_max_wait = coalesce($14, after_max_wait),
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
        change.overflow_after_s.flatten(),
        change.ring_s,
        change.max_wait_s.is_some(),
        change.max_wait_s.flatten(),
        change.after_max_wait.map(AfterWait::as_str)
    )
    .execute(conn)
    .await;
    match done {
        Err(sqlx::Error::Database(error)) if error.constraint() == Some("teams_name_key") => Ok(false),
        done => Ok(done?.rows_affected() == 1),
    }
}

/// What a team is needed for, the first of these: `agents` in it, open `leads` in its queue or with its agents, open
/// `calls` of it, others that `overflow` into it, phone systems (`sources`) or `settings` whose default it is.
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
                             and status in ('queued', 'ringing', 'answered')) then 'calls'
             when exists (select from teams where tenant_id = $1 and overflow_team_id = $2
                             and deleted_at is null) then 'overflow'
             when exists (select from call_sources where tenant_id = $1 and default_team_id = $2
                             and retired_at is null) then 'sources'
             when exists (select from tenants where id = $1 and default_team_id = $2) then 'settings' end"#,
        tenant.0,
        id.0
    )
    .fetch_one(conn)
    .await?;
    Ok(uses)
}

/// Which team overflows into which, over all teams of the tenant that there are.
pub(in crate::agents) async fn overflows(
    conn: &mut PgConnection,
    tenant: TenantId,
) -> Result<Vec<(TeamId, TeamId)>> {
    let rows = sqlx::query!(
        r#"select id as "team: TeamId", overflow_team_id as "helper!: TeamId" from teams
            where tenant_id = $1 and overflow_team_id is not null and deleted_at is null"#,
        tenant.0
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.team, row.helper)).collect())
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
