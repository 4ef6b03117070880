//! Leads: what is known of them, how promising they are, and whom they go to.

use domain::access::permission::Permission as P;
use utoipa_axum::routes;

use super::{Access::Needs, Route};
use crate::http::api::{
    activities, attributes, import_rows, imports, lead_actions, lead_export, leads, merges, routing,
    routing_rules, scores, scoring_models, tags,
};

/// Leads, what is known of them, and where they come from.
pub(super) fn leads() -> Vec<Route> {
    vec![
        (Needs(P::LeadsCreate), routes!(leads::create_lead)),
        (Needs(P::LeadsRead), routes!(leads::list_leads)),
        (Needs(P::LeadsRead), routes!(leads::get_lead)),
        (Needs(P::LeadsWrite), routes!(leads::change_lead)),
        (Needs(P::LeadsDelete), routes!(leads::delete_lead)),
        (Needs(P::LeadsWrite), routes!(lead_actions::act_on_leads)),
        (Needs(P::LeadsExport), routes!(lead_export::export_leads)),
        (Needs(P::LeadsRead), routes!(merges::list_duplicates)),
        (Needs(P::LeadsMerge), routes!(merges::merge_leads)),
        (Needs(P::LeadsWrite), routes!(tags::add_tags)),
        (Needs(P::LeadsWrite), routes!(tags::remove_tag)),
        (Needs(P::ActivitiesWrite), routes!(activities::create_activity)),
        (Needs(P::LeadsRead), routes!(activities::list_activities)),
        (Needs(P::AttributesWrite), routes!(attributes::create_attribute)),
        (Needs(P::AttributesRead), routes!(attributes::list_attributes)),
        (Needs(P::AttributesRead), routes!(attributes::get_attribute)),
        (Needs(P::AttributesWrite), routes!(attributes::replace_attribute)),
        (Needs(P::AttributesWrite), routes!(attributes::delete_attribute)),
        (Needs(P::LeadsImport), routes!(imports::create_import)),
        (Needs(P::ImportsRead), routes!(imports::list_imports)),
        (Needs(P::ImportsRead), routes!(imports::get_import)),
        (Needs(P::ImportsRead), routes!(import_rows::list_import_rows)),
        (Needs(P::ImportsRead), routes!(import_rows::export_import_rows)),
    ]
}

/// How promising leads are.
pub(super) fn scoring() -> Vec<Route> {
    vec![
        (Needs(P::LeadsScore), routes!(scores::score_leads)),
        (Needs(P::LeadsRead), routes!(scores::list_ranked_leads)),
        (Needs(P::LeadsRead), routes!(scores::list_scores)),
        (Needs(P::ScoringModelsWrite), routes!(scoring_models::create_scoring_model)),
        (Needs(P::ScoringModelsRead), routes!(scoring_models::list_scoring_models)),
        (Needs(P::ScoringModelsRead), routes!(scoring_models::get_scoring_model)),
        (Needs(P::ScoringModelsWrite), routes!(scoring_models::replace_scoring_model)),
        (Needs(P::ScoringModelsWrite), routes!(scoring_models::delete_scoring_model)),
        (Needs(P::ScoringModelsRead), routes!(scoring_models::preview_scoring_model)),
        (Needs(P::ScoringModelsPublish), routes!(scoring_models::publish_scoring_model)),
        (Needs(P::ScoringModelsWrite), routes!(scoring_models::fit_scoring_model)),
    ]
}

/// Whom leads go to, and what waits.
pub(super) fn routing() -> Vec<Route> {
    vec![
        (Needs(P::LeadsRoute), routes!(routing::route_leads)),
        (Needs(P::RoutingPreview), routes!(routing::preview_route)),
        (Needs(P::AutomationRead), routes!(routing::list_team_queues)),
        (Needs(P::AutomationRead), routes!(routing::list_waiting_leads)),
        (Needs(P::AutomationRead), routes!(routing::list_waiting_calls)),
        (Needs(P::AutomationRead), routes!(routing::automation_metrics)),
        (Needs(P::RoutingRulesWrite), routes!(routing_rules::create_routing_rule)),
        (Needs(P::RoutingRulesRead), routes!(routing_rules::list_routing_rules)),
        (Needs(P::RoutingRulesWrite), routes!(routing_rules::order_routing_rules)),
        (Needs(P::RoutingRulesRead), routes!(routing_rules::get_routing_rule)),
        (Needs(P::RoutingRulesWrite), routes!(routing_rules::replace_routing_rule)),
        (Needs(P::RoutingRulesWrite), routes!(routing_rules::delete_routing_rule)),
    ]
}
