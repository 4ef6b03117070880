//! The list of users.

use askama::Template;
use chrono::{DateTime, Utc};
use domain::{
    access::{
        permission::Permission,
        roles,
        users::{self, UserView, Wanted},
    },
    types::UserId,
};
use serde::Deserialize;

use super::{ROLES, said, tabs};
use crate::{
    dashboard::{
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
    pub role: Option<String>,
    /// `active` or `locked`.
    pub state: Option<String>,
    pub email: Option<String>,
    pub cursor: Option<String>,
}

struct Row {
    id: UserId,
    name: String,
    email: String,
    role: String,
    created_at: DateTime<Utc>,
    locked: bool,
}

#[derive(Template)]
#[template(path = "users/list.html")]
struct List {
    page: Page,
    tabs: Vec<ui::Tab>,
    rows: Vec<Row>,
    next: Option<String>,
    roles: Vec<String>,
    role: String,
    state: String,
    email: String,
    filtered: bool,
    invite: bool,
}

/// The users who fit the filters, newest first.
pub async fn list(viewer: Viewer, Caller(ctx): Caller, Query(asked): Query<Asked>) -> Answer {
    let text = |value: Option<String>| value.map(|text| text.trim().to_owned()).unwrap_or_default();
    let (role, state, email) = (text(asked.role), text(asked.state), text(asked.email));
    let wanted = Wanted {
        role: Some(role.clone()).filter(|role| !role.is_empty()),
        disabled: match state.as_str() {
            "" => None,
            "active" => Some(false),
            "locked" => Some(true),
            _ => return Err(Problem::field("?state", "active or locked")),
        },
        email: match email.as_str() {
            "" => None,
            text => Some(text.parse().map_err(|wrong: domain::types::Malformed| {
                Problem::field("?email", format!("{wrong}; it is found by the whole address"))
            })?),
        },
    };
    let window = Window::of(asked.cursor.as_deref(), None)?;
    let rows = users::found(&ctx, &wanted, window.before.map(UserId), window.rows).await?;
    let shown = window.page(rows, |user| user.id.0);
    let roles = if viewer.may(Permission::RolesRead) {
        roles::list(&ctx, None, ROLES).await?.into_iter().map(|role| role.name).collect()
    } else {
        Vec::new()
    };
    show(&List {
        page: viewer.page("Users"),
        tabs: tabs(&viewer, "Users"),
        rows: shown.items.into_iter().map(row).collect(),
        next: shown.next_cursor,
        filtered: !(role.is_empty() && state.is_empty() && email.is_empty()),
        invite: viewer.may(Permission::UsersInvite),
        roles,
        role,
        state,
        email,
    })
}

fn row(user: UserView) -> Row {
    Row {
        id: user.id,
        name: said(user.name.as_ref()),
        email: said(user.email.as_ref()),
        role: user.role,
        created_at: user.created_at,
        locked: user.disabled_at.is_some(),
    }
}
