//! Of whom erasure is asked or goes on: whoever would change them or hold them asks here.

use super::store;
use crate::{
    error::{Error, Result},
    tenancy::TenantTx,
    types::LeadId,
};

/// What is answered where somebody would change who a person is, or hold them, while they are being erased.
#[must_use]
pub(crate) fn goes_on() -> Error {
    let detail = "the person is being erased and is gone in a moment; see the open requests for erasure";
    Error::conflict("erasure-running", detail)
}

/// Those of some leads that are being erased at this moment. The caller holds their rows: then none begins before the commit.
///
/// # Errors
/// If the database does not answer.
pub(crate) async fn running_among(tx: &mut TenantTx, leads: &[LeadId]) -> Result<Vec<LeadId>> {
    let tenant = tx.tenant;
    store::running_among(tx.conn(), tenant, leads).await
}

/// Those of some leads of whom it is asked that they be erased, under whatever name, and it is not over.
///
/// # Errors
/// If the database does not answer.
pub(crate) async fn open_among(tx: &mut TenantTx, leads: &[LeadId]) -> Result<Vec<LeadId>> {
    let tenant = tx.tenant;
    store::open_among(tx.conn(), tenant, leads).await
}
