//! Which leads a caller sees, with what belongs to them: all, those of the team, or their own.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::types::{AgentId, TeamId};

/// How far a role sees.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Default,
    Serialize,
    Deserialize,
    sqlx::Type,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum RowScope {
    /// Leads that the agent behind the user owns.
    Own,
    /// Leads of the team of the agent behind the user.
    Team,
    #[default]
    All,
}

/// What a caller sees of leads. Whoever sees only their own but is no agent sees none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rows {
    All,
    Team(TeamId),
    Own(Option<AgentId>),
}

impl RowScope {
    /// As it is stored, and as the API names it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Team => "team",
            Self::All => "all",
        }
    }
}

impl Rows {
    /// How far that is.
    #[must_use]
    pub fn scope(self) -> RowScope {
        match self {
            Self::All => RowScope::All,
            Self::Team(_) => RowScope::Team,
            Self::Own(_) => RowScope::Own,
        }
    }

    /// What somebody sees by their role, who may be an agent and in a team.
    #[must_use]
    pub fn of(scope: RowScope, agent: Option<AgentId>, team: Option<TeamId>) -> Self {
        match (scope, team) {
            (RowScope::All, _) => Self::All,
            (RowScope::Team, Some(team)) => Self::Team(team),
            (RowScope::Team | RowScope::Own, _) => Self::Own(agent),
        }
    }

    /// Whether a lead of this owner and team is seen.
    #[must_use]
    pub fn hold(self, owner: Option<AgentId>, of: Option<TeamId>) -> bool {
        match self {
            Self::All => true,
            Self::Team(team) => of == Some(team),
            Self::Own(agent) => agent.is_some() && owner == agent,
        }
    }

    /// The owner that a lead must have; none if any will do. For `($n::uuid is null or owner_id = $n)`.
    #[must_use]
    pub fn owner(self) -> Option<Uuid> {
        match self {
            Self::Own(agent) => Some(agent.map_or(Uuid::nil(), |agent| agent.0)),
            Self::All | Self::Team(_) => None,
        }
    }

    /// The team that a lead must have; none if any will do. For `($n::uuid is null or team_id = $n)`.
    #[must_use]
    pub fn team(self) -> Option<Uuid> {
        match self {
            Self::Team(team) => Some(team.0),
            Self::All | Self::Own(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_sees_more_than_their_role_says() {
        let (agent, team) = (AgentId(Uuid::from_u128(1)), TeamId(Uuid::from_u128(2)));
        for (scope, is, of, owner, seen) in [
            (RowScope::All, None, None, None, None),
            (RowScope::Team, Some(agent), Some(team), None, Some(team.0)),
            (RowScope::Team, Some(agent), None, Some(agent.0), None),
            (RowScope::Team, None, None, Some(Uuid::nil()), None),
            (RowScope::Own, Some(agent), Some(team), Some(agent.0), None),
            (RowScope::Own, None, None, Some(Uuid::nil()), None),
        ] {
            let rows = Rows::of(scope, is, of);
            assert_eq!((rows.owner(), rows.team()), (owner, seen), "{scope:?}");
            assert_eq!(rows.hold(None, None), scope == RowScope::All, "{scope:?}");
        }
    }
}
