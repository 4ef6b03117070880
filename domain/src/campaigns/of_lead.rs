//! What becomes of a lead's places in campaigns when it is erased.

use super::store;
use crate::{error::Result, tenancy::TenantTx, types::LeadId};

/// Why nothing is sent.
const ERASED: &str = "erased";

/// Skips leads wherever a run would still make a message for them. Answers how many places there were.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn leads_are_erased(tx: &mut TenantTx, leads: &[LeadId]) -> Result<u64> {
    let tenant = tx.tenant;
    store::skip_leads(tx.conn(), tenant, leads, ERASED).await
}
