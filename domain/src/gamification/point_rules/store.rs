//! The table of rules, and what each gave whom on which day.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    Cap, NewPointRule, PointRuleView,
    rules::{Given, Rule},
};
use crate::{
    calls::outcome::CallOutcome,
    error::{Error, Result},
    gamification::{Deed, days::Span},
    types::{AgentId, PointRuleId, TenantId},
};

pub(super) async fn count(conn: &mut PgConnection, tenant: TenantId) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from point_rules where tenant_id = $1 and retired_at is null"#,
        tenant.0
    )
    .fetch_one(conn)
    .await?;
    Ok(count)
}

/// `false` if the name is taken.
pub(super) async fn insert(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: PointRuleId,
    new: &NewPointRule,
) -> Result<bool> {
    let put = sqlx::query!(
        "insert into point_rules (tenant_id, id, name, deed, points, outcome, min_satisfaction, min_talk_s, cap_per,
                                  cap_points, cap_times)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         on conflict (tenant_id, name) where retired_at is null do nothing",
        tenant.0,
        id.0,
        new.name.as_str(),
        new.deed.as_str(),
        new.points,
        new.outcome.map(CallOutcome::as_str),
        new.min_satisfaction,
        new.min_talk_s,
        new.cap.map(|cap| cap.per.as_str()),
        new.cap.and_then(|cap| cap.points),
        new.cap.and_then(|cap| cap.times)
    )
    .execute(conn)
    .await?;
    Ok(put.rows_affected() == 1)
}

/// `false` if the name is taken.
pub(super) async fn update(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: PointRuleId,
    new: &NewPointRule,
) -> Result<bool> {
    let done = sqlx::query!(
        "update point_rules set name = $3, deed = $4, points = $5, outcome = $6, min_satisfaction = $7, min_talk_s = $8,
                cap_per = $9, cap_points = $10, cap_times = $11, version = version + 1
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        new.name.as_str(),
        new.deed.as_str(),
        new.points,
        new.outcome.map(CallOutcome::as_str),
        new.min_satisfaction,
        new.min_talk_s,
        new.cap.map(|cap| cap.per.as_str()),
        new.cap.and_then(|cap| cap.points),
        new.cap.and_then(|cap| cap.times)
    )
    .execute(conn)
    .await;
    match done {
        Err(sqlx::Error::Database(error)) if error.constraint() == Some("point_rules_name_key") => Ok(false),
        done => Ok(done?.rows_affected() == 1),
    }
}

/// The version of a rule, its row locked.
pub(super) async fn lock(conn: &mut PgConnection, tenant: TenantId, id: PointRuleId) -> Result<Option<i64>> {
    let version = sqlx::query_scalar!(
        "select version from point_rules where tenant_id = $1 and id = $2 and retired_at is null for no key update",
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(version)
}

pub(super) async fn retire(conn: &mut PgConnection, tenant: TenantId, id: PointRuleId) -> Result<()> {
    sqlx::query!(
        "update point_rules set retired_at = engine.now(), version = version + 1 where tenant_id = $1 and id = $2",
        tenant.0,
        id.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

struct RuleRow {
    id: PointRuleId,
    name: String,
    deed: String,
    points: i32,
    outcome: Option<String>,
    min_satisfaction: Option<i16>,
    min_talk_s: Option<i32>,
    cap_per: Option<String>,
    cap_points: Option<i32>,
    cap_times: Option<i32>,
    version: i64,
    created_at: DateTime<Utc>,
}

impl RuleRow {
    fn view(self) -> Result<PointRuleView> {
        let per = self.cap_per.as_deref().and_then(Span::named);
        Ok(PointRuleView {
            id: self.id,
            name: self.name,
            deed: Deed::named(&self.deed)
                .ok_or_else(|| Error::internal("a deed that this build does not know"))?,
            points: self.points,
            outcome: self.outcome,
            min_satisfaction: self.min_satisfaction,
            min_talk_s: self.min_talk_s,
            cap: per.map(|per| Cap { per, points: self.cap_points, times: self.cap_times }),
            version: self.version,
            created_at: self.created_at,
        })
    }
}

pub(super) async fn rules(
    conn: &mut PgConnection,
    tenant: TenantId,
    only: Option<PointRuleId>,
    before: Option<PointRuleId>,
    limit: i64,
) -> Result<Vec<PointRuleView>> {
    let rows = sqlx::query_as!(
        RuleRow,
        r#"select id as "id: PointRuleId", name, deed, points, outcome, min_satisfaction, min_talk_s, cap_per, cap_points,
                  cap_times, version, created_at
             from point_rules
            where tenant_id = $1 and retired_at is null and ($2::uuid is null or id = $2)
              and ($3::uuid is null or id < $3)
            order by id desc limit $4"#,
        tenant.0,
        only.map(|id| id.0),
        before.map(|id| id.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(RuleRow::view).collect()
}

/// All rules of a tenant, to be asked.
pub(in crate::gamification) async fn asked(conn: &mut PgConnection, tenant: TenantId) -> Result<Vec<Rule>> {
    let all = rules(conn, tenant, None, None, super::MOST).await?;
    let rule = |view: PointRuleView| Rule {
        id: view.id,
        deed: view.deed,
        points: view.points,
        outcome: view.outcome,
        min_satisfaction: view.min_satisfaction,
        min_talk_s: view.min_talk_s,
        cap: view.cap,
        from: view.created_at,
    };
    Ok(all.into_iter().map(rule).collect())
}

/// A rule, an agent, and the days of the span of its cap: from the first to before the second.
pub(in crate::gamification) type Capped = (PointRuleId, AgentId, NaiveDate, NaiveDate);

/// What rules have given agents in spans of days, in the order in which they are asked for.
pub(in crate::gamification) async fn given(
    conn: &mut PgConnection,
    tenant: TenantId,
    asked: &[Capped],
) -> Result<Vec<Given>> {
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query!(
        r#"select coalesce(sum(r.points), 0)::bigint as "points!", coalesce(sum(r.times), 0)::bigint as "times!"
             from unnest($2::uuid[], $3::uuid[], $4::date[], $5::date[]) with ordinality
                    as u (rule, agent, first, next, place)
             left join point_rule_days r
               on r.tenant_id = $1 and r.rule_id = u.rule and r.agent_id = u.agent
              and r.day >= u.first and r.day < u.next
            group by u.place order by u.place"#,
        tenant.0,
        &asked.iter().map(|one| one.0.0).collect::<Vec<Uuid>>(),
        &asked.iter().map(|one| one.1.0).collect::<Vec<Uuid>>(),
        &asked.iter().map(|one| one.2).collect::<Vec<_>>(),
        &asked.iter().map(|one| one.3).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| Given { points: row.points, times: row.times }).collect())
}
