//! The versions in use, parsed once by each process.

use std::sync::Arc;

use quick_cache::{Weighter, sync::Cache};

use super::Wording;
use crate::types::TemplateId;

/// Versions that are kept at a time, and what they may take of memory together, roughly, in bytes.
const KEPT: usize = 2_000;
const KEPT_BYTES: u64 = 64 * 1024 * 1024;

/// Wordings by the versions that they are of, of all tenants: a version never changes. Those that are used least make
/// room.
pub struct Wordings(Cache<TemplateId, Arc<Wording>, BySize>);

impl Default for Wordings {
    fn default() -> Self {
        Self(Cache::with_weighter(KEPT, KEPT_BYTES, BySize))
    }
}

impl Wordings {
    /// The wording of a version, if it is kept.
    #[must_use]
    pub fn kept(&self, id: TemplateId) -> Option<Arc<Wording>> {
        self.0.get(&id)
    }

    /// The wording of a version, which is made if it is not kept.
    ///
    /// # Errors
    /// What `make` says; that is not kept.
    pub fn get(
        &self,
        id: TemplateId,
        make: impl FnOnce() -> Result<Wording, String>,
    ) -> Result<Arc<Wording>, String> {
        if let Some(kept) = self.0.get(&id) {
            return Ok(kept);
        }
        let wording = Arc::new(make()?);
        self.0.insert(id, Arc::clone(&wording));
        Ok(wording)
    }
}

#[derive(Clone)]
struct BySize;

impl Weighter<TemplateId, Arc<Wording>> for BySize {
    fn weight(&self, _: &TemplateId, wording: &Arc<Wording>) -> u64 {
        wording.size
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn wording(text: &str) -> Wording {
        Wording::parse(None, text, None, None).expect("it parses")
    }

    #[test]
    fn a_version_is_parsed_once_and_a_failure_is_not_kept() {
        let (kept, id) = (Wordings::default(), TemplateId(Uuid::from_u128(1)));
        assert_eq!(kept.get(id, || Err("no".into())).err().as_deref(), Some("no"));
        let first = kept.get(id, || Ok(wording("one"))).expect("made");
        let again = kept.get(id, || Ok(wording("two"))).expect("kept");
        assert!(Arc::ptr_eq(&first, &again));
        let other = kept.get(TemplateId(Uuid::from_u128(2)), || Ok(wording("two"))).expect("made");
        assert!(!Arc::ptr_eq(&first, &other));
    }

    #[test]
    fn what_is_kept_has_an_end() {
        let kept = Wordings::default();
        for id in 0..200 {
            let made = Wording { size: KEPT_BYTES / 100, ..wording("x") };
            kept.get(TemplateId(Uuid::from_u128(id)), || Ok(made)).expect("made");
        }
        assert!((1..=KEPT_BYTES).contains(&kept.0.weight()), "{}", kept.0.weight());
    }
}
