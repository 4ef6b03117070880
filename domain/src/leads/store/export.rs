//! Leads for a file of many: only what is asked for is read.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::filter::{Asked, columns, select_fitting};
use crate::{
    error::Result,
    types::{AgentId, ImportId, LeadId, TeamId},
};

/// A lead as a file has it. What is sealed is there only if it was asked for.
pub(crate) struct TakenLead {
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
    pub assigned_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub name_sealed: Option<Vec<u8>>,
    pub phone_sealed: Option<Vec<u8>>,
    pub email_sealed: Option<Vec<u8>>,
    pub attributes_sealed: Option<Vec<u8>>,
}

/// Leads that fit, in the order of their ids, those behind one. Whoever is restricted is not among them. `personal` reads
/// what is sealed as well.
pub(in crate::leads) async fn taken_behind(
    conn: &mut PgConnection,
    asked: &Asked<'_>,
    after: LeadId,
    personal: bool,
    limit: i64,
) -> Result<Vec<TakenLead>> {
    let terms = columns(&asked.wanted.terms);
    let rows = select_fitting!(
        query_as(TakenLead),
        asked,
        terms,
        "l.id",
        [
            r#"select l.id as "id: LeadId", l.import_id as "import_id: ImportId", l.owner_id as "owner_id: AgentId",
                      l.team_id as "team_id: TeamId", l.status, l.source, l.language, l.region, l.value_cents,
                      l.cost_cents, l.tags, l.score, l.assigned_at, l.created_at, l.updated_at,
                      case when $13 then l.name_sealed end as name_sealed,
                      case when $13 then l.phone_sealed end as phone_sealed,
                      case when $13 then l.email_sealed end as email_sealed,
                      case when $13 then l.attributes_sealed end as attributes_sealed
                 from leads l"#
        ],
        ["l.restricted_at is null and l.id > $12 order by l.id limit $14"],
        after.0,
        personal,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
