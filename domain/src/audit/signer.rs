//! The installation's key by which what is known of audit logs is signed.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use uuid::Uuid;

use super::{chain, outside::SignedHead};
use crate::{
    ctx::Platform,
    error::{Error, Result},
    tenancy::SystemTx,
    types::TenantId,
};

/// The same key by which heads are signed.
pub(crate) struct Signer {
    pub(crate) key_id: Uuid,
    pair: Ed25519KeyPair,
}

impl Signer {
    /// Reads the key, making it at the first start.
    pub(crate) async fn open(platform: &Platform) -> Result<Self> {
        let mut tx = SystemTx::begin(&platform.engine).await?;
        let seed =
            platform.vault.installation_secret(tx.conn(), platform.chance.as_ref(), "audit_signer").await?;
        tx.commit().await?;
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.bytes.as_slice())
            .map_err(|_| Error::internal("the audit signer's seed is unusable"))?;
        Ok(Self { key_id: seed.id, pair })
    }

    pub(crate) fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.pair.sign(bytes).as_ref().to_vec()
    }

    /// Whether this key has signed it.
    pub(crate) fn is_ours(&self, key: Uuid, bytes: &[u8], signature: &[u8]) -> bool {
        let public = UnparsedPublicKey::new(&ED25519, self.pair.public_key().as_ref());
        key == self.key_id && public.verify(bytes, signature).is_ok()
    }

    pub(crate) fn is_head(&self, tenant: TenantId, head: &SignedHead) -> bool {
        self.is_ours(head.key_id, &chain::head(tenant.0, head.seq, &head.hash), &head.signature)
    }

    /// For whoever checks signatures by themselves.
    pub(crate) fn public(&self) -> Vec<u8> {
        self.pair.public_key().as_ref().to_vec()
    }
}
