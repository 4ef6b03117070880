//! A million recipients, planned while somebody looks at progress without end.

use std::time::{Duration, Instant};

use serde_json::json;

use super::campaign;
use crate::{
    Outcome,
    database::run,
    messages::office::{Office, peak_mb},
    table::Figures,
};

const LEADS: i64 = 1_000_000;
/// Far more than it takes.
const PATIENCE: Duration = Duration::from_mins(5);

/// Leads that can be told apart by their indexes only: nobody is written to.
const PEOPLE: &str = "
insert into leads (tenant_id, id, status, source, created_at, email_index)
select t.id, ('01910000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'contacted', 'import', engine.now(),
       sha256(convert_to('lead ' || n, 'UTF8'))
  from tenants t, generate_series(1, 1000000) n where t.slug = 'house'";

/// Recipients a second, the memory that the worker took for them, and how long progress took to answer meanwhile.
pub async fn a_million() -> Outcome<Figures> {
    let office = Office::open().await?;
    run(&mut office.house.database.conn().await?, PEOPLE).await?;
    let account = json!({"name": "line", "kind": "sandbox"});
    office.client.post("/api/v1/communication/providers", &account).await?;
    let template = json!({"name": "news", "channel": "email", "subject": "News", "text": "Dear {{name}}"});
    office.client.post("/api/v1/communication/templates", &template).await?;
    let path = campaign(&office, "email", &json!({"filter": {"status": "contacted"}})).await?;
    office.house.database.settle().await?;
    let before = peak_mb(office.worker.process)?;
    let began = Instant::now();
    office.client.post(&format!("{path}/start"), &json!({})).await?;
    let mut looks = Vec::new();
    let took = loop {
        let asked = Instant::now();
        let progress = office.client.get(&format!("{path}/progress")).await?;
        looks.push(asked.elapsed().as_secs_f64() * 1_000.0);
        if !progress["planned_at"].is_null() {
            let there = progress["recipients"].as_i64().unwrap_or_default();
            if there != LEADS {
                return Err(format!("{there} recipients of {LEADS} leads").into());
            }
            break began.elapsed();
        }
        if began.elapsed() > PATIENCE {
            return Err(format!("it is not planned: {progress}").into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    office.client.post(&format!("{path}/cancel"), &json!({})).await?;
    let extra = peak_mb(office.worker.process)? - before;
    office.close().await?;
    looks.sort_by(f64::total_cmp);
    #[expect(clippy::cast_precision_loss, reason = "a million")]
    let per_s = LEADS as f64 / took.as_secs_f64();
    let p95 = looks[looks.len() * 95 / 100];
    Ok(vec![("planned_per_s", per_s), ("planned_extra_mb", extra), ("progress_p95_ms", p95)])
}
