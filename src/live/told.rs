//! An event on its way to sockets: written as JSON once, whoever hears it, and never where nobody does.

use axum::extract::ws::{Message, Utf8Bytes};
use domain::events::envelope;
use engine::log::Entry;

/// The frame of an entry of the log, and what it is chosen by. It may wait in memory for one socket alone, so it holds
/// nothing more: an entry is larger than what is said of it.
#[derive(Debug)]
pub struct Told {
    pub seq: i64,
    pub kind: String,
    pub subject: String,
    frame: Utf8Bytes,
}

impl Told {
    /// Writes the frame, for all sockets that hear of the entry.
    #[must_use]
    pub fn of(entry: &Entry) -> Self {
        let mut frame = envelope::of_entry(entry);
        frame.shrink_to_fit();
        Self { seq: entry.seq, kind: entry.kind.clone(), subject: entry.subject.clone(), frame: frame.into() }
    }

    /// The frame. All sockets share its bytes.
    #[must_use]
    pub fn frame(&self) -> Message {
        Message::Text(self.frame.clone())
    }
}

#[cfg(test)]
mod tests {
    use domain::events::{
        data::{Form, fields},
        kinds,
    };
    use serde_json::{Map, Value, json};

    use super::{
        super::{seat::QUEUE, session::BATCH},
        *,
    };

    /// What a field holds at the most, or nearly.
    fn large(form: Form) -> Value {
        let word = "a_word_that_is_as_long_as_any_of_our_own";
        match form {
            Form::Id => json!(uuid::Uuid::max()),
            Form::Word => json!(word),
            Form::Words => json!(vec![word; 8]),
            Form::Number => json!(i64::MAX),
            Form::Flag => json!(false),
            Form::Time => json!(chrono::DateTime::UNIX_EPOCH),
            Form::Counts => {
                (0..14).map(|at| (format!("a_status_{at}"), json!(1_000_000))).collect::<Map<_, _>>().into()
            }
        }
    }

    #[test]
    fn what_waits_for_one_socket_is_less_than_a_megabyte() {
        for kind in kinds() {
            let body = fields(kind)
                .unwrap_or_default()
                .into_iter()
                .map(|field| (field.name.to_owned(), large(field.form)));
            let at = chrono::DateTime::UNIX_EPOCH;
            let told = Told::of(&Entry {
                tenant: uuid::Uuid::max(),
                seq: 1 << 40,
                batch: 1,
                day: at.date_naive(),
                id: 1,
                at,
                kind: kind.to_owned(),
                subject: format!("scoring_model:{}", uuid::Uuid::max()),
                body: Value::Object(body.collect()),
            });
            let bytes = size_of::<Told>() + told.kind.len() + told.subject.len() + told.frame.len();
            assert!((QUEUE + BATCH) * bytes < 1 << 20, "{kind}: {bytes} bytes each");
        }
    }

    #[test]
    fn an_event_is_written_once_for_all() {
        let at = chrono::DateTime::UNIX_EPOCH;
        let told = Told::of(&Entry {
            tenant: uuid::Uuid::nil(),
            seq: 7,
            batch: 1,
            day: at.date_naive(),
            id: 1,
            at,
            kind: "message.sent".into(),
            subject: "message:1".into(),
            body: json!({}),
        });
        let (Message::Text(one), Message::Text(two)) = (told.frame(), told.frame()) else {
            panic!("events are text");
        };
        assert_eq!(one.as_str().as_ptr(), two.as_str().as_ptr(), "the same bytes");
        let event: Value = serde_json::from_str(&one).expect("JSON");
        assert_eq!(event["type"], "switchboard.message.sent.v1");
        assert_eq!(event["sequence"], 7);
        assert_eq!(event["specversion"], "1.0");
    }
}
