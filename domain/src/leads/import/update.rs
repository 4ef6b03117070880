//! Rows of leads that are there: each changes its lead by the rules of a single change.

use serde_json::{Map, Value};

use super::super::{
    columns::Reason,
    commands,
    contacts::IfTaken,
    lead::{place, subject},
    store, terms,
};
use super::{
    Import, ImportRow, RowOutcome,
    sort::{Known, hashes},
};
use crate::{
    Ctx,
    error::{Error, Result},
    tenancy::{Latch, TenantTx},
    types::LeadId,
    vault::Vault,
};

/// Changes the lead and writes down what became of the row; in a dry run the change is taken back.
///
/// # Errors
/// If the database refuses. What refuses the change is told of the row.
pub(super) async fn write(import: &Import, known: Known) -> Result<()> {
    let ctx = &import.ctx;
    let (line, lead, field) = (known.line, known.lead, known.field);
    let mut tx = ctx.begin().await?;
    let refused = match apply(import, &mut tx, known).await {
        Ok(()) => None,
        Err(error) => Some(reason(error)?),
    };
    if refused.is_some() || import.how.dry_run {
        drop(tx);
        tx = ctx.begin().await?;
    }
    let outcome = if refused.is_some() { RowOutcome::Rejected } else { RowOutcome::Updated };
    let told = refused.unwrap_or_else(|| (Some(field.to_owned()), None));
    let row = ImportRow {
        line,
        outcome: outcome.as_str().to_owned(),
        lead_id: Some(lead),
        field: told.0,
        reason: told.1,
    };
    store::report_rows(tx.conn(), ctx.tenant, import.id, &[row]).await?;
    tx.commit().await
}

async fn apply(import: &Import, tx: &mut TenantTx, known: Known) -> Result<()> {
    let ctx = &import.ctx;
    let plan = terms::plan(tx).await?;
    // Nobody who looks gives or finds any until commit. Before the lock of the lead, as in a single change.
    Latch::Contacts.take(tx.conn(), ctx.tenant).await?;
    // In a dry run the rows before have changed nothing, though this one may be found by what they would have.
    if !import.how.dry_run {
        require_same(ctx, tx, &known).await?;
    }
    let Known { lead, mut change, .. } = known;
    if let Some(said) = change.attributes.take() {
        let mut all = attributes(ctx, tx, lead).await?;
        all.extend(said);
        change.attributes = Some(all);
    }
    commands::apply(ctx, tx, &plan, lead, (&change, IfTaken::Allow)).await
}

/// Refuses a row if its numbers and addresses are not as they were when its lead was looked for: others may have come by
/// them since then.
async fn require_same(ctx: &Ctx, tx: &mut TenantTx, known: &Known) -> Result<()> {
    let [phones, emails] = ["phone", "email"].map(|field| hashes(known.contacts.iter(), field));
    let holders = store::holders(tx.conn(), ctx.tenant, (&phones, &emails), ctx.rows).await?;
    for contact in &known.contacts {
        let holder = holders.iter().find(|(hash, _)| *hash == contact.hash).map(|(_, lead)| *lead);
        let wrong = match holder {
            Some(lead) if lead != known.lead => {
                "another lead has come by it in the meantime; see which is right and send the row again"
            }
            None if contact.field == known.field => {
                "the lead that had it has another in the meantime; send the row again"
            }
            _ => continue,
        };
        return Err(Error::invalid(format!("/{}", contact.field), wrong));
    }
    Ok(())
}

/// What a lead has of attributes: those that a file is silent about stay. The lead is locked.
async fn attributes(ctx: &Ctx, tx: &mut TenantTx, lead: LeadId) -> Result<Map<String, Value>> {
    let held = store::lock_attributes(tx.conn(), ctx.tenant, lead, ctx.rows).await?;
    let Some(sealed) = held.ok_or(Error::NotFound("lead"))? else { return Ok(Map::new()) };
    let keys = Vault::subjects(tx, &[subject(lead)]).await?;
    let text = keys.open(&place(ctx.tenant, "attributes_sealed", lead), &sealed)?;
    let all = text.map(|text| serde_json::from_str(&text)).transpose().map_err(Error::internal)?;
    Ok(all.unwrap_or_default())
}

/// The field and the reason of what refuses a change.
///
/// # Errors
/// What is no refusal but a failure of ours.
fn reason(error: Error) -> Result<(Option<String>, Option<String>)> {
    let wrong = match error {
        Error::Invalid(wrong) => wrong.into_iter().next(),
        Error::Beyond(wrong) => Some(wrong),
        Error::NotFound(_) => return Ok((None, Some("the lead was deleted in the meantime".to_owned()))),
        Error::Conflict { detail, .. } => return Ok((None, Some(detail.into_owned()))),
        other => return Err(other),
    };
    let Some(wrong) = wrong else { return Ok((None, Some("it breaks a rule".to_owned()))) };
    let Reason { field, reason } = wrong.into();
    Ok((field, Some(reason)))
}
