//! Drip sequences: messages that a lead gets one after the other, each some time after the one before, until they are over
//! or it has come to what they are for.
//!
//! An enrolment is the run of one lead through a sequence, and a row: the step that comes next, and when. It waits by that
//! alone, as many as there may be. Once a minute upkeep finds the sequences of which a step is due; the job [`walk`] takes
//! the steps of a page of leads in one transaction, in which the messages, the jobs that send them, what was taken and
//! where each lead stands from then on commit together. So whoever dies between any two statements, no step is left out
//! and none is taken twice. What happens to a lead meanwhile ends its run in the transaction in which it happens.
//!
//! - [`rules`] what is decided, pure
//! - [`manage`] drafts as commands; [`publish`] versions, which are never changed, and whether a sequence goes on
//! - [`enrol`] who enters; [`leave`] who leaves by hand; `of_lead` what becomes of a lead that is on its way
//! - [`walk`] steps that are due, `facts` what is known of their leads; [`read`] who stands where, and what became of each step
//! - `store` the tables
//!
//! Locks come in the order leads, sequence, enrolments by their ids, messages; nobody waits for the last.

pub mod enrol;
mod facts;
pub mod leave;
pub mod manage;
pub(crate) mod of_lead;
pub mod publish;
pub mod read;
pub mod rules;
mod store;
pub mod walk;

use serde_json::json;

use crate::{
    error::Result,
    events::{Event, EventType},
    messages::cancel,
    tenancy::TenantTx,
    types::{EnrolmentId, LeadId, SequenceId},
};

/// Where a sequence is read.
#[must_use]
pub fn location(id: SequenceId) -> String {
    format!("/api/v1/sequences/{id}")
}

/// How an enrolment has ended.
struct Ended {
    id: EnrolmentId,
    sequence: SequenceId,
    lead: LeadId,
    /// `completed`, `goal` or `left`.
    state: &'static str,
    reason: Option<&'static str>,
}

/// Tells of enrolments that have ended, which are locked: ids and words of ours. What was written to whoever has come to a
/// goal or left, and waits to be sent, is not sent any more.
async fn tell_ended(tx: &mut TenantTx, ended: &[Ended]) -> Result<()> {
    if ended.is_empty() {
        return Ok(());
    }
    let tenant = tx.tenant;
    let before = ended.iter().filter(|one| one.state != "completed");
    let before: Vec<EnrolmentId> = before.map(|one| one.id).collect();
    if !before.is_empty() {
        let written = store::messages_of(tx.conn(), tenant, &before).await?;
        cancel::of_sequence(tx, &written).await?;
    }
    let event = |one: &Ended| {
        Event::new(EventType::SequenceEnded, "enrolment", one.id).with(json!({
            "sequence_id": one.sequence, "lead_id": one.lead, "state": one.state, "reason": one.reason,
        }))
    };
    tx.emit(&ended.iter().map(event).collect::<Vec<_>>()).await
}
