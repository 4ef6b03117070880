//! Passwords: argon2id with the parameters of the OWASP Password Storage Cheat Sheet (19 MiB, two
//! passes, one lane), off the async threads and few at a time.

use std::sync::Arc;

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use tokio::sync::Semaphore;

use super::common::is_common;
use crate::{
    ctx::Platform,
    error::{Error, Result},
};

/// Hashes at a time: each takes 19 MiB and a core.
const AT_A_TIME: usize = 2;
const MIN_CHARS: usize = 12;
const MAX_BYTES: usize = 512;

/// A hash nobody has the password of: an unknown user costs the same time as a known one, and one who is invited has
/// no other yet.
pub(super) const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The hasher of a process.
#[derive(Debug, Clone)]
pub struct Passwords {
    places: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(AT_A_TIME)) }
    }
}

impl Passwords {
    /// # Errors
    /// If the password is too short or one that many use, named under `pointer`.
    pub async fn hash(&self, platform: &Platform, pointer: &str, password: &str) -> Result<String> {
        if password.chars().count() < MIN_CHARS || password.len() > MAX_BYTES {
            return Err(Error::invalid(pointer, "a password has 12 to 512 characters"));
        }
        if is_common(password) {
            return Err(Error::invalid(
                pointer,
                "very many people use this password, or what it is made of; choose one that nobody else has",
            ));
        }
        let salt: [u8; 16] = platform.random();
        let password = password.to_owned();
        self.off_thread(move || {
            Argon2::default()
                .hash_password_with_salt(password.as_bytes(), &salt)
                .map(|hash| hash.to_string())
                .map_err(|error| Error::internal(error.to_string()))
        })
        .await?
    }

    /// Whether the password fits the stored hash; without one the answer takes as long and is no.
    ///
    /// # Errors
    /// If the stored hash cannot be read.
    pub async fn fits(&self, stored: Option<String>, password: &str) -> Result<bool> {
        // Nobody has one that is longer; a part of it is not the password.
        let known = stored.is_some() && password.len() <= MAX_BYTES;
        let stored = stored.unwrap_or_else(|| NOBODY.to_owned());
        let password: String = password.chars().take(MAX_BYTES).collect();
        self.off_thread(move || {
            let hash = PasswordHash::new(&stored).map_err(|error| Error::internal(error.to_string()))?;
            Ok(Argon2::default().verify_password(password.as_bytes(), &hash).is_ok() && known)
        })
        .await?
    }

    async fn off_thread<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let _place = self.places.acquire().await.map_err(Error::internal)?;
        tokio::task::spawn_blocking(work).await.map_err(Error::internal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_made_as_the_cheat_sheet_says_and_nobodys_costs_as_much() {
        let hash = Argon2::default().hash_password_with_salt(b"correct horse battery", &[7; 16]);
        let hash = hash.expect("a hash").to_string();
        let way = |hash: &str| hash.split('$').take(4).collect::<Vec<_>>().join("$");
        assert_eq!(way(&hash), "$argon2id$v=19$m=19456,t=2,p=1");
        assert_eq!(way(NOBODY), way(&hash));
    }
}
