//! The beginning: the first page that somebody may see.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};

use super::installation;
use crate::{
    dashboard::{
        page::{Page, show},
        ui,
        viewer::Viewer,
    },
    http::{Shared, extract::Query, problem::Problem},
};

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    page: Page,
}

/// Leads to the first page of the navigation. Operators see all tenants, and choose one here.
pub async fn open(
    State(app): Shared,
    viewer: Viewer,
    Query(asked): Query<installation::Asked>,
) -> Result<Response, Problem> {
    if let Some(by) = viewer.operator().cloned() {
        return Ok(installation::page(&app, viewer, &by, asked).await?.into_response());
    }
    let page = viewer.page("Switchboard");
    let first = page.groups.first().and_then(|group| group.items.first()).map(|item| item.path);
    if let Some(first) = first {
        return Ok(Redirect::to(first).into_response());
    }
    Ok(show(&Home { page })?.into_response())
}

/// A path that there is no page for.
pub async fn nowhere() -> Problem {
    domain::Error::NotFound("page; the navigation has all there are").into()
}
