//! One user: role, sessions, second factor.

use askama::Template;
use chrono::{DateTime, Utc};
use domain::{
    access::{
        permission::Permission,
        second_factor,
        sessions::{self, SessionView},
        users,
    },
    ctx::Actor,
    types::{SessionId, UserId},
    vault::Personal,
};
use serde::Deserialize;

use super::{giveable, said, tabs};
use crate::{
    dashboard::{
        link,
        page::{Answer, Page, show},
        ui,
        viewer::Viewer,
    },
    http::{
        extract::{Caller, Path, Query},
        page::Window,
    },
};

/// The parameters of the address.
#[derive(Deserialize)]
pub struct Asked {
    /// Of the sessions.
    pub cursor: Option<String>,
}

/// A session as a row.
pub struct Session {
    pub id: SessionId,
    /// `active`, `expired`, or why it ended.
    pub state: String,
    pub like: &'static str,
    pub open: bool,
    pub current: bool,
    pub from: String,
    pub agent: String,
    pub created_at: DateTime<Utc>,
    pub refreshed_at: DateTime<Utc>,
}

impl Session {
    /// How it stands at `now`: one that is past its end is `expired`, though nobody ended it.
    #[must_use]
    pub fn of(view: &SessionView, now: DateTime<Utc>) -> Self {
        let open = view.ended_at.is_none() && view.expires_at > now;
        let (state, like) = match (&view.end_reason, open) {
            (Some(why), _) if why == "copied" => ("ended: it was copied".to_owned(), "failed"),
            (Some(why), _) => (format!("ended: {why}"), "ended"),
            (None, true) => ("active".to_owned(), "active"),
            (None, false) => ("expired".to_owned(), "expired"),
        };
        let client = view.client.as_ref().map(Personal::expose);
        Self {
            id: view.id,
            state,
            like,
            open,
            current: view.current,
            from: client.map_or_else(|| "hidden".to_owned(), |client| client.address.clone()),
            agent: client.map_or_else(String::new, |client| client.agent.clone()),
            created_at: view.created_at,
            refreshed_at: view.refreshed_at,
        }
    }
}

#[derive(Template)]
#[template(path = "users/one.html")]
#[expect(clippy::struct_excessive_bools, reason = "what may be done does not depend on each other")]
struct One {
    page: Page,
    tabs: Vec<ui::Tab>,
    id: UserId,
    name: String,
    email: String,
    role: String,
    version: i64,
    created_at: DateTime<Utc>,
    locked_at: Option<DateTime<Utc>>,
    factor_since: Option<DateTime<Utc>>,
    /// None where the viewer may not see them.
    sessions: Option<Vec<Session>>,
    next: Option<String>,
    log: Option<String>,
    themselves: bool,
    roles: Vec<String>,
    lock: bool,
    end: bool,
    link: bool,
    factor: Option<ui::Confirm>,
}

/// A user with what may be done with them.
pub async fn show_user(
    viewer: Viewer,
    Caller(ctx): Caller,
    Path(id): Path<UserId>,
    Query(asked): Query<Asked>,
) -> Answer {
    let user = users::user(&ctx, id).await?;
    let factor_since = second_factor::since(&ctx, id).await?;
    let themselves = ctx.actor == Actor::User(id);
    let (mut sessions, mut next) = (None, None);
    if themselves || viewer.may(Permission::SessionsRead) {
        let window = Window::of(asked.cursor.as_deref(), Some(20))?;
        let rows = sessions::sessions(&ctx, id, window.before.map(SessionId), window.rows).await?;
        let shown = window.page(rows, |session| session.id.0);
        sessions = Some(shown.items.into_iter().map(|view| Session::of(&view, ctx.now())).collect());
        next = shown.next_cursor;
    }
    let mut names = Vec::new();
    if viewer.may(Permission::RolesAssign) {
        names = giveable(&viewer, &ctx).await?;
    }
    let others_factor = factor_since.is_some() && !themselves && viewer.may(Permission::SecondFactorsRemove);
    let factor = others_factor.then(|| ui::Confirm {
        action: format!("/ops/users/{id}/second-factor/remove"),
        csrf: viewer.csrf().to_owned(),
        name: "remove".into(),
        warning:
            "From then on their password alone lets them in, until they set another one. Be sure that it is \
                  they who ask for it."
                .into(),
        verb: "Remove the second factor".into(),
        fields: Vec::new(),
    });
    let log = link::to("/ops/audit", &[("actor", &id.to_string())]);
    let name = said(user.name.as_ref());
    show(&One {
        page: viewer.page(&name),
        tabs: tabs(&viewer, "Users"),
        id,
        email: said(user.email.as_ref()),
        role: user.role,
        version: user.version,
        created_at: user.created_at,
        locked_at: user.disabled_at,
        factor_since,
        sessions,
        next,
        log: viewer.may(Permission::AuditRead).then_some(log),
        themselves,
        roles: names,
        lock: viewer.may(Permission::UsersDisable) && !themselves,
        end: themselves || viewer.may(Permission::SessionsEnd),
        link: viewer.may(Permission::UsersInvite) && !themselves && user.disabled_at.is_none(),
        factor,
        name,
    })
}
