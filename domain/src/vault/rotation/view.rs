//! Which keys there are, and how far rotations have come. The keys themselves are shown to nobody.

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::{
    Phase, What,
    store::{self, RotationRow, columns::COLUMNS, columns::Under},
};
use crate::{
    Ctx,
    access::permission::Permission,
    ctx::Platform,
    error::{Error, Result},
    tenancy::SystemTx,
    vault::keys::ROTATE_AT,
};

/// Keys of the tenant that are shown: those that are gone long ago are not.
const SHOWN: i64 = 50;

/// The keys of a tenant.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct KeysView {
    /// The key-encryption key that wraps what is made from now on.
    #[schema(example = "local:5f2c0e6f9b1d4a7c8e3f2a1b0c9d8e7f")]
    pub kek: String,
    /// The tenant's own keys, the newest first.
    pub tenant: Vec<TenantKeyView>,
    /// The keys of people, summed up.
    pub people: Vec<PeopleKeysView>,
    /// A tenant's data key that has sealed so many values is replaced by itself.
    pub rotates_at: i64,
    /// The newest rotation.
    pub rotation: Option<RotationView>,
}

/// A key of the tenant itself.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct TenantKeyView {
    pub id: Uuid,
    /// `data` seals the tenant's secrets; `index` keys what people are found by, and is not rotated.
    pub purpose: String,
    /// `next`, `current`, `former` or `destroyed`.
    pub state: String,
    /// What wraps it.
    pub kek: String,
    /// Values sealed under it.
    pub sealed: i64,
    pub created_at: DateTime<Utc>,
    /// Since when nothing is sealed under it.
    pub retired_at: Option<DateTime<Utc>>,
    pub destroyed_at: Option<DateTime<Utc>>,
}

/// Keys of people in the same state.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PeopleKeysView {
    /// `next`, `current`, `former`; or `archived`: former ones that stay for what lies in an archive.
    pub state: String,
    /// What wraps them.
    pub kek: String,
    pub keys: i64,
    /// When the oldest of them was made.
    pub oldest_at: Option<DateTime<Utc>>,
}

/// A rotation, and how far it has come.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RotationView {
    pub id: Uuid,
    pub what: What,
    pub phase: Phase,
    /// The workflow that carries it on.
    pub run_id: Uuid,
    pub started_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    /// Keys wrapped or values sealed anew.
    pub done: i64,
    /// How much of the pass over columns is behind it, from 0 to 1; a pass more follows as long as one finds something.
    pub of_pass: f64,
    /// Transactions that must end before it goes on.
    pub waits_for: usize,
    /// Keys that are kept, as something under them does not open; the log says what.
    pub kept: usize,
}

impl From<RotationRow> for RotationView {
    fn from(row: RotationRow) -> Self {
        let under = if row.what == What::Subjects { Under::Subject } else { Under::Tenant };
        let parts = match row.phase {
            Phase::Rewrap | Phase::GivenUp => 2,
            _ => COLUMNS.iter().filter(|column| column.under == under).count(),
        };
        let parts = i32::try_from(parts).unwrap_or(i32::MAX).max(1);
        let of_pass = match row.phase {
            Phase::Destroy | Phase::Done => 1.0,
            _ => f64::from(row.part.min(parts)) / f64::from(parts),
        };
        Self {
            id: row.id,
            what: row.what,
            phase: row.phase,
            run_id: row.run_id,
            started_at: row.started_at,
            finished_at: row.finished_at,
            done: row.done,
            of_pass,
            waits_for: row.awaited.map_or(0, |awaited| awaited.len()),
            kept: row.kept.len(),
        }
    }
}

/// The keys of the caller's tenant; those of people, which are counted for it and may be many, if they are asked for.
///
/// # Errors
/// If the permission is missing or the database does not answer.
pub async fn keys(ctx: &Ctx, with_people: bool) -> Result<KeysView> {
    ctx.require(Permission::KeysRead)?;
    let mut tx = ctx.begin().await?;
    let tenant = store::tenant::keys(tx.conn(), ctx.tenant, SHOWN).await?;
    let people = if with_people { store::people::tally(tx.conn(), ctx.tenant).await? } else { Vec::new() };
    let rotation = store::rotations(tx.conn(), ctx.tenant, None, None, 1).await?.pop();
    Ok(KeysView {
        kek: ctx.platform.vault.keks().current().name().to_owned(),
        tenant: tenant
            .into_iter()
            .map(|row| TenantKeyView {
                id: row.id,
                purpose: row.purpose,
                state: if row.destroyed_at.is_some() { "destroyed".into() } else { row.state },
                kek: row.kek,
                sealed: row.sealed,
                created_at: row.created_at,
                retired_at: row.retired_at,
                destroyed_at: row.destroyed_at,
            })
            .collect(),
        people: people
            .into_iter()
            .map(|row| PeopleKeysView {
                state: row.state,
                kek: row.kek,
                keys: row.keys,
                oldest_at: row.oldest_at,
            })
            .collect(),
        rotates_at: ROTATE_AT,
        rotation: rotation.map(Into::into),
    })
}

/// Rotations, the newest first.
///
/// # Errors
/// If the permission is missing or the database does not answer.
pub async fn list(ctx: &Ctx, before: Option<Uuid>, limit: i64) -> Result<Vec<RotationView>> {
    ctx.require(Permission::KeysRead)?;
    let mut tx = ctx.begin().await?;
    let rows = store::rotations(tx.conn(), ctx.tenant, None, before, limit).await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// # Errors
/// If there is no such rotation.
pub async fn get(ctx: &Ctx, id: Uuid) -> Result<RotationView> {
    ctx.require(Permission::KeysRead)?;
    let mut tx = ctx.begin().await?;
    let found = store::rotations(tx.conn(), ctx.tenant, Some(id), None, 1).await?.pop();
    found.map(Into::into).ok_or(Error::NotFound("rotation"))
}

/// How many keys of the installation each key-encryption key wraps: one that wraps none can be taken away.
///
/// # Errors
/// If the database does not answer.
pub async fn wrapped_by(platform: &Platform) -> Result<Vec<(String, i64)>> {
    let mut tx = SystemTx::begin(&platform.engine).await?;
    store::wrapping::tally(tx.conn()).await
}
