//! Scores as they are written, and what they were.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::{
    apply::Why,
    history::ScoreTaken,
    points::{Graded, Parts},
};
use crate::{
    error::Result,
    types::{LeadId, TenantId},
};

fn column(scores: &[(LeadId, Graded)], of: impl Fn(&Graded) -> i16) -> Vec<i16> {
    scores.iter().map(|(_, graded)| of(graded)).collect()
}

fn ids(scores: &[(LeadId, Graded)]) -> Vec<Uuid> {
    scores.iter().map(|(id, _)| id.0).collect()
}

/// Writes scores to leads, where nothing of them is in an index, and those that differ to the ranks that leads are found
/// by.
pub(in crate::scoring) async fn put_scores(
    conn: &mut PgConnection,
    tenant: TenantId,
    scores: &[(LeadId, Graded)],
    model: i32,
    at: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "with scored as (
           update leads l set score = new.total, score_source = new.source, score_status = new.status,
                  score_engagement = new.engagement, score_assignment = new.assignment, score_fit = new.fit,
                  score_recency = new.recency, score_model = $10, scored_at = $11
             from unnest($2::uuid[], $3::smallint[], $4::smallint[], $5::smallint[], $6::smallint[], $7::smallint[],
                  $8::smallint[], $9::smallint[])
               as new (id, total, source, status, engagement, assignment, fit, recency)
            where l.tenant_id = $1 and l.id = new.id
           returning l.id, l.score
         )
         update lead_ranks r set score = s.score
           from scored s
          where r.tenant_id = $1 and r.lead_id = s.id and r.score <> s.score",
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
