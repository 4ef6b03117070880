//! What stands under House in the navigation, and what operators of the installation see.

use domain::access::permission::Permission as P;

use super::{
    Access::{Needs, Operator, SignedIn},
    Place, get, post,
};
use crate::{
    dashboard::pages::{api_keys, audit, installation, privacy, roles, settings, sockets, tenants, users},
    http::api::audit::{archives::download_archive, export::export_audit_logs},
};

/// Whose house it is.
pub(super) fn house() -> Vec<Place> {
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
pub(super) fn people_in() -> Vec<Place> {
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
pub(super) fn record() -> Vec<Place> {
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

/// What people ask for about their data.
pub(super) fn requests() -> Vec<Place> {
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

/// Sockets, of a tenant and of all.
pub(super) fn sockets() -> Vec<Place> {
    vec![
        get(Needs(P::NodesRead), "/ops/sockets", sockets::list).named("House", "Sockets", 'k'),
        get(Operator, "/ops/sockets/tenants", sockets::tenants).named("Installation", "All sockets", 'y'),
    ]
}

/// What a tenant has settled.
pub(super) fn settled() -> Vec<Place> {
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

/// The work of all tenants, for operators.
pub(super) fn installation() -> Vec<Place> {
    vec![get(Operator, "/ops/installation", installation::installation).named(
        "Installation",
        "All tenants",
        'i',
    )]
}
