//! Leads as they are read.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use super::{
    super::lead::{LeadView, Score},
    filter::{Asked, columns, select_fitting},
};
use crate::{
    access::rows::Rows,
    error::Result,
    scoring::points::Parts,
    types::{AgentId, ImportId, LeadId, TeamId, TenantId},
    vault::Personal,
};

/// A stored lead.
pub(in crate::leads) struct LeadRow {
    pub id: LeadId,
    pub import_id: Option<ImportId>,
    pub owner_id: Option<AgentId>,
    pub team_id: Option<TeamId>,
    pub status: String,
    pub source: String,
    pub language: Option<String>,
    pub region: Option<String>,
    pub value_cents: Option<i64>,
    pub cost_cents: Option<i64>,
    pub tags: Vec<String>,
    pub score: Option<i16>,
    pub score_source: Option<i16>,
    pub score_status: Option<i16>,
    pub score_engagement: Option<i16>,
    pub score_assignment: Option<i16>,
    pub score_fit: Option<i16>,
    pub score_recency: Option<i16>,
    pub score_model: Option<i32>,
    pub scored_at: Option<DateTime<Utc>>,
    pub version: i64,
    pub assigned_at: Option<DateTime<Utc>>,
    pub restricted_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub name_sealed: Option<Vec<u8>>,
    pub phone_sealed: Option<Vec<u8>>,
    pub email_sealed: Option<Vec<u8>>,
    pub attributes_sealed: Option<Vec<u8>>,
}

impl LeadRow {
    pub(in crate::leads) fn into_view(
        self,
        name: Option<Personal<String>>,
        phone: Option<Personal<String>>,
        email: Option<Personal<String>>,
        attributes: Option<Personal<Value>>,
    ) -> LeadView {
        LeadView {
            score: self.score(),
            id: self.id,
            import_id: self.import_id,
            owner_id: self.owner_id,
            team_id: self.team_id,
            status: self.status,
            source: self.source,
            name,
            phone,
            email,
            attributes,
            language: self.language,
            region: self.region,
            value_cents: self.value_cents,
            cost_cents: self.cost_cents,
            tags: self.tags,
            version: self.version,
            assigned_at: self.assigned_at,
            restricted_at: self.restricted_at,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }

    fn score(&self) -> Option<Score> {
        Some(Score {
            total: self.score?,
            parts: Parts {
                source: self.score_source?,
                status: self.score_status?,
                engagement: self.score_engagement?,
                assignment: self.score_assignment?,
            },
            fit: self.score_fit?,
            engagement_score: self.score_recency?,
            model: self.score_model?,
            scored_at: self.scored_at?,
        })
    }
}

/// [`select_fitting`] for leads in whole, from wherever they stand.
macro_rules! select_rows {
    ($asked:ident, $terms:ident, $lead:tt, [$($from:tt)+], [$($rest:tt)+], $($more:expr),+ $(,)?) => {
        select_fitting!(
            query_as(LeadRow),
            $asked,
            $terms,
            $lead,
            [r#"select l.id as "id: LeadId", l.import_id as "import_id: ImportId", l.owner_id as "owner_id: AgentId",
                       l.team_id as "team_id: TeamId", l.status, l.source, l.language, l.region, l.value_cents,
                       l.cost_cents, l.tags, l.score, l.score_source, l.score_status, l.score_engagement,
                       l.score_assignment, l.score_fit, l.score_recency, l.score_model, l.scored_at, l.version,
                       l.assigned_at, l.restricted_at, l.created_at, l.updated_at, l.name_sealed, l.phone_sealed, l.email_sealed,
                       l.attributes_sealed
                  from "# + $($from)+],
            [$($rest)+],
            $($more),+
        )
    };
}
pub(super) use select_rows;

/// Newest first; of those that terms have found, if any were asked for.
pub(in crate::leads) async fn leads(
    conn: &mut PgConnection,
    asked: &Asked<'_>,
    only: Option<Vec<LeadId>>,
    before: Option<LeadId>,
    limit: i64,
) -> Result<Vec<LeadRow>> {
    let only: Option<Vec<uuid::Uuid>> = only.map(|ids| ids.into_iter().map(|id| id.0).collect());
    // Whoever found those has looked for the terms.
    let terms = columns(&[]);
    let rows = select_rows!(
        asked,
        terms,
        "l.id",
        ["leads l"],
        ["($12::uuid is null or l.id = $12) and ($13::uuid is null or l.id < $13)
              and ($14::uuid[] is null or l.id = any($14))
            order by l.id desc limit $15"],
        asked.filter.id.map(|id| id.0),
        before.map(|id| id.0),
        only as _,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Whether a lead is there, for somebody who sees these.
pub(crate) async fn is_seen(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: LeadId,
    seen: Rows,
) -> Result<bool> {
    let found = sqlx::query_scalar!(
        r#"select exists (select from leads
            where tenant_id = $1 and id = $2 and ($3::uuid is null or owner_id = $3)
              and ($4::uuid is null or team_id = $4)) as "seen!""#,
        tenant.0,
        id.0,
        seen.owner(),
        seen.team()
    )
    .fetch_one(conn)
    .await?;
    Ok(found)
}

/// Leads of a selection that wait for their score or their owner.
pub(crate) async fn count(
    conn: &mut PgConnection,
    tenant: TenantId,
    import: Option<ImportId>,
) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from leads where tenant_id = $1 and ($2::uuid is null or import_id = $2)"#,
        tenant.0,
        import.map(|id| id.0)
    )
    .fetch_one(conn)
    .await?;
    Ok(count)
}
