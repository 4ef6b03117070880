//! Who gets a file: whoever asked for it, and whoever may see all that is in it, by a link that is good for some hours.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::json;

use super::{FileState, folder, rights, store};
use crate::{
    Ctx,
    audit::Entry,
    ctx::Actor,
    error::{Error, Result},
    storage::{
        link::{LinkTo, token},
        sealed::take_away,
    },
    tenancy::TenantTx,
    types::AnalyticsExportId,
};

/// How long a link is good; never longer than its file is kept.
const LIFETIME: TimeDelta = TimeDelta::hours(24);

/// How to get a file.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct FileLink {
    /// Whoever has it gets the file, without a login. Where the installation does not know how it is reached from outside, it
    /// begins with the path.
    #[schema(example = "https://calls.example.com/files/…")]
    pub url: String,
    pub expires_at: DateTime<Utc>,
}

/// A fresh link to a file, which is good only as long as whoever made it may have the file. That one was made is written down.
///
/// # Errors
/// If a permission is missing, there is no such export, or a conflict if there is no file of it yet or any more.
pub async fn issue(ctx: &Ctx, id: AnalyticsExportId) -> Result<FileLink> {
    super::require(ctx)?;
    let mut tx = ctx.begin().await?;
    let held = store::held(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("export"))?;
    rights::require(ctx, &held.what, held.personal)?;
    let kept = held.expires_at.filter(|kept| held.state == FileState::Ready && *kept > ctx.now());
    let Some(kept) = kept else {
        let detail = match held.state {
            FileState::Writing => "the file is being written; wait for its operation",
            FileState::Ready | FileState::Gone => "the file is gone; ask for it again",
        };
        return Err(Error::conflict("no-file", detail));
    };
    let until = kept.min(ctx.now() + LIFETIME);
    let link = made(&mut tx, id, Some(ctx.actor), until).await?;
    let detail = json!({ "export_id": id, "until": link.expires_at });
    tx.audit(&[Entry::new("create", "file_link", id).detail(detail).notice()]).await?;
    tx.commit().await?;
    Ok(link)
}

/// A link that is good until then, and no longer than `by`, if somebody is named, may have the file.
///
/// # Errors
/// If the tenant's keys cannot be had.
pub(in crate::analytics) async fn made(
    tx: &mut TenantTx,
    id: AnalyticsExportId,
    by: Option<Actor>,
    until: DateTime<Utc>,
) -> Result<FileLink> {
    let (tenant, platform) = (tx.tenant, tx.platform.clone());
    let keys = platform.vault.tenant_keys(tx.conn(), tenant).await?;
    let token = token(&keys, LinkTo::AnalyticsExport, (tenant, id.0), by, until.timestamp());
    let base = platform.public_url.as_deref().unwrap_or_default();
    let expires_at = DateTime::from_timestamp(until.timestamp(), 0).unwrap_or(until);
    Ok(FileLink { url: format!("{base}/files/{token}"), expires_at })
}

/// Takes a file away before its time, or has it not written any more. Links to it are good no longer.
///
/// # Errors
/// If the permission is missing, there is no such export, or storage does not answer.
pub async fn delete(ctx: &Ctx, id: AnalyticsExportId) -> Result<()> {
    super::require(ctx)?;
    let mut tx = ctx.begin().await?;
    store::held(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("export"))?;
    if store::end(tx.conn(), ctx.tenant, id, super::GoneWhy::Deleted).await? {
        tx.audit(&[Entry::new("delete", "analytics_export", id)]).await?;
    }
    tx.commit().await?;
    // Without its key nothing in it can be read by now.
    take_away(&ctx.platform, ctx.tenant, &folder(id)?).await
}
