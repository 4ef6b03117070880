//! Commands of the installation: making tenants with their first user, keeping them out and letting them in again.

use serde_json::json;

use super::{
    gate::Gate,
    permission::{PermissionSet, default_roles},
    store,
    users::{NewUser, put_user},
};
use crate::{
    audit::Entry,
    ctx::{Actor, Platform},
    error::{Error, Result},
    events::{Event, EventType},
    tenancy::{self, SystemTx, store::Tenant},
    types::{RoleId, TenantId, Text, UserId},
};

/// Makes a tenant with its keys, its four roles and its first admin: the bootstrap. Needs no context,
/// because there is nobody yet who could ask.
///
/// # Errors
/// If the slug is malformed or taken, or the password too weak.
pub async fn create_tenant(
    gate: &Gate,
    platform: &Platform,
    slug: &str,
    name: &Text<200>,
    admin: NewUser,
) -> Result<(TenantId, UserId)> {
    let form = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if slug.is_empty()
        || slug.len() > 63
        || !slug.chars().all(form)
        || slug.starts_with('-')
        || slug.ends_with('-')
    {
        return Err(Error::invalid(
            "/slug",
            "1 to 63 small letters, digits and inner hyphens, for example `acme`",
        ));
    }
    let password = admin.password.as_deref().unwrap_or_default();
    let password_hash = gate.passwords.hash(platform, "/password", password).await?;
    let mut tx = SystemTx::begin(&platform.engine).await?;
    let fresh = TenantId(platform.chance.id());
    let tenant = if tenancy::store::insert(tx.conn(), fresh, slug, name.as_str()).await? {
        platform.vault.make_tenant_keys(tx.conn(), platform.chance.as_ref(), fresh).await?;
        for (role, _) in default_roles() {
            store::insert_role(tx.conn(), fresh, RoleId(platform.chance.id()), role, None).await?;
        }
        fresh
    } else {
        deserted(&mut tx, slug)
            .await?
            .ok_or_else(|| Error::conflict("slug-taken", "a tenant with this slug exists; choose another"))?
    };
    tx.commit().await?;
    // The tenant stands; its admin is made behind its wall like any other user.
    let ctx = gate.ctx(tenant, Actor::System, PermissionSet::all(), None);
    let mut tx = ctx.begin().await?;
    let user = put_user(&mut tx, &admin, &password_hash).await?;
    tx.audit(&[Entry::new("create", "tenant", tenant)]).await?;
    tx.commit().await?;
    Ok((tenant, user))
}

/// The tenant of this slug if nobody was ever made in it: its bootstrap was cut off, and goes on.
async fn deserted(tx: &mut SystemTx, slug: &str) -> Result<Option<TenantId>> {
    let Some(tenant) = tenancy::store::by_slug(tx.conn(), slug).await? else { return Ok(None) };
    let entered = store::has_users(tx.conn(), tenant.id).await?;
    Ok(Some(tenant.id).filter(|_| !entered))
}

/// Keeps everybody of a tenant out and begins nothing more of its work. What runs may end; sockets close at once.
///
/// # Errors
/// If there is no such tenant, or it is suspended already.
pub async fn suspend(platform: &Platform, slug: &str, why: &str) -> Result<TenantId> {
    change(platform, slug, Some(why)).await
}

/// Lets a tenant in again; its work goes on.
///
/// # Errors
/// If there is no such tenant, or it is not suspended.
pub async fn readmit(platform: &Platform, slug: &str) -> Result<TenantId> {
    change(platform, slug, None).await
}

async fn change(platform: &Platform, slug: &str, why: Option<&str>) -> Result<TenantId> {
    let mut tx = SystemTx::begin(&platform.engine).await?;
    let Tenant { id, .. } =
        tenancy::store::by_slug(tx.conn(), slug).await?.ok_or(Error::NotFound("tenant"))?;
    if !tenancy::store::set_suspended(tx.conn(), id, why.is_some()).await? {
        let now =
            if why.is_some() { "this tenant is suspended already" } else { "this tenant is not suspended" };
        return Err(Error::conflict("nothing-to-change", now));
    }
    let action = if why.is_some() { "suspend" } else { "readmit" };
    match why {
        Some(why) => tx.pause_tenant(id, why).await?,
        None => tx.resume_tenant(id).await?,
    }
    let subject = format!("tenant:{id}");
    tx.emit(id, &[Event { kind: EventType::AccessChanged, subject, body: json!({}) }]).await?;
    let entry = Entry::new(action, "tenant", id).detail(json!({ "why": why })).notice();
    tx.audit(platform, id, &[entry]).await?;
    tx.commit().await?;
    Ok(id)
}
