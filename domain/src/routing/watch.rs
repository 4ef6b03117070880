//! What waits too long: told once for each lead, and moved to another team's queue where the team says so. Once a minute,
//! from the product's upkeep; it also has queues swept whose agents came by the clock, when their shift began.

use std::{collections::BTreeSet, time::Duration};

use engine::JobKind;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{
    decide::Goes,
    ground,
    moves::{self, Move},
    store::{self, WaitingRow},
    sweep::wake_team,
};
use crate::{
    Ctx,
    ctx::Platform,
    error::Result,
    events::{Event, EventType},
    tenancy::SystemTx,
    types::{LeadId, TeamId, TenantId},
};

const PAGE: i64 = 200;
const TEAMS_AT_A_TIME: i64 = 1_000;

/// The job that looks at all queues.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct WatchQueues {}

impl JobKind for WatchQueues {
    const KIND: &'static str = "watch_queues";
    const QUEUE: &'static str = "operations";
    const TIMEOUT: Duration = Duration::from_mins(10);
}

/// A team in whose queue leads or calls wait.
#[derive(Debug, Clone, Copy)]
pub struct Waited {
    pub tenant: TenantId,
    pub team: TeamId,
    /// Somebody of the team is available.
    pub manned: bool,
}

/// Teams of all tenants in whose queues leads or calls wait, behind one.
///
/// # Errors
/// If the database does not answer.
pub async fn waited_in(platform: &Platform, behind: Option<Waited>) -> Result<Vec<Waited>> {
    let mut tx = SystemTx::begin(&platform.engine).await?;
    let behind = behind.map(|last| (last.tenant.0, last.team.0)).unwrap_or_default();
    let rows = store::waited_in(tx.conn(), behind, TEAMS_AT_A_TIME).await?;
    Ok(rows.into_iter().map(|(tenant, team, manned)| Waited { tenant, team, manned }).collect())
}

/// Has the team's queue swept if anybody of it is available.
///
/// # Errors
/// If the database does not answer.
pub async fn wake(ctx: &Ctx, team: TeamId) -> Result<()> {
    let mut tx = ctx.begin().await?;
    wake_team(&mut tx, team).await?;
    tx.commit().await
}

/// Tells of some leads of a queue that wait longer than the team's service level allows. Answers how many; none when
/// there are no more.
///
/// # Errors
/// If the database does not answer.
pub async fn tell_overdue(ctx: &Ctx, team: TeamId) -> Result<usize> {
    let mut tx = ctx.begin().await?;
    let late = store::lock_overdue(tx.conn(), ctx.tenant, team, PAGE).await?;
    if late.is_empty() {
        return Ok(0);
    }
    store::mark_overdue(tx.conn(), ctx.tenant, team, &ids(&late)).await?;
    let told =
        |lead: &LeadId| Event::new(EventType::LeadOverdue, "lead", lead).with(json!({ "team_id": team }));
    tx.emit(&late.iter().map(told).collect::<Vec<_>>()).await?;
    tx.commit().await?;
    Ok(late.len())
}

/// Moves some leads on that have waited too long in a queue: to whoever of the other team can take them, else into its
/// queue, where they keep the time since when they wait. Answers how many; none when there are no more.
///
/// # Errors
/// If the database does not answer.
pub async fn overflow(ctx: &Ctx, team: TeamId) -> Result<usize> {
    let mut tx = ctx.begin().await?;
    let found = store::overflowing(tx.conn(), ctx.tenant, team, PAGE).await?;
    let Some(there) = found.first().map(|(_, there)| *there) else { return Ok(0) };
    let leads: Vec<LeadId> = found.iter().map(|(lead, _)| *lead).collect();
    let mut rows = store::lock_still_waiting(tx.conn(), ctx.tenant, team, &ids(&leads)).await?;
    let cursors = store::lock_teams(tx.conn(), ctx.tenant, &[there.0]).await?;
    if cursors.is_empty() {
        // That team was deleted at this moment.
        return Ok(0);
    }
    let mut floor = ground::floor(&mut tx, &BTreeSet::from([there]), &BTreeSet::new(), cursors, true).await?;
    rows.sort_by_key(|row| (row.waiting_since, row.id));
    let going = |row: &WaitingRow| {
        let by = moves::by(row, there);
        let chosen = floor.choose(&by);
        if let Some(agent) = chosen {
            floor.give(agent, &by, ctx.now());
        }
        let goes = chosen.map_or(Goes::Queue(there), |agent| Goes::To(agent, Some(there)));
        Move { overflows: true, ..Move::from_queue(row, team, by, goes) }
    };
    let given: Vec<Move> = rows.iter().map(going).collect();
    moves::write(&mut tx, &given, &floor).await?;
    tx.commit().await?;
    Ok(given.len())
}

fn ids(leads: &[LeadId]) -> Vec<Uuid> {
    leads.iter().map(|lead| lead.0).collect()
}
