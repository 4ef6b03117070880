//! The forms of the file, pure.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer, ser::Error as _};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::ExportFormat;

/// An entry as a file holds it: all that its hash is taken over, and its hash.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    pub seq: Option<i64>,
    pub at: DateTime<Utc>,
    pub id: Uuid,
    pub actor_kind: String,
    pub actor_id: Option<Uuid>,
    pub action: String,
    pub resource: String,
    pub resource_id: Option<String>,
    pub outcome: String,
    pub severity: Option<String>,
    /// As Postgres writes it, which is how it was sealed.
    #[serde(serialize_with = "as_it_is")]
    pub detail: String,
    pub request_id: Option<String>,
    pub tenant_id: Uuid,
    /// In hexadecimal digits.
    pub hash: Option<String>,
}

/// The columns, in the order of [`Line`].
const HEADER: &str = "seq,at,id,actor_kind,actor_id,action,resource,resource_id,outcome,severity,detail,request_id,\
                      tenant_id,hash\r\n";

/// A piece of a file, with the header if the file begins with it.
///
/// # Errors
/// If a detail is not JSON.
pub(super) fn write(format: ExportFormat, begins: bool, lines: &[Line]) -> serde_json::Result<Vec<u8>> {
    match format {
        ExportFormat::Csv => {
            let mut text = if begins { HEADER.to_owned() } else { String::new() };
            for line in lines {
                row(line, &mut text);
            }
            Ok(text.into_bytes())
        }
        ExportFormat::Jsonl => {
            let mut bytes = Vec::new();
            for line in lines {
                serde_json::to_writer(&mut bytes, line)?;
                bytes.push(b'\n');
            }
            Ok(bytes)
        }
    }
}

fn row(line: &Line, text: &mut String) {
    let id = |id: Option<Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
    let cells: [&str; 14] = [
        &line.seq.map(|seq| seq.to_string()).unwrap_or_default(),
        &line.at.to_rfc3339_opts(SecondsFormat::Micros, true),
        &line.id.to_string(),
        &line.actor_kind,
        &id(line.actor_id),
        &line.action,
        &line.resource,
        line.resource_id.as_deref().unwrap_or_default(),
        &line.outcome,
        line.severity.as_deref().unwrap_or_default(),
        &line.detail,
        line.request_id.as_deref().unwrap_or_default(),
        &line.tenant_id.to_string(),
        line.hash.as_deref().unwrap_or_default(),
    ];
    for (at, value) in cells.into_iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        cell(value, text);
    }
    text.push_str("\r\n");
}

/// A cell (RFC 4180). A spreadsheet would run what begins like a formula (OWASP, CSV Injection), so an apostrophe goes
/// before it; numbers are left alone.
pub(crate) fn cell(value: &str, text: &mut String) {
    let runs = value.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_number(value);
    let mark = if runs { "'" } else { "" };
    if value.contains([',', '"', '\r', '\n']) {
        text.extend(["\"", mark, value.replace('"', "\"\"").as_str(), "\""]);
    } else {
        text.extend([mark, value]);
    }
}

fn is_number(value: &str) -> bool {
    let form = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
    value.bytes().all(form) && value.parse::<f64>().is_ok()
}

fn as_it_is<S: Serializer>(json: &str, serializer: S) -> Result<S::Ok, S::Error> {
    let raw: &RawValue = serde_json::from_str(json).map_err(S::Error::custom)?;
    raw.serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(resource_id: &str, detail: &str) -> Line {
        Line {
            seq: Some(7),
            at: DateTime::from_timestamp_micros(1_700_000_000_000_001).expect("a time"),
            id: Uuid::from_u128(2),
            actor_kind: "user".into(),
            actor_id: Some(Uuid::from_u128(3)),
            action: "create".into(),
            resource: "lead".into(),
            resource_id: Some(resource_id.into()),
            outcome: "done".into(),
            severity: None,
            detail: detail.into(),
            request_id: None,
            tenant_id: Uuid::from_u128(1),
            hash: Some("0cbe".into()),
        }
    }

    #[test]
    fn a_cell_runs_in_no_spreadsheet_and_numbers_stay_numbers() {
        for (value, written) in [
            ("lead", "lead"),
            ("", ""),
            ("=1+1", "'=1+1"),
            ("+cmd", "'+cmd"),
            ("-x", "'-x"),
            ("@sum(a1)", "'@sum(a1)"),
            ("\tx", "'\tx"),
            ("\rx", "\"'\rx\""),
            ("=a,\"b\"", "\"'=a,\"\"b\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("-12.5", "-12.5"),
            ("+1e3", "+1e3"),
            ("-", "'-"),
            ("-1+1", "'-1+1"),
            ("-inf", "'-inf"),
            ("1-1", "1-1"),
        ] {
            let mut text = String::new();
            cell(value, &mut text);
            assert_eq!(text, written, "{value:?}");
        }
    }

    #[test]
    fn a_csv_file_has_its_header_once_and_as_many_cells_in_each_row() {
        let lines = [line("4", "{}"), line("5", r#"{"a": 1.0, "b": "x,y"}"#)];
        let whole = write(ExportFormat::Csv, true, &lines).expect("a piece");
        let whole = String::from_utf8(whole).expect("text");
        let rest = write(ExportFormat::Csv, false, &lines).expect("a piece");
        assert_eq!(whole.strip_prefix(HEADER).map(str::as_bytes), Some(rest.as_slice()));
        let rows: Vec<&str> = whole.lines().collect();
        assert_eq!(rows[0].split(',').count(), 14);
        assert_eq!(
            rows[1],
            "7,2023-11-14T22:13:20.000001Z,00000000-0000-0000-0000-000000000002,user,\
             00000000-0000-0000-0000-000000000003,create,lead,4,done,,{},,00000000-0000-0000-0000-000000000001,0cbe"
        );
        assert!(rows[2].contains(r#","{""a"": 1.0, ""b"": ""x,y""}","#), "{}", rows[2]);
    }

    #[test]
    fn a_json_line_holds_the_detail_as_it_was_sealed() {
        let detail = r#"{"a": 1.00, "b": "=x"}"#;
        let piece = write(ExportFormat::Jsonl, true, &[line("=x", detail)]).expect("a piece");
        let text = String::from_utf8(piece).expect("text");
        assert!(text.ends_with("}\n") && text.matches('\n').count() == 1, "{text}");
        assert!(
            text.contains(&format!("\"detail\":{detail}")) && text.contains("\"severity\":null"),
            "{text}"
        );
        assert!(write(ExportFormat::Jsonl, true, &[line("4", "{")]).is_err());
    }
}
