//! The link by which a person gets their file, see [`storage::link`](crate::storage::link).

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::json;

use super::{ExportState, store};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::Result,
    privacy::requests::{self, AccessRequestView, ExportView, RequestFilter, RequestStatus},
    storage::link::{LinkTo, token},
    types::PrivacyRequestId,
};

/// How long a link is good; never longer than its file is kept.
const LIFETIME: TimeDelta = TimeDelta::hours(72);

/// What became of a request, and how its person gets the file.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ExportAnswer {
    pub request_id: PrivacyRequestId,
    pub status: RequestStatus,
    pub due_at: DateTime<Utc>,
    /// The newest file; none before who asks is known.
    pub export: Option<ExportView>,
    /// For the person, who needs no login: whoever has it gets the file. None while there is no file. Where the
    /// installation does not know how it is reached from outside, it begins with the path.
    #[schema(example = "https://calls.example.com/exports/…")]
    pub url: Option<String>,
    pub url_expires_at: Option<DateTime<Utc>>,
}

/// How far the answer to a request is, with a fresh link if there is a file. That one was made is written down.
///
/// # Errors
/// If the permission is missing or there is no such request.
pub async fn issue(ctx: &Ctx, id: PrivacyRequestId) -> Result<ExportAnswer> {
    ctx.require(Permission::PrivacyAccess)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    let filter = RequestFilter { id: Some(id), ..RequestFilter::default() };
    let found: Option<AccessRequestView> =
        requests::store::list(tx.conn(), ctx.tenant, &filter, None, 1).await?.into_iter().next();
    let request = found.ok_or(crate::Error::NotFound("request"))?;
    let exports = store::of_request(tx.conn(), ctx.tenant, id).await?;
    let mut answer = ExportAnswer {
        request_id: id,
        status: request.status,
        due_at: request.due_at,
        export: None,
        url: None,
        url_expires_at: None,
    };
    let ready = |export: &&ExportView| export.state == ExportState::Ready;
    answer.export = exports.iter().find(ready).or(exports.first()).cloned();
    let until = answer.export.as_ref().filter(ready).and_then(|export| Some((export.id, export.expires_at?)));
    if let Some((export, kept)) = until.filter(|(_, kept)| *kept > ctx.now()) {
        let until = kept.min(ctx.now() + LIFETIME);
        let keys = ctx.platform.vault.tenant_keys(tx.conn(), ctx.tenant).await?;
        let base = ctx.platform.public_url.as_deref().unwrap_or_default();
        let token = token(&keys, LinkTo::PrivacyExport, (ctx.tenant, export.0), None, until.timestamp());
        answer.url = Some(format!("{base}/exports/{token}"));
        answer.url_expires_at = DateTime::from_timestamp(until.timestamp(), 0);
        requests::store::note(tx.conn(), ctx.tenant, (ctx.id(), id), ctx.actor, "link given").await?;
        let detail = json!({ "request_id": id, "until": answer.url_expires_at });
        tx.audit(&[Entry::new("create", "export_link", export).detail(detail).notice()]).await?;
        tx.commit().await?;
    }
    Ok(answer)
}
