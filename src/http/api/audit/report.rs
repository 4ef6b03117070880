//! What the audit log adds up to.

use axum::Json as Body;
use chrono::TimeDelta;
use domain::{
    audit::report::{self, ComplianceReport},
    moment::Moment,
};
use serde::Deserialize;

use super::range;
use crate::http::{
    extract::{Caller, Query},
    problem::Problem,
};

/// How far back is looked if it is not said.
const BACK: TimeDelta = TimeDelta::days(30);

/// Which time.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ComplianceQuery {
    /// From this instant; 30 days before `to` if not said.
    #[param(value_type = Option<String>, format = DateTime)]
    pub from: Option<Moment>,
    /// Before this instant; now if not said. At most 366 days after `from`.
    #[param(value_type = Option<String>, format = DateTime)]
    pub to: Option<Moment>,
}

/// The report over a range: logins, refusals, security events, changes of rights, looks into the audit log and into the
/// tenant, and where the range lies in the chain.
#[utoipa::path(get, path = "/api/v1/compliance/report", tag = "compliance", params(ComplianceQuery),
    responses((status = 200, body = ComplianceReport)))]
pub async fn compliance_report(
    Caller(ctx): Caller,
    Query(query): Query<ComplianceQuery>,
) -> Result<Body<ComplianceReport>, Problem> {
    let (from, to) = range(ctx.now(), query.from, query.to, BACK);
    Ok(Body(report::report(&ctx, from, to).await?))
}
