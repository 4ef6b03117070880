//! What people ask to see of what is held of them (GDPR Art. 15 and 20): taken down, known to be theirs, answered in time.
//!
//! - [`rules`] times and what may be done, pure; [`ask`] a request; [`work`] what is done with it; `store` its tables
//! - the answer is an [`export`](super::export)

pub mod ask;
pub mod rules;
pub(super) mod store;
pub mod work;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use rules::RequestStatus;

use super::export::{ExportState, store as exports};
use crate::{
    Ctx,
    access::permission::Permission,
    error::{Error, Result},
    tenancy::TenantTx,
    types::{ExportId, LeadId, PrivacyRequestId, Text, UserId},
};

/// A request, as it stands.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AccessRequestView {
    pub id: PrivacyRequestId,
    pub status: RequestStatus,
    /// Whose data it is about; none of both where the person is known by a number or an address only.
    pub lead_id: Option<LeadId>,
    pub user_id: Option<UserId>,
    /// Whether that is a `phone` or an `email`.
    pub known_by: Option<String>,
    pub asked_by: Option<Uuid>,
    pub received_at: DateTime<Utc>,
    /// A month after that, or three if it was extended.
    pub due_at: DateTime<Utc>,
    /// It is not answered, and its time is over.
    pub overdue: bool,
    pub extended_at: Option<DateTime<Utc>>,
    pub extension_reason: Option<String>,
    /// How it was found out that it is the person who asks.
    pub identity: Option<String>,
    pub identity_by: Option<Uuid>,
    pub identity_at: Option<DateTime<Utc>>,
    /// Why it was refused, in words for the person.
    pub refusal: Option<String>,
    pub ended_at: Option<DateTime<Utc>>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
}

/// A request with all that was done about it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AccessRequestWhole {
    #[serde(flatten)]
    pub request: AccessRequestView,
    /// Oldest first.
    pub history: Vec<RequestStepView>,
    /// Newest first.
    pub exports: Vec<ExportView>,
}

/// Something that was done about a request.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RequestStepView {
    pub at: DateTime<Utc>,
    /// `user`, `api_key`, `operator` or `system`.
    pub by: String,
    pub by_id: Option<Uuid>,
    #[schema(example = "identified")]
    pub what: String,
}

/// A file that was made for a request.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ExportView {
    pub id: ExportId,
    pub state: ExportState,
    /// In bytes.
    pub size: Option<i64>,
    /// SHA-256 of the file, in hexadecimal digits.
    pub sha256: Option<String>,
    pub records: Option<i64>,
    pub created_at: DateTime<Utc>,
    pub ready_at: Option<DateTime<Utc>>,
    /// From then on there is no file any more.
    pub expires_at: Option<DateTime<Utc>>,
    pub downloads: i32,
}

/// Which requests to list.
#[derive(Debug, Default)]
pub struct RequestFilter {
    pub id: Option<PrivacyRequestId>,
    pub status: Option<RequestStatus>,
    /// Of this lead, or of one that it was merged with.
    pub lead: Option<LeadId>,
    /// Those that are not answered and whose time is over, or all others.
    pub overdue: Option<bool>,
}

/// A sentence of somebody who works for the tenant.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestReason {
    /// In words for the person, with nothing about others.
    #[schema(value_type = String, example = "your records are many, and come from three systems")]
    pub reason: Text<500>,
}

/// How somebody found out that it is the person who asks.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentityCheck {
    /// The means, and not what it showed: no numbers of documents (GDPR Art. 5(1)(c)).
    #[schema(value_type = String, example = "called back on the number of the record; knew the date of the last call")]
    pub method: Text<500>,
}

/// Newest first, those with ids below `before`.
///
/// # Errors
/// If the permission is missing.
pub async fn list(
    ctx: &Ctx,
    filter: &RequestFilter,
    before: Option<PrivacyRequestId>,
    limit: i64,
) -> Result<Vec<AccessRequestView>> {
    ctx.require(Permission::PrivacyRead)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    store::list(tx.conn(), ctx.tenant, filter, before, limit).await
}

/// A request with its history and its files.
///
/// # Errors
/// If there is none of this id.
pub async fn get(ctx: &Ctx, id: PrivacyRequestId) -> Result<AccessRequestWhole> {
    ctx.require(Permission::PrivacyRead)?;
    ctx.require_all_rows()?;
    whole(&mut ctx.begin().await?, id).await
}

async fn whole(tx: &mut TenantTx, id: PrivacyRequestId) -> Result<AccessRequestWhole> {
    let tenant = tx.tenant;
    let request = one(tx, id).await?;
    let history = store::steps(tx.conn(), tenant, id).await?;
    let exports = exports::of_request(tx.conn(), tenant, id).await?;
    Ok(AccessRequestWhole { request, history, exports })
}

async fn one(tx: &mut TenantTx, id: PrivacyRequestId) -> Result<AccessRequestView> {
    let tenant = tx.tenant;
    let filter = RequestFilter { id: Some(id), ..RequestFilter::default() };
    let found = store::list(tx.conn(), tenant, &filter, None, 1).await?;
    found.into_iter().next().ok_or(Error::NotFound("request"))
}
