//! Reports as operations: asked for, made by a job, kept for some days, fetched.
//!
//! A kept report names agents by their ids. Whoever fetches it sees their names, in full or masked, as they may see them.

use std::{collections::HashMap, time::Duration};

use chrono::{DateTime, NaiveDate, Utc};
use engine::{JobKind, NewJob};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{
    calendar::{Dates, LONGEST},
    document::{Cell, Range, Report, ReportKind},
    reports, store,
};
use crate::{
    Ctx,
    access::permission::Permission,
    agents::people,
    audit::Entry,
    error::{Error, Result},
    tenancy::{self, Begun, Once, TenantTx, store::as_of_one_moment},
    types::AgentId,
};

/// What stands before the id of an agent in a kept report.
const AGENT: &str = "agent:";
/// What a statement of a report may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Days that a report is kept.
pub(crate) const KEPT_DAYS: i32 = 30;

/// Which report, and about which days of the tenant's calendar.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportRequest {
    pub kind: ReportKind,
    /// The first day; 30 days before `to` if not said.
    #[schema(value_type = Option<String>, format = Date)]
    pub from: Option<NaiveDate>,
    /// The first day that is not counted any more; tomorrow if not said. At most 1098 days after `from`.
    #[schema(value_type = Option<String>, format = Date)]
    pub to: Option<NaiveDate>,
}

/// The job that makes a report.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct MakeReport {
    pub kind: ReportKind,
    pub dates: Dates,
}

impl JobKind for MakeReport {
    const KIND: &'static str = "make_report";
    const QUEUE: &'static str = "automation";
    const TIMEOUT: Duration = Duration::from_mins(5);
    /// Whoever asked for it waits on the socket.
    const WATCHED: bool = true;
}

/// Asks for a report. Answers the operation, which is the id of the report as well.
///
/// # Errors
/// If a permission is missing, the caller sees only some leads, or the days do not fit.
pub async fn ask(ctx: &Ctx, request: &ReportRequest) -> Result<Once<Uuid>> {
    ctx.require(Permission::AnalyticsRead)?;
    ctx.require_all_rows()?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let dates = dates(ctx, &mut keyed.tx, request).await?;
    let asked = MakeReport { kind: request.kind, dates };
    let job = NewJob::of(ctx.tenant.0, ctx.id(), &asked).map_err(Error::internal)?;
    let id = job.id;
    keyed.tx.enqueue(&[job]).await?;
    let detail = json!({ "kind": asked.kind, "from": dates.from, "to": dates.to });
    keyed.tx.audit(&[Entry::new("make", "report", id).detail(detail)]).await?;
    keyed.commit(id, 202, format!("/api/v1/operations/{id}")).await
}

/// The days that are asked for, on the tenant's calendar.
///
/// # Errors
/// If they are none, or too many.
pub(super) async fn dates(ctx: &Ctx, tx: &mut TenantTx, request: &ReportRequest) -> Result<Dates> {
    let zone = tenancy::store::zone(tx.conn(), ctx.tenant).await?;
    let today = ctx.now().with_timezone(&people::zone(None, &zone)).date_naive();
    Dates::asked(request.from, request.to, today, LONGEST)
}

/// Makes a report, all of it as of one moment.
///
/// # Errors
/// If the database does not answer in time.
pub async fn report(ctx: &Ctx, id: Uuid, asked: &MakeReport) -> Result<Report> {
    report_in(ctx, id, asked, None).await
}

/// The same on the calendar of a zone of its own, if one is named.
///
/// # Errors
/// As [`report`].
pub(super) async fn report_in(ctx: &Ctx, id: Uuid, asked: &MakeReport, zone: Option<&str>) -> Result<Report> {
    let mut tx = ctx.begin().await?;
    as_of_one_moment(tx.conn()).await?;
    tenancy::store::give_up_after(tx.conn(), PATIENCE).await?;
    reports::made(&mut tx, id, asked, zone, ctx.now()).await
}

/// Keeps a report; answers what its job says.
///
/// # Errors
/// If the database refuses.
pub async fn keep(tx: &mut TenantTx, report: &Report) -> Result<serde_json::Value> {
    let tenant = tx.tenant;
    store::put_made(tx.conn(), tenant, report).await?;
    Ok(json!({ "report_id": report.id, "location": format!("/api/v1/analytics/reports/{}", report.id) }))
}

/// A report that was made, without what it says.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct MadeReport {
    pub id: Uuid,
    pub kind: ReportKind,
    pub range: Range,
    /// The IANA zone that its days begin in.
    pub zone: String,
    pub made_at: DateTime<Utc>,
}

/// The reports that were made and are kept, newest first, those with ids below `before`.
///
/// # Errors
/// If a permission is missing, or the caller sees only some leads.
pub async fn list(ctx: &Ctx, before: Option<Uuid>, limit: i64) -> Result<Vec<MadeReport>> {
    ctx.require(Permission::AnalyticsRead)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    store::list_made(tx.conn(), ctx.tenant, before, limit).await
}

/// A report that was made, with the names of agents as the caller may see them.
///
/// # Errors
/// If there is none of this id, it is not made yet, or it is past its keeping.
pub async fn get(ctx: &Ctx, id: Uuid) -> Result<Report> {
    ctx.require(Permission::AnalyticsRead)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    let mut report = store::get_made(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("report"))?;
    fill_names(ctx, &mut tx, &mut report).await?;
    Ok(report)
}

/// What stands in a kept report for an agent.
pub(super) fn stands_for(agent: &str) -> String {
    format!("{AGENT}{agent}")
}

/// Puts names in the place of the ids of agents; the first letters of the id where there is no name any more.
///
/// # Errors
/// If the database does not answer.
pub async fn fill_names(ctx: &Ctx, tx: &mut TenantTx, report: &mut Report) -> Result<()> {
    let mut ids = Vec::new();
    each_text(report, |text| ids.extend(agent_of(text)));
    ids.sort_unstable();
    ids.dedup();
    let names: HashMap<AgentId, String> = people::names(ctx, tx, &ids).await?;
    each_text(report, |text| {
        if let Some(agent) = agent_of(text) {
            let short = || agent.to_string().chars().take(8).collect();
            *text = names.get(&agent).cloned().unwrap_or_else(short);
        }
    });
    Ok(())
}

fn agent_of(text: &str) -> Option<AgentId> {
    text.strip_prefix(AGENT).and_then(|id| Uuid::try_parse(id).ok()).map(AgentId)
}

/// Where an agent may stand: in cells, below charts, and beside their series.
fn each_text(report: &mut Report, mut look: impl FnMut(&mut String)) {
    for table in &mut report.tables {
        for cell in table.rows.iter_mut().flatten().flatten() {
            if let Cell::Text(text) = cell {
                look(text);
            }
        }
    }
    for chart in &mut report.charts {
        chart.labels.iter_mut().for_each(&mut look);
        chart.series.iter_mut().for_each(|series| look(&mut series.name));
    }
}
