//! Values of the command line: one of some words, instants, pairs, JSON.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use domain::moment::Moment;
use serde_json::Value;

/// One of some things by its word; completions know the words.
pub(super) fn one_of<T: Copy + Send + Sync + 'static>(
    all: &'static [T],
    word: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(all.iter().map(|one| word(*one))).try_map(move |given: String| {
        all.iter().copied().find(|one| word(*one) == given).ok_or("there is no such word")
    })
}

/// An instant (RFC 3339).
pub(super) fn moment(text: &str) -> Result<Moment, String> {
    serde_json::from_value(text.into())
        .map_err(|_| "write an instant as 2026-03-29T14:00:00Z, of the years 1970 to 9999".into())
}

/// `name=value`.
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) =
        text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or("write name=value")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Any JSON.
pub(super) fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("this is no JSON: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_or_refused_in_words() {
        assert!(moment("2026-03-29T14:00:00+02:00").is_ok() && moment("yesterday").is_err());
        assert_eq!(pair("a=b=c"), Ok(("a".into(), "b=c".into())));
        assert!(pair("=b").is_err() && pair("a").is_err());
        assert_eq!(json("{\"a\": [1]}").map(|value| value["a"][0].clone()), Ok(Value::from(1)));
        assert!(json("{").is_err_and(|why| why.contains("JSON")));
    }
}
