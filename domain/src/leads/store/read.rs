//! Leads as they are read.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use super::super::{
    commands::Filter,
    lead::{LeadView, Score, Source, Status},
};
use super::terms::Wanted;
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

/// Newest first; of those that terms have found, if any were asked for.
pub(in crate::leads) async fn leads(
    conn: &mut PgConnection,
    tenant: TenantId,
    filter: &Filter,
    (wanted, only): (&Wanted, Option<Vec<LeadId>>),
    seen: Rows,
    before: Option<LeadId>,
    limit: i64,
) -> Result<Vec<LeadRow>> {
    let only: Option<Vec<uuid::Uuid>> = only.map(|ids| ids.into_iter().map(|id| id.0).collect());
    let rows = sqlx::query_as!(
        LeadRow,
        r#"select id as "id: LeadId", import_id as "import_id: ImportId", owner_id as "owner_id: AgentId",
                  team_id as "team_id: TeamId", status, source, language, region, value_cents, cost_cents, tags,
                  score, score_source, score_status, score_engagement, score_assignment, score_fit, score_recency,
                  score_model, scored_at,
                  version, assigned_at, created_at, updated_at,
                  name_sealed, phone_sealed, email_sealed, attributes_sealed
             from leads
            where tenant_id = $1 and ($2::uuid is null or id = $2) and ($3::uuid is null or id < $3)
              and ($5::text is null or status = $5) and ($6::text is null or source = $6)
              and ($7::uuid is null or owner_id = $7) and ($8::uuid is null or import_id = $8)
              and ($9::bytea is null or email_index = $9) and ($10::bytea is null or phone_index = $10)
              and ($11::uuid is null or owner_id = $11) and ($12::uuid is null or team_id = $12)
              and ($13::uuid[] is null or id = any($13))
            order by id desc limit $4"#,
        tenant.0,
        filter.id.map(|id| id.0),
        before.map(|id| id.0),
        limit,
        filter.status.map(Status::as_str),
        filter.source.map(Source::as_str),
        filter.owner.map(|id| id.0),
        filter.import.map(|id| id.0),
        wanted.email.as_deref(),
        wanted.phone.as_deref(),
        seen.owner(),
        seen.team(),
        only as _
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

/// A lead's sealed e-mail address, if the lead is there.
pub(crate) async fn email(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: LeadId,
) -> Result<Option<Option<Vec<u8>>>> {
    let found = sqlx::query_scalar!(
        "select email_sealed from leads where tenant_id = $1 and id = $2",
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
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
