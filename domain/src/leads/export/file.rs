//! The forms of the file, pure.

use chrono::SecondsFormat;
use serde_json::Value;

use super::{super::lead::LeadView, ExportFormat};
use crate::{spreadsheet, vault::Personal};

/// The columns that every file has. `name` to `tags` are those that an import knows.
const COLUMNS: [&str; 18] = [
    "id",
    "name",
    "phone",
    "email",
    "status",
    "source",
    "language",
    "region",
    "value_cents",
    "cost_cents",
    "tags",
    "score",
    "owner_id",
    "team_id",
    "import_id",
    "assigned_at",
    "created_at",
    "updated_at",
];

/// A piece of a file, with the header if the file begins with it. `attributes` are columns of their own.
///
/// # Errors
/// If a lead cannot be written as JSON.
pub(super) fn write(
    format: ExportFormat,
    begins: bool,
    attributes: &[String],
    leads: &[LeadView],
) -> serde_json::Result<Vec<u8>> {
    match format {
        ExportFormat::Csv => {
            let mut text = String::new();
            if begins {
                header(attributes, &mut text);
            }
            for lead in leads {
                row(attributes, lead, &mut text);
            }
            Ok(text.into_bytes())
        }
        ExportFormat::Ndjson => {
            let mut bytes = Vec::new();
            for lead in leads {
                serde_json::to_writer(&mut bytes, lead)?;
                bytes.push(b'\n');
            }
            Ok(bytes)
        }
    }
}

fn header(attributes: &[String], text: &mut String) {
    let own: Vec<String> = attributes.iter().map(|name| format!("attr.{name}")).collect();
    spreadsheet::line(COLUMNS.into_iter().chain(own.iter().map(String::as_str)), text);
}

fn row(attributes: &[String], lead: &LeadView, text: &mut String) {
    let stamp = |at: chrono::DateTime<chrono::Utc>| at.to_rfc3339_opts(SecondsFormat::Micros, true);
    let known: [String; COLUMNS.len()] = [
        lead.id.to_string(),
        shown(lead.name.as_ref()),
        shown(lead.phone.as_ref()),
        shown(lead.email.as_ref()),
        lead.status.clone(),
        lead.source.clone(),
        lead.language.clone().unwrap_or_default(),
        lead.region.clone().unwrap_or_default(),
        lead.value_cents.map(|cents| cents.to_string()).unwrap_or_default(),
        lead.cost_cents.map(|cents| cents.to_string()).unwrap_or_default(),
        lead.tags.join("|"),
        lead.score.as_ref().map(|score| score.total.to_string()).unwrap_or_default(),
        lead.owner_id.map(|id| id.to_string()).unwrap_or_default(),
        lead.team_id.map(|id| id.to_string()).unwrap_or_default(),
        lead.import_id.map(|id| id.to_string()).unwrap_or_default(),
        lead.assigned_at.map(stamp).unwrap_or_default(),
        stamp(lead.created_at),
        stamp(lead.updated_at),
    ];
    let kept = lead.attributes.as_ref().map(Personal::expose);
    let own: Vec<String> = attributes
        .iter()
        .map(|name| kept.and_then(|all| all.get(name)).map(plain).unwrap_or_default())
        .collect();
    spreadsheet::line(known.iter().chain(&own).map(String::as_str), text);
}

fn shown(value: Option<&Personal<String>>) -> String {
    value.map(|value| value.expose().clone()).unwrap_or_default()
}

/// A value as an import reads it again.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::types::LeadId;

    fn lead(name: &str, attributes: Value) -> LeadView {
        LeadView {
            id: LeadId(Uuid::from_u128(1)),
            import_id: None,
            owner_id: None,
            team_id: None,
            status: "new".into(),
            source: "import".into(),
            name: Some(Personal::new(name.into())),
            phone: Some(Personal::new("+14155550100".into())),
            email: None,
            attributes: Some(Personal::new(attributes)),
            language: None,
            region: None,
            value_cents: Some(990),
            cost_cents: Some(120),
            tags: vec!["a".into(), "b".into()],
            score: None,
            version: 1,
            assigned_at: None,
            restricted_at: None,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_csv_file_has_its_header_once_and_what_attributes_say_in_columns_of_their_own() {
        let own = ["age".to_owned(), "plan, old".to_owned()];
        let leads =
            [lead("=1+1", json!({"age": 36, "plan, old": "-1+1"})), lead("Ada", json!({"else": [1]}))];
        let whole = write(ExportFormat::Csv, true, &own, &leads).expect("a piece");
        let rest = write(ExportFormat::Csv, false, &own, &leads).expect("a piece");
        let (whole, rest) = (String::from_utf8(whole).expect("text"), String::from_utf8(rest).expect("text"));
        let (header, rows) = whole.split_once("\r\n").expect("a header");
        assert_eq!(rows, rest);
        assert_eq!(header, format!("{},attr.age,\"attr.plan, old\"", COLUMNS.join(",")));
        let rows: Vec<&str> = rows.lines().collect();
        assert!(rows[0].contains(",'=1+1,+14155550100,,new,import,,,990,120,a|b,"), "{}", rows[0]);
        assert!(rows[0].ends_with(",36,'-1+1") && rows[1].ends_with("Z,,"), "{rows:?}");
    }

    #[test]
    fn a_json_line_holds_a_lead_as_the_list_shows_it() {
        let piece = write(ExportFormat::Ndjson, true, &[], &[lead("=x", json!({"n": 1}))]).expect("a piece");
        let text = String::from_utf8(piece).expect("text");
        assert!(text.ends_with("}\n") && text.matches('\n').count() == 1, "{text}");
        let read: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!((&read["name"], &read["attributes"]), (&json!("=x"), &json!({"n": 1})));
    }
}
