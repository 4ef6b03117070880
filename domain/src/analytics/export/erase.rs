//! Somebody is erased or restricted: files in which they may be end with them. What is being written at that moment sees it at its end
//! ([`write`](mod@super::write)): it and this wait for each other.

use super::{GoneWhy, folder, people::People, store};
use crate::{
    ctx::Platform,
    error::Result,
    storage::sealed::take_away,
    tenancy::{Latch, TenantTx},
    types::{AnalyticsExportId, SubjectId, TenantId},
};

/// Ends the files in which any of these may be, in the transaction in which their keys are destroyed or they are restricted. Answers all whose files
/// are to be [taken away](remove), those that ended in an attempt before too.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn end_with(
    tx: &mut TenantTx,
    people: &[SubjectId],
    why: GoneWhy,
) -> Result<Vec<AnalyticsExportId>> {
    let tenant = tx.tenant;
    // Behind the lock of the erasure, which nobody asks for who holds this.
    Latch::Exports.take(tx.conn(), tenant).await?;
    let mut after = AnalyticsExportId(uuid::Uuid::nil());
    while let Some((id, kept)) = store::next_with_people(tx.conn(), tenant, after).await? {
        after = id;
        // What cannot be read may hold anybody.
        let holds = People::read(kept).is_none_or(|held| people.iter().any(|one| held.may_hold(one.0)));
        if holds {
            store::end(tx.conn(), tenant, id, why).await?;
        }
    }
    store::ended_with_people(tx.conn(), tenant).await
}

/// Takes their files away. Their keys are gone by then.
///
/// # Errors
/// If storage does not answer.
pub(crate) async fn remove(platform: &Platform, tenant: TenantId, ended: &[AnalyticsExportId]) -> Result<()> {
    for export in ended {
        take_away(platform, tenant, &folder(*export)?).await?;
    }
    Ok(())
}
