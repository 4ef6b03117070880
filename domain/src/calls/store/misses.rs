//! Who did not take which call, and how long teams let calls ring and wait.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    agents::teams::AfterWait,
    calls::patience::Limits,
    error::Result,
    types::{AgentId, CallId, TeamId, TenantId},
};

/// Writes down that a call rang at an agent who did not take it.
pub(in crate::calls) async fn insert_miss(
    conn: &mut PgConnection,
    tenant: TenantId,
    call: CallId,
    agent: AgentId,
) -> Result<()> {
    sqlx::query!(
        "insert into call_misses (tenant_id, call_id, agent_id) values ($1, $2, $3)",
        tenant.0,
        call.0,
        agent.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Who did not take some calls within so many seconds.
pub(in crate::calls) async fn missed(
    conn: &mut PgConnection,
    tenant: TenantId,
    calls: &[Uuid],
    within_s: i32,
) -> Result<Vec<(CallId, AgentId)>> {
    let rows = sqlx::query!(
        r#"select distinct call_id as "call!: CallId", agent_id as "agent!: AgentId" from call_misses
            where tenant_id = $1 and call_id = any($2)
              and at > (select engine.now()) - make_interval(secs => $3::int)"#,
        tenant.0,
        calls,
        within_s
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.call, row.agent)).collect())
}

/// Calls that an agent did not take since they became available last, so one after the other.
pub(crate) async fn misses_in_a_row(
    conn: &mut PgConnection,
    tenant: TenantId,
    agent: AgentId,
) -> Result<i64> {
    let misses = sqlx::query_scalar!(
        r#"select count(*) as "misses!" from call_misses
            where tenant_id = $1 and agent_id = $2
              and at >= (select status_since from agents where tenant_id = $1 and id = $2)"#,
        tenant.0,
        agent.0
    )
    .fetch_one(conn)
    .await?;
    Ok(misses)
}

/// Seconds that a call rings at an agent of a team; none if there is no such team.
pub(in crate::calls) async fn ring_s(
    conn: &mut PgConnection,
    tenant: TenantId,
    team: TeamId,
) -> Result<Option<i32>> {
    let seconds =
        sqlx::query_scalar!("select ring_s from teams where tenant_id = $1 and id = $2", tenant.0, team.0)
            .fetch_optional(conn)
            .await?;
    Ok(seconds)
}

/// For how long a team lets calls wait; none if there is no such team.
pub(in crate::calls) async fn limits(
    conn: &mut PgConnection,
    tenant: TenantId,
    team: TeamId,
) -> Result<Option<Limits>> {
    let limits = sqlx::query_as!(
        Limits,
        r#"select sla_s, overflow_team_id as "overflow_team_id: TeamId", overflow_after_s, max_wait_s,
                  after_max_wait as "after_max_wait: AfterWait"
             from teams where tenant_id = $1 and id = $2 and deleted_at is null"#,
        tenant.0,
        team.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(limits)
}

/// The clock by which jobs are due.
pub(in crate::calls) async fn now(conn: &mut PgConnection) -> Result<DateTime<Utc>> {
    let now = sqlx::query_scalar!(r#"select engine.now() as "now!""#).fetch_one(conn).await?;
    Ok(now)
}
