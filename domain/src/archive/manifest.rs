//! What a file of the archive holds, as it is signed. Pure.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::audit::chain::ORIGIN;

/// The form of this file and of the lines it is about.
pub const FORM: u8 = 1;
/// Before the text that is signed, so that it can be taken for nothing else.
const SIGNED: &[u8] = b"switchboard log archive";

/// Which log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Log {
    /// Who did what, with its chain.
    AuditLog,
    /// Attempts of sending messages, with what was sent as ciphertext.
    MessageAttempts,
}

impl Log {
    /// As the database names it, and the files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AuditLog => "audit_log",
            Self::MessageAttempts => "message_attempts",
        }
    }

    /// As the database names it.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::AuditLog, Self::MessageAttempts].into_iter().find(|log| log.as_str() == name)
    }
}

/// Rows that follow each other in a chain without a gap. A row that was written at the end of a month and committed
/// in the next one has its place there, so a month may have several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    pub first: i64,
    pub last: i64,
    /// The hash of the row before the first, in hexadecimal digits.
    #[serde(with = "hex")]
    pub before: [u8; 32],
    /// The hash of the last row.
    #[serde(with = "hex")]
    pub after: [u8; 32],
}

/// Where a part of the file begins that can be read without those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// In bytes from the beginning of the file.
    pub offset: u64,
    /// How many rows come before it.
    pub rows: i64,
}

/// All that is known of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub form: u8,
    pub archive_id: Uuid,
    pub tenant_id: Uuid,
    pub log: Log,
    /// The first day of the month, UTC.
    pub month: NaiveDate,
    pub rows: i64,
    pub first_at: DateTime<Utc>,
    pub last_at: DateTime<Utc>,
    /// Of attempts: when the last of them ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_ended_at: Option<DateTime<Utc>>,
    /// Of the audit log; none of other logs.
    pub runs: Vec<Run>,
    /// The name of the file within the tenant's folder.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// Over the whole file.
    #[serde(with = "hex")]
    pub sha256: [u8; 32],
    pub frames: Vec<Frame>,
    pub written_at: DateTime<Utc>,
}

impl Manifest {
    /// The bytes that are signed for the text of a manifest.
    #[must_use]
    pub fn signed(text: &str) -> Vec<u8> {
        let mut bytes = SIGNED.to_vec();
        bytes.push(FORM);
        bytes.extend_from_slice(text.as_bytes());
        bytes
    }

    /// The last frame that has only rows before it which are not wanted.
    #[must_use]
    pub fn frame_before(&self, skipped: i64) -> Frame {
        let fits = self.frames.iter().rev().find(|frame| frame.rows <= skipped);
        fits.copied().unwrap_or(Frame { offset: 0, rows: 0 })
    }
}

/// Takes rows of a chain in their order and tells which runs they make.
#[derive(Debug, Default)]
pub struct Runs(Vec<Run>);

impl Runs {
    /// The hash before this place, if the row there was taken last.
    #[must_use]
    pub fn before(&self, seq: i64) -> Option<[u8; 32]> {
        if seq == 1 {
            return Some(ORIGIN);
        }
        self.0.last().filter(|run| run.last + 1 == seq).map(|run| run.after)
    }

    /// Takes a row whose link follows from the hash before it.
    pub fn take(&mut self, seq: i64, before: [u8; 32], link: [u8; 32]) {
        match self.0.last_mut() {
            Some(run) if run.last + 1 == seq => (run.last, run.after) = (seq, link),
            _ => self.0.push(Run { first: seq, last: seq, before, after: link }),
        }
    }

    /// The runs, in the order of the chain.
    #[must_use]
    pub fn done(self) -> Vec<Run> {
        self.0
    }
}

/// Bytes as hexadecimal digits.
pub(super) mod hex {
    use std::fmt::Write as _;

    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(in crate::archive) fn text(bytes: &[u8]) -> String {
        bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    pub(in crate::archive) fn bytes(text: &str) -> Option<Vec<u8>> {
        let digits = text.as_bytes();
        let digit = |sign: u8| char::from(sign).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let (pairs, []) = digits.as_chunks::<2>() else { return None };
        pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
    }

    pub(in crate::archive) fn serialize<S: Serializer>(bytes: &[u8; 32], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&text(bytes))
    }

    pub(in crate::archive) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[u8; 32], D::Error> {
        let text = String::deserialize(from)?;
        bytes(&text)
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| D::Error::custom("64 hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_follow_each_other_are_one_run() {
        let mut runs = Runs::default();
        assert_eq!((runs.before(1), runs.before(5)), (Some(ORIGIN), None));
        runs.take(5, [4; 32], [5; 32]);
        assert_eq!(runs.before(6), Some([5; 32]));
        runs.take(6, [5; 32], [6; 32]);
        assert_eq!(runs.before(8), None);
        runs.take(8, [7; 32], [8; 32]);
        let runs = runs.done();
        assert_eq!(runs.len(), 2);
        assert_eq!((runs[0].first, runs[0].last, runs[0].after), (5, 6, [6; 32]));
        assert_eq!((runs[1].before, runs[1].after), ([7; 32], [8; 32]));
    }

    #[test]
    fn hashes_are_written_as_digits_and_read_again() {
        let run = Run { first: 1, last: 2, before: ORIGIN, after: [0xa7; 32] };
        let text = serde_json::to_string(&run).expect("JSON");
        assert!(text.contains(&"a7".repeat(32)), "{text}");
        assert_eq!(serde_json::from_str::<Run>(&text).expect("a run"), run);
        assert!(serde_json::from_str::<Run>(&text.replace("a7a7", "a7")).is_err(), "too short");
        assert!(serde_json::from_str::<Run>(&text.replace("a7a7", "zza7")).is_err(), "no digits");
    }
}
