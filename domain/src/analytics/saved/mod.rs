//! Reports that are wanted again and again: what they are about, which days of it, and whom they are sent to.
//!
//! A saved report names its days by where they lie from the day on which it is made ([`span`], pure). One with recipients can
//! be [sent](send), and one with a crontab is sent by a schedule of the engine's: each time is a run of the workflow
//! `deliver_report` ([`work`]), which has the file written and hands a mail with a link to each recipient over to the tenant's
//! account, as all other messages are ([`deliver`]). So each is written to once for each time, whatever dies.
//!
//! - [`change`] making, changing and deleting them; [`standing`] what became of what was sent; `store` the tables

pub mod change;
pub mod deliver;
pub mod send;
pub mod span;
pub mod standing;
pub(in crate::analytics) mod store;
pub mod work;

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use engine::schedules;
use serde::Serialize;
use uuid::Uuid;

use self::span::Span;
use super::export::FileFormat;
use crate::{
    Ctx,
    access::permission::Permission,
    analytics::document::ReportKind,
    error::{Error, Result},
    tenancy::TenantTx,
    types::{AnalyticsExportId, ProviderId, SavedReportId, SubjectId, TemplateId, TenantId},
    vault::{Place, Vault, mask},
};

/// A saved report.
#[derive(Serialize, utoipa::ToSchema)]
pub struct SavedReportView {
    pub id: SavedReportId,
    pub name: String,
    pub kind: ReportKind,
    pub span: Span,
    pub format: FileFormat,
    /// The tenant's own if null.
    pub zone: Option<String>,
    /// E-mail addresses, masked without `personal:read`. Whoever was erased is missing.
    pub recipients: Vec<String>,
    /// When it is sent by itself.
    pub crontab: Option<String>,
    /// When that is next.
    pub next_at: Option<DateTime<Utc>>,
    pub provider_id: Option<ProviderId>,
    pub template_id: Option<TemplateId>,
    /// Names of agents are in it in full: whoever saved it last may see them.
    pub personal: bool,
    pub created_by: Option<Uuid>,
    /// Grows with each change.
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// One time that a report was sent.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ReportDelivery)]
pub struct DeliveryView {
    /// The run of the workflow.
    pub id: Uuid,
    /// The days that it is about: `to` is the first that is not in it.
    pub from: NaiveDate,
    pub to: NaiveDate,
    pub zone: String,
    /// The file.
    pub export_id: AnalyticsExportId,
    pub created_at: DateTime<Utc>,
    /// When its mails were handed over; null as long as they are not.
    pub sent_at: Option<DateTime<Utc>>,
    /// To how many.
    pub messages: Option<i32>,
}

/// Who sees them: they are about all leads, as reports are.
fn require(ctx: &Ctx) -> Result<()> {
    ctx.require(Permission::AnalyticsRead)?;
    ctx.require_all_rows()
}

/// The saved reports, newest first, those with ids below `before`.
///
/// # Errors
/// If the permission is missing, the caller sees only some leads, or the database does not answer.
pub async fn list(ctx: &Ctx, before: Option<SavedReportId>, limit: i64) -> Result<Vec<SavedReportView>> {
    require(ctx)?;
    let mut tx = ctx.begin().await?;
    let rows = store::list(tx.conn(), ctx.tenant, None, before, limit).await?;
    views(ctx, &mut tx, rows).await
}

/// One saved report.
///
/// # Errors
/// If there is none of this id.
pub async fn get(ctx: &Ctx, id: SavedReportId) -> Result<SavedReportView> {
    require(ctx)?;
    find(ctx, &mut ctx.begin().await?, id).await
}

/// When it was sent, newest first, those with ids below `before`.
///
/// # Errors
/// If there is none of this id.
pub async fn deliveries(
    ctx: &Ctx,
    id: SavedReportId,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<DeliveryView>> {
    require(ctx)?;
    let mut tx = ctx.begin().await?;
    find(ctx, &mut tx, id).await?;
    store::deliveries(tx.conn(), ctx.tenant, id, before, limit).await
}

async fn find(ctx: &Ctx, tx: &mut TenantTx, id: SavedReportId) -> Result<SavedReportView> {
    let rows = store::list(tx.conn(), ctx.tenant, Some(id), None, 1).await?;
    views(ctx, tx, rows).await?.pop().ok_or(Error::NotFound("saved report"))
}

/// Where a saved report is read.
fn location(id: SavedReportId) -> String {
    format!("/api/v1/analytics/saved-reports/{id}")
}

/// Where the address of a recipient lies.
fn place(tenant: TenantId, recipient: Uuid) -> Place {
    Place { tenant, table: "saved_report_recipients", column: "to_sealed", row: recipient }
}

/// The person behind a recipient: nobody knows who it is, so they have a key of their own.
fn subject(recipient: Uuid) -> SubjectId {
    SubjectId(recipient)
}

async fn views(ctx: &Ctx, tx: &mut TenantTx, rows: Vec<store::Row>) -> Result<Vec<SavedReportView>> {
    let ids: Vec<SavedReportId> = rows.iter().map(|row| row.id).collect();
    let mut to = addresses(tx, &ids).await?;
    let schedules: Vec<Uuid> = rows.iter().filter_map(|row| row.schedule_id).collect();
    let next = schedules::next_times(tx.conn(), ctx.tenant.0, &schedules).await?;
    let next: HashMap<Uuid, DateTime<Utc>> = next.into_iter().collect();
    let full = ctx.grants.contains(Permission::PersonalRead);
    let mut views = Vec::with_capacity(rows.len());
    for row in rows {
        let next_at = row.schedule_id.and_then(|schedule| next.get(&schedule).copied());
        let recipients = to.remove(&row.id).unwrap_or_default();
        let seen = |to: String| if full { to } else { mask::email(&to) };
        views.push(SavedReportView {
            kind: row.kind()?,
            span: row.span()?,
            format: row.format()?,
            id: row.id,
            name: row.name,
            zone: row.zone,
            recipients: recipients.into_iter().map(seen).collect(),
            crontab: row.crontab,
            next_at,
            provider_id: row.provider_id,
            template_id: row.template_id,
            personal: row.personal,
            created_by: row.created_by,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        });
    }
    Ok(views)
}

/// Whom reports are sent to, in the order in which they were named; who was erased is missing.
async fn addresses(
    tx: &mut TenantTx,
    reports: &[SavedReportId],
) -> Result<HashMap<SavedReportId, Vec<String>>> {
    let tenant = tx.tenant;
    let found = store::recipients(tx.conn(), tenant, reports).await?;
    let subjects: Vec<SubjectId> = found.iter().map(|one| subject(one.id)).collect();
    let keys = Vault::subjects(tx, &subjects).await?;
    let mut to: HashMap<SavedReportId, Vec<String>> = HashMap::new();
    for one in found {
        to.entry(one.report).or_default().extend(keys.shown(&place(tenant, one.id), &one.to_sealed));
    }
    Ok(to)
}
