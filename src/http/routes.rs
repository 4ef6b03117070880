//! The route table: one line for each route, with the right it needs.

use std::sync::Arc;

use domain::access::permission::Permission as P;
use utoipa_axum::{router::UtoipaMethodRouter, routes};

use super::{
    App,
    api::{
        abilities, access, activities, agents, analytics, analytics_exports, attributes, audit, call_sources,
        callbacks, calls, campaign_recipients, campaign_steering, campaigns, consents, erasures,
        gamification::{badges, boards, challenges, competitions, points, rewards, rules, tiers},
        import_rows, imports, inbound, job_actions, jobs, keys, lead_actions, lead_export, leads,
        legal_holds, merges, message_policy, message_stats, messages, ops, processing, provider_callbacks,
        providers, queues, restrictions, retention, roles, routing, routing_rules, saved_reports, schedules,
        scores, scoring_models, second_factor, sequence_enrolments, sequences, sessions, skills, sockets,
        subject_access, suppressions, tags, teams, templates, tenants, unsubscribe, webhook_deliveries,
        webhooks, workflows,
    },
    openapi,
};

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Public,
    /// Whoever signs what they send: the handler looks, and counts whose signature does not hold.
    Signed,
    /// Anyone with a valid token or key; the command decides about the rest.
    SignedIn,
    Needs(P),
    /// Operators of the installation, and nobody of a tenant.
    Operator,
}
use Access::{Needs, Operator, Public, Signed, SignedIn};

type Route = (Access, UtoipaMethodRouter<Arc<App>>);

/// Every route there is.
#[must_use]
pub fn table() -> Vec<Route> {
    [
        process(),
        access(),
        people(),
        business(),
        wishes(),
        calls(),
        outside(),
        campaigns(),
        sequences(),
        analytics(),
        games(),
        prizes(),
        scoring(),
        routing(),
        exports(),
        work(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The process itself, and sockets.
fn process() -> Vec<Route> {
    vec![
        (Public, routes!(ops::livez)),
        (Public, routes!(ops::readyz)),
        (Public, routes!(ops::version)),
        (Public, routes!(ops::metrics)),
        (Public, routes!(openapi::document)),
        (Public, routes!(sockets::asyncapi_document)),
        (Needs(P::EventsRead), routes!(sockets::create_ticket)),
        (Public, routes!(sockets::open)),
        (Needs(P::NodesRead), routes!(sockets::socket_stats)),
    ]
}

/// Rows and reports as files, and reports that are sent.
fn exports() -> Vec<Route> {
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

/// Who may come in, what they may do, and the record of it.
fn access() -> Vec<Route> {
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

/// Who takes calls and leads, and when.
fn people() -> Vec<Route> {
    vec![
        (Needs(P::TeamsWrite), routes!(teams::create_team)),
        (Needs(P::TeamsRead), routes!(teams::list_teams)),
        (Needs(P::TeamsRead), routes!(teams::get_team)),
        (Needs(P::TeamsWrite), routes!(teams::change_team)),
        (Needs(P::TeamsDelete), routes!(teams::delete_team)),
        (Needs(P::AgentsWrite), routes!(agents::create_agent)),
        (Needs(P::AgentsRead), routes!(agents::list_agents)),
        (Needs(P::AgentsRead), routes!(agents::get_agent)),
        (Needs(P::AgentsStatus), routes!(agents::change_agent)),
        (Needs(P::AgentsStatus), routes!(agents::set_agent_status)),
        (Needs(P::AgentsDelete), routes!(agents::delete_agent)),
        (Needs(P::AgentsRead), routes!(abilities::get_agent_skills)),
        (Needs(P::AgentsWrite), routes!(abilities::put_agent_skills)),
        (Needs(P::AgentsRead), routes!(abilities::get_agent_capacities)),
        (Needs(P::AgentsWrite), routes!(abilities::put_agent_capacities)),
        (Needs(P::AgentsRead), routes!(abilities::get_agent_shifts)),
        (Needs(P::AgentsWrite), routes!(abilities::put_agent_shifts)),
        (Needs(P::SkillsWrite), routes!(skills::create_skill)),
        (Needs(P::SkillsRead), routes!(skills::list_skills)),
        (Needs(P::SkillsRead), routes!(skills::get_skill)),
        (Needs(P::SkillsWrite), routes!(skills::replace_skill)),
        (Needs(P::SkillsDelete), routes!(skills::delete_skill)),
    ]
}

/// Leads, and what is sent to them.
fn business() -> Vec<Route> {
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
        (Needs(P::ProvidersWrite), routes!(providers::create_provider)),
        (Needs(P::ProvidersRead), routes!(providers::list_providers)),
        (Needs(P::ProvidersRead), routes!(providers::get_provider)),
        (Needs(P::ProvidersWrite), routes!(providers::change_provider)),
        (Needs(P::ProvidersWrite), routes!(providers::delete_provider)),
        (Needs(P::ProvidersWrite), routes!(providers::verify_provider)),
        (Needs(P::ProvidersPause), routes!(providers::pause_provider)),
        (Needs(P::ProvidersPause), routes!(providers::resume_provider)),
        (Needs(P::TemplatesWrite), routes!(templates::create_template)),
        (Needs(P::TemplatesRead), routes!(templates::list_templates)),
        (Needs(P::TemplatesRead), routes!(templates::preview_template)),
        (Needs(P::TemplatesRead), routes!(templates::get_template)),
        (Needs(P::TemplatesWrite), routes!(templates::replace_template)),
        (Needs(P::TemplatesWrite), routes!(templates::archive_template)),
        (Needs(P::MessagesSend), routes!(messages::send_message)),
        (Needs(P::MessagesSend), routes!(messages::send_messages)),
        (Needs(P::MessagesRead), routes!(messages::list_messages)),
        (Needs(P::MessagesRead), routes!(messages::list_message_statuses)),
        (Needs(P::MessagesRead), routes!(messages::get_message)),
        (Needs(P::MessagesCancel), routes!(messages::cancel_message)),
        (Needs(P::MessagesSettle), routes!(messages::resolve_message)),
        (Needs(P::MessageStatsRead), routes!(message_stats::message_stats)),
        (Needs(P::DeliveriesRead), routes!(messages::list_deliveries)),
        (Needs(P::MessagesRead), routes!(inbound::list_inbound_messages)),
        (Needs(P::MessagesRead), routes!(inbound::get_inbound_message)),
        (Signed, routes!(provider_callbacks::provider_callback)),
        (Signed, routes!(provider_callbacks::provider_challenge)),
    ]
}

/// What people want to hear, and what they do not.
fn wishes() -> Vec<Route> {
    vec![
        (Needs(P::MessagePolicyRead), routes!(message_policy::get_message_policy)),
        (Needs(P::MessagePolicyWrite), routes!(message_policy::put_message_policy)),
        (Needs(P::SuppressionsWrite), routes!(suppressions::create_suppression)),
        (Needs(P::SuppressionsRead), routes!(suppressions::list_suppressions)),
        (Needs(P::SuppressionsRead), routes!(suppressions::get_suppression)),
        (Needs(P::SuppressionsWrite), routes!(suppressions::delete_suppression)),
        (Needs(P::ConsentsWrite), routes!(consents::record_consent)),
        (Needs(P::ConsentsRead), routes!(consents::list_consents)),
        (Needs(P::ConsentsRead), routes!(consents::consent_history)),
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
        (Public, routes!(unsubscribe::unsubscribe_page)),
        (Public, routes!(unsubscribe::unsubscribe)),
    ]
}

/// Calls, and who tells of them.
fn calls() -> Vec<Route> {
    vec![
        (Needs(P::CallsWrite), routes!(calls::create_call)),
        (Needs(P::CallsRead), routes!(calls::list_calls)),
        (Needs(P::CallsRead), routes!(calls::get_call)),
        (Needs(P::CallsWrite), routes!(calls::change_call)),
        (Needs(P::CallsWrite), routes!(calls::ring_call)),
        (Needs(P::CallsWrite), routes!(calls::answer_call)),
        (Needs(P::CallsWrite), routes!(calls::end_call)),
        (Needs(P::CallsWrite), routes!(calls::dispose_of_call)),
        (Needs(P::CallSourcesWrite), routes!(call_sources::create_call_source)),
        (Needs(P::CallSourcesRead), routes!(call_sources::list_call_sources)),
        (Needs(P::CallSourcesRead), routes!(call_sources::get_call_source)),
        (Needs(P::CallSourcesWrite), routes!(call_sources::change_call_source)),
        (Needs(P::CallSourcesWrite), routes!(call_sources::rotate_call_source)),
        (Needs(P::CallSourcesWrite), routes!(call_sources::delete_call_source)),
        (Signed, routes!(callbacks::call_callback)),
    ]
}

/// Servers outside that are told of events.
fn outside() -> Vec<Route> {
    vec![
        (Needs(P::WebhooksWrite), routes!(webhooks::create_webhook)),
        (Needs(P::WebhooksRead), routes!(webhooks::list_webhooks)),
        (Needs(P::WebhooksRead), routes!(webhooks::get_webhook)),
        (Needs(P::WebhooksWrite), routes!(webhooks::change_webhook)),
        (Needs(P::WebhooksWrite), routes!(webhooks::rotate_webhook)),
        (Needs(P::WebhooksWrite), routes!(webhooks::enable_webhook)),
        (Needs(P::WebhooksWrite), routes!(webhooks::disable_webhook)),
        (Needs(P::WebhooksWrite), routes!(webhooks::delete_webhook)),
        (Needs(P::WebhooksWrite), routes!(webhooks::test_webhook)),
        (Needs(P::WebhooksWrite), routes!(webhooks::replay_webhook)),
        (Needs(P::WebhooksRead), routes!(webhook_deliveries::list_webhook_deliveries)),
        (Needs(P::WebhooksRead), routes!(webhook_deliveries::list_deliveries_of_webhook)),
        (Needs(P::WebhooksRead), routes!(webhook_deliveries::get_webhook_delivery)),
        (Needs(P::WebhooksWrite), routes!(webhook_deliveries::replay_webhook_delivery)),
    ]
}

/// What many leads get.
fn campaigns() -> Vec<Route> {
    vec![
        (Needs(P::CampaignsRun), routes!(campaign_steering::schedule_campaign)),
        (Needs(P::CampaignsWrite), routes!(campaigns::create_campaign)),
        (Needs(P::CampaignsRead), routes!(campaigns::list_campaigns)),
        (Needs(P::CampaignsRead), routes!(campaigns::preview_campaign)),
        (Needs(P::CampaignsRead), routes!(campaigns::get_campaign)),
        (Needs(P::CampaignsWrite), routes!(campaigns::replace_campaign)),
        (Needs(P::CampaignsRun), routes!(campaign_steering::start_campaign)),
        (Needs(P::CampaignsRun), routes!(campaign_steering::pause_campaign)),
        (Needs(P::CampaignsRun), routes!(campaign_steering::resume_campaign)),
        (Needs(P::CampaignsRun), routes!(campaign_steering::cancel_campaign)),
        (Needs(P::CampaignsApprove), routes!(campaign_steering::approve_campaign)),
        (Needs(P::CampaignsApprove), routes!(campaign_steering::reject_campaign)),
        (Needs(P::CampaignsRead), routes!(campaigns::preview_saved_campaign)),
        (Needs(P::CampaignsWrite), routes!(campaigns::test_send_campaign)),
        (Needs(P::CampaignsRead), routes!(campaigns::campaign_progress)),
        (Needs(P::CampaignsRead), routes!(campaigns::list_campaign_runs)),
        (Needs(P::CampaignsRead), routes!(campaign_recipients::list_recipients)),
        (Needs(P::CampaignsRead), routes!(campaign_recipients::export_recipients)),
    ]
}

/// What leads get one after the other.
fn sequences() -> Vec<Route> {
    vec![
        (Needs(P::SequencesWrite), routes!(sequences::create_sequence)),
        (Needs(P::SequencesRead), routes!(sequences::list_sequences)),
        (Needs(P::SequencesRead), routes!(sequence_enrolments::list_enrolments)),
        (Needs(P::SequencesRead), routes!(sequence_enrolments::get_enrolment)),
        (Needs(P::SequencesEnrol), routes!(sequence_enrolments::leave_sequence)),
        (Needs(P::SequencesRead), routes!(sequences::get_sequence)),
        (Needs(P::SequencesWrite), routes!(sequences::replace_sequence)),
        (Needs(P::SequencesWrite), routes!(sequences::delete_sequence)),
        (Needs(P::SequencesPublish), routes!(sequences::publish_sequence)),
        (Needs(P::SequencesPublish), routes!(sequences::pause_sequence)),
        (Needs(P::SequencesPublish), routes!(sequences::resume_sequence)),
        (Needs(P::SequencesPublish), routes!(sequences::archive_sequence)),
        (Needs(P::SequencesRead), routes!(sequences::list_sequence_versions)),
        (Needs(P::SequencesRead), routes!(sequences::sequence_progress)),
        (Needs(P::SequencesEnrol), routes!(sequence_enrolments::create_enrolment)),
        (Needs(P::SequencesEnrol), routes!(sequences::empty_sequence)),
    ]
}

/// What the work comes to.
fn analytics() -> Vec<Route> {
    vec![
        (Needs(P::AnalyticsRead), routes!(analytics::make_report)),
        (Needs(P::AnalyticsRead), routes!(analytics::list_reports)),
        (Needs(P::AnalyticsRead), routes!(analytics::get_report)),
        (Needs(P::AnalyticsRead), routes!(analytics::get_trend)),
        (Needs(P::AnalyticsRead), routes!(analytics::get_metrics)),
        (Needs(P::AnalyticsRebuild), routes!(analytics::rebuild_figures)),
    ]
}

/// Points, and what is played for.
fn games() -> Vec<Route> {
    vec![
        (Needs(P::GamificationWrite), routes!(rules::create_point_rule)),
        (Needs(P::GamificationRead), routes!(rules::list_point_rules)),
        (Needs(P::GamificationRead), routes!(rules::get_point_rule)),
        (Needs(P::GamificationWrite), routes!(rules::replace_point_rule)),
        (Needs(P::GamificationWrite), routes!(rules::delete_point_rule)),
        (Needs(P::GamificationAward), routes!(points::give_points)),
        (Needs(P::GamificationAward), routes!(points::list_points)),
        (Needs(P::GamificationRead), routes!(points::list_point_history)),
        (Needs(P::GamificationRead), routes!(points::get_points)),
        (Needs(P::GamificationAward), routes!(points::reverse_points)),
        (Needs(P::GamificationRead), routes!(boards::leaderboard)),
        (Needs(P::GamificationRead), routes!(boards::game_stats)),
        (Needs(P::GamificationWrite), routes!(challenges::create_challenge)),
        (Needs(P::GamificationRead), routes!(challenges::list_challenges)),
        (Needs(P::GamificationRead), routes!(challenges::list_active_challenges)),
        (Needs(P::GamificationRead), routes!(challenges::get_challenge)),
        (Needs(P::GamificationWrite), routes!(challenges::replace_challenge)),
        (Needs(P::GamificationWrite), routes!(challenges::delete_challenge)),
        (Needs(P::GamificationPlay), routes!(challenges::join_challenge)),
        (Needs(P::GamificationPlay), routes!(challenges::leave_challenge)),
        (Needs(P::GamificationPlay), routes!(challenges::claim_challenge)),
        (Needs(P::GamificationRead), routes!(challenges::challenge_progress)),
        (Needs(P::GamificationWrite), routes!(competitions::create_competition)),
        (Needs(P::GamificationRead), routes!(competitions::list_competitions)),
        (Needs(P::GamificationRead), routes!(competitions::competition_leaderboard)),
        (Needs(P::GamificationRead), routes!(competitions::get_competition)),
        (Needs(P::GamificationWrite), routes!(competitions::replace_competition)),
        (Needs(P::GamificationWrite), routes!(competitions::join_competition)),
        (Needs(P::GamificationWrite), routes!(competitions::close_competition)),
        (Needs(P::GamificationWrite), routes!(competitions::cancel_competition)),
        (Needs(P::GamificationRead), routes!(competitions::list_contributions)),
    ]
}

/// What points bring.
fn prizes() -> Vec<Route> {
    vec![
        (Needs(P::GamificationWrite), routes!(tiers::create_tier)),
        (Needs(P::GamificationRead), routes!(tiers::list_tiers)),
        (Needs(P::GamificationRead), routes!(tiers::get_tier)),
        (Needs(P::GamificationWrite), routes!(tiers::replace_tier)),
        (Needs(P::GamificationWrite), routes!(tiers::delete_tier)),
        (Needs(P::GamificationWrite), routes!(badges::create_badge)),
        (Needs(P::GamificationRead), routes!(badges::list_badges)),
        (Needs(P::GamificationRead), routes!(badges::list_badge_awards)),
        (Needs(P::GamificationRead), routes!(badges::get_badge)),
        (Needs(P::GamificationWrite), routes!(badges::replace_badge)),
        (Needs(P::GamificationWrite), routes!(badges::delete_badge)),
        (Needs(P::GamificationAward), routes!(badges::award_badge)),
        (Needs(P::GamificationWrite), routes!(rewards::create_reward)),
        (Needs(P::GamificationRead), routes!(rewards::list_rewards)),
        (Needs(P::GamificationRead), routes!(rewards::get_reward)),
        (Needs(P::GamificationWrite), routes!(rewards::replace_reward)),
        (Needs(P::GamificationWrite), routes!(rewards::delete_reward)),
        (Needs(P::GamificationPlay), routes!(rewards::redeem_reward)),
        (Needs(P::GamificationRead), routes!(rewards::list_redemptions)),
        (Needs(P::GamificationRead), routes!(rewards::get_redemption)),
        (Needs(P::GamificationWrite), routes!(rewards::fulfil_redemption)),
        (Needs(P::GamificationWrite), routes!(rewards::cancel_redemption)),
    ]
}

/// How promising leads are.
fn scoring() -> Vec<Route> {
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
fn routing() -> Vec<Route> {
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

/// Jobs, schedules and workflows.
fn work() -> Vec<Route> {
    vec![
        (Needs(P::JobsRead), routes!(jobs::list_jobs)),
        (Needs(P::JobsRead), routes!(jobs::get_job)),
        (Needs(P::JobsBulk), routes!(job_actions::act_on_jobs)),
        (Needs(P::JobsCancel), routes!(jobs::cancel_job)),
        (Needs(P::JobsRetry), routes!(jobs::retry_job)),
        (Needs(P::JobsDiscard), routes!(jobs::discard_job)),
        (SignedIn, routes!(jobs::get_operation)),
        (Needs(P::QueuesRead), routes!(queues::list_queues)),
        (Needs(P::QueuesPause), routes!(queues::pause_queue)),
        (Needs(P::QueuesPause), routes!(queues::resume_queue)),
        (Needs(P::QueuesLimit), routes!(queues::limit_queue)),
        (Needs(P::NodesRead), routes!(queues::list_nodes)),
        (Needs(P::SchedulesWrite), routes!(schedules::create_schedule)),
        (Needs(P::SchedulesRead), routes!(schedules::list_schedules)),
        (Needs(P::SchedulesRead), routes!(schedules::preview_schedule)),
        (Needs(P::SchedulesRead), routes!(schedules::get_schedule)),
        (Needs(P::SchedulesWrite), routes!(schedules::replace_schedule)),
        (Needs(P::SchedulesDelete), routes!(schedules::delete_schedule)),
        (Needs(P::SchedulesPause), routes!(schedules::pause_schedule)),
        (Needs(P::SchedulesPause), routes!(schedules::resume_schedule)),
        (Needs(P::SchedulesRun), routes!(schedules::run_schedule)),
        (Needs(P::SchedulesRead), routes!(schedules::list_ticks)),
        (Needs(P::WorkflowsStart), routes!(workflows::start_workflow)),
        (Needs(P::WorkflowsRead), routes!(workflows::list_workflows)),
        (Needs(P::WorkflowsRead), routes!(workflows::get_workflow)),
        (Needs(P::WorkflowsCancel), routes!(workflows::cancel_workflow)),
        (Needs(P::WorkflowsRetry), routes!(workflows::retry_workflow)),
        (Needs(P::WorkflowsSignal), routes!(workflows::signal_workflow)),
    ]
}
