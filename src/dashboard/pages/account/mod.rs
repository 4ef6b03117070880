//! What everybody does about themselves: sessions, password, second factor, and how times are shown.

pub mod password;
pub mod second_factor;

use askama::Template;
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::{
    Ctx, Error,
    access::{second_factor as factor, sessions, users},
    ctx::Actor,
    types::{SessionId, UserId},
};
use serde::Deserialize;

use super::users::{one::Session, said};
use crate::{
    dashboard::{
        forms::{Fields, done},
        page::{Answer, Page, show},
        ui,
        viewer::Viewer,
    },
    http::{extract::Query, page::Window, problem::Problem},
};

/// The parameters of the address.
#[derive(Deserialize)]
pub struct Asked {
    /// Of the sessions.
    pub cursor: Option<String>,
}

/// Who somebody is.
struct Own {
    name: String,
    email: String,
    role: String,
    factor_since: Option<DateTime<Utc>>,
    sessions: Vec<Session>,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "account/account.html")]
struct Account {
    page: Page,
    /// None of an operator, who is no user.
    own: Option<Own>,
}

/// The user who is logged in.
///
/// # Errors
/// If it is somebody else: an operator.
pub(super) fn myself(viewer: &Viewer) -> Result<(&Ctx, UserId), Problem> {
    let ctx = viewer.user()?;
    match ctx.actor {
        Actor::User(user) => Ok((ctx, user)),
        _ => Err(Error::NotFound("user").into()),
    }
}

/// The page about oneself.
pub async fn show_account(viewer: Viewer, Query(asked): Query<Asked>) -> Answer {
    let page = viewer.page("Your account");
    if viewer.operator().is_some() {
        return show(&Account { page, own: None });
    }
    let (ctx, id) = myself(&viewer)?;
    let user = users::user(ctx, id).await?;
    let factor_since = factor::since(ctx, id).await?;
    let window = Window::of(asked.cursor.as_deref(), Some(20))?;
    let rows = sessions::sessions(ctx, id, window.before.map(SessionId), window.rows).await?;
    let shown = window.page(rows, |session| session.id.0);
    let own = Own {
        name: said(user.name.as_ref()),
        email: said(user.email.as_ref()),
        role: user.role,
        factor_since,
        sessions: shown.items.into_iter().map(|view| Session::of(&view, ctx.now())).collect(),
        next: shown.next_cursor,
    };
    show(&Account { page, own: Some(own) })
}

/// Ends one of one's own sessions, or all of them.
pub async fn end_sessions(viewer: Viewer, fields: Fields) -> Result<Response, Problem> {
    let (ctx, id) = myself(&viewer)?;
    let one = fields.read_as("session", "the id of a session")?.map(SessionId);
    sessions::end_sessions(ctx, id, one).await?;
    if one.is_none() || one == ctx.session {
        return Ok(done("/ops/login", "Your sessions have ended; log in again."));
    }
    Ok(done("/ops/account", "The session has ended."))
}
