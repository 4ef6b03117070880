//! The keys in use: unwrapped, in memory, for one transaction or a bounded cache.
//!
//! Keys are replaced (`rotation`) while this goes on, so nobody remembers for longer than a transaction under which key to
//! seal. Whoever seals for a tenant asks [`Vault::to_seal`] in the transaction that writes, which counts what is sealed and
//! holds the key in its place until commit. Whoever opens has read the value before and asks [`Vault::tenant_keys_for`],
//! which looks again if the value names a key that the cache has not heard of.

use std::{
    collections::HashMap,
    io,
    ops::Deref,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{
    cipher::{self, DataKey, Place, Unreadable, key_of, length_prefixed},
    kek::KeyEncryptionKey,
    ring::KekRing,
    rotation,
    store::{self, WrappedKey, WrappedTenantKey},
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
/// Secrets of the installation that are held at a time; there are a few.
const SECRETS: usize = 100;

/// The most that a key may seal under random nonces: 2^32 (NIST SP 800-38D, 8.3).
const MOST_SEALED: i64 = 1 << 32;
/// From here on a tenant's data key is replaced by itself: half of what is allowed, as the replacement takes its time and
/// seals values too.
pub const ROTATE_AT: i64 = 1 << 31;
/// From here on the log warns: a quarter.
const WARN_AT: i64 = 1 << 30;

/// Wraps, unwraps and remembers keys.
pub struct Vault {
    keks: KekRing,
    tenants: Mutex<HashMap<TenantId, Arc<TenantKeys>>>,
    /// Secrets of the installation, by what they are for and their ids: wrapping them anew changes neither id nor bytes.
    secrets: Mutex<HashMap<(&'static str, Uuid), DataKey>>,
}

/// A tenant's keys as they were found, to be opened without the connection: a key service may be slow.
pub(crate) struct Found {
    tenant: TenantId,
    keys: Sought,
}

enum Sought {
    Cached(Arc<TenantKeys>),
    Wrapped(Vec<WrappedTenantKey>),
}

/// A tenant's own keys.
#[derive(Debug)]
pub struct TenantKeys {
    /// Those that seal, will seal, or may have sealed what is there.
    data: HashMap<Uuid, DataKey>,
    index: DataKey,
}

/// A tenant's keys in a transaction that writes what it seals.
pub struct Sealing {
    keys: Arc<TenantKeys>,
    current: Uuid,
}

impl Vault {
    /// With one key-encryption key.
    #[must_use]
    pub fn new(kek: Box<dyn KeyEncryptionKey>) -> Self {
        Self::with_ring(KekRing::new(Arc::from(kek)))
    }

    /// With one that wraps and others that unwrap.
    #[must_use]
    pub fn with_ring(keks: KekRing) -> Self {
        Self { keks, tenants: Mutex::default(), secrets: Mutex::default() }
    }

    /// The key-encryption keys.
    #[must_use]
    pub fn keks(&self) -> &KekRing {
        &self.keks
    }

    /// Wraps a fresh key, answering `(wrapped, plain)`.
    pub(super) async fn fresh(&self, chance: &dyn Chance, purpose: &[u8]) -> Result<(Vec<u8>, DataKey)> {
        let mut bytes = Zeroizing::new([0; 32]);
        chance.fill(bytes.as_mut_slice());
        let wrapped = self.keks.current().wrap(purpose, &bytes).await.map_err(Error::internal)?;
        Ok((wrapped, DataKey { id: chance.id(), bytes }))
    }

    async fn unwrapped(&self, purpose: &[u8], key: &WrappedKey) -> io::Result<DataKey> {
        let bytes = self.keks.unwrap(&key.kek, purpose, &key.wrapped).await?;
        Ok(DataKey { id: key.id, bytes })
    }

    /// A secret of the installation that was found, opened unless it is.
    async fn secret(&self, purpose: &'static str, key: &WrappedKey) -> Result<DataKey> {
        let at = (purpose, key.id);
        let held = self.secrets.lock().unwrap_or_else(PoisonError::into_inner).get(&at).cloned();
        if let Some(held) = held {
            return Ok(held);
        }
        let opened = self.unwrapped(purpose.as_bytes(), key).await.map_err(Error::internal)?;
        let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        if secrets.len() >= SECRETS {
            secrets.clear();
        }
        secrets.insert(at, opened.clone());
        Ok(opened)
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
        let mut found = store::installation_secret(conn, purpose).await?;
        if found.is_none() {
            let (wrapped, key) = self.fresh(chance, purpose.as_bytes()).await?;
            let kek = self.keks.current().name();
            store::put_installation_secret(conn, key.id, purpose, &wrapped, kek).await?;
            found = store::installation_secret(conn, purpose).await?;
        }
        let found =
            found.ok_or_else(|| Error::internal("a secret of the installation was retired at once"))?;
        self.secret(purpose, &found).await
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
        let kek = self.keks.current().name();
        if !store::put_installation_secret(conn, key.id, purpose, &wrapped, kek).await? {
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
        for (key, retired_at) in store::former_installation_secrets(conn, purpose, since).await? {
            former.push((self.secret(purpose, &key).await?, retired_at));
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
        let (data_wrapped, data) = self.fresh(chance, &tenant_purpose(tenant, DATA)).await?;
        let (index_wrapped, index) = self.fresh(chance, &tenant_purpose(tenant, INDEX)).await?;
        for (purpose, key, wrapped) in [(DATA, &data, data_wrapped), (INDEX, &index, index_wrapped)] {
            store::put_tenant_key(conn, tenant, key.id, purpose, &wrapped, self.keks.current().name())
                .await?;
        }
        Ok(Arc::new(TenantKeys { data: HashMap::from([(data.id, data)]), index }))
    }

    /// A tenant's keys, from the cache or from the connection: for blind indexes and tokens. Whoever opens asks
    /// [`Self::tenant_keys_for`], and whoever seals asks [`Self::to_seal`].
    ///
    /// # Errors
    /// If the database or the key-encryption key refuses.
    pub async fn tenant_keys(&self, conn: &mut PgConnection, tenant: TenantId) -> Result<Arc<TenantKeys>> {
        self.open_found(self.find_tenant_keys(conn, tenant).await?).await
    }

    /// [`Self::tenant_keys`] before they are opened, which [`Self::open_found`] does: whoever is a stranger yet has no
    /// connection held while a key service is asked.
    pub(crate) async fn find_tenant_keys(&self, conn: &mut PgConnection, tenant: TenantId) -> Result<Found> {
        let keys = match self.cached(tenant) {
            Some(keys) => Sought::Cached(keys),
            None => Sought::Wrapped(store::tenant_keys(conn, tenant).await?),
        };
        Ok(Found { tenant, keys })
    }

    /// A tenant's keys, with those that these values were sealed under if they are there at all. The values have been read
    /// before: then their keys are still there, for a rotation destroys none before all transactions are over that
    /// may have read something under it.
    ///
    /// # Errors
    /// If the database or the key-encryption key refuses.
    pub async fn tenant_keys_for<'b>(
        &self,
        conn: &mut PgConnection,
        tenant: TenantId,
        blobs: impl IntoIterator<Item = &'b [u8]>,
    ) -> Result<Arc<TenantKeys>> {
        self.open_found(self.find_tenant_keys_for(conn, tenant, blobs).await?).await
    }

    /// [`Self::tenant_keys_for`] before they are opened.
    pub(crate) async fn find_tenant_keys_for<'b>(
        &self,
        conn: &mut PgConnection,
        tenant: TenantId,
        blobs: impl IntoIterator<Item = &'b [u8]>,
    ) -> Result<Found> {
        if let Some(keys) = self.cached(tenant)
            && blobs.into_iter().all(|blob| key_of(blob).is_ok_and(|key| keys.data.contains_key(&key)))
        {
            return Ok(Found { tenant, keys: Sought::Cached(keys) });
        }
        Ok(Found { tenant, keys: Sought::Wrapped(store::tenant_keys(conn, tenant).await?) })
    }

    /// A tenant's keys for a transaction that seals this many values and writes them. It comes after the locks of what is
    /// to be written, for the line of the key is locked until commit: a rotation that puts another key in its place
    /// waits for all who seal under this one, and nobody after them finds it. So once a rotation has gone on, nothing
    /// more comes to be under the key before.
    ///
    /// # Errors
    /// If the key has sealed as much as a key may, or the database or the key-encryption key refuses.
    pub async fn to_seal(tx: &mut TenantTx, values: u32) -> Result<Sealing> {
        let (platform, tenant) = (tx.platform.clone(), tx.tenant);
        let vault = &platform.vault;
        // Who waited for a rotation to change the key sees the other one only when they ask again.
        let mut counted = None;
        for _ in 0..3 {
            counted = store::count_sealed(tx.conn(), tenant, values.into()).await?;
            if counted.is_some() {
                break;
            }
        }
        let (current, sealed) =
            counted.ok_or_else(|| Error::internal(format!("tenant {tenant} has no data key")))?;
        if sealed >= MOST_SEALED {
            return Err(Error::internal("the tenant's data key has sealed 2^32 values; rotate it first"));
        }
        if sealed >= ROTATE_AT {
            rotation::begin_by_itself(tx).await?;
        } else if sealed >= WARN_AT {
            tracing::warn!(tenant.id = %tenant, key.id = %current, sealed, "the data key has sealed many values");
        }
        let cached = vault.cached(tenant).filter(|keys| keys.data.contains_key(&current));
        let keys = match cached {
            Some(keys) => keys,
            None => vault.read_tenant_keys(tx.conn(), tenant).await?,
        };
        if !keys.data.contains_key(&current) {
            return Err(Error::internal(format!("tenant {tenant} has no data key {current}")));
        }
        Ok(Sealing { keys, current })
    }

    fn cached(&self, tenant: TenantId) -> Option<Arc<TenantKeys>> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner).get(&tenant).map(Arc::clone)
    }

    /// Reads a tenant's keys, whatever the cache says.
    pub(super) async fn read_tenant_keys(
        &self,
        conn: &mut PgConnection,
        tenant: TenantId,
    ) -> Result<Arc<TenantKeys>> {
        let keys = Sought::Wrapped(store::tenant_keys(conn, tenant).await?);
        self.open_found(Found { tenant, keys }).await
    }

    /// Opens a tenant's keys that are not open yet.
    ///
    /// # Errors
    /// If there are none, or the key-encryption key refuses.
    pub(crate) async fn open_found(&self, Found { tenant, keys }: Found) -> Result<Arc<TenantKeys>> {
        let wrapped = match keys {
            Sought::Cached(keys) => return Ok(keys),
            Sought::Wrapped(wrapped) => wrapped,
        };
        let held = self.cached(tenant);
        let (mut data, mut index) = (HashMap::new(), None);
        for found in wrapped {
            let held = held.as_ref().and_then(|held| held.held(&found));
            let key = if let Some(key) = held {
                key.clone()
            } else {
                let purpose = tenant_purpose(tenant, &found.purpose);
                self.unwrapped(&purpose, &found.key).await.map_err(Error::internal)?
            };
            if found.purpose == INDEX {
                index = Some(key);
            } else {
                data.insert(key.id, key);
            }
        }
        let index = index.filter(|_| !data.is_empty());
        let index = index.ok_or_else(|| Error::internal(format!("tenant {tenant} has no keys")))?;
        let keys = Arc::new(TenantKeys { data, index });
        let mut cache = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= CACHED {
            cache.clear();
        }
        cache.insert(tenant, Arc::clone(&keys));
        Ok(keys)
    }

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
        let (platform, tenant) = (tx.platform.clone(), tx.tenant);
        let mut keys = SubjectKeys::default();
        for found in store::subject_keys(tx.conn(), tenant, subjects).await? {
            let (subject, id) = (found.subject, found.key.id);
            match platform.vault.unwrapped(&subject_purpose(tenant, subject), &found.key).await {
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
        tx.opened(keys.current.keys().copied());
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
        let keys: std::collections::BTreeSet<Uuid> =
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

impl TenantKeys {
    /// One that is open already: wrapping it anew changes neither its id nor the key.
    fn held(&self, found: &WrappedTenantKey) -> Option<&DataKey> {
        if found.purpose == INDEX {
            Some(&self.index).filter(|index| index.id == found.key.id)
        } else {
            self.data.get(&found.key.id)
        }
    }

    /// # Errors
    /// If the blob was altered or moved, or its key is not there.
    pub fn open(&self, place: &Place, blob: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let key = key_of(blob).map_err(Error::internal)?;
        let key = self.data.get(&key).ok_or_else(|| Error::internal(Unreadable::Key))?;
        cipher::open(key, place, blob).map_err(Error::internal)
    }

    /// The blind index of a normalised value.
    #[must_use]
    pub fn index(&self, column: &'static str, normal: &str) -> Vec<u8> {
        cipher::blind_index(&self.index, column, normal)
    }
}

impl Sealing {
    /// Seals a secret of the tenant.
    #[must_use]
    pub fn seal(&self, platform: &Platform, place: &Place, plain: &[u8]) -> Vec<u8> {
        let key = self.keys.data.get(&self.current);
        let key = key.unwrap_or_else(|| unreachable!("it was there when this was made"));
        cipher::seal(key, platform.random(), place, plain)
    }
}

impl Deref for Sealing {
    type Target = TenantKeys;

    fn deref(&self) -> &TenantKeys {
        &self.keys
    }
}

pub(super) const DATA: &str = "data";
const INDEX: &str = "index";

pub(super) fn tenant_purpose(tenant: TenantId, purpose: &str) -> Vec<u8> {
    length_prefixed(&[b"tenant key", tenant.0.as_bytes(), purpose.as_bytes()])
}

pub(super) fn subject_purpose(tenant: TenantId, subject: SubjectId) -> Vec<u8> {
    length_prefixed(&[b"subject key", tenant.0.as_bytes(), subject.0.as_bytes()])
}
