//! What is sealed of an endpoint, and by what is signed to it. While a secret is replaced, the one before signs as well
//! for a day. One that is replaced again meanwhile goes at once: the endpoint may not have heard of it yet.

use chrono::{DateTime, TimeDelta, Utc};

use super::{store, view::RotatedWebhookSecret};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    calls::webhook,
    error::{Error, Result},
    tenancy::{Begun, Once},
    types::{TenantId, WebhookId},
    vault::{Place, Sealing, TenantKeys, Vault},
};

/// For how long is signed by the secret before as well.
const OVERLAP: TimeDelta = TimeDelta::days(1);

const URL: &str = "url_sealed";
const SECRET: &str = "secret_sealed";
const FORMER: &str = "former_secret_sealed";

fn place(tenant: TenantId, column: &'static str, webhook: WebhookId) -> Place {
    Place { tenant, table: "webhook_endpoints", column, row: webhook.0 }
}

/// A fresh secret, and as it is stored.
pub(super) fn fresh(ctx: &Ctx, keys: &Sealing, webhook: WebhookId) -> (String, Vec<u8>) {
    let secret = webhook::secret(&ctx.platform.random::<32>());
    let sealed = keys.seal(&ctx.platform, &place(ctx.tenant, SECRET, webhook), secret.as_bytes());
    (secret, sealed)
}

pub(super) fn seal_url(ctx: &Ctx, keys: &Sealing, webhook: WebhookId, url: &str) -> Vec<u8> {
    keys.seal(&ctx.platform, &place(ctx.tenant, URL, webhook), url.as_bytes())
}

pub(super) fn open_url(
    keys: &TenantKeys,
    tenant: TenantId,
    webhook: WebhookId,
    sealed: &[u8],
) -> Result<String> {
    open(keys, &place(tenant, URL, webhook), sealed)
}

fn open(keys: &TenantKeys, place: &Place, sealed: &[u8]) -> Result<String> {
    let plain = keys.open(place, sealed)?;
    String::from_utf8(plain.to_vec()).map_err(|_| Error::internal("a sealed value is no text"))
}

/// What is stored of an endpoint's secrets.
pub(super) struct Sealed<'a> {
    pub secret: &'a [u8],
    pub former: Option<&'a [u8]>,
    pub former_until: Option<DateTime<Utc>>,
}

/// The `webhook-signature` of a body: by the secret, and by the one before while that is good.
pub(super) fn sign(
    keys: &TenantKeys,
    (tenant, webhook): (TenantId, WebhookId),
    sealed: &Sealed<'_>,
    now: DateTime<Utc>,
    (id, timestamp, body): (&str, &str, &[u8]),
) -> Result<String> {
    let mut secrets = vec![open(keys, &place(tenant, SECRET, webhook), sealed.secret)?];
    if let Some(former) = sealed.former.filter(|_| sealed.former_until.is_some_and(|until| now < until)) {
        secrets.push(open(keys, &place(tenant, FORMER, webhook), former)?);
    }
    let signatures: Vec<String> =
        secrets.iter().filter_map(|secret| webhook::sign(secret, id, timestamp, body)).collect();
    if signatures.len() < secrets.len() {
        return Err(Error::internal("a stored secret has another form"));
    }
    Ok(signatures.join(" "))
}

/// Gives an endpoint another secret. By the one before is signed for a day as well; while one is, it stays that one.
///
/// # Errors
/// If there is no such endpoint.
pub(super) async fn rotate(ctx: &Ctx, id: WebhookId) -> Result<Once<RotatedWebhookSecret>> {
    ctx.require(Permission::WebhooksWrite)?;
    ctx.require_all_rows()?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let tx = &mut keyed.tx;
    let held = store::lock_endpoint(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("webhook"))?;
    let keys = Vault::to_seal(tx, 2).await?;
    let (secret, sealed) = fresh(ctx, &keys, id);
    let now = ctx.now();
    let kept = held.former_until.filter(|until| now < *until);
    let former_until = kept.unwrap_or(now + OVERLAP);
    let former = if kept.is_some() {
        None
    } else {
        let before = keys.open(&place(ctx.tenant, SECRET, id), &held.secret_sealed)?;
        Some(keys.seal(&ctx.platform, &place(ctx.tenant, FORMER, id), &before))
    };
    let former = former.as_deref().map(|former| (former, former_until));
    store::put_secret(tx.conn(), ctx.tenant, id, &sealed, former, now).await?;
    tx.audit(&[Entry::new("rotate", "webhook", id).notice()]).await?;
    let rotated = RotatedWebhookSecret { secret, former_until };
    keyed.commit(rotated, 200, super::endpoints::location(id)).await
}
