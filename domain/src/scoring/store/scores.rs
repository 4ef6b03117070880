//! Scores of leads, read and written a page at a time, and what they were.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::{
    apply::Why,
    history::ScoreTaken,
    points::{Graded, Parts},
};
use crate::{
    access::rows::Rows,
    error::Result,
    types::{ImportId, LeadId, TenantId},
};

/// What models look at, of a lead.
pub(in crate::scoring) struct ScoreRow {
    pub id: LeadId,
    pub source: String,
    pub status: String,
    pub owned: bool,
    pub in_team: bool,
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
        r#"select id as "id: LeadId", source, status, owner_id is not null as "owned!",
                  team_id is not null as "in_team!", activities, last_activity_at, created_at, language, region,
                  value_cents, tags, case when $8 then attributes_sealed end as "attributes_sealed?", score, score_model
             from leads
            where tenant_id = $1 and id >= $2 and id <= $3 and ($4::uuid is null or import_id = $4)
              and (scored_at is null or scored_at < $5 or score_model is distinct from $6)
              and (not $7::boolean or (scored_at is not null and status not in ('converted', 'lost')))
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
        r#"select id as "id: LeadId", source, status, owner_id is not null as "owned!",
                  team_id is not null as "in_team!", activities, last_activity_at, created_at, language, region,
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
        r#"select id as "id: LeadId", source, status, owner_id is not null as "owned!",
                  team_id is not null as "in_team!", activities, last_activity_at, created_at, language, region,
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

fn column(scores: &[(LeadId, Graded)], of: impl Fn(&Graded) -> i16) -> Vec<i16> {
    scores.iter().map(|(_, graded)| of(graded)).collect()
}

fn ids(scores: &[(LeadId, Graded)]) -> Vec<Uuid> {
    scores.iter().map(|(id, _)| id.0).collect()
}

pub(in crate::scoring) async fn put_scores(
    conn: &mut PgConnection,
    tenant: TenantId,
    scores: &[(LeadId, Graded)],
    model: i32,
    at: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "update leads l set score = new.total, score_source = new.source, score_status = new.status,
                score_engagement = new.engagement, score_assignment = new.assignment, score_fit = new.fit,
                score_recency = new.recency, score_model = $10, scored_at = $11
           from unnest($2::uuid[], $3::smallint[], $4::smallint[], $5::smallint[], $6::smallint[], $7::smallint[],
                $8::smallint[], $9::smallint[])
             as new (id, total, source, status, engagement, assignment, fit, recency)
          where l.tenant_id = $1 and l.id = new.id",
        tenant.0,
        &ids(scores),
        &column(scores, |graded| graded.parts.total()),
        &column(scores, |graded| graded.parts.source),
        &column(scores, |graded| graded.parts.status),
        &column(scores, |graded| graded.parts.engagement),
        &column(scores, |graded| graded.parts.assignment),
        &column(scores, |graded| graded.fit),
        &column(scores, |graded| graded.engagement_score),
        model,
        at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes down what scores have become. Two at the same moment are one.
pub(in crate::scoring) async fn keep_scores(
    conn: &mut PgConnection,
    tenant: TenantId,
    scores: &[(LeadId, Graded)],
    model: i32,
    (at, why): (DateTime<Utc>, Why),
) -> Result<()> {
    sqlx::query!(
        "insert into lead_scores (tenant_id, lead_id, at, total, source, status, engagement, assignment, fit,
                engagement_score, model, why)
         select $1, id, $11, total, source, status, engagement, assignment, fit, recency, $10, $12
           from unnest($2::uuid[], $3::smallint[], $4::smallint[], $5::smallint[], $6::smallint[], $7::smallint[],
                $8::smallint[], $9::smallint[])
             as new (id, total, source, status, engagement, assignment, fit, recency)
         on conflict do nothing",
        tenant.0,
        &ids(scores),
        &column(scores, |graded| graded.parts.total()),
        &column(scores, |graded| graded.parts.source),
        &column(scores, |graded| graded.parts.status),
        &column(scores, |graded| graded.parts.engagement),
        &column(scores, |graded| graded.parts.assignment),
        &column(scores, |graded| graded.fit),
        &column(scores, |graded| graded.engagement_score),
        model,
        at,
        why.as_str()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What a lead's score was, the newest first.
pub(in crate::scoring) async fn taken(
    conn: &mut PgConnection,
    tenant: TenantId,
    lead: LeadId,
    limit: i64,
) -> Result<Vec<ScoreTaken>> {
    let rows = sqlx::query!(
        "select at, total, source, status, engagement, assignment, fit, engagement_score, model, why
           from lead_scores where tenant_id = $1 and lead_id = $2 order by at desc limit $3",
        tenant.0,
        lead.0,
        limit
    )
    .fetch_all(conn)
    .await?;
    let shown = rows.into_iter().map(|row| ScoreTaken {
        at: row.at,
        total: row.total,
        parts: Parts {
            source: row.source,
            status: row.status,
            engagement: row.engagement,
            assignment: row.assignment,
        },
        fit: row.fit,
        engagement_score: row.engagement_score,
        model: row.model,
        why: row.why,
    });
    Ok(shown.collect())
}
