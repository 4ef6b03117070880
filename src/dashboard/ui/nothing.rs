//! A list without rows.

use askama::{Template, filters::HtmlSafe};

/// The fragment that [`nothing`] makes.
#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<div class="nothing"><p class="nothing-what">{{ what }}</p><p>{{ advice }}</p></div>"#
)]
pub struct Nothing<'a> {
    what: &'a str,
    advice: &'a str,
}

impl HtmlSafe for Nothing<'_> {}

/// Says what there is none of, and what to do about that.
#[must_use]
pub fn nothing<'a>(what: &'a str, advice: &'a str) -> Nothing<'a> {
    Nothing { what, advice }
}
