//! What is open, and all that there was of each kind.

use askama::Template;
use axum::extract::State as Shares;
use domain::{
    access::permission::Permission,
    privacy::{
        due::{DueKind, DueState},
        erasure::State,
        requests::RequestStatus,
    },
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
    let chosen = asked::text(asked.list.as_deref()).unwrap_or("open");
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
    let own = |value| asked::text(value).unwrap_or_default();
    let (kind, state) = (own(asked.kind.as_deref()), own(asked.state.as_deref()));
    let (standing, lead) = (own(asked.standing.as_deref()), own(asked.lead.as_deref()));
    let name = if chosen == "open" { "" } else { chosen };
    let pairs = [("list", name), ("kind", kind), ("state", state), ("standing", standing), ("lead", lead)];
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
    show(&List {
        page: viewer.page("Privacy"),
        lists: LISTS.iter().map(choice).collect(),
        facets: facets(chosen, &here, kind, state, standing),
        rows: shown.items,
        next: shown.next_cursor,
        open: chosen == "open",
        dated: ["open", "access", "erasures"].contains(&chosen),
        filtered: pairs[1..].iter().any(|(_, value)| !value.is_empty()),
        empty,
        access: viewer.may_of_all(Permission::PrivacyAccess),
        erase: viewer.may_of_all(Permission::PrivacyErase),
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
    let kinds = DueKind::ALL.map(|one| (one.as_str(), one.as_str()));
    match chosen {
        "open" => vec![
            Facet::of("Kind", here, "kind", kinds, Some(kind)),
            states(&DueState::ALL.map(|(name, _)| name)),
        ],
        "access" => vec![states(&RequestStatus::ALL.map(RequestStatus::as_str))],
        "erasures" => vec![states(&State::ALL.map(State::as_str))],
        _ => vec![Facet::of("State", here, "standing", STANDING, Some(standing))],
    }
}
