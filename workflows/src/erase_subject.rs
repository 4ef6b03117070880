//! Somebody is forgotten: days to think better of it, and then what cannot be taken back.
//!
//! The tombstone and the end of the keys come before the rows: what crashes in between leaves nothing that can be read. The
//! steps hold nothing, so each of them may be cut off anywhere and run again.

use domain::privacy::erasure::work::{
    BeginErasure, CertifyErasure, DestroyKeys, EraseRows, EraseSubject, StopForSubject, TellProviders,
    business_key,
};
use engine::Flow;

/// The steps, in their order.
pub(super) fn steps(flow: &mut Flow, input: &EraseSubject) {
    let erasure = input.erasure;
    let about = business_key(erasure);
    flow.sleep("cool_off", input.cool_off());
    flow.step("begin", &BeginErasure { erasure }).with(|job| job.about(about.clone()));
    flow.step("stop", &StopForSubject { erasure }).with(|job| job.about(about.clone()));
    flow.step("tell", &TellProviders { erasure }).with(|job| job.about(about.clone()));
    flow.step("keys", &DestroyKeys { erasure }).with(|job| job.about(about.clone()));
    flow.step("rows", &EraseRows { erasure }).with(|job| job.about(about.clone()));
    flow.step("certify", &CertifyErasure { erasure }).with(|job| job.about(about.clone()));
}
