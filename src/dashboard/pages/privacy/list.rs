//! What is open, and all that there was of each kind.

use askama::Template;
use axum::extract::State as Shares;
use chrono::{DateTime, Utc};
use domain::{
    Ctx,
    access::{permission::Permission, rows::Rows},
    privacy::{
        due::{self, DueFilter, DueKind, DueState},
        erasure::{self, ErasureFilter},
        holds::{self, HoldFilter},
        requests::{self, RequestFilter},
        restriction::{self, RestrictionFilter},
    },
    types::{ErasureId, HoldId, LeadId, PrivacyRequestId, RestrictionId},
};
use serde::Deserialize;
use uuid::Uuid;

use super::words::{erasure_like, left, like, request_like, request_word};
use crate::{
    dashboard::{
        asked, link,
        page::{Answer, Page, show},
        pages::jobs::one::short,
        ui::{self, Facet, FacetValue},
        viewer::Viewer,
    },
    http::{
        Shared,
        extract::{Caller, Query},
        page::{Page as Part, Window},
        problem::Problem,
    },
};

/// The lists that there are.
const LISTS: [(&str, &str); 5] = [
    ("open", "Open"),
    ("access", "Access"),
    ("erasures", "Erasure"),
    ("restrictions", "Restrictions"),
    ("holds", "Legal holds"),
];
const REQUEST_STATES: [&str; 4] = ["identity", "working", "answered", "refused"];
const ERASURE_STATES: [&str; 6] = ["identity", "cooling", "held", "running", "done", "withdrawn"];
const STANDING: [(&str, &str); 2] = [("true", "stands"), ("false", "is over")];

/// The parameters of the address.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    list: Option<String>,
    kind: Option<String>,
    state: Option<String>,
    standing: Option<String>,
    lead: Option<String>,
    cursor: Option<String>,
}

/// Something that was asked for, or stands.
struct Row {
    kind: &'static str,
    href: String,
    short: String,
    word: String,
    like: &'static str,
    lead: Option<(String, LeadId)>,
    said: String,
    since: DateTime<Utc>,
    due_at: Option<DateTime<Utc>>,
    left: String,
    overdue: bool,
}

#[derive(Template)]
#[template(path = "privacy/list.html")]
#[expect(clippy::struct_excessive_bools, reason = "what may be done does not depend on each other")]
struct List {
    page: Page,
    lists: Vec<ui::Tab>,
    facets: Vec<Facet>,
    rows: Vec<Row>,
    next: Option<String>,
    open: bool,
    dated: bool,
    filtered: bool,
    empty: &'static str,
    access: bool,
    erase: bool,
    news: bool,
    here: String,
}

/// What is open, what is late first; or all of one kind, the newest first.
pub async fn list(
    Shares(app): Shared,
    viewer: Viewer,
    Caller(ctx): Caller,
    Query(asked): Query<Asked>,
) -> Answer {
    let chosen = asked::text(asked.list.as_ref()).unwrap_or("open");
    let Some((chosen, _)) = LISTS.into_iter().find(|(name, _)| *name == chosen) else {
        return Err(Problem::field("?list", "open, access, erasures, restrictions or holds"));
    };
    let now = app.platform.clock.now();
    let shown = match chosen {
        "open" => open(&ctx, &asked, now).await?,
        "access" => requests_page(&ctx, &asked, now).await?,
        "erasures" => erasures_page(&ctx, &asked, now).await?,
        "restrictions" => restrictions_page(&ctx, &asked).await?,
        _ => holds_page(&ctx, &asked).await?,
    };
    let own = |value: Option<&String>| asked::text(value).unwrap_or_default().to_owned();
    let (kind, state) = (own(asked.kind.as_ref()), own(asked.state.as_ref()));
    let (standing, lead) = (own(asked.standing.as_ref()), own(asked.lead.as_ref()));
    let name = if chosen == "open" { "" } else { chosen };
    let pairs =
        [("list", name), ("kind", &*kind), ("state", &*state), ("standing", &*standing), ("lead", &*lead)];
    let here = link::to("/ops/privacy", &pairs);
    let choice = |(value, word): &(&'static str, &'static str)| ui::Tab {
        word,
        href: link::to("/ops/privacy", &[("list", if *value == "open" { "" } else { *value })]),
        current: *value == chosen,
    };
    let empty = match chosen {
        "open" => "Nothing is open: whoever asked has their answer.",
        "restrictions" => "Nobody is restricted.",
        "holds" => "No hold was placed.",
        _ => "Nobody has asked for it.",
    };
    let may = |permission| viewer.may(permission) && ctx.rows == Rows::All;
    show(&List {
        page: viewer.page("Privacy"),
        lists: LISTS.iter().map(choice).collect(),
        facets: facets(chosen, &here, &kind, &state, &standing),
        rows: shown.items,
        next: shown.next_cursor,
        open: chosen == "open",
        dated: ["open", "access", "erasures"].contains(&chosen),
        filtered: pairs[1..].iter().any(|(_, value)| !value.is_empty()),
        empty,
        access: may(Permission::PrivacyAccess),
        erase: may(Permission::PrivacyErase),
        news: viewer.may(Permission::EventsRead),
        here: here.clone(),
    })
}

fn facets(chosen: &str, here: &str, kind: &str, state: &str, standing: &str) -> Vec<Facet> {
    let states = |all: &[&'static str]| {
        let value = |word: &&'static str| FacetValue {
            like: like(word),
            ..FacetValue::of(here, "state", (word, word), Some(state))
        };
        Facet { name: "State", values: all.iter().map(value).collect(), ..Facet::default() }
    };
    let kinds =
        DueKind::ALL.iter().map(|one| FacetValue::of(here, "kind", (one.as_str(), one.as_str()), Some(kind)));
    match chosen {
        "open" => vec![
            Facet { name: "Kind", values: kinds.collect(), ..Facet::default() },
            states(&DueState::ALL.map(|(name, _)| name)),
        ],
        "access" => vec![states(&REQUEST_STATES)],
        "erasures" => vec![states(&ERASURE_STATES)],
        _ => {
            let values = STANDING.iter().map(|pair| FacetValue::of(here, "standing", *pair, Some(standing)));
            vec![Facet { name: "State", values: values.collect(), ..Facet::default() }]
        }
    }
}

fn of_lead(lead: Option<LeadId>) -> Option<(String, LeadId)> {
    lead.map(|lead| (short(lead.0), lead))
}

async fn open(ctx: &Ctx, asked: &Asked, now: DateTime<Utc>) -> Result<Part<Row>, Problem> {
    let known = || DueState::ALL.map(|(name, _)| name).join(", ");
    let read = |name: &str| DueState::named(name).ok_or_else(|| Problem::field("?state", known()));
    let filter = DueFilter {
        kind: asked::word("?kind", asked.kind.as_ref())?,
        status: asked::text(asked.state.as_ref()).map(read).transpose()?,
    };
    let window: Window<(DateTime<Utc>, Uuid)> = Window::of(asked::text(asked.cursor.as_ref()), None)?;
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

async fn requests_page(ctx: &Ctx, asked: &Asked, now: DateTime<Utc>) -> Result<Part<Row>, Problem> {
    let window = Window::<Uuid>::of(asked::text(asked.cursor.as_ref()), None)?;
    let filter = RequestFilter {
        status: asked::word("?state", asked.state.as_ref())?,
        lead: asked::id("?lead", asked.lead.as_ref())?.map(LeadId),
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
            word: request_word(one.status).into(),
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

async fn erasures_page(ctx: &Ctx, asked: &Asked, now: DateTime<Utc>) -> Result<Part<Row>, Problem> {
    let window = Window::<Uuid>::of(asked::text(asked.cursor.as_ref()), None)?;
    let filter = ErasureFilter {
        state: asked::word("?state", asked.state.as_ref())?,
        lead: asked::id("?lead", asked.lead.as_ref())?.map(LeadId),
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

async fn restrictions_page(ctx: &Ctx, asked: &Asked) -> Result<Part<Row>, Problem> {
    let window = Window::<Uuid>::of(asked::text(asked.cursor.as_ref()), None)?;
    let filter = RestrictionFilter {
        lead: asked::id("?lead", asked.lead.as_ref())?.map(LeadId),
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

async fn holds_page(ctx: &Ctx, asked: &Asked) -> Result<Part<Row>, Problem> {
    let window = Window::<Uuid>::of(asked::text(asked.cursor.as_ref()), None)?;
    let filter = HoldFilter {
        lead: asked::id("?lead", asked.lead.as_ref())?.map(LeadId),
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
    asked::text(asked.standing.as_ref()).map(read).transpose()
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
