//! Endpoints as commands. Whoever makes one or says where it goes must see all that it is told: else a webhook would be a
//! way to hear of what one may not see. Later it is the tenant's and not theirs, and goes on without them.

use engine::{
    log,
    operate::{Bounds, own_bounds},
};
use serde_json::json;

use super::{
    AT_A_TIME, QUEUE, limit_key, rules, secrets,
    store::{self, EndpointRow, HeldEndpoint},
    view::{NewWebhook, NewWebhookSecret, RotatedWebhookSecret, WebhookChange, WebhookGap, WebhookView},
};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, Result},
    events::{Event, EventType},
    jobs::busy,
    tenancy::{Begun, Once, TenantTx},
    types::{Text, WebhookId},
    vault::{TenantKeys, Vault},
};

/// Endpoints of a tenant.
const MOST: i64 = 50;
/// Calls to one endpoint at a time, over all processes: one that is slow takes no more of the handlers.
const OF_ONE: i32 = 4;

/// Where an endpoint is read.
pub(super) fn location(id: WebhookId) -> String {
    format!("/api/v1/communication/webhooks/{id}")
}

fn may_write(ctx: &Ctx) -> Result<()> {
    ctx.require(Permission::WebhooksWrite)?;
    ctx.require_all_rows()
}

/// The URL as it will be called.
fn checked(ctx: &Ctx, url: &str) -> Result<String> {
    let url = ctx.platform.outbound.check(url).map_err(|why| Error::invalid("/url", why))?;
    Ok(url.into())
}

/// Makes an endpoint: it is told what happens from now on.
///
/// # Errors
/// If the URL may not be called, a type is unknown or not seen by the caller, or the name is taken.
pub async fn create(ctx: &Ctx, new: NewWebhook) -> Result<Once<NewWebhookSecret>> {
    may_write(ctx)?;
    let url = checked(ctx, &new.url)?;
    let types = rules::subscribed(&new.types, ctx.grants)?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let tx = &mut keyed.tx;
    store::hold_endpoints(tx.conn(), ctx.tenant).await?;
    if store::count_endpoints(tx.conn(), ctx.tenant).await? >= MOST {
        let detail = format!("a tenant has at most {MOST} webhooks; delete one that is not needed");
        return Err(Error::conflict("too-many-webhooks", detail));
    }
    let id = WebhookId(ctx.id());
    let keys = Vault::to_seal(tx, 2).await?;
    let (secret, secret_sealed) = secrets::fresh(ctx, &keys, id);
    let (_, newest) = log::ends(tx.conn(), ctx.tenant.0).await?;
    let row = store::NewEndpoint {
        id,
        name: new.name.as_str(),
        url_sealed: &secrets::seal_url(ctx, &keys, id, &url),
        types: &types,
        secret_sealed: &secret_sealed,
        from_sequence: newest,
    };
    if !store::insert_endpoint(tx.conn(), ctx.tenant, &row).await? {
        return Err(taken());
    }
    tx.audit(&[Entry::new("create", "webhook", id).detail(json!({ "types": types })).notice()]).await?;
    // The last thing, for claims of the queue wait until this is over.
    bound(tx, id).await.map_err(busy)?;
    keyed.commit(NewWebhookSecret { id, secret }, 201, location(id)).await
}

/// Has the engine hold the bounds of an endpoint, and of the tenant unless something else was said for it.
async fn bound(tx: &mut TenantTx, id: WebhookId) -> Result<()> {
    let tenant = tx.tenant;
    let own = own_bounds(tx.conn(), tenant.0, QUEUE).await?;
    if own.max_running.is_none() {
        tx.limit(QUEUE, None, Bounds { max_running: Some(AT_A_TIME), ..own }).await?;
    }
    let of_one = Bounds { max_running: Some(OF_ONE), ..Bounds::default() };
    tx.limit(QUEUE, Some(limit_key(id).as_str()), of_one).await
}

/// Changes an endpoint.
///
/// # Errors
/// As [`create`], and if there is none; or if it goes elsewhere and is told what the caller does not see.
pub async fn change(ctx: &Ctx, id: WebhookId, change: WebhookChange) -> Result<WebhookView> {
    may_write(ctx)?;
    let mut tx = ctx.begin().await?;
    let held = lock(ctx, &mut tx, id).await?;
    ctx.expect_version("webhook", None, held.version)?;
    let url = change.url.as_deref().map(|url| checked(ctx, url)).transpose()?;
    // What waits for it goes to the new address, whatever it asks for from now on.
    if url.is_some() {
        sees_all(ctx, &held)?;
    }
    let types = change.types.as_ref().map(|types| rules::subscribed(types, ctx.grants)).transpose()?;
    let url_sealed = match url {
        Some(url) => Some(secrets::seal_url(ctx, &Vault::to_seal(&mut tx, 1).await?, id, &url)),
        None => None,
    };
    let changed = store::EndpointChange {
        name: change.name.as_ref().map(Text::as_str),
        url_sealed: url_sealed.as_deref(),
        types: types.as_deref(),
    };
    if !store::update_endpoint(tx.conn(), ctx.tenant, id, &changed).await? {
        return Err(taken());
    }
    let detail = json!({ "types": types, "url": url_sealed.is_some() });
    tx.audit(&[Entry::new("update", "webhook", id).detail(detail).notice()]).await?;
    let view = shown(ctx, &mut tx, id).await?;
    tx.commit().await?;
    Ok(view)
}

/// Gives an endpoint another secret; see `secrets`.
///
/// # Errors
/// If there is no such endpoint.
pub async fn rotate(ctx: &Ctx, id: WebhookId) -> Result<Once<RotatedWebhookSecret>> {
    secrets::rotate(ctx, id).await
}

/// Tells an endpoint again what happens, from now on. What happened meanwhile stands in its gap, and can be replayed.
/// One that is enabled stays as it is.
///
/// # Errors
/// If there is none, or it is told what the caller does not see.
pub async fn enable(ctx: &Ctx, id: WebhookId) -> Result<WebhookView> {
    may_write(ctx)?;
    let mut tx = ctx.begin().await?;
    let held = lock(ctx, &mut tx, id).await?;
    if held.disabled {
        sees_all(ctx, &held)?;
        let (_, newest) = log::ends(tx.conn(), ctx.tenant.0).await?;
        store::enable(tx.conn(), ctx.tenant, id, newest).await?;
        tx.audit(&[Entry::new("enable", "webhook", id).notice()]).await?;
    }
    let view = shown(ctx, &mut tx, id).await?;
    tx.commit().await?;
    Ok(view)
}

/// Tells an endpoint nothing any more until it is enabled. What waits for it is cancelled when its turn comes.
///
/// # Errors
/// If there is none.
pub async fn disable(ctx: &Ctx, id: WebhookId) -> Result<WebhookView> {
    may_write(ctx)?;
    let mut tx = ctx.begin().await?;
    lock(ctx, &mut tx, id).await?;
    shut(&mut tx, id, Why::ByHand).await?;
    let view = shown(ctx, &mut tx, id).await?;
    tx.commit().await?;
    Ok(view)
}

/// Why an endpoint is told nothing any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    ByHand,
    /// It answered 410.
    Gone,
    /// Nothing succeeded for days.
    Failing,
}

impl Why {
    fn as_str(self) -> &'static str {
        match self {
            Self::ByHand => "by_hand",
            Self::Gone => "gone",
            Self::Failing => "failing",
        }
    }
}

/// Disables an endpoint that is enabled, tells of it, and writes it down among the security events.
pub(super) async fn shut(tx: &mut TenantTx, id: WebhookId, why: Why) -> Result<()> {
    let (tenant, why) = (tx.tenant, why.as_str());
    if !store::disable(tx.conn(), tenant, id, why).await? {
        return Ok(());
    }
    let body = json!({ "why": why });
    tx.emit(&[Event::new(EventType::WebhookDisabled, "webhook", id).with(body.clone())]).await?;
    tx.audit(&[Entry::new("disable", "webhook", id).detail(body).notice()]).await
}

/// Newest first, those with ids below `before`.
///
/// # Errors
/// If the permission is missing or the database does not answer.
pub async fn list(ctx: &Ctx, before: Option<WebhookId>, limit: i64) -> Result<Vec<WebhookView>> {
    ctx.require(Permission::WebhooksRead)?;
    let mut tx = ctx.begin().await?;
    let rows = store::endpoints(tx.conn(), ctx.tenant, None, before, limit).await?;
    let sealed = rows.iter().map(|row| row.url_sealed.as_slice());
    let keys = ctx.platform.vault.tenant_keys_for(tx.conn(), ctx.tenant, sealed).await?;
    rows.into_iter().map(|row| view(ctx, &keys, row)).collect()
}

/// One endpoint.
///
/// # Errors
/// If there is none of this id.
pub async fn get(ctx: &Ctx, id: WebhookId) -> Result<WebhookView> {
    ctx.require(Permission::WebhooksRead)?;
    let mut tx = ctx.begin().await?;
    shown(ctx, &mut tx, id).await
}

/// Ends it. What was sealed of the endpoint goes at once, its deliveries when their time is over.
///
/// # Errors
/// If there is none.
pub async fn delete(ctx: &Ctx, id: WebhookId) -> Result<()> {
    may_write(ctx)?;
    let mut tx = ctx.begin().await?;
    let held = lock(ctx, &mut tx, id).await?;
    ctx.expect_version("webhook", None, held.version)?;
    store::retire(tx.conn(), ctx.tenant, id).await?;
    tx.audit(&[Entry::new("delete", "webhook", id).notice()]).await?;
    tx.limit(QUEUE, Some(limit_key(id).as_str()), Bounds::default()).await.map_err(busy)?;
    tx.commit().await
}

async fn lock(ctx: &Ctx, tx: &mut TenantTx, id: WebhookId) -> Result<HeldEndpoint> {
    store::lock_endpoint(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("webhook"))
}

/// Refuses a caller who does not see what the endpoint is told.
fn sees_all(ctx: &Ctx, held: &HeldEndpoint) -> Result<()> {
    rules::subscribed(&held.types, ctx.grants).map(drop)
}

async fn shown(ctx: &Ctx, tx: &mut TenantTx, id: WebhookId) -> Result<WebhookView> {
    let row = store::endpoints(tx.conn(), ctx.tenant, Some(id), None, 1).await?.pop();
    let row = row.ok_or(Error::NotFound("webhook"))?;
    let keys = ctx.platform.vault.tenant_keys_for(tx.conn(), ctx.tenant, [row.url_sealed.as_slice()]).await?;
    view(ctx, &keys, row)
}

fn view(ctx: &Ctx, keys: &TenantKeys, row: EndpointRow) -> Result<WebhookView> {
    let url = secrets::open_url(keys, ctx.tenant, row.id, &row.url_sealed)?;
    let whole = ctx.grants.contains(Permission::WebhooksWrite);
    let gap = match (row.gap_from, row.gap_to, row.gap_at) {
        (Some(from), Some(to), Some(at)) => Some(WebhookGap { from, to, at }),
        _ => None,
    };
    Ok(WebhookView {
        id: row.id,
        name: row.name,
        url: if whole { url } else { rules::origin(&url) },
        types: row.types,
        enabled: row.disabled_at.is_none(),
        disabled_at: row.disabled_at,
        disabled_why: row.disabled_why,
        failing_since: row.failing_since,
        gap,
        rotated_at: row.rotated_at,
        version: row.version,
        created_at: row.created_at,
    })
}

fn taken() -> Error {
    Error::conflict("name-taken", "a webhook with this name exists; choose another name")
}
