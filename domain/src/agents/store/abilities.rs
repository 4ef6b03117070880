//! What agents can do, how much of it, and when: each list of an agent is replaced as a whole.

use chrono::NaiveTime;
use sqlx::PgConnection;

use super::super::{
    abilities::{AgentCapacity, AgentChannel, AgentSkill},
    shifts::{AgentShift, ClockTime},
};
use crate::{
    error::Result,
    types::{AgentId, SkillId, TenantId},
};

pub(in crate::agents) async fn agent_skills(
    conn: &mut PgConnection,
    tenant: TenantId,
    agent: AgentId,
) -> Result<Vec<AgentSkill>> {
    let skills = sqlx::query_as!(
        AgentSkill,
        r#"select skill_id as "skill_id: SkillId", level from agent_skills
            where tenant_id = $1 and agent_id = $2 order by skill_id"#,
        tenant.0,
        agent.0
    )
    .fetch_all(conn)
    .await?;
    Ok(skills)
}

/// Those of these skills that there are. They are not deleted before this transaction ends.
pub(in crate::agents) async fn share_skills(
    conn: &mut PgConnection,
    tenant: TenantId,
    skills: &[SkillId],
) -> Result<Vec<SkillId>> {
    let found = sqlx::query_scalar!(
        r#"select id as "id: SkillId" from skills
            where tenant_id = $1 and id = any($2) order by id for key share"#,
        tenant.0,
        &skills.iter().map(|skill| skill.0).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    Ok(found)
}

pub(in crate::agents) async fn put_agent_skills(
    conn: &mut PgConnection,
    tenant: TenantId,
    agent: AgentId,
    skills: &[AgentSkill],
) -> Result<()> {
    sqlx::query!("delete from agent_skills where tenant_id = $1 and agent_id = $2", tenant.0, agent.0)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "insert into agent_skills (tenant_id, agent_id, skill_id, level)
         select $1, $2, skill, level from unnest($3::uuid[], $4::smallint[]) as new (skill, level)",
        tenant.0,
        agent.0,
        &skills.iter().map(|skill| skill.skill_id.0).collect::<Vec<_>>(),
        &skills.iter().map(|skill| skill.level).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(in crate::agents) async fn capacities(
    conn: &mut PgConnection,
    tenant: TenantId,
    agent: AgentId,
) -> Result<Vec<AgentCapacity>> {
    let capacities = sqlx::query_as!(
        AgentCapacity,
        r#"select channel as "channel: AgentChannel", most from agent_capacities
            where tenant_id = $1 and agent_id = $2 order by channel"#,
        tenant.0,
        agent.0
    )
    .fetch_all(conn)
    .await?;
    Ok(capacities)
}

pub(in crate::agents) async fn put_capacities(
    conn: &mut PgConnection,
    tenant: TenantId,
    agent: AgentId,
    capacities: &[AgentCapacity],
) -> Result<()> {
    sqlx::query!("delete from agent_capacities where tenant_id = $1 and agent_id = $2", tenant.0, agent.0)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "insert into agent_capacities (tenant_id, agent_id, channel, most)
         select $1, $2, channel, most from unnest($3::text[], $4::int[]) as new (channel, most)",
        tenant.0,
        agent.0,
        &capacities.iter().map(|capacity| capacity.channel.as_str().to_owned()).collect::<Vec<_>>(),
        &capacities.iter().map(|capacity| capacity.most).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The shifts of agents, each with whose it is, in the order of the week.
pub(crate) async fn shifts(
    conn: &mut PgConnection,
    tenant: TenantId,
    agents: &[AgentId],
) -> Result<Vec<(AgentId, AgentShift)>> {
    let rows = sqlx::query!(
        r#"select agent_id as "agent: AgentId", weekday, starts, ends from agent_shifts
            where tenant_id = $1 and agent_id = any($2) order by agent_id, weekday, starts"#,
        tenant.0,
        &agents.iter().map(|agent| agent.0).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    let shift = |weekday: i16, starts: NaiveTime, ends: NaiveTime| AgentShift {
        weekday,
        starts: ClockTime(starts),
        ends: ClockTime(ends),
    };
    Ok(rows.into_iter().map(|row| (row.agent, shift(row.weekday, row.starts, row.ends))).collect())
}

pub(in crate::agents) async fn put_shifts(
    conn: &mut PgConnection,
    tenant: TenantId,
    agent: AgentId,
    shifts: &[AgentShift],
) -> Result<()> {
    sqlx::query!("delete from agent_shifts where tenant_id = $1 and agent_id = $2", tenant.0, agent.0)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "insert into agent_shifts (tenant_id, agent_id, weekday, starts, ends)
         select $1, $2, weekday, starts, ends
           from unnest($3::smallint[], $4::time[], $5::time[]) as new (weekday, starts, ends)",
        tenant.0,
        agent.0,
        &shifts.iter().map(|shift| shift.weekday).collect::<Vec<_>>(),
        &shifts.iter().map(|shift| shift.starts.0).collect::<Vec<_>>(),
        &shifts.iter().map(|shift| shift.ends.0).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}
