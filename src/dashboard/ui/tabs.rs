//! Pages that belong together.

use askama::{Template, filters::HtmlSafe};

/// A page among others.
#[derive(Debug, Clone)]
pub struct Tab {
    pub word: &'static str,
    pub href: String,
    pub current: bool,
}

impl Tab {
    #[must_use]
    pub fn new(word: &'static str, href: impl Into<String>, current: bool) -> Self {
        Self { word, href: href.into(), current }
    }
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<nav class="actions" aria-label="Pages of this part">{% for tab in tabs %}<a href="{{ tab.href }}"{% if tab.current %} aria-current="page" class="button"{% else %} class="button button-quiet"{% endif %}>{{ tab.word }}</a>{% endfor %}</nav>"#
)]
pub struct Tabs<'a> {
    tabs: &'a [Tab],
}

impl HtmlSafe for Tabs<'_> {}

/// The way between them.
#[must_use]
pub fn tabs(tabs: &[Tab]) -> Tabs<'_> {
    Tabs { tabs }
}
