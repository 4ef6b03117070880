//! All that somebody has said of one channel and one purpose: what counts now, what counted before, and what came too late
//! to count. It is what shows that they agreed (GDPR Art. 7(1)).

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use crate::{
    Ctx,
    access::permission::Permission,
    error::{Error, Result},
    messages::store,
    types::ConsentId,
};

/// Something that was said, as it was recorded.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ConsentSaid)]
pub struct Said {
    pub id: Uuid,
    pub granted: bool,
    pub source: String,
    /// What they were told, in the words used.
    pub wording: Option<String>,
    /// Where it is kept what shows it.
    pub proof: Option<String>,
    pub said_at: DateTime<Utc>,
    pub recorded_at: DateTime<Utc>,
    /// False: something later was known already.
    pub taken: bool,
    /// Who recorded it: `user`, `api_key`, `operator` or `system`.
    pub actor_kind: String,
    pub actor_id: Option<Uuid>,
}

/// What was said, newest first by its record, those with ids below `before`.
///
/// # Errors
/// If there is no such consent for the caller.
pub async fn history(ctx: &Ctx, id: ConsentId, before: Option<Uuid>, limit: i64) -> Result<Vec<Said>> {
    ctx.require(Permission::ConsentsRead)?;
    let mut tx = ctx.begin().await?;
    let asked = store::AskedConsents::one(id);
    if store::consents(tx.conn(), ctx.tenant, &asked, ctx.rows, None, 1).await?.is_empty() {
        return Err(Error::NotFound("consent"));
    }
    store::said_before(tx.conn(), ctx.tenant, id, before, limit).await
}
