//! What addresses and forms say, as the domain wants it. A browser sends every field of a form, so what is empty was not said.

use std::{fmt::Display, str::FromStr};

use chrono::{DateTime, Datelike, Utc};
use serde::de::{DeserializeOwned, IntoDeserializer, value::StrDeserializer};
use uuid::Uuid;

use super::forms::Fields;
use crate::http::problem::Problem;

/// The text of a parameter without space around it; none if nothing is left.
#[must_use]
pub fn text<T: AsRef<str> + ?Sized>(value: Option<&T>) -> Option<&str> {
    value.map(|value| value.as_ref().trim()).filter(|text| !text.is_empty())
}

/// An id.
///
/// # Errors
/// If it is none; `pointer` says where.
pub fn id(pointer: &str, value: Option<&str>) -> Result<Option<Uuid>, Problem> {
    let read = |text| Uuid::try_parse(text).map_err(|_| Problem::field(pointer, "this is no id"));
    text(value).map(read).transpose()
}

/// One of the words of an enum.
///
/// # Errors
/// If it is none of them, with all that there are.
pub fn word<T: DeserializeOwned>(pointer: &str, value: Option<&str>) -> Result<Option<T>, Problem> {
    let read = |text: &str| {
        let text: StrDeserializer<'_, serde::de::value::Error> = text.into_deserializer();
        T::deserialize(text).map_err(|error| Problem::field(pointer, error.to_string()))
    };
    text(value).map(read).transpose()
}

/// A value that has a form: a number, an address, a text of some length.
///
/// # Errors
/// If it has another one.
pub fn formed<T: FromStr<Err: Display>>(pointer: &str, value: Option<&str>) -> Result<Option<T>, Problem> {
    text(value).map(|text| formed_of(pointer, text)).transpose()
}

/// An instant as links have it, or as a browser's field for day and time has it, which is taken for UTC.
///
/// # Errors
/// If it is none, or far away.
pub fn moment(pointer: &str, value: Option<&str>) -> Result<Option<DateTime<Utc>>, Problem> {
    let read = |text: &str| {
        let local = || DateTime::parse_from_rfc3339(&format!("{text}:00Z"));
        let at = DateTime::parse_from_rfc3339(text).or_else(|_| local()).map(|at| at.to_utc()).ok();
        let at = at.filter(|at| (2000..3000).contains(&at.year()));
        at.ok_or_else(|| Problem::field(pointer, "a time like 2026-11-27T15:00:00Z"))
    };
    text(value).map(read).transpose()
}

/// A field of a form that has to be filled in.
///
/// # Errors
/// If it is empty, or has another form.
pub fn needed<T: FromStr<Err: Display>>(fields: &Fields, name: &str) -> Result<T, Problem> {
    let pointer = format!("/{name}");
    let text = fields.text(name).ok_or_else(|| Problem::field(&pointer, "fill this in"))?;
    formed_of(&pointer, text)
}

fn formed_of<T: FromStr<Err: Display>>(pointer: &str, text: &str) -> Result<T, Problem> {
    text.parse().map_err(|why: T::Err| Problem::field(pointer, why.to_string()))
}

#[cfg(test)]
mod tests {
    use domain::{leads::lead::Status, types::E164};

    use super::*;

    #[test]
    fn what_is_empty_was_not_said_and_what_is_wrong_is_refused() {
        let said = |text: &str| Some(text.to_owned());
        for (value, status) in [(None, Ok(None)), (said(" "), Ok(None)), (said("new"), Ok(Some(Status::New)))]
        {
            assert_eq!(word("?status", value.as_deref()).map_err(drop), status, "{value:?}");
        }
        assert!(word::<Status>("?status", said("old").as_deref()).is_err());
        assert!(id("?owner", said("me").as_deref()).is_err());
        assert!(formed::<E164>("?phone", said("110").as_deref()).is_err());
        assert!(formed::<E164>("?phone", said("").as_deref()).is_ok_and(|phone| phone.is_none()));
    }

    #[test]
    fn an_instant_is_read_from_links_and_from_fields() {
        let read = |text: &str| moment("?from", Some(text)).map(|at| at.map(|at| at.to_rfc3339()));
        for text in ["2026-11-27T15:00:00Z", "2026-11-27T16:00:00+01:00", "2026-11-27T15:00"] {
            assert!(read(text).is_ok_and(|at| at.as_deref() == Some("2026-11-27T15:00:00+00:00")), "{text}");
        }
        assert!(read("yesterday").is_err() && read("1026-11-27T15:00:00Z").is_err());
    }
}
