//! Inviting somebody: a user without a password, and the code by which they choose one.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use domain::{
    Ctx,
    access::{
        links::{self, PasswordLink},
        permission::Permission,
        users::{self, NewUser},
    },
    types::UserId,
};

use super::{giveable, said, tabs};
use crate::{
    dashboard::{
        forms::{Fields, done},
        page::{Answer, Page, show},
        ui,
        viewer::Viewer,
    },
    http::{
        Shared,
        extract::{Caller, Path},
        problem::Problem,
    },
};

/// Where whoever has a code goes.
const DOOR: &str = "/ops/password";

#[derive(Template)]
#[template(path = "users/new.html")]
struct Form {
    page: Page,
    tabs: Vec<ui::Tab>,
    roles: Vec<String>,
}

#[derive(Template)]
#[template(path = "users/link.html")]
struct Invited {
    page: Page,
    tabs: Vec<ui::Tab>,
    id: UserId,
    name: String,
    link: PasswordLink,
    door: String,
}

/// The form.
pub async fn form(viewer: Viewer, Caller(ctx): Caller) -> Answer {
    let roles = giveable(&viewer, &ctx).await?;
    show(&Form { page: viewer.page("Invite somebody"), tabs: tabs(&viewer, "Users"), roles })
}

/// Makes the user, and shows the code for their password this once.
pub async fn make(
    State(app): Shared,
    viewer: Viewer,
    Caller(ctx): Caller,
    fields: Fields,
) -> Result<Response, Problem> {
    let missing = |name: &str, wanted: &str| Problem::field(format!("/{name}"), wanted.to_owned());
    let name = fields.read_as("name", "a name of 1 to 200 characters")?;
    let email = fields.read_as("email", "one e-mail address, for example ada@example.com")?;
    let new = NewUser {
        name: name.ok_or_else(|| missing("name", "say how they are called"))?,
        email: email.ok_or_else(|| missing("email", "say where they are written to"))?,
        password: None,
        role: fields.text("role").ok_or_else(|| missing("role", "choose a role"))?.to_owned(),
    };
    let made = users::create_user(&ctx, &app.gate, new).await?;
    let Some(id) = made.fresh else {
        let id = made.answer.id();
        let said = "They were invited already. The code was shown once; make another one if it is lost.";
        return Ok(done(&format!("/ops/users/{id}"), said));
    };
    // The form's name stands for the user; the code is another thing.
    let link = links::issue(&Ctx { idempotency: None, ..ctx.clone() }, id).await?;
    invited(&viewer, &ctx, id, link.fresh).await
}

/// Another code for somebody who has lost theirs, or their password. The ones before are void.
pub async fn link(viewer: Viewer, Caller(ctx): Caller, Path(id): Path<UserId>) -> Result<Response, Problem> {
    let link = links::issue(&ctx, id).await?;
    invited(&viewer, &ctx, id, link.fresh).await
}

async fn invited(
    viewer: &Viewer,
    ctx: &Ctx,
    id: UserId,
    link: Option<PasswordLink>,
) -> Result<Response, Problem> {
    let Some(link) = link else {
        return Ok(done(&format!("/ops/users/{id}"), "The code was shown already; make another one."));
    };
    let name = if viewer.may(Permission::UsersRead) {
        said(users::user(ctx, id).await?.name.as_ref())
    } else {
        "them".to_owned()
    };
    let site = ctx.platform.public_url.as_deref().unwrap_or_default();
    let door = format!("{site}{DOOR}");
    let page = viewer.page("A code for a password");
    Ok(show(&Invited { page, tabs: tabs(viewer, "Users"), id, name, link, door })?.into_response())
}
