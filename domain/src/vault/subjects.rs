//! The keys of people, open: what is sealed under them and what opens by them.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::cipher::{self, Cipher, DataKey, Place};
use crate::{
    ctx::Platform,
    error::{Error, Result},
    types::SubjectId,
};

/// Data keys of people, by key id and by person.
#[derive(Debug, Default)]
pub struct SubjectKeys {
    pub(super) keys: HashMap<Uuid, Cipher>,
    pub(super) current: HashMap<SubjectId, Uuid>,
    /// Those that are there and cannot be unwrapped.
    pub(super) unreadable: HashSet<Uuid>,
}

impl SubjectKeys {
    pub(super) fn put(&mut self, subject: SubjectId, key: &DataKey) {
        self.current.insert(subject, key.id);
        self.put_other(key);
    }

    /// One that opens and does not seal: a rotation is going to use it, or has replaced it.
    pub(super) fn put_other(&mut self, key: &DataKey) {
        self.keys.insert(key.id, Cipher::of(key));
    }

    /// Whether the person has a key; who was erased has none.
    #[must_use]
    pub fn knows(&self, subject: SubjectId) -> bool {
        self.current.contains_key(&subject)
    }

    /// Whether the person has a key under which can be sealed.
    #[must_use]
    pub fn seals(&self, subject: SubjectId) -> bool {
        self.current.get(&subject).is_some_and(|id| self.keys.contains_key(id))
    }

    /// Seals a value about a person.
    ///
    /// # Errors
    /// If the person has no key here, or one that cannot be read: ask [`make_subjects`](super::Vault::make_subjects) first.
    pub fn seal(
        &self,
        platform: &Platform,
        subject: SubjectId,
        place: &Place,
        plain: &str,
    ) -> Result<Vec<u8>> {
        let key = self.current.get(&subject).and_then(|id| self.keys.get(id));
        let key = key.ok_or_else(|| Error::internal("a person without a data key"))?;
        Ok(key.seal(platform.random(), place, plain.as_bytes()))
    }

    /// Opens a value about a person; `None` once the person was erased.
    ///
    /// # Errors
    /// If the blob was altered or moved, or its key cannot be read.
    pub fn open(&self, place: &Place, blob: &[u8]) -> Result<Option<String>> {
        // What was blanked by its age.
        if blob.is_empty() {
            return Ok(None);
        }
        let id = cipher::key_of(blob).map_err(Error::internal)?;
        let Some(key) = self.keys.get(&id) else {
            if self.unreadable.contains(&id) {
                return Err(Error::internal("a sealed value names a key that cannot be read"));
            }
            return Ok(None);
        };
        let plain = key.open(place, blob).map_err(Error::internal)?;
        String::from_utf8(plain.to_vec()).map(Some).map_err(|_| Error::internal("a sealed value is no text"))
    }

    /// Seals a value under the person's current key that was sealed under another of theirs.
    pub(super) fn reseal(
        &self,
        platform: &Platform,
        subject: SubjectId,
        place: &Place,
        blob: &[u8],
    ) -> Result<Vec<u8>, cipher::Unreadable> {
        let of = |id| self.keys.get(&id).ok_or(cipher::Unreadable::Key);
        let plain = of(cipher::key_of(blob)?)?.open(place, blob)?;
        let current = of(*self.current.get(&subject).ok_or(cipher::Unreadable::Key)?)?;
        Ok(current.seal(platform.random(), place, &plain))
    }

    /// [`Self::open`] for whoever looks at many: what does not open is missing there, and takes nothing else with it.
    #[must_use]
    pub fn shown(&self, place: &Place, blob: &[u8]) -> Option<String> {
        self.open(place, blob).unwrap_or_else(|error| {
            let Place { tenant, table, column, row } = place;
            tracing::error!(tenant.id = %tenant, table, column, row.id = %row, %error, "a value does not open");
            None
        })
    }
}
