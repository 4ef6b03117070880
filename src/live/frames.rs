//! What goes over the wire besides events, and how large it may be.

use serde::Deserialize;
use serde_json::json;

/// The subprotocol of this wire format.
pub const PROTOCOL: &str = "switchboard.v1";
/// The largest frame either way.
pub const FRAME_LIMIT: usize = 64 * 1024;

/// What a client may say.
#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub enum ClientFrame {
    /// Replaces what is told. Empty lists, as at the start, mean everything the caller may see.
    Subscribe {
        /// For example `message.sent`, or `message.*`.
        #[serde(default)]
        types: Vec<String>,
        /// For example `message:<id>`.
        #[serde(default)]
        resources: Vec<String>,
    },
    /// The client has dealt with everything up to and with this sequence. The server counts by it how far behind it is.
    Ack {
        sequence: i64,
    },
    Ping {},
}

/// How far a client has seen, counting what it does not want.
#[must_use]
pub fn position(sequence: i64) -> String {
    json!({ "op": "position", "sequence": sequence }).to_string()
}

/// What came before is not kept any more: read the state anew and go on from `sequence`.
#[must_use]
pub fn resync(sequence: i64) -> String {
    json!({ "op": "resync", "sequence": sequence }).to_string()
}

/// The answer to a ping.
#[must_use]
pub fn pong() -> String {
    json!({ "op": "pong" }).to_string()
}

/// A client frame that could not be read, or something in it that comes to nothing.
#[must_use]
pub fn error(detail: &str) -> String {
    json!({ "op": "error", "detail": detail }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_may_say_is_read_and_nothing_else() {
        for good in [
            r#"{"op":"subscribe"}"#,
            r#"{"op":"subscribe","types":["message.*"],"resources":["lead:1"]}"#,
            r#"{"op":"ack","sequence":7}"#,
            r#"{"op":"ping"}"#,
        ] {
            assert!(serde_json::from_str::<ClientFrame>(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "[]",
            r#"{"op":"dance"}"#,
            r#"{"op":"ack"}"#,
            r#"{"op":"ack","sequence":"7"}"#,
            r#"{"op":"ping","loud":true}"#,
            r#"{"op":"subscribe","kinds":[]}"#,
        ] {
            assert!(serde_json::from_str::<ClientFrame>(bad).is_err(), "{bad}");
        }
    }
}
