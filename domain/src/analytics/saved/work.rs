//! The jobs that send saved reports.

use std::time::Duration;

use engine::JobKind;
use serde::{Deserialize, Serialize};

use crate::{analytics::export::QUEUE, types::SavedReportId};

/// What the jobs of a saved report are found by.
#[must_use]
pub fn business_key(report: SavedReportId) -> String {
    format!("report:{report}")
}

/// The workflow that sends a report once; what it sent is known by the run's id.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct DeliverReport {
    pub report: SavedReportId,
}

impl JobKind for DeliverReport {
    const KIND: &'static str = "deliver_report";
    const QUEUE: &'static str = QUEUE;
    const WATCHED: bool = true;
}

/// The first step: settles which days the report is about, and has its file written.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct RenderReport {
    pub report: SavedReportId,
}

impl JobKind for RenderReport {
    const KIND: &'static str = "render_report";
    const QUEUE: &'static str = QUEUE;
    const MAX_ATTEMPTS: i16 = 20;
    const TIMEOUT: Duration = Duration::from_mins(10);
}

/// The second: writes to each recipient. It ends when their mails have been sent, have failed, or are of unknown fate.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct SendReport {
    pub report: SavedReportId,
}

impl JobKind for SendReport {
    const KIND: &'static str = "send_report";
    const QUEUE: &'static str = QUEUE;
}
