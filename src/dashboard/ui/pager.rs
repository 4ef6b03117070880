//! The way to the next page of a list. There are no numbers of pages: nothing counts rows.

use askama::{Template, filters::HtmlSafe};

use crate::dashboard::link;

#[derive(Template)]
#[template(path = "ui/pager.html")]
pub struct Pager {
    first: Option<String>,
    next: Option<String>,
}

impl HtmlSafe for Pager {}

/// Leads to the rows after those that `here` shows, by the cursor of the page, and back to the first.
#[must_use]
pub fn pager(here: &str, next: &Option<String>) -> Pager {
    let begun = link::with(here, "cursor", "");
    Pager {
        next: next.as_ref().map(|cursor| link::with(here, "cursor", cursor)),
        first: here.contains("cursor=").then_some(begun),
    }
}
