//! Leads as they are scored, a page at a time.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::{
    access::rows::Rows,
    error::Result,
    types::{AgentId, ImportId, LeadId, TeamId, TenantId},
};

/// What models look at, of a lead.
pub(in crate::scoring) struct ScoreRow {
    pub id: LeadId,
    pub source: String,
    pub status: String,
    pub owner_id: Option<AgentId>,
    pub team_id: Option<TeamId>,
    pub activities: i32,
    pub last_activity_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub language: Option<String>,
    pub region: Option<String>,
    pub value_cents: Option<i64>,
    pub tags: Vec<String>,
    /// None too where they are not asked for.
    pub attributes_sealed: Option<Vec<u8>>,
    pub score: Option<i16>,
    pub score_model: Option<i32>,
}

/// Leads next to each other, both ends included.
#[derive(Debug, Clone, Copy)]
pub(in crate::scoring) struct Stretch {
    pub first: LeadId,
    pub last: LeadId,
    pub import: Option<ImportId>,
    /// Only open leads that have a score.
    pub fading: bool,
}

/// The ids of the next page of a selection, after `after`.
pub(in crate::scoring) async fn reach(
    conn: &mut PgConnection,
    tenant: TenantId,
    import: Option<ImportId>,
    after: Option<LeadId>,
    limit: i64,
) -> Result<Vec<LeadId>> {
    let ids = sqlx::query_scalar!(
        r#"select id as "id: LeadId" from leads
            where tenant_id = $1 and id > $2 and ($3::uuid is null or import_id = $3)
            order by id limit $4"#,
        tenant.0,
        after.map(|id| id.0).unwrap_or_default(),
        import.map(|id| id.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(ids)
}

/// The same of open leads.
pub(in crate::scoring) async fn reach_open(
    conn: &mut PgConnection,
    tenant: TenantId,
    after: Option<LeadId>,
    limit: i64,
) -> Result<Vec<LeadId>> {
    let ids = sqlx::query_scalar!(
        r#"select id as "id: LeadId" from leads
            where tenant_id = $1 and id > $2 and status not in ('converted', 'lost')
            order by id limit $3"#,
        tenant.0,
        after.map(|id| id.0).unwrap_or_default(),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(ids)
}

/// How many open leads there are.
pub(in crate::scoring) async fn count_open(conn: &mut PgConnection, tenant: TenantId) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from leads
            where tenant_id = $1 and status not in ('converted', 'lost')"#,
        tenant.0
    )
    .fetch_one(conn)
    .await?;
    Ok(count)
}

/// Leads of a stretch that have no score of this model from `since` on; locked until commit.
pub(in crate::scoring) async fn to_score(
    conn: &mut PgConnection,
    tenant: TenantId,
    stretch: Stretch,
    since: DateTime<Utc>,
    (model, attributes): (i32, bool),
) -> Result<Vec<ScoreRow>> {
    let rows = sqlx::query_as!(
        ScoreRow,
        r#"select id as "id: LeadId", source, status, owner_id as "owner_id: AgentId",
                  team_id as "team_id: TeamId", activities, last_activity_at, created_at, language, region,
                  value_cents, tags, case when $8 then attributes_sealed end as "attributes_sealed?", score, score_model
             from leads
            where tenant_id = $1 and id >= $2 and id <= $3 and ($4::uuid is null or import_id = $4)
              and (scored_at is null or scored_at < $5 or score_model is distinct from $6)
              and (not $7::boolean or (scored_at is not null and status not in ('converted', 'lost')))
              and restricted_at is null
            order by id for no key update"#,
        tenant.0,
        stretch.first.0,
        stretch.last.0,
        stretch.import.map(|id| id.0),
        since,
        model,
        stretch.fading,
        attributes
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// The newest leads that somebody sees.
pub(in crate::scoring) async fn sample(
    conn: &mut PgConnection,
    tenant: TenantId,
    seen: Rows,
    limit: i64,
) -> Result<Vec<ScoreRow>> {
    let rows = sqlx::query_as!(
        ScoreRow,
        r#"select id as "id: LeadId", source, status, owner_id as "owner_id: AgentId",
                  team_id as "team_id: TeamId", activities, last_activity_at, created_at, language, region,
                  value_cents, tags, attributes_sealed, score, score_model
             from leads
            where tenant_id = $1 and ($2::uuid is null or owner_id = $2) and ($3::uuid is null or team_id = $3)
            order by id desc limit $4"#,
        tenant.0,
        seen.owner(),
        seen.team(),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Leads that converted or were lost, newest first, those with ids below `before`.
pub(in crate::scoring) async fn closed(
    conn: &mut PgConnection,
    tenant: TenantId,
    before: Option<LeadId>,
    limit: i64,
) -> Result<Vec<ScoreRow>> {
    let rows = sqlx::query_as!(
        ScoreRow,
        r#"select id as "id: LeadId", source, status, owner_id as "owner_id: AgentId",
                  team_id as "team_id: TeamId", activities, last_activity_at, created_at, language, region,
                  value_cents, tags, attributes_sealed, score, score_model
             from leads
            where tenant_id = $1 and ($2::uuid is null or id < $2) and status in ('converted', 'lost')
            order by id desc limit $3"#,
        tenant.0,
        before.map(|id| id.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// How many leads converted and how many were lost; each is counted up to `most`.
pub(in crate::scoring) async fn count_closed(
    conn: &mut PgConnection,
    tenant: TenantId,
    most: i64,
) -> Result<(i64, i64)> {
    let row = sqlx::query!(
        r#"select (select count(*) from (select from leads
                    where tenant_id = $1 and status = 'converted' limit $2) as few) as "converted!",
                  (select count(*) from (select from leads
                    where tenant_id = $1 and status = 'lost' limit $2) as few) as "lost!""#,
        tenant.0,
        most
    )
    .fetch_one(conn)
    .await?;
    Ok((row.converted, row.lost))
}
