//! The rail beside a list: for each dimension its values, and one click to filter by one.

use askama::{Template, filters::HtmlSafe};

use crate::dashboard::link;

/// A dimension.
#[derive(Debug, Clone, Default)]
pub struct Facet {
    pub name: &'static str,
    /// What its figures are about.
    pub about: String,
    /// Whether there are figures; none are shown where nothing counts.
    pub counted: bool,
    pub values: Vec<FacetValue>,
}

/// A value of one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FacetValue {
    pub word: String,
    /// The state in whose shape it is drawn; empty for a plain word.
    pub like: &'static str,
    /// None where no counter says.
    pub count: Option<i64>,
    /// Filters by it, or no longer.
    pub href: String,
    pub current: bool,
}

impl FacetValue {
    /// A value by which the list at `here` is filtered if it is not, and no longer if it is.
    #[must_use]
    pub fn of(here: &str, field: &str, (value, word): (&str, &str), chosen: Option<&str>) -> Self {
        let current = chosen == Some(value);
        let href = link::with(here, field, if current { "" } else { value });
        Self { word: word.to_owned(), like: "", count: None, href, current }
    }
}

#[derive(Template)]
#[template(path = "ui/rail.html")]
pub struct Rail<'a> {
    facets: &'a [Facet],
}

impl HtmlSafe for Rail<'_> {}

/// The rail. It stands first in a `<div class="faceted">`.
#[must_use]
pub fn rail(facets: &[Facet]) -> Rail<'_> {
    Rail { facets }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_click_takes_a_filter_away() {
        let here = "/ops/leads?status=new&tag=a";
        let of = |value| FacetValue::of(here, "status", (value, value), Some("new"));
        assert_eq!((of("new").href.as_str(), of("new").current), ("/ops/leads?tag=a", true));
        assert_eq!(of("lost").href, "/ops/leads?tag=a&status=lost");
        let facet = Facet { name: "Status", values: vec![of("<b>")], ..Facet::default() };
        let drawn = rail(&[facet]).to_string();
        assert!(drawn.contains("&#60;b&#62;") && !drawn.contains("num"), "{drawn}");
    }
}
