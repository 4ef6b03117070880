//! Addresses: filters stand in the query, so that every view can be linked to, kept and sent on.

use form_urlencoded::Serializer;

/// A path with a query; pairs without a value are left out.
#[must_use]
pub fn to(path: &str, pairs: &[(&str, &str)]) -> String {
    let mut query = Serializer::new(String::new());
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        query.append_pair(name, value);
    }
    let query = query.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// The same address with one parameter set, or taken away by an empty value. Where it leads begins at its first page.
#[must_use]
pub fn with(here: &str, name: &str, value: &str) -> String {
    let (path, query) = here.split_once('?').unwrap_or((here, ""));
    let kept: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .filter(|(key, _)| key != name && key != "cursor")
        .collect();
    let mut pairs: Vec<(&str, &str)> = kept.iter().map(|(key, value)| (&**key, &**value)).collect();
    pairs.push((name, value));
    to(path, &pairs)
}

/// The same address of all times: without the ends of a span.
#[must_use]
pub fn timeless(here: &str) -> String {
    with(&with(here, "from", ""), "until", "")
}

/// The text of a percent-encoded value.
#[must_use]
pub fn decode(text: &str) -> String {
    let joined = format!("x={text}");
    form_urlencoded::parse(joined.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_set_changed_and_taken_away() {
        assert_eq!(to("/ops/jobs", &[("state", ""), ("tag", "a b&c")]), "/ops/jobs?tag=a+b%26c");
        assert_eq!(with("/ops/jobs", "state", "running"), "/ops/jobs?state=running");
        assert_eq!(with("/ops/jobs?state=a&tag=t&cursor=x", "state", "b"), "/ops/jobs?tag=t&state=b");
        assert_eq!(with("/ops/jobs?state=a", "state", ""), "/ops/jobs");
        assert_eq!(timeless("/ops/jobs?from=a&tag=t&until=b&cursor=c"), "/ops/jobs?tag=t");
        assert_eq!(decode("a+b%26c"), "a b&c");
    }
}
