//! The tables of competitions and of their teams.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::{
    error::{Error, Result},
    gamification::{
        Metric,
        competitions::{CompetitionState, CompetitionView, NewCompetition},
    },
    types::{BadgeId, CompetitionId, TeamId, TenantId, Text},
};

pub(in crate::gamification::competitions) async fn count_open(
    conn: &mut PgConnection,
    tenant: TenantId,
) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from competitions
            where tenant_id = $1 and closed_at is null and cancelled_at is null"#,
        tenant.0
    )
    .fetch_one(conn)
    .await?;
    Ok(count)
}

pub(in crate::gamification::competitions) async fn insert(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CompetitionId,
    new: &NewCompetition,
    (starts_at, ends_at): (DateTime<Utc>, DateTime<Utc>),
) -> Result<()> {
    sqlx::query!(
        "insert into competitions (tenant_id, id, name, description, metric, starts_at, ends_at, prize_points, badge_id)
         values ($1, $2, $3, coalesce($4, ''), $5, $6, $7, $8, $9)",
        tenant.0,
        id.0,
        new.name.as_str(),
        new.description.as_ref().map(Text::as_str),
        new.metric.as_str(),
        starts_at,
        ends_at,
        new.prize_points,
        new.badge_id.map(|badge| badge.0)
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(in crate::gamification::competitions) async fn update(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CompetitionId,
    new: &NewCompetition,
    ends_at: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "update competitions set name = $3, description = coalesce($4, ''), ends_at = $5, prize_points = $6, badge_id = $7,
                version = version + 1
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        new.name.as_str(),
        new.description.as_ref().map(Text::as_str),
        ends_at,
        new.prize_points,
        new.badge_id.map(|badge| badge.0)
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(in crate::gamification::competitions) async fn cancel(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CompetitionId,
) -> Result<()> {
    sqlx::query!(
        "update competitions set cancelled_at = engine.now(), version = version + 1 where tenant_id = $1 and id = $2",
        tenant.0,
        id.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The version of a competition, its row locked.
pub(in crate::gamification::competitions) async fn lock(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CompetitionId,
) -> Result<Option<i64>> {
    let version = sqlx::query_scalar!(
        "select version from competitions where tenant_id = $1 and id = $2 for no key update",
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(version)
}

/// Has teams take part from an instant on; answers how many did not yet.
pub(in crate::gamification::competitions) async fn add_teams(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CompetitionId,
    teams: &[TeamId],
    from: DateTime<Utc>,
) -> Result<u64> {
    let done = sqlx::query!(
        "insert into competition_teams (tenant_id, competition_id, team_id, joined_at)
         select $1, $2, u.team, $4 from unnest($3::uuid[]) as u (team)
         on conflict on constraint competition_teams_pkey do nothing",
        tenant.0,
        id.0,
        &teams.iter().map(|team| team.0).collect::<Vec<_>>(),
        from
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

struct CompetitionRow {
    id: CompetitionId,
    name: String,
    description: String,
    metric: String,
    state: String,
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
    prize_points: i32,
    badge_id: Option<BadgeId>,
    teams: i64,
    closed_at: Option<DateTime<Utc>>,
    rewarded_at: Option<DateTime<Utc>>,
    cancelled_at: Option<DateTime<Utc>>,
    version: i64,
    created_at: DateTime<Utc>,
}

impl CompetitionRow {
    fn view(self) -> Result<CompetitionView> {
        let unknown = || Error::internal("a competition of a kind that this build does not know");
        Ok(CompetitionView {
            id: self.id,
            name: self.name,
            description: self.description,
            metric: Metric::named(&self.metric).ok_or_else(unknown)?,
            state: CompetitionState::named(&self.state).ok_or_else(unknown)?,
            starts_at: self.starts_at,
            ends_at: self.ends_at,
            prize_points: self.prize_points,
            badge_id: self.badge_id,
            teams: self.teams,
            closed_at: self.closed_at,
            rewarded_at: self.rewarded_at,
            cancelled_at: self.cancelled_at,
            version: self.version,
            created_at: self.created_at,
        })
    }
}

pub(in crate::gamification::competitions) async fn competitions(
    conn: &mut PgConnection,
    tenant: TenantId,
    only: Option<CompetitionId>,
    before: Option<CompetitionId>,
    limit: i64,
) -> Result<Vec<CompetitionView>> {
    let rows = sqlx::query_as!(
        CompetitionRow,
        r#"select c.id as "id: CompetitionId", c.name, c.description, c.metric, c.starts_at, c.ends_at, c.prize_points,
                  c.badge_id as "badge_id: BadgeId", c.closed_at, c.rewarded_at, c.cancelled_at, c.version, c.created_at,
                  case when c.cancelled_at is not null then 'cancelled' when c.closed_at is not null then 'closed'
                       when engine.now() < c.starts_at then 'scheduled' when engine.now() < c.ends_at then 'running'
                       else 'ending' end as "state!",
                  (select count(*) from competition_teams t
                    where t.tenant_id = c.tenant_id and t.competition_id = c.id) as "teams!"
             from competitions c
            where c.tenant_id = $1 and ($2::uuid is null or c.id = $2) and ($3::uuid is null or c.id < $3)
            order by c.id desc limit $4"#,
        tenant.0,
        only.map(|id| id.0),
        before.map(|id| id.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(CompetitionRow::view).collect()
}

/// The competition that ends next, else the one that was closed last.
pub(in crate::gamification::competitions) async fn foremost(
    conn: &mut PgConnection,
    tenant: TenantId,
) -> Result<Option<CompetitionId>> {
    let next = sqlx::query_scalar!(
        r#"select id as "id: CompetitionId" from competitions
            where tenant_id = $1 and closed_at is null and cancelled_at is null order by ends_at, id limit 1"#,
        tenant.0
    )
    .fetch_optional(&mut *conn)
    .await?;
    if next.is_some() {
        return Ok(next);
    }
    let last = sqlx::query_scalar!(
        r#"select id as "id: CompetitionId" from competitions
            where tenant_id = $1 and closed_at is not null order by closed_at desc, id desc limit 1"#,
        tenant.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(last)
}
