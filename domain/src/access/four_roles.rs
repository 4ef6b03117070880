//! The four roles that every tenant starts with, and the page that says what they hold.

use super::{
    permission::{Permission, Permission as P, PermissionSet},
    rights::Rights,
    rows::RowScope,
};

/// What agents hold.
const AGENT: [P; 16] = [
    P::PersonalRead,
    P::TeamsRead,
    P::AgentsRead,
    P::AgentsStatus,
    P::SkillsRead,
    P::LeadsRead,
    P::LeadsCreate,
    P::LeadsWrite,
    P::ActivitiesWrite,
    P::AttributesRead,
    P::CallsRead,
    P::CallsWrite,
    P::TemplatesRead,
    P::GamificationRead,
    P::GamificationPlay,
    P::EventsRead,
];

/// What supervisors hold besides.
const SUPERVISOR: [P; 22] = [
    P::TenantRead,
    P::UsersRead,
    P::RolesRead,
    P::LeadsScore,
    P::LeadsRoute,
    P::RoutingPreview,
    P::RoutingRulesRead,
    P::AutomationRead,
    P::ScoringModelsRead,
    P::ImportsRead,
    P::MessagesRead,
    P::MessagesSend,
    P::MessagesCancel,
    P::MessagePolicyRead,
    P::SuppressionsRead,
    P::ConsentsRead,
    P::ConsentsWrite,
    P::SequencesRead,
    P::GamificationAward,
    P::DeliveriesRead,
    P::QueuesRead,
    P::SchedulesRead,
];

/// What managers hold besides.
const MANAGER: [P; 62] = [
    P::SessionsRead,
    P::ApiKeysRead,
    P::AuditRead,
    P::SecurityRead,
    P::ComplianceReport,
    P::TeamsWrite,
    P::TeamsDelete,
    P::AgentsWrite,
    P::AgentsDelete,
    P::SkillsWrite,
    P::SkillsDelete,
    P::LeadsDelete,
    P::LeadsMerge,
    P::LeadsImport,
    P::LeadsExport,
    P::AttributesWrite,
    P::RoutingRulesWrite,
    P::ScoringModelsWrite,
    P::ScoringModelsPublish,
    P::CallSourcesRead,
    P::CallSourcesWrite,
    P::ProvidersRead,
    P::ProvidersWrite,
    P::ProvidersPause,
    P::TemplatesWrite,
    P::MessagesSettle,
    P::MessageStatsRead,
    P::AnalyticsRead,
    P::MessagePolicyWrite,
    P::SuppressionsWrite,
    P::PrivacyRead,
    P::PrivacyRestrict,
    P::PrivacyRectify,
    P::CampaignsRead,
    P::CampaignsWrite,
    P::CampaignsApprove,
    P::CampaignsRun,
    P::SequencesWrite,
    P::SequencesPublish,
    P::SequencesEnrol,
    P::GamificationWrite,
    P::WebhooksRead,
    P::WebhooksWrite,
    P::JobsRead,
    P::JobsCancel,
    P::JobsRetry,
    P::JobsDiscard,
    P::JobsBulk,
    P::QueuesPause,
    P::QueuesLimit,
    P::NodesRead,
    P::SchedulesWrite,
    P::SchedulesDelete,
    P::SchedulesPause,
    P::SchedulesRun,
    P::WorkflowsRead,
    P::WorkflowsStart,
    P::WorkflowsCancel,
    P::WorkflowsRetry,
    P::WorkflowsSignal,
    P::AnalyticsExport,
    P::SavedReportsWrite,
];

/// The roles a tenant starts with, the most powerful first.
#[must_use]
pub fn default_roles() -> [(&'static str, Rights); 4] {
    let agent: PermissionSet = AGENT.into_iter().collect();
    let supervisor = agent.union(SUPERVISOR.into_iter().collect());
    let manager = supervisor.union(MANAGER.into_iter().collect());
    [
        ("Admin", Rights { permissions: PermissionSet::all(), scope: RowScope::All }),
        ("Manager", Rights { permissions: manager, scope: RowScope::All }),
        ("Supervisor", Rights { permissions: supervisor, scope: RowScope::Team }),
        ("Agent", Rights { permissions: agent, scope: RowScope::Own }),
    ]
}

/// Who holds what, as a page for people: kept in `docs/permissions.md`, so that a change is seen in review.
#[must_use]
pub fn page() -> String {
    let roles = default_roles();
    let names: Vec<&str> = roles.iter().map(|(name, _)| *name).collect();
    let rule = "---|".repeat(roles.len());
    let intro = "# Who may do what\n\nWhat the four roles hold that every tenant has. Made by `./x prepare`; a tenant may \
                 make roles of its own\nunder `/api/v1/compliance/roles`.\n\nA role also says whose leads it is about, \
                 with what belongs to them: all, those of the team\nof the agent behind the user, or the agent's own.";
    let scopes = roles.map(|(_, held)| held.scope.as_str());
    let seen = format!("\n| | {} |\n|---|{rule}\n| leads | {} |", names.join(" | "), scopes.join(" | "));
    let mut lines = vec![intro.to_owned(), seen];
    let mut group = "";
    for permission in Permission::ALL {
        if permission.group() != group {
            group = permission.group();
            lines.push(format!("\n## {group}\n\n| | | {} |\n|---|---|{rule}", names.join(" | ")));
        }
        let holds = roles.map(|(_, held)| if held.permissions.contains(*permission) { "yes" } else { "" });
        lines.push(format!("| `{}` | {} | {} |", permission.as_str(), permission.about(), holds.join(" | ")));
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_says_who_holds_what() {
        let kept = include_str!("../../../docs/permissions.md");
        assert!(
            page() == kept,
            "docs/permissions.md is stale: run `./x prepare`, and look at what has changed"
        );
    }

    #[test]
    fn each_role_holds_what_the_next_one_holds() {
        let roles = default_roles();
        for pair in roles.windows(2) {
            assert!(pair[0].1.covers(pair[1].1), "{} over {}", pair[0].0, pair[1].0);
            assert_ne!(pair[0].1, pair[1].1);
        }
        assert!(!roles[3].1.permissions.contains(Permission::LeadsDelete));
    }
}
