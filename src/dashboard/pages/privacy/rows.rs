//! The rows of each list: what was asked for, or stands.

use chrono::{DateTime, Utc};
use domain::{
    Ctx,
    privacy::{
        due::{self, DueFilter, DueKind, DueState},
        erasure::{self, ErasureFilter},
        holds::{self, HoldFilter},
        requests::{self, RequestFilter},
        restriction::{self, RestrictionFilter},
    },
    types::{ErasureId, HoldId, LeadId, PrivacyRequestId, RestrictionId},
};
use uuid::Uuid;

use super::{
    list::Asked,
    words::{erasure_like, left, like, request_like},
};
use crate::{
    dashboard::{asked, ui::short},
    http::{
        page::{Page as Part, Window},
        problem::Problem,
    },
};

/// Something that was asked for, or stands.
pub struct Row {
    pub kind: &'static str,
    pub href: String,
    pub short: String,
    pub word: String,
    pub like: &'static str,
    pub lead: Option<(String, LeadId)>,
    pub said: String,
    pub since: DateTime<Utc>,
    pub due_at: Option<DateTime<Utc>>,
    pub left: String,
    pub overdue: bool,
}

fn of_lead(lead: Option<LeadId>) -> Option<(String, LeadId)> {
    lead.map(|lead| (short(lead.0), lead))
}

/// What is open, the most urgent first.
///
/// # Errors
/// If a filter cannot be one, or the permission is missing.
pub async fn open(ctx: &Ctx, asked: &Asked, now: DateTime<Utc>) -> Result<Part<Row>, Problem> {
    let known = || DueState::ALL.map(|(name, _)| name).join(", ");
    let read = |name: &str| DueState::named(name).ok_or_else(|| Problem::field("?state", known()));
    let filter = DueFilter {
        kind: asked::word("?kind", asked.kind.as_deref())?,
        status: asked::text(asked.state.as_deref()).map(read).transpose()?,
    };
    let window: Window<(DateTime<Utc>, Uuid)> = Window::of(asked::text(asked.cursor.as_deref()), None)?;
    let rows = due::list(ctx, filter, window.before, window.rows).await?;
    let page = window.page(rows, |one| (one.due_at, one.id));
    let row = |one: due::DueRequest| {
        let (kind, folder) = match one.kind {
            DueKind::Access => ("access", "access"),
            DueKind::Erasure => ("erasure", "erasures"),
        };
        Row {
            kind,
            href: format!("/ops/privacy/{folder}/{}", one.id),
            short: short(one.id),
            like: like(&one.state),
            word: one.state,
            lead: of_lead(one.lead),
            said: String::new(),
            since: one.asked_at,
            due_at: Some(one.due_at),
            left: left(&one.due_at, now),
            overdue: one.overdue,
        }
    };
    Ok(Part { items: page.items.into_iter().map(row).collect(), next_cursor: page.next_cursor })
}

/// All requests to see what is held, the newest first.
///
/// # Errors
/// If a filter cannot be one, or the permission is missing.
pub async fn requests_page(ctx: &Ctx, asked: &Asked, now: DateTime<Utc>) -> Result<Part<Row>, Problem> {
    let window = Window::<Uuid>::of(asked::text(asked.cursor.as_deref()), None)?;
    let filter = RequestFilter {
        status: asked::word("?state", asked.state.as_deref())?,
        lead: asked::id("?lead", asked.lead.as_deref())?.map(LeadId),
        ..RequestFilter::default()
    };
    let rows = requests::list(ctx, &filter, window.before.map(PrivacyRequestId), window.rows).await?;
    let page = window.page(rows, |one| one.id.0);
    let row = |one: requests::AccessRequestView| {
        let due_at = one.ended_at.is_none().then_some(one.due_at);
        Row {
            kind: "access",
            href: format!("/ops/privacy/access/{}", one.id),
            short: short(one.id.0),
            word: one.status.as_str().into(),
            like: request_like(one.status),
            lead: of_lead(one.lead_id),
            said: one.refusal.unwrap_or_default(),
            since: one.received_at,
            left: due_at.map(|due| left(&due, now)).unwrap_or_default(),
            due_at,
            overdue: one.overdue,
        }
    };
    Ok(Part { items: page.items.into_iter().map(row).collect(), next_cursor: page.next_cursor })
}

/// All requests to be forgotten, the newest first.
///
/// # Errors
/// If a filter cannot be one, or the permission is missing.
pub async fn erasures_page(ctx: &Ctx, asked: &Asked, now: DateTime<Utc>) -> Result<Part<Row>, Problem> {
    let window = Window::<Uuid>::of(asked::text(asked.cursor.as_deref()), None)?;
    let filter = ErasureFilter {
        state: asked::word("?state", asked.state.as_deref())?,
        lead: asked::id("?lead", asked.lead.as_deref())?.map(LeadId),
        ..ErasureFilter::default()
    };
    let rows = erasure::list(ctx, &filter, window.before.map(ErasureId), window.rows).await?;
    let page = window.page(rows, |one| one.id.0);
    let row = |one: erasure::ErasureView| {
        let over = one.finished_at.is_some() || one.withdrawn_at.is_some();
        let due_at = (!over).then_some(one.due_at);
        let held: Vec<&str> = one.held_by.iter().map(|held| held.law.as_str()).collect();
        let asked_for = if one.cause == "retention" { "by age" } else { "" };
        Row {
            kind: "erasure",
            href: format!("/ops/privacy/erasures/{}", one.id),
            short: short(one.id.0),
            word: one.state.as_str().into(),
            like: erasure_like(one.state),
            lead: of_lead(one.lead_id),
            said: if held.is_empty() { asked_for.to_owned() } else { format!("held: {}", held.join(", ")) },
            since: one.asked_at,
            left: due_at.map(|due| left(&due, now)).unwrap_or_default(),
            overdue: due_at.is_some_and(|due| due < now),
            due_at,
        }
    };
    Ok(Part { items: page.items.into_iter().map(row).collect(), next_cursor: page.next_cursor })
}

/// All restrictions, the newest first.
///
/// # Errors
/// If a filter cannot be one, or the permission is missing.
pub async fn restrictions_page(ctx: &Ctx, asked: &Asked) -> Result<Part<Row>, Problem> {
    let window = Window::<Uuid>::of(asked::text(asked.cursor.as_deref()), None)?;
    let filter = RestrictionFilter {
        lead: asked::id("?lead", asked.lead.as_deref())?.map(LeadId),
        standing: stands(asked)?,
        ..RestrictionFilter::default()
    };
    let rows = restriction::list(ctx, &filter, window.before.map(RestrictionId), window.rows).await?;
    let page = window.page(rows, |one| one.id.0);
    let row = |one: restriction::RestrictionView| {
        let place = ("restriction", "restrictions", one.id.0);
        of_standing(place, LeadId(one.lead_id.0), one.reason, one.set_at, one.lifted_at)
    };
    Ok(Part { items: page.items.into_iter().map(row).collect(), next_cursor: page.next_cursor })
}

/// All legal holds, the newest first.
///
/// # Errors
/// If a filter cannot be one, or the permission is missing.
pub async fn holds_page(ctx: &Ctx, asked: &Asked) -> Result<Part<Row>, Problem> {
    let window = Window::<Uuid>::of(asked::text(asked.cursor.as_deref()), None)?;
    let filter = HoldFilter {
        lead: asked::id("?lead", asked.lead.as_deref())?.map(LeadId),
        standing: stands(asked)?,
        ..HoldFilter::default()
    };
    let rows = holds::list(ctx, &filter, window.before.map(HoldId), window.rows).await?;
    let page = window.page(rows, |one| one.id.0);
    let row = |one: holds::HoldView| {
        let place = ("legal hold", "holds", one.id.0);
        let said = format!("{}: {}", one.law, one.reason);
        of_standing(place, LeadId(one.lead_id.0), said, one.placed_at, one.released_at)
    };
    Ok(Part { items: page.items.into_iter().map(row).collect(), next_cursor: page.next_cursor })
}

fn stands(asked: &Asked) -> Result<Option<bool>, Problem> {
    let read = |text: &str| text.parse().map_err(|_| Problem::field("?standing", "true or false"));
    asked::text(asked.standing.as_deref()).map(read).transpose()
}

fn of_standing(
    (kind, folder, id): (&'static str, &str, Uuid),
    lead: LeadId,
    said: String,
    since: DateTime<Utc>,
    over: Option<DateTime<Utc>>,
) -> Row {
    let (word, like) = if over.is_none() { ("stands", "held") } else { ("is over", "ended") };
    Row {
        kind,
        href: format!("/ops/privacy/{folder}/{id}"),
        short: short(id),
        word: word.into(),
        like,
        lead: of_lead(Some(lead)),
        said,
        since,
        due_at: None,
        left: String::new(),
        overdue: false,
    }
}
