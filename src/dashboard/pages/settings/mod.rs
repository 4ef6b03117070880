//! What a tenant has settled, a page for each part of it: read by whoever may, changed where the API has a change.

pub mod general;
pub mod keys;
pub mod providers;
pub mod retention;
pub mod sending;
pub mod webhook;
pub mod webhooks;

use axum::{
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use domain::access::permission::Permission as P;

use crate::{
    dashboard::{ui::Tab, viewer::Viewer},
    http::problem::Problem,
};

/// What each part is read by.
pub const READS: [P; 6] =
    [P::TenantRead, P::MessagePolicyRead, P::PrivacyRead, P::ProvidersRead, P::WebhooksRead, P::KeysRead];

const PARTS: [(&str, &str); 6] = [
    ("General", "/ops/settings/general"),
    ("Sending", "/ops/settings/sending"),
    ("Retention", "/ops/settings/retention"),
    ("Providers", "/ops/settings/providers"),
    ("Webhooks", "/ops/settings/webhooks"),
    ("Keys", "/ops/settings/keys"),
];

fn seen(viewer: &Viewer) -> impl Iterator<Item = (&'static str, &'static str)> {
    let parts = PARTS.into_iter().zip(READS);
    parts.filter(|(_, permission)| viewer.may_see(*permission)).map(|(part, _)| part)
}

/// The parts that the viewer may see.
pub(super) fn tabs(viewer: &Viewer, current: &str) -> Vec<Tab> {
    seen(viewer).map(|(word, href)| Tab::new(word, href, word == current)).collect()
}

/// Leads to the first part that the viewer may see.
pub async fn open(viewer: Viewer) -> Result<Response, Problem> {
    let first = seen(&viewer).next().map(|(_, href)| Redirect::to(href).into_response());
    first.ok_or_else(|| {
        if viewer.operator().is_some() {
            let detail = "choose a tenant to look into first, at the beginning of the dashboard";
            return Problem::new(StatusCode::CONFLICT, "no-tenant-chosen", detail);
        }
        domain::Error::Forbidden(P::TenantRead.as_str()).into()
    })
}
