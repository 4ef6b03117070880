//! Keys are wrapped by another key-encryption key, a page of them a turn.

use std::io;

use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    Phase,
    data::MOST_KEPT,
    store::{
        RotationRow,
        wrapping::{self as store, Wraps},
    },
};
use crate::{
    ctx::Platform,
    error::{Error, Result},
    types::TenantId,
    vault::{keys::tenant_purpose, people::subject_purpose, store::WrappedKey},
};

/// Keys looked at in one turn. A key service is asked twice for each that is wrapped anew.
const PAGE: i64 = 200;

/// The keys of a tenant first, then those of its people; a pass that finds none is the last.
pub(super) async fn of_tenant(
    platform: &Platform,
    conn: &mut PgConnection,
    tenant: TenantId,
    row: &mut RotationRow,
) -> Result<()> {
    if page(platform, conn, tenant, row).await? {
        return Ok(());
    }
    pass_over(row);
    Ok(())
}

/// The secrets of the installation first, then tenant by tenant.
pub(super) async fn all(platform: &Platform, conn: &mut PgConnection, row: &mut RotationRow) -> Result<()> {
    if row.tenant_at.is_nil() && row.part == 0 && row.after_id.is_nil() {
        secrets(platform, conn, row).await?;
    }
    if page(platform, conn, TenantId(row.tenant_at), row).await? {
        return Ok(());
    }
    match store::tenant_after(conn, row.tenant_at).await? {
        Some(next) => (row.tenant_at, row.part, row.after_id) = (next, 0, Uuid::nil()),
        None => pass_over(row),
    }
    Ok(())
}

fn pass_over(row: &mut RotationRow) {
    if row.found == 0 {
        row.enter_at_once(Phase::Done);
    } else {
        row.begin_anew();
        // Nobody is waited for: what is wrapped by another key opens all the same.
        row.awaited = Some(Vec::new());
    }
}

/// Wraps a page anew; `false` when no key of the tenant is left.
async fn page(
    platform: &Platform,
    conn: &mut PgConnection,
    tenant: TenantId,
    row: &mut RotationRow,
) -> Result<bool> {
    let kek = target(platform, row)?.to_owned();
    let at = (kek.as_str(), PAGE);
    let (last, done) = if row.part == 0 {
        let page = store::tenant_keys(conn, tenant, row.after_id, at).await?;
        let others = page.others.into_iter();
        let others = others.map(|(purpose, key)| (tenant_purpose(tenant, &purpose), key)).collect();
        let wraps = wrap(platform, &kek, others, row).await?;
        (page.last, store::swap_tenant_keys(conn, tenant, &wraps, &kek).await?)
    } else if row.part == 1 {
        let page = store::subject_keys(conn, tenant, row.after_id, at).await?;
        let others = page.others.into_iter();
        let others = others.map(|(subject, key)| (subject_purpose(tenant, subject), key)).collect();
        let wraps = wrap(platform, &kek, others, row).await?;
        let done = if wraps.ids.is_empty() {
            0
        } else {
            store::swap_subject_keys(conn, tenant, &wraps, &kek).await?
        };
        (page.last, done)
    } else {
        return Ok(false);
    };
    row.done += i64::try_from(done).unwrap_or(i64::MAX);
    if let Some(last) = last {
        row.after_id = last;
    } else {
        (row.part, row.after_id) = (row.part + 1, Uuid::nil());
    }
    Ok(true)
}

async fn secrets(platform: &Platform, conn: &mut PgConnection, row: &mut RotationRow) -> Result<()> {
    let kek = target(platform, row)?.to_owned();
    let others = store::installation_secrets(conn, &kek).await?;
    let others = others.into_iter().map(|(purpose, key)| (purpose.into_bytes(), key)).collect();
    let wraps = wrap(platform, &kek, others, row).await?;
    row.done +=
        i64::try_from(store::swap_installation_secrets(conn, &wraps, &kek).await?).unwrap_or(i64::MAX);
    Ok(())
}

/// The key-encryption key that all are to be wrapped by, which whoever began the rotation had as theirs.
fn target<'a>(platform: &'a Platform, row: &'a RotationRow) -> Result<&'a str> {
    let name = row.kek.as_deref().unwrap_or_else(|| platform.vault.keks().current().name());
    platform.vault.keks().require(name).map_err(Error::internal)?;
    Ok(name)
}

async fn wrap(
    platform: &Platform,
    kek: &str,
    others: Vec<(Vec<u8>, WrappedKey)>,
    row: &mut RotationRow,
) -> Result<Wraps> {
    let keks = platform.vault.keks();
    let target = keks.require(kek).map_err(Error::internal)?;
    let mut wraps = Wraps::default();
    for (purpose, key) in others {
        if row.kept.contains(&key.id) {
            continue;
        }
        let plain = match keks.unwrap(&key.kek, &purpose, &key.wrapped).await {
            Ok(plain) => plain,
            // It was no key before either; whatever it sealed does not open.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                tracing::error!(key.id = %key.id, %error, "a key cannot be unwrapped, and stays as it is");
                row.kept.push(key.id);
                continue;
            }
            Err(error) => return Err(Error::internal(error)),
        };
        let wrapped = target.wrap(&purpose, &plain).await.map_err(Error::internal)?;
        wraps.ids.push(key.id);
        wraps.before.push(key.wrapped);
        wraps.after.push(wrapped);
    }
    if row.kept.len() > MOST_KEPT {
        return Err(Error::internal(
            "more than a thousand keys cannot be unwrapped; look whether this process has the key-encryption keys that \
             wrapped them",
        ));
    }
    row.found += i64::try_from(wraps.ids.len()).unwrap_or(i64::MAX);
    Ok(wraps)
}
