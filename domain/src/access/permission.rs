//! What may be done, and the four roles every tenant starts with.

use std::fmt;

macro_rules! permissions {
    ($($variant:ident = $name:literal),+ $(,)?) => {
        /// A right. The names are stable: API keys and roles store them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Permission {
            $($variant),+
        }

        impl Permission {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name),+
                }
            }
        }
    };
}

permissions! {
    UsersRead = "users:read",
    UsersWrite = "users:write",
    ApiKeysRead = "api_keys:read",
    ApiKeysWrite = "api_keys:write",
    RolesRead = "roles:read",
    RolesWrite = "roles:write",
    AuditRead = "audit:read",
    TeamsRead = "teams:read",
    TeamsWrite = "teams:write",
    AgentsRead = "agents:read",
    AgentsWrite = "agents:write",
    AgentsStatus = "agents:status",
    LeadsRead = "leads:read",
    LeadsWrite = "leads:write",
    LeadsDelete = "leads:delete",
    LeadsImport = "leads:import",
    LeadsScore = "leads:score",
    LeadsRoute = "leads:route",
    ProvidersRead = "providers:read",
    ProvidersWrite = "providers:write",
    TemplatesRead = "templates:read",
    TemplatesWrite = "templates:write",
    MessagesRead = "messages:read",
    MessagesSend = "messages:send",
    JobsRead = "jobs:read",
    JobsManage = "jobs:manage",
    QueuesRead = "queues:read",
    QueuesManage = "queues:manage",
    NodesRead = "nodes:read",
    SchedulesRead = "schedules:read",
    SchedulesWrite = "schedules:write",
    WorkflowsRead = "workflows:read",
    WorkflowsWrite = "workflows:write",
    EventsRead = "events:read",
}

impl Permission {
    /// What it is about, as the first part of its name says.
    #[must_use]
    pub fn group(self) -> &'static str {
        self.as_str().split(':').next().unwrap_or_default()
    }

    /// The permission of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|permission| permission.as_str() == name)
    }
}

/// A set of permissions.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct PermissionSet(u128);

impl PermissionSet {
    /// Every permission: for the product itself.
    #[must_use]
    pub fn all() -> Self {
        Permission::ALL.iter().copied().collect()
    }

    #[must_use]
    pub fn contains(self, permission: Permission) -> bool {
        self.0 & (1 << permission as u8) != 0
    }

    /// What a stored role holds: one of the four what this build says of it, so that what a build adds reaches
    /// them all; one of the tenant's own what was written down.
    #[must_use]
    pub fn of_role(name: &str, built_in: bool, stored: &[String]) -> Self {
        if !built_in {
            return Self::from_names(stored);
        }
        default_roles().iter().find(|(of, _)| *of == name).map_or_else(Self::default, |(_, held)| *held)
    }

    /// Whether all of these are in it.
    #[must_use]
    pub fn covers(self, others: Self) -> bool {
        self.intersection(others) == others
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    #[must_use]
    pub fn names(self) -> Vec<String> {
        Permission::ALL.iter().filter(|p| self.contains(**p)).map(|p| p.as_str().to_owned()).collect()
    }

    /// Reads stored names; one that this build does not know gives no right.
    #[must_use]
    pub fn from_names(names: &[String]) -> Self {
        names.iter().filter_map(|name| Permission::parse(name)).collect()
    }
}

impl FromIterator<Permission> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(permissions.into_iter().fold(0, |set, permission| set | 1 << permission as u8))
    }
}

impl fmt::Debug for PermissionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

/// The roles a tenant starts with, the most powerful first.
#[must_use]
pub fn default_roles() -> [(&'static str, PermissionSet); 4] {
    use Permission as P;
    let agent = [
        P::TeamsRead,
        P::AgentsRead,
        P::AgentsStatus,
        P::LeadsRead,
        P::LeadsWrite,
        P::TemplatesRead,
        P::EventsRead,
    ];
    let supervisor = [
        P::UsersRead,
        P::RolesRead,
        P::LeadsScore,
        P::LeadsRoute,
        P::MessagesRead,
        P::MessagesSend,
        P::JobsRead,
        P::QueuesRead,
        P::SchedulesRead,
        P::WorkflowsRead,
    ];
    let manager = [
        P::TeamsWrite,
        P::AgentsWrite,
        P::LeadsDelete,
        P::LeadsImport,
        P::ProvidersRead,
        P::ProvidersWrite,
        P::TemplatesWrite,
        P::ApiKeysRead,
        P::AuditRead,
        P::JobsManage,
        P::QueuesManage,
        P::NodesRead,
        P::SchedulesWrite,
        P::WorkflowsWrite,
    ];
    let agent: PermissionSet = agent.into_iter().collect();
    let supervisor = PermissionSet(agent.0 | PermissionSet::from_iter(supervisor).0);
    let manager = PermissionSet(supervisor.0 | PermissionSet::from_iter(manager).0);
    [("Admin", PermissionSet::all()), ("Manager", manager), ("Supervisor", supervisor), ("Agent", agent)]
}

/// Who holds what, as a page for people: kept in `docs/permissions.md`, so that a change is seen in review.
#[must_use]
pub fn page() -> String {
    let roles = default_roles();
    let names: Vec<&str> = roles.iter().map(|(name, _)| *name).collect();
    let intro = "# Who may do what\n\nWhat the four roles hold that every tenant has. Made by `./x prepare`; a tenant may \
                 make roles of its own\nunder `/api/v1/compliance/roles`.";
    let mut lines = vec![intro.to_owned()];
    let mut group = "";
    for permission in Permission::ALL {
        if permission.group() != group {
            group = permission.group();
            let rule = "---|".repeat(roles.len());
            lines.push(format!("\n## {group}\n\n| | {} |\n|---|{rule}", names.join(" | ")));
        }
        let holds = roles.map(|(_, held)| if held.contains(*permission) { "yes" } else { "" });
        lines.push(format!("| `{}` | {} |", permission.as_str(), holds.join(" | ")));
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found_again() {
        assert!(Permission::ALL.len() <= 128, "the set is 128 bits wide");
        for permission in Permission::ALL {
            assert_eq!(Permission::parse(permission.as_str()), Some(*permission));
        }
        assert_eq!(Permission::parse("leads:everything"), None);
        let all = PermissionSet::all();
        assert_eq!(PermissionSet::from_names(&all.names()), all);
    }

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
            assert_eq!(pair[0].1.intersection(pair[1].1), pair[1].1, "{} over {}", pair[0].0, pair[1].0);
            assert_ne!(pair[0].1, pair[1].1);
        }
        assert!(!roles[3].1.contains(Permission::LeadsDelete));
    }
}
