//! Schedules as commands: what begins by itself, when, and what became of each time.

mod plan;
mod work;

use std::{collections::HashMap, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use engine::{
    JobKind as _,
    schedules::{self, BadCalendar, Refused, Spec, Tick, View},
};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use plan::when;
pub use plan::{MisfirePolicy, OverlapPolicy, Plan};
pub use work::Work;

use crate::{
    Ctx,
    access::permission::Permission,
    analytics::saved::work::DeliverReport,
    audit::Entry,
    error::{Error, Result},
    moment::Moment,
    tenancy::{self, Begun, Once, TenantTx},
};

/// How many coming times are shown.
pub const PREVIEW: usize = 10;
/// Schedules of a tenant.
const MOST: i64 = 1_000;
const WHY_LIMIT: usize = 500;

/// Makes a schedule.
///
/// # Errors
/// If something about it is wrong, or its name is taken.
pub async fn create(ctx: &Ctx, plan: Plan) -> Result<Once<View>> {
    ctx.require(Permission::SchedulesWrite)?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    if schedules::count(keyed.tx.conn(), ctx.tenant.0).await? >= MOST {
        let detail = format!("a tenant has at most {MOST} schedules; delete one that is over");
        return Err(Error::conflict("too-many-schedules", detail));
    }
    let view = put(ctx, &mut keyed.tx, ctx.id(), plan, "create").await?;
    let location = format!("/api/v1/schedules/{}", view.id);
    keyed.commit(view, 201, location).await
}

/// Puts another in the place of a schedule. What was due before is forgotten; a pause stays.
///
/// # Errors
/// As [`create`], if there is none of this id, or a conflict if a campaign has it.
pub async fn replace(ctx: &Ctx, id: Uuid, plan: Plan) -> Result<View> {
    ctx.require(Permission::SchedulesWrite)?;
    let mut tx = ctx.begin().await?;
    let before = locked(ctx, &mut tx, id).await?;
    expected(ctx, &before)?;
    check_own(&before)?;
    let view = put(ctx, &mut tx, id, plan, "update").await?;
    tx.commit().await?;
    Ok(view)
}

async fn put(ctx: &Ctx, tx: &mut TenantTx, id: Uuid, plan: Plan, verb: &'static str) -> Result<View> {
    require(ctx, plan.work.kind())?;
    ctx.require_all_rows()?;
    plan.check()?;
    let job = plan.work.job(ctx, tx).await?;
    let spec = Spec {
        zone: zone(tx, plan.zone.as_deref()).await?,
        overlap: plan.overlap.into(),
        misfire: plan.misfire(),
        max_lateness: plan.max_lateness(),
        jitter: Duration::from_secs(plan.jitter_s.into()),
        starts_at: plan.starts_at,
        ends_at: plan.ends_at,
        ..Spec::of(plan.name, job, when(plan.crontab.as_deref(), plan.at)?)
    };
    tx.put_schedule(id, &spec).await.map_err(|refused| match refused {
        Refused::Over if plan.at.is_some() => {
            Error::invalid("/at", "it is past, or outside starts_at and ends_at")
        }
        refused => refused.into(),
    })?;
    tx.audit(&[Entry::new(verb, "schedule", id).detail(json!({ "name": spec.name, "work": plan.work }))])
        .await?;
    find(ctx, tx, id).await
}

/// The zone that is meant: the tenant's own where none is named.
async fn zone(tx: &mut TenantTx, named: Option<&str>) -> Result<String> {
    let tenant = tx.tenant;
    match named {
        Some(named) => Ok(named.to_owned()),
        None => tenancy::store::zone(tx.conn(), tenant).await,
    }
}

/// How a schedule can stand; see [`standing`].
pub const STANDINGS: [&str; 3] = ["active", "paused", "over"];

/// How a schedule stands: whether more comes of it.
#[must_use]
pub fn standing(view: &View) -> &'static str {
    match (view.paused_at, view.next_at) {
        (Some(_), _) => "paused",
        (None, None) => "over",
        (None, Some(_)) => "active",
    }
}

/// The tenant's schedules, newest first; only those that stand so, if that is said.
///
/// # Errors
/// If there is no such standing, or the database does not answer.
pub async fn list(ctx: &Ctx, standing: Option<&str>, before: Option<Uuid>, limit: i64) -> Result<Vec<View>> {
    ctx.require(Permission::SchedulesRead)?;
    if standing.is_some_and(|standing| !STANDINGS.contains(&standing)) {
        return Err(Error::invalid("?state", format!("one of {}", STANDINGS.join(", "))));
    }
    let mut tx = ctx.begin().await?;
    Ok(schedules::list(tx.conn(), ctx.tenant.0, standing, before, limit).await?)
}

/// One schedule.
///
/// # Errors
/// If there is none of this id.
pub async fn get(ctx: &Ctx, id: Uuid) -> Result<View> {
    ctx.require(Permission::SchedulesRead)?;
    let mut tx = ctx.begin().await?;
    find(ctx, &mut tx, id).await
}

/// The next times at which it is due, so many; none while it is paused or when it is over.
#[must_use]
pub fn coming(view: &View, many: usize) -> Vec<DateTime<Utc>> {
    let Some(next) = view.next_at.filter(|_| view.paused_at.is_none()) else { return Vec::new() };
    let times = view.times(next - TimeDelta::microseconds(1));
    times.map(|times| times.take(many).collect()).unwrap_or_default()
}

/// A time on the clocks of a schedule's zone; none if this build does not know that zone any more.
#[must_use]
pub fn local(zone: &str, at: DateTime<Utc>) -> Option<DateTime<chrono_tz::Tz>> {
    let zone: Option<chrono_tz::Tz> = zone.parse().ok();
    Some(at.with_timezone(&zone?))
}

/// A time to look at before it is saved. Either `crontab` or `at` is given.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Glance {
    pub crontab: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Moment>,
    /// The tenant's own if not said.
    pub zone: Option<String>,
    /// From then on; now if not said.
    pub from: Option<DateTime<Utc>>,
}

/// When something would be due: the next ten times.
///
/// # Errors
/// If crontab or zone are unknown, or it never comes.
pub async fn preview(ctx: &Ctx, glance: &Glance) -> Result<Vec<DateTime<Utc>>> {
    ctx.require(Permission::SchedulesRead)?;
    let when = when(glance.crontab.as_deref(), glance.at.map(Moment::utc))?;
    let from = glance.from.unwrap_or_else(|| ctx.now());
    if !plan::is_near(from) {
        return Err(Error::invalid("/from", plan::FAR));
    }
    let mut tx = ctx.begin().await?;
    let zone = zone(&mut tx, glance.zone.as_deref()).await?;
    let times = schedules::times(&when, &zone, None, None, from);
    Ok(times.map_err(|why| bad(&why))?.take(PREVIEW).collect())
}

/// What became of a schedule's times, the newest first, those before one.
///
/// # Errors
/// If there is no such schedule.
pub async fn ticks(ctx: &Ctx, id: Uuid, before: Option<DateTime<Utc>>, limit: i64) -> Result<Vec<Tick>> {
    ctx.require(Permission::SchedulesRead)?;
    let mut tx = ctx.begin().await?;
    find(ctx, &mut tx, id).await?;
    Ok(schedules::ticks(tx.conn(), ctx.tenant.0, id, before, limit).await?)
}

/// What became of the last time of each of these schedules, by its id.
///
/// # Errors
/// If the database does not answer.
pub async fn last_times(ctx: &Ctx, views: &[View]) -> Result<HashMap<Uuid, Tick>> {
    ctx.require(Permission::SchedulesRead)?;
    let ids: Vec<Uuid> = views.iter().map(|view| view.id).collect();
    let mut tx = ctx.begin().await?;
    Ok(schedules::last_ticks(tx.conn(), ctx.tenant.0, &ids).await?.into_iter().collect())
}

/// Whether the caller may begin what a schedule begins, without which they may neither run nor steer it.
#[must_use]
pub fn may_begin(ctx: &Ctx, view: &View) -> bool {
    require(ctx, &view.kind).and_then(|()| ctx.require_all_rows()).is_ok()
}

/// Begins nothing more of it until it is resumed.
///
/// # Errors
/// If there is none of this id, or a conflict if it is paused already.
pub async fn pause(ctx: &Ctx, id: Uuid, why: &str) -> Result<View> {
    ctx.require(Permission::SchedulesPause)?;
    if why.chars().count() > WHY_LIMIT {
        return Err(Error::invalid("/why", format!("at most {WHY_LIMIT} characters")));
    }
    steer(ctx, id, "pause", "it is paused already", async |tx, view| tx.pause_schedule(view, why).await).await
}

/// Lets it go on from now; what was due meanwhile does not run.
///
/// # Errors
/// If there is none of this id, or a conflict if it is not paused.
pub async fn resume(ctx: &Ctx, id: Uuid) -> Result<View> {
    ctx.require(Permission::SchedulesPause)?;
    steer(ctx, id, "resume", "it is not paused", async |tx, view| tx.resume_schedule(view).await).await
}

async fn steer(
    ctx: &Ctx,
    id: Uuid,
    verb: &'static str,
    otherwise: &'static str,
    change: impl AsyncFnOnce(&mut TenantTx, &View) -> Result<bool>,
) -> Result<View> {
    let mut tx = ctx.begin().await?;
    let view = locked(ctx, &mut tx, id).await?;
    require(ctx, &view.kind)?;
    ctx.require_all_rows()?;
    if !change(&mut tx, &view).await? {
        return Err(Error::conflict("schedule-state", otherwise));
    }
    tx.audit(&[Entry::new(verb, "schedule", id)]).await?;
    let view = find(ctx, &mut tx, id).await?;
    tx.commit().await?;
    Ok(view)
}

/// Begins a run now, whatever the schedule says about overlap and pause. Answers the operation.
///
/// # Errors
/// If there is none of this id.
pub async fn run_now(ctx: &Ctx, id: Uuid) -> Result<Once<Uuid>> {
    ctx.require(Permission::SchedulesRun)?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let view = locked(ctx, &mut keyed.tx, id).await?;
    require(ctx, &view.kind)?;
    ctx.require_all_rows()?;
    let job = keyed.tx.run_schedule(&view, ctx.id()).await?;
    keyed.tx.audit(&[Entry::new("run", "schedule", id).detail(json!({ "operation": job }))]).await?;
    keyed.commit(job, 202, format!("/api/v1/operations/{job}")).await
}

/// Takes a schedule away; its jobs stay.
///
/// # Errors
/// If there is none of this id, or a conflict if a campaign has it.
pub async fn delete(ctx: &Ctx, id: Uuid) -> Result<()> {
    ctx.require(Permission::SchedulesDelete)?;
    let mut tx = ctx.begin().await?;
    let view = locked(ctx, &mut tx, id).await?;
    expected(ctx, &view)?;
    check_own(&view)?;
    tx.drop_schedule(id).await?;
    tx.audit(&[Entry::new("delete", "schedule", id).detail(json!({ "name": view.name }))]).await?;
    tx.commit().await
}

/// Whoever has work begin by itself must be allowed to begin it.
fn require(ctx: &Ctx, kind: &str) -> Result<()> {
    Work::permissions_of(kind).iter().try_for_each(|permission| ctx.require(*permission))
}

fn check_own(view: &View) -> Result<()> {
    if Work::is_anothers(&view.kind) {
        if view.kind == DeliverReport::KIND {
            let detail = "a saved report has it; change or delete the report, and its schedule goes with it";
            return Err(Error::conflict("schedule-of-report", detail));
        }
        let detail = "a campaign has it; change or cancel the campaign, and its schedule goes with it";
        return Err(Error::conflict("schedule-of-campaign", detail));
    }
    Ok(())
}

async fn locked(ctx: &Ctx, tx: &mut TenantTx, id: Uuid) -> Result<View> {
    schedules::lock(tx.conn(), ctx.tenant.0, id).await?.ok_or(Error::NotFound("schedule"))
}

/// Which of its plans a schedule has, as a number that grows: when it was written.
#[must_use]
pub fn version(view: &View) -> i64 {
    view.updated_at.timestamp_micros()
}

fn expected(ctx: &Ctx, view: &View) -> Result<()> {
    ctx.expect_version("schedule", None, version(view))
}

async fn find(ctx: &Ctx, tx: &mut TenantTx, id: Uuid) -> Result<View> {
    schedules::get(tx.conn(), ctx.tenant.0, id).await?.ok_or(Error::NotFound("schedule"))
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Calendar(why) => bad(&why),
            Refused::Over => Self::invalid("/ends_at", "it would never be due between starts_at and ends_at"),
            Refused::Jitter => Self::invalid("/jitter_s", "shorter than the time from one run to the next"),
            Refused::Name => Self::conflict("name-taken", "another schedule has this name; choose another"),
            Refused::Database(error) => error.into(),
        }
    }
}

fn bad(why: &BadCalendar) -> Error {
    let pointer = if matches!(why, BadCalendar::Zone(_)) { "/zone" } else { "/crontab" };
    Error::invalid(pointer, why.to_string())
}
