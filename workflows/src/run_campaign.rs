//! One sending of a campaign: its recipients are written down, written to and waited for, and what it came to is kept.
//!
//! The steps hold nothing. All that is known stands in the run's row and in those of its recipients, so each of them may be
//! cut off at any moment, and pausing, resuming and cancelling are a change of that row. That a step waits while the campaign
//! is paused holds no worker.

use domain::campaigns::work::{
    PlanCampaign, ReportCampaign, RunCampaign, SendCampaign, SettleCampaign, business_key,
};
use engine::Flow;

/// The steps, in their order.
pub(super) fn steps(flow: &mut Flow, input: &RunCampaign) {
    let campaign = input.campaign;
    let about = business_key(campaign);
    flow.step("plan", &PlanCampaign { campaign }).with(|job| job.about(about.clone()));
    flow.step("send", &SendCampaign { campaign }).with(|job| job.about(about.clone()));
    flow.step("settle", &SettleCampaign { campaign }).with(|job| job.about(about.clone()));
    flow.step("report", &ReportCampaign { campaign }).with(|job| job.about(about.clone()));
}
