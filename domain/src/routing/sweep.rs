//! Giving out what waits in a team's queue, the oldest first, whenever somebody has room again.
//!
//! No wake is lost: whoever brings room holds the team's lock while asking for the sweep, and the last page of a sweep
//! finds, under the same lock, that nobody can take anything. So either that page sees the room, or the sweep is over
//! and another begins.

use std::collections::BTreeSet;

use engine::{JobKind, NewJob};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    decide::{Goes, anybody},
    floor::{Floor, Seat},
    ground,
    moves::{self, Move},
    store,
    strategies::Strategy,
};
use crate::{
    Ctx,
    calls::{self, waiting::SweepCalls},
    error::{Error, Result},
    tenancy::TenantTx,
    types::{AgentId, LeadId, SkillId, TeamId},
};

const PAGE: i64 = 200;

/// The job that gives out what waits in a team's queue. There is one of a team at a time.
#[derive(Debug, Serialize, Deserialize)]
pub struct SweepTeam {
    pub team: TeamId,
}

impl JobKind for SweepTeam {
    const KIND: &'static str = "sweep_team";
    const QUEUE: &'static str = "automation";
}

/// What a page of a sweep came to, of leads or of calls.
pub enum Swept {
    /// So many were given out, and there may be more.
    Given(usize),
    /// What could be given out is held by somebody else at this moment.
    Held,
    /// Nothing can be given out as long as this transaction is open; the job ends in it.
    Over(Box<TenantTx>),
}

/// Has a team's queue swept if leads or calls wait there: for whoever brings room. Takes the team's lock, so it comes
/// before the locks of agents.
///
/// # Errors
/// If the database does not answer.
pub(crate) async fn wake_team(tx: &mut TenantTx, team: TeamId) -> Result<()> {
    let tenant = tx.tenant;
    if store::lock_teams(tx.conn(), tenant, &[team.0]).await?.is_empty() {
        return Ok(());
    }
    if store::is_waited_in(tx.conn(), tenant, team).await? {
        wake(tx, team, &SweepTeam { team }).await?;
    }
    if calls::store::is_waited_in(tx.conn(), tenant, team).await? {
        wake(tx, team, &SweepCalls { team }).await?;
    }
    Ok(())
}

async fn wake<K: JobKind + Sync>(tx: &mut TenantTx, team: TeamId, sweep: &K) -> Result<()> {
    let job = NewJob::of(tx.tenant.0, tx.platform.chance.id(), sweep).map_err(Error::internal)?;
    tx.enqueue(&[job.about(format!("team:{team}")).unique(team.to_string())]).await.map(drop)
}

/// The same for several, in the order of their ids.
///
/// # Errors
/// If the database does not answer.
pub(crate) async fn wake_teams(tx: &mut TenantTx, teams: impl IntoIterator<Item = TeamId>) -> Result<()> {
    for team in teams.into_iter().collect::<BTreeSet<_>>() {
        wake_team(tx, team).await?;
    }
    Ok(())
}

/// The same for the teams of agents who have a lead less.
///
/// # Errors
/// If the database does not answer.
pub(crate) async fn wake_teams_of(tx: &mut TenantTx, agents: &[AgentId]) -> Result<()> {
    let tenant = tx.tenant;
    let agents: Vec<Uuid> = agents.iter().map(|agent| agent.0).collect();
    let teams = store::teams_of(tx.conn(), tenant, &agents).await?;
    wake_teams(tx, teams).await
}

/// The same for the team of the agent who owns a lead that closes or goes; the lead is locked.
///
/// # Errors
/// If the database does not answer.
pub(crate) async fn lead_closes(tx: &mut TenantTx, lead: LeadId) -> Result<()> {
    let tenant = tx.tenant;
    match store::owner(tx.conn(), tenant, lead).await? {
        Some(owner) => wake_teams_of(tx, &[owner]).await,
        None => Ok(()),
    }
}

/// Gives out the next page of a team's queue.
///
/// # Errors
/// If the database does not answer; nothing of the page is written then.
pub async fn page(ctx: &Ctx, team: TeamId) -> Result<Swept> {
    let mut tx = ctx.begin().await?;
    let cursors = store::lock_teams(tx.conn(), ctx.tenant, &[team.0]).await?;
    let mut floor = ground::floor(&mut tx, &BTreeSet::from([team]), &BTreeSet::new(), cursors, true).await?;
    let room: i64 = floor.seats().iter().map(Seat::room).sum();
    let (skills, levels) = offered(&floor);
    let offer = (skills.as_slice(), levels.as_slice());
    let rows = store::lock_waiting(tx.conn(), ctx.tenant, team, offer, room.min(PAGE)).await?;
    let mut given = Vec::new();
    for row in &rows {
        let by = moves::by(row, team);
        // Who comes in no weighted round is better than nobody.
        let or = Some(anybody(team)).filter(|_| by.strategy == Strategy::Weighted);
        let chosen = [Some(by), or].into_iter().flatten().find_map(|by| Some((floor.choose(&by)?, by)));
        if let Some((agent, by)) = chosen {
            floor.give(agent, &by, ctx.now());
            given.push(Move::from_queue(row, team, by, Goes::To(agent, Some(team))));
        }
    }
    if given.is_empty() {
        let held =
            room > 0 && rows.is_empty() && store::is_waited_for(tx.conn(), ctx.tenant, team, offer).await?;
        return Ok(if held { Swept::Held } else { Swept::Over(Box::new(tx)) });
    }
    moves::write(&mut tx, &given, &floor).await?;
    tx.commit().await?;
    Ok(Swept::Given(given.len()))
}

/// The skills of those who have room, with their levels.
fn offered(floor: &Floor) -> (Vec<Uuid>, Vec<i16>) {
    let able = floor.seats().iter().filter(|seat| seat.has_room());
    able.flat_map(|seat| &seat.skills).map(|(SkillId(skill), level)| (*skill, *level)).unzip()
}
