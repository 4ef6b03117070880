//! The jobs of campaigns.

use std::time::Duration;

use engine::JobKind;
use serde::{Deserialize, Serialize};

use crate::types::{CampaignId, CampaignRunId, MessageId};

/// A queue of their own: a campaign goes on for hours, and nobody else is to wait for it.
const QUEUE: &str = "campaigns";
/// A run is not given up because the database was away: this often, some minutes apart at the most.
const PATIENT: i16 = 1_000;

/// What a campaign's jobs are found by.
#[must_use]
pub fn business_key(campaign: CampaignId) -> String {
    format!("campaign:{campaign}")
}

/// The workflow that carries out one run of a campaign; the run's id is the workflow's.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct RunCampaign {
    pub campaign: CampaignId,
}

impl JobKind for RunCampaign {
    const KIND: &'static str = "run_campaign";
    const QUEUE: &'static str = QUEUE;
    const MAX_ATTEMPTS: i16 = PATIENT;
    const WATCHED: bool = true;
}

/// The first step: begins the run, if its campaign has not been begun, changed or stopped meanwhile, and writes a recipient
/// down for each lead.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct PlanCampaign {
    pub campaign: CampaignId,
}

impl JobKind for PlanCampaign {
    const KIND: &'static str = "plan_campaign";
    const QUEUE: &'static str = QUEUE;
    const MAX_ATTEMPTS: i16 = PATIENT;
    const TIMEOUT: Duration = Duration::from_mins(2);
}

/// The second: makes messages of recipients whose time has come, until none waits any more.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct SendCampaign {
    pub campaign: CampaignId,
}

impl JobKind for SendCampaign {
    const KIND: &'static str = "send_campaign";
    const QUEUE: &'static str = QUEUE;
    const MAX_ATTEMPTS: i16 = PATIENT;
}

/// The third: waits until no recipient is open, and ends the run.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct SettleCampaign {
    pub campaign: CampaignId,
}

impl JobKind for SettleCampaign {
    const KIND: &'static str = "settle_campaign";
    const QUEUE: &'static str = QUEUE;
    const MAX_ATTEMPTS: i16 = PATIENT;
}

/// The last: keeps what it came to.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct ReportCampaign {
    pub campaign: CampaignId,
}

impl JobKind for ReportCampaign {
    const KIND: &'static str = "report_campaign";
    const QUEUE: &'static str = QUEUE;
    const MAX_ATTEMPTS: i16 = PATIENT;
}

/// Takes down who fits a campaign at the moment at which it was scheduled.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct TakeAudience {
    pub campaign: CampaignId,
}

impl JobKind for TakeAudience {
    const KIND: &'static str = "take_audience";
    const QUEUE: &'static str = QUEUE;
    const MAX_ATTEMPTS: i16 = PATIENT;
    const TIMEOUT: Duration = Duration::from_mins(10);
}

/// Has the messages of a run tried that waited because it was paused.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct WakeCampaign {
    pub run: CampaignRunId,
    /// From behind this one; from the first if there is none.
    pub after: Option<MessageId>,
}

impl JobKind for WakeCampaign {
    const KIND: &'static str = "wake_campaign";
    const QUEUE: &'static str = QUEUE;
}

/// Goes on with a run whose workflow has ended before it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct MindCampaign {
    pub run: CampaignRunId,
}

impl JobKind for MindCampaign {
    const KIND: &'static str = "mind_campaign";
    const QUEUE: &'static str = QUEUE;
    const MAX_ATTEMPTS: i16 = PATIENT;
}
