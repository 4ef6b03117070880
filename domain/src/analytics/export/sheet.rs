//! Rows as the forms of a file have them, pure: comma-separated, a JSON list, or a JSON object a line.

use std::fmt::Write as _;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::FileFormat;
use crate::spreadsheet;

/// What stands in a column of a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    None,
    /// What people wrote, or a word of ours.
    Text(String),
    Whole(i64),
    Real(f64),
    Id(Uuid),
    At(DateTime<Utc>),
    /// Joined by `|` where a cell holds only one text.
    List(Vec<String>),
    Json(Value),
}

impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::None, Into::into)
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Whole(number)
    }
}

impl From<i16> for Cell {
    fn from(number: i16) -> Self {
        Self::Whole(number.into())
    }
}

impl From<Uuid> for Cell {
    fn from(id: Uuid) -> Self {
        Self::Id(id)
    }
}

impl From<DateTime<Utc>> for Cell {
    fn from(at: DateTime<Utc>) -> Self {
        Self::At(at)
    }
}

/// How rows are written: the names of their columns, and what is written of them so far.
#[derive(Debug)]
pub(super) struct Sheet {
    format: FileFormat,
    names: Vec<String>,
    /// The names as JSON has them before their values.
    keys: Vec<String>,
    any: bool,
}

impl Sheet {
    pub(super) fn new(format: FileFormat, names: Vec<String>) -> Self {
        let keys = names.iter().map(|name| format!("{}:", Value::from(name.as_str()))).collect();
        Self { format, names, keys, any: false }
    }

    /// What stands before the first row.
    pub(super) fn begin(&self, text: &mut String) {
        match self.format {
            FileFormat::Csv => spreadsheet::line(self.names.iter().map(String::as_str), text),
            FileFormat::Json => text.push('['),
            FileFormat::Ndjson | FileFormat::Pdf => {}
        }
    }

    /// A row, with a cell for each column.
    pub(super) fn row(&mut self, cells: &[Cell], text: &mut String) {
        match self.format {
            FileFormat::Csv => {
                line(cells, text);
            }
            FileFormat::Json => {
                text.push_str(if self.any { ",\n" } else { "\n" });
                self.object(cells, text);
            }
            FileFormat::Ndjson | FileFormat::Pdf => {
                self.object(cells, text);
                text.push('\n');
            }
        }
        self.any = true;
    }

    /// What stands behind the last row.
    pub(super) fn end(&self, text: &mut String) {
        if self.format == FileFormat::Json {
            text.push_str("\n]\n");
        }
    }

    fn object(&self, cells: &[Cell], text: &mut String) {
        for (at, (key, cell)) in self.keys.iter().zip(cells).enumerate() {
            text.push(if at == 0 { '{' } else { ',' });
            text.push_str(key);
            json(cell, text);
        }
        text.push('}');
    }
}

/// Writes cells as a line of a spreadsheet.
pub(super) fn line(cells: &[Cell], text: &mut String) {
    for (at, cell) in cells.iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        plain(cell, text);
    }
    text.push_str("\r\n");
}

/// Numbers, ids and times run in no spreadsheet; what people wrote may.
fn plain(cell: &Cell, text: &mut String) {
    match cell {
        Cell::None | Cell::Json(Value::Null) => {}
        Cell::Text(value) | Cell::Json(Value::String(value)) => spreadsheet::cell(value, text),
        Cell::Whole(number) => put(text, number),
        // What is no number would be a word among them.
        Cell::Real(number) if !number.is_finite() => {}
        Cell::Real(number) => put(text, number),
        Cell::Id(id) => put_id(*id, text),
        Cell::At(at) => put(text, stamp(*at)),
        Cell::List(values) => spreadsheet::cell(&values.join("|"), text),
        Cell::Json(other) => spreadsheet::cell(&other.to_string(), text),
    }
}

fn json(cell: &Cell, text: &mut String) {
    match cell {
        Cell::None => text.push_str("null"),
        Cell::Text(value) => quoted(value, text),
        Cell::Whole(number) => put(text, number),
        // What is no number is none in JSON.
        Cell::Real(number) => put(text, Value::from(*number)),
        Cell::Id(id) => {
            text.push('"');
            put_id(*id, text);
            text.push('"');
        }
        Cell::At(at) => {
            text.push('"');
            put(text, stamp(*at));
            text.push('"');
        }
        Cell::List(values) => {
            text.push('[');
            for (at, value) in values.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                quoted(value, text);
            }
            text.push(']');
        }
        Cell::Json(value) => put(text, value),
    }
}

/// What has nothing to be escaped is copied as it is.
fn quoted(value: &str, text: &mut String) {
    if value.bytes().any(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
        put(text, Value::from(value));
    } else {
        text.extend(["\"", value, "\""]);
    }
}

fn put_id(id: Uuid, text: &mut String) {
    text.push_str(id.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
}

fn put(text: &mut String, value: impl std::fmt::Display) {
    // A string takes whatever there is memory for.
    let _ = write!(text, "{value}");
}

fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn cells() -> Vec<Cell> {
        vec![
            Cell::Id(Uuid::from_u128(1)),
            "=1+1".into(),
            Cell::Whole(-5),
            Cell::Real(0.25),
            Cell::At(DateTime::UNIX_EPOCH),
            Cell::List(vec!["a".into(), "+b \"c\"".into()]),
            Cell::Json(json!({"k": [1, null]})),
            Cell::None,
        ]
    }

    fn names() -> Vec<String> {
        ["id", "name", "cents", "share", "at", "tags", "more", "none"].map(String::from).to_vec()
    }

    fn file(format: FileFormat, rows: usize) -> String {
        let (mut sheet, mut text) = (Sheet::new(format, names()), String::new());
        sheet.begin(&mut text);
        for _ in 0..rows {
            sheet.row(&cells(), &mut text);
        }
        sheet.end(&mut text);
        text
    }

    #[test]
    fn a_spreadsheet_runs_nothing_and_numbers_stay_numbers() {
        let text = file(FileFormat::Csv, 1);
        let (header, row) = text.split_once("\r\n").expect("a header");
        assert_eq!(header, names().join(","));
        assert_eq!(
            row,
            "00000000-0000-0000-0000-000000000001,'=1+1,-5,0.25,1970-01-01T00:00:00.000000Z,\
             \"a|+b \"\"c\"\"\",\"{\"\"k\"\":[1,null]}\",\r\n"
        );
        assert_eq!(file(FileFormat::Csv, 0).lines().count(), 1, "the header");
    }

    #[test]
    fn what_is_no_number_is_an_empty_cell() {
        let mut text = String::new();
        line(&[Cell::Real(f64::NAN), Cell::Real(f64::INFINITY), Cell::Real(0.5)], &mut text);
        assert_eq!(text, ",,0.5\r\n");
    }

    #[test]
    fn a_list_is_whole_however_many_rows_it_has_and_says_what_is_there() {
        for rows in 0..3 {
            let read: Vec<Value> = serde_json::from_str(&file(FileFormat::Json, rows)).expect("JSON");
            assert_eq!(read.len(), rows);
        }
        let read: Vec<Value> = serde_json::from_str(&file(FileFormat::Json, 1)).expect("JSON");
        assert_eq!(
            read[0],
            json!({
                "id": "00000000-0000-0000-0000-000000000001", "name": "=1+1", "cents": -5, "share": 0.25,
                "at": "1970-01-01T00:00:00.000000Z", "tags": ["a", "+b \"c\""], "more": {"k": [1, null]}, "none": null,
            })
        );
    }

    #[test]
    fn each_line_is_an_object_of_its_own() {
        let text = file(FileFormat::Ndjson, 2);
        let read: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect();
        assert_eq!((read.len(), &read[0]), (2, &read[1]));
        assert_eq!(file(FileFormat::Ndjson, 0), "");
    }

    #[test]
    fn no_text_breaks_out_of_its_quotes() {
        for value in ["", "a\"b", "a\\", "a\nb", "\u{1}", "é\u{2028}"] {
            let mut text = String::new();
            json(&value.into(), &mut text);
            assert_eq!(serde_json::from_str::<String>(&text).expect("JSON"), value, "{text}");
        }
    }
}
