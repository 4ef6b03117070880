//! The attempts at a file: each writes to a name of its own, and takes away what those before it have left.

use futures::StreamExt as _;

use super::{folder, store};
use crate::{
    Ctx,
    audit::Entry,
    error::{Error, Result},
    storage::FileName,
    tenancy::TenantTx,
    types::AnalyticsExportId,
};

/// What an attempt writes to: one that is late overwrites nothing.
///
/// # Errors
/// If that is no name.
pub(super) fn name(ctx: &Ctx, export: AnalyticsExportId, attempt: i32) -> Result<FileName> {
    let name = format!("{}/{attempt:010}-{}.sealed", folder(export)?, ctx.id().simple());
    name.parse().map_err(Error::internal)
}

/// Takes away what attempts before have left, and nothing of one that came after.
///
/// # Errors
/// If storage does not answer.
pub(super) async fn clear(ctx: &Ctx, export: AnalyticsExportId, attempt: i32) -> Result<()> {
    let files = ctx.platform.storage.of(ctx.tenant);
    let mut found = files.list(Some(&folder(export)?));
    while let Some(file) = found.next().await {
        let name = file?.name;
        if attempt_of(&name).is_none_or(|of| of < attempt) {
            files.delete(&name).await?;
        }
    }
    Ok(())
}

/// Which attempt a file is of.
fn attempt_of(name: &FileName) -> Option<i32> {
    let (_, last) = name.as_str().rsplit_once('/')?;
    last.split_once('-')?.0.parse().ok()
}

/// Ends an export whose asker may not have it any more. Answers what is to be said.
///
/// # Errors
/// If the database refuses.
pub(super) async fn refused(
    ctx: &Ctx,
    mut tx: TenantTx,
    export: AnalyticsExportId,
    attempt: i32,
) -> Result<Error> {
    if store::give_up(tx.conn(), ctx.tenant, export, attempt).await? {
        let entry = Entry::new("withhold", "analytics_export", export).notice();
        tx.audit(&[entry]).await?;
    }
    tx.commit().await?;
    let detail = "whoever asked for this file may not have it any more; have somebody ask for it who may";
    Ok(Error::conflict("rights-withdrawn", detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_which_attempt_it_is_of() {
        let of = |name: &str| attempt_of(&name.parse().expect("a name"));
        assert_eq!(of("analytics/00ff/0000000012-00ff.sealed"), Some(12));
        assert_eq!(of("analytics/00ff/00ff.sealed"), None);
        assert_eq!(of("analytics/7-ff/00ff.sealed"), None);
    }
}
