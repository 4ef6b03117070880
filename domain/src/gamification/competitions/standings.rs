//! Who leads in a competition, as of now, or as it was frozen at its end.

use serde::Serialize;
use uuid::Uuid;

use super::{CompetitionView, find, store};
use crate::{
    Ctx,
    access::permission::Permission,
    error::{Error, Result},
    gamification::people::{self, FORMER_TEAM},
    types::{AgentId, CompetitionId, TeamId},
    vault::Personal,
};

/// A team of a competition.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct TeamStanding {
    /// 1 for the team that leads; those with the same score share a rank, and the next one comes after all of them.
    pub rank: i64,
    pub team_id: TeamId,
    /// `former team` of one that is gone.
    pub name: String,
    pub score: i64,
    /// How many have scored for it.
    pub players: i64,
}

/// Somebody who has scored for a team.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Contribution {
    pub rank: i64,
    pub agent_id: AgentId,
    /// `former member` of somebody who is gone or was erased.
    #[serde(serialize_with = "crate::gamification::people::shown")]
    #[schema(value_type = String)]
    pub name: Personal<String>,
    pub team_id: TeamId,
    pub score: i64,
}

impl Contribution {
    /// Where it stands: the next page begins behind it.
    #[must_use]
    pub fn place(&self) -> (i64, Uuid, Uuid) {
        (self.score, self.agent_id.0, self.team_id.0)
    }
}

/// A competition with its standings.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Standings {
    pub competition: CompetitionView,
    /// Whether they are final.
    pub frozen: bool,
    /// At most 200, as there are teams.
    pub teams: Vec<TeamStanding>,
}

/// The standings of a competition; of the one that ends next if none is named, else of the one that was closed last.
///
/// # Errors
/// If there is none.
pub async fn standings(ctx: &Ctx, id: Option<CompetitionId>) -> Result<Standings> {
    ctx.require(Permission::GamificationRead)?;
    let mut tx = ctx.begin().await?;
    let id = match id {
        Some(id) => id,
        None => store::foremost(tx.conn(), ctx.tenant).await?.ok_or(Error::NotFound("competition"))?,
    };
    let competition = find(&mut tx, id).await?;
    let rows = store::standings(tx.conn(), ctx.tenant, id).await?;
    let team = |row: store::StandingRow| TeamStanding {
        rank: row.rank,
        team_id: row.team_id,
        name: row.name.unwrap_or_else(|| FORMER_TEAM.to_owned()),
        score: row.score,
        players: row.players,
    };
    Ok(Standings {
        frozen: competition.closed_at.is_some(),
        teams: rows.into_iter().map(team).collect(),
        competition,
    })
}

/// Who has scored, the best first, those after a place; of one team if one is named. Who has scored for several teams is there
/// for each.
///
/// # Errors
/// If there is no such competition.
pub async fn contributions(
    ctx: &Ctx,
    id: CompetitionId,
    team: Option<TeamId>,
    after: Option<(i64, AgentId, TeamId)>,
    limit: i64,
) -> Result<Vec<Contribution>> {
    ctx.require(Permission::GamificationRead)?;
    let mut tx = ctx.begin().await?;
    find(&mut tx, id).await?;
    let rows = store::contributions(tx.conn(), ctx.tenant, id, team, after, limit).await?;
    let agents: Vec<AgentId> = rows.iter().map(|row| row.agent_id).collect();
    let names = people::names(ctx, &mut tx, &agents).await?;
    let view = |row: store::ContributionRow| Contribution {
        rank: row.rank,
        agent_id: row.agent_id,
        name: people::of(&names, row.agent_id),
        team_id: row.team_id,
        score: row.score,
    };
    Ok(rows.into_iter().map(view).collect())
}
