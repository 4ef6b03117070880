//! A row as the files have it. Pure.

use serde_json::Value;

use crate::{
    privacy::manifest::{Kind, Table},
    spreadsheet,
};

/// What a row says, by the names of an export.
pub(super) type Values = Vec<(&'static str, Value)>;

/// What a row says, in the manifest's order: each exported column by its name there.
pub(super) fn values(
    table: &'static Table,
    facts: &Value,
    opened: &mut impl Iterator<Item = Option<String>>,
) -> Values {
    let value = |(column, name, _): (&'static crate::privacy::manifest::Column, &'static str, _)| {
        let value = match column.kind {
            Kind::Sealed => opened.next().flatten().map_or(Value::Null, Value::String),
            Kind::Index(_) | Kind::Hash | Kind::Plain => facts[column.name].clone(),
        };
        (name, value)
    };
    table.exported().map(value).collect()
}

/// A row as an object of JSON, with its names in the manifest's order.
pub(super) fn json(values: &[(&'static str, Value)], text: &mut String) {
    text.push('{');
    for (at, (name, value)) in values.iter().enumerate() {
        if at > 0 {
            text.push_str(", ");
        }
        text.push_str(&Value::from(*name).to_string());
        text.push_str(": ");
        text.push_str(&value.to_string());
    }
    text.push('}');
}

/// The first line of a table for spreadsheets.
pub(super) fn head(table: &'static Table, text: &mut String) {
    spreadsheet::line(table.exported().map(|(_, name, _)| name), text);
}

/// A row as a line for spreadsheets, with nothing in it that one would run.
pub(super) fn line(values: &[(&'static str, Value)], text: &mut String) {
    let cells: Vec<String> = values.iter().map(|(_, value)| cell(value)).collect();
    spreadsheet::line(cells.iter().map(String::as_str), text);
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::privacy::manifest;

    #[test]
    fn a_row_has_its_names_in_order_and_what_was_sealed_in_its_place() {
        let table = manifest::table("inbound_messages").expect("a table");
        let facts = json!({"id": "1", "channel": "sms", "keyword": null, "from_index": "no"});
        let mut opened = [Some("+4930".to_owned()), None].into_iter();
        let values = values(table, &facts, &mut opened);
        let names: Vec<&str> = values.iter().map(|value| value.0).collect();
        let wanted: Vec<&str> = table.exported().map(|column| column.1).collect();
        assert_eq!(names, wanted);
        let mut text = String::new();
        json(&values, &mut text);
        let read: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(
            (&read["from"], &read["body"], &read["channel"]),
            (&json!("+4930"), &Value::Null, &json!("sms"))
        );
        assert!(read.get("from_index").is_none(), "{text}");
    }

    #[test]
    fn a_cell_that_a_spreadsheet_would_run_is_marked_and_lists_are_json() {
        let mut text = String::new();
        line(
            &[("a", json!("=1+1")), ("b", json!(null)), ("c", json!(["x", "y"])), ("d", json!(-3))],
            &mut text,
        );
        assert_eq!(text, "'=1+1,,\"[\"\"x\"\",\"\"y\"\"]\",-3\r\n");
    }
}
