//! What is past its keeping, and what keeps it from the archive.

use chrono::NaiveDate;
use serde::Serialize;
use sqlx::PgConnection;

use super::{Log, month::Month, store};
use crate::{ctx::Platform, error::Result, tenancy::SystemTx, types::TenantId};

/// Tenants looked at in one transaction.
const PAGE: i64 = 50;

/// A month of a tenant's log that is past its keeping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Due {
    pub log: Log,
    /// Its first day, UTC.
    pub month: NaiveDate,
    /// None where a run was begun: only a dry run counts.
    pub rows: Option<i64>,
    /// Rows that it waits for: entries without a place in the chain, attempts that have not ended, are not old enough, or
    /// whose messages may still be sent or are unknown. With any, it stays.
    pub open: Option<i64>,
    /// How far its archive is, if it has one. One that is `verified` waits for the other tenants of the installation, with
    /// whose rows it shares the month.
    pub archive: Option<String>,
}

/// Writes down what goes: of all tenants or of one. What was refused before is tried again. Answers how many months are due.
///
/// # Errors
/// If the database refuses; it is asked again then.
pub async fn plan(platform: &Platform, only: Option<TenantId>) -> Result<usize> {
    let (mut after, mut due) = (None, 0);
    loop {
        let mut tx = SystemTx::begin(&platform.engine).await?;
        let page = store::tenants(tx.conn(), only.map(|only| only.0), after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(due) };
        after = Some(*last);
        for tenant in page.iter().copied().map(TenantId) {
            for one in of_tenant(tx.conn(), tenant, true).await?.iter().filter(|one| one.open == Some(0)) {
                let (id, month) = (platform.chance.id(), Month::of(one.month));
                store::plan(tx.conn(), tenant, id, one.log, month).await?;
                due += 1;
            }
        }
        tx.commit().await?;
    }
}

/// What of a tenant is due, the oldest first. Counted it takes as long as the tenant has rows there.
pub(super) async fn of_tenant(conn: &mut PgConnection, tenant: TenantId, counted: bool) -> Result<Vec<Due>> {
    let states = store::states(conn, tenant).await?;
    let due = |log: Log, month: Month, counts: Option<(i64, i64)>| {
        let archive = states.get(&(log.as_str().to_owned(), month.first())).cloned();
        let (rows, open) = counts.unzip();
        Due { log, month: month.first(), rows, open, archive }
    };
    let mut all = Vec::new();
    let until = store::kept_from(conn, tenant, Log::AuditLog).await?;
    for month in store::audit_months(conn).await?.into_iter().filter(|month| month.first() < until) {
        if store::has_entries(conn, tenant, month).await? {
            let counts = if counted { Some(store::audit_count(conn, tenant, month).await?) } else { None };
            all.push(due(Log::AuditLog, month, counts));
        }
    }
    let until = store::kept_from(conn, tenant, Log::MessageAttempts).await?;
    let oldest = store::oldest_attempt(conn, tenant).await?;
    let mut month = oldest.and_then(Month::of_id);
    while let Some(now) = month.filter(|month| month.first() < until) {
        if store::has_attempts(conn, tenant, now).await? {
            let counts = if counted {
                let found = store::attempts_of(conn, tenant, now).await?;
                Some((found.rows, found.open))
            } else {
                None
            };
            all.push(due(Log::MessageAttempts, now, counts));
        }
        month = Some(now.next());
    }
    Ok(all)
}
