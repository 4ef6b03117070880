//! What an account is set to whose adapter speaks HTTP: its credentials, and where its provider is.

use domain::{error::FieldError, outbound::OutboundPolicy};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

/// A field of an account's settings: its name, whether it must be there, and what to write.
pub(in crate::providers) type Field = (&'static str, bool, &'static str);

/// What may have lines: a key in PEM, and what is said to people.
const OF_LINES: [&str; 2] = ["private_key", "help_text"];

/// Reads an account's settings: texts all, and no others than these.
///
/// # Errors
/// What to change, by pointer.
pub(in crate::providers) fn settings<T: DeserializeOwned>(
    given: &Value,
    fields: &[Field],
) -> Result<T, Vec<FieldError>> {
    let names = || fields.iter().map(|(name, _, _)| *name).collect::<Vec<_>>().join(", ");
    let Some(object) = given.as_object() else {
        return Err(vec![FieldError::new("", format!("an object with {}", names()))]);
    };
    let mut wrong = Vec::new();
    for name in object.keys() {
        if fields.iter().all(|(known, _, _)| known != name) {
            wrong.push(FieldError::new(format!("/{name}"), format!("there are {}", names())));
        }
    }
    for (name, needed, what) in fields {
        let pointer = format!("/{name}");
        match object.get(*name) {
            None | Some(Value::Null) if *needed => wrong.push(FieldError::new(pointer, *what)),
            None | Some(Value::Null) => {}
            Some(Value::String(text)) if is_unclean(name, text) => {
                wrong.push(FieldError::new(
                    pointer,
                    format!("without line breaks or other control characters: {what}"),
                ));
            }
            Some(Value::String(text)) if !text.trim().is_empty() => {}
            Some(_) => wrong.push(FieldError::new(pointer, *what)),
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    serde_json::from_value(given.clone()).map_err(|error| vec![FieldError::new("", error.to_string())])
}

/// Whether a text has characters that it cannot have: a token that was pasted with the break of its line fits no header.
fn is_unclean(name: &str, text: &str) -> bool {
    let unclean = |c: char| c == '\0' || (c.is_control() && !OF_LINES.contains(&name));
    text.contains(unclean)
}

/// Where a provider is: its own address, unless another is set, as for a test or a proxy of the tenant's.
pub(in crate::providers) fn base(
    policy: &OutboundPolicy,
    set: Option<&str>,
    own: &str,
) -> Result<Url, Vec<FieldError>> {
    let wrong = |why| vec![FieldError::new("/base_url", why)];
    let url = match set {
        Some(set) => policy.check(set).map_err(|why| wrong(format!("the URL {why}")))?,
        None => Url::parse(own).map_err(|error| wrong(error.to_string()))?,
    };
    if url.query().is_some() {
        return Err(wrong("an address without a query".into()));
    }
    Ok(url)
}

/// An address below another one.
pub(in crate::providers) fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
    url
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Two {
        one: String,
        two: Option<String>,
    }

    #[test]
    fn settings_are_texts_and_no_others_than_these() {
        let fields: &[Field] = &[("one", true, "write one"), ("two", false, "write two")];
        let read = |given: Value| settings::<Two>(&given, fields);
        let good = read(json!({"one": "1"})).expect("they fit");
        assert_eq!((good.one.as_str(), good.two), ("1", None));
        for (given, at) in [
            (json!(null), ""),
            (json!({}), "/one"),
            (json!({"one": " "}), "/one"),
            (json!({"one": 1}), "/one"),
            (json!({"one": "xoxb-1\n"}), "/one"),
            (json!({"one": "1", "two": "a\u{0}b"}), "/two"),
            (json!({"one": "1", "two": "a\tb"}), "/two"),
            (json!({"one": "1", "two": []}), "/two"),
            (json!({"one": "1", "three": "3"}), "/three"),
        ] {
            assert_eq!(read(given.clone()).expect_err("a fault")[0].pointer, at, "{given}");
        }
    }

    #[test]
    fn only_a_key_and_what_people_read_may_have_lines() {
        let fields: &[Field] = &[("private_key", true, "a key"), ("help_text", true, "a text")];
        let read = |given: Value| settings::<Value>(&given, fields);
        assert!(read(json!({"private_key": "a\nb\n", "help_text": "a\r\nb"})).is_ok());
        let wrong = read(json!({"private_key": "a\u{0}", "help_text": "b"})).expect_err("a fault");
        assert_eq!((wrong[0].pointer.as_str(), wrong.len()), ("/private_key", 1));
    }
}
