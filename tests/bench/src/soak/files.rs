//! Reports and files: asked for, waited for and fetched. Both are jobs, so that the time until they are there is that of the
//! queues as well.

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep};

use super::{plan::Turn, shift::Shift, tenant::Tenant};

const KINDS: [&str; 7] = ["lead", "call", "campaign", "agent", "gamification", "message", "job"];
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// After it a report or a file counts as one that never came.
const PATIENCE: Duration = Duration::from_mins(1);
/// What is known of no person.
const COLUMNS: [&str; 8] =
    ["id", "status", "source", "score", "owner_id", "team_id", "created_at", "updated_at"];

/// Somebody has a report made and reads it.
pub async fn report(shift: &Shift, turn: Turn) -> Option<()> {
    let (tenant, number) = shift.whose(turn);
    let wanted = json!({"kind": KINDS[number % KINDS.len()]});
    let asked = tenant.post("/api/v1/analytics/reports", &wanted);
    let made = shift.ask(("report", turn.due), asked, 202).await?.body;
    let id = made["id"].as_str().unwrap_or_default();
    done(shift, tenant, ("report_made", id)).await?;
    let path = format!("/api/v1/analytics/reports/{id}");
    shift.ask(("read_report", Instant::now()), tenant.get(&path), 200).await?;
    Some(())
}

/// Somebody has a file written and fetches it by a link.
pub async fn export(shift: &Shift, turn: Turn) -> Option<()> {
    let (tenant, _) = shift.whose(turn);
    let wanted = json!({"what": "leads", "columns": COLUMNS, "filter": {"status": "new"}});
    let asked = tenant.post("/api/v1/analytics/export", &wanted);
    let begun = shift.ask(("export", turn.due), asked, 202).await?.body;
    done(shift, tenant, ("export_written", begun["id"].as_str().unwrap_or_default())).await?;
    let path = format!("/api/v1/analytics/exports/{}/link", begun["export_id"].as_str().unwrap_or_default());
    let link = shift.ask(("link", Instant::now()), tenant.post(&path, &json!({})), 200).await?.body;
    let url = shift.must("link", link["url"].as_str(), "a link without an address")?;
    shift.ask(("fetch_file", Instant::now()), tenant.http.get(url), 200).await?;
    Some(())
}

/// Waits for the end of an operation that was begun just now.
async fn done(shift: &Shift, tenant: &Tenant, (kind, id): (&'static str, &str)) -> Option<()> {
    let (due, path) = (Instant::now(), format!("/api/v1/operations/{id}"));
    while due.elapsed() < PATIENCE {
        let operation = shift.ask(("operation", Instant::now()), tenant.get(&path), 200).await?.body;
        match operation["status"].as_str() {
            Some("pending" | "running") => sleep(LOOK_EVERY).await,
            Some("succeeded") => {
                shift.record.took(kind, due);
                return Some(());
            }
            _ => break,
        }
    }
    shift.record.failed(kind, format!("operation {id} does not come to its end"));
    None
}
