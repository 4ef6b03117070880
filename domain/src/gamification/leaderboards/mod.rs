//! Who has how many points: of a day, a week, a month or ever, all or those of a team, people or teams. Read from the sums of days
//! and of lifetimes, so it costs the same however long the ledger is.

pub mod stats;
mod store;

use chrono::NaiveDate;
use serde::Serialize;
use uuid::Uuid;

use super::{
    days::{self, Span},
    people, store as ground,
};
use crate::{
    Ctx,
    access::permission::Permission,
    error::{Error, Result},
    types::{AgentId, TeamId},
    vault::Personal,
    words::words,
};

words! {
    /// Over what points are summed.
    BoardPeriod {
        Day = "day",
        Week = "week",
        Month = "month",
        AllTime = "all_time",
    }
}

words! {
    /// Who stands on a board.
    BoardOf {
        Agents = "agents",
        Teams = "teams",
    }
}

/// Which board.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    pub period: BoardPeriod,
    /// A day of the period, in the tenant's zone; today if not said. Not of all time.
    pub day: Option<NaiveDate>,
    /// Only what was earned in this team.
    pub team: Option<TeamId>,
    pub of: BoardOf,
}

/// A line of a board.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct BoardLine {
    /// 1 for the most points; who has as many shares a rank, and the next one comes after all of them: 1, 2, 2, 4.
    pub rank: i64,
    pub agent_id: Option<AgentId>,
    pub team_id: Option<TeamId>,
    /// Of the agent or the team; `former member` or `former team` of what is gone.
    #[serde(serialize_with = "crate::gamification::people::shown")]
    #[schema(value_type = String)]
    pub name: Personal<String>,
    pub points: i64,
}

impl BoardLine {
    /// Where it stands: the next page begins behind it.
    #[must_use]
    pub fn place(&self) -> (i64, Uuid) {
        let id = self.agent_id.map(|id| id.0).or(self.team_id.map(|id| id.0));
        (self.points, id.unwrap_or_default())
    }
}

/// A page of a board.
#[derive(Debug)]
pub struct Board {
    /// The first day, and the first one after it; none of all time.
    pub days: Option<(NaiveDate, NaiveDate)>,
    pub lines: Vec<BoardLine>,
}

/// The lines of a board, the most points first and those with as many in the order of their ids, after a place. Whoever has none
/// is not on it.
///
/// # Errors
/// If the permission is missing, a day or a team is named that does not fit, or the database does not answer.
pub async fn board(ctx: &Ctx, wanted: Wanted, after: Option<(i64, Uuid)>, limit: i64) -> Result<Board> {
    ctx.require(Permission::GamificationRead)?;
    if wanted.of == BoardOf::Teams && wanted.team.is_some() {
        return Err(Error::invalid(
            "?team_id",
            "name a team for the board of its agents, not for that of teams",
        ));
    }
    let mut tx = ctx.begin().await?;
    let (_, _, today) = ground::zone_and_now(tx.conn(), ctx.tenant).await?;
    let span = match wanted.period {
        BoardPeriod::Day => Some(Span::Day),
        BoardPeriod::Week => Some(Span::Week),
        BoardPeriod::Month => Some(Span::Month),
        BoardPeriod::AllTime => None,
    };
    if span.is_none() && wanted.day.is_some() {
        return Err(Error::invalid("?day", "of all time there is no day"));
    }
    let day = days::named("?day", wanted.day, today)?;
    let days = span.map(|span| span.around(day));
    let rows = match (wanted.of, days) {
        (BoardOf::Agents, Some(days)) => {
            store::agents_of_days(tx.conn(), ctx.tenant, days, wanted.team, after, limit).await?
        }
        (BoardOf::Agents, None) => store::agents(tx.conn(), ctx.tenant, wanted.team, after, limit).await?,
        (BoardOf::Teams, Some(days)) => {
            store::teams_of_days(tx.conn(), ctx.tenant, days, after, limit).await?
        }
        (BoardOf::Teams, None) => store::teams(tx.conn(), ctx.tenant, after, limit).await?,
    };
    let lines = if wanted.of == BoardOf::Teams {
        let team = |row: store::Line| BoardLine {
            rank: row.rank,
            agent_id: None,
            team_id: Some(TeamId(row.id)),
            name: Personal::new(row.name.unwrap_or_else(|| people::FORMER_TEAM.to_owned())),
            points: row.points,
        };
        rows.into_iter().map(team).collect()
    } else {
        let agents: Vec<AgentId> = rows.iter().map(|row| AgentId(row.id)).collect();
        let names = people::names(ctx, &mut tx, &agents).await?;
        let agent = |row: store::Line| BoardLine {
            rank: row.rank,
            agent_id: Some(AgentId(row.id)),
            team_id: None,
            name: people::of(&names, AgentId(row.id)),
            points: row.points,
        };
        rows.into_iter().map(agent).collect()
    };
    Ok(Board { days, lines })
}
