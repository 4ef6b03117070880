//! How an agent is chosen, as people name it.

use serde::{Deserialize, Serialize};

use crate::types::{AgentId, SkillId, TeamId};

/// How the agent is chosen. Only those who are available, on shift and below their capacity are given leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// The team's agents in turn; into the team's queue when all hands are full.
    RoundRobin,
    /// The named agent.
    Direct,
    /// Into the team's queue, behind those who wait there; whoever has room is given the oldest.
    Team,
    /// Who was given nothing for the longest time.
    LongestIdle,
    /// Who has the smallest share of their capacity in use.
    LeastLoaded,
    /// Who is best at the skill, of the level asked for at least.
    Skill,
    /// The team's agents in turn, each as often as their weight says.
    Weighted,
}

impl Strategy {
    /// All of them, for reading what is stored.
    pub const ALL: [Self; 7] = [
        Self::RoundRobin,
        Self::Direct,
        Self::Team,
        Self::LongestIdle,
        Self::LeastLoaded,
        Self::Skill,
        Self::Weighted,
    ];

    /// As it is stored, and as the API names it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RoundRobin => "round_robin",
            Self::Direct => "direct",
            Self::Team => "team",
            Self::LongestIdle => "longest_idle",
            Self::LeastLoaded => "least_loaded",
            Self::Skill => "skill",
            Self::Weighted => "weighted",
        }
    }

    /// Reads what is stored; none for a name that this build does not know.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|strategy| strategy.as_str() == text)
    }
}

/// Whom leads go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    pub strategy: Strategy,
    pub team: Option<TeamId>,
    pub agent: Option<AgentId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skill: Option<SkillId>,
    /// 1 to 5; 1 if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_level: Option<i16>,
}

impl Target {
    /// What somebody asks for; nothing if no strategy is named, for then the rules decide.
    ///
    /// # Errors
    /// In words, if something is named that belongs to a strategy, and no strategy.
    pub fn asked(
        strategy: Option<Strategy>,
        team: Option<TeamId>,
        agent: Option<AgentId>,
        skill: Option<SkillId>,
        min_level: Option<i16>,
    ) -> Result<Option<Self>, &'static str> {
        match strategy {
            Some(strategy) => Ok(Some(Self { strategy, team, agent, skill, min_level })),
            None if team.is_none() && agent.is_none() && skill.is_none() && min_level.is_none() => Ok(None),
            None => Err("name the strategy too; without one the rules decide on everything"),
        }
    }

    /// The same of another team, or from its queue: there is no named agent any more, and no queue to wait in first.
    #[must_use]
    pub fn within(self, team: TeamId) -> Self {
        let strategy = match self.strategy {
            Strategy::Direct | Strategy::Team => Strategy::RoundRobin,
            other => other,
        };
        Self { strategy, team: Some(team), agent: None, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_again() {
        for strategy in Strategy::ALL {
            assert_eq!(Strategy::parse(strategy.as_str()), Some(strategy));
            assert_eq!(serde_json::to_value(strategy).expect("JSON"), strategy.as_str());
        }
    }
}
