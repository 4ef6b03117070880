//! Scores of leads, read and written a page at a time.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::super::score::Parts;
use crate::{
    error::Result,
    types::{ImportId, LeadId, TenantId},
};

/// What the scoring rule looks at, of a page of leads in the order of their ids.
pub(in crate::leads) struct ScoreRow {
    pub id: LeadId,
    pub source: String,
    pub status: String,
    pub owned: bool,
    pub in_team: bool,
    pub activities: i32,
    pub last_activity_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

/// Leads of a selection after `after` that have no score from `since` on; locked until commit.
pub(in crate::leads) async fn to_score(
    conn: &mut PgConnection,
    tenant: TenantId,
    only: Option<LeadId>,
    import: Option<ImportId>,
    since: DateTime<Utc>,
    after: Option<LeadId>,
    limit: i64,
) -> Result<Vec<ScoreRow>> {
    let rows = sqlx::query_as!(
        ScoreRow,
        r#"select id as "id: LeadId", source, status, owner_id is not null as "owned!",
                  team_id is not null as "in_team!", activities, last_activity_at, created_at
             from leads
            where tenant_id = $1 and id > $5 and ($2::uuid is null or id = $2)
              and ($3::uuid is null or import_id = $3) and (scored_at is null or scored_at < $4)
            order by id limit $6 for update"#,
        tenant.0,
        only.map(|id| id.0),
        import.map(|id| id.0),
        since,
        after.map(|id| id.0).unwrap_or_default(),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

pub(in crate::leads) async fn store_scores(
    conn: &mut PgConnection,
    tenant: TenantId,
    scores: &[(LeadId, Parts)],
    model: i32,
    at: DateTime<Utc>,
) -> Result<()> {
    let part = |of: fn(&Parts) -> i16| scores.iter().map(|(_, parts)| of(parts)).collect::<Vec<_>>();
    sqlx::query!(
        "update leads l set score = new.total, score_source = new.source, score_status = new.status,
                score_engagement = new.engagement, score_assignment = new.assignment,
                score_model = $8, scored_at = $9
           from unnest($2::uuid[], $3::smallint[], $4::smallint[], $5::smallint[], $6::smallint[], $7::smallint[])
             as new (id, total, source, status, engagement, assignment)
          where l.tenant_id = $1 and l.id = new.id",
        tenant.0,
        &scores.iter().map(|(id, _)| id.0).collect::<Vec<_>>(),
        &part(Parts::total),
        &part(|parts| parts.source),
        &part(|parts| parts.status),
        &part(|parts| parts.engagement),
        &part(|parts| parts.assignment),
        model,
        at
    )
    .execute(conn)
    .await?;
    Ok(())
}
