//! The key-encryption key: from a file, from the environment, or behind a key service.

use std::{array::TryFromSliceError, io, path::Path};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::cipher::{Cipher, DataKey, Unreadable, sha256};

/// Wraps data keys. An implementation may ask a service, so it can fail and take time.
#[async_trait]
pub trait KeyEncryptionKey: Send + Sync + 'static {
    /// The name stored beside each wrapped key, so that rotation can tell what is left to do.
    fn name(&self) -> &str;
    /// Wraps a key for one use; `purpose` must be given again to unwrap it.
    async fn wrap(&self, purpose: &[u8], key: &[u8; 32]) -> io::Result<Vec<u8>>;
    /// Unwraps what [`Self::wrap`] gave. That it is none of what this key gave, whenever it is asked, is told by
    /// [`io::ErrorKind::InvalidData`]; any other failure may pass.
    async fn unwrap(&self, purpose: &[u8], wrapped: &[u8]) -> io::Result<Zeroizing<[u8; 32]>>;
}

/// A key-encryption key held in this process.
#[derive(Debug)]
pub struct LocalKek {
    key: Cipher,
    name: String,
}

impl LocalKek {
    /// # Errors
    /// If the text is not 32 bytes in base64.
    pub fn from_text(text: &str) -> io::Result<Self> {
        let bytes = Zeroizing::new(STANDARD.decode(text.trim()).unwrap_or_default());
        let bytes: [u8; 32] = bytes.as_slice().try_into().map_err(|_| {
            io::Error::other("the key-encryption key must be 32 bytes in base64 (openssl rand -base64 32)")
        })?;
        Ok(Self::new(Zeroizing::new(bytes)))
    }

    /// Reads the key file; makes it, readable by its owner only, if it is not there.
    ///
    /// # Errors
    /// If the file cannot be read or made, is open to others, or holds something else.
    pub fn from_file(path: &Path) -> io::Result<Self> {
        use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        match std::fs::metadata(path) {
            Ok(found) if found.permissions().mode() & 0o077 != 0 => Err(io::Error::other(format!(
                "{} can be read by others; run chmod 600 on it",
                path.display()
            ))),
            Ok(_) => {
                let text = Zeroizing::new(std::fs::read_to_string(path).map_err(named)?);
                Self::from_text(&text).map_err(named)
            }
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => {
                let mut bytes = Zeroizing::new([0; 32]);
                getrandom::fill(bytes.as_mut_slice()).map_err(io::Error::other)?;
                let mut file = std::fs::OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .mode(0o600)
                    .open(path)
                    .map_err(named)?;
                let text = Zeroizing::new(STANDARD.encode(bytes.as_slice()));
                io::Write::write_all(&mut file, text.as_bytes()).map_err(named)?;
                file.sync_all().map_err(named)?;
                Ok(Self::new(bytes))
            }
            Err(other) => Err(named(other)),
        }
    }

    /// Reads a key file that is there already: one that is missing was mislaid, and another in its place would open nothing.
    ///
    /// # Errors
    /// As [`Self::from_file`], and if the file is not there.
    pub fn from_existing_file(path: &Path) -> io::Result<Self> {
        if !path.try_exists()? {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                format!(
                    "{}: there is no such key file; bring it back, or take it out of former_key_files if no key is \
                     wrapped by it any more (`switchboard keys list`)",
                    path.display()
                ),
            ));
        }
        Self::from_file(path)
    }

    fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        let digest = sha256(bytes.as_slice());
        // A name that tells keys apart and gives nothing away.
        let id = Uuid::from_slice(&sha256(&digest)[..16]).unwrap_or_default();
        Self { key: Cipher::of(&DataKey { id, bytes }), name: format!("local:{}", id.simple()) }
    }
}

#[async_trait]
impl KeyEncryptionKey for LocalKek {
    fn name(&self) -> &str {
        &self.name
    }

    async fn wrap(&self, purpose: &[u8], key: &[u8; 32]) -> io::Result<Vec<u8>> {
        let mut nonce = [0; 12];
        getrandom::fill(&mut nonce).map_err(io::Error::other)?;
        Ok(self.key.seal_with(nonce, purpose, key))
    }

    async fn unwrap(&self, purpose: &[u8], wrapped: &[u8]) -> io::Result<Zeroizing<[u8; 32]>> {
        let none_of_ours = io::ErrorKind::InvalidData;
        let plain = self.key.open_with(purpose, wrapped).map_err(|unreadable| match unreadable {
            Unreadable::Key => io::Error::new(
                none_of_ours,
                "this data was encrypted under another key-encryption key; start with the key file it was made with",
            ),
            other => io::Error::new(none_of_ours, other),
        })?;
        let bytes: [u8; 32] = plain
            .as_slice()
            .try_into()
            .map_err(|error: TryFromSliceError| io::Error::new(none_of_ours, error))?;
        Ok(Zeroizing::new(bytes))
    }
}
