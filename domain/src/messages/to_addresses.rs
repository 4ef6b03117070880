//! A mail to addresses that the tenant itself has named, as a step of a workflow.

use engine::NewJob;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{accept::accept, rules::Purpose, send::NewMessage};
use crate::{
    Ctx,
    error::Result,
    tenancy::TenantTx,
    types::{MessageId, ProviderId, TemplateId},
};

/// What is written to whom.
pub(crate) struct Letter<'l> {
    /// The first that carries the template's channel if none is named.
    pub provider: Option<ProviderId>,
    pub template: TemplateId,
    pub to: &'l [String],
    pub variables: &'l Map<String, Value>,
}

/// Writes a message to each address down, in the transaction of the step of this run. Answers the jobs that send them, which
/// are the caller's to put in.
///
/// # Errors
/// If account or template are not there any more.
pub(crate) async fn write(
    ctx: &Ctx,
    tx: &mut TenantTx,
    run: Uuid,
    letter: &Letter<'_>,
) -> Result<Vec<(MessageId, NewJob)>> {
    let new = |to: &String| NewMessage {
        provider_id: letter.provider,
        template_id: Some(letter.template),
        template: None,
        locale: None,
        to: Some(to.clone()),
        lead_id: None,
        variables: letter.variables.clone(),
        purpose: Purpose::Transactional,
        send_at: None,
        expires_at: None,
    };
    let messages: Vec<NewMessage> = letter.to.iter().map(new).collect();
    let asked: Vec<(String, &NewMessage)> = messages.iter().map(|message| (String::new(), message)).collect();
    accept(ctx, tx, &asked, None, Some(run)).await
}
