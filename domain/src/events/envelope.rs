//! How an event looks to whoever is told of it: CloudEvents 1.0 as JSON, the same on a socket and in a webhook.

use chrono::{DateTime, Utc};
use engine::log::Entry;
use serde_json::{Value, json};
use uuid::Uuid;

/// An entry of the log, with the extensions `tenantid` and `sequence`.
#[must_use]
pub fn of_entry(entry: &Entry) -> String {
    let mut event = envelope(entry.tenant, &entry.kind, &entry.subject, entry.at, &entry.body);
    event["id"] = json!(entry.seq.to_string());
    event["sequence"] = json!(entry.seq);
    event.to_string()
}

/// Something that stands in no log and so has no `sequence`, in the same form.
#[must_use]
pub fn unlogged(
    id: Uuid,
    tenant: Uuid,
    kind: &str,
    subject: &str,
    at: DateTime<Utc>,
    data: &Value,
) -> String {
    let mut event = envelope(tenant, kind, subject, at, data);
    event["id"] = json!(id);
    event.to_string()
}

fn envelope(tenant: Uuid, kind: &str, subject: &str, at: DateTime<Utc>, data: &Value) -> Value {
    json!({
        "specversion": "1.0",
        "source": format!("/tenants/{tenant}"),
        "type": format!("switchboard.{kind}.v1"),
        "subject": subject,
        "time": at,
        "datacontenttype": "application/json",
        "tenantid": tenant,
        "data": data,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_logged_and_what_is_not_have_one_form() {
        let at = DateTime::UNIX_EPOCH;
        let entry = Entry {
            tenant: Uuid::from_u128(1),
            seq: 7,
            batch: 1,
            day: at.date_naive(),
            id: 1,
            at,
            kind: "message.sent".into(),
            subject: "message:1".into(),
            body: json!({ "attempt": 1 }),
        };
        let read = |event: &str| -> Value { serde_json::from_str(event).expect("JSON") };
        let mut logged = read(&of_entry(&entry));
        assert_eq!((&logged["id"], &logged["sequence"]), (&json!("7"), &json!(7)));
        assert_eq!(logged["type"], "switchboard.message.sent.v1");
        assert_eq!(
            (&logged["source"], &logged["data"]["attempt"]),
            (&json!(format!("/tenants/{}", entry.tenant)), &json!(1))
        );
        let id = Uuid::from_u128(9);
        let unlogged = read(&unlogged(id, entry.tenant, &entry.kind, &entry.subject, at, &entry.body));
        assert_eq!(unlogged["id"], json!(id));
        assert!(unlogged["sequence"].is_null());
        logged["id"] = json!(id);
        logged.as_object_mut().expect("an object").remove("sequence");
        assert_eq!(unlogged, logged);
    }
}
