//! Reports as somebody looks at them: made at once of the sums that are kept, as of one moment, and not kept themselves.

use chrono::NaiveDate;

use super::{
    calendar::Dates,
    document::{Report, ReportKind},
    make::{MakeReport, fill_names},
    reports,
};
use crate::{
    Ctx,
    access::permission::Permission,
    agents::people,
    error::Result,
    tenancy::{self, store::as_of_one_moment},
};

/// Where and when a tenant is.
#[derive(Debug, Clone)]
pub struct Ground {
    /// The day on the tenant's calendar.
    pub today: NaiveDate,
    /// The tenant's IANA zone.
    pub zone: String,
}

/// Which day it is for a tenant.
///
/// # Errors
/// If the permission is missing, the caller sees only some leads, or the database does not answer.
pub async fn ground(ctx: &Ctx) -> Result<Ground> {
    ctx.require(Permission::AnalyticsRead)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    let zone = tenancy::store::zone(tx.conn(), ctx.tenant).await?;
    Ok(Ground { today: ctx.now().with_timezone(&people::zone(None, &zone)).date_naive(), zone })
}

/// A report of these days, with the names of agents as the caller may see them. A statement takes as long as the caller has
/// patience for.
///
/// # Errors
/// If the permission is missing, the caller sees only some leads, or the database does not answer in time.
pub async fn report(ctx: &Ctx, kind: ReportKind, dates: Dates) -> Result<Report> {
    ctx.require(Permission::AnalyticsRead)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    as_of_one_moment(tx.conn()).await?;
    let mut report = reports::made(&mut tx, ctx.id(), &MakeReport { kind, dates }, None, ctx.now()).await?;
    fill_names(ctx, &mut tx, &mut report).await?;
    Ok(report)
}
