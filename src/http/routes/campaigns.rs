//! Messages to many: campaigns and sequences.

use domain::access::permission::Permission as P;
use utoipa_axum::routes;

use super::{Access::Needs, Route};
use crate::http::api::{campaign_recipients, campaign_steering, campaigns, sequence_enrolments, sequences};

/// What many leads get.
pub(super) fn campaigns() -> Vec<Route> {
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
pub(super) fn sequences() -> Vec<Route> {
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
