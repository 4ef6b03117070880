//! Schedules: what begins by itself, when, and what became of each time.

use std::time::Duration;

use axum::{Json as Body, http::StatusCode, response::Response};
use chrono::{DateTime, Utc};
use domain::schedules::{self, Plan, Work};
use engine::schedules::{Misfire, Overlap, Tick, View, When};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::access::Made;
use crate::http::{
    extract::{Caller, Json, Path, Query},
    page::{Page, Paging},
    problem::Problem,
    reply,
};

/// What happens when it is due while a run of it goes on.
#[derive(Clone, Copy, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OverlapPolicy {
    /// Nothing begins.
    #[default]
    Skip,
    /// One begins when the run has ended.
    BufferOne,
    /// Both run.
    Allow,
    /// The older run is cancelled.
    CancelOlder,
}

/// What happens to times that nobody was there for.
#[derive(Clone, Copy, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MisfirePolicy {
    /// They are gone.
    Skip,
    /// One run stands for all of them.
    #[default]
    RunOnce,
    /// The newest of them run, as many as `catch_up` says.
    CatchUp,
}

/// How a schedule is to be. Either `crontab` or `at` is given.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleRequest {
    /// Unique in the tenant.
    pub name: String,
    pub work: Work,
    /// Minute, hour, day of month, month, day of week; or `@hourly @daily @weekly @monthly @yearly`.
    #[schema(example = "30 7 * * 1-5")]
    pub crontab: Option<String>,
    /// Once, at this instant.
    pub at: Option<DateTime<Utc>>,
    /// A name of the IANA database; UTC if not said.
    #[schema(example = "Europe/Berlin")]
    pub zone: Option<String>,
    #[serde(default)]
    pub overlap: OverlapPolicy,
    #[serde(default)]
    pub misfire: MisfirePolicy,
    /// With `misfire: catch_up`; 1 to 1000.
    pub catch_up: Option<u16>,
    /// A run that could not begin so many seconds after its time does not begin any more.
    pub max_lateness_s: Option<u32>,
    /// Each run begins up to so many seconds later, so that not all begin together.
    #[serde(default)]
    pub jitter_s: u32,
    pub starts_at: Option<DateTime<Utc>>,
    pub ends_at: Option<DateTime<Utc>>,
}

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
    /// The next ten times; none while it is paused or when it is over.
    pub next_runs: Vec<DateTime<Utc>>,
    /// Was due while the run before went on, and waits for its end.
    pub buffered_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl TryFrom<ScheduleRequest> for Plan {
    type Error = Problem;

    fn try_from(asked: ScheduleRequest) -> Result<Self, Problem> {
        let misfire = match (asked.misfire, asked.catch_up) {
            (MisfirePolicy::CatchUp, Some(most)) => Misfire::CatchUp(most),
            (MisfirePolicy::CatchUp, None) => {
                return Err(Problem::field("/catch_up", "say how many: 1 to 1000"));
            }
            (_, Some(_)) => return Err(Problem::field("/catch_up", "only with misfire: catch_up")),
            (MisfirePolicy::Skip, None) => Misfire::Skip,
            (MisfirePolicy::RunOnce, None) => Misfire::RunOnce,
        };
        Ok(Self {
            name: asked.name,
            work: asked.work,
            when: when(asked.crontab, asked.at)?,
            zone: zone(asked.zone),
            overlap: match asked.overlap {
                OverlapPolicy::Skip => Overlap::Skip,
                OverlapPolicy::BufferOne => Overlap::BufferOne,
                OverlapPolicy::Allow => Overlap::Allow,
                OverlapPolicy::CancelOlder => Overlap::CancelOlder,
            },
            misfire,
            max_lateness: asked.max_lateness_s.map(|seconds| Duration::from_secs(seconds.into())),
            jitter: Duration::from_secs(asked.jitter_s.into()),
            starts_at: asked.starts_at,
            ends_at: asked.ends_at,
        })
    }
}

fn when(crontab: Option<String>, at: Option<DateTime<Utc>>) -> Result<When, Problem> {
    match (crontab, at) {
        (Some(crontab), None) => Ok(When::Crontab(crontab)),
        (None, Some(at)) => Ok(When::Once(at)),
        _ => Err(Problem::field("/crontab", "give either crontab or at")),
    }
}

fn zone(zone: Option<String>) -> String {
    zone.unwrap_or_else(|| "UTC".into())
}

fn shown(ctx: &domain::Ctx, view: View) -> Schedule {
    let next_runs = schedules::coming(ctx, &view);
    let (crontab, at) = match view.when {
        When::Crontab(crontab) => (Some(crontab), None),
        When::Once(at) => (None, Some(at)),
    };
    let (misfire, catch_up) = match view.misfire {
        Misfire::Skip => (MisfirePolicy::Skip, None),
        Misfire::RunOnce => (MisfirePolicy::RunOnce, None),
        Misfire::CatchUp(most) => (MisfirePolicy::CatchUp, Some(most)),
    };
    Schedule {
        id: view.id,
        name: view.name,
        kind: view.kind,
        args: view.args,
        crontab,
        at,
        zone: view.zone,
        overlap: match view.overlap {
            Overlap::Skip => OverlapPolicy::Skip,
            Overlap::BufferOne => OverlapPolicy::BufferOne,
            Overlap::Allow => OverlapPolicy::Allow,
            Overlap::CancelOlder => OverlapPolicy::CancelOlder,
        },
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
#[utoipa::path(post, path = "/api/v1/schedules", tag = "schedules", request_body = ScheduleRequest,
    responses((status = 201, body = Schedule)))]
pub async fn create_schedule(
    Caller(ctx): Caller,
    Json(asked): Json<ScheduleRequest>,
) -> Result<Response, Problem> {
    let made = schedules::create(&ctx, asked.try_into()?).await?;
    Ok(reply::once(made, |view| shown(&ctx, view)))
}

/// The schedules, newest first.
#[utoipa::path(get, path = "/api/v1/schedules", tag = "schedules", params(Paging),
    responses((status = 200, body = Page<Schedule>)))]
pub async fn list_schedules(
    Caller(ctx): Caller,
    Query(paging): Query<Paging>,
) -> Result<Body<Page<Schedule>>, Problem> {
    let window = paging.window()?;
    let rows = schedules::list(&ctx, window.before, window.rows).await?;
    let shown = rows.into_iter().map(|view| shown(&ctx, view)).collect();
    Ok(Body(window.page(shown, |row| row.id)))
}

/// One schedule.
#[utoipa::path(get, path = "/api/v1/schedules/{id}", tag = "schedules", params(("id" = Uuid, Path)),
    responses((status = 200, body = Schedule)))]
pub async fn get_schedule(Caller(ctx): Caller, Path(id): Path<Uuid>) -> Result<Body<Schedule>, Problem> {
    let view = schedules::get(&ctx, id).await?;
    Ok(Body(shown(&ctx, view)))
}

/// Put another in its place. What was due before is forgotten; a pause stays.
#[utoipa::path(put, path = "/api/v1/schedules/{id}", tag = "schedules", params(("id" = Uuid, Path)),
    request_body = ScheduleRequest, responses((status = 200, body = Schedule)))]
pub async fn replace_schedule(
    Caller(ctx): Caller,
    Path(id): Path<Uuid>,
    Json(asked): Json<ScheduleRequest>,
) -> Result<Body<Schedule>, Problem> {
    let view = schedules::replace(&ctx, id, asked.try_into()?).await?;
    Ok(Body(shown(&ctx, view)))
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
    Ok(Body(shown(&ctx, view)))
}

/// Let it go on from now; what was due meanwhile does not run.
#[utoipa::path(post, path = "/api/v1/schedules/{id}/resume", tag = "schedules", params(("id" = Uuid, Path)),
    responses((status = 200, body = Schedule)))]
pub async fn resume_schedule(Caller(ctx): Caller, Path(id): Path<Uuid>) -> Result<Body<Schedule>, Problem> {
    let view = schedules::resume(&ctx, id).await?;
    Ok(Body(shown(&ctx, view)))
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
    pub before: Option<DateTime<Utc>>,
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
    let ticks = schedules::ticks(&ctx, id, query.before, limit.into()).await?;
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

/// A time to look at before it is saved. Either `crontab` or `at` is given.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PreviewRequest {
    pub crontab: Option<String>,
    pub at: Option<DateTime<Utc>>,
    pub zone: Option<String>,
    /// From then on; now if not said.
    pub from: Option<DateTime<Utc>>,
}

/// When something would be due: the next ten times.
#[utoipa::path(post, path = "/api/v1/schedules/preview", tag = "schedules", request_body = PreviewRequest,
    responses((status = 200, body = Vec<DateTime<Utc>>)))]
pub async fn preview_schedule(
    Caller(ctx): Caller,
    Json(asked): Json<PreviewRequest>,
) -> Result<Body<Vec<DateTime<Utc>>>, Problem> {
    let when = when(asked.crontab, asked.at)?;
    Ok(Body(schedules::preview(&ctx, &when, &zone(asked.zone), asked.from)?))
}
