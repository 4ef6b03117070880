//! How many parts messages of campaigns are billed as.

use serde_json::Value;

use super::Draft;
use crate::{
    Ctx,
    error::Result,
    messages::{attempt::wordings, provider::Channel, segments},
    tenancy::TenantTx,
};

/// How many parts each of some messages is billed as, in their order: short messages as many as their text takes, filled in as
/// it is when it leaves, all others one. One that cannot be filled in is not sent, so it is one.
///
/// # Errors
/// If the database does not answer.
pub(crate) async fn parts(ctx: &Ctx, tx: &mut TenantTx, drafts: &[Draft]) -> Result<Vec<i16>> {
    let short = drafts.iter().filter(|draft| draft.channel == Channel::Sms);
    let wordings = wordings(ctx, tx, short.map(|draft| draft.template)).await?;
    let parts = |draft: &Draft| {
        let wording = wordings.get(&draft.template).filter(|_| draft.channel == Channel::Sms)?;
        let said = wording.as_ref().ok()?.render(&Value::Object(draft.variables.clone())).ok()?;
        Some(i16::try_from(segments::count(&said.text).segments).unwrap_or(i16::MAX).max(1))
    };
    Ok(drafts.iter().map(|draft| parts(draft).unwrap_or(1)).collect())
}
