//! Who may come in.

use domain::access::permission::Permission as P;
use utoipa_axum::routes;

use super::{
    Access::{Needs, Operator, Public, SignedIn},
    Route,
};
use crate::http::api::{access, audit, keys, processing, roles, second_factor, sessions, tenants};

/// Who may come in, what they may do, and the record of it.
pub(super) fn access() -> Vec<Route> {
    vec![
        (Public, routes!(sessions::login)),
        (Public, routes!(sessions::refresh)),
        (Public, routes!(sessions::set_password)),
        (SignedIn, routes!(sessions::change_password)),
        (Needs(P::UsersInvite), routes!(sessions::create_password_link)),
        (SignedIn, routes!(second_factor::offer_second_factor)),
        (SignedIn, routes!(second_factor::confirm_second_factor)),
        (SignedIn, routes!(second_factor::remove_own_second_factor)),
        (Needs(P::SecondFactorsRemove), routes!(second_factor::remove_second_factor)),
        (SignedIn, routes!(sessions::log_out)),
        (SignedIn, routes!(sessions::list_sessions)),
        (SignedIn, routes!(sessions::end_sessions)),
        (SignedIn, routes!(sessions::end_session)),
        (SignedIn, routes!(access::me)),
        (Needs(P::TenantRead), routes!(tenants::get_own_tenant)),
        (Needs(P::TenantWrite), routes!(tenants::change_own_tenant)),
        (Operator, routes!(tenants::create_tenant)),
        (Operator, routes!(tenants::list_tenants)),
        (Operator, routes!(tenants::get_tenant)),
        (Operator, routes!(tenants::change_tenant)),
        (Needs(P::UsersInvite), routes!(access::create_user)),
        (Needs(P::UsersRead), routes!(access::list_users)),
        (SignedIn, routes!(access::get_user)),
        (SignedIn, routes!(access::change_user)),
        (SignedIn, routes!(roles::list_permissions)),
        (Needs(P::RolesWrite), routes!(roles::create_role)),
        (Needs(P::RolesRead), routes!(roles::list_roles)),
        (Needs(P::RolesRead), routes!(roles::get_role)),
        (Needs(P::RolesWrite), routes!(roles::replace_role)),
        (Needs(P::RolesDelete), routes!(roles::delete_role)),
        (Needs(P::ApiKeysCreate), routes!(access::create_api_key)),
        (Needs(P::ApiKeysRead), routes!(access::list_api_keys)),
        (Needs(P::ApiKeysRead), routes!(access::get_api_key)),
        (Needs(P::ApiKeysRevoke), routes!(access::revoke_api_key)),
        (Needs(P::AuditRead), routes!(audit::list_audit_logs)),
        (Needs(P::SecurityRead), routes!(audit::list_security_events)),
        (Needs(P::AuditRead), routes!(audit::audit_summary)),
        (Needs(P::AuditExport), routes!(audit::export::export_audit_logs)),
        (Needs(P::AuditVerify), routes!(audit::verify::verify_audit_logs)),
        (Needs(P::AuditArchive), routes!(audit::archives::archive_audit_logs)),
        (Needs(P::AuditRead), routes!(audit::archives::list_archives)),
        (Needs(P::AuditRead), routes!(audit::archives::get_archive)),
        (Needs(P::AuditRead), routes!(audit::archives::list_archive_entries)),
        (Needs(P::AuditExport), routes!(audit::archives::download_archive)),
        (Needs(P::AuditArchive), routes!(audit::archives::restore_archive)),
        (Needs(P::AuditArchive), routes!(audit::archives::release_archive)),
        (Needs(P::ComplianceReport), routes!(audit::report::compliance_report)),
        (Needs(P::KeysRead), routes!(keys::list_keys)),
        (Needs(P::KeysRotate), routes!(keys::rotate_keys)),
        (Needs(P::KeysRead), routes!(keys::list_key_rotations)),
        (Needs(P::KeysRead), routes!(keys::get_key_rotation)),
        (Needs(P::ComplianceBreach), routes!(processing::look_at_breach)),
        (Needs(P::ComplianceBreach), routes!(processing::list_breach_people)),
        (Needs(P::ProcessingRead), routes!(processing::get_processing_record)),
        (Needs(P::ProcessingWrite), routes!(processing::put_processing_record)),
        (Needs(P::ProcessingRead), routes!(processing::export_processing_record)),
    ]
}
