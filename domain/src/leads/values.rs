//! What the values of defined attributes look like. Pure.

use chrono::NaiveDate;
use serde_json::{Map, Value};

use crate::{error::FieldError, words::words};

words! {
    /// What values of an attribute are: any text, a number, true or false, a day (`2030-12-31`), or one of its choices.
    AttributeType {
        Text = "text",
        Number = "number",
        Bool = "bool",
        Date = "date",
        Choice = "choice",
    }
}

/// Whole numbers are exact up to here (RFC 8259, section 6), so that equal ones are found as equal.
const HIGHEST: f64 = 9_007_199_254_740_992.0;

/// What a tenant says of an attribute.
#[derive(Debug, Clone)]
pub struct Definition {
    pub name: String,
    pub kind: AttributeType,
    pub choices: Vec<String>,
    pub personal: bool,
    pub searchable: bool,
    pub required: bool,
}

impl Definition {
    /// What a value should look like, for its sender.
    fn wanted(&self) -> String {
        match self.kind {
            AttributeType::Text => "a text".into(),
            AttributeType::Number => "a number of at most 15 digits".into(),
            AttributeType::Bool => "true or false".into(),
            AttributeType::Date => "a day, for example 2030-12-31".into(),
            AttributeType::Choice => format!("one of {}", self.choices.join(", ")),
        }
    }

    fn holds(&self, value: &Value) -> bool {
        match (self.kind, value) {
            (AttributeType::Text, Value::String(_)) | (AttributeType::Bool, Value::Bool(_)) => true,
            (AttributeType::Number, Value::Number(_)) => {
                value.as_f64().is_some_and(|number| number.abs() <= HIGHEST)
            }
            (AttributeType::Date, Value::String(day)) => is_day(day),
            (AttributeType::Choice, Value::String(chosen)) => self.choices.contains(chosen),
            _ => false,
        }
    }

    /// The value that a field of a file or a query says.
    ///
    /// # Errors
    /// What it should look like.
    pub(super) fn read(&self, text: &str) -> Result<Value, String> {
        let value = match self.kind {
            AttributeType::Text | AttributeType::Date | AttributeType::Choice => Value::from(text),
            AttributeType::Number => {
                serde_json::from_str::<Value>(text).ok().filter(Value::is_number).unwrap_or_default()
            }
            AttributeType::Bool => text.parse::<bool>().map(Value::from).unwrap_or_default(),
        };
        if self.holds(&value) { Ok(value) } else { Err(self.wanted()) }
    }

    /// The form that equal values share; none of a value that is of another type, as from before it was defined.
    pub(super) fn normal(&self, value: &Value) -> Option<String> {
        let read = match value {
            Value::String(text) => self.read(text.trim()).ok()?,
            other => Some(other.clone()).filter(|other| self.holds(other))?,
        };
        match read {
            Value::String(text) => Some(text),
            Value::Bool(so) => Some(so.to_string()),
            // 1 and 1.0 are one number, and so are 0 and -0.
            Value::Number(number) => number.as_f64().map(|number| format!("{}", number + 0.0)),
            _ => None,
        }
    }
}

fn is_day(text: &str) -> bool {
    text.len() == 10 && NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok()
}

/// What is wrong with attributes, told by JSON pointer.
pub(super) fn check(definitions: &[Definition], attributes: &Map<String, Value>) -> Vec<FieldError> {
    let wrong = |definition: &Definition| match attributes.get(&definition.name) {
        Some(value) if definition.holds(value) => None,
        Some(_) => Some(FieldError::new(pointer(&definition.name), definition.wanted())),
        None if definition.required => {
            let detail = format!("every lead needs it: {}", definition.wanted());
            Some(FieldError::new(pointer(&definition.name), detail))
        }
        None => None,
    };
    definitions.iter().filter_map(wrong).collect()
}

/// RFC 6901.
fn pointer(name: &str) -> String {
    format!("/attributes/{}", name.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
pub(super) fn defined(name: &str, kind: AttributeType) -> Definition {
    Definition {
        name: name.into(),
        kind,
        choices: vec!["gold".into(), "tin".into()],
        personal: true,
        searchable: true,
        required: false,
    }
}

#[cfg(test)]
mod tests {
    use std::slice;

    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_of_their_type() {
        for (kind, value, normal) in [
            (AttributeType::Text, json!("Ada"), Some("Ada")),
            (AttributeType::Text, json!(1), None),
            (AttributeType::Number, json!(1.0), Some("1")),
            (AttributeType::Number, json!(-0.0), Some("0")),
            (AttributeType::Number, json!(1.5), Some("1.5")),
            (AttributeType::Number, json!("36"), Some("36")),
            (AttributeType::Number, json!("many"), None),
            (AttributeType::Number, json!(9_007_199_254_740_993_u64 * 2), None),
            (AttributeType::Bool, json!(true), Some("true")),
            (AttributeType::Bool, json!("yes"), None),
            (AttributeType::Date, json!("2024-02-29"), Some("2024-02-29")),
            (AttributeType::Date, json!("2023-02-29"), None),
            (AttributeType::Date, json!("2024-2-29"), None),
            (AttributeType::Choice, json!("tin"), Some("tin")),
            (AttributeType::Choice, json!("lead"), None),
            (AttributeType::Text, Value::Null, None),
        ] {
            assert_eq!(defined("x", kind).normal(&value).as_deref(), normal, "{kind:?} {value}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let mut plan = defined("a/b", AttributeType::Number);
        let given = |value: Value| Map::from_iter([("a/b".to_owned(), value)]);
        assert!(check(slice::from_ref(&plan), &given(json!(1))).is_empty());
        assert_eq!(check(slice::from_ref(&plan), &given(json!("1")))[0].pointer, "/attributes/a~1b");
        assert!(check(slice::from_ref(&plan), &Map::new()).is_empty());
        plan.required = true;
        assert_eq!(check(&[plan], &Map::new())[0].pointer, "/attributes/a~1b");
    }
}
