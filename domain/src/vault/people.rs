//! The keys of people: made with the first value, read for a transaction, kept for an archive, destroyed with the person.

use std::{collections::BTreeSet, io};

use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    cipher::{key_of, length_prefixed},
    keys::Vault,
    store,
    subjects::SubjectKeys,
};
use crate::{
    error::{Error, Result},
    tenancy::TenantTx,
    types::{SubjectId, TenantId},
};

/// The keys of people as they lie, to be opened off the connection.
pub(crate) struct FoundSubjects {
    tenant: TenantId,
    found: Vec<store::WrappedSubjectKey>,
}

impl Vault {
    /// The keys of people, making one for each who has none yet. What is sealed under them is written in this
    /// transaction and in no later one: a rotation waits for the transactions that may have read which key is the
    /// current one, and for nothing else.
    ///
    /// # Errors
    /// If the database or the key-encryption key refuses.
    pub async fn make_subjects(tx: &mut TenantTx, subjects: &[SubjectId]) -> Result<SubjectKeys> {
        let mut keys = Self::subjects(tx, subjects).await?;
        let platform = tx.platform.clone();
        let (vault, tenant) = (&platform.vault, tx.tenant);
        let mut fresh = Vec::new();
        for subject in subjects {
            if keys.current.contains_key(subject) {
                continue;
            }
            let purpose = subject_purpose(tenant, *subject);
            let (wrapped, key) = vault.fresh(platform.chance.as_ref(), &purpose).await?;
            fresh.push((*subject, key.id, wrapped));
            keys.put(*subject, &key);
        }
        store::put_subject_keys(tx.conn(), tenant, &fresh, vault.keks.current().name()).await?;
        Ok(keys)
    }

    /// The keys of people; who was erased or never had one is missing. One that is no key any more is that person's
    /// trouble alone: whatever was sealed under it does not open.
    ///
    /// # Errors
    /// If the database or the key-encryption key does not answer, or this process does not have the key-encryption key.
    pub async fn subjects(tx: &mut TenantTx, subjects: &[SubjectId]) -> Result<SubjectKeys> {
        let found = Self::find_subjects(tx, subjects).await?;
        let platform = tx.platform.clone();
        platform.vault.open_subjects(found).await
    }

    /// The first half of [`Self::subjects`], for whoever reads on while what was found is opened elsewhere.
    ///
    /// # Errors
    /// If the database does not answer.
    pub(crate) async fn find_subjects(tx: &mut TenantTx, subjects: &[SubjectId]) -> Result<FoundSubjects> {
        let tenant = tx.tenant;
        let found = store::subject_keys(tx.conn(), tenant, subjects).await?;
        tx.opened(found.iter().filter(|found| found.is_current).map(|found| found.subject));
        Ok(FoundSubjects { tenant, found })
    }

    /// The second half of [`Self::subjects`]: needs no connection, and works for as long as it takes to unwrap them.
    ///
    /// # Errors
    /// As there, but for the database's.
    pub(crate) async fn open_subjects(&self, found: FoundSubjects) -> Result<SubjectKeys> {
        let FoundSubjects { tenant, found } = found;
        let mut keys = SubjectKeys::default();
        for found in found {
            let (subject, id) = (found.subject, found.key.id);
            match self.unwrapped(&subject_purpose(tenant, subject), &found.key).await {
                Ok(key) if found.is_current => keys.put(subject, &key),
                Ok(key) => keys.put_other(&key),
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    tracing::error!(
                        tenant.id = %tenant, subject.id = %subject, key.id = %id, %error,
                        "the key of a person cannot be read"
                    );
                    if found.is_current {
                        keys.current.insert(subject, id);
                    }
                    keys.unreadable.insert(id);
                }
                Err(error) => return Err(Error::internal(error)),
            }
        }
        Ok(keys)
    }

    /// Keeps the keys of values about people that are copied into an archive as they are: a rotation seals what is in the
    /// database anew and nothing in files, so it must not destroy these. Erasure does. It comes in the transaction that has
    /// read the values, for that one a rotation waits.
    ///
    /// # Errors
    /// If the database refuses, or a value has no known form.
    pub async fn keep_for_archive<'b>(
        conn: &mut PgConnection,
        tenant: TenantId,
        blobs: impl IntoIterator<Item = &'b [u8]>,
    ) -> Result<()> {
        let keys: BTreeSet<Uuid> =
            blobs.into_iter().map(key_of).collect::<Result<_, _>>().map_err(Error::internal)?;
        store::note_archived(conn, tenant, &keys.into_iter().collect::<Vec<_>>()).await
    }

    /// Destroys all keys of people: nothing about them opens any more. Answers how many keys there were. A rotation makes
    /// another key for a person only while it holds one that is there, so none is left behind.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn destroy_subjects(tx: &mut TenantTx, subjects: &[SubjectId]) -> Result<u64> {
        let (tenant, mut all) = (tx.tenant, 0);
        store::hold_subject_keys(tx.conn(), tenant, subjects).await?;
        // What a rotation made while its lock was waited for is seen by the next statement only.
        loop {
            let destroyed = store::destroy_subject_keys(tx.conn(), tenant, subjects).await?;
            if destroyed == 0 {
                return Ok(all);
            }
            all += destroyed;
        }
    }
}

pub(super) fn subject_purpose(tenant: TenantId, subject: SubjectId) -> Vec<u8> {
    length_prefixed(&[b"subject key", tenant.0.as_bytes(), subject.0.as_bytes()])
}
