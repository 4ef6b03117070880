//! The sealer gives each row its place in its tenant's chain and signs the newest link of each batch. One works at a
//! time, whatever the number of processes; writers never wait for it.

use std::{collections::HashSet, time::Duration};

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use sqlx::PgConnection;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    chain::{self, ORIGIN},
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
/// Rows sealed in one transaction, or read at a time when the chain is verified.
const PAGE: i64 = 2_000;

/// The installation's key for signing heads.
pub struct Sealer {
    platform: Platform,
    key_id: Uuid,
    pair: Ed25519KeyPair,
}

/// Where a chain does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Break {
    /// The place in the chain.
    pub seq: i64,
    pub what: &'static str,
}

/// What verifying a tenant's chain came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    pub rows: i64,
    /// Written and not sealed yet.
    pub unsealed: i64,
    /// The first break: what comes after it proves nothing.
    pub broken: Option<Break>,
}

impl Sealer {
    /// Reads the installation's key, making it at the first start.
    ///
    /// # Errors
    /// If the database or the key-encryption key refuses.
    pub async fn open(platform: &Platform) -> Result<Self> {
        let mut tx = SystemTx::begin(&platform.engine).await?;
        let seed =
            platform.vault.installation_secret(tx.conn(), platform.chance.as_ref(), "audit_signer").await?;
        tx.commit().await?;
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.bytes.as_slice())
            .map_err(|_| Error::internal("the audit signer's seed is unusable"))?;
        Ok(Self { platform: platform.clone(), key_id: seed.id, pair })
    }

    /// Seals what is written until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let mut written = self.platform.engine.topic(Topic::AuditLog as u8);
        while !stop.is_cancelled() {
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
        let rows = store::unsealed(tx.conn(), PAGE).await?;
        if rows.is_empty() {
            return Ok(0);
        }
        let tenants: HashSet<Uuid> = rows.iter().map(|row| row.tenant_id).collect();
        let mut heads = store::heads(tx.conn(), &tenants.into_iter().collect::<Vec<_>>()).await?;
        let mut links = Vec::with_capacity(rows.len());
        for row in &rows {
            let (seq, hash) = heads.entry(row.tenant_id).or_insert((0, ORIGIN));
            (*seq, *hash) = (*seq + 1, chain::link(hash, *seq + 1, row));
            links.push((*seq, *hash));
        }
        store::seal(tx.conn(), &rows, &links).await?;
        for (tenant, (seq, hash)) in heads {
            let signature = self.pair.sign(&chain::head(tenant, seq, &hash));
            store::put_head(tx.conn(), TenantId(tenant), seq, &hash, self.key_id, signature.as_ref()).await?;
        }
        tx.commit().await?;
        Ok(i64::try_from(rows.len()).unwrap_or(PAGE))
    }

    /// Goes through a tenant's chain from its beginning.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn verify(&self, tenant: TenantId) -> Result<Verdict> {
        let mut tx = SystemTx::begin(&self.platform.engine).await?;
        // The sealer goes on meanwhile: heads and rows are read as of one moment.
        store::as_of_one_moment(tx.conn()).await?;
        self.verify_on(tx.conn(), tenant).await
    }

    /// The same as a connection sees it.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn verify_on(&self, conn: &mut PgConnection, tenant: TenantId) -> Result<Verdict> {
        let heads = store::signed_heads(conn, tenant).await?;
        let public = UnparsedPublicKey::new(&ED25519, self.pair.public_key().as_ref());
        let mut verdict =
            Verdict { unsealed: store::count_unsealed(conn, tenant).await?, ..Verdict::default() };
        let broken = |seq, what| Some(Break { seq, what });
        for head in &heads {
            let good = head.key_id == self.key_id
                && public.verify(&chain::head(tenant.0, head.seq, &head.hash), &head.signature).is_ok();
            if !good {
                verdict.broken = broken(head.seq, "the signature of this head is not the installation's");
                return Ok(verdict);
            }
        }
        let last = heads.last().map_or(0, |head| head.seq);
        let mut heads = heads.into_iter().peekable();
        let mut before = ORIGIN;
        loop {
            let page = store::sealed(conn, tenant, verdict.rows, PAGE).await?;
            let full = i64::try_from(page.len()).unwrap_or(0) >= PAGE;
            for (seq, hash, row) in page {
                let expected = verdict.rows + 1;
                if seq != expected {
                    verdict.broken = broken(expected, "a row is missing here, or stands here twice");
                    return Ok(verdict);
                }
                before = chain::link(&before, seq, &row);
                if before.as_slice() != hash {
                    verdict.broken = broken(seq, "this row, or the order of those before it, was changed");
                    return Ok(verdict);
                }
                verdict.rows = seq;
                if let Some(head) = heads.next_if(|head| head.seq <= seq)
                    && (head.seq != seq || head.hash != before)
                {
                    verdict.broken = broken(head.seq, "the head that was signed here is another");
                    return Ok(verdict);
                }
            }
            if !full {
                break;
            }
        }
        if verdict.rows < last {
            verdict.broken = broken(verdict.rows + 1, "the end was cut off: a later head was signed");
        } else if verdict.rows > last {
            verdict.broken = broken(last + 1, "rows were added here that no head was signed for");
        } else if store::count_sealed(conn, tenant).await? != verdict.rows {
            verdict.broken = broken(1, "there are more rows than places in the chain");
        }
        Ok(verdict)
    }
}
