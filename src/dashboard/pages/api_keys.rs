//! API keys: which there are and until when, made with a text that is shown once, and revoked by typing their name.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    access::{
        keys::{self, ApiKeyView, NewApiKey},
        permission::{Permission, PermissionSet},
    },
    moment::Moment,
    types::ApiKeyId,
};
use serde::Deserialize;

use super::{
    roles::{Group, table},
    users::tabs,
};
use crate::{
    dashboard::{
        forms::{Fields, done},
        link,
        page::{Answer, Page, show},
        ui,
        viewer::Viewer,
    },
    http::{
        Shared,
        extract::{Caller, Path, Query},
        page::Window,
        problem::Problem,
    },
};

/// Days that a key may be good for; none is for ever.
const LASTS: [(&str, &str); 5] =
    [("30", "30 days"), ("90", "90 days"), ("180", "half a year"), ("365", "a year"), ("", "no end")];
/// So long before its end somebody should make the next one.
const SOON: TimeDelta = TimeDelta::days(14);

/// The parameters of the address.
#[derive(Deserialize)]
pub struct Asked {
    pub cursor: Option<String>,
}

struct Row {
    key: ApiKeyView,
    state: &'static str,
}

#[derive(Template)]
#[template(path = "api_keys/list.html")]
struct List {
    page: Page,
    tabs: Vec<ui::Tab>,
    rows: Vec<Row>,
    next: Option<String>,
    create: bool,
}

#[derive(Template)]
#[template(path = "api_keys/one.html")]
struct One {
    page: Page,
    tabs: Vec<ui::Tab>,
    row: Row,
    groups: Vec<Group>,
    log: Option<String>,
    revoke: Option<ui::Confirm>,
}

#[derive(Template)]
#[template(path = "api_keys/new.html")]
struct New {
    page: Page,
    tabs: Vec<ui::Tab>,
    groups: Vec<Group>,
    lasts: [(&'static str, &'static str); 5],
}

#[derive(Template)]
#[template(path = "api_keys/made.html")]
struct Made {
    page: Page,
    tabs: Vec<ui::Tab>,
    key: ApiKeyView,
    text: String,
}

/// How a key is: `active`, `expiring`, `expired` or `revoked`.
fn state(key: &ApiKeyView, now: DateTime<Utc>) -> &'static str {
    match (key.revoked_at, key.expires_at) {
        (Some(_), _) => "revoked",
        (None, Some(at)) if at <= now => "expired",
        (None, Some(at)) if at <= now + SOON => "expiring",
        (None, _) => "active",
    }
}

/// The keys, newest first.
pub async fn list(viewer: Viewer, Caller(ctx): Caller, Query(asked): Query<Asked>) -> Answer {
    let window = Window::of(asked.cursor.as_deref(), None)?;
    let rows = keys::api_keys(&ctx, window.before.map(ApiKeyId), window.rows).await?;
    let shown = window.page(rows, |key| key.id.0);
    let now = ctx.now();
    let rows = shown.items.into_iter().map(|key| Row { state: state(&key, now), key }).collect();
    show(&List {
        page: viewer.page("API keys"),
        tabs: tabs(&viewer, "API keys"),
        rows,
        next: shown.next_cursor,
        create: viewer.may(Permission::ApiKeysCreate),
    })
}

/// One key, without its text.
pub async fn show_key(viewer: Viewer, Caller(ctx): Caller, Path(id): Path<ApiKeyId>) -> Answer {
    let key = keys::api_key(&ctx, id).await?;
    let open = key.revoked_at.is_none();
    let revoke = (open && viewer.may(Permission::ApiKeysRevoke)).then(|| ui::Confirm {
        action: format!("/ops/api-keys/{id}/revoke"),
        csrf: viewer.csrf().to_owned(),
        name: key.name.clone(),
        warning: "The next request with it is refused, and its sockets close. It cannot be taken back."
            .into(),
        verb: "Revoke the key".into(),
        fields: Vec::new(),
    });
    let log = link::to("/ops/audit", &[("actor", &id.to_string())]);
    let held = PermissionSet::from_names(&key.permissions);
    show(&One {
        page: viewer.page(&key.name),
        tabs: tabs(&viewer, "API keys"),
        groups: table(&[held], ctx.grants),
        log: viewer.may(Permission::AuditRead).then_some(log),
        row: Row { state: state(&key, ctx.now()), key },
        revoke,
    })
}

/// The form of a new one.
pub async fn form(viewer: Viewer, Caller(ctx): Caller) -> Answer {
    let tabs = tabs(&viewer, "API keys");
    show(&New { page: viewer.page("A new API key"), tabs, groups: table(&[], ctx.grants), lasts: LASTS })
}

/// Makes a key, and shows its text this once.
pub async fn make(
    State(app): Shared,
    viewer: Viewer,
    Caller(ctx): Caller,
    fields: Fields,
) -> Result<Response, Problem> {
    let name = fields.read_as("name", "a name of 1 to 100 characters")?;
    let days = fields.read_as::<u16>("days", "a number of days, or nothing for no end")?;
    let expires_at = days.map(|days| Moment::try_from(ctx.now() + TimeDelta::days(days.into())));
    let new = NewApiKey {
        name: name.ok_or_else(|| Problem::field("/name", "say what it is for"))?,
        permissions: fields.all("permission").map(ToOwned::to_owned).collect(),
        expires_at: expires_at.transpose().map_err(|wrong| Problem::field("/days", wrong.to_string()))?,
    };
    if new.permissions.is_empty() {
        return Err(Problem::field(
            "/permission",
            "tick what it may do; a key without permissions is of no use",
        ));
    }
    let made = keys::create_api_key(&ctx, &app.gate, new).await?;
    let Some((key, text)) = made.fresh else {
        let id = made.answer.id();
        let said =
            "The key was made already. Its text was shown once; if it is lost, revoke it and make another.";
        return Ok(done(&format!("/ops/api-keys/{id}"), said));
    };
    let (page, tabs) = (viewer.page("A new API key"), tabs(&viewer, "API keys"));
    Ok(show(&Made { page, tabs, key, text })?.into_response())
}

/// Revokes a key, once its name was typed.
pub async fn revoke(
    Caller(ctx): Caller,
    Path(id): Path<ApiKeyId>,
    fields: Fields,
) -> Result<Response, Problem> {
    // Whoever may revoke keys and not see them types the name all the same: it stands on the key's page.
    let key = keys::api_key(&ctx, id).await?;
    fields.confirms(&key.name)?;
    keys::revoke_api_key(&ctx, id).await?;
    Ok(done(&format!("/ops/api-keys/{id}"), &format!("The key {} is revoked.", key.name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_said_to_end_before_it_does() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).expect("a time");
        let key = |expires: Option<i64>, revoked: bool| ApiKeyView {
            id: ApiKeyId(uuid::Uuid::nil()),
            name: "k".into(),
            permissions: Vec::new(),
            created_at: now,
            expires_at: expires.map(|days| now + TimeDelta::days(days)),
            revoked_at: revoked.then_some(now),
        };
        for (expires, revoked, wanted) in [
            (None, false, "active"),
            (Some(15), false, "active"),
            (Some(14), false, "expiring"),
            (Some(0), false, "expired"),
            (Some(0), true, "revoked"),
        ] {
            assert_eq!(state(&key(expires, revoked), now), wanted, "{expires:?} {revoked}");
        }
    }
}
