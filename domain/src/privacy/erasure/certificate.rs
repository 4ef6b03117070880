//! The certificate: what was done, to how much, what stays and by which law, signed by the installation. It names nobody:
//! whoever gets it with their answer knows whom it is about.

use chrono::SecondsFormat;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{State, begin::others, keys, rows, store};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::{Entry, record},
    error::{Error, Result},
    events::{Event, EventType},
    privacy::{
        manifest::{self, Row, Who},
        signer::Signer,
    },
    types::ErasureId,
    vault::cipher::{hex, sha256},
};

/// A certificate with its signature.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ErasureCertificate)]
pub struct Certificate {
    /// The statement, as JSON to the byte: what the signature is over.
    pub statement: String,
    /// SHA-256 of the statement, in hexadecimal digits.
    pub sha256: String,
    /// Ed25519 (RFC 8032) over the statement, in hexadecimal digits.
    pub signature: String,
    /// Of the key that signed: the one of the audit log's heads.
    pub key_id: uuid::Uuid,
    /// Its public half, in hexadecimal digits.
    pub public_key: String,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certified {
    Yes,
    /// Something came in while the rows were gone through: the steps from the keys on are to be done once more.
    More,
}

/// Ends the erasure with its certificate, unless something is left. A second time nothing changes.
///
/// # Errors
/// If the database or the key-encryption key refuses.
pub async fn certify(ctx: &Ctx, id: ErasureId) -> Result<Certified> {
    let signer = Signer::of(&ctx.platform).await?;
    let mut tx = ctx.begin().await?;
    let held = store::lock(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("erasure"))?;
    if held.state != State::Running {
        return Ok(Certified::Yes);
    }
    let shared = others(&mut tx, id).await?;
    if shared.freed || store::has_keys_left(tx.conn(), ctx.tenant, id).await? {
        store::note_place(tx.conn(), ctx.tenant, id, None, None).await?;
        tx.commit().await?;
        return Ok(Certified::More);
    }
    if !rows::are_done(held.place.as_deref()) {
        return Ok(Certified::More);
    }
    keys::close_what_is_open(ctx, &mut tx, id).await?;
    // A key that was made beside the end of the others, by a rotation that had begun before it.
    let late = usize::try_from(keys::all_of(&mut tx, id).await?).unwrap_or(usize::MAX);
    store::add_count(tx.conn(), ctx.tenant, id, "subject_keys", "destroyed", late).await?;
    shared.note(&mut tx, id).await?;
    let counts = store::counts(tx.conn(), ctx.tenant, id).await?;
    let done: Vec<Value> =
        counts.iter().map(|(what, deed, n)| json!({ "what": what, "deed": deed, "count": n })).collect();
    let statement = json!({
        "what": "certificate of erasure (GDPR Art. 17)",
        "tenant_id": ctx.tenant,
        "erasure_id": id,
        "lead_id": held.lead,
        "at": ctx.now().to_rfc3339_opts(SecondsFormat::Secs, true),
        "done": done,
        "unreadable": "whatever stays sealed was sealed under keys that are destroyed",
        "kept": kept(),
    })
    .to_string();
    let certificate = Certificate {
        sha256: hex(&sha256(statement.as_bytes())),
        signature: signer.sign(statement.as_bytes()),
        key_id: signer.key_id(),
        public_key: signer.public(),
        statement,
    };
    let stored = serde_json::to_value(&certificate).map_err(Error::internal)?;
    store::finish(tx.conn(), ctx.tenant, id, &stored).await?;
    store::forget_addresses(tx.conn(), ctx.tenant, id).await?;
    let detail = json!({ "sha256": certificate.sha256 });
    tx.audit(&[Entry::new("finish", "erasure", id).detail(detail).notice()]).await?;
    let told = json!({ "lead_id": held.lead });
    tx.emit(&[Event::new(EventType::ErasureDone, "erasure", id).with(told)]).await?;
    tx.commit().await?;
    Ok(Certified::Yes)
}

/// What stays of a row, and why.
fn kept() -> Vec<Value> {
    let contacts = manifest::tables().filter(|table| table.who != Who::Staff);
    let rows = contacts.filter_map(|table| match table.row_on_erasure {
        Row::Kept(why) => Some(json!({ "table": table.name, "why": why })),
        Row::Deleted => None,
    });
    rows.collect()
}

/// The certificate of an erasure. That it is taken out is written down.
///
/// # Errors
/// If there is no such erasure, or a conflict if it is not done.
pub async fn get(ctx: &Ctx, id: ErasureId) -> Result<Certificate> {
    ctx.require(Permission::PrivacyRead)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    let found = store::certificate(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("erasure"))?;
    tx.commit().await?;
    let Some(stored) = found else {
        return Err(Error::conflict("erasure-not-done", "there is a certificate once the person is erased"));
    };
    record(ctx, Entry::new("read", "erasure_certificate", id)).await?;
    serde_json::from_value(stored).map_err(Error::internal)
}
