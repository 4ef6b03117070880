//! The first line of a file, and what its sender says of it.

use unicode_normalization::UnicodeNormalization;

use super::fields::Field;
use crate::error::FieldError;

/// Each column by what it is called.
pub(super) fn called(names: &[&str], wrong: &mut Vec<FieldError>) -> Vec<(usize, Field)> {
    for (at, name) in names.iter().enumerate() {
        let place = format!("/header/{at}");
        if name.is_empty() {
            wrong.push(FieldError::new(place, "this column has no name; name it or remove it"));
        } else if name.chars().count() > 100 {
            wrong.push(FieldError::new(place, "a column's name may have 100 characters"));
        } else if names[..at].iter().any(|known| known.eq_ignore_ascii_case(name)) {
            wrong.push(FieldError::new(place, format!("`{name}` is there twice; rename one of them")));
        }
    }
    let fields: Vec<(usize, Field)> =
        names.iter().enumerate().map(|(at, name)| (at, Field::of_column(name))).collect();
    if wrong.is_empty() && !is_reached(&fields) {
        let detail = format!(
            "the first line must name a column `phone` or `email`, with , ; | or tab between columns; it names {}",
            listed(names)
        );
        wrong.push(FieldError::new("/header", detail));
    }
    fields
}

/// The columns that a mapping names.
pub(super) fn mapped(
    names: &[&str],
    mapping: &[(String, String)],
    wrong: &mut Vec<FieldError>,
) -> Vec<(usize, Field)> {
    let there: Vec<String> = names.iter().map(|name| normal(name)).collect();
    let mut fields: Vec<(usize, Field)> = Vec::with_capacity(mapping.len());
    for (name, column) in mapping {
        let place = format!("?map.{name}");
        let field = match Field::parse(name) {
            Ok(field) => field,
            Err(why) => {
                wrong.push(FieldError::new(place, why));
                continue;
            }
        };
        if fields.iter().any(|(_, known)| *known == field) {
            wrong.push(FieldError::new(place, "this field is mapped twice; leave one of them out"));
            continue;
        }
        let wanted = normal(column);
        let mut found = (0..there.len()).filter(|at| there[*at] == wanted && !wanted.is_empty());
        match (found.next(), found.next()) {
            (Some(at), None) => fields.push((at, field)),
            (Some(_), Some(_)) => {
                let detail = format!("the file has `{column}` twice; rename one of them");
                wrong.push(FieldError::new(place, detail));
            }
            (None, _) => {
                let detail = format!("the file has no column `{column}`; it has {}", listed(names));
                wrong.push(FieldError::new(place, detail));
            }
        }
    }
    if wrong.is_empty() && !is_reached(&fields) {
        let detail = "say which column is `phone` or `email`: a lead needs one of them";
        wrong.push(FieldError::new("?map", detail));
    }
    fields
}

/// What new leads get where their rows are silent. Whether they can have it is seen once all definitions are known.
pub(super) fn defaults(said: &[(String, String)], wrong: &mut Vec<FieldError>) -> Vec<(Field, String)> {
    let mut defaults: Vec<(Field, String)> = Vec::with_capacity(said.len());
    for (name, value) in said {
        match Field::parse(name) {
            Err(why) => wrong.push(FieldError::new(default(name), why)),
            Ok(field) if field.reaches() => {
                wrong.push(FieldError::new(default(name), "each lead has its own; map a column to it"));
            }
            Ok(field) if defaults.iter().any(|(known, _)| *known == field) => {
                wrong.push(FieldError::new(default(name), "it is said twice; leave one of them out"));
            }
            Ok(field) => defaults.push((field, value.clone())),
        }
    }
    defaults
}

/// Where the sender said what a field is if nothing is said.
pub(super) fn default(field: &str) -> String {
    format!("?default.{field}")
}

fn is_reached(fields: &[(usize, Field)]) -> bool {
    fields.iter().any(|(_, field)| field.reaches())
}

/// What people take for the same name of a column, however their programs write its accents.
fn normal(name: &str) -> String {
    name.trim().nfc().collect::<String>().to_lowercase()
}

/// Some of the names, for whoever looks for another.
fn listed(names: &[&str]) -> String {
    let some: Vec<&str> = names.iter().take(5).copied().collect();
    format!("`{}`", some.join("`, `").chars().take(200).collect::<String>())
}
