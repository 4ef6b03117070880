//! Who may have a file: whoever may take out what is in it, when it is asked for, while it is written, and when it is fetched.

use crate::{
    Ctx,
    access::{permission::Permission, rights::still_held},
    error::Result,
    tenancy::TenantTx,
};

/// What sees the rows that are in a file.
fn seen_by(what: &str) -> Permission {
    match what {
        "leads" => Permission::LeadsRead,
        "calls" => Permission::CallsRead,
        "messages" => Permission::MessagesRead,
        "recipients" => Permission::CampaignsRead,
        _ => Permission::AnalyticsRead,
    }
}

/// Refuses a file to whoever may not have it: of what it is, and whether people are in it in full.
///
/// # Errors
/// If a permission is missing, or the caller sees only some leads.
pub(super) fn require(ctx: &Ctx, what: &str, personal: bool) -> Result<()> {
    ctx.require(Permission::AnalyticsExport)?;
    ctx.require_all_rows()?;
    ctx.require(seen_by(what))?;
    if personal { ctx.require(Permission::PersonalRead) } else { Ok(()) }
}

/// Whether the actor of a context may have a file at this moment.
///
/// # Errors
/// If the database does not answer.
pub(super) async fn still(ctx: &Ctx, tx: &mut TenantTx, what: &str, personal: bool) -> Result<bool> {
    Ok(still_held(ctx, tx).await?.is_some_and(|now| require(&now, what, personal).is_ok()))
}
