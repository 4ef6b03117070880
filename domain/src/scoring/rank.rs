//! The leads by their score, the best first.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::store;
use crate::{
    Ctx,
    access::permission::Permission,
    error::Result,
    leads::lead::{Status, place, subject},
    types::{AgentId, LeadId, SubjectId, TeamId},
    vault::{Personal, Vault, mask, personal::reveal},
};

/// Which leads.
#[derive(Debug, Default, Clone, Copy)]
pub struct Filter {
    pub team: Option<TeamId>,
    pub owner: Option<AgentId>,
    pub status: Option<Status>,
}

/// Where a lead stands: its score, and its id, which grows with the time at which it was made.
pub type Rank = (i16, LeadId);

/// A lead with its score. Leads without one are not ranked.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RankedLead {
    pub id: LeadId,
    /// None once the person was erased.
    #[serde(serialize_with = "reveal")]
    #[schema(value_type = Option<String>)]
    pub name: Option<Personal<String>>,
    pub score: i16,
    pub fit: Option<i16>,
    pub engagement_score: Option<i16>,
    /// The version of the model.
    pub model: Option<i32>,
    pub scored_at: Option<DateTime<Utc>>,
    pub status: String,
    pub source: String,
    pub owner_id: Option<AgentId>,
    pub team_id: Option<TeamId>,
    pub created_at: DateTime<Utc>,
}

/// The best first, those that stand after a rank; of equal scores the newer first.
///
/// # Errors
/// If the permission is missing or the database does not answer.
pub async fn list(ctx: &Ctx, filter: Filter, after: Option<Rank>, limit: i64) -> Result<Vec<RankedLead>> {
    ctx.require(Permission::LeadsRead)?;
    let mut tx = ctx.begin().await?;
    let rows = store::ranked(tx.conn(), ctx.tenant, filter, ctx.rows, after, limit).await?;
    let subjects: Vec<SubjectId> = rows.iter().map(|row| subject(row.id)).collect();
    let keys = Vault::subjects(&mut tx, &subjects).await?;
    rows.into_iter()
        .map(|row| {
            let open = |sealed: &Vec<u8>| keys.open(&place(ctx.tenant, "name_sealed", row.id), sealed);
            let name = row.name_sealed.as_ref().map(open).transpose()?.flatten();
            Ok(RankedLead {
                id: row.id,
                name: ctx.seen(name, mask::name),
                score: row.score,
                fit: row.score_fit,
                engagement_score: row.score_recency,
                model: row.score_model,
                scored_at: row.scored_at,
                status: row.status,
                source: row.source,
                owner_id: row.owner_id,
                team_id: row.team_id,
                created_at: row.created_at,
            })
        })
        .collect()
}
