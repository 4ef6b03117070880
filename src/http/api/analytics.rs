//! Reports, trends and metrics.

use axum::{Json as Body, response::Response};
use chrono::NaiveDate;
use domain::analytics::{
    calendar::Step,
    cubes::{Asked, Dimension},
    document::Report,
    make::{self, MadeReport, ReportRequest},
    metrics::{self, Metrics, only},
    rebuild,
    trends::{self, Trend},
};
use serde::Deserialize;
use uuid::Uuid;

use super::access::Made;
use crate::http::{
    extract::{Caller, Json, Path, Query},
    page::{Page, Paging, Window},
    problem::Problem,
    reply,
};

/// Which figures.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MetricsQuery {
    /// 1 to 10 names of measures of calls, of leads or of messages, with commas between them.
    #[param(example = "call.count,call.service_level")]
    pub measures: String,
    /// What they are told apart by, with commas between them: `hour`, `day`, `week` or `month`, and dimensions; all together
    /// if not said.
    pub by: Option<String>,
    /// The first day on the tenant's calendar; 30 days before `to` if not said.
    #[param(value_type = Option<String>, format = Date)]
    pub from: Option<NaiveDate>,
    /// The first day that is not counted any more; tomorrow if not said. At most 31 days after `from` by the hour, 731 by the
    /// day, else 1098.
    #[param(value_type = Option<String>, format = Date)]
    pub to: Option<NaiveDate>,
    pub direction: Option<String>,
    pub team_id: Option<String>,
    pub agent_id: Option<String>,
    pub outcome: Option<String>,
    pub source: Option<String>,
    pub status: Option<String>,
    pub owner_id: Option<String>,
    pub channel: Option<String>,
    pub provider_id: Option<String>,
    pub template_id: Option<String>,
    pub purpose: Option<String>,
}

/// Which trend.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TrendQuery {
    /// The name of a measure of calls, of leads or of messages.
    #[param(example = "call.count")]
    pub measure: String,
    /// `day` if not said.
    pub by: Option<Step>,
    /// The first day on the tenant's calendar; 30 days before `to` if not said.
    #[param(value_type = Option<String>, format = Date)]
    pub from: Option<NaiveDate>,
    /// The first day that is not counted any more; tomorrow if not said. At most 31 days after `from` by the hour, 731 by the
    /// day, else 1098.
    #[param(value_type = Option<String>, format = Date)]
    pub to: Option<NaiveDate>,
    pub direction: Option<String>,
    pub team_id: Option<String>,
    pub source: Option<String>,
    pub channel: Option<String>,
    pub provider_id: Option<String>,
    pub template_id: Option<String>,
    pub purpose: Option<String>,
}

/// Have a report made. The operation ends with where it can be fetched.
#[utoipa::path(post, path = "/api/v1/analytics/reports", tag = "analytics", request_body = ReportRequest,
    responses((status = 202, body = Made)))]
pub async fn make_report(
    Caller(ctx): Caller,
    Json(request): Json<ReportRequest>,
) -> Result<Response, Problem> {
    Ok(reply::once(make::ask(&ctx, &request).await?, |id| Made { id }))
}

/// The reports that were made and are kept, newest first.
#[utoipa::path(get, path = "/api/v1/analytics/reports", tag = "analytics", params(Paging),
    responses((status = 200, body = Page<MadeReport>)))]
pub async fn list_reports(
    Caller(ctx): Caller,
    Query(paging): Query<Paging>,
) -> Result<Body<Page<MadeReport>>, Problem> {
    let window: Window<Uuid> = Window::of(paging.cursor.as_deref(), paging.limit)?;
    let rows = make::list(&ctx, window.before, window.rows).await?;
    Ok(Body(window.page(rows, |report| report.id)))
}

/// A report that was made. It is kept for 30 days.
#[utoipa::path(get, path = "/api/v1/analytics/reports/{id}", tag = "analytics",
    params(("id" = Uuid, Path)), responses((status = 200, body = Report)))]
pub async fn get_report(Caller(ctx): Caller, Path(id): Path<Uuid>) -> Result<Body<Report>, Problem> {
    Ok(Body(make::get(&ctx, id).await?))
}

/// A measure by hour, day, week or month, with the period before beside it.
#[utoipa::path(get, path = "/api/v1/analytics/trends", tag = "analytics", params(TrendQuery),
    responses((status = 200, body = Trend)))]
pub async fn get_trend(Caller(ctx): Caller, Query(query): Query<TrendQuery>) -> Result<Body<Trend>, Problem> {
    let asked = filtered([
        (Dimension::Direction, query.direction),
        (Dimension::Team, query.team_id),
        (Dimension::Source, query.source),
        (Dimension::Channel, query.channel),
        (Dimension::Provider, query.provider_id),
        (Dimension::Template, query.template_id),
        (Dimension::Purpose, query.purpose),
    ])?;
    let step = query.by.unwrap_or(Step::Day);
    let wanted = trends::Wanted { measure: query.measure, step, asked, from: query.from, to: query.to };
    Ok(Body(trends::trend(&ctx, &wanted).await?))
}

/// Measures by what they are told apart by, of what they are narrowed down to.
#[utoipa::path(get, path = "/api/v1/analytics/metrics", tag = "analytics", params(MetricsQuery),
    responses((status = 200, body = Metrics)))]
pub async fn get_metrics(
    Caller(ctx): Caller,
    Query(query): Query<MetricsQuery>,
) -> Result<Body<Metrics>, Problem> {
    let (step, by) = apart(query.by.as_deref())?;
    let asked = filtered([
        (Dimension::Direction, query.direction),
        (Dimension::Team, query.team_id),
        (Dimension::Agent, query.agent_id),
        (Dimension::Outcome, query.outcome),
        (Dimension::Source, query.source),
        (Dimension::Status, query.status),
        (Dimension::Owner, query.owner_id),
        (Dimension::Channel, query.channel),
        (Dimension::Provider, query.provider_id),
        (Dimension::Template, query.template_id),
        (Dimension::Purpose, query.purpose),
    ])?;
    let names = query.measures.split(',').take(metrics::MOST_MEASURES + 1);
    let wanted = metrics::Wanted {
        measures: names.map(|name| name.trim().to_owned()).collect(),
        step,
        asked: Asked { by, ..asked },
        from: query.from,
        to: query.to,
    };
    Ok(Body(metrics::metrics(&ctx, &wanted).await?))
}

/// Have the figures of calls and leads counted anew, while reports go on.
#[utoipa::path(post, path = "/api/v1/analytics/rebuild", tag = "analytics",
    responses((status = 202, body = Made)))]
pub async fn rebuild_figures(Caller(ctx): Caller) -> Result<Response, Problem> {
    Ok(reply::once(rebuild::ask(&ctx).await?, |id| Made { id }))
}

/// What figures are told apart by: one step of time at most, and dimensions.
fn apart(by: Option<&str>) -> Result<(Option<Step>, Vec<Dimension>), Problem> {
    let (mut step, mut dimensions) = (None, Vec::new());
    for name in by.into_iter().flat_map(|by| by.split(',').take(5)).map(str::trim) {
        let time = match name {
            "hour" => Some(Step::Hour),
            "day" => Some(Step::Day),
            "week" => Some(Step::Week),
            "month" => Some(Step::Month),
            _ => None,
        };
        match (time, Dimension::named(name)) {
            (Some(_), _) if step.is_some() => {
                return Err(Problem::field("?by", "one of hour, day, week and month"));
            }
            (Some(time), _) => step = Some(time),
            (None, Some(dimension)) if !dimensions.contains(&dimension) => dimensions.push(dimension),
            (None, Some(_)) => {}
            (None, None) => {
                let names: Vec<&str> = Dimension::ALL.iter().map(|one| one.as_str()).collect();
                let detail = format!("there are hour, day, week, month, {}", names.join(", "));
                return Err(Problem::field("?by", detail));
            }
        }
    }
    Ok((step, dimensions))
}

fn filtered(values: impl IntoIterator<Item = (Dimension, Option<String>)>) -> Result<Asked, Problem> {
    let said = values.into_iter().filter_map(|(dimension, value)| Some((dimension, value?)));
    let read: Result<Vec<_>, _> = said.map(|(dimension, value)| only(dimension, value)).collect();
    Ok(Asked { by: Vec::new(), only: read? })
}
