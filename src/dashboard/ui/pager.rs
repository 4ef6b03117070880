//! The way to the next page of a list. There are no numbers of pages: nothing counts rows.

use askama::{Template, filters::HtmlSafe};

use crate::dashboard::link;

/// The links that [`pager`] and [`onward`] make.
#[derive(Template)]
#[template(path = "ui/pager.html")]
pub struct Pager {
    back: &'static str,
    on: &'static str,
    first: Option<String>,
    next: Option<String>,
}

impl HtmlSafe for Pager {}

/// Leads to the rows after those that `here` shows, by the cursor of the page, and back to the first: for lists in the
/// order of time.
#[must_use]
pub fn pager(here: &str, next: &Option<String>) -> Pager {
    with_words(here, next.as_ref(), "Newest", "Older")
}

/// The same for lists in another order.
#[must_use]
pub fn onward(here: &str, next: &Option<String>) -> Pager {
    with_words(here, next.as_ref(), "Beginning", "Further")
}

fn with_words(here: &str, next: Option<&String>, back: &'static str, on: &'static str) -> Pager {
    let begun = link::with(here, "cursor", "");
    Pager {
        back,
        on,
        next: next.map(|cursor| link::with(here, "cursor", cursor)),
        first: here.contains("cursor=").then_some(begun),
    }
}
