//! What ends by itself: files whose time is over, and exports that nobody writes any more.

use super::{folder, store};
use crate::{analytics::saved, ctx::Platform, error::Result, storage::sealed::take_away, tenancy::SystemTx};

/// Exports that end in one look.
const BATCH: i64 = 100;
/// Days that is kept what was taken out, after its file is gone. The audit log keeps it longer.
const KEEP_DAYS: i32 = 90;
/// Days that is kept when reports were sent: a year can be looked back on.
const KEEP_SENT_DAYS: i32 = 400;

/// Takes some of the files away whose time is over, and forgets what was long ago. Answers how many; none when none is left.
///
/// # Errors
/// If the database or storage does not answer.
pub async fn forget_files(platform: &Platform) -> Result<u64> {
    let mut tx = SystemTx::begin(&platform.engine).await?;
    let over = store::over(tx.conn(), BATCH).await?;
    let old = store::old(tx.conn(), KEEP_DAYS, BATCH).await?;
    let sent = saved::store::drop_old(tx.conn(), KEEP_SENT_DAYS, BATCH).await?;
    tx.commit().await?;
    for (tenant, export, why) in &over {
        take_away(platform, *tenant, &folder(*export)?).await?;
        let mut tx = SystemTx::begin(&platform.engine).await?;
        store::end(tx.conn(), *tenant, *export, *why).await?;
        tx.commit().await?;
    }
    for (tenant, export) in &old {
        // Whoever took it away may have died before all of it was gone.
        take_away(platform, *tenant, &folder(*export)?).await?;
        let mut tx = SystemTx::begin(&platform.engine).await?;
        store::forget(tx.conn(), *tenant, *export).await?;
        tx.commit().await?;
    }
    Ok(over.len() as u64 + old.len() as u64 + sent)
}
