//! A message to a lead, as a step of a workflow.

use engine::{JobKind, NewJob};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    accept::address,
    rules::Purpose,
    send::{NewMessage, queue},
};
use crate::{
    Ctx,
    error::{Error, Result},
    leads::{commands, lead::LeadView, merged},
    tenancy::TenantTx,
    types::{LeadId, MessageId, ProviderId, TemplateId},
    vault::Personal,
};

/// The step that writes to one lead. It ends when the message has been sent, has failed, or is of unknown fate.
#[derive(Debug, Serialize, Deserialize)]
pub struct MessageLead {
    pub lead: LeadId,
    pub provider: ProviderId,
    pub template: TemplateId,
}

impl JobKind for MessageLead {
    const KIND: &'static str = "message_lead";
    const QUEUE: &'static str = "automation";
}

/// What the step came to.
pub enum Written {
    Message {
        id: MessageId,
        /// Whom it is to: what the step's lead was merged into, if it was.
        lead: LeadId,
        /// The job that sends it.
        sending: Box<NewJob>,
    },
    /// Nobody is written to, for this reason: `lead_gone` or `no_address`.
    Nothing(&'static str),
}

/// Writes the message down, in the transaction of the step of this run. A lead that can only be called, or is not there any more, is
/// no failure: whatever else is to be done with it goes on.
///
/// # Errors
/// If provider or template are not there any more.
pub async fn write(ctx: &Ctx, tx: &mut TenantTx, run: Uuid, step: &MessageLead) -> Result<Written> {
    let Some(lead) = merged::hold(tx, step.lead, ctx.rows).await? else {
        return Ok(Written::Nothing("lead_gone"));
    };
    let Some(to) = address(tx, lead, step.template).await? else {
        return Ok(Written::Nothing("no_address"));
    };
    let new = NewMessage {
        provider_id: Some(step.provider),
        template_id: Some(step.template),
        template: None,
        locale: None,
        to: Some(to),
        lead_id: Some(lead),
        variables: variables(ctx, tx, lead).await?,
        purpose: Purpose::Transactional,
        send_at: None,
        expires_at: None,
    };
    let (id, sending) = queue(ctx, tx, &new, Some(run)).await?;
    Ok(Written::Message { id, lead, sending: sending.into() })
}

async fn variables(ctx: &Ctx, tx: &mut TenantTx, lead: LeadId) -> Result<Map<String, Value>> {
    let lead = commands::these(ctx, tx, vec![lead], 1).await?.pop().ok_or(Error::NotFound("lead"))?;
    Ok(said_of(&lead))
}

/// What a template is given to speak of: `name`, `language`, `region` and `attributes` of the lead.
pub(super) fn said_of(lead: &LeadView) -> Map<String, Value> {
    let said = [
        ("name", json!(lead.name.as_ref().map(Personal::expose))),
        ("language", json!(lead.language)),
        ("region", json!(lead.region)),
        ("attributes", json!(lead.attributes.as_ref().map(Personal::expose))),
    ];
    said.map(|(name, value)| (name.to_owned(), value)).into_iter().collect()
}
