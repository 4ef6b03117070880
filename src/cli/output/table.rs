//! Rows as columns, and things as lines of fields. Pure.

use chrono::{DateTime, Utc};
use serde_json::Value;

/// The columns of a table: what stands above each, and where its value is found in a row (RFC 6901).
pub(in crate::cli) type Columns = &'static [(&'static str, &'static str)];

/// Characters of a cell that has others behind it.
const WIDEST: usize = 60;

/// Writes rows, below the names of their columns if they are the `first` ones, which also say how wide columns are.
pub(super) fn rows(
    columns: Columns,
    widths: &mut Vec<usize>,
    first: bool,
    rows: &[Value],
    text: &mut String,
) {
    let names = || columns.iter().map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>();
    let header = (first && !rows.is_empty()).then(names);
    let of = |row: &Value| columns.iter().map(|(_, place)| cell(row.pointer(place))).collect::<Vec<_>>();
    let lines: Vec<Vec<String>> = header.into_iter().chain(rows.iter().map(of)).collect();
    if first {
        let widest = |at: usize| lines.iter().map(|line| length(&line[at]).min(WIDEST)).max().unwrap_or(0);
        *widths = (0..columns.len()).map(widest).collect();
    }
    for line in &lines {
        let mut row = String::new();
        for (at, cell) in line.iter().enumerate() {
            if at + 1 == line.len() {
                row.push_str(cell);
                break;
            }
            let cell = cut(cell);
            row.push_str(&cell);
            let width = widths.get(at).copied().unwrap_or(0);
            row.extend(std::iter::repeat_n(' ', width.saturating_sub(length(&cell)) + 2));
        }
        text.push_str(row.trim_end());
        text.push('\n');
    }
}

/// Writes the fields of a thing, one a line, without those that are left out.
pub(super) fn fields(thing: &Value, without: &[&str]) -> String {
    let Value::Object(fields) = thing else { return cell(Some(thing)) + "\n" };
    let shown = || fields.iter().filter(|(name, _)| !without.contains(&name.as_str()));
    let width = shown().map(|(name, _)| length(name)).max().unwrap_or(0);
    let mut text = String::new();
    for (name, value) in shown() {
        text.push_str(name);
        text.extend(std::iter::repeat_n(' ', width - length(name) + 2));
        text.push_str(&cell(Some(value)));
        text.push('\n');
    }
    text
}

fn cell(value: Option<&Value>) -> String {
    let text = match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => instant(text).unwrap_or_else(|| printable(text)),
        Some(Value::Array(items)) if items.iter().all(|item| !item.is_array() && !item.is_object()) => {
            items.iter().map(|item| cell(Some(item))).collect::<Vec<_>>().join(",")
        }
        Some(other) => printable(&other.to_string()),
    };
    if text.is_empty() { "-".into() } else { text }
}

/// An instant to the second.
fn instant(text: &str) -> Option<String> {
    let at = DateTime::parse_from_rfc3339(text).ok()?;
    Some(at.with_timezone(&Utc).format("%Y-%m-%d %H:%M:%SZ").to_string())
}

/// What people wrote moves no cursor, changes no colour and turns no line round.
fn printable(text: &str) -> String {
    let is_safe =
        |c: char| !c.is_control() && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if is_safe(c) { c } else { '\u{fffd}' }).collect()
}

/// The same of a text of several lines, which stay lines.
pub(in crate::cli) fn lines(text: &str) -> String {
    text.lines().map(printable).collect::<Vec<_>>().join("\n")
}

fn length(text: &str) -> usize {
    text.chars().count()
}

fn cut(text: &str) -> String {
    if length(text) <= WIDEST {
        return text.to_owned();
    }
    text.chars().take(WIDEST - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn cells_are_short_and_harmless() {
        for (value, said) in [
            (json!(null), "-"),
            (json!(""), "-"),
            (json!([]), "-"),
            (json!(7), "7"),
            (json!(["a", "b"]), "a,b"),
            (json!({"a": 1}), "{\"a\":1}"),
            (json!("2026-03-29T01:02:03.456789+02:00"), "2026-03-28 23:02:03Z"),
            (json!("\u{1b}[31mred\n"), "\u{fffd}[31mred\u{fffd}"),
        ] {
            assert_eq!(cell(Some(&value)), said, "{value}");
        }
        assert_eq!(length(&cut(&"x".repeat(99))), WIDEST);
        assert_eq!(lines("a\u{1b}[2J\r\nb\u{202e}\n"), "a\u{fffd}[2J\nb\u{fffd}");
    }

    #[test]
    fn a_later_page_keeps_the_columns_of_the_first() {
        const COLUMNS: Columns = &[("ID", "/id"), ("KIND", "/kind")];
        let (mut widths, mut text) = (Vec::new(), String::new());
        rows(COLUMNS, &mut widths, true, &[json!({"id": "1234", "kind": "a"})], &mut text);
        rows(COLUMNS, &mut widths, false, &[json!({"id": "5", "kind": "b"})], &mut text);
        assert_eq!(text, "ID    KIND\n1234  a\n5     b\n");
    }

    #[test]
    fn fields_stand_below_each_other() {
        let thing = json!({"id": 1, "name": "Ada", "steps": [{"a": 1}]});
        assert_eq!(fields(&thing, &["steps"]), "id    1\nname  Ada\n");
    }
}
