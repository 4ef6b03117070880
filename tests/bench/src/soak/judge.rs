//! After the load: what was accepted has come to its end, everything once, and the numbers add up; by the books of those who
//! asked, by the ledgers of the providers, and by the database.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection};
use tokio::time::{Instant, sleep};

use super::{
    acts::RECIPIENTS,
    shift::Shift,
    tenant::{Books, Tenant},
};
use crate::Outcome;

/// Until what was accepted has come to its end once nothing more comes.
const PATIENCE: Duration = Duration::from_mins(3);
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What is still to be done now.
const LEFT: &str = "
select (select count(*) from engine.jobs where run_at <= engine.now())
     + (select count(*) from campaign_runs where finished_at is null)
     + (select count(*) from messages where status in ('pending', 'queued', 'sending'))";
/// What was given up, by kinds.
const GIVEN_UP: &str = "
select l.kind, count(*) from engine.job_history h join engine.lanes l on l.id = h.lane
 where h.state in ('discarded', 'quarantined') group by l.kind order by 2 desc";

/// What came of it.
#[derive(Debug, Default)]
pub struct Finding {
    pub lost: usize,
    pub doubled: usize,
    /// Messages that may have been taken, and are listed as such.
    pub unknown: usize,
    pub messages: usize,
    pub leads: usize,
    pub calls: usize,
    pub campaigns: usize,
    /// Seconds until nothing was left.
    pub drained_s: f64,
    pub broken: Vec<String>,
}

impl Finding {
    fn holds(&mut self, holds: bool, otherwise: impl FnOnce() -> String) {
        if !holds {
            self.broken.push(otherwise());
        }
    }
}

/// Waits until nothing is left, then judges each tenant and all of them together.
pub async fn judge(shift: &Shift) -> Outcome<Finding> {
    let mut conn = shift.house.database.conn().await?;
    let mut finding = Finding::default();
    drained(&mut conn, &mut finding).await?;
    for tenant in &shift.tenants {
        messages(&mut conn, tenant, &mut finding).await?;
        campaigns(tenant, &mut finding).await?;
        people(&mut conn, tenant, &mut finding).await?;
        record(tenant, &mut finding).await?;
    }
    let all: (i64, i64, i64) = sqlx::query_as(
        "select (select count(*) from messages), (select count(*) from leads), (select count(*) from calls)",
    )
    .fetch_one(&mut conn)
    .await?;
    let sums =
        (i64::try_from(finding.messages)?, i64::try_from(finding.leads)?, i64::try_from(finding.calls)?);
    finding.holds(all == sums, || {
        format!("there are {all:?} messages, leads and calls; the tenants' are {sums:?}")
    });
    let given_up: Vec<(String, i64)> = sqlx::query_as(GIVEN_UP).fetch_all(&mut conn).await?;
    finding.holds(given_up.is_empty(), || format!("jobs were given up: {given_up:?}"));
    Ok(finding)
}

async fn drained(conn: &mut PgConnection, finding: &mut Finding) -> Outcome<()> {
    let began = Instant::now();
    loop {
        let left: i64 = sqlx::query_scalar(LEFT).fetch_one(&mut *conn).await?;
        finding.drained_s = began.elapsed().as_secs_f64();
        if left == 0 {
            return Ok(());
        }
        if began.elapsed() > PATIENCE {
            finding.broken.push(format!("{left} jobs, campaigns and messages do not come to their end"));
            return Ok(());
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Each message that was accepted is in the ledger once, or of unknown fate; and nothing else is there.
async fn messages(conn: &mut PgConnection, tenant: &Tenant, finding: &mut Finding) -> Outcome<()> {
    let rows: Vec<(String, String)> =
        sqlx::query_as("select id::text, status from messages where tenant_id = $1")
            .bind(tenant.id.0)
            .fetch_all(&mut *conn)
            .await?;
    let statuses: HashMap<&str, &str> =
        rows.iter().map(|(id, status)| (id.as_str(), status.as_str())).collect();
    let mut taken: HashMap<String, usize> = HashMap::new();
    for entry in tenant.fake.ledger().entries() {
        *taken.entry(entry.key.clone().unwrap_or_default()).or_default() += 1;
    }
    let accepted = tenant.books.messages();
    finding.lost += accepted.iter().filter(|id| !statuses.contains_key(id.as_str())).count();
    for (id, status) in &statuses {
        let times = taken.remove(*id).unwrap_or_default();
        finding.doubled += times.saturating_sub(1);
        match *status {
            "sent" | "delivered" | "read" => finding.lost += usize::from(times == 0),
            "unknown" => finding.unknown += 1,
            _ => finding.lost += 1,
        }
    }
    let (slug, strangers) = (tenant.slug, taken.len());
    finding.holds(strangers == 0, || format!("{slug}: {strangers} messages in the ledger are nobody's"));
    let wanted = accepted.len() + RECIPIENTS * tenant.books.campaigns().len();
    let there = rows.len();
    finding.holds(there == wanted, || format!("{slug}: {there} messages, and {wanted} were asked for"));
    let keyed = count(conn, tenant, "idempotency_keys").await?;
    finding.holds(keyed == accepted.len(), || {
        format!("{slug}: {keyed} keys of requests are kept, and {} were sent", accepted.len())
    });
    let figures = read(tenant, "/api/v1/communication/stats").await?;
    let items = figures["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let counted: u64 = items.iter().filter_map(|item| item["messages"].as_u64()).sum();
    finding.holds(usize::try_from(counted)? == there, || {
        format!("{slug}: its figures say {counted} messages, and there are {there}")
    });
    finding.messages += there;
    Ok(())
}

/// Each campaign is over, and each of its recipients has come to something.
async fn campaigns(tenant: &Tenant, finding: &mut Finding) -> Outcome<()> {
    for path in tenant.books.campaigns() {
        let progress = read(tenant, &format!("{path}/progress")).await?;
        let told = progress["statuses"].as_object().into_iter().flatten();
        let statuses: u64 = told.filter_map(|(_, many)| many.as_u64()).sum();
        let is_whole = progress["recipients"] == RECIPIENTS && usize::try_from(statuses)? == RECIPIENTS;
        let is_over = progress["run_status"] == "finished" && progress["open"] == 0;
        finding.holds(is_whole && is_over, || format!("{path} is not finished: {progress}"));
        finding.campaigns += 1;
    }
    Ok(())
}

/// Leads, calls and replies are those that came; each lead has a score, and each call is over.
async fn people(conn: &mut PgConnection, tenant: &Tenant, finding: &mut Finding) -> Outcome<()> {
    let Books { leads, calls, replies, .. } = &tenant.books;
    let came = |counter: &AtomicUsize| counter.load(Relaxed);
    for (table, wanted) in
        [("leads", came(leads)), ("calls", came(calls)), ("inbound_messages", came(replies))]
    {
        let there = count(conn, tenant, table).await?;
        finding.holds(there == wanted, || format!("{}: {there} rows of {table}, not {wanted}", tenant.slug));
    }
    finding.leads += came(leads);
    finding.calls += came(calls);
    let (unscored, unended): (i64, i64) = sqlx::query_as(
        "select (select count(*) from leads where tenant_id = $1 and scored_at is null),
                (select count(*) from calls where tenant_id = $1 and ended_at is null)",
    )
    .bind(tenant.id.0)
    .fetch_one(conn)
    .await?;
    finding.holds(unscored == 0, || format!("{}: {unscored} leads have no score", tenant.slug));
    finding.holds(unended == 0, || format!("{}: {unended} calls are not over", tenant.slug));
    Ok(())
}

/// The record of who did what is whole.
async fn record(tenant: &Tenant, finding: &mut Finding) -> Outcome<()> {
    let verified = read(tenant, "/api/v1/compliance/audit-logs/verify").await?;
    finding.holds(verified["whole"] == true, || {
        format!("{}: the audit log is not whole: {verified}", tenant.slug)
    });
    Ok(())
}

async fn read(tenant: &Tenant, path: &str) -> Outcome<Value> {
    Ok(tenant.get(path).send().await?.error_for_status()?.json().await?)
}

/// Rows of a tenant in a table of ours.
async fn count(conn: &mut PgConnection, tenant: &Tenant, table: &'static str) -> Outcome<usize> {
    let counted = AssertSqlSafe(format!("select count(*) from {table} where tenant_id = $1"));
    let there: i64 = sqlx::query_scalar(counted).bind(tenant.id.0).fetch_one(conn).await?;
    Ok(usize::try_from(there)?)
}
