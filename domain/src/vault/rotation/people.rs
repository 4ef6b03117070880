//! The phases of the data keys of people, a page of them a turn.

use super::{
    Phase,
    store::{self, RotationRow},
};
use crate::{
    error::Result,
    tenancy::TenantTx,
    vault::{people::subject_purpose, store as keys},
};

/// Keys looked at in one turn.
const PAGE: i64 = 500;

pub(super) async fn make(tx: &mut TenantTx, row: &mut RotationRow) -> Result<()> {
    let (platform, tenant) = (tx.platform.clone(), tx.tenant);
    let vault = &platform.vault;
    let (last, old) = store::people::page(tx.conn(), tenant, row.after_id, row.started_at, PAGE).await?;
    let Some(last) = last else {
        row.enter(Phase::Switch);
        return Ok(());
    };
    if !old.is_empty() {
        // Whoever erases one of them holds these locks, or waits for them and destroys what is made here as well.
        keys::hold_subject_keys(tx.conn(), tenant, &old).await?;
        let mut next = Vec::new();
        for subject in store::people::without_next(tx.conn(), tenant, &old).await? {
            let purpose = subject_purpose(tenant, subject);
            let (wrapped, key) = vault.fresh(platform.chance.as_ref(), &purpose).await?;
            next.push((subject, key.id, wrapped));
        }
        store::people::put_next(tx.conn(), tenant, &next, vault.keks().current().name()).await?;
    }
    row.after_id = last;
    Ok(())
}

pub(super) async fn switch(tx: &mut TenantTx, row: &mut RotationRow) -> Result<()> {
    let tenant = tx.tenant;
    let people = store::people::with_next(tx.conn(), tenant, PAGE).await?;
    if people.is_empty() {
        row.enter(Phase::Reseal);
        return Ok(());
    }
    keys::hold_subject_keys(tx.conn(), tenant, &people).await?;
    store::people::destroy_orphans(tx.conn(), tenant, &people).await?;
    store::people::switch(tx.conn(), tenant, &people).await
}

pub(super) async fn destroy(tx: &mut TenantTx, row: &mut RotationRow) -> Result<()> {
    let tenant = tx.tenant;
    if store::people::destroy(tx.conn(), tenant, &row.kept, PAGE).await? == 0 {
        row.enter_at_once(Phase::Done);
    }
    Ok(())
}
