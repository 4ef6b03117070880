//! The installation's signature under what must be believed outside of its database: certificates of erasures, and
//! tombstones. It is the key that signs the heads of the audit log.

use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use uuid::Uuid;

use crate::{
    ctx::Platform,
    error::{Error, Result},
    tenancy::SystemTx,
    vault::{
        DataKey,
        cipher::{hex, mac},
    },
};

/// The key, open.
pub(super) struct Signer {
    seed: DataKey,
    pair: Ed25519KeyPair,
}

impl Signer {
    /// # Errors
    /// If the database or the key-encryption key refuses.
    pub(super) async fn of(platform: &Platform) -> Result<Self> {
        let mut tx = SystemTx::begin(&platform.engine).await?;
        let chance = platform.chance.as_ref();
        let seed = platform.vault.installation_secret(tx.conn(), chance, "audit_signer").await?;
        tx.commit().await?;
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.bytes.as_slice())
            .map_err(|_| Error::internal("the audit signer's seed is unusable"))?;
        Ok(Self { seed, pair })
    }

    pub(super) fn key_id(&self) -> Uuid {
        self.seed.id
    }

    /// The public half, in hexadecimal digits: whoever has it can look at a signature.
    pub(super) fn public(&self) -> String {
        hex(self.pair.public_key().as_ref())
    }

    /// Ed25519 (RFC 8032), in hexadecimal digits.
    pub(super) fn sign(&self, bytes: &[u8]) -> String {
        hex(self.pair.sign(bytes).as_ref())
    }

    /// A proof that only this installation makes and believes, in hexadecimal digits.
    pub(super) fn prove(&self, bytes: &[u8]) -> String {
        let key = mac(self.seed.bytes.as_slice(), &[b"tombstones"]);
        hex(&mac(&key, &[bytes]))
    }

    /// Whether it made that proof. Compares in constant time.
    pub(super) fn proved(&self, bytes: &[u8], proof: &str) -> bool {
        verify_slices_are_equal(self.prove(bytes).as_bytes(), proof.as_bytes()).is_ok()
    }
}
