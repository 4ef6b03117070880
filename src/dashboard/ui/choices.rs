//! A part of a rail: the values that a filter can have, each a link that sets it or takes it away.

use askama::{Template, filters::HtmlSafe};

use crate::dashboard::link;

/// A filter and its values.
#[derive(Debug, Clone)]
pub struct Choices {
    pub name: &'static str,
    /// Whether the values are states, which have shapes.
    pub states: bool,
    pub values: Vec<Choice>,
}

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub word: String,
    pub href: String,
    /// How many there are of it, where that is counted.
    pub count: Option<i64>,
    pub current: bool,
}

impl Choices {
    /// Links that set a parameter of an address to one of these values; the one that is set takes it away.
    #[must_use]
    pub fn of<'v>(
        name: &'static str,
        here: &str,
        parameter: &str,
        values: impl IntoIterator<Item = (&'v str, &'v str)>,
        set: Option<&str>,
    ) -> Self {
        let choice = |(value, word): (&str, &str)| {
            let current = set == Some(value);
            let href = link::with(here, parameter, if current { "" } else { value });
            Choice { word: word.to_owned(), href, count: None, current }
        };
        Self { name, states: false, values: values.into_iter().map(choice).collect() }
    }

    /// The same for states.
    #[must_use]
    pub fn of_states<'v>(
        name: &'static str,
        here: &str,
        parameter: &str,
        values: impl IntoIterator<Item = &'v str>,
        set: Option<&str>,
    ) -> Self {
        let values = values.into_iter().map(|value| (value, value));
        Self { states: true, ..Self::of(name, here, parameter, values, set) }
    }
}

#[derive(Template)]
#[template(path = "ui/choices.html")]
pub struct ChoicesBox<'a> {
    choices: &'a Choices,
}

impl HtmlSafe for ChoicesBox<'_> {}

/// The values; stands in a `<aside class="rail">`.
#[must_use]
pub fn choices(choices: &Choices) -> ChoicesBox<'_> {
    ChoicesBox { choices }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_set_and_taken_away_by_the_same_link() {
        let choices = Choices::of_states("State", "/ops/x?state=a&cursor=c", "state", ["a", "b"], Some("a"));
        let hrefs: Vec<_> = choices.values.iter().map(|one| (one.href.as_str(), one.current)).collect();
        assert_eq!(hrefs, [("/ops/x", true), ("/ops/x?state=b", false)]);
    }
}
