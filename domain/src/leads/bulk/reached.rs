//! How far a job is that goes through many leads. Its note tells people, and itself when it is cut off, pure.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use uuid::Uuid;

use super::apply::Applied;
use crate::types::LeadId;

/// What was done so far, and where to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// Leads with ids below this one are still to be looked at.
    pub(super) before: LeadId,
    /// Leads that fitted the filter.
    pub(super) matched: usize,
    changed: usize,
    /// They were so already.
    unchanged: usize,
    /// How many were left as they are, by the reason.
    refused: BTreeMap<String, usize>,
}

impl Reached {
    /// Where a job goes on that left this note, or where it begins: with the leads that are older than itself.
    #[must_use]
    pub fn resumed(note: Option<&str>, job: Uuid) -> Self {
        note.and_then(Self::read).unwrap_or(Self {
            before: LeadId(job),
            matched: 0,
            changed: 0,
            unchanged: 0,
            refused: BTreeMap::new(),
        })
    }

    /// The same after another page, which ended with this lead.
    pub(super) fn after(&self, last: LeadId, matched: usize, applied: &Applied) -> Self {
        let mut reached = self.clone();
        let (changed, refused) = (applied.changed.len(), applied.refused.len());
        reached.before = last;
        reached.matched += matched;
        reached.changed += changed;
        reached.unchanged += matched.saturating_sub(changed + refused);
        for reason in &applied.refused {
            *reached.refused.entry((*reason).to_owned()).or_default() += 1;
        }
        reached
    }

    pub(super) fn note(&self) -> String {
        let mut parts = vec![
            format!("{} leads", self.matched),
            format!("{} changed", self.changed),
            format!("{} unchanged", self.unchanged),
        ];
        parts.extend(self.refused.iter().map(|(reason, count)| format!("{count} {reason}")));
        format!("{}; down to {}", parts.join(", "), self.before)
    }

    fn read(note: &str) -> Option<Self> {
        let (parts, before) = note.split_once("; down to ")?;
        let mut counts = BTreeMap::new();
        for part in parts.split(", ") {
            let (count, of) = part.split_once(' ')?;
            counts.insert(of.to_owned(), count.parse::<usize>().ok()?);
        }
        Some(Self {
            before: LeadId(before.parse().ok()?),
            matched: counts.remove("leads")?,
            changed: counts.remove("changed")?,
            unchanged: counts.remove("unchanged")?,
            refused: counts,
        })
    }

    /// The share of so many leads, 0 to 1.
    pub(super) fn share(&self, total: i64) -> f32 {
        #[expect(clippy::cast_precision_loss, reason = "a share for people to look at")]
        let share = self.matched as f32 / total.max(1) as f32;
        share.min(1.0)
    }

    /// What the job came to.
    #[must_use]
    pub fn output(&self) -> Value {
        json!({
            "matched": self.matched, "changed": self.changed, "unchanged": self.unchanged, "refused": self.refused,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_as_it_was_written() {
        let (job, last) = (Uuid::from_u128(9), LeadId(Uuid::from_u128(7)));
        let begun = Reached::resumed(None, job);
        assert_eq!(begun.before, LeadId(job));
        assert!(begun.share(0) < f32::EPSILON);
        let applied = Applied { changed: vec![last], refused: vec!["agent-not-free", "closed", "closed"] };
        let reached = begun.after(last, 6, &applied);
        let resumed = Reached::resumed(Some(&reached.note()), job);
        assert_eq!(resumed, reached, "{}", reached.note());
        let refused = json!({"agent-not-free": 1, "closed": 2});
        let told = json!({"matched": 6, "changed": 1, "unchanged": 2, "refused": refused});
        assert_eq!(resumed.output(), told);
        assert_eq!(Reached::resumed(Some("looked once"), job), begun);
    }
}
