//! What was told, as it is kept: bounded, and of what Postgres keeps as text.

use chrono::{DateTime, TimeDelta, Utc};

use super::Heard;
use crate::{
    Ctx,
    messages::{callback::Told, store::ToldRow},
    types::ProviderId,
    vault::cipher::{hex, sha256},
};

/// The longest id of a provider that is kept, in bytes; one that is longer names nothing.
const LONGEST_ID: usize = 255;
/// The longest `dedupe`, in bytes; of one that is longer the hash is kept.
const LONGEST_DEDUPE: usize = 200;
/// So much of a provider's code is kept, in characters.
const LONGEST_CODE: usize = 100;

impl ToldRow {
    /// As it is kept. What a provider writes has no end of its own.
    pub(super) fn of(ctx: &Ctx, told: &Told) -> Self {
        let (now, code) = (ctx.now(), told.code.as_deref());
        let is_time = |at: &DateTime<Utc>| (DateTime::UNIX_EPOCH..now + TimeDelta::days(1)).contains(at);
        Self {
            id: ctx.id(),
            dedupe: identity(&told.dedupe, LONGEST_DEDUPE),
            ours: told.message,
            message: None,
            name: told.provider_message_id.clone().filter(|name| is_kept(name, LONGEST_ID)),
            status: told.status,
            failure: told.failure,
            code: code.map(|code| code.chars().filter(|c| *c != '\0').take(LONGEST_CODE).collect()),
            suppress: told.suppress,
            happened_at: told.happened_at.filter(is_time),
        }
    }

    /// As it is heard of its message; none while that is not known.
    pub(super) fn heard(&self, provider: ProviderId) -> Option<Heard> {
        Some(Heard {
            message: self.message?,
            provider,
            name: self.name.clone(),
            status: self.status,
            failure: self.failure,
            code: self.code.clone(),
            suppress: self.suppress,
        })
    }
}

/// What tells a thing from others: itself, or its hash if it is too long or Postgres does not keep it.
pub(in crate::messages) fn identity(text: &str, most: usize) -> String {
    if is_kept(text, most) { text.to_owned() } else { hex(&sha256(text.as_bytes())) }
}

fn is_kept(text: &str, most: usize) -> bool {
    text.len() <= most && !text.contains('\0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_kept_is_told_apart_all_the_same() {
        assert_eq!(identity("SM1:sent", 200), "SM1:sent");
        let long = "x".repeat(201);
        for odd in ["a\0b", "a\0c", long.as_str()] {
            assert_eq!(identity(odd, 200).len(), 64, "{odd:?}");
        }
        assert_ne!(identity("a\0b", 200), identity("a\0c", 200));
    }
}
