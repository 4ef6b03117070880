//! The table of pages: one line for each path, with the right it needs and its place in the navigation.

use std::sync::{Arc, LazyLock};

use axum::{
    handler::Handler,
    routing::{self, MethodRouter},
};
use domain::access::permission::Permission as P;

use super::pages::{
    account, api_keys, audit, campaigns, dead_letters, door, home, installation, jobs, leads, messages,
    overview, play, preferences, privacy, queues, reports, roles, schedules, sequences, settings, sockets,
    tenants, users, workers, workflows,
};
use crate::http::{
    App,
    api::{
        audit::{archives::download_archive, export::export_audit_logs},
        sockets::create_ticket,
    },
    routes::Access::{self, Needs, Operator, Public, SignedIn},
};

/// A path with what answers it.
pub struct Place {
    pub access: Access,
    pub path: &'static str,
    pub methods: MethodRouter<Arc<App>>,
    named: Option<(&'static str, &'static str, char)>,
    shown_to: &'static [P],
    to_operators: bool,
}

/// An entry of the navigation.
#[derive(Debug, Clone)]
pub struct Entry {
    pub group: &'static str,
    pub label: &'static str,
    pub path: &'static str,
    /// `g`, then this key, leads there.
    pub key: char,
    /// Any one of these; nothing where there is none.
    needs: Vec<P>,
    to_operators: bool,
    only_operators: bool,
}

impl Entry {
    /// Whether whoever holds this may see it, or operates the installation.
    #[must_use]
    pub fn is_for(&self, holds: impl Fn(P) -> bool, operates: bool) -> bool {
        let held = self.needs.is_empty() || self.needs.iter().any(|permission| holds(*permission));
        (held && !self.only_operators) || (self.to_operators && operates)
    }
}

impl Place {
    /// Puts it into the navigation.
    fn named(self, group: &'static str, label: &'static str, key: char) -> Self {
        Self { named: Some((group, label, key)), ..self }
    }

    /// Has the navigation show it to whoever holds one of these, where the path itself asks for no single one.
    fn shown_to(self, any_of: &'static [P]) -> Self {
        Self { shown_to: any_of, ..self }
    }

    /// And to operators of the installation, whether they look into a tenant or not.
    fn and_operators(self) -> Self {
        Self { to_operators: true, ..self }
    }
}

fn get<H: Handler<T, Arc<App>>, T: 'static>(access: Access, path: &'static str, handler: H) -> Place {
    Place { access, path, methods: routing::get(handler), named: None, shown_to: &[], to_operators: false }
}

fn post<H: Handler<T, Arc<App>>, T: 'static>(access: Access, path: &'static str, handler: H) -> Place {
    Place { access, path, methods: routing::post(handler), named: None, shown_to: &[], to_operators: false }
}

/// Every path there is.
#[must_use]
pub fn table() -> Vec<Place> {
    let begin = [entrance(), beginning()];
    let work = [work(), machinery(), runs(), figures()];
    let people = [people(), mailings(), games()];
    let house = [house(), people_in(), record(), requests(), sockets(), settled(), own(), installation()];
    begin.into_iter().chain(work).chain(people).chain(house).flatten().collect()
}

/// Coming in, going out, and how it looks.
fn entrance() -> Vec<Place> {
    vec![
        get(SignedIn, "/ops", home::open),
        get(Public, "/ops/login", door::form),
        post(Public, "/ops/login", door::enter),
        post(Public, "/ops/login/code", door::enter_by_code),
        post(Public, "/ops/login/operator", door::enter_operator),
        post(SignedIn, "/ops/logout", door::leave),
        post(SignedIn, "/ops/look", door::look),
        post(Needs(P::EventsRead), "/ops/tickets", create_ticket),
        post(Public, "/ops/theme", preferences::theme),
        get(SignedIn, "/ops/{*rest}", home::nowhere),
    ]
}

/// What is done, and by whom.
fn work() -> Vec<Place> {
    vec![
        get(Needs(P::JobsRead), "/ops/jobs", jobs::list::list).named("Work", "Jobs", 'j'),
        get(Needs(P::JobsRead), "/ops/jobs/fresh", jobs::list::fresh),
        post(Needs(P::JobsBulk), "/ops/jobs/bulk", jobs::bulk::preview),
        post(Needs(P::JobsBulk), "/ops/jobs/bulk/run", jobs::bulk::run),
        get(Needs(P::JobsRead), "/ops/jobs/{id}", jobs::one::show_job),
        post(Needs(P::JobsCancel), "/ops/jobs/{id}/cancel", jobs::one::cancel),
        post(Needs(P::JobsRetry), "/ops/jobs/{id}/retry", jobs::one::retry),
        post(Needs(P::JobsDiscard), "/ops/jobs/{id}/discard", jobs::one::discard),
    ]
}

/// Procedures of many steps.
fn runs() -> Vec<Place> {
    vec![
        get(Needs(P::WorkflowsRead), "/ops/workflows", workflows::list::list).named("Work", "Workflows", 'f'),
        get(Needs(P::WorkflowsRead), "/ops/workflows/{id}", workflows::one::show_run),
        post(Needs(P::WorkflowsCancel), "/ops/workflows/{id}/cancel", workflows::one::cancel),
        post(Needs(P::WorkflowsRetry), "/ops/workflows/{id}/retry", workflows::one::retry),
        post(Needs(P::WorkflowsSignal), "/ops/workflows/{id}/signal", workflows::one::signal),
    ]
}

/// What is sent to many: campaigns and sequences.
fn mailings() -> Vec<Place> {
    vec![
        get(Needs(P::CampaignsRead), "/ops/campaigns", campaigns::list::list).named(
            "People",
            "Campaigns",
            'c',
        ),
        get(Needs(P::CampaignsRead), "/ops/campaigns/{id}", campaigns::one::show_campaign),
        get(Needs(P::CampaignsRead), "/ops/campaigns/{id}/bar", campaigns::list::bar),
        get(Needs(P::CampaignsRead), "/ops/campaigns/{id}/runs", campaigns::runs::list),
        get(Needs(P::CampaignsRead), "/ops/campaigns/{id}/recipients", campaigns::recipients::list),
        get(Needs(P::CampaignsRead), "/ops/campaigns/{id}/recipients/file", campaigns::recipients::file),
        post(Needs(P::CampaignsApprove), "/ops/campaigns/{id}/approve", campaigns::steer::approve),
        post(Needs(P::CampaignsApprove), "/ops/campaigns/{id}/reject", campaigns::steer::reject),
        post(Needs(P::CampaignsRun), "/ops/campaigns/{id}/schedule", campaigns::steer::schedule),
        post(Needs(P::CampaignsRun), "/ops/campaigns/{id}/start", campaigns::steer::start),
        post(Needs(P::CampaignsRun), "/ops/campaigns/{id}/pause", campaigns::steer::pause),
        post(Needs(P::CampaignsRun), "/ops/campaigns/{id}/resume", campaigns::steer::resume),
        post(Needs(P::CampaignsRun), "/ops/campaigns/{id}/cancel", campaigns::steer::cancel),
        get(Needs(P::SequencesRead), "/ops/sequences", sequences::list::list).named(
            "People",
            "Sequences",
            'n',
        ),
        get(Needs(P::SequencesRead), "/ops/sequences/{id}", sequences::one::show_sequence),
        post(Needs(P::SequencesPublish), "/ops/sequences/{id}/pause", sequences::one::pause),
        post(Needs(P::SequencesPublish), "/ops/sequences/{id}/resume", sequences::one::resume),
        post(Needs(P::SequencesPublish), "/ops/sequences/{id}/archive", sequences::one::archive),
        get(Needs(P::SequencesRead), "/ops/sequences/enrolments/{id}", sequences::enrolment::show_enrolment),
        post(Needs(P::SequencesEnrol), "/ops/sequences/enrolments/{id}/leave", sequences::one::leave),
    ]
}

/// Points, and what comes of points.
fn games() -> Vec<Place> {
    vec![
        get(Needs(P::GamificationRead), "/ops/play", play::board::board).named("People", "Play", 'z'),
        get(Needs(P::GamificationRead), "/ops/play/challenges", play::challenges::list),
        post(Needs(P::GamificationWrite), "/ops/play/challenges", play::challenges::make),
        get(Needs(P::GamificationRead), "/ops/play/challenges/{id}", play::challenges::show_challenge),
        post(Needs(P::GamificationPlay), "/ops/play/challenges/{id}/join", play::challenges::join),
        post(Needs(P::GamificationPlay), "/ops/play/challenges/{id}/claim", play::challenges::claim),
        post(Needs(P::GamificationWrite), "/ops/play/challenges/{id}/delete", play::challenges::delete),
        get(Needs(P::GamificationRead), "/ops/play/competitions", play::competitions::list),
        post(Needs(P::GamificationWrite), "/ops/play/competitions", play::competitions::make),
        get(Needs(P::GamificationRead), "/ops/play/competitions/{id}", play::competitions::show_competition),
        post(Needs(P::GamificationWrite), "/ops/play/competitions/{id}/close", play::competitions::close),
        post(Needs(P::GamificationWrite), "/ops/play/competitions/{id}/cancel", play::competitions::cancel),
        get(Needs(P::GamificationRead), "/ops/play/rewards", play::rewards::list),
        post(Needs(P::GamificationWrite), "/ops/play/rewards", play::rewards::make),
        post(Needs(P::GamificationPlay), "/ops/play/rewards/{id}/redeem", play::rewards::redeem),
        get(Needs(P::GamificationRead), "/ops/play/redemptions", play::rewards::redemptions),
        post(Needs(P::GamificationWrite), "/ops/play/redemptions/{id}/fulfil", play::rewards::fulfil),
        post(Needs(P::GamificationWrite), "/ops/play/redemptions/{id}/cancel", play::rewards::cancel),
    ]
}

/// Sockets, of a tenant and of all.
fn sockets() -> Vec<Place> {
    vec![
        get(Needs(P::NodesRead), "/ops/sockets", sockets::list).named("House", "Sockets", 'k'),
        get(Operator, "/ops/sockets/tenants", sockets::tenants).named("Installation", "All sockets", 'y'),
    ]
}

/// How all of it is.
fn beginning() -> Vec<Place> {
    vec![get(Needs(P::JobsRead), "/ops/overview", overview::overview).named("Work", "Overview", 'o')]
}

/// What the work waits in, runs on, and begins by; and what was given up.
fn machinery() -> Vec<Place> {
    vec![
        get(Needs(P::QueuesRead), "/ops/queues", queues::list::list).named("Work", "Queues", 'q'),
        get(Needs(P::QueuesRead), "/ops/queues/{name}", queues::one::show_queue),
        post(Needs(P::QueuesPause), "/ops/queues/{name}/pause", queues::steer::pause),
        post(Needs(P::QueuesPause), "/ops/queues/{name}/resume", queues::steer::resume),
        post(Needs(P::QueuesLimit), "/ops/queues/{name}/limit", queues::steer::limit),
        get(Needs(P::NodesRead), "/ops/workers", workers::list).named("Work", "Workers", 'w'),
        get(Needs(P::SchedulesRead), "/ops/schedules", schedules::list::list).named("Work", "Schedules", 's'),
        get(Needs(P::SchedulesRead), "/ops/schedules/{id}", schedules::one::show_schedule),
        post(Needs(P::SchedulesPause), "/ops/schedules/{id}/pause", schedules::steer::pause),
        post(Needs(P::SchedulesPause), "/ops/schedules/{id}/resume", schedules::steer::resume),
        post(Needs(P::SchedulesRun), "/ops/schedules/{id}/run", schedules::steer::run),
        get(Needs(P::JobsRead), "/ops/dead-letters", dead_letters::list::list).named(
            "Work",
            "Dead letters",
            'd',
        ),
    ]
}

/// What all of it comes to.
fn figures() -> Vec<Place> {
    vec![
        get(Needs(P::AnalyticsRead), "/ops/reports", reports::list::list).named("Work", "Reports", 'r'),
        get(Needs(P::AnalyticsRead), "/ops/reports/{kind}", reports::one::show_report),
        post(Needs(P::AnalyticsExport), "/ops/reports/{kind}/file", reports::files::write),
        get(Needs(P::AnalyticsRead), "/ops/reports/trends", reports::trends::show_trends),
        post(Needs(P::SavedReportsWrite), "/ops/reports/saved", reports::draft::make),
        get(Needs(P::SavedReportsWrite), "/ops/reports/saved/new", reports::draft::form),
        get(Needs(P::AnalyticsRead), "/ops/reports/saved/{id}", reports::saved::show_saved),
        post(Needs(P::SavedReportsWrite), "/ops/reports/saved/{id}", reports::draft::replace),
        get(Needs(P::SavedReportsWrite), "/ops/reports/saved/{id}/edit", reports::draft::edit),
        post(Needs(P::SavedReportsWrite), "/ops/reports/saved/{id}/send", reports::saved::send_now),
        post(Needs(P::SavedReportsWrite), "/ops/reports/saved/{id}/delete", reports::saved::delete),
        get(Needs(P::AnalyticsExport), "/ops/reports/files", reports::files::list),
        get(Needs(P::AnalyticsExport), "/ops/reports/files/{id}", reports::files::show_file),
        post(Needs(P::AnalyticsExport), "/ops/reports/files/{id}/link", reports::files::link),
        post(Needs(P::AnalyticsExport), "/ops/reports/files/{id}/delete", reports::files::delete),
    ]
}

/// The work of all tenants, for operators.
fn installation() -> Vec<Place> {
    vec![get(Operator, "/ops/installation", installation::installation).named(
        "Installation",
        "All tenants",
        'i',
    )]
}

/// Who is dealt with, and what is sent to them.
fn people() -> Vec<Place> {
    vec![
        get(Needs(P::LeadsRead), "/ops/leads", leads::list::list).named("People", "Leads", 'l'),
        get(Needs(P::LeadsRead), "/ops/leads/{id}", leads::one::show_lead),
        post(Needs(P::LeadsScore), "/ops/leads/{id}/score", leads::act::score),
        post(Needs(P::LeadsRoute), "/ops/leads/{id}/route", leads::act::route),
        post(Needs(P::ActivitiesWrite), "/ops/leads/{id}/note", leads::act::note),
        post(Needs(P::LeadsWrite), "/ops/leads/{id}/status", leads::act::status),
        post(Needs(P::PrivacyRestrict), "/ops/leads/{id}/restrict", leads::act::restrict),
        post(Needs(P::PrivacyHold), "/ops/leads/{id}/hold", leads::act::hold),
        post(Needs(P::LeadsDelete), "/ops/leads/{id}/delete", leads::act::delete),
        get(Needs(P::MessagesRead), "/ops/messages", messages::list::list).named("People", "Messages", 'm'),
        get(Needs(P::MessagesRead), "/ops/messages/{id}", messages::one::show_message),
        post(Needs(P::MessagesCancel), "/ops/messages/{id}/cancel", messages::one::cancel),
        post(Needs(P::MessagesSettle), "/ops/messages/{id}/settle", messages::one::settle),
        get(Needs(P::DeliveriesRead), "/ops/outbox", messages::outbox::list).named("People", "Outbox", 'b'),
    ]
}

/// What people ask for about their data.
fn requests() -> Vec<Place> {
    vec![
        get(Needs(P::PrivacyRead), "/ops/privacy", privacy::list::list).named("House", "Privacy", 'p'),
        post(Needs(P::PrivacyAccess), "/ops/privacy/access", privacy::ask::access),
        get(Needs(P::PrivacyRead), "/ops/privacy/access/{id}", privacy::access::show_request),
        post(Needs(P::PrivacyAccess), "/ops/privacy/access/{id}/identity", privacy::access::identify),
        post(Needs(P::PrivacyAccess), "/ops/privacy/access/{id}/extension", privacy::access::extend),
        post(Needs(P::PrivacyAccess), "/ops/privacy/access/{id}/refusal", privacy::access::refuse),
        post(Needs(P::PrivacyAccess), "/ops/privacy/access/{id}/export", privacy::access::export),
        post(Needs(P::PrivacyAccess), "/ops/privacy/access/{id}/link", privacy::access::link),
        post(Needs(P::PrivacyErase), "/ops/privacy/erasures", privacy::ask::erasure),
        get(Needs(P::PrivacyRead), "/ops/privacy/erasures/{id}", privacy::erasures::show_erasure),
        post(Needs(P::PrivacyErase), "/ops/privacy/erasures/{id}/identity", privacy::erasures::identify),
        post(Needs(P::PrivacyErase), "/ops/privacy/erasures/{id}/withdraw", privacy::erasures::withdraw),
        get(
            Needs(P::PrivacyRead),
            "/ops/privacy/erasures/{id}/certificate",
            privacy::certificate::show_certificate,
        ),
        get(
            Needs(P::PrivacyRead),
            "/ops/privacy/erasures/{id}/certificate.json",
            privacy::certificate::download,
        ),
        get(Needs(P::PrivacyRead), "/ops/privacy/restrictions/{id}", privacy::standing::show_restriction),
        post(Needs(P::PrivacyRestrict), "/ops/privacy/restrictions/{id}/lift", privacy::standing::lift),
        get(Needs(P::PrivacyRead), "/ops/privacy/holds/{id}", privacy::standing::show_hold),
        post(Needs(P::PrivacyHold), "/ops/privacy/holds/{id}/release", privacy::standing::release),
    ]
}

/// Whose house it is.
fn house() -> Vec<Place> {
    vec![
        get(SignedIn, "/ops/tenants", tenants::list::list)
            .named("House", "Tenants", 't')
            .shown_to(&[P::TenantRead])
            .and_operators(),
        get(SignedIn, "/ops/tenants/{slug}", tenants::one::show_tenant),
        post(Operator, "/ops/tenants/{slug}/limits", tenants::one::limit),
        post(Operator, "/ops/tenants/{slug}/suspend", tenants::one::suspend),
        post(Operator, "/ops/tenants/{slug}/readmit", tenants::one::readmit),
    ]
}

/// Who may come in, and what they may do.
fn people_in() -> Vec<Place> {
    vec![
        get(Needs(P::UsersRead), "/ops/users", users::list::list).named("House", "Users", 'u'),
        get(Needs(P::UsersInvite), "/ops/users/new", users::invite::form),
        post(Needs(P::UsersInvite), "/ops/users/new", users::invite::make),
        get(Needs(P::UsersRead), "/ops/users/{id}", users::one::show_user),
        post(Needs(P::RolesAssign), "/ops/users/{id}/role", users::change::give_role),
        post(Needs(P::UsersDisable), "/ops/users/{id}/lock", users::change::lock),
        post(Needs(P::UsersDisable), "/ops/users/{id}/unlock", users::change::unlock),
        post(Needs(P::SessionsEnd), "/ops/users/{id}/sessions/end", users::change::end_sessions),
        post(
            Needs(P::SecondFactorsRemove),
            "/ops/users/{id}/second-factor/remove",
            users::change::remove_factor,
        ),
        post(Needs(P::UsersInvite), "/ops/users/{id}/password-link", users::invite::link),
        get(Needs(P::RolesRead), "/ops/roles", roles::list::list),
        get(Needs(P::RolesWrite), "/ops/roles/new", roles::change::form),
        post(Needs(P::RolesWrite), "/ops/roles/new", roles::change::make),
        get(Needs(P::RolesRead), "/ops/roles/{id}", roles::one::show_role),
        post(Needs(P::RolesWrite), "/ops/roles/{id}", roles::change::replace),
        post(Needs(P::RolesDelete), "/ops/roles/{id}/delete", roles::change::delete),
        get(Needs(P::ApiKeysRead), "/ops/api-keys", api_keys::list),
        get(Needs(P::ApiKeysCreate), "/ops/api-keys/new", api_keys::form),
        post(Needs(P::ApiKeysCreate), "/ops/api-keys/new", api_keys::make),
        get(Needs(P::ApiKeysRead), "/ops/api-keys/{id}", api_keys::show_key),
        post(Needs(P::ApiKeysRevoke), "/ops/api-keys/{id}/revoke", api_keys::revoke),
    ]
}

/// What was done, by whom.
fn record() -> Vec<Place> {
    vec![
        get(Needs(P::AuditRead), "/ops/audit", audit::list::list).named("House", "Audit", 'a'),
        get(Needs(P::AuditExport), "/ops/audit/export", export_audit_logs),
        get(Needs(P::AuditRead), "/ops/audit/chain", audit::chain::show_chain),
        post(Needs(P::AuditVerify), "/ops/audit/chain", audit::chain::verify),
        get(Needs(P::AuditRead), "/ops/audit/archives", audit::archives::list),
        post(Needs(P::AuditArchive), "/ops/audit/archives", audit::archives::preview),
        post(Needs(P::AuditArchive), "/ops/audit/archives/run", audit::archives::run),
        get(Needs(P::AuditRead), "/ops/audit/archives/{id}", audit::archive::show_archive),
        get(Needs(P::AuditExport), "/ops/audit/archives/{id}/file", download_archive),
        post(Needs(P::AuditArchive), "/ops/audit/archives/{id}/restore", audit::archive::restore_it),
        post(Needs(P::AuditArchive), "/ops/audit/archives/{id}/release", audit::archive::release),
        get(Needs(P::AuditRead), "/ops/audit/{id}", audit::one::show_entry),
    ]
}

/// What a tenant has settled.
fn settled() -> Vec<Place> {
    vec![
        get(SignedIn, "/ops/settings", settings::open)
            .named("House", "Settings", 'e')
            .shown_to(&settings::READS),
        get(Needs(P::TenantRead), "/ops/settings/general", settings::general::show_settings),
        post(Needs(P::TenantWrite), "/ops/settings/general", settings::general::change),
        get(Needs(P::MessagePolicyRead), "/ops/settings/sending", settings::sending::show_policy),
        post(Needs(P::MessagePolicyWrite), "/ops/settings/sending", settings::sending::put),
        get(Needs(P::PrivacyRead), "/ops/settings/retention", settings::retention::show_rules),
        post(Needs(P::PrivacyRetention), "/ops/settings/retention", settings::retention::preview),
        post(Needs(P::PrivacyRetention), "/ops/settings/retention/apply", settings::retention::apply),
        get(Needs(P::ProvidersRead), "/ops/settings/providers", settings::providers::list),
        get(Needs(P::ProvidersRead), "/ops/settings/providers/{id}", settings::providers::show_provider),
        post(Needs(P::ProvidersPause), "/ops/settings/providers/{id}/pause", settings::providers::pause),
        post(Needs(P::ProvidersPause), "/ops/settings/providers/{id}/resume", settings::providers::resume),
        post(Needs(P::ProvidersWrite), "/ops/settings/providers/{id}/verify", settings::providers::verify),
        get(Needs(P::KeysRead), "/ops/settings/keys", settings::keys::show_keys),
        post(Needs(P::KeysRotate), "/ops/settings/keys", settings::keys::rotate),
        get(Needs(P::WebhooksRead), "/ops/settings/webhooks", settings::webhooks::list),
        get(Needs(P::WebhooksRead), "/ops/settings/webhooks/{id}", settings::webhook::show_webhook),
        post(Needs(P::WebhooksWrite), "/ops/settings/webhooks/{id}/enable", settings::webhook::enable),
        post(Needs(P::WebhooksWrite), "/ops/settings/webhooks/{id}/disable", settings::webhook::disable),
        post(Needs(P::WebhooksWrite), "/ops/settings/webhooks/{id}/test", settings::webhook::test),
        post(Needs(P::WebhooksWrite), "/ops/settings/webhooks/{id}/replay", settings::webhook::replay),
        post(Needs(P::WebhooksWrite), "/ops/settings/webhooks/{id}/delete", settings::webhook::delete),
    ]
}

/// What everybody settles about themselves.
fn own() -> Vec<Place> {
    vec![
        get(SignedIn, "/ops/account", account::show_account),
        post(SignedIn, "/ops/account/zone", preferences::zone),
        post(SignedIn, "/ops/account/sessions/end", account::end_sessions),
        get(SignedIn, "/ops/account/password", account::password::form),
        post(SignedIn, "/ops/account/password", account::password::change),
        get(SignedIn, "/ops/account/second-factor", account::second_factor::form),
        post(SignedIn, "/ops/account/second-factor", account::second_factor::offer),
        post(SignedIn, "/ops/account/second-factor/confirm", account::second_factor::confirm),
        post(SignedIn, "/ops/account/second-factor/remove", account::second_factor::remove),
        get(Public, "/ops/password", account::password::by_link),
        post(Public, "/ops/password", account::password::set_by_link),
    ]
}

/// The navigation, in the order of the table.
pub static NAVIGATION: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let entry = |place: Place| {
        let (group, label, key) = place.named?;
        let needs = match place.access {
            Access::Needs(permission) => vec![permission],
            _ => place.shown_to.to_vec(),
        };
        let only_operators = matches!(place.access, Access::Operator);
        let to_operators = place.to_operators || only_operators;
        Some(Entry { group, label, path: place.path, key, needs, to_operators, only_operators })
    };
    table().into_iter().filter_map(entry).collect()
});

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_entry_of_the_navigation_has_a_key_of_its_own() {
        let keys: BTreeSet<char> = NAVIGATION.iter().map(|entry| entry.key).collect();
        assert_eq!(keys.len(), NAVIGATION.len());
    }
}
