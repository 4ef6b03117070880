//! Values are sealed anew, a page of a column a turn.

use std::collections::{BTreeSet, HashMap, HashSet};

use uuid::Uuid;

use super::{
    Phase, What,
    store::{
        self, RotationRow,
        columns::{COLUMNS, Column, Looked, Swaps, Under},
    },
};
use crate::{
    error::{Error, Result},
    tenancy::TenantTx,
    types::SubjectId,
    vault::{Place, Vault, cipher::Unreadable},
};

/// Rows looked at in one turn: frozen requests may have some ten thousand bytes each.
const PAGE: i64 = 250;
/// Passes in a row that must find nothing before the former keys go.
const CLEAN_PASSES: i32 = 2;
/// Keys that may be kept because something under them does not open. More of them are no single broken values, and the
/// rotation stops before it destroys anything.
pub(super) const MOST_KEPT: usize = 1_000;

/// Takes the next page; at the end of the last column the pass is over.
pub(super) async fn reseal(tx: &mut TenantTx, row: &mut RotationRow) -> Result<()> {
    let under = if row.what == What::Subjects { Under::Subject } else { Under::Tenant };
    let mut columns = COLUMNS.iter().filter(|column| column.under == under);
    let Some(column) = columns.nth(usize::try_from(row.part).unwrap_or_default()) else {
        pass_over(row);
        return Ok(());
    };
    let tenant = tx.tenant;
    let looked = column.page(tx.conn(), tenant, row.after_id, PAGE).await?;
    let Some(last) = looked.last().map(|one| one.row) else {
        row.part += 1;
        row.after_id = Uuid::nil();
        return Ok(());
    };
    row.after_id = last;
    let former: Vec<(Uuid, Uuid, Vec<u8>)> = looked.into_iter().filter_map(of_former).collect();
    if former.is_empty() {
        return Ok(());
    }
    // What does not open is met again in each pass, beside values of the same key that do.
    let mut kept = Kept(row.kept.drain(..).collect());
    let swaps = match under {
        Under::Tenant => of_tenant(tx, column, former, &mut kept).await?,
        Under::Subject => of_people(tx, column, former, &mut kept).await?,
    };
    row.kept = kept.0.into_iter().collect();
    row.found += i64::try_from(swaps.rows.len()).unwrap_or(i64::MAX);
    if row.kept.len() > MOST_KEPT {
        return Err(Error::internal(
            "more than a thousand keys seal values that do not open; restore them from a backup, or look what alters them",
        ));
    }
    if !swaps.rows.is_empty() {
        let swapped = column.swap(tx.conn(), tenant, swaps).await?;
        row.done += i64::try_from(swapped).unwrap_or(i64::MAX);
    }
    Ok(())
}

fn of_former(looked: Looked) -> Option<(Uuid, Uuid, Vec<u8>)> {
    let (key, blob) = looked.former?;
    Some((looked.row, key, blob))
}

fn pass_over(row: &mut RotationRow) {
    row.clean_passes = if row.found == 0 { row.clean_passes + 1 } else { 0 };
    if row.clean_passes >= CLEAN_PASSES {
        row.enter_at_once(Phase::Destroy);
    } else {
        row.begin_anew();
    }
}

/// Keys under which something does not open.
struct Kept(BTreeSet<Uuid>);

impl Kept {
    /// Says the first value of each key.
    fn put(&mut self, place: &Place, key: Uuid, error: &Error) {
        if self.0.insert(key) {
            report(place, key, error);
        }
    }
}

async fn of_tenant(
    tx: &mut TenantTx,
    column: &Column,
    former: Vec<(Uuid, Uuid, Vec<u8>)>,
    kept: &mut Kept,
) -> Result<Swaps> {
    let (platform, tenant) = (tx.platform.clone(), tx.tenant);
    // Before any row is locked, as all do who seal.
    let values = u32::try_from(former.len()).unwrap_or(u32::MAX);
    let sealing = Vault::to_seal(tx, values).await?;
    let keys = platform.vault.read_tenant_keys(tx.conn(), tenant).await?;
    let mut swaps = Swaps::default();
    for (row, key, blob) in former {
        let place = Place { tenant, table: column.table, column: column.column, row };
        match keys.open(&place, &blob) {
            Ok(plain) => swaps.push(row, blob, sealing.seal(&platform, &place, &plain)),
            Err(error) => kept.put(&place, key, &error),
        }
    }
    Ok(swaps)
}

async fn of_people(
    tx: &mut TenantTx,
    column: &Column,
    former: Vec<(Uuid, Uuid, Vec<u8>)>,
    kept: &mut Kept,
) -> Result<Swaps> {
    let (platform, tenant) = (tx.platform.clone(), tx.tenant);
    let used: HashSet<Uuid> = former.iter().map(|(_, key, _)| *key).collect();
    let used: Vec<Uuid> = used.into_iter().collect();
    let owners: HashMap<Uuid, SubjectId> =
        store::people::owners(tx.conn(), tenant, &used).await?.into_iter().collect();
    let people: HashSet<SubjectId> = owners.values().copied().collect();
    let keys = Vault::subjects(tx, &people.into_iter().collect::<Vec<_>>()).await?;
    let mut swaps = Swaps::default();
    for (row, key, blob) in former {
        let Some(subject) = owners.get(&key).filter(|subject| keys.knows(**subject)) else {
            // Erased since the page was read.
            continue;
        };
        let place = Place { tenant, table: column.table, column: column.column, row };
        match keys.reseal(&platform, *subject, &place, &blob) {
            Ok(fresh) => swaps.push(row, blob, fresh),
            Err(error) => kept.put(&place, key, &error.into_error()),
        }
    }
    Ok(swaps)
}

fn report(place: &Place, key: Uuid, error: &Error) {
    let Place { tenant, table, column, row } = place;
    tracing::error!(
        tenant.id = %tenant, table, column, row.id = %row, key.id = %key, %error,
        "a value does not open and cannot be sealed anew; its key is kept, and others under it are not named"
    );
}

impl Unreadable {
    fn into_error(self) -> Error {
        Error::internal(self)
    }
}

impl Swaps {
    fn push(&mut self, row: Uuid, before: Vec<u8>, after: Vec<u8>) {
        self.rows.push(row);
        self.before.push(before);
        self.after.push(after);
    }
}
