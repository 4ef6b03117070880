//! Commands of the installation's operators: making tenants with their first user, bounding them, keeping them out
//! and letting them in again.

use std::sync::atomic::Ordering;

use serde::Deserialize;
use serde_json::json;

use super::{
    four_roles::default_roles,
    gate::Gate,
    links::{self, PasswordLink},
    password::NOBODY,
    permission::PermissionSet,
    roles::ADMIN,
    store,
    users::{NewUser, put_user},
};
use crate::{
    Ctx,
    audit::Entry,
    ctx::OperatorCtx,
    error::{Error, Result},
    events::{Event, EventType},
    tenancy::{
        self, Answer, Begun, Once, SystemTx,
        settings::{LimitsChange, TenantView},
        store::Tenant,
        usage::Usage,
    },
    types::{Locale, RoleId, TenantId, Text, UserId, Zone},
    upkeep::ITSELF,
};

/// A tenant to be made.
pub struct NewTenant<'a> {
    /// Its name at logins: 1 to 63 small letters, digits and inner hyphens.
    pub slug: &'a str,
    pub name: &'a Text<200>,
    /// UTC if not said.
    pub zone: Option<Zone>,
    /// English if not said.
    pub locale: Option<Locale>,
}

impl<'a> NewTenant<'a> {
    /// One in UTC and English.
    #[must_use]
    pub fn named(slug: &'a str, name: &'a Text<200>) -> Self {
        Self { slug, name, zone: None, locale: None }
    }
}

/// A tenant that was made.
pub struct Founded {
    pub tenant: TenantView,
    pub admin: UserId,
    /// For an admin without a password.
    pub link: Option<PasswordLink>,
}

/// What an operator changes; what is absent stays.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TenantChange {
    #[schema(value_type = Option<String>)]
    pub name: Option<Text<200>>,
    #[serde(default)]
    pub limits: LimitsChange,
    /// Keeps everybody of it out and begins nothing more of its work, or lets them in again.
    pub suspended: Option<bool>,
    /// Why it is suspended; the tenant reads it in its audit log.
    #[schema(value_type = Option<String>)]
    pub why: Option<Text<500>>,
}

/// Makes a tenant with its keys, its four roles and its first admin, who chooses a password by a link if none is
/// given. An equal request with the same Idempotency-Key finds it again, but not the link, which is kept nowhere; or it
/// goes on with what was cut off.
///
/// # Errors
/// If the slug is malformed or taken, or the password too weak.
pub async fn create_tenant(
    by: &OperatorCtx,
    gate: &Gate,
    new: &NewTenant<'_>,
    admin: &NewUser,
) -> Result<Once<Founded>> {
    well_formed(new.slug)?;
    let platform = &by.platform;
    let password_hash = match &admin.password {
        Some(password) => gate.passwords.hash(platform, "/admin/password", password).await?,
        None => NOBODY.to_owned(),
    };
    let answer = Answer { status: 201, location: format!("/api/v1/tenants/{}", new.slug) };
    let tenant = found(by, new, &answer).await?;
    // The tenant stands; its admin is made behind its wall like any other user.
    let ctx = gate.ctx(tenant, by.actor, PermissionSet::all(), by.trace.clone());
    let ctx = Ctx { idempotency: by.idempotency.clone(), ..ctx };
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let tx = &mut keyed.tx;
    // Another operator may found the same one at this moment.
    store::lock_role_named(tx.conn(), tenant, ADMIN).await?;
    if store::has_users(tx.conn(), tenant).await? {
        return Err(taken());
    }
    let user = put_user(tx, admin, &password_hash).await?;
    let link = match &admin.password {
        Some(_) => None,
        None => Some(links::make(&ctx, tx, user).await?),
    };
    tx.audit(&[Entry::new("create", "tenant", tenant).detail(json!({ "operator": by.name }))]).await?;
    let view = tenancy::store::views(tx.conn(), Some(tenant), "", 1).await?.pop();
    let made = Founded { tenant: view.ok_or(Error::NotFound("tenant"))?, admin: user, link };
    keyed.commit(made, answer.status, answer.location).await
}

fn well_formed(slug: &str) -> Result<()> {
    let form = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let bounded = (1..=63).contains(&slug.len()) && !slug.starts_with('-') && !slug.ends_with('-');
    if bounded && slug.chars().all(form) {
        return Ok(());
    }
    Err(Error::invalid("/slug", "1 to 63 small letters, digits and inner hyphens, for example `acme`"))
}

/// The tenant without its admin: a new one, or one whose bootstrap was cut off there; or the one that an equal request
/// has made.
async fn found(by: &OperatorCtx, new: &NewTenant<'_>, answer: &Answer) -> Result<TenantId> {
    let platform = &by.platform;
    let mut tx = SystemTx::begin(&platform.engine).await?;
    let again = tx.was_begun(by).await?;
    let fresh = TenantId(platform.chance.id());
    let named = (new.slug, new.name.as_str());
    let (zone, locale) = (new.zone.as_ref(), new.locale.as_ref());
    let tenant = if tenancy::store::insert(tx.conn(), fresh, named, zone, locale).await? {
        platform.vault.make_tenant_keys(tx.conn(), platform.chance.as_ref(), fresh).await?;
        for (role, _) in default_roles() {
            store::insert_role(tx.conn(), fresh, RoleId(platform.chance.id()), role, None).await?;
        }
        fresh
    } else {
        standing(&mut tx, new.slug, again).await?.ok_or_else(taken)?
    };
    if !again {
        tx.note_begun(by, answer).await?;
    }
    tx.commit().await?;
    Ok(tenant)
}

fn taken() -> Error {
    Error::conflict("slug-taken", "a tenant with this slug exists; choose another")
}

/// The tenant of this slug if nobody was ever made in it: its bootstrap was cut off, and goes on. Of a request that comes
/// again it is seen behind the tenant's wall whether it was the one that made somebody.
async fn standing(tx: &mut SystemTx, slug: &str, again: bool) -> Result<Option<TenantId>> {
    let Some(tenant) = tenancy::store::by_slug(tx.conn(), slug).await? else { return Ok(None) };
    let entered = !again && store::has_users(tx.conn(), tenant.id).await?;
    Ok(Some(tenant.id).filter(|tenant| !entered && *tenant != ITSELF))
}

/// Tenants in the order of their slugs, those after one.
///
/// # Errors
/// If the database does not answer.
pub async fn list(by: &OperatorCtx, after: &str, limit: i64) -> Result<Vec<TenantView>> {
    let mut tx = SystemTx::begin_patient(&by.platform.engine).await?;
    let views = tenancy::store::views(tx.conn(), None, after, limit).await?;
    tx.commit().await?;
    Ok(views)
}

/// One tenant.
///
/// # Errors
/// If there is none of this slug.
pub async fn get(by: &OperatorCtx, slug: &str) -> Result<TenantView> {
    let mut tx = SystemTx::begin(&by.platform.engine).await?;
    let tenant = find(&mut tx, slug).await?;
    let view = view(&mut tx, tenant.id).await?;
    tx.commit().await?;
    Ok(view)
}

/// How much of the house a tenant takes.
///
/// # Errors
/// If there is none of this slug.
pub async fn usage(by: &OperatorCtx, slug: &str) -> Result<Usage> {
    let mut tx = SystemTx::begin_patient(&by.platform.engine).await?;
    let tenant = find(&mut tx, slug).await?;
    let usage = tenancy::usage::of(tx.conn(), tenant.id, by.platform.clock.now()).await?;
    tx.commit().await?;
    Ok(usage)
}

/// Changes a tenant.
///
/// # Errors
/// If there is none of this slug, a limit is out of its bounds, or it is to be suspended and nobody says why.
pub async fn change(by: &OperatorCtx, slug: &str, change: TenantChange) -> Result<TenantView> {
    change.limits.check()?;
    let (name, why) = (change.name.as_ref().map(Text::as_str), change.why.as_ref().map(Text::as_str));
    if change.suspended == Some(true) && why.is_none() {
        return Err(Error::invalid("/why", "say why; the tenant reads it in its audit log"));
    }
    let mut tx = SystemTx::begin(&by.platform.engine).await?;
    let tenant = find(&mut tx, slug).await?.id;
    if name.is_some() || !change.limits.is_empty() {
        tenancy::store::update_limits(tx.conn(), tenant, name, &change.limits).await?;
        let detail = json!({
            "operator": by.name, "name": name, "requests_per_s": change.limits.requests_per_s,
            "most_users": change.limits.most_users,
        });
        tx.audit(by, tenant, &[Entry::new("update", "tenant", tenant).detail(detail).notice()]).await?;
    }
    if let Some(suspended) = change.suspended {
        steer(by, &mut tx, tenant, why.filter(|_| suspended)).await?;
    }
    let view = view(&mut tx, tenant).await?;
    tx.commit().await?;
    has_changed(by);
    Ok(view)
}

/// Keeps everybody of a tenant out and begins nothing more of its work. What runs may end; sockets close at once.
///
/// # Errors
/// If there is no such tenant, or it is suspended already.
pub async fn suspend(by: &OperatorCtx, slug: &str, why: &str) -> Result<TenantId> {
    steered(by, slug, Some(why), "this tenant is suspended already").await
}

/// Lets a tenant in again; its work goes on, but what others have paused of it.
///
/// # Errors
/// If there is no such tenant, or it is not suspended.
pub async fn readmit(by: &OperatorCtx, slug: &str) -> Result<TenantId> {
    steered(by, slug, None, "this tenant is not suspended").await
}

async fn steered(
    by: &OperatorCtx,
    slug: &str,
    why: Option<&str>,
    otherwise: &'static str,
) -> Result<TenantId> {
    let mut tx = SystemTx::begin(&by.platform.engine).await?;
    let tenant = find(&mut tx, slug).await?.id;
    if !steer(by, &mut tx, tenant, why).await? {
        return Err(Error::conflict("nothing-to-change", otherwise));
    }
    tx.commit().await?;
    has_changed(by);
    Ok(tenant)
}

/// Keeps a tenant out, and says why, or lets it in; `false` if it was so already.
async fn steer(by: &OperatorCtx, tx: &mut SystemTx, id: TenantId, why: Option<&str>) -> Result<bool> {
    if !tenancy::store::set_suspended(tx.conn(), id, why.is_some()).await? {
        return Ok(false);
    }
    let action = if why.is_some() { "suspend" } else { "readmit" };
    match why {
        Some(why) => tx.pause_tenant(id, why).await?,
        None => tx.resume_tenant(id).await?,
    }
    tx.emit(id, &[Event::new(EventType::AccessChanged, "tenant", id)]).await?;
    let detail = json!({ "operator": by.name, "why": why });
    tx.audit(by, id, &[Entry::new(action, "tenant", id).detail(detail).notice()]).await?;
    Ok(true)
}

/// This process believes nothing any more of what it knew of rights and limits. Others are told of rights, and
/// believe limits for a moment.
fn has_changed(by: &OperatorCtx) {
    by.platform.rights_changed.fetch_add(1, Ordering::Release);
}

async fn find(tx: &mut SystemTx, slug: &str) -> Result<Tenant> {
    let found = tenancy::store::by_slug(tx.conn(), slug).await?;
    found.filter(|tenant| tenant.id != ITSELF).ok_or(Error::NotFound("tenant"))
}

async fn view(tx: &mut SystemTx, id: TenantId) -> Result<TenantView> {
    tenancy::store::views(tx.conn(), Some(id), "", 1).await?.pop().ok_or(Error::NotFound("tenant"))
}
