//! Who may see which events. Pure.

use serde_json::Value;
use uuid::Uuid;

use crate::{
    access::{
        permission::{Permission, PermissionSet},
        rows::Rows,
    },
    types::{AgentId, TeamId},
};

/// The permission that lets a person see events of a type; those of the engine (`job.…`, `workflow.…`) are for
/// who may read jobs or workflows, and a type this build does not know is for nobody.
#[must_use]
pub fn needed(kind: &str) -> Option<Permission> {
    match kind.split('.').next()? {
        "message" => Some(Permission::MessagesRead),
        "lead" | "import" => Some(Permission::LeadsRead),
        "provider" => Some(Permission::ProvidersRead),
        "suppression" => Some(Permission::SuppressionsRead),
        "consent" => Some(Permission::ConsentsRead),
        "call" => Some(Permission::CallsRead),
        "agent" => Some(Permission::AgentsRead),
        "scoring_model" => Some(Permission::ScoringModelsRead),
        "campaign" => Some(Permission::CampaignsRead),
        "sequence" => Some(Permission::SequencesRead),
        "points" | "badge" | "tier" | "challenge" | "competition" | "reward" => {
            Some(Permission::GamificationRead)
        }
        "access" => Some(Permission::UsersRead),
        "erasure" | "subject_request" => Some(Permission::PrivacyRead),
        "webhook" => Some(Permission::WebhooksRead),
        "job" => Some(Permission::JobsRead),
        "workflow" => Some(Permission::WorkflowsRead),
        _ => None,
    }
}

/// Who hears of one event. It is read out of the event once, and asked for everybody who may hear of it.
///
/// Whose lead, call or message it is the event itself says, as of the moment in which it happened: whoever gets a lead later
/// does not hear of what was before, whoever had it hears of that again when they come back, and nothing of what comes after
/// but that it has gone: `former_agent_id` and `former_team_id` say whose it was. Points are heard of by the agent who has them
/// and by whoever sees that agent. Imports, jobs and workflows are about all
/// leads, and so is a message to nobody's lead or an event of a lead that was gone by then.
#[derive(Debug, Clone, Copy)]
pub struct Hearers {
    needed: Option<Permission>,
    about: About,
}

impl Hearers {
    /// Who hears of an event of this type with this body.
    #[must_use]
    pub fn of(kind: &str, body: &Value) -> Self {
        Self { needed: needed(kind), about: About::of(kind, body) }
    }

    /// Whether somebody does who has these rights and sees these leads.
    #[must_use]
    pub fn include(&self, grants: PermissionSet, rows: Rows) -> bool {
        self.needed.is_some_and(|needed| grants.contains(needed)) && self.about.is_seen(rows)
    }
}

/// What an event is about, as far as it matters for who hears of it.
#[derive(Debug, Clone, Copy)]
enum About {
    /// Everybody.
    Us,
    /// All leads at once.
    All,
    /// One lead, or what belongs to it: of its owner and team, and of those who have just lost it.
    One { has: (Option<AgentId>, Option<TeamId>), had: (Option<AgentId>, Option<TeamId>) },
}

impl About {
    fn of(kind: &str, body: &Value) -> Self {
        let of = |field: &str| body[field].as_str().and_then(|id| Uuid::try_parse(id).ok());
        match kind.split('.').next() {
            Some(
                "agent" | "access" | "scoring_model" | "provider" | "badge" | "tier" | "challenge"
                | "competition",
            ) => Self::Us,
            // Boards show sums to everybody; what each was given and gave is theirs, as where it is read.
            Some("points" | "reward") => {
                Self::One { has: (of("agent_id").map(AgentId), of("team_id").map(TeamId)), had: (None, None) }
            }
            Some("call" | "lead" | "message") => Self::One {
                has: (of("owner_id").map(AgentId), of("team_id").map(TeamId)),
                had: (of("former_agent_id").map(AgentId), of("former_team_id").map(TeamId)),
            },
            _ => Self::All,
        }
    }

    fn is_seen(self, rows: Rows) -> bool {
        match self {
            Self::Us => true,
            Self::All => rows == Rows::All,
            Self::One { has, had } => rows.hold(has.0, has.1) || rows.hold(had.0, had.1),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::events::EventType;

    fn is_seen(rows: Rows, kind: &str, body: &Value) -> bool {
        Hearers::of(kind, body).include(PermissionSet::all(), rows)
    }

    #[test]
    fn what_is_somebodys_is_heard_of_by_whoever_sees_it() {
        let (agent, team) = (AgentId(Uuid::from_u128(1)), TeamId(Uuid::from_u128(2)));
        let body = json!({ "owner_id": agent, "team_id": team });
        for (rows, seen) in [
            (Rows::All, true),
            (Rows::Team(team), true),
            (Rows::Team(TeamId(Uuid::from_u128(3))), false),
            (Rows::Own(Some(agent)), true),
            (Rows::Own(Some(AgentId(Uuid::from_u128(4)))), false),
            (Rows::Own(None), false),
        ] {
            for kind in [EventType::CallIncoming, EventType::LeadUpdated, EventType::MessageSent] {
                assert_eq!(is_seen(rows, kind.as_str(), &body), seen, "{rows:?} {kind:?}");
                assert_eq!(is_seen(rows, kind.as_str(), &json!({})), rows == Rows::All, "{rows:?} {kind:?}");
            }
            for kind in ["import.finished", "job.started", "workflow.failed"] {
                assert_eq!(is_seen(rows, kind, &body), rows == Rows::All, "{rows:?} {kind}");
            }
            assert!(is_seen(rows, EventType::AgentStatusChanged.as_str(), &json!({})), "{rows:?}");
        }
    }

    #[test]
    fn what_somebody_is_given_in_detail_is_heard_of_by_them_and_by_whoever_sees_them() {
        let (agent, team) = (AgentId(Uuid::from_u128(1)), TeamId(Uuid::from_u128(2)));
        let body = json!({ "agent_id": agent, "team_id": team });
        for (rows, seen) in [
            (Rows::All, true),
            (Rows::Team(team), true),
            (Rows::Team(TeamId(Uuid::from_u128(3))), false),
            (Rows::Own(Some(agent)), true),
            (Rows::Own(Some(AgentId(Uuid::from_u128(4)))), false),
            (Rows::Own(None), false),
        ] {
            for kind in [EventType::PointsAwarded, EventType::PointsReversed, EventType::RewardRedeemed] {
                assert_eq!(is_seen(rows, kind.as_str(), &body), seen, "{rows:?} {kind:?}");
            }
            for kind in [EventType::BadgeAwarded, EventType::TierAdvanced, EventType::ChallengeCompleted] {
                assert!(is_seen(rows, kind.as_str(), &body), "{rows:?} {kind:?}");
            }
        }
    }

    #[test]
    fn whoever_has_lost_something_hears_of_that() {
        let [former, owner] = [1, 2].map(|id| AgentId(Uuid::from_u128(id)));
        let [from, to] = [3, 4].map(|id| TeamId(Uuid::from_u128(id)));
        let body =
            json!({ "owner_id": owner, "team_id": to, "former_agent_id": former, "former_team_id": from });
        let nobodys = json!({ "owner_id": null, "team_id": to, "former_agent_id": former });
        for (rows, seen, also) in [
            (Rows::Own(Some(former)), true, true),
            (Rows::Own(Some(owner)), true, false),
            (Rows::Own(Some(AgentId(Uuid::from_u128(5)))), false, false),
            (Rows::Own(None), false, false),
            (Rows::Team(from), true, false),
            (Rows::Team(to), true, true),
            (Rows::Team(TeamId(Uuid::from_u128(6))), false, false),
        ] {
            assert_eq!(is_seen(rows, "lead.assigned", &body), seen, "{rows:?}");
            assert_eq!(is_seen(rows, "call.answered", &nobodys), also, "{rows:?}");
            assert!(!is_seen(rows, "import.finished", &body), "{rows:?}");
        }
    }
}
