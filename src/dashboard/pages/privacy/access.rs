//! Somebody wants to see what is held of them.

use askama::Template;
use axum::{
    extract::State as Shares,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use domain::{
    Ctx,
    access::permission::Permission,
    privacy::{
        export::{ExportState, link as links},
        requests::{
            self, AccessRequestView, ExportView, IdentityCheck, RequestReason, RequestStepView,
            rules::{Deed, extended},
            work,
        },
    },
    types::PrivacyRequestId,
};
use uuid::Uuid;

use super::words::{left, request_like};
use crate::{
    dashboard::{
        asked,
        forms::{Fields, done},
        page::{Answer, Page, show},
        ui,
        ui::short,
        viewer::Viewer,
    },
    http::{
        Shared,
        extract::{Caller, Path},
        problem::Problem,
    },
};

/// A link that was just made: it is on this page only.
struct Fresh {
    url: String,
    until: Option<DateTime<Utc>>,
}

#[derive(Template)]
#[template(path = "privacy/access.html")]
struct One {
    page: Page,
    request: AccessRequestView,
    short: String,
    word: &'static str,
    like: &'static str,
    left: Option<String>,
    history: Vec<RequestStepView>,
    exports: Vec<(ExportView, &'static str, &'static str)>,
    fresh: Option<Fresh>,
    /// Somebody waits for what changes by itself.
    moves: bool,
    may: May,
    extended: DateTime<Utc>,
}

/// What the viewer may do with it as it stands.
#[derive(Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a form")]
struct May {
    identify: bool,
    extend: bool,
    refuse: bool,
    export: bool,
    link: bool,
}

/// A request with what was done about it, and its files.
pub async fn show_request(
    Shares(app): Shared,
    viewer: Viewer,
    Caller(ctx): Caller,
    Path(id): Path<Uuid>,
) -> Answer {
    page_of(&viewer, &ctx, id, app.platform.clock.now(), None).await
}

async fn page_of(viewer: &Viewer, ctx: &Ctx, id: Uuid, now: DateTime<Utc>, fresh: Option<Fresh>) -> Answer {
    let whole = requests::get(ctx, PrivacyRequestId(id)).await?;
    let request = whole.request;
    let writing = whole.exports.iter().any(|export| export.state == ExportState::Writing);
    let ready = |export: &ExportView| {
        export.state == ExportState::Ready && export.expires_at.is_some_and(|kept| kept > now)
    };
    let may = |deed| viewer.may(Permission::PrivacyAccess) && request.status.allows(deed);
    let may = May {
        identify: may(Deed::Identify),
        extend: may(Deed::Extend) && request.extended_at.is_none() && !request.overdue,
        refuse: may(Deed::Refuse),
        export: may(Deed::Export) && !writing,
        link: viewer.may(Permission::PrivacyAccess) && whole.exports.iter().any(ready),
    };
    let export = |export: ExportView| {
        let (word, like) = match export.state {
            ExportState::Writing => ("being written", "running"),
            ExportState::Ready => ("ready", "ok"),
            ExportState::Gone => ("gone", "expired"),
        };
        (export, word, like)
    };
    // What follows a form leads back to the page, and not to where the form was sent.
    let page =
        Page { here: format!("/ops/privacy/access/{id}"), ..viewer.page(&format!("Access {}", short(id))) };
    show(&One {
        page,
        short: short(id),
        word: request.status.as_str(),
        like: request_like(request.status),
        left: request.ended_at.is_none().then(|| left(&request.due_at, now)),
        history: whole.history,
        exports: whole.exports.into_iter().map(export).collect(),
        moves: writing && fresh.is_none(),
        extended: extended(request.received_at),
        fresh,
        may,
        request,
    })
}

fn back(id: Uuid, notice: &str) -> Response {
    done(&format!("/ops/privacy/access/{id}"), notice)
}

/// Says how it is known who asks; from then on the file is made.
pub async fn identify(
    Caller(ctx): Caller,
    Path(id): Path<Uuid>,
    fields: Fields,
) -> Result<Response, Problem> {
    let by = IdentityCheck { method: asked::needed(&fields, "method")? };
    work::identify(&ctx, PrivacyRequestId(id), &by).await?;
    Ok(back(id, "It is known who asks. The file is being made."))
}

/// Takes two months more.
pub async fn extend(Caller(ctx): Caller, Path(id): Path<Uuid>, fields: Fields) -> Result<Response, Problem> {
    let why = RequestReason { reason: asked::needed(&fields, "reason")? };
    work::extend(&ctx, PrivacyRequestId(id), &why).await?;
    Ok(back(id, "It has two months more. Tell the person so, with the reason."))
}

/// Refuses it, for good.
pub async fn refuse(Caller(ctx): Caller, Path(id): Path<Uuid>, fields: Fields) -> Result<Response, Problem> {
    fields.confirms(&short(id))?;
    let why = RequestReason { reason: asked::needed(&fields, "reason")? };
    work::refuse(&ctx, PrivacyRequestId(id), &why).await?;
    Ok(back(id, "It is refused. Tell the person why, and that they may complain to the authority."))
}

/// Makes another file.
pub async fn export(Caller(ctx): Caller, Path(id): Path<Uuid>) -> Result<Response, Problem> {
    work::again(&ctx, PrivacyRequestId(id)).await?;
    Ok(back(id, "Another file is being made."))
}

/// Makes a link for the person. It opens the file without a login, so it stands on the page that answers and in no cookie.
pub async fn link(
    Shares(app): Shared,
    viewer: Viewer,
    Caller(ctx): Caller,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let answer = links::issue(&ctx, PrivacyRequestId(id)).await?;
    let Some(url) = answer.url else {
        return Err(domain::Error::conflict("no-file", "there is no file; have another one made").into());
    };
    let fresh = Fresh { url, until: answer.url_expires_at };
    Ok(page_of(&viewer, &ctx, id, app.platform.clock.now(), Some(fresh)).await?.into_response())
}
