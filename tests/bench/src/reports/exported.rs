//! A million leads as a spreadsheet, written by a worker of the product's own: without what is known of people, and with it,
//! which is sealed under a key of each.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{
    Outcome,
    campaign::people,
    messages::office::{Office, peak_mb},
    table::Figures,
};

const LEADS: usize = 1_000_000;
/// Far more than it takes.
const PATIENCE: Duration = Duration::from_mins(10);

/// Rows a second of both files, from the request until each is there, and the memory that the worker took for them on top of
/// what it had had at most before.
pub async fn a_million() -> Outcome<Figures> {
    let office = Office::open().await?;
    let ctx = office.house.gate.admit(&office.house.login().await?.token, None).await?;
    people::write(&ctx, LEADS).await?;
    office.house.database.settle().await?;
    let plain = json!({
        "what": "leads",
        "columns": [
            "id", "status", "source", "language", "region", "value_cents", "cost_cents", "tags", "score", "owner_id",
            "team_id", "import_id", "assigned_at", "created_at", "updated_at",
        ],
    });
    // A small one first, so that what a worker makes once is not counted.
    written(&office, &json!({"what": "leads", "filter": {"status": "lost"}})).await?;
    let before = peak_mb(office.worker.process)?;
    let rows = written(&office, &plain).await?;
    let personal = written(&office, &json!({"what": "leads"})).await?;
    let extra = peak_mb(office.worker.process)? - before;
    office.close().await?;
    Ok(vec![
        ("export_rows_per_s", rows),
        ("export_personal_rows_per_s", personal),
        ("export_extra_mb", extra),
    ])
}

async fn written(office: &Office, wanted: &Value) -> Outcome<f64> {
    let began = Instant::now();
    let asked = office.client.post("/api/v1/analytics/export", wanted).await?;
    let path = format!("/api/v1/analytics/exports/{}", asked["export_id"].as_str().ok_or("no export")?);
    loop {
        let export = office.client.get(&path).await?;
        if export["state"] == "ready" {
            let rows = export["rows"].as_f64().ok_or("no rows")?;
            return Ok(rows / began.elapsed().as_secs_f64());
        }
        if export["state"] == "gone" || began.elapsed() > PATIENCE {
            return Err(format!("it is not written: {export}").into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
