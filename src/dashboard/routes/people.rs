//! What stands under People in the navigation.

use domain::access::permission::Permission as P;

use super::{Access::Needs, Place, get, post};
use crate::dashboard::pages::{campaigns, leads, messages, play, sequences};

/// Who is dealt with, and what is sent to them.
pub(super) fn people() -> Vec<Place> {
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

/// What is sent to many: campaigns and sequences.
pub(super) fn mailings() -> Vec<Place> {
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
pub(super) fn games() -> Vec<Place> {
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
