//! What is open, and all that there was of each kind.

use askama::Template;
use axum::extract::State as Shares;
use domain::{
    access::{permission::Permission, rows::Rows},
    privacy::due::{DueKind, DueState},
};
use serde::Deserialize;

use super::{
    rows::{Row, erasures_page, holds_page, open, requests_page, restrictions_page},
    words::like,
};
use crate::{
    dashboard::{
        asked, link,
        page::{Answer, Page, show},
        ui::{self, Facet, FacetValue},
        viewer::Viewer,
    },
    http::{
        Shared,
        extract::{Caller, Query},
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
    pub list: Option<String>,
    pub kind: Option<String>,
    pub state: Option<String>,
    pub standing: Option<String>,
    pub lead: Option<String>,
    pub cursor: Option<String>,
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
