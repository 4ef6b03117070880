//! Schedules: what begins by itself, when, and what became of each time.

use axum::{Json as Body, http::StatusCode, response::Response};
use chrono::{DateTime, Utc};
use domain::{
    moment::Moment,
    schedules::{self, Glance, MisfirePolicy, OverlapPolicy, PREVIEW, Plan},
};
use engine::schedules::{Tick, View, When};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::access::Made;
use crate::http::{
    conditional::tagged,
    extract::{Caller, Json, Path, Query},
    page::{Page, Paging},
    problem::Problem,
    reply,
};

/// A schedule.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Schedule {
    pub id: Uuid,
    pub name: String,
    /// The kind of the jobs that it begins.
    pub kind: String,
    /// What each of them is given.
    #[schema(value_type = Object)]
    pub args: Box<serde_json::value::RawValue>,
    pub crontab: Option<String>,
    pub at: Option<DateTime<Utc>>,
    pub zone: String,
    pub overlap: OverlapPolicy,
    pub misfire: MisfirePolicy,
    pub catch_up: Option<u16>,
    pub max_lateness_s: Option<i32>,
    pub jitter_s: i32,
    pub starts_at: Option<DateTime<Utc>>,
    pub ends_at: Option<DateTime<Utc>>,
    pub paused_at: Option<DateTime<Utc>>,
    pub paused_why: Option<String>,
    /// The next ten times, in a list the next one; none while it is paused or when it is over.
    pub next_runs: Vec<DateTime<Utc>>,
    /// Was due while the run before went on, and waits for its end.
    pub buffered_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

fn shown(view: View, runs: usize) -> Schedule {
    let next_runs = schedules::coming(&view, runs);
    let (crontab, at) = match view.when {
        When::Crontab(crontab) => (Some(crontab), None),
        When::Once(at) => (None, Some(at)),
    };
    let (misfire, catch_up) = MisfirePolicy::of(view.misfire);
    Schedule {
        id: view.id,
        name: view.name,
        kind: view.kind,
        args: view.args,
        crontab,
        at,
        zone: view.zone,
        overlap: view.overlap.into(),
        misfire,
        catch_up,
        max_lateness_s: view.max_lateness_s,
        jitter_s: view.jitter_s,
        starts_at: view.starts_at,
        ends_at: view.ends_at,
        paused_at: view.paused_at,
        paused_why: view.why,
        next_runs,
        buffered_at: view.buffered_at,
        created_at: view.created_at,
        updated_at: view.updated_at,
    }
}

/// Have work begin by itself.
#[utoipa::path(post, path = "/api/v1/schedules", tag = "schedules", request_body = Plan,
    responses((status = 201, body = Schedule)))]
pub async fn create_schedule(Caller(ctx): Caller, Json(plan): Json<Plan>) -> Result<Response, Problem> {
    let made = schedules::create(&ctx, plan).await?;
    Ok(reply::once(made, |view| shown(view, PREVIEW)))
}

/// The schedules, newest first.
#[utoipa::path(get, path = "/api/v1/schedules", tag = "schedules", params(Paging),
    responses((status = 200, body = Page<Schedule>)))]
pub async fn list_schedules(
    Caller(ctx): Caller,
    Query(paging): Query<Paging>,
) -> Result<Body<Page<Schedule>>, Problem> {
    let window = paging.window()?;
    let rows = schedules::list(&ctx, None, window.before, window.rows).await?;
    let shown = rows.into_iter().map(|view| shown(view, 1)).collect();
    Ok(Body(window.page(shown, |row| row.id)))
}

/// One schedule.
#[utoipa::path(get, path = "/api/v1/schedules/{id}", tag = "schedules", params(("id" = Uuid, Path)),
    responses((status = 200, body = Schedule)))]
pub async fn get_schedule(Caller(ctx): Caller, Path(id): Path<Uuid>) -> Result<Response, Problem> {
    let view = schedules::get(&ctx, id).await?;
    tagged(schedules::version(&view), &shown(view, PREVIEW))
}

/// Put another in its place. What was due before is forgotten; a pause stays.
#[utoipa::path(put, path = "/api/v1/schedules/{id}", tag = "schedules", params(("id" = Uuid, Path)),
    request_body = Plan, responses((status = 200, body = Schedule)))]
pub async fn replace_schedule(
    Caller(ctx): Caller,
    Path(id): Path<Uuid>,
    Json(plan): Json<Plan>,
) -> Result<Response, Problem> {
    let view = schedules::replace(&ctx, id, plan).await?;
    tagged(schedules::version(&view), &shown(view, PREVIEW))
}

/// Take it away; what it began goes on.
#[utoipa::path(delete, path = "/api/v1/schedules/{id}", tag = "schedules", params(("id" = Uuid, Path)),
    responses((status = 204)))]
pub async fn delete_schedule(Caller(ctx): Caller, Path(id): Path<Uuid>) -> Result<StatusCode, Problem> {
    schedules::delete(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Why it is paused.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SchedulePause {
    /// For those who wonder later; up to 500 characters.
    #[serde(default)]
    pub why: String,
}

/// Begin nothing more of it until it is resumed.
#[utoipa::path(post, path = "/api/v1/schedules/{id}/pause", tag = "schedules", params(("id" = Uuid, Path)),
    request_body = SchedulePause, responses((status = 200, body = Schedule)))]
pub async fn pause_schedule(
    Caller(ctx): Caller,
    Path(id): Path<Uuid>,
    Json(pause): Json<SchedulePause>,
) -> Result<Body<Schedule>, Problem> {
    let view = schedules::pause(&ctx, id, &pause.why).await?;
    Ok(Body(shown(view, PREVIEW)))
}

/// Let it go on from now; what was due meanwhile does not run.
#[utoipa::path(post, path = "/api/v1/schedules/{id}/resume", tag = "schedules", params(("id" = Uuid, Path)),
    responses((status = 200, body = Schedule)))]
pub async fn resume_schedule(Caller(ctx): Caller, Path(id): Path<Uuid>) -> Result<Body<Schedule>, Problem> {
    let view = schedules::resume(&ctx, id).await?;
    Ok(Body(shown(view, PREVIEW)))
}

/// Begin a run now, whatever it says about overlap and pause.
#[utoipa::path(post, path = "/api/v1/schedules/{id}/run", tag = "schedules", params(("id" = Uuid, Path)),
    responses((status = 202, body = Made)))]
pub async fn run_schedule(Caller(ctx): Caller, Path(id): Path<Uuid>) -> Result<Response, Problem> {
    Ok(reply::once(schedules::run_now(&ctx, id).await?, |id| Made { id }))
}

/// A time at which it was due.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ScheduleTick {
    pub due_at: DateTime<Utc>,
    /// `started`, `by_hand`, `skipped` or `buffered` because the run before went on, or `missed`.
    pub outcome: String,
    /// The last of the times that a `missed` stands for.
    pub until_at: Option<DateTime<Utc>>,
    pub ticked_at: DateTime<Utc>,
    pub job_id: Option<Uuid>,
    /// As the job is now.
    pub job_state: Option<String>,
}

/// Which times.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TickQuery {
    /// Only those before this: `due_at` of the last one seen.
    #[param(value_type = Option<String>, format = DateTime)]
    pub before: Option<Moment>,
    /// 1 to 200, 50 if not said.
    pub limit: Option<u16>,
}

/// What became of its times, the newest first.
#[utoipa::path(get, path = "/api/v1/schedules/{id}/ticks", tag = "schedules",
    params(("id" = Uuid, Path), TickQuery), responses((status = 200, body = Vec<ScheduleTick>)))]
pub async fn list_ticks(
    Caller(ctx): Caller,
    Path(id): Path<Uuid>,
    Query(query): Query<TickQuery>,
) -> Result<Body<Vec<ScheduleTick>>, Problem> {
    let limit = query.limit.unwrap_or(50);
    if !(1..=200).contains(&limit) {
        return Err(Problem::field("?limit", "1 to 200"));
    }
    let ticks = schedules::ticks(&ctx, id, query.before.map(Moment::utc), limit.into()).await?;
    Ok(Body(ticks.into_iter().map(ScheduleTick::from).collect()))
}

impl From<Tick> for ScheduleTick {
    fn from(tick: Tick) -> Self {
        Self {
            due_at: tick.due_at,
            outcome: tick.outcome,
            until_at: tick.until_at,
            ticked_at: tick.ticked_at,
            job_id: tick.job_id,
            job_state: tick.job_state,
        }
    }
}

/// When something would be due: the next ten times.
#[utoipa::path(post, path = "/api/v1/schedules/preview", tag = "schedules", request_body = Glance,
    responses((status = 200, body = Vec<DateTime<Utc>>)))]
pub async fn preview_schedule(
    Caller(ctx): Caller,
    Json(glance): Json<Glance>,
) -> Result<Body<Vec<DateTime<Utc>>>, Problem> {
    Ok(Body(schedules::preview(&ctx, &glance).await?))
}
