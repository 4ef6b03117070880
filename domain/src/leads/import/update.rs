//! Rows of leads that are there: each changes its lead by the rules of a single change.

use serde_json::{Map, Value};

use super::super::{
    columns::Reason,
    commands,
    lead::{LeadChange, place, subject},
    store, terms,
};
use super::{Import, ImportRow, RowOutcome, sort::Known};
use crate::{
    Ctx,
    error::{Error, Result},
    tenancy::TenantTx,
    types::LeadId,
    vault::Vault,
};

/// Changes the lead and writes down what became of the row; in a dry run the change is taken back.
///
/// # Errors
/// If the database refuses. What refuses the change is told of the row.
pub(super) async fn write(import: &Import, known: Known) -> Result<()> {
    let ctx = &import.ctx;
    let Known { line, lead, field, change } = known;
    let mut tx = ctx.begin().await?;
    let refused = match apply(ctx, &mut tx, lead, change).await {
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

async fn apply(ctx: &Ctx, tx: &mut TenantTx, lead: LeadId, mut change: LeadChange) -> Result<()> {
    let plan = terms::plan(tx).await?;
    if let Some(said) = change.attributes.take() {
        let mut all = attributes(ctx, tx, lead).await?;
        all.extend(said);
        change.attributes = Some(all);
    }
    commands::apply(ctx, tx, &plan, lead, &change).await
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
