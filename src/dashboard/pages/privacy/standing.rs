//! A restriction or a legal hold, and how it ends.

use askama::Template;
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::{
    access::permission::Permission,
    privacy::{
        holds::{self, Release},
        restriction::{self, Lift},
    },
    types::{HoldId, RestrictionId},
};
use uuid::Uuid;

use crate::{
    dashboard::{
        asked,
        forms::{Fields, done},
        page::{Answer, Page, show},
        ui,
        ui::short,
        viewer::Viewer,
    },
    http::{
        extract::{Caller, Path},
        problem::Problem,
    },
};

#[derive(Template)]
#[template(path = "privacy/standing.html")]
struct One {
    page: Page,
    id: Uuid,
    short: String,
    kind: &'static str,
    about: &'static str,
    lead: Uuid,
    law: Option<String>,
    reason: String,
    since: DateTime<Utc>,
    by: Option<String>,
    over_at: Option<DateTime<Utc>>,
    over_by: Option<String>,
    over_reason: Option<String>,
    stands: bool,
    /// How it ends, for whoever may end it.
    end: Option<End>,
}

/// The form that ends it.
struct End {
    action: String,
    title: &'static str,
    warning: &'static str,
    verb: &'static str,
}

/// A restriction.
pub async fn show_restriction(viewer: Viewer, Caller(ctx): Caller, Path(id): Path<Uuid>) -> Answer {
    let one = restriction::get(&ctx, RestrictionId(id)).await?;
    let stands = one.lifted_at.is_none();
    let end = (stands && viewer.may(Permission::PrivacyRestrict)).then(|| End {
        action: format!("/ops/privacy/restrictions/{id}/lift"),
        title: "Lift it",
        warning: "Messages, scores and routing may use what is known of the person again. Tell them before.",
        verb: "Lift",
    });
    show(&One {
        page: viewer.page(&format!("Restriction {}", short(id))),
        id,
        short: short(id),
        kind: "Restriction",
        about: "What is known of the person is kept and read, and nothing else is done with it.",
        lead: one.lead_id.0,
        law: None,
        reason: one.reason,
        since: one.set_at,
        by: one.set_by.map(short),
        over_at: one.lifted_at,
        over_by: one.lifted_by.map(short),
        over_reason: one.lift_reason,
        stands,
        end,
    })
}

/// A legal hold.
pub async fn show_hold(viewer: Viewer, Caller(ctx): Caller, Path(id): Path<Uuid>) -> Answer {
    let one = holds::get(&ctx, HoldId(id)).await?;
    let stands = one.released_at.is_none();
    let end = (stands && viewer.may(Permission::PrivacyHold)).then(|| End {
        action: format!("/ops/privacy/holds/{id}/release"),
        title: "Release it",
        warning: "An erasure that waits for this hold goes on, and what it erases cannot be had back.",
        verb: "Release",
    });
    show(&One {
        page: viewer.page(&format!("Legal hold {}", short(id))),
        id,
        short: short(id),
        kind: "Legal hold",
        about: "Nothing of the person is erased or deleted, and nothing goes by its age.",
        lead: one.lead_id.0,
        law: Some(one.law),
        reason: one.reason,
        since: one.placed_at,
        by: one.placed_by.map(short),
        over_at: one.released_at,
        over_by: one.released_by.map(short),
        over_reason: one.release_reason,
        stands,
        end,
    })
}

/// Lifts a restriction.
pub async fn lift(Caller(ctx): Caller, Path(id): Path<Uuid>, fields: Fields) -> Result<Response, Problem> {
    fields.confirms(&short(id))?;
    let lift = Lift { reason: asked::needed(&fields, "reason")? };
    restriction::lift(&ctx, RestrictionId(id), &lift).await?;
    Ok(done(&format!("/ops/privacy/restrictions/{id}"), "The restriction is lifted."))
}

/// Releases a hold.
pub async fn release(Caller(ctx): Caller, Path(id): Path<Uuid>, fields: Fields) -> Result<Response, Problem> {
    fields.confirms(&short(id))?;
    let release = Release { reason: asked::needed(&fields, "reason")? };
    holds::release(&ctx, HoldId(id), &release).await?;
    Ok(done(&format!("/ops/privacy/holds/{id}"), "The hold is released. What waited for it goes on."))
}
