//! The beginning: the first page that somebody may see.

use askama::Template;
use axum::response::{IntoResponse, Redirect, Response};

use crate::{
    dashboard::{
        page::{Page, show},
        ui,
        viewer::Viewer,
    },
    http::problem::Problem,
};

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    page: Page,
    operates: bool,
}

/// Leads to the first page of the navigation. Operators choose a tenant here.
pub async fn open(viewer: Viewer) -> Result<Response, Problem> {
    let page = viewer.page("Switchboard");
    let operates = viewer.operator().is_some();
    if operates {
        return Ok(show(&Home { page, operates })?.into_response());
    }
    let first = page.groups.first().and_then(|group| group.items.first()).map(|item| item.path);
    if let Some(first) = first {
        return Ok(Redirect::to(first).into_response());
    }
    Ok(show(&Home { page, operates })?.into_response())
}

/// A path that there is no page for.
pub async fn nowhere() -> Problem {
    domain::Error::NotFound("page; the navigation has all there are").into()
}
