//! The list of tenants, for operators.

use askama::Template;
use axum::response::{IntoResponse, Redirect, Response};
use domain::{access::tenants, tenancy::settings::TenantView};
use serde::Deserialize;

use crate::{
    dashboard::{
        asked,
        page::{Page, show},
        ui,
        viewer::Viewer,
    },
    http::{extract::Query, page::Window, problem::Problem},
};

/// The parameters of the address.
#[derive(Deserialize)]
pub struct Asked {
    /// A slug, which is gone to.
    pub q: Option<String>,
    pub cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "tenants/list.html")]
struct List {
    page: Page,
    tenants: Vec<TenantView>,
    next: Option<String>,
}

/// The tenants in the order of their slugs. Whoever belongs to one is led to it.
pub async fn list(viewer: Viewer, Query(asked): Query<Asked>) -> Result<Response, Problem> {
    let Some(operator) = viewer.operator() else {
        viewer.user()?;
        let slug = viewer.tenant().unwrap_or_default();
        return Ok(Redirect::to(&format!("/ops/tenants/{slug}")).into_response());
    };
    if let Some(slug) = asked::text(asked.q.as_deref()) {
        let found = tenants::get(operator, slug).await?;
        return Ok(Redirect::to(&format!("/ops/tenants/{}", found.slug)).into_response());
    }
    let window = Window::<String>::of(asked.cursor.as_deref(), None)?;
    let after = window.before.clone().unwrap_or_default();
    let rows = tenants::list(operator, &after, window.rows).await?;
    let shown = window.page(rows, |tenant| tenant.slug.clone());
    let list = List { page: viewer.page("Tenants"), tenants: shown.items, next: shown.next_cursor };
    Ok(show(&list)?.into_response())
}
