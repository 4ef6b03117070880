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
    /// As the address has it.
    pub value: String,
    /// As people read it.
    pub word: String,
    /// The state in whose shape it is drawn; empty for a plain word.
    pub like: &'static str,
    /// None where no counter says.
    pub count: Option<i64>,
    /// Filters by it, or no longer.
    pub href: String,
    pub current: bool,
}

impl Facet {
    /// A dimension whose values, each with its word, the list at `here` is filtered by, without figures.
    #[must_use]
    pub fn of<'v>(
        name: &'static str,
        here: &str,
        field: &str,
        values: impl IntoIterator<Item = (&'v str, &'v str)>,
        chosen: Option<&str>,
    ) -> Self {
        let values = values.into_iter().map(|value| FacetValue::of(here, field, value, chosen));
        Self { name, values: values.collect(), ..Self::default() }
    }

    /// The same for states, which have shapes.
    #[must_use]
    pub fn of_states(
        name: &'static str,
        here: &str,
        field: &str,
        states: impl IntoIterator<Item = &'static str>,
        chosen: Option<&str>,
    ) -> Self {
        let value = |state| FacetValue { like: state, ..FacetValue::of(here, field, (state, state), chosen) };
        Self { name, values: states.into_iter().map(value).collect(), ..Self::default() }
    }

    /// With how many there are of each value.
    #[must_use]
    pub fn counting(mut self, count: impl Fn(&FacetValue) -> i64) -> Self {
        self.counted = true;
        for value in &mut self.values {
            value.count = Some(count(value));
        }
        self
    }
}

impl FacetValue {
    /// A value by which the list at `here` is filtered if it is not, and no longer if it is.
    #[must_use]
    pub fn of(here: &str, field: &str, (value, word): (&str, &str), chosen: Option<&str>) -> Self {
        let current = chosen == Some(value);
        let href = link::with(here, field, if current { "" } else { value });
        Self { value: value.to_owned(), word: word.to_owned(), like: "", count: None, href, current }
    }
}

/// The fragment that [`rail`] makes.
#[derive(Template)]
#[template(path = "ui/rail.html")]
pub struct Rail<'a> {
    /// What the figures are about is said where it is not what it was before.
    facets: Vec<(&'a Facet, &'a str)>,
}

impl HtmlSafe for Rail<'_> {}

/// The rail. It stands first in a `<div class="faceted">`.
#[must_use]
pub fn rail(facets: &[Facet]) -> Rail<'_> {
    let mut before = "";
    let shown = facets.iter().filter(|facet| !facet.values.is_empty()).map(|facet| {
        let about = if facet.about == before { "" } else { facet.about.as_str() };
        before = &facet.about;
        (facet, about)
    });
    Rail { facets: shown.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_click_takes_a_filter_away() {
        let here = "/ops/leads?status=new&tag=a&cursor=c";
        let of = |value| FacetValue::of(here, "status", (value, value), Some("new"));
        assert_eq!((of("new").href.as_str(), of("new").current), ("/ops/leads?tag=a", true));
        assert_eq!(of("lost").href, "/ops/leads?tag=a&status=lost");
        let facet = Facet { name: "Status", values: vec![of("<b>")], ..Facet::default() };
        let drawn = rail(&[facet]).to_string();
        assert!(drawn.contains("&#60;b&#62;") && !drawn.contains("num"), "{drawn}");
    }

    #[test]
    fn states_have_shapes_and_figures_where_something_counts() {
        let facet = Facet::of_states("State", "/ops/x", "state", ["running", "failed"], None);
        assert!(rail(std::slice::from_ref(&facet)).to_string().contains("mark-busy"));
        let counted = facet.counting(|value| if value.value == "failed" { 7 } else { 0 });
        let drawn = rail(&[counted]).to_string();
        assert!(drawn.contains(r#"title="7">7<"#) && drawn.contains(r#"title="0">0<"#), "{drawn}");
    }
    #[test]
    fn what_figures_are_about_is_said_once() {
        let values = vec![FacetValue::of("/ops/x", "a", ("b", "b"), None)];
        let facet = |about: &str| Facet { about: about.into(), values: values.clone(), ..Facet::default() };
        let none = Facet { about: "of today".into(), ..Facet::default() };
        let drawn = rail(&[none, facet("of today"), facet("of today"), facet("of a week")]).to_string();
        let said = |text: &str| drawn.matches(text).count();
        assert_eq!((said("of today"), said("of a week")), (1, 1), "{drawn}");
    }
}
