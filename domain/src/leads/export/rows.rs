//! Leads for whoever writes files of them: those of a filter, page by page, as they lie.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Ctx,
    access::{permission::Permission, rows::Rows},
    error::Result,
    leads::{
        bulk::{in_body, selected::Selected},
        commands::Filter,
        search, store,
    },
    tenancy::TenantTx,
    types::LeadId,
};

pub(crate) use crate::leads::store::TakenLead;

/// A filter as it is kept: of what somebody typed in its keyed hashes only.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Selection(Selected);

impl Selection {
    /// # Errors
    /// If the caller may not read leads, or not look for what the filter asks for, or it asks for what there is not.
    pub(crate) async fn of(ctx: &Ctx, tx: &mut TenantTx, filter: &Filter) -> Result<Self> {
        ctx.require(Permission::LeadsRead)?;
        search::require_sight(ctx, filter)?;
        let wanted = search::wanted(ctx, tx, filter).await.map_err(in_body)?;
        Ok(Self(Selected::of(filter, &wanted)))
    }

    /// Its leads in the order of their ids, those behind one; what is sealed of them if `personal`.
    ///
    /// # Errors
    /// If the database does not answer.
    pub(crate) async fn behind(
        &self,
        tx: &mut TenantTx,
        after: LeadId,
        personal: bool,
        limit: i64,
    ) -> Result<Vec<TakenLead>> {
        let (filter, wanted) = self.0.read()?;
        let asked = store::Asked { tenant: tx.tenant, filter: &filter, wanted: &wanted, seen: Rows::All };
        store::taken_behind(tx.conn(), &asked, after, personal, limit).await
    }
}

/// What is written down of a filter: nothing that somebody typed in.
pub(crate) fn told(filter: &Filter) -> Value {
    search::told(filter)
}

/// The names of all attributes that are defined, and whether each is personal.
///
/// # Errors
/// If the database does not answer.
pub(crate) async fn attributes(tx: &mut TenantTx) -> Result<Vec<(String, bool)>> {
    let tenant = tx.tenant;
    let defined = store::definitions(tx.conn(), tenant).await?;
    Ok(defined.into_iter().map(|definition| (definition.name, definition.personal)).collect())
}
