//! What agents were, and what they did.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    analytics::{calendar::Cut, document::Range},
    error::Result,
    types::{AgentId, TenantId, UserId},
};

/// Somebody who takes calls, or took them.
pub(in crate::analytics) struct ActiveAgent {
    pub id: AgentId,
    pub user: Option<UserId>,
    pub zone: Option<String>,
    pub since: DateTime<Utc>,
    /// When they left; none of one who is there.
    pub until: Option<DateTime<Utc>>,
}

/// The agents of a tenant who have not left before `since`, the first so many; those who are there come first.
pub(in crate::analytics) async fn agents(
    conn: &mut PgConnection,
    tenant: TenantId,
    since: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<ActiveAgent>> {
    let rows = sqlx::query_as!(
        ActiveAgent,
        r#"select id as "id: AgentId", user_id as "user: UserId", zone, created_at as since, deleted_at as until
             from agents where tenant_id = $1 and (deleted_at is null or deleted_at > $2)
            order by deleted_at is not null, id limit $3"#,
        tenant.0,
        since,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// How long agents were what in a range, in milliseconds, up to `now`.
pub(in crate::analytics) async fn agent_time(
    conn: &mut PgConnection,
    tenant: TenantId,
    (range, cut): (Range, Cut),
    now: DateTime<Utc>,
) -> Result<Vec<(AgentId, String, i64)>> {
    let ends = [cut.head, cut.tail];
    let rows = sqlx::query!(
        r#"select t.agent_id as "agent!: AgentId", t.status as "status!", sum(t.ms)::bigint as "ms!"
             from (select d.agent_id, d.status, d.ms from agent_days d
                    where d.tenant_id = $1 and d.day >= $2 and d.day < $3
                    union all
                   select a.id, s.status, whole_ms(least(s.ended, w.until) - greatest(s.began, w.since))
                     from agents a
                    cross join unnest($4::timestamptz[], $5::timestamptz[]) as w (since, until)
                    cross join lateral (
                      (select p.began, p.ended, p.status from agent_spells p
                        where p.tenant_id = $1 and p.agent_id = a.id and p.ended > w.since and p.ended <= w.until)
                       union all
                      (select p.began, p.ended, p.status from agent_spells p
                        where p.tenant_id = $1 and p.agent_id = a.id and p.ended > w.until order by p.ended limit 1)) s
                    where a.tenant_id = $1 and w.until > w.since and s.began < w.until
                    union all
                   select a.id, a.status, whole_ms(least($8::timestamptz, $7::timestamptz) - greatest(a.status_since, $6::timestamptz))
                     from agents a where a.tenant_id = $1 and a.status_since < least($8::timestamptz, $7::timestamptz)) t
            group by 1, 2
           having sum(t.ms) > 0
            order by 1, 2"#,
        tenant.0,
        cut.days.0,
        cut.days.1,
        &ends.map(|end| end.from),
        &ends.map(|end| end.to),
        range.from,
        range.to,
        now
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.agent, row.status, row.ms)).collect())
}

/// How long agents were there in spans of time, in milliseconds: whatever they were, but not offline.
pub(in crate::analytics) async fn adherence(
    conn: &mut PgConnection,
    tenant: TenantId,
    spans: &[(AgentId, Range)],
    now: DateTime<Utc>,
) -> Result<Vec<(AgentId, i64)>> {
    let rows = sqlx::query!(
        r#"select w.agent as "agent!: AgentId", sum(whole_ms(least(s.ended, w.until) - greatest(s.began, w.since)))::bigint as "ms!"
             from unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[]) as w (agent, since, until)
            cross join lateral (
              (select p.began, p.ended, p.status from agent_spells p
                where p.tenant_id = $1 and p.agent_id = w.agent and p.ended > w.since and p.ended <= w.until)
               union all
              (select p.began, p.ended, p.status from agent_spells p
                where p.tenant_id = $1 and p.agent_id = w.agent and p.ended > w.until order by p.ended limit 1)
               union all
              select a.status_since, $5::timestamptz, a.status from agents a where a.tenant_id = $1 and a.id = w.agent) s
            where s.status <> 'offline' and s.began < w.until
            group by 1"#,
        tenant.0,
        &spans.iter().map(|(agent, _)| agent.0).collect::<Vec<_>>(),
        &spans.iter().map(|(_, span)| span.from).collect::<Vec<_>>(),
        &spans.iter().map(|(_, span)| span.to).collect::<Vec<_>>(),
        now
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.agent, row.ms)).collect())
}

/// How many entries of the audit log users made in a range.
pub(in crate::analytics) async fn actions(
    conn: &mut PgConnection,
    tenant: TenantId,
    cut: Cut,
    users: &[Uuid],
) -> Result<Vec<(UserId, i64)>> {
    let rows = sqlx::query!(
        r#"select a.user_id as "user!: UserId", sum(a.actions)::bigint as "actions!"
             from (select d.user_id, d.actions from action_days d
                    where d.tenant_id = $1 and d.day >= $2 and d.day < $3
                    union all
                   select q.user_id, q.actions from action_quarters q
                    where q.tenant_id = $1 and (q.quarter >= $4 and q.quarter < $5 or q.quarter >= $6 and q.quarter < $7)) a
            where a.user_id = any($8)
            group by 1"#,
        tenant.0,
        cut.days.0,
        cut.days.1,
        cut.head.from,
        cut.head.to,
        cut.tail.from,
        cut.tail.to,
        users
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.user, row.actions)).collect())
}
