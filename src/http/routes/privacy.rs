//! The rights of those whose data is kept.

use domain::access::permission::Permission as P;
use utoipa_axum::routes;

use super::{
    Access::{Needs, Public},
    Route,
};
use crate::http::api::{erasures, legal_holds, restrictions, retention, subject_access};

/// What people ask for about their data, and how long it is kept.
pub(super) fn privacy() -> Vec<Route> {
    vec![
        (Needs(P::PrivacyErase), routes!(erasures::ask_for_erasure)),
        (Needs(P::PrivacyRead), routes!(erasures::list_erasures)),
        (Needs(P::PrivacyRead), routes!(erasures::get_erasure)),
        (Needs(P::PrivacyErase), routes!(erasures::confirm_erasure)),
        (Needs(P::PrivacyErase), routes!(erasures::withdraw_erasure)),
        (Needs(P::PrivacyRead), routes!(erasures::get_erasure_certificate)),
        (Needs(P::PrivacyHold), routes!(legal_holds::place_legal_hold)),
        (Needs(P::PrivacyRead), routes!(legal_holds::list_legal_holds)),
        (Needs(P::PrivacyRead), routes!(legal_holds::get_legal_hold)),
        (Needs(P::PrivacyHold), routes!(legal_holds::release_legal_hold)),
        (Needs(P::PrivacyRestrict), routes!(restrictions::restrict)),
        (Needs(P::PrivacyRead), routes!(restrictions::list_restrictions)),
        (Needs(P::PrivacyRead), routes!(restrictions::get_restriction)),
        (Needs(P::PrivacyRestrict), routes!(restrictions::lift_restriction)),
        (Needs(P::PrivacyRectify), routes!(restrictions::rectify)),
        (Needs(P::PrivacyRead), routes!(restrictions::list_rectifications)),
        (Needs(P::PrivacyRead), routes!(restrictions::get_rectification)),
        (Needs(P::PrivacyRead), routes!(retention::get_retention)),
        (Needs(P::PrivacyRetention), routes!(retention::put_retention)),
        (Needs(P::PrivacyRead), routes!(retention::preview_retention)),
        (Needs(P::PrivacyAccess), routes!(subject_access::ask_for_access)),
        (Needs(P::PrivacyRead), routes!(subject_access::list_access_requests)),
        (Needs(P::PrivacyRead), routes!(subject_access::get_access_request)),
        (Needs(P::PrivacyAccess), routes!(subject_access::identify_asker)),
        (Needs(P::PrivacyAccess), routes!(subject_access::extend_access_request)),
        (Needs(P::PrivacyAccess), routes!(subject_access::refuse_access_request)),
        (Needs(P::PrivacyAccess), routes!(subject_access::export_again)),
        (Needs(P::PrivacyAccess), routes!(subject_access::get_export)),
        (Public, routes!(subject_access::fetch_export)),
    ]
}
