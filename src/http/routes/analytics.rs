//! Figures, reports and files.

use domain::access::permission::Permission as P;
use utoipa_axum::routes;

use super::{
    Access::{Needs, Public},
    Route,
};
use crate::http::api::{analytics, analytics_exports, saved_reports};

/// What the work comes to.
pub(super) fn analytics() -> Vec<Route> {
    vec![
        (Needs(P::AnalyticsRead), routes!(analytics::make_report)),
        (Needs(P::AnalyticsRead), routes!(analytics::list_reports)),
        (Needs(P::AnalyticsRead), routes!(analytics::get_report)),
        (Needs(P::AnalyticsRead), routes!(analytics::get_trend)),
        (Needs(P::AnalyticsRead), routes!(analytics::get_metrics)),
        (Needs(P::AnalyticsRebuild), routes!(analytics::rebuild_figures)),
    ]
}

/// Rows and reports as files, and reports that are sent.
pub(super) fn exports() -> Vec<Route> {
    vec![
        (Needs(P::AnalyticsExport), routes!(analytics_exports::begin_export)),
        (Needs(P::AnalyticsExport), routes!(analytics_exports::list_exports)),
        (Needs(P::AnalyticsExport), routes!(analytics_exports::get_analytics_export)),
        (Needs(P::AnalyticsExport), routes!(analytics_exports::create_file_link)),
        (Needs(P::AnalyticsExport), routes!(analytics_exports::delete_analytics_export)),
        (Public, routes!(analytics_exports::fetch_file)),
        (Needs(P::SavedReportsWrite), routes!(saved_reports::create_saved_report)),
        (Needs(P::AnalyticsRead), routes!(saved_reports::list_saved_reports)),
        (Needs(P::AnalyticsRead), routes!(saved_reports::get_saved_report)),
        (Needs(P::SavedReportsWrite), routes!(saved_reports::replace_saved_report)),
        (Needs(P::SavedReportsWrite), routes!(saved_reports::delete_saved_report)),
        (Needs(P::SavedReportsWrite), routes!(saved_reports::send_saved_report)),
        (Needs(P::AnalyticsRead), routes!(saved_reports::list_report_deliveries)),
    ]
}
