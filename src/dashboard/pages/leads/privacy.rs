//! What stands over a lead by law: restriction, holds, requests.

use chrono::{DateTime, Utc};
use domain::{
    Ctx,
    access::{permission::Permission, rows::Rows},
    privacy::{
        erasure::{self, ErasureFilter},
        holds::{self, HoldFilter},
        requests::{self, RequestFilter},
        restriction::{self, RestrictionFilter},
    },
    types::LeadId,
};

use crate::{
    dashboard::pages::privacy::words::{erasure_like, request_like},
    http::problem::Problem,
};

/// Of each kind that a lead's page shows.
const SHOWN: i64 = 10;

/// Something that stands or is asked for.
pub struct Standing {
    pub what: &'static str,
    pub href: String,
    pub word: &'static str,
    pub like: &'static str,
    pub said: String,
    pub since: DateTime<Utc>,
    pub due_at: Option<DateTime<Utc>>,
}

/// What stands over a lead; none for whoever may not see it.
///
/// # Errors
/// If the database does not answer.
pub async fn standing(ctx: &Ctx, lead: LeadId) -> Result<Option<Vec<Standing>>, Problem> {
    if !ctx.grants.contains(Permission::PrivacyRead) || ctx.rows != Rows::All {
        return Ok(None);
    }
    let filter = RestrictionFilter { lead: Some(lead), standing: Some(true), ..RestrictionFilter::default() };
    let restrictions = restriction::list(ctx, &filter, None, SHOWN).await?;
    let mut all: Vec<Standing> = restrictions
        .into_iter()
        .map(|one| Standing {
            what: "Restriction",
            href: format!("/ops/privacy/restrictions/{}", one.id),
            word: "stands",
            like: "held",
            said: one.reason,
            since: one.set_at,
            due_at: None,
        })
        .collect();
    let filter = HoldFilter { lead: Some(lead), standing: Some(true), ..HoldFilter::default() };
    let held = holds::list(ctx, &filter, None, SHOWN).await?.into_iter().map(|one| Standing {
        what: "Legal hold",
        href: format!("/ops/privacy/holds/{}", one.id),
        word: "stands",
        like: "held",
        said: format!("{}: {}", one.law, one.reason),
        since: one.placed_at,
        due_at: None,
    });
    all.extend(held);
    let filter = RequestFilter { lead: Some(lead), ..RequestFilter::default() };
    let asked = requests::list(ctx, &filter, None, SHOWN).await?.into_iter().map(|one| Standing {
        what: "Wants to see what is held",
        href: format!("/ops/privacy/access/{}", one.id),
        word: one.status.as_str(),
        like: request_like(one.status),
        said: String::new(),
        since: one.received_at,
        due_at: one.ended_at.is_none().then_some(one.due_at),
    });
    all.extend(asked);
    let filter = ErasureFilter { lead: Some(lead), ..ErasureFilter::default() };
    let wishes = erasure::list(ctx, &filter, None, SHOWN).await?.into_iter().map(|one| Standing {
        what: "Wants to be forgotten",
        href: format!("/ops/privacy/erasures/{}", one.id),
        word: one.state.as_str(),
        like: erasure_like(one.state),
        said: one.held_by.iter().map(|held| held.law.as_str()).collect::<Vec<_>>().join(", "),
        since: one.asked_at,
        due_at: (one.finished_at.is_none() && one.withdrawn_at.is_none()).then_some(one.due_at),
    });
    all.extend(wishes);
    Ok(Some(all))
}
