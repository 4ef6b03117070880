//! A saved report is made and sent: its file is written, and whoever it is for gets a mail with a link to it.
//!
//! A run is one time. Which days it is about is settled by its first step once, and its mails are written in the transaction
//! in which the second ends; so whatever is cut off, each recipient gets one mail for each time.

use domain::analytics::saved::work::{DeliverReport, RenderReport, SendReport, business_key};
use engine::Flow;

/// The steps, in their order.
pub(super) fn steps(flow: &mut Flow, input: &DeliverReport) {
    let report = input.report;
    let about = business_key(report);
    flow.step("render", &RenderReport { report }).with(|job| job.about(about.clone()));
    flow.step("send", &SendReport { report }).with(|job| job.about(about.clone()));
}
