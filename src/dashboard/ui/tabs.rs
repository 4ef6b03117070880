//! Links of which one is chosen: pages that belong together, or one of a few values.

use askama::{Template, filters::HtmlSafe};

use crate::dashboard::link;

/// One of them.
#[derive(Debug, Clone)]
pub struct Tab {
    pub word: &'static str,
    pub href: String,
    pub current: bool,
}

impl Tab {
    /// `current` if it leads to what is shown already.
    #[must_use]
    pub fn new(word: &'static str, href: impl Into<String>, current: bool) -> Self {
        Self { word, href: href.into(), current }
    }

    /// A value of a field with its word: chosen, or the page at `here` by it.
    #[must_use]
    pub fn of(here: &str, field: &str, (value, word): (&str, &'static str), chosen: &str) -> Self {
        Self::new(word, link::with(here, field, value), value == chosen)
    }
}

/// The links that [`tabs`] and [`choose`] make.
#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<nav class="choose" aria-label="{{ name }}">{% for tab in links %}<a href="{{ tab.href }}"{% if tab.current %} aria-current="{{ current }}"{% endif %}>{{ tab.word }}</a>{% endfor %}</nav>"#
)]
pub struct Tabs<'a> {
    name: &'a str,
    /// What the chosen one is, as `aria-current` says it.
    current: &'static str,
    links: &'a [Tab],
}

impl HtmlSafe for Tabs<'_> {}

/// The way between pages that belong together.
#[must_use]
pub fn tabs(tabs: &[Tab]) -> Tabs<'_> {
    Tabs { name: "Pages of this part", current: "page", links: tabs }
}

/// One of a few values for this page; `name` says to whoever does not see it what is chosen. Several of them stand in a
/// `<div class="choosers">`.
#[must_use]
pub fn choose<'a>(name: &'a str, tabs: &'a [Tab]) -> Tabs<'a> {
    Tabs { name, current: "true", links: tabs }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chosen_one_is_told() {
        let both =
            [Tab::new("1h", "/ops/jobs?last=1h&chart=rate", false), Tab::new("24h", "/ops/jobs", true)];
        let drawn = choose("Span", &both).to_string();
        assert!(drawn.starts_with(r#"<nav class="choose" aria-label="Span">"#), "{drawn}");
        assert!(drawn.contains(r#"<a href="/ops/jobs?last=1h&#38;chart=rate">1h</a>"#), "{drawn}");
        assert!(drawn.contains(r#"<a href="/ops/jobs" aria-current="true">24h</a>"#), "{drawn}");
        assert!(tabs(&both).to_string().contains(r#"aria-current="page""#));
    }
}
