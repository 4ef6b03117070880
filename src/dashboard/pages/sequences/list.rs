//! The list of sequences.

use askama::Template;
use domain::{
    access::permission::Permission,
    sequences::manage::{self, SequenceState, SequenceView},
    types::SequenceId,
};
use serde::Deserialize;

use crate::{
    dashboard::{
        link,
        page::{Answer, Page, show},
        ui::{self, Facet},
        viewer::Viewer,
    },
    http::{
        extract::{Caller, Query},
        page::Window,
        problem::Problem,
    },
};

const STATES: [(&str, SequenceState); 4] = [
    ("draft", SequenceState::Draft),
    ("active", SequenceState::Active),
    ("paused", SequenceState::Paused),
    ("archived", SequenceState::Archived),
];

/// The parameters of the address.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    state: Option<String>,
    cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "sequences/list.html")]
struct List {
    page: Page,
    rail: Vec<Facet>,
    sequences: Vec<SequenceView>,
    next: Option<String>,
    filtered: bool,
    /// How one goes is counted over all leads.
    opens: bool,
}

/// The sequences, newest first.
pub async fn list(viewer: Viewer, Caller(ctx): Caller, Query(asked): Query<Asked>) -> Answer {
    let named = asked.state.as_deref().filter(|state| !state.is_empty());
    let state = match named {
        None => None,
        Some(named) => {
            let found = STATES.iter().find(|(word, _)| *word == named).map(|(_, state)| *state);
            Some(found.ok_or_else(|| Problem::field("?state", "one of draft, active, paused, archived"))?)
        }
    };
    let window = Window::of(asked.cursor.as_deref(), None)?;
    let rows = manage::list(&ctx, state, window.before.map(SequenceId), window.rows).await?;
    let shown = window.page(rows, |sequence| sequence.id.0);
    let here = link::to("/ops/sequences", &[("state", named.unwrap_or_default())]);
    show(&List {
        page: viewer.page("Sequences"),
        rail: vec![Facet::of_states("State", &here, "state", STATES.map(|(word, _)| word), named)],
        sequences: shown.items,
        next: shown.next_cursor,
        filtered: state.is_some(),
        opens: viewer.may_of_all(Permission::SequencesRead),
    })
}
