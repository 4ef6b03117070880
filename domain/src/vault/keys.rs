//! The keys in use: unwrapped, in memory, for one transaction or a bounded cache.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{
    cipher::{self, DataKey, Place, length_prefixed},
    kek::KeyEncryptionKey,
    store,
    subjects::SubjectKeys,
};
use crate::{
    ctx::{Chance, Platform},
    error::{Error, Result},
    tenancy::TenantTx,
    types::{SubjectId, TenantId},
};

/// Tenants whose keys are held at a time; past it the cache starts anew.
const CACHED: usize = 10_000;

/// Wraps, unwraps and remembers keys.
pub struct Vault {
    kek: Box<dyn KeyEncryptionKey>,
    tenants: Mutex<HashMap<TenantId, Arc<TenantKeys>>>,
}

/// A tenant's own keys.
#[derive(Debug)]
pub struct TenantKeys {
    data: DataKey,
    index: DataKey,
}

impl Vault {
    #[must_use]
    pub fn new(kek: Box<dyn KeyEncryptionKey>) -> Self {
        Self { kek, tenants: Mutex::default() }
    }

    /// Wraps a fresh key, answering `(id, wrapped, plain)`.
    async fn fresh(&self, chance: &dyn Chance, purpose: &[u8]) -> Result<(Vec<u8>, DataKey)> {
        let mut bytes = Zeroizing::new([0; 32]);
        chance.fill(bytes.as_mut_slice());
        let wrapped = self.kek.wrap(purpose, &bytes).await.map_err(Error::internal)?;
        Ok((wrapped, DataKey { id: chance.id(), bytes }))
    }

    /// A secret of the installation, made once. Takes the connection of the system role.
    ///
    /// # Errors
    /// If the database or the key-encryption key refuses.
    pub async fn installation_secret(
        &self,
        conn: &mut PgConnection,
        chance: &dyn Chance,
        purpose: &'static str,
    ) -> Result<DataKey> {
        let (wrapped, key) = self.fresh(chance, purpose.as_bytes()).await?;
        store::put_installation_secret(conn, key.id, purpose, &wrapped, self.kek.name()).await?;
        let (id, wrapped) = store::installation_secret(conn, purpose).await?;
        let bytes = self.kek.unwrap(purpose.as_bytes(), &wrapped).await.map_err(Error::internal)?;
        Ok(DataKey { id, bytes })
    }

    /// Puts a fresh secret of the installation in the place of the one in use, which is retired as of a time, and with
    /// it all that were retired after that time if so wished. Answers the new one's id.
    ///
    /// # Errors
    /// A conflict if somebody else does so at this moment, or if the database or the key-encryption key refuses.
    pub(crate) async fn replace_secret(
        &self,
        conn: &mut PgConnection,
        chance: &dyn Chance,
        purpose: &'static str,
        (retired_at, all): (DateTime<Utc>, bool),
    ) -> Result<Uuid> {
        let (wrapped, key) = self.fresh(chance, purpose.as_bytes()).await?;
        store::retire_installation_secret(conn, purpose, retired_at, all).await?;
        if !store::put_installation_secret(conn, key.id, purpose, &wrapped, self.kek.name()).await? {
            return Err(Error::conflict(
                "rotated-meanwhile",
                "another key was made at this moment; do it again",
            ));
        }
        Ok(key.id)
    }

    /// Secrets of the installation that were retired after a time, and when.
    ///
    /// # Errors
    /// If the database or the key-encryption key refuses.
    pub(crate) async fn former_secrets(
        &self,
        conn: &mut PgConnection,
        purpose: &'static str,
        since: DateTime<Utc>,
    ) -> Result<Vec<(DataKey, DateTime<Utc>)>> {
        let mut former = Vec::new();
        for (id, wrapped, retired_at) in store::former_installation_secrets(conn, purpose, since).await? {
            let bytes = self.kek.unwrap(purpose.as_bytes(), &wrapped).await.map_err(Error::internal)?;
            former.push((DataKey { id, bytes }, retired_at));
        }
        Ok(former)
    }

    /// Makes a new tenant's keys. Takes the connection of the system role.
    pub(crate) async fn make_tenant_keys(
        &self,
        conn: &mut PgConnection,
        chance: &dyn Chance,
        tenant: TenantId,
    ) -> Result<Arc<TenantKeys>> {
        let (data_wrapped, data) = self.fresh(chance, &tenant_purpose(tenant, "data")).await?;
        let (index_wrapped, index) = self.fresh(chance, &tenant_purpose(tenant, "index")).await?;
        for (purpose, key, wrapped) in [("data", &data, data_wrapped), ("index", &index, index_wrapped)] {
            store::put_tenant_key(conn, tenant, key.id, purpose, &wrapped, self.kek.name()).await?;
        }
        Ok(Arc::new(TenantKeys { data, index }))
    }

    /// A tenant's keys, from the cache or from the connection.
    ///
    /// # Errors
    /// If the database or the key-encryption key refuses.
    pub async fn tenant_keys(&self, conn: &mut PgConnection, tenant: TenantId) -> Result<Arc<TenantKeys>> {
        let cached = self.tenants.lock().unwrap_or_else(PoisonError::into_inner).get(&tenant).map(Arc::clone);
        if let Some(keys) = cached {
            return Ok(keys);
        }
        let mut found = HashMap::new();
        for (id, purpose, wrapped) in store::tenant_keys(conn, tenant).await? {
            let bytes = self
                .kek
                .unwrap(&tenant_purpose(tenant, &purpose), &wrapped)
                .await
                .map_err(Error::internal)?;
            found.insert(purpose, DataKey { id, bytes });
        }
        let (Some(data), Some(index)) = (found.remove("data"), found.remove("index")) else {
            return Err(Error::internal(format!("tenant {tenant} has no keys")));
        };
        let keys = Arc::new(TenantKeys { data, index });
        let mut cache = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= CACHED {
            cache.clear();
        }
        cache.insert(tenant, Arc::clone(&keys));
        Ok(keys)
    }

    /// The keys of people, making one for each who has none yet.
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
            keys.put(*subject, key);
        }
        store::put_subject_keys(tx.conn(), tenant, &fresh, vault.kek.name()).await?;
        Ok(keys)
    }

    /// The keys of people; who was erased or never had one is missing. One that is no key any more is that person's
    /// trouble alone: whatever was sealed under it does not open.
    ///
    /// # Errors
    /// If the database or the key-encryption key does not answer.
    pub async fn subjects(tx: &mut TenantTx, subjects: &[SubjectId]) -> Result<SubjectKeys> {
        let (platform, tenant) = (tx.platform.clone(), tx.tenant);
        let mut keys = SubjectKeys::default();
        for (subject, id, wrapped) in store::subject_keys(tx.conn(), tenant, subjects).await? {
            let purpose = subject_purpose(tenant, subject);
            match platform.vault.kek.unwrap(&purpose, &wrapped).await {
                Ok(bytes) => keys.put(subject, DataKey { id, bytes }),
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    tracing::error!(
                        tenant.id = %tenant, subject.id = %subject, key.id = %id, %error,
                        "the key of a person cannot be read"
                    );
                    keys.current.insert(subject, id);
                    keys.unreadable.insert(id);
                }
                Err(error) => return Err(Error::internal(error)),
            }
        }
        tx.opened(keys.current.keys().copied());
        Ok(keys)
    }
}

impl TenantKeys {
    /// Seals a secret of the tenant.
    #[must_use]
    pub fn seal(&self, platform: &Platform, place: &Place, plain: &[u8]) -> Vec<u8> {
        cipher::seal(&self.data, platform.random(), place, plain)
    }

    /// # Errors
    /// If the blob was altered or moved.
    pub fn open(&self, place: &Place, blob: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        cipher::open(&self.data, place, blob).map_err(Error::internal)
    }

    /// The blind index of a normalised value.
    #[must_use]
    pub fn index(&self, column: &'static str, normal: &str) -> Vec<u8> {
        cipher::blind_index(&self.index, column, normal)
    }
}

fn tenant_purpose(tenant: TenantId, purpose: &str) -> Vec<u8> {
    length_prefixed(&[b"tenant key", tenant.0.as_bytes(), purpose.as_bytes()])
}

fn subject_purpose(tenant: TenantId, subject: SubjectId) -> Vec<u8> {
    length_prefixed(&[b"subject key", tenant.0.as_bytes(), subject.0.as_bytes()])
}
