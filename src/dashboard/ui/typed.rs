//! A name that is typed before something happens that cannot be taken back.

use askama::{Template, filters::HtmlSafe};

/// The field that [`typed`] makes.
#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<label><span>Type <code>{{ name }}</code> to confirm</span> <input name="confirm" required autocomplete="off" autocapitalize="off" spellcheck="false" data-confirm="{{ name }}"></label>"#
)]
pub struct Typed<'a> {
    name: &'a str,
}

impl HtmlSafe for Typed<'_> {}

/// The field of a form for it; the form's handler calls [`Fields::confirms`](crate::dashboard::forms::Fields::confirms) with
/// the same name.
#[must_use]
pub fn typed(name: &str) -> Typed<'_> {
    Typed { name }
}
