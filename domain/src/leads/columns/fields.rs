//! What a column of a file may be of a lead. Pure.

use std::{fmt::Display, str::FromStr};

use super::super::lead::{LeadChange, Source, Status};
use crate::types::Text;

/// Reads what a column says into a lead; errs with what it should look like.
type Set = fn(&mut LeadChange, &str) -> Result<(), String>;

/// The fields that leads have, and how each is read. Whoever gives leads another one adds its line here.
const KNOWN: &[(&str, Set)] = &[
    ("name", |lead, text| put(&mut lead.name, text)),
    ("phone", |lead, text| put(&mut lead.phone, text)),
    ("email", |lead, text| put(&mut lead.email, text)),
    ("status", |lead, text| word(&mut lead.status, &Status::ALL, Status::as_str, text)),
    ("source", |lead, text| word(&mut lead.source, &Source::ALL, Source::as_str, text)),
    ("language", |lead, text| put(&mut lead.language, text)),
    ("region", |lead, text| put(&mut lead.region, text)),
    ("value_cents", |lead, text| cents(&mut lead.value_cents, text)),
    ("cost_cents", |lead, text| cents(&mut lead.cost_cents, text)),
    ("tags", |lead, text| tags(&mut lead.tags, text)),
];

/// What stands between tags.
const BETWEEN_TAGS: [char; 2] = [';', '|'];

/// What comes before the name of an attribute, where a field is named.
const ATTRIBUTE: &str = "attr.";

/// A field of leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Field {
    /// By its place in [`KNOWN`].
    Known(usize),
    Attribute(String),
}

impl Field {
    /// As a mapping names it.
    ///
    /// # Errors
    /// What it may be instead.
    pub(super) fn parse(name: &str) -> Result<Self, String> {
        if let Some(name) = name.strip_prefix(ATTRIBUTE) {
            let name: Text<100> = name.parse()?;
            if is_known(name.as_str()) {
                return Err("leads have a field of this name; leave the `attr.` out".into());
            }
            return Ok(Self::Attribute(name.as_str().to_owned()));
        }
        KNOWN.iter().position(|(known, _)| *known == name).map(Self::Known).ok_or_else(|| {
            let all: Vec<&str> = KNOWN.iter().map(|(known, _)| *known).collect();
            format!("leads have no such field; use {} or attr.<name>", all.join(", "))
        })
    }

    /// As the first line of a file names it: what leads have no field for is an attribute.
    pub(super) fn of_column(name: &str) -> Self {
        let known = KNOWN.iter().position(|(known, _)| known.eq_ignore_ascii_case(name));
        known.map_or_else(|| Self::Attribute(name.to_owned()), Self::Known)
    }

    /// As a report names it.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Known(at) => KNOWN[*at].0.to_owned(),
            Self::Attribute(name) => attribute(name),
        }
    }

    /// Whether a lead is reached by it, so that it is of that lead alone.
    pub(super) fn reaches(&self) -> bool {
        matches!(self, Self::Known(at) if ["phone", "email"].contains(&KNOWN[*at].0))
    }
}

/// Reads what a column says of a known field.
///
/// # Errors
/// What it should look like.
pub(super) fn set(lead: &mut LeadChange, known: usize, text: &str) -> Result<(), String> {
    (KNOWN[known].1)(lead, text)
}

/// An attribute, as mappings and reports name it.
pub(super) fn attribute(name: &str) -> String {
    format!("{ATTRIBUTE}{name}")
}

/// Whether a column of this name says something else than an attribute.
pub(in crate::leads) fn is_known(name: &str) -> bool {
    matches!(Field::of_column(name), Field::Known(_))
}

fn put<T: FromStr<Err: Display>>(slot: &mut Option<Option<T>>, text: &str) -> Result<(), String> {
    *slot = Some(Some(text.parse::<T>().map_err(|wrong| wrong.to_string())?));
    Ok(())
}

fn word<T: Copy>(
    slot: &mut Option<T>,
    all: &[T],
    name: fn(T) -> &'static str,
    text: &str,
) -> Result<(), String> {
    let Some(found) = all.iter().find(|one| name(**one) == text) else {
        let all: Vec<&str> = all.iter().map(|one| name(*one)).collect();
        return Err(format!("one of {}", all.join(", ")));
    };
    *slot = Some(*found);
    Ok(())
}

fn cents(slot: &mut Option<Option<i64>>, text: &str) -> Result<(), String> {
    *slot = Some(Some(text.parse::<i64>().map_err(|_| "a whole number of cents".to_owned())?));
    Ok(())
}

fn tags(slot: &mut Option<Vec<Text<50>>>, text: &str) -> Result<(), String> {
    *slot = Some(text.split(BETWEEN_TAGS).map(str::parse).collect::<Result<_, _>>()?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_names_fields_exactly_and_a_header_in_any_case() {
        assert_eq!(Field::parse("attr.plan"), Ok(Field::Attribute("plan".into())));
        assert_eq!(Field::parse("email").map(|field| field.reaches()), Ok(true));
        for wrong in ["Email", "mail", "attr.", "attr.email", "attr.\u{7}", ""] {
            assert!(Field::parse(wrong).is_err(), "{wrong}");
        }
        assert_eq!(Field::of_column("EMail"), Field::parse("email").expect("a field"));
        assert_eq!(Field::of_column("mail").name(), "attr.mail");
    }

    #[test]
    fn every_field_reads_what_it_takes_and_says_what_it_would_take() {
        for (name, good, bad) in [
            ("name", "Ada", " "),
            ("phone", "+14155550100", "0100"),
            ("email", "ada@example.com", "ada"),
            ("status", "qualified", "Qualified"),
            ("source", "paid_ads", "tv"),
            ("language", "de", "\u{7}"),
            ("region", "Berlin", "\u{7}"),
            ("value_cents", "-5", "1.50"),
            ("cost_cents", "12", "12 EUR"),
            ("tags", "a;b|c", "a;;b"),
        ] {
            let Ok(Field::Known(at)) = Field::parse(name) else { panic!("{name} is no field") };
            let mut lead = LeadChange::default();
            assert_eq!(set(&mut lead, at, good), Ok(()), "{name}");
            assert!(set(&mut lead, at, bad).is_err_and(|why| !why.is_empty()), "{name}");
        }
    }
}
