//! The key-encryption keys that a process has: one wraps, and those it took the place of can still unwrap.

use std::{io, sync::Arc};

use zeroize::Zeroizing;

use super::kek::KeyEncryptionKey;

/// One key that wraps, and any number that only unwrap. Beside each wrapped key stands the name of what wrapped it, so
/// none is tried in vain and a key service is asked once.
#[derive(Clone)]
pub struct KekRing {
    current: Arc<dyn KeyEncryptionKey>,
    former: Vec<Arc<dyn KeyEncryptionKey>>,
}

impl KekRing {
    /// With one key alone, which wraps and unwraps.
    #[must_use]
    pub fn new(current: Arc<dyn KeyEncryptionKey>) -> Self {
        Self { current, former: Vec::new() }
    }

    /// The same with one more that unwraps. One that is known already changes nothing.
    #[must_use]
    pub fn with_former(mut self, key: Arc<dyn KeyEncryptionKey>) -> Self {
        if self.named(key.name()).is_none() {
            self.former.push(key);
        }
        self
    }

    /// The one that wraps.
    #[must_use]
    pub fn current(&self) -> &dyn KeyEncryptionKey {
        self.current.as_ref()
    }

    /// The names of all, the one that wraps first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.current).chain(&self.former).map(|key| key.name())
    }

    fn named(&self, name: &str) -> Option<&dyn KeyEncryptionKey> {
        let mut all = std::iter::once(&self.current).chain(&self.former);
        all.find(|key| key.name() == name).map(AsRef::as_ref)
    }

    /// The key of this name, for whoever wraps by another than the current one.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] with what to do about it, if this process has none of this name.
    pub fn require(&self, name: &str) -> io::Result<&dyn KeyEncryptionKey> {
        self.named(name).ok_or_else(|| {
            let known: Vec<&str> = self.names().collect();
            io::Error::new(
                io::ErrorKind::NotFound,
                format!(
                    "a key is wrapped by the key-encryption key `{name}`, and this process has only `{}`; add that one \
                     to former_keys or former_key_files (docs/encryption.md) and start again. Nothing is lost \
                     meanwhile",
                    known.join("`, `")
                ),
            )
        })
    }

    /// Unwraps what the key of this name wrapped.
    ///
    /// # Errors
    /// As [`Self::require`] and [`KeyEncryptionKey::unwrap`].
    pub async fn unwrap(
        &self,
        name: &str,
        purpose: &[u8],
        wrapped: &[u8],
    ) -> io::Result<Zeroizing<[u8; 32]>> {
        self.require(name)?.unwrap(purpose, wrapped).await
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    use super::*;
    use crate::vault::kek::LocalKek;

    fn kek(byte: u8) -> Arc<dyn KeyEncryptionKey> {
        Arc::new(LocalKek::from_text(&STANDARD.encode([byte; 32])).expect("a key"))
    }

    #[tokio::test]
    async fn what_a_former_key_wrapped_is_unwrapped_and_a_missing_one_is_named() {
        let old = KekRing::new(kek(1));
        let wrapped = old.current().wrap(b"p", &[7; 32]).await.expect("wrapped");
        let name = old.current().name().to_owned();

        let both = KekRing::new(kek(2)).with_former(kek(1)).with_former(kek(2));
        assert_eq!(both.names().count(), 2, "one that is known is no second one");
        assert_ne!(both.current().name(), name);
        assert_eq!(*both.unwrap(&name, b"p", &wrapped).await.expect("opens"), [7; 32]);
        let other = both.unwrap(&name, b"q", &wrapped).await.expect_err("for another purpose");
        assert_eq!(other.kind(), io::ErrorKind::InvalidData);

        let missing = KekRing::new(kek(2)).unwrap(&name, b"p", &wrapped).await.expect_err("not there");
        assert_eq!(
            missing.kind(),
            io::ErrorKind::NotFound,
            "it may come back, so nobody takes the data for broken"
        );
        assert!(
            missing.to_string().contains(&name) && missing.to_string().contains("former_keys"),
            "{missing}"
        );
    }
}
