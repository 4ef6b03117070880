//! The keys in use: unwrapped, in memory, for one transaction or a bounded cache.
//!
//! Keys are replaced (`rotation`) while this goes on, so nobody remembers for longer than a transaction under which key to
//! seal. Whoever seals for a tenant asks [`Vault::to_seal`] in the transaction that writes, which counts what is sealed and
//! holds the key in its place until commit. Whoever opens has read the value before and asks [`Vault::tenant_keys_for`],
//! which looks again if the value names a key that the cache has not heard of.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, PoisonError},
};

use sqlx::PgConnection;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{
    cipher::{DataKey, key_of, length_prefixed},
    kek::KeyEncryptionKey,
    ring::KekRing,
    rotation,
    store::{self, WrappedKey, WrappedTenantKey},
    tenant::{Sealing, TenantKeys},
};
use crate::{
    ctx::Chance,
    error::{Error, Result},
    tenancy::TenantTx,
    types::TenantId,
};

/// Tenants whose keys are held at a time; past it the cache starts anew.
const CACHED: usize = 10_000;

/// The most that a key may seal under random nonces: 2^32 (NIST SP 800-38D, 8.3).
const MOST_SEALED: i64 = 1 << 32;
/// From here on a tenant's data key is replaced by itself: half of what is allowed, as the replacement takes its time and
/// seals values too.
pub const ROTATE_AT: i64 = 1 << 31;
/// From here on the log warns: a quarter.
const WARN_AT: i64 = 1 << 30;

/// Wraps, unwraps and remembers keys.
pub struct Vault {
    pub(super) keks: KekRing,
    tenants: Mutex<HashMap<TenantId, Arc<TenantKeys>>>,
    /// Secrets of the installation, by what they are for and their ids: wrapping them anew changes neither id nor bytes.
    pub(super) secrets: Mutex<HashMap<(&'static str, Uuid), DataKey>>,
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

    pub(super) async fn unwrapped(&self, purpose: &[u8], key: &WrappedKey) -> io::Result<DataKey> {
        let bytes = self.keks.unwrap(&key.kek, purpose, &key.wrapped).await?;
        Ok(DataKey { id: key.id, bytes })
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
}

pub(super) const DATA: &str = "data";
pub(super) const INDEX: &str = "index";

pub(super) fn tenant_purpose(tenant: TenantId, purpose: &str) -> Vec<u8> {
    length_prefixed(&[b"tenant key", tenant.0.as_bytes(), purpose.as_bytes()])
}
