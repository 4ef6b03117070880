//! What may be done.

use std::fmt;

macro_rules! permissions {
    ($($variant:ident = $name:literal $about:literal),+ $(,)?) => {
        /// A right. The names are stable: API keys and roles store them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Permission {
            $(#[doc = $about] $variant),+
        }

        impl Permission {
            /// In the order of the bits of a [`PermissionSet`].
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable name, as roles and API keys store it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name),+
                }
            }

            /// What whoever holds it may do, as a phrase for people.
            #[must_use]
            pub fn about(self) -> &'static str {
                match self {
                    $(Self::$variant => $about),+
                }
            }
        }
    };
}

permissions! {
    TenantRead = "tenant:read" "see the tenant's settings",
    TenantWrite = "tenant:write" "change the tenant's settings",
    UsersRead = "users:read" "see users",
    UsersInvite = "users:invite" "make users and the links by which they choose a password",
    UsersDisable = "users:disable" "keep users out and let them in again",
    SessionsRead = "sessions:read" "see the sessions of others",
    SessionsEnd = "sessions:end" "end the sessions of others",
    SecondFactorsRemove = "second_factors:remove" "take the second factor of others away",
    ApiKeysRead = "api_keys:read" "see API keys, without their secrets",
    ApiKeysCreate = "api_keys:create" "make API keys",
    ApiKeysRevoke = "api_keys:revoke" "revoke API keys",
    RolesRead = "roles:read" "see roles",
    RolesWrite = "roles:write" "make and change roles",
    RolesDelete = "roles:delete" "delete roles",
    RolesAssign = "roles:assign" "give users another role",
    PersonalRead = "personal:read" "see names, numbers and addresses in full; without it they are masked",
    AuditRead = "audit:read" "read the audit log",
    AuditExport = "audit:export" "take the audit log out as a file",
    AuditVerify = "audit:verify" "check that the audit log is whole",
    AuditArchive = "audit:archive" "send old logs to the archive and bring them back from there",
    SecurityRead = "security:read" "see security events",
    ComplianceReport = "compliance:report" "see the report over a range of dates",
    KeysRead = "keys:read" "see which keys there are and how far their rotation has come, not the keys themselves",
    KeysRotate = "keys:rotate" "have the keys replaced that everything is encrypted by",
    ComplianceBreach = "compliance:breach" "see whose data was read, exported or changed between two moments, and by whom",
    ProcessingRead = "processing:read" "see the record of processing and take it out",
    ProcessingWrite = "processing:write" "add to the record of processing",
    TeamsRead = "teams:read" "see teams",
    TeamsWrite = "teams:write" "make teams and change them",
    TeamsDelete = "teams:delete" "delete teams",
    AgentsRead = "agents:read" "see agents, their shifts and what they can do",
    AgentsWrite = "agents:write" "make agents and change them, their shifts and what they can do",
    AgentsDelete = "agents:delete" "delete agents",
    AgentsStatus = "agents:status" "say whether an agent is available",
    SkillsRead = "skills:read" "see what agents can be good at",
    SkillsWrite = "skills:write" "say what agents can be good at",
    SkillsDelete = "skills:delete" "delete what agents can be good at",
    LeadsRead = "leads:read" "see leads",
    LeadsCreate = "leads:create" "make leads",
    LeadsWrite = "leads:write" "change leads",
    LeadsDelete = "leads:delete" "delete leads",
    LeadsMerge = "leads:merge" "make two leads one",
    LeadsImport = "leads:import" "import leads from a file",
    LeadsExport = "leads:export" "take leads out as a file; masked without personal:read",
    ActivitiesWrite = "activities:write" "write down what was done with a lead",
    AttributesRead = "attributes:read" "see what is said of attributes of leads",
    AttributesWrite = "attributes:write" "define attributes of leads",
    LeadsScore = "leads:score" "score leads",
    LeadsRoute = "leads:route" "route leads to agents",
    RoutingPreview = "routing:preview" "see where a lead would go, and why",
    RoutingRulesRead = "routing_rules:read" "see routing rules",
    RoutingRulesWrite = "routing_rules:write" "make, change, order and delete routing rules",
    AutomationRead = "automation:read" "see the queues of teams and the figures of scoring and routing",
    ScoringModelsRead = "scoring_models:read" "see scoring models and what they would change",
    ScoringModelsWrite = "scoring_models:write" "draft models, and have them learned from outcomes",
    ScoringModelsPublish = "scoring_models:publish" "have all leads scored by another model",
    ImportsRead = "imports:read" "see imports and what they refused",
    CallsRead = "calls:read" "see calls; numbers and notes by personal:read",
    CallsWrite = "calls:write" "begin calls, answer and end them, and say what they came to",
    CallSourcesRead = "call_sources:read" "see the phone systems that tell of calls, without their secrets",
    CallSourcesWrite = "call_sources:write" "let phone systems in, give them other secrets, and keep them out",
    ProvidersRead = "providers:read" "see providers, without their credentials",
    ProvidersWrite = "providers:write" "add providers, change them and take them away",
    ProvidersPause = "providers:pause" "pause providers and let them go on",
    TemplatesRead = "templates:read" "see templates",
    TemplatesWrite = "templates:write" "write templates",
    MessagesRead = "messages:read" "see messages and their status",
    MessagesSend = "messages:send" "send messages",
    MessagesCancel = "messages:cancel" "cancel messages that wait",
    MessagesSettle = "messages:settle" "say what became of messages of unknown fate",
    MessageStatsRead = "message_stats:read" "see the figures of all messages",
    MessagePolicyRead = "message_policy:read" "see quiet hours, caps and what asks for consent",
    MessagePolicyWrite = "message_policy:write" "set quiet hours, caps and what asks for consent",
    SuppressionsRead = "suppressions:read" "see which addresses are not written to",
    SuppressionsWrite = "suppressions:write" "keep addresses from being written to, and let them be again",
    ConsentsRead = "consents:read" "see what people have agreed to",
    ConsentsWrite = "consents:write" "record what people agree to and withdraw",
    PrivacyRead = "privacy:read" "see requests of people about their data, holds, restrictions and how long things are kept",
    PrivacyAccess = "privacy:access" "take up what people ask to see, and give them the files",
    PrivacyErase = "privacy:erase" "have people erased who ask for it",
    PrivacyHold = "privacy:hold" "keep people from being erased where a law says so, and let them go",
    PrivacyRestrict = "privacy:restrict" "restrict what is done with people's data, and lift that",
    PrivacyRectify = "privacy:rectify" "correct what people say is wrong",
    PrivacyRetention = "privacy:retention" "say how long things are kept",
    CampaignsRead = "campaigns:read" "see campaigns, who gets them, and what came of them",
    CampaignsWrite = "campaigns:write" "write campaigns, and try them out",
    CampaignsApprove = "campaigns:approve" "agree to campaigns that others wrote",
    CampaignsRun = "campaigns:run" "schedule campaigns, start, pause, resume and cancel them",
    SequencesRead = "sequences:read" "see sequences, who is on their way through them, and how they go",
    SequencesWrite = "sequences:write" "draft sequences",
    SequencesPublish = "sequences:publish" "publish sequences, pause them, let them go on, and archive them",
    SequencesEnrol = "sequences:enrol" "have leads enter sequences, and leave them",
    AnalyticsRead = "analytics:read" "see reports, trends and metrics of all leads, calls, messages and agents",
    AnalyticsRebuild = "analytics:rebuild" "have the figures counted anew",
    AnalyticsExport = "analytics:export" "take rows and reports out as files; masked without personal:read",
    SavedReportsWrite = "saved_reports:write" "save reports, and have them sent by e-mail",
    GamificationRead = "gamification:read" "see points, leaderboards, challenges, competitions, badges and rewards",
    GamificationPlay = "gamification:play" "join challenges, claim what they bring and redeem points, for oneself",
    GamificationAward = "gamification:award" "give points and badges by hand, take points back, and play for others",
    GamificationWrite = "gamification:write" "set up what points are given for and what they bring, and settle redemptions",
    DeliveriesRead = "deliveries:read" "see what the sandbox delivered, word for word",
    WebhooksRead = "webhooks:read" "see webhooks and what became of their deliveries, without their secrets",
    WebhooksWrite = "webhooks:write" "have events told to servers outside, change, test and replay that, and end it",
    JobsRead = "jobs:read" "see jobs",
    JobsCancel = "jobs:cancel" "cancel jobs",
    JobsRetry = "jobs:retry" "run jobs again",
    JobsDiscard = "jobs:discard" "discard jobs",
    JobsBulk = "jobs:bulk" "act on many jobs at once, as far as the single acts are allowed",
    QueuesRead = "queues:read" "see queues",
    QueuesPause = "queues:pause" "pause queues and let them go on",
    QueuesLimit = "queues:limit" "bound queues",
    NodesRead = "nodes:read" "see the processes that work",
    SchedulesRead = "schedules:read" "see schedules and when they ran",
    SchedulesWrite = "schedules:write" "make and change schedules",
    SchedulesDelete = "schedules:delete" "delete schedules",
    SchedulesPause = "schedules:pause" "pause schedules and let them go on",
    SchedulesRun = "schedules:run" "run a schedule now",
    WorkflowsRead = "workflows:read" "see workflows",
    WorkflowsStart = "workflows:start" "start workflows",
    WorkflowsCancel = "workflows:cancel" "stop workflows",
    WorkflowsRetry = "workflows:retry" "take workflows up again",
    WorkflowsSignal = "workflows:signal" "give workflows a signal",
    EventsRead = "events:read" "open sockets and hear what happens",
}

impl Permission {
    /// What it is about, as the first part of its name says.
    #[must_use]
    pub fn group(self) -> &'static str {
        self.as_str().split(':').next().unwrap_or_default()
    }

    /// Whether it destroys, gives rights, opens the house or shows what is private: the database is asked for it at
    /// each request.
    #[must_use]
    pub fn is_delicate(self) -> bool {
        let groups = [
            "tenant",
            "users",
            "sessions",
            "second_factors",
            "api_keys",
            "roles",
            "audit",
            "security",
            "compliance",
            "keys",
            "processing",
            "privacy",
        ];
        groups.contains(&self.group())
            || matches!(
                self,
                Self::TeamsDelete
                    | Self::AgentsDelete
                    | Self::SkillsDelete
                    | Self::LeadsDelete
                    | Self::LeadsMerge
                    | Self::LeadsExport
                    | Self::AnalyticsExport
                    | Self::SavedReportsWrite
                    | Self::AttributesWrite
                    | Self::CallSourcesWrite
                    | Self::ProvidersWrite
                    | Self::MessagePolicyWrite
                    | Self::SuppressionsWrite
                    | Self::MessagesSettle
                    | Self::WebhooksWrite
                    | Self::SchedulesDelete
                    | Self::JobsDiscard
                    | Self::JobsBulk
            )
    }

    /// The permission of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|permission| permission.as_str() == name)
    }
}

/// A set of permissions.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct PermissionSet(u128);

impl PermissionSet {
    /// Every permission: for the product itself.
    #[must_use]
    pub fn all() -> Self {
        Permission::ALL.iter().copied().collect()
    }

    /// Whether this one is in it; [`covers`](Self::covers) asks for several.
    #[must_use]
    pub fn contains(self, permission: Permission) -> bool {
        self.0 & (1 << permission as u8) != 0
    }

    /// Whether all of these are in it.
    #[must_use]
    pub fn covers(self, others: Self) -> bool {
        self.intersection(others) == others
    }

    /// A bit for each permission, by its place in this build's list.
    #[must_use]
    pub(super) fn bits(self) -> u128 {
        self.0
    }

    #[must_use]
    pub(super) fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    /// What is in either.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// As they are stored, in the order of [`Permission::ALL`].
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found_again() {
        assert!((51..=128).contains(&Permission::ALL.len()), "more than 50, and the set is 128 bits wide");
        for permission in Permission::ALL {
            assert_eq!(Permission::parse(permission.as_str()), Some(*permission));
        }
        assert_eq!(Permission::parse("leads:everything"), None);
        let all = PermissionSet::all();
        assert_eq!(PermissionSet::from_names(&all.names()), all);
    }

    #[test]
    fn the_database_is_asked_for_what_destroys_or_shows_what_is_private() {
        for (permission, delicate) in [
            (Permission::AttributesWrite, true),
            (Permission::LeadsMerge, true),
            (Permission::RolesWrite, true),
            (Permission::AttributesRead, false),
            (Permission::LeadsWrite, false),
        ] {
            assert_eq!(permission.is_delicate(), delicate, "{}", permission.as_str());
        }
    }
}
