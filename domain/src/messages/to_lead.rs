//! A message to a lead, as a step of a workflow.

use engine::{JobKind, NewJob};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::send::{NewMessage, queue};
use crate::{
    Ctx,
    error::Result,
    leads::commands,
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

/// What the template is given to speak of: `name`, `language`, `region` and `attributes` of the lead.
///
/// # Errors
/// If there is no such lead.
pub async fn variables(ctx: &Ctx, lead: LeadId) -> Result<Map<String, Value>> {
    let lead = commands::get(ctx, lead).await?;
    let said = [
        ("name", json!(lead.name.as_ref().map(Personal::expose))),
        ("language", json!(lead.language)),
        ("region", json!(lead.region)),
        ("attributes", json!(lead.attributes.as_ref().map(Personal::expose))),
    ];
    Ok(said.map(|(name, value)| (name.to_owned(), value)).into_iter().collect())
}

/// Writes the message down, in the transaction of the step. Answers the job that sends it.
///
/// # Errors
/// If lead, provider or template are not there any more, or the lead has no address.
pub async fn write(
    ctx: &Ctx,
    tx: &mut TenantTx,
    step: &MessageLead,
    variables: Map<String, Value>,
) -> Result<(MessageId, NewJob)> {
    let new = NewMessage {
        provider_id: step.provider,
        template_id: step.template,
        to: None,
        lead_id: Some(step.lead),
        variables,
    };
    queue(ctx, tx, &new, true).await
}
