//! The link by which a person gets their file: it says which file it is for and until when, and proves that it was made here.
//! It needs no row and no login, and it is good for one tenant's one file.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::{ExportState, store};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::Result,
    privacy::requests::{self, AccessRequestView, ExportView, RequestFilter, RequestStatus},
    types::{ExportId, PrivacyRequestId, TenantId},
    vault::{TenantKeys, cipher::hex},
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
        answer.url = Some(format!("{base}/exports/{}", token(&keys, ctx.tenant, export, until.timestamp())));
        answer.url_expires_at = DateTime::from_timestamp(until.timestamp(), 0);
        requests::store::note(tx.conn(), ctx.tenant, (ctx.id(), id), ctx.actor, "link given").await?;
        let detail = json!({ "request_id": id, "until": answer.url_expires_at });
        tx.audit(&[Entry::new("create", "export_link", export).detail(detail).notice()]).await?;
        tx.commit().await?;
    }
    Ok(answer)
}

/// `tenant.export.until.proof`, until in seconds since 1970.
fn token(keys: &TenantKeys, tenant: TenantId, export: ExportId, until: i64) -> String {
    let said = format!("{}.{until}", export.0.simple());
    let proof = keys.index("privacy_exports.link", &said);
    format!("{}.{said}.{}", tenant.0.simple(), hex(&proof))
}

/// What a token says. Nothing is proved by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Said {
    pub tenant: TenantId,
    pub export: ExportId,
    until: i64,
}

impl Said {
    /// None if the token has another form.
    pub(crate) fn read(token: &str) -> Option<Self> {
        let mut parts = token.splitn(4, '.');
        let mut id = || Uuid::try_parse(parts.next()?).ok();
        let (tenant, export) = (TenantId(id()?), ExportId(id()?));
        let until = parts.next()?.parse().ok()?;
        Some(Self { tenant, export, until })
    }

    /// Whether it was made here and is good still. Compares in constant time.
    pub(crate) fn holds(&self, token: &str, keys: &TenantKeys, now: DateTime<Utc>) -> bool {
        let wanted = self::token(keys, self.tenant, self.export, self.until);
        let ours = verify_slices_are_equal(token.as_bytes(), wanted.as_bytes()).is_ok();
        ours && now.timestamp() < self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_says_what_it_is_for_in_one_form_only() {
        let (tenant, export) = (Uuid::from_u128(7), Uuid::from_u128(9));
        let token = format!("{}.{}.1900000000.00ff", tenant.simple(), export.simple());
        let said = Said { tenant: TenantId(tenant), export: ExportId(export), until: 1_900_000_000 };
        assert_eq!(Said::read(&token), Some(said));
        for token in ["", ".", "a.b.c.d", &tenant.simple().to_string(), &format!("{}.x.1.y", tenant.simple())]
        {
            assert_eq!(Said::read(token), None, "{token}");
        }
    }
}
