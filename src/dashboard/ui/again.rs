//! Parts of a page that are read again.

use askama::{Template, filters::HtmlSafe};

/// The attributes that [`again`] makes.
#[derive(Template)]
#[template(
    ext = "html",
    source = r##" hx-get="{{ here }}" hx-trigger="every {{ every }}" hx-select="#{{ id }}" hx-swap="outerMorph" hx-status:5xx="swap:none""##
)]
pub struct Again<'a> {
    here: &'a str,
    id: &'a str,
    every: &'a str,
}

impl HtmlSafe for Again<'_> {}

/// Has the element of this id read again from the page at `here`, every so often (`3s`), as attributes of the element: what is
/// the same stays as it is, and what cannot be read leaves what is there.
#[must_use]
pub fn again<'a>(here: &'a str, id: &'a str, every: &'a str) -> Again<'a> {
    Again { here, id, every }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_read_again_where_it_stands() {
        let drawn = again("/ops/jobs?a=1&b=2", "job", "3s").to_string();
        let wanted = r##" hx-get="/ops/jobs?a=1&#38;b=2" hx-trigger="every 3s" hx-select="#job" "##;
        assert!(drawn.starts_with(wanted), "{drawn}");
    }
}
