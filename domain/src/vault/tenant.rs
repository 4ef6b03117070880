//! The keys of a tenant, open: they open its secrets and make blind indexes, and in a transaction that writes they seal.

use std::{collections::HashMap, ops::Deref, sync::Arc};

use uuid::Uuid;
use zeroize::Zeroizing;

use super::{
    cipher::{self, DataKey, Place, Unreadable, key_of},
    keys::INDEX,
    store::WrappedTenantKey,
};
use crate::{
    ctx::Platform,
    error::{Error, Result},
};

/// A tenant's own keys.
#[derive(Debug)]
pub struct TenantKeys {
    /// Those that seal, will seal, or may have sealed what is there.
    pub(super) data: HashMap<Uuid, DataKey>,
    pub(super) index: DataKey,
}

/// A tenant's keys in a transaction that writes what it seals.
pub struct Sealing {
    pub(super) keys: Arc<TenantKeys>,
    pub(super) current: Uuid,
}

impl TenantKeys {
    /// One that is open already: wrapping it anew changes neither its id nor the key.
    pub(super) fn held(&self, found: &WrappedTenantKey) -> Option<&DataKey> {
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
