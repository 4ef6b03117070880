//! Coming in and going out.

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use domain::{Error, access::dashboard::Entered, types::Text};

use crate::{
    dashboard::{
        cookies,
        forms::{self, Fields, done},
        page::{Page, show, show_as},
        ui,
        viewer::Viewer,
    },
    http::{
        App, Shared,
        extract::Query,
        peer::ClientAddress,
        problem::{Problem, request_id},
    },
};

const IN_THE_OPEN: &str = "this page came over plain HTTP, and a login is not sent over the network in the open; open it \
                           over https, or on the machine itself as http://localhost";

#[derive(Template)]
#[template(path = "login/password.html")]
struct Password {
    page: Page,
    next: String,
    tenant: String,
    email: String,
    wrong: Option<String>,
}

#[derive(Template)]
#[template(path = "login/code.html")]
struct Code {
    page: Page,
    next: String,
    halfway: String,
    wrong: Option<String>,
}

/// Where somebody wanted to go.
#[derive(serde::Deserialize)]
pub struct Wanted {
    next: Option<String>,
}

/// The form of the login.
pub async fn form(viewer: Viewer, Query(wanted): Query<Wanted>) -> Result<Response, Problem> {
    let next = forms::local(wanted.next.as_deref().unwrap_or_default()).to_owned();
    if viewer.seen().visit.is_some() {
        return Ok(Redirect::to(&next).into_response());
    }
    let (page, tenant, email) = (viewer.page("Log in"), String::new(), String::new());
    Ok(show(&Password { page, next, tenant, email, wrong: None })?.into_response())
}

/// Tenant, e-mail address and password.
pub async fn enter(
    State(app): Shared,
    viewer: Viewer,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Problem> {
    let field = |name: &str| fields.text(name).unwrap_or_default().to_owned();
    let (tenant, email, next) = (field("tenant"), field("email"), next(&fields));
    let password = fields.get("password").unwrap_or_default();
    let entered = if cookies::of_login(&headers, "").is_some() {
        app.gate.enter((&tenant, &email, password), address, agent(&headers), request_id()).await
    } else {
        Err(Error::Unauthenticated(IN_THE_OPEN))
    };
    match entered {
        Ok(Entered::In(token)) => into(&app, &viewer, &headers, &token, &next).await,
        Ok(Entered::Halfway(halfway)) => {
            let page = viewer.page("Your second factor");
            Ok(show(&Code { page, next, halfway, wrong: None })?.into_response())
        }
        Err(error) => {
            let (status, wrong) = said(error)?;
            show_as(
                status,
                &Password { page: viewer.page("Log in"), next, tenant, email, wrong: Some(wrong) },
            )
        }
    }
}

/// The code that was asked for.
pub async fn enter_by_code(
    State(app): Shared,
    viewer: Viewer,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Problem> {
    let (halfway, next) = (fields.get("halfway").unwrap_or_default().to_owned(), next(&fields));
    let code = fields.text("code").unwrap_or_default();
    match app.gate.enter_by_code(&halfway, code, address, agent(&headers), request_id()).await {
        Ok(token) => into(&app, &viewer, &headers, &token, &next).await,
        Err(error) => {
            let (status, wrong) = said(error)?;
            show_as(
                status,
                &Code { page: viewer.page("Your second factor"), next, halfway, wrong: Some(wrong) },
            )
        }
    }
}

/// An operator's key.
pub async fn enter_operator(
    State(app): Shared,
    viewer: Viewer,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Problem> {
    let next = next(&fields);
    let key = fields.text("key").unwrap_or_default();
    let entered = if cookies::of_login(&headers, "").is_some() {
        app.gate.enter_operator(key, address, request_id()).await
    } else {
        Err(Error::Unauthenticated(IN_THE_OPEN))
    };
    match entered {
        Ok(token) => into(&app, &viewer, &headers, &token, &next).await,
        Err(error) => {
            let (status, wrong) = said(error)?;
            let (page, tenant, email) = (viewer.page("Log in"), String::new(), String::new());
            show_as(status, &Password { page, next, tenant, email, wrong: Some(wrong) })
        }
    }
}

/// Ends the login.
pub async fn leave(State(app): Shared, viewer: Viewer, headers: HeaderMap) -> Result<Response, Problem> {
    app.gate.depart(&viewer.seen().token, request_id()).await?;
    let mut response = done("/ops/login", "You are logged out.");
    if let Some(gone) = cookies::of_login(&headers, "") {
        response.headers_mut().append(header::SET_COOKIE, gone);
    }
    // `done` leads within the dashboard; nothing of it may be shown from memory.
    let all = axum::http::HeaderValue::from_static("\"cache\"");
    response.headers_mut().insert("clear-site-data", all);
    Ok(response)
}

/// Turns an operator to a tenant, or away from all.
pub async fn look(State(app): Shared, viewer: Viewer, fields: Fields) -> Result<Response, Problem> {
    if viewer.operator().is_none() {
        let detail = "this is for operators of the installation, by a key of theirs";
        return Err(Problem::new(StatusCode::FORBIDDEN, "permission-missing", detail));
    }
    let Some(tenant) = fields.text("tenant") else {
        app.gate.turn_to(&viewer.seen().token, None).await?;
        return Ok(done("/ops", "You look into no tenant."));
    };
    let why = fields.text("why").unwrap_or_default().parse::<Text<200>>();
    let why =
        why.map_err(|_| Problem::field("/why", "say why in 3 to 200 characters; the tenant can read it"))?;
    app.gate.turn_to(&viewer.seen().token, Some((tenant, &why))).await?;
    Ok(done("/ops", &format!("You look into {tenant}. It can read that you do, and why.")))
}

fn next(fields: &Fields) -> String {
    forms::local(fields.get("next").unwrap_or_default()).to_owned()
}

fn agent(headers: &HeaderMap) -> &str {
    headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default()
}

/// Gives the login to the browser; one that it had before ends, so that no copy of that is good any longer.
async fn into(
    app: &App,
    viewer: &Viewer,
    headers: &HeaderMap,
    token: &str,
    next: &str,
) -> Result<Response, Problem> {
    if viewer.seen().visit.is_some() {
        app.gate.depart(&viewer.seen().token, request_id()).await?;
    }
    let mut response = Redirect::to(next).into_response();
    if let Some(cookie) = cookies::of_login(headers, token) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// What the form says about a refusal; all else is a page of its own.
fn said(error: Error) -> Result<(StatusCode, String), Problem> {
    match error {
        Error::Unauthenticated(why) => Ok((StatusCode::UNAUTHORIZED, why.to_owned())),
        error @ Error::TooMany { .. } => {
            let problem = Problem::from(error);
            let wait = problem.retry_after.map_or(60, std::num::NonZeroU16::get);
            Ok((StatusCode::TOO_MANY_REQUESTS, format!("{}; again in {wait} s", problem.detail)))
        }
        error => Err(error.into()),
    }
}
