//! The sealer gives each row its place in its tenant's chain and signs the newest link of each batch. One works at a
//! time, whatever the number of processes; writers never wait for it.

use std::{
    collections::HashSet,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    chain::{self, ORIGIN},
    outside::{Outside, SignedHead},
    signer::Signer,
    store,
};
use crate::{
    ctx::Platform,
    error::{Error, Result},
    tenancy::{SystemTx, Topic},
    types::TenantId,
};

/// How long rows may gather before they are sealed.
const GATHER: Duration = Duration::from_millis(500);
/// How often it is looked for rows if no hint comes.
const POLL: Duration = Duration::from_secs(10);
/// How often the newest heads are written beside the database.
const KEEP: Duration = Duration::from_secs(10);
/// Rows sealed in one transaction.
const PAGE: i64 = 2_000;

/// The installation's key for signing heads.
pub struct Sealer {
    pub(super) platform: Platform,
    pub(super) signer: Signer,
    pub(super) outside: Outside,
    /// Tenants whose newest head cannot be read or is older than the one kept outside: theirs wait for a person, those
    /// of the others go on.
    broken: Mutex<HashSet<Uuid>>,
}

impl Sealer {
    /// Reads the installation's key, making it at the first start, and the file that keeps the newest heads.
    ///
    /// # Errors
    /// If the database, the key-encryption key or the file refuses.
    pub async fn open(platform: &Platform, heads: &Path) -> Result<Self> {
        let signer = Signer::open(platform).await?;
        let outside = Outside::open(heads).map_err(Error::internal)?;
        Ok(Self { platform: platform.clone(), signer, outside, broken: Mutex::default() })
    }

    /// Seals what is written until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        self.tell_broken();
        let mut written = self.platform.engine.topic(Topic::AuditLog as u8);
        let mut keep_at = Instant::now();
        while !stop.is_cancelled() {
            if Instant::now() >= keep_at {
                self.keep().await;
                keep_at = Instant::now() + KEEP;
            }
            match self.seal().await {
                Ok(sealed) if sealed >= PAGE => continue,
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "sealing the audit log was interrupted; it goes on shortly");
                }
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = written.told() => tokio::time::sleep(GATHER).await,
                () = tokio::time::sleep(POLL) => {}
            }
        }
        self.keep().await;
    }

    /// Writes the newest heads beside the database. One that stands there and not in the database any more stays: it
    /// is what shows that the end was cut off.
    pub async fn keep(&self) {
        if let Err(error) = self.try_keep().await {
            tracing::warn!(%error, "the newest heads of the audit log could not be kept outside the database");
        }
    }

    async fn try_keep(&self) -> Result<()> {
        let before = self.outside.before().map_err(Error::internal)?;
        let mut tx = SystemTx::begin(&self.platform.engine).await?;
        let cut = store::without_heads(tx.conn(), &before).await?;
        tx.commit().await?;
        self.leave_out(&cut);
        self.outside.write(&cut).await.map_err(Error::internal)
    }

    /// Seals nothing more of tenants whose chain does not hold.
    fn leave_out(&self, tenants: &[Uuid]) {
        if !tenants.is_empty() {
            tracing::error!(?tenants, "the audit log does not hold; run `switchboard audit verify`");
            self.broken().extend(tenants);
            self.tell_broken();
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "tenants are far fewer than 2^52")]
    fn tell_broken(&self) {
        metrics::gauge!("switchboard_audit_chains_broken").set(self.broken().len() as f64);
    }

    fn broken(&self) -> MutexGuard<'_, HashSet<Uuid>> {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Seals a batch. Answers how many rows there were.
    ///
    /// # Errors
    /// If the database refuses; nothing was sealed then.
    pub async fn seal(&self) -> Result<i64> {
        let mut tx = SystemTx::begin(&self.platform.engine).await?;
        if !store::alone(tx.conn()).await? {
            return Ok(0);
        }
        let broken: Vec<Uuid> = self.broken().iter().copied().collect();
        let rows = store::unsealed(tx.conn(), &broken, PAGE).await?;
        if rows.is_empty() {
            return Ok(0);
        }
        let tenants: HashSet<Uuid> = rows.iter().map(|row| row.tenant_id).collect();
        let tenants: Vec<Uuid> = tenants.into_iter().collect();
        let (mut heads, mut broken) = store::heads(tx.conn(), &tenants).await?;
        broken.extend(store::without_heads(tx.conn(), &self.outside.of(&tenants)).await?);
        if !broken.is_empty() {
            self.leave_out(&broken);
            // It ends at once, and with it the lock.
            tx.commit().await?;
            return Ok(PAGE);
        }
        let mut links = Vec::with_capacity(rows.len());
        for row in &rows {
            let (seq, hash) = heads.entry(row.tenant_id).or_insert((0, ORIGIN));
            (*seq, *hash) = (*seq + 1, chain::link(hash, *seq + 1, row));
            links.push((*seq, *hash));
        }
        store::seal(tx.conn(), &rows, &links).await?;
        let mut signed = Vec::with_capacity(heads.len());
        for (tenant, (seq, hash)) in heads {
            let signature = self.signer.sign(&chain::head(tenant, seq, &hash));
            let head = SignedHead { seq, hash: hash.to_vec(), key_id: self.signer.key_id, signature };
            store::put_head(tx.conn(), TenantId(tenant), &head).await?;
            signed.push((tenant, head));
        }
        tx.commit().await?;
        self.outside.take(signed);
        Ok(i64::try_from(rows.len()).unwrap_or(PAGE))
    }
}
