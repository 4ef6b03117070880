//! What a lead's score was, and why it changed.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{points::Parts, store};
use crate::{
    Ctx,
    access::permission::Permission,
    error::{Error, Result},
    leads,
    types::LeadId,
};

/// Scores of a lead that are shown.
const SHOWN: i64 = 100;

/// What a lead's score became.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ScoreTaken {
    pub at: DateTime<Utc>,
    /// 0 to 100, the sum of the parts.
    pub total: i16,
    #[serde(flatten)]
    pub parts: Parts,
    pub fit: i16,
    pub engagement_score: i16,
    /// The version of the model.
    pub model: i32,
    /// `asked`, `workflow`, `called`, `published` or `refreshed`.
    pub why: String,
}

/// What a lead's score was, the newest first; 100 at most.
///
/// # Errors
/// If there is no such lead.
pub async fn of_lead(ctx: &Ctx, lead: LeadId) -> Result<Vec<ScoreTaken>> {
    ctx.require(Permission::LeadsRead)?;
    let mut tx = ctx.begin().await?;
    if !leads::store::is_seen(tx.conn(), ctx.tenant, lead, ctx.rows).await? {
        return Err(Error::NotFound("lead"));
    }
    store::taken(tx.conn(), ctx.tenant, lead, SHOWN).await
}
