//! The phases of a tenant's data key.

use super::{
    Phase,
    store::{self, RotationRow},
};
use crate::{
    error::Result,
    tenancy::TenantTx,
    vault::keys::{DATA, tenant_purpose},
};

pub(super) async fn make(tx: &mut TenantTx, row: &mut RotationRow) -> Result<()> {
    let (platform, tenant) = (tx.platform.clone(), tx.tenant);
    let vault = &platform.vault;
    let (wrapped, key) = vault.fresh(platform.chance.as_ref(), &tenant_purpose(tenant, DATA)).await?;
    store::tenant::put_next(tx.conn(), tenant, (key.id, &wrapped), vault.keks().current().name()).await?;
    row.enter(Phase::Switch);
    Ok(())
}

pub(super) async fn switch(tx: &mut TenantTx, row: &mut RotationRow) -> Result<()> {
    let tenant = tx.tenant;
    store::tenant::switch(tx.conn(), tenant).await?;
    row.enter(Phase::Reseal);
    Ok(())
}

pub(super) async fn destroy(tx: &mut TenantTx, row: &mut RotationRow) -> Result<()> {
    let tenant = tx.tenant;
    store::tenant::destroy(tx.conn(), tenant, &row.kept).await?;
    row.enter_at_once(Phase::Done);
    Ok(())
}
