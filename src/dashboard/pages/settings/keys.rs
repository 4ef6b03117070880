//! The keys that everything is encrypted by, and their replacement with how far it has come.

use askama::Template;
use axum::response::Response;
use domain::{
    access::permission::Permission,
    vault::rotation::{
        self, Phase, What,
        view::{self, KeysView, RotationView},
    },
};
use serde::Deserialize;
use uuid::Uuid;

use super::tabs;
use crate::{
    dashboard::{
        forms::{Fields, done},
        page::{Answer, Page, show},
        ui,
        viewer::Viewer,
    },
    http::{
        extract::{Caller, Query},
        page::Window,
        problem::Problem,
    },
};

/// The parameters of the address.
#[derive(Deserialize)]
pub struct Asked {
    /// That the keys of people are to be counted.
    pub people: Option<String>,
    /// Of the rotations.
    pub cursor: Option<String>,
}

struct Row {
    view: RotationView,
    what: &'static str,
    percent: String,
    open: bool,
    like: &'static str,
}

impl Row {
    fn of(view: RotationView) -> Self {
        let open = !matches!(view.phase, Phase::Done | Phase::GivenUp);
        Self {
            what: match view.what {
                What::Kek => "what wraps the keys",
                What::Tenant => "the key of the tenant",
                What::Subjects => "the keys of people",
            },
            percent: format!("{:.0}", view.of_pass * 100.0),
            like: match view.phase {
                Phase::Done => "done",
                Phase::GivenUp => "cancelled",
                _ => "running",
            },
            open,
            view,
        }
    }
}

#[derive(Template)]
#[template(path = "settings/keys.html")]
struct KeysPage {
    page: Page,
    tabs: Vec<ui::Tab>,
    keys: KeysView,
    /// Whether those of people were counted.
    people: bool,
    open: Option<Row>,
    rows: Vec<Row>,
    next: Option<String>,
    runs: bool,
    rotate: Vec<ui::Confirm>,
}

/// Which keys there are and how their rotation goes; the keys themselves are shown to nobody.
pub async fn show_keys(viewer: Viewer, Caller(ctx): Caller, Query(asked): Query<Asked>) -> Answer {
    let people = asked.people.is_some();
    let mut keys = view::keys(&ctx, people).await?;
    let window = Window::<Uuid>::of(asked.cursor.as_deref(), Some(20))?;
    let rows = view::list(&ctx, window.before, window.rows).await?;
    let shown = window.page(rows, |row| row.id);
    let open = keys.rotation.take().map(Row::of).filter(|row| row.open);
    let rotate = if viewer.may(Permission::KeysRotate) && open.is_none() {
        [
            (
                What::Tenant,
                "All secrets of the tenant are sealed anew under a new key; the former one is destroyed.",
            ),
            (What::Subjects, "All that is held of people is sealed anew, each under a new key of theirs."),
            (What::Kek, "All keys are wrapped anew by the key-encryption key in use; what they seal stays."),
        ]
        .into_iter()
        .map(|(what, about)| ui::Confirm {
            action: "/ops/settings/keys".into(),
            csrf: viewer.csrf().to_owned(),
            name: what.as_str().to_owned(),
            warning: format!("{about} Everything goes on meanwhile; it takes as long as there is much."),
            verb: "Rotate".into(),
            fields: vec![("what".into(), what.as_str().to_owned())],
        })
        .collect()
    } else {
        Vec::new()
    };
    show(&KeysPage {
        page: viewer.page("Keys"),
        tabs: tabs(&viewer, "Keys"),
        keys,
        people,
        open,
        rows: shown.items.into_iter().map(Row::of).collect(),
        next: shown.next_cursor,
        runs: viewer.may(Permission::WorkflowsRead),
        rotate,
    })
}

/// Begins a rotation, or lets one that was stopped go on.
pub async fn rotate(Caller(ctx): Caller, fields: Fields) -> Result<Response, Problem> {
    let all = [What::Kek, What::Tenant, What::Subjects];
    let what = all.into_iter().find(|what| Some(what.as_str()) == fields.text("what"));
    let what = what.ok_or_else(|| Problem::field("/what", "kek, tenant or subjects"))?;
    fields.confirms(what.as_str())?;
    rotation::start(&ctx, what).await?;
    Ok(done("/ops/settings/keys", "It is under way; how far it has come stands here."))
}
