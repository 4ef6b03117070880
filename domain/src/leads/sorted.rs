//! Lists of leads in an order that is asked for. A list goes on behind a place: what its last lead is sorted by, and the
//! lead's id, which orders those that are the same in it.

use serde::Deserialize;
use uuid::Uuid;

use super::{
    commands::{self, Filter},
    lead::LeadView,
    search, store,
};
use crate::{Ctx, access::permission::Permission, error::Result, types::LeadId};

/// By what leads are listed, and with `-` the newest or greatest first. Those without a value or a score come last both
/// ways.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
pub enum Sort {
    #[serde(rename = "created")]
    Created,
    #[default]
    #[serde(rename = "-created")]
    CreatedDown,
    #[serde(rename = "updated")]
    Updated,
    #[serde(rename = "-updated")]
    UpdatedDown,
    #[serde(rename = "value")]
    Value,
    #[serde(rename = "-value")]
    ValueDown,
    #[serde(rename = "score")]
    Score,
    #[serde(rename = "-score")]
    ScoreDown,
}

/// Stands for a value or a score that is not there; the others are 0 or more.
pub(super) const NONE: i64 = -1;

impl Sort {
    /// As a cursor holds it, so that it does not go on in another list.
    #[must_use]
    pub fn number(self) -> u8 {
        self as u8
    }

    /// Where a lead stands: what it is sorted by, and its id, which grows with the time at which it was made.
    #[must_use]
    pub fn place(self, lead: &LeadView) -> (i64, Uuid) {
        let key = match self {
            Self::Created | Self::CreatedDown => 0,
            Self::Updated | Self::UpdatedDown => lead.updated_at.timestamp_micros(),
            Self::Value | Self::ValueDown => lead.value_cents.unwrap_or(NONE),
            Self::Score | Self::ScoreDown => lead.score.as_ref().map_or(NONE, |score| i64::from(score.total)),
        };
        (key, lead.id.0)
    }
}

/// The leads that stand behind a place. Where words, tags or attributes are asked for too, the newest first are found
/// along these; in any other order they are looked for along it.
///
/// # Errors
/// If a permission is missing or the database does not answer.
pub async fn list(
    ctx: &Ctx,
    filter: &Filter,
    sort: Sort,
    after: Option<(i64, Uuid)>,
    limit: i64,
) -> Result<Vec<LeadView>> {
    ctx.require(Permission::LeadsRead)?;
    search::require_sight(ctx, filter)?;
    let mut tx = ctx.begin().await?;
    let wanted = search::wanted(ctx, &mut tx, filter).await?;
    let asked = store::Asked { tenant: ctx.tenant, filter, wanted: &wanted, seen: ctx.rows };
    let before = after.map(|(_, id)| LeadId(id));
    let having = if sort == Sort::CreatedDown {
        store::having_terms(tx.conn(), &asked, before, limit).await?
    } else {
        None
    };
    let rows = if having.is_some() {
        store::leads(tx.conn(), &asked, having, before, limit).await?
    } else {
        store::sorted(tx.conn(), &asked, sort, after, limit).await?
    };
    commands::views(ctx, &mut tx, rows).await
}
