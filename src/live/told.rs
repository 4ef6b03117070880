//! An event on its way to sockets: written as JSON once, whoever hears it, and never where nobody does.

use std::sync::OnceLock;

use axum::extract::ws::{Message, Utf8Bytes};
use domain::events::envelope;
use engine::log::Entry;

/// An entry of the log, and its frame as soon as somebody has wanted it.
#[derive(Debug)]
pub struct Told {
    pub entry: Entry,
    frame: OnceLock<Utf8Bytes>,
}

impl Told {
    #[must_use]
    pub fn new(entry: Entry) -> Self {
        Self { entry, frame: OnceLock::new() }
    }

    /// The frame. All sockets share its bytes.
    #[must_use]
    pub fn frame(&self) -> Message {
        Message::Text(self.frame.get_or_init(|| envelope::of_entry(&self.entry).into()).clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_written_once_for_all() {
        let at = chrono::DateTime::UNIX_EPOCH;
        let told = Told::new(Entry {
            tenant: uuid::Uuid::nil(),
            seq: 7,
            batch: 1,
            day: at.date_naive(),
            id: 1,
            at,
            kind: "message.sent".into(),
            subject: "message:1".into(),
            body: serde_json::json!({}),
        });
        let (Message::Text(one), Message::Text(two)) = (told.frame(), told.frame()) else {
            panic!("events are text");
        };
        assert_eq!(one.as_str().as_ptr(), two.as_str().as_ptr(), "the same bytes");
        let event: serde_json::Value = serde_json::from_str(&one).expect("JSON");
        assert_eq!(event["type"], "switchboard.message.sent.v1");
        assert_eq!(event["sequence"], 7);
        assert_eq!(event["specversion"], "1.0");
    }
}
