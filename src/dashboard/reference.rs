//! The description of the API as a page, for anybody, as the description itself is.

use askama::Template;
use axum::{
    http::header,
    response::{IntoResponse, Response},
};

use super::{guard::POLICY, page::show};
use crate::http::problem::Problem;

#[derive(Template)]
#[template(path = "reference.html")]
struct Reference {
    title: &'static str,
}

/// The page; a script of ours has the operations drawn in it.
///
/// # Errors
/// If the template fails, which is a fault of ours.
pub async fn page() -> Result<Response, Problem> {
    let html = show(&Reference { title: "The API" })?;
    Ok(([(header::CONTENT_SECURITY_POLICY, POLICY)], html).into_response())
}
