//! From a row of a file to a lead: known columns by name, all others kept as attributes.

use serde_json::{Map, Value};

use super::{
    lead::{NewLead, Source, Status, check},
    values::Definition,
};
use crate::{
    error::{Error, FieldError, Result},
    types::Text,
};

/// Each is compared with all before it.
const MOST_COLUMNS: usize = 1_000;

/// Why a row was left out.
#[derive(Debug, PartialEq, Eq)]
pub struct Reason {
    pub column: Option<String>,
    pub reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Name,
    Phone,
    Email,
    Status,
    Source,
    Language,
    Region,
    ValueCents,
    Tags,
    Attribute,
}

/// What a header says about each column.
#[derive(Debug)]
pub struct Columns(Vec<(Column, String)>);

impl Columns {
    /// # Errors
    /// If there are too many, a name is missing or doubled, or no column says how a lead is reached.
    pub fn of(header: &[String]) -> Result<Self> {
        if header.len() > MOST_COLUMNS {
            return Err(Error::invalid("/header", "a file may have 1,000 columns; leave some out"));
        }
        let mut columns: Vec<(Column, String)> = Vec::with_capacity(header.len());
        let mut wrong = Vec::new();
        for (at, name) in header.iter().enumerate() {
            let name = name.trim_start_matches('\u{feff}').trim();
            let place = format!("/header/{at}");
            if name.is_empty() {
                wrong.push(FieldError::new(place, "this column has no name; name it or remove it"));
            } else if name.chars().count() > 100 {
                wrong.push(FieldError::new(place, "a column's name may have 100 characters"));
            } else if columns.iter().any(|(_, known)| known.eq_ignore_ascii_case(name)) {
                wrong.push(FieldError::new(place, format!("`{name}` is there twice; rename one of them")));
            }
            columns.push((column(name), name.to_owned()));
        }
        let has = |wanted| columns.iter().any(|(column, _)| *column == wanted);
        if wrong.is_empty() && !has(Column::Phone) && !has(Column::Email) {
            let found: Vec<&str> = columns.iter().take(5).map(|(_, name)| name.as_str()).collect();
            let found = found.join("`, `").chars().take(200).collect::<String>();
            wrong.push(FieldError::new(
                "/header",
                format!("the first line must name a column `phone` or `email`, with , ; | or tab between columns; it names `{found}`"),
            ));
        }
        if wrong.is_empty() { Ok(Self(columns)) } else { Err(Error::Invalid(wrong)) }
    }

    /// The lead of a row.
    ///
    /// # Errors
    /// The first thing that keeps it from being one.
    pub fn lead(
        &self,
        fields: Vec<String>,
        definitions: &[Definition],
    ) -> std::result::Result<NewLead, Reason> {
        if fields.len() != self.0.len() {
            let reason = format!("the row has {} fields, the header {}", fields.len(), self.0.len());
            return Err(Reason { column: None, reason });
        }
        let mut lead = NewLead {
            name: None,
            phone: None,
            email: None,
            status: Status::New,
            source: Source::Import,
            language: None,
            region: None,
            value_cents: None,
            tags: Vec::new(),
            attributes: Map::new(),
        };
        for ((column, name), field) in self.0.iter().zip(fields) {
            if *column == Column::Attribute {
                if let Some(value) = attribute(definitions, name, field)? {
                    lead.attributes.insert(name.clone(), value);
                }
                continue;
            }
            let field = field.trim();
            if !field.is_empty() {
                set(&mut lead, *column, field)
                    .map_err(|reason| Reason { column: Some(name.clone()), reason })?;
            }
        }
        let reachable = lead.phone.is_some() || lead.email.is_some();
        if let Some(wrong) =
            check(reachable, lead.value_cents, &lead.tags, &lead.attributes).into_iter().next()
        {
            let column = Some(wrong.pointer.trim_start_matches('/').to_owned());
            return Err(Reason { column, reason: wrong.detail });
        }
        let missing = |known: &&Definition| known.required && !lead.attributes.contains_key(&known.name);
        if let Some(definition) = definitions.iter().find(missing) {
            let reason = "every lead needs it; the field is empty or the column is missing".to_owned();
            return Err(Reason { column: Some(definition.name.clone()), reason });
        }
        Ok(lead)
    }
}

/// The value of an attribute that a field says; none if it is defined and the field is empty.
fn attribute(
    definitions: &[Definition],
    name: &str,
    field: String,
) -> std::result::Result<Option<Value>, Reason> {
    let Some(definition) = definitions.iter().find(|definition| definition.name == name) else {
        return Ok(Some(Value::String(field)));
    };
    if field.trim().is_empty() {
        return Ok(None);
    }
    let read = definition.read(field.trim()).map(Some);
    read.map_err(|reason| Reason { column: Some(name.to_owned()), reason })
}

/// Whether a column of this name says something else than an attribute.
pub(super) fn is_known(name: &str) -> bool {
    column(name) != Column::Attribute
}

fn column(name: &str) -> Column {
    match name.to_ascii_lowercase().as_str() {
        "name" => Column::Name,
        "phone" => Column::Phone,
        "email" => Column::Email,
        "status" => Column::Status,
        "source" => Column::Source,
        "language" => Column::Language,
        "region" => Column::Region,
        "value_cents" => Column::ValueCents,
        "tags" => Column::Tags,
        _ => Column::Attribute,
    }
}

fn set(lead: &mut NewLead, column: Column, field: &str) -> std::result::Result<(), String> {
    fn one_of<T>(found: Option<T>, all: &[&str]) -> std::result::Result<T, String> {
        found.ok_or_else(|| format!("one of {}", all.join(", ")))
    }
    match column {
        Column::Name => lead.name = Some(field.parse()?),
        Column::Phone => lead.phone = Some(field.parse().map_err(|wrong| format!("{wrong}"))?),
        Column::Email => lead.email = Some(field.parse().map_err(|wrong| format!("{wrong}"))?),
        Column::Status => {
            let all: Vec<&str> = Status::ALL.iter().map(|status| status.as_str()).collect();
            lead.status = one_of(Status::parse(field), &all)?;
        }
        Column::Source => {
            let all: Vec<&str> = Source::ALL.iter().map(|source| source.as_str()).collect();
            lead.source = one_of(Source::parse(field), &all)?;
        }
        Column::Language => lead.language = Some(field.parse()?),
        Column::Region => lead.region = Some(field.parse()?),
        Column::ValueCents => {
            lead.value_cents = Some(field.parse().map_err(|_| "a whole number of cents".to_owned())?);
        }
        Column::Tags => {
            let tags: std::result::Result<Vec<Text<50>>, String> = field.split('|').map(str::parse).collect();
            lead.tags = tags?;
        }
        Column::Attribute => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::values::{AttributeType, defined};
    use super::*;

    fn texts(words: &[&str]) -> Vec<String> {
        words.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn known_columns_are_read_and_the_rest_is_kept() {
        let columns = Columns::of(&texts(&["\u{feff}Name", "email", "age", "tags"])).expect("a good header");
        let lead = columns.lead(texts(&["Ada", "ada@example.com", "36", "a|b"]), &[]).expect("a lead");
        assert_eq!(lead.attributes["age"], "36");
        assert_eq!((lead.tags.len(), lead.source), (2, Source::Import));
        for (row, column) in [
            (["Ada", "nobody", "36", ""], Some("email")),
            (["Ada", "", "36", ""], Some("phone")),
            (["Ada", "ada@example.com", "36", "a||b"], Some("tags")),
        ] {
            assert_eq!(
                columns.lead(texts(&row), &[]).err().expect("a reason").column.as_deref(),
                column,
                "{row:?}"
            );
        }
        assert!(columns.lead(texts(&["Ada"]), &[]).is_err());
    }

    #[test]
    fn defined_columns_hold_what_was_said_of_them() {
        let mut age = defined("age", AttributeType::Number);
        let columns = Columns::of(&texts(&["email", "age", "job"])).expect("a good header");
        let row = |field: &str| texts(&["ada@example.com", field, " countess "]);
        let lead = columns.lead(row(" 36 "), std::slice::from_ref(&age)).expect("a lead");
        assert_eq!(
            (&lead.attributes["age"], &lead.attributes["job"]),
            (&Value::from(36), &Value::from(" countess "))
        );
        let lead = columns.lead(row(""), std::slice::from_ref(&age)).expect("a lead");
        assert!(!lead.attributes.contains_key("age"));
        age.required = true;
        for field in ["", "old"] {
            let reason = columns.lead(row(field), std::slice::from_ref(&age)).err().expect("a reason");
            assert_eq!(reason.column.as_deref(), Some("age"), "{field}");
        }
    }

    #[test]
    fn a_header_without_reach_or_with_doubles_is_refused() {
        for header in [&["name", "age"][..], &["email", "Email"], &["email", ""], &["name#phone"]] {
            assert!(Columns::of(&texts(header)).is_err(), "{header:?}");
        }
        let mut wide: Vec<String> = (1..MOST_COLUMNS).map(|number| format!("c{number}")).collect();
        wide.push("email".into());
        assert!(Columns::of(&wide).is_ok());
        wide.push("one more".into());
        let Err(Error::Invalid(wrong)) = Columns::of(&wide) else { panic!("too wide") };
        assert_eq!(wrong[0].pointer, "/header");
    }
}
