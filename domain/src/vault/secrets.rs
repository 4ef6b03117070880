//! The secrets of the installation: they sign tokens and hash keys, and are wrapped like all others.

use std::sync::PoisonError;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    cipher::DataKey,
    keys::Vault,
    store::{self, WrappedKey},
};
use crate::{
    ctx::Chance,
    error::{Error, Result},
};

/// Secrets that are held at a time; there are a few.
const HELD: usize = 100;

impl Vault {
    /// A secret of the installation that was found, opened unless it is.
    async fn secret(&self, purpose: &'static str, key: &WrappedKey) -> Result<DataKey> {
        let at = (purpose, key.id);
        let held = self.secrets.lock().unwrap_or_else(PoisonError::into_inner).get(&at).cloned();
        if let Some(held) = held {
            return Ok(held);
        }
        let opened = self.unwrapped(purpose.as_bytes(), key).await.map_err(Error::internal)?;
        let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        if secrets.len() >= HELD {
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
}
