//! The table of skills.

use sqlx::PgConnection;

use super::super::skills::SkillView;
use crate::{
    error::Result,
    types::{SkillId, TeamId, TenantId},
};

/// `false` if the name is taken.
pub(in crate::agents) async fn insert_skill(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: SkillId,
    name: &str,
) -> Result<bool> {
    let put = sqlx::query!(
        "insert into skills (tenant_id, id, name) values ($1, $2, $3)
         on conflict on constraint skills_name_key do nothing",
        tenant.0,
        id.0,
        name
    )
    .execute(conn)
    .await?;
    Ok(put.rows_affected() == 1)
}

pub(in crate::agents) async fn skills(
    conn: &mut PgConnection,
    tenant: TenantId,
    only: Option<SkillId>,
    before: Option<SkillId>,
    limit: i64,
) -> Result<Vec<SkillView>> {
    let rows = sqlx::query_as!(
        SkillView,
        r#"select s.id as "id: SkillId", s.name, s.version, s.created_at,
                  (select count(*) from agent_skills a
                    where a.tenant_id = s.tenant_id and a.skill_id = s.id) as "agents!"
             from skills s
            where s.tenant_id = $1 and ($2::uuid is null or s.id = $2) and ($3::uuid is null or s.id < $3)
            order by s.id desc limit $4"#,
        tenant.0,
        only.map(|id| id.0),
        before.map(|id| id.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// The version of a skill, its row locked.
pub(in crate::agents) async fn lock_skill(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: SkillId,
) -> Result<Option<i64>> {
    let version = sqlx::query_scalar!(
        "select version from skills where tenant_id = $1 and id = $2 for update",
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(version)
}

/// `false` if the name is taken.
pub(in crate::agents) async fn update_skill(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: SkillId,
    name: &str,
) -> Result<bool> {
    let done = sqlx::query!(
        "update skills set name = $3, version = version + 1 where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        name
    )
    .execute(conn)
    .await;
    match done {
        Err(sqlx::Error::Database(error)) if error.constraint() == Some("skills_name_key") => Ok(false),
        done => Ok(done?.rows_affected() == 1),
    }
}

/// The teams in whose queues leads wait for somebody who has a skill.
pub(in crate::agents) async fn teams_waiting_for(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: SkillId,
) -> Result<Vec<TeamId>> {
    let teams = sqlx::query_scalar!(
        r#"select distinct l.team_id as "team_id!: TeamId"
             from queue_places q join leads l on l.tenant_id = q.tenant_id and l.id = q.lead_id
            where q.tenant_id = $1 and q.skill_id = $2 and l.owner_id is null and l.team_id is not null
              and l.status not in ('converted', 'lost')"#,
        tenant.0,
        id.0
    )
    .fetch_all(conn)
    .await?;
    Ok(teams)
}

/// Takes a skill away that the caller has locked, from every agent too. Leads that wait for somebody who has it wait for
/// anybody. `false` if a routing rule asks for it.
pub(in crate::agents) async fn delete_skill(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: SkillId,
) -> Result<bool> {
    sqlx::query!("delete from agent_skills where tenant_id = $1 and skill_id = $2", tenant.0, id.0)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "update queue_places set strategy = 'round_robin', skill_id = null, min_level = null
          where tenant_id = $1 and skill_id = $2",
        tenant.0,
        id.0
    )
    .execute(&mut *conn)
    .await?;
    let gone = sqlx::query!("delete from skills where tenant_id = $1 and id = $2", tenant.0, id.0)
        .execute(conn)
        .await;
    match gone {
        Err(sqlx::Error::Database(error)) if error.constraint() == Some("routing_rules_skill_fkey") => {
            Ok(false)
        }
        gone => Ok(gone?.rows_affected() == 1),
    }
}
