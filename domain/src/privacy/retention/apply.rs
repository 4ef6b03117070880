//! Applying the rules of all tenants, an hour at the most after something came of age.

use std::time::Duration;

use engine::JobKind;
use serde::{Deserialize, Serialize};

use super::store::{self, Aged};
use crate::{
    Ctx, audit::Entry, ctx::Platform, error::Result, privacy::erasure, tenancy::SystemTx, types::TenantId,
};

/// Rows of one transaction, and people of one.
const PAGE: i64 = 500;
const PEOPLE: i64 = 50;

/// Erases and blanks what tenants do not keep any longer.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct ApplyRetention {}

impl JobKind for ApplyRetention {
    const KIND: &'static str = "apply_retention";
    const QUEUE: &'static str = "operations";
    const TIMEOUT: Duration = Duration::from_hours(1);
}

/// Tenants with rules by which something goes, or with erasures to be minded, after one of them.
///
/// # Errors
/// If the database does not answer.
pub async fn tenants(platform: &Platform, after: TenantId, limit: i64) -> Result<Vec<TenantId>> {
    let mut tx = SystemTx::begin(&platform.engine).await?;
    store::tenants(tx.conn(), after, limit).await
}

/// Applies the tenant's rules to a page of each kind. Answers how much came of it; none when nothing is old enough.
///
/// # Errors
/// If the database refuses; what was done before stays done.
pub async fn some(ctx: &Ctx) -> Result<u64> {
    let rules = {
        let mut tx = ctx.begin().await?;
        store::rules(tx.conn(), ctx.tenant).await?.rules
    };
    let mut done = 0;
    if let Some(days) = rules.closed_leads_days {
        done += people(ctx, days).await?;
    }
    let kinds = [
        (Aged::Messages, rules.messages_days, "messages"),
        (Aged::Inbound, rules.messages_days, "inbound_messages"),
        (Aged::Calls, rules.calls_days, "calls"),
        (Aged::Notes, rules.notes_days, "notes"),
    ];
    for (aged, days, name) in kinds {
        let Some(days) = days else { continue };
        let mut tx = ctx.begin().await?;
        let n = store::blank(tx.conn(), ctx.tenant, aged, days, PAGE).await?;
        if n > 0 {
            let detail = serde_json::json!({ "kind": name, "rows": n, "days": days });
            tx.audit(&[Entry::new("forget", "retention_rules", ctx.tenant).detail(detail)]).await?;
            tx.commit().await?;
        }
        done += n;
    }
    Ok(done)
}

async fn people(ctx: &Ctx, days: i32) -> Result<u64> {
    let mut tx = ctx.begin().await?;
    let leads = store::closed_leads(tx.conn(), ctx.tenant, days, PEOPLE).await?;
    for lead in &leads {
        erasure::by_age(ctx, &mut tx, *lead).await?;
    }
    tx.commit().await?;
    Ok(u64::try_from(leads.len()).unwrap_or_default())
}
