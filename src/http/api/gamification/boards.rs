//! Leaderboards, and the figures of it all.

use axum::Json as Body;
use chrono::NaiveDate;
use domain::{
    gamification::leaderboards::{
        self, BoardLine, BoardOf, BoardPeriod, Wanted,
        stats::{self, GameStats},
    },
    types::{AgentId, TeamId},
};
use serde::{Deserialize, Serialize};

use super::{BoardPlace, after};
use crate::http::{
    extract::{Caller, Query},
    page::Window,
    problem::Problem,
};

/// Which board, and how many lines.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BoardQuery {
    /// `week` if not said.
    #[param(inline)]
    pub period: Option<BoardPeriod>,
    /// A day of the period, in the tenant's zone; today if not said. Not of all time.
    pub day: Option<NaiveDate>,
    /// `agents` if not said.
    #[param(inline)]
    pub of: Option<BoardOf>,
    /// Only what agents earned in this team.
    pub team_id: Option<TeamId>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200, 50 if not said.
    pub limit: Option<u16>,
}

/// A page of a board.
#[derive(Serialize, utoipa::ToSchema)]
pub struct BoardView {
    /// The first day; null of all time.
    pub from: Option<NaiveDate>,
    /// The first day that is not in it any more.
    pub until: Option<NaiveDate>,
    pub items: Vec<BoardLine>,
    /// Absent on the last page.
    pub next_cursor: Option<String>,
}

/// Whose standing.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StatsQuery {
    /// The caller's own agent if not said.
    pub agent_id: Option<AgentId>,
}

/// Who has how many points: the most first, and those with as many share a rank.
#[utoipa::path(get, path = "/api/v1/gamification-advanced/leaderboard", tag = "gamification", params(BoardQuery),
    responses((status = 200, body = BoardView)))]
pub async fn leaderboard(
    Caller(ctx): Caller,
    Query(query): Query<BoardQuery>,
) -> Result<Body<BoardView>, Problem> {
    let window = Window::<BoardPlace>::of(query.cursor.as_deref(), query.limit)?;
    let wanted = Wanted {
        period: query.period.unwrap_or(BoardPeriod::Week),
        day: query.day,
        team: query.team_id,
        of: query.of.unwrap_or(BoardOf::Agents),
    };
    let board = leaderboards::board(&ctx, wanted, after(&window), window.rows).await?;
    let page = window.page(board.lines, |line| {
        let (points, id) = line.place();
        (0, points, id)
    });
    Ok(Body(BoardView {
        from: board.days.map(|days| days.0),
        until: board.days.map(|days| days.1),
        items: page.items,
        next_cursor: page.next_cursor,
    }))
}

/// The figures of it all, and how one agent stands.
#[utoipa::path(get, path = "/api/v1/gamification-advanced/stats", tag = "gamification", params(StatsQuery),
    responses((status = 200, body = GameStats)))]
pub async fn game_stats(
    Caller(ctx): Caller,
    Query(query): Query<StatsQuery>,
) -> Result<Body<GameStats>, Problem> {
    Ok(Body(stats::stats(&ctx, query.agent_id).await?))
}
