//! What every form carries.

use askama::{Template, filters::HtmlSafe};
use uuid::Uuid;

/// The fields that [`hidden`] and [`once`] make.
#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<input type="hidden" name="csrf" value="{{ csrf }}">{% if !once.is_empty() %}<input type="hidden" name="once" value="{{ once }}">{% endif %}"#
)]
pub struct Hidden<'a> {
    csrf: &'a str,
    once: String,
}

impl HtmlSafe for Hidden<'_> {}

/// That the form is ours.
#[must_use]
pub fn hidden(csrf: &str) -> Hidden<'_> {
    Hidden { csrf, once: String::new() }
}

/// That the form is ours, and that it counts once however often it is sent.
#[must_use]
pub fn once(csrf: &str) -> Hidden<'_> {
    Hidden { csrf, once: fresh() }
}

/// A name for a form that is sent.
pub(super) fn fresh() -> String {
    Uuid::now_v7().simple().to_string()
}
