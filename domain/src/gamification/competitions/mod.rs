//! Competitions: teams against each other from an instant to before another. Its standings are frozen once, a little after the
//! end; what is told later counts no more.
//!
//! - this file: competitions as commands; [`teams`] who takes part
//! - [`standings`] who leads, live and once they are frozen; `closing` the end of one
//! - `scoring` what rows of the ledger count for

pub mod closing;
pub(super) mod scoring;
pub mod standings;
pub(super) mod store;
pub mod teams;

use chrono::{DateTime, TimeDelta, Utc};
use engine::NewJob;
use serde::{Deserialize, Serialize};

use super::{
    Metric, ROOT, badges,
    close::{CloseGames, GRACE},
    may_set_up, store as ground,
};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, FieldError, Result},
    moment::Moment,
    tenancy::{Begun, Once, TenantTx},
    types::{BadgeId, CompetitionId, TeamId, Text},
    words::words,
};

/// Competitions that are not over: each is looked at for each row of the ledger.
pub(super) const MOST: i64 = 100;
/// Teams of one.
const MOST_TEAMS: usize = 200;
const LONGEST: TimeDelta = TimeDelta::days(366);
/// How long one is that nobody says an end of.
const USUAL: TimeDelta = TimeDelta::days(7);

words! {
    /// How far a competition is.
    CompetitionState {
        Scheduled = "scheduled",
        Running = "running",
        /// It is over, and its standings are about to be frozen.
        Ending = "ending",
        Closed = "closed",
        Cancelled = "cancelled",
    }
}

/// What teams are to compete in.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCompetition {
    #[schema(value_type = String)]
    pub name: Text<100>,
    #[schema(value_type = Option<String>)]
    pub description: Option<Text<500>>,
    pub metric: Metric,
    /// Now if not said, and not before that.
    #[schema(value_type = Option<DateTime<Utc>>)]
    pub starts_at: Option<Moment>,
    /// What is done from then on does not count. At most a year after it begins; a week after that if not said.
    #[schema(value_type = Option<DateTime<Utc>>)]
    pub ends_at: Option<Moment>,
    /// 200 at most; others may join until it is over.
    #[serde(default)]
    #[schema(required = false)]
    pub team_ids: Vec<TeamId>,
    /// For each who has scored for a team that wins; 0 to 100,000.
    #[serde(default)]
    #[schema(required = false)]
    pub prize_points: i32,
    /// And this.
    pub badge_id: Option<BadgeId>,
}

/// A competition.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct CompetitionView {
    pub id: CompetitionId,
    pub name: String,
    pub description: String,
    pub metric: Metric,
    pub state: CompetitionState,
    pub starts_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
    pub prize_points: i32,
    pub badge_id: Option<BadgeId>,
    pub teams: i64,
    /// When its standings were frozen.
    pub closed_at: Option<DateTime<Utc>>,
    /// When all had what they won.
    pub rewarded_at: Option<DateTime<Utc>>,
    pub cancelled_at: Option<DateTime<Utc>>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
}

impl NewCompetition {
    fn check(&self) -> Result<()> {
        let mut wrong = Vec::new();
        if self.team_ids.len() > MOST_TEAMS {
            wrong.push(FieldError::new("/team_ids", format!("at most {MOST_TEAMS}")));
        }
        if !(0..=100_000).contains(&self.prize_points) {
            wrong.push(FieldError::new("/prize_points", "0 to 100,000"));
        }
        if wrong.is_empty() { Ok(()) } else { Err(Error::Invalid(wrong)) }
    }
}

/// Makes a competition.
///
/// # Errors
/// If a value is out of bounds, a team or the badge is not there, or too many go on.
pub async fn create(ctx: &Ctx, new: NewCompetition) -> Result<Once<CompetitionView>> {
    ctx.require(Permission::GamificationWrite)?;
    new.check()?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let (id, tx) = (CompetitionId(ctx.id()), &mut keyed.tx);
    may_set_up(ctx, tx).await?;
    let now = ground::now(tx.conn()).await?;
    if store::count_open(tx.conn(), ctx.tenant).await? >= MOST {
        let detail = format!("at most {MOST} competitions go on at a time");
        return Err(Error::conflict("too-many", detail));
    }
    let starts_at = new.starts_at.map_or(now, Moment::utc).max(now);
    let ends_at = new.ends_at.map_or(starts_at + USUAL, Moment::utc);
    span(starts_at, ends_at)?;
    badges::named(tx, new.badge_id).await?;
    let mut teams = new.team_ids.clone();
    teams.sort_unstable();
    teams.dedup();
    if ground::teams_there(tx.conn(), ctx.tenant, &teams).await? != teams.len() {
        return Err(Error::invalid("/team_ids", "one of them is not there"));
    }
    store::insert(tx.conn(), ctx.tenant, id, &new, (starts_at, ends_at)).await?;
    store::add_teams(tx.conn(), ctx.tenant, id, &teams, starts_at).await?;
    to_be_closed(tx, id, ends_at + GRACE).await?;
    tx.audit(&[Entry::new("create", "competition", id)]).await?;
    let view = find(tx, id).await?;
    keyed.commit(view, 201, format!("{ROOT}/competitions/{id}")).await
}

/// The competitions, the newest first, those with ids below `before`.
///
/// # Errors
/// If the permission is missing or the database does not answer.
pub async fn list(ctx: &Ctx, before: Option<CompetitionId>, limit: i64) -> Result<Vec<CompetitionView>> {
    ctx.require(Permission::GamificationRead)?;
    store::competitions(ctx.begin().await?.conn(), ctx.tenant, None, before, limit).await
}

/// One competition.
///
/// # Errors
/// If there is none of this id.
pub async fn get(ctx: &Ctx, id: CompetitionId) -> Result<CompetitionView> {
    ctx.require(Permission::GamificationRead)?;
    find(&mut ctx.begin().await?, id).await
}

/// Changes a competition that is not over: its words, what it brings and its end. What it counts and when it begins stay, and
/// the teams that take part are changed by themselves.
///
/// # Errors
/// If there is none of this id, a value is out of bounds, or a conflict if it is over.
pub async fn replace(ctx: &Ctx, id: CompetitionId, new: NewCompetition) -> Result<CompetitionView> {
    ctx.require(Permission::GamificationWrite)?;
    new.check()?;
    let mut tx = ctx.begin().await?;
    let there = hold(ctx, &mut tx, id).await?;
    if there.metric != new.metric {
        return Err(Error::invalid("/metric", "what it counts stays; make another one"));
    }
    let now = ground::now(tx.conn()).await?;
    let ends_at = new.ends_at.map_or(there.ends_at, Moment::utc);
    if ends_at <= now {
        return Err(Error::invalid("/ends_at", "in the future; close it to end it now"));
    }
    span(there.starts_at, ends_at)?;
    badges::named(&mut tx, new.badge_id).await?;
    store::update(tx.conn(), ctx.tenant, id, &new, ends_at).await?;
    to_be_closed(&mut tx, id, ends_at + GRACE).await?;
    tx.audit(&[Entry::new("update", "competition", id)]).await?;
    let view = find(&mut tx, id).await?;
    tx.commit().await?;
    Ok(view)
}

/// Calls a competition off: nobody wins.
///
/// # Errors
/// If there is none of this id, or a conflict if it is over.
pub async fn cancel(ctx: &Ctx, id: CompetitionId) -> Result<CompetitionView> {
    ctx.require(Permission::GamificationWrite)?;
    let mut tx = ctx.begin().await?;
    hold(ctx, &mut tx, id).await?;
    store::cancel(tx.conn(), ctx.tenant, id).await?;
    tx.audit(&[Entry::new("cancel", "competition", id).notice()]).await?;
    let view = find(&mut tx, id).await?;
    tx.commit().await?;
    Ok(view)
}

fn span(starts_at: DateTime<Utc>, ends_at: DateTime<Utc>) -> Result<()> {
    if ends_at <= starts_at || ends_at - starts_at > LONGEST {
        return Err(Error::invalid("/ends_at", "after it begins, and at most a year after that"));
    }
    Ok(())
}

/// Has it closed when its time comes. One that is moved has a job for each end that it ever had; only the last finds it over.
async fn to_be_closed(tx: &mut TenantTx, id: CompetitionId, at: DateTime<Utc>) -> Result<()> {
    let job = CloseGames::Competition { competition: id };
    let job = NewJob::of(tx.tenant.0, tx.platform.chance.id(), &job).map_err(Error::internal)?;
    tx.enqueue(&[job.about(format!("competition:{id}")).run_at(at)]).await.map(drop)
}

/// One that is not over, locked.
async fn hold(ctx: &Ctx, tx: &mut TenantTx, id: CompetitionId) -> Result<CompetitionView> {
    may_set_up(ctx, tx).await?;
    let version = store::lock(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("competition"))?;
    ctx.expect_version("competition", None, version)?;
    let there = find(tx, id).await?;
    match there.state {
        CompetitionState::Scheduled | CompetitionState::Running => Ok(there),
        CompetitionState::Ending | CompetitionState::Closed | CompetitionState::Cancelled => {
            Err(Error::conflict("competition-over", "it is over and stays as it is; make another one"))
        }
    }
}

pub(super) async fn find(tx: &mut TenantTx, id: CompetitionId) -> Result<CompetitionView> {
    let tenant = tx.tenant;
    let found = store::competitions(tx.conn(), tenant, Some(id), None, 1).await?.pop();
    found.ok_or(Error::NotFound("competition"))
}
