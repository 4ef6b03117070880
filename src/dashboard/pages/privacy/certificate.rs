//! The certificate of an erasure, to be read and to be taken out. That it was looked at is written down.

use askama::Template;
use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use domain::{
    privacy::erasure::certificate::{self, Certificate},
    types::ErasureId,
};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    dashboard::{
        page::{Page, show},
        ui,
        ui::short,
        viewer::Viewer,
    },
    http::{
        extract::{Caller, Path},
        problem::Problem,
    },
};

/// What the statement says, as far as it is shown in tables.
#[derive(Debug, Default, Deserialize)]
struct Statement {
    #[serde(default)]
    at: String,
    #[serde(default)]
    done: Vec<Done>,
    #[serde(default)]
    kept: Vec<Kept>,
    #[serde(default)]
    unreadable: String,
}

/// How much of what was done.
#[derive(Debug, Deserialize)]
struct Done {
    what: String,
    deed: String,
    count: i64,
}

/// A table of which rows stay.
#[derive(Debug, Deserialize)]
struct Kept {
    table: String,
    why: String,
}

#[derive(Template)]
#[template(path = "privacy/certificate.html")]
struct Shown {
    page: Page,
    id: Uuid,
    short: String,
    certificate: Certificate,
    statement: Statement,
    pretty: String,
}

/// The certificate as a page.
pub async fn show_certificate(
    viewer: Viewer,
    Caller(ctx): Caller,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let certificate = certificate::get(&ctx, ErasureId(id)).await?;
    let whole: Value = serde_json::from_str(&certificate.statement).map_err(domain::Error::internal)?;
    let page = Shown {
        page: viewer.page(&format!("Certificate {}", short(id))),
        id,
        short: short(id),
        pretty: ui::pretty(&whole),
        statement: serde_json::from_value(whole).unwrap_or_default(),
        certificate,
    };
    Ok(show(&page)?.into_response())
}

/// The same as a file, with the statement to the byte: what the signature is over.
pub async fn download(Caller(ctx): Caller, Path(id): Path<Uuid>) -> Result<Response, Problem> {
    let certificate = certificate::get(&ctx, ErasureId(id)).await?;
    let text = serde_json::to_string(&certificate).map_err(domain::Error::internal)?;
    let headers = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"erasure-{id}.json\"")),
    ];
    Ok((headers, text).into_response())
}
