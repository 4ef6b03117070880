//! One's own password: changed by showing the one before, or chosen by a code that an admin has handed over.

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use domain::{Error, access::links};

use super::myself;
use crate::{
    dashboard::{
        forms::{Fields, done},
        page::{Answer, Page, show, show_as},
        ui,
        viewer::Viewer,
    },
    http::{
        Shared,
        peer::ClientAddress,
        problem::{Problem, request_id},
    },
};

#[derive(Template)]
#[template(path = "account/password.html")]
struct Change {
    page: Page,
    wrong: Option<String>,
}

#[derive(Template)]
#[template(path = "account/by_link.html")]
struct ByLink {
    page: Page,
    wrong: Option<String>,
}

/// What is wrong, where somebody can do something about it in the same form.
fn said(error: Error) -> Result<String, Problem> {
    match error {
        Error::Invalid(fields) => {
            Ok(fields.into_iter().map(|field| field.detail).collect::<Vec<_>>().join("; "))
        }
        error => Err(error.into()),
    }
}

/// The form.
pub async fn form(viewer: Viewer) -> Answer {
    myself(&viewer)?;
    show(&Change { page: viewer.page("Your password"), wrong: None })
}

/// Changes it. One's other sessions end.
pub async fn change(
    State(app): Shared,
    viewer: Viewer,
    ClientAddress(address): ClientAddress,
    fields: Fields,
) -> Result<Response, Problem> {
    let (ctx, _) = myself(&viewer)?;
    let text = |name: &str| fields.get(name).unwrap_or_default();
    let changed = if text("new") == text("again") {
        links::change_password(ctx, &app.gate, (text("current"), text("new")), address).await
    } else {
        Err(Error::invalid("/again", "the new password was typed in two ways"))
    };
    match changed {
        Ok(()) => Ok(done("/ops/account", "Your password is changed, and your other sessions have ended.")),
        Err(error) => {
            let wrong = Some(said(error)?);
            let page = viewer.page("Your password");
            show_as(StatusCode::UNPROCESSABLE_ENTITY, &Change { page, wrong })
        }
    }
}

/// The form for whoever has a code.
pub async fn by_link(viewer: Viewer) -> Answer {
    show(&ByLink { page: viewer.page("Choose a password"), wrong: None })
}

/// Sets the password of whoever has the code, which is used up by that.
pub async fn set_by_link(State(app): Shared, viewer: Viewer, fields: Fields) -> Result<Response, Problem> {
    let text = |name: &str| fields.get(name).unwrap_or_default();
    let set = if text("new") == text("again") {
        app.gate.set_password(text("token").trim(), text("new"), request_id()).await
    } else {
        Err(Error::invalid("/again", "the new password was typed in two ways"))
    };
    match set {
        Ok(()) => Ok(done("/ops/login", "Your password is set; log in with it.")),
        Err(error) => {
            let (status, wrong) = match error {
                Error::Unauthenticated(why) => (StatusCode::UNAUTHORIZED, why.to_owned()),
                error => (StatusCode::UNPROCESSABLE_ENTITY, said(error)?),
            };
            let page = viewer.page("Choose a password");
            Ok(show_as(status, &ByLink { page, wrong: Some(wrong) })?.into_response())
        }
    }
}
