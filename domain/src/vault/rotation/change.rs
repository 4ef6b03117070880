//! Rotations are begun: by whoever may, or by a key that has sealed much.

use engine::{JobKind, NewJob};
use serde_json::json;
use uuid::Uuid;

use super::{
    What, store,
    work::{RotateKeys, business_key},
};
use crate::{
    Ctx,
    access::{permission::Permission, rights::held_now},
    audit::Entry,
    ctx::Platform,
    error::{Error, Result},
    tenancy::{Begun as Beginning, Once, TenantTx},
    upkeep::ITSELF,
};

/// What whoever has a rotation carried on must be allowed to do.
pub(crate) const PERMISSIONS: &[Permission] = &[Permission::KeysRotate];

/// Of which run the workflow is a rotation goes on by: one at a time.
const UNIQUE: &str = "keys";

/// A rotation that was begun or taken up.
struct Begun {
    rotation: Uuid,
    what: What,
    /// The workflow that carries it on; none if another does already.
    run: Option<Uuid>,
}

/// Begins to replace keys of the tenant, or takes up a rotation that stands still because its workflow was stopped; a
/// wrapping then goes to the key-encryption key that is in use by now, and is given up if other keys are to be replaced.
/// Answers the rotation.
///
/// # Errors
/// A conflict if one goes on, or one of other keys stands still.
pub async fn start(ctx: &Ctx, what: What) -> Result<Once<Uuid>> {
    ctx.require(Permission::KeysRotate)?;
    ctx.require_all_rows()?;
    if ctx.tenant == ITSELF && what != What::Kek {
        return Err(Error::invalid("/what", "the installation itself has nothing but keys to wrap: `kek`"));
    }
    let mut keyed = match ctx.begin_once().await? {
        Beginning::Fresh(keyed) => keyed,
        Beginning::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    held_now(ctx, &mut keyed.tx, Permission::KeysRotate).await?.require_all_rows()?;
    let (rotation, run) = wanted(&mut keyed.tx, what).await?;
    keyed.commit(rotation, 202, format!("/api/v1/operations/{run}")).await
}

/// The same of the wrapping of all keys of the installation, its own secrets among them. One that goes on towards another
/// key-encryption key than this process has in use turns to this one.
///
/// # Errors
/// As [`start`].
pub async fn start_for_installation(platform: &Platform) -> Result<Uuid> {
    let ctx = Ctx::itself(platform, ITSELF);
    let mut tx = ctx.begin().await?;
    let (rotation, _) = wanted(&mut tx, What::Kek).await?;
    tx.commit().await?;
    Ok(rotation)
}

async fn wanted(tx: &mut TenantTx, what: What) -> Result<(Uuid, Uuid)> {
    let begun = begin(tx, what).await?;
    let detail = match begun.run {
        Some(run) if begun.what == what => return Ok((begun.rotation, run)),
        // The caller's transaction ends here, and the run with it.
        Some(_) => format!(
            "a rotation of `{}` was stopped before its end; ask for that one, which goes on where it stood",
            begun.what.as_str()
        ),
        None => {
            format!("the rotation {} goes on; wait for its end, a tenant has one at a time", begun.rotation)
        }
    };
    Err(Error::conflict("rotation-running", detail))
}

/// The tenant's data key has sealed so much that it is replaced, in the transaction that seals. Nothing happens if a
/// rotation has not ended.
///
/// # Errors
/// If the database refuses.
pub async fn begin_by_itself(tx: &mut TenantTx) -> Result<()> {
    let tenant = tx.tenant;
    // Whoever carries one on holds its row and may wait for the key that the caller holds: so it is not waited for.
    if let Some(rotation) = store::open(tx.conn(), tenant).await? {
        tracing::warn!(
            tenant.id = %tenant, rotation.id = %rotation,
            "the data key has sealed so much that it should be replaced, once the rotation that was begun has ended"
        );
        return Ok(());
    }
    let rotation = begin(tx, What::Tenant).await?.rotation;
    tracing::warn!(tenant.id = %tenant, rotation.id = %rotation, "the data key has sealed so much that it is replaced");
    Ok(())
}

async fn begin(tx: &mut TenantTx, what: What) -> Result<Begun> {
    let (tenant, platform) = (tx.tenant, tx.platform.clone());
    let id = platform.chance.id();
    let kek = platform.vault.keks().current().name();
    store::insert(tx.conn(), tenant, (id, id), (what, what.first()), kek).await?;
    let open = store::lock_open(tx.conn(), tenant).await?;
    let open = open.ok_or_else(|| Error::internal("a rotation that was begun is not there"))?;
    // All keys open in the midst of being wrapped anew, so a stopped wrapping stands in nobody's way.
    let gives_up = open.1 == What::Kek && what != What::Kek;
    let (rotation, what) = if gives_up { (id, what) } else { open };
    // The first run has the rotation's id, so that one id finds both.
    let run = if rotation == id { id } else { platform.chance.id() };
    let input = RotateKeys { rotation, what };
    let first = NewJob::of(tenant.0, run, &input).map_err(Error::internal)?;
    let started = tx.start_workflow(first.about(business_key(rotation)).unique(UNIQUE)).await?;
    if !started.fresh {
        // Operators cannot stop a run of the installation, and their key may be another by now.
        let run = if tenant == ITSELF { store::aim_at(tx.conn(), tenant, open.0, kek).await? } else { None };
        return Ok(Begun { rotation: open.0, what: open.1, run });
    }
    if gives_up {
        store::give_up(tx.conn(), tenant, open.0).await?;
        let detail = json!({ "what": open.1 });
        tx.audit(&[Entry::new("give_up", "keys", open.0).detail(detail).notice()]).await?;
        store::insert(tx.conn(), tenant, (id, id), (what, what.first()), kek).await?;
    } else if what == What::Kek {
        store::aim_at(tx.conn(), tenant, rotation, kek).await?;
    }
    store::put_run(tx.conn(), tenant, rotation, run).await?;
    let detail = json!({ "what": what, "run_id": run, "workflow": RotateKeys::KIND });
    tx.audit(&[Entry::new("rotate", "keys", rotation).detail(detail).notice()]).await?;
    Ok(Begun { rotation, what, run: Some(run) })
}
