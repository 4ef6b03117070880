//! Points, and what comes of points.
//!
//! - [`points`] what was given, by hand too; [`rules`] what deeds are worth; [`boards`] leaderboards and figures
//! - [`challenges`], [`competitions`], [`tiers`], [`badges`], [`rewards`] as their names say

pub mod badges;
pub mod boards;
pub mod challenges;
pub mod competitions;
pub mod points;
pub mod rewards;
pub mod rules;
pub mod tiers;

use domain::types::{AgentId, TeamId};
use serde::Deserialize;
use uuid::Uuid;

use crate::http::page::Window;

/// For whom.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ForAgent {
    /// The caller's own agent if not said; another one asks for `gamification:award`.
    pub agent_id: Option<AgentId>,
}

/// Which team.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ForTeam {
    pub team_id: TeamId,
}

/// Whose, and how many.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OfAgent {
    /// The caller's own agent if not said.
    pub agent_id: Option<AgentId>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200, 50 if not said.
    pub limit: Option<u16>,
}

/// A place in a list of those with the most first: how many, and whose.
pub type BoardPlace = (u8, i64, Uuid);

/// Where a page of such a list begins.
#[must_use]
pub fn after(window: &Window<BoardPlace>) -> Option<(i64, Uuid)> {
    window.before.map(|(_, points, id)| (points, id))
}
