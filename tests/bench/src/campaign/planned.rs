//! A million recipients, planned while somebody looks at progress without end.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{draft, start};
use crate::{
    Outcome,
    access::percentile,
    database::run,
    messages::office::{Office, peak_mb},
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

/// What came of it.
pub struct Planned {
    /// Recipients a second.
    pub per_s: f64,
    pub took_s: f64,
    /// The memory that the worker took for it, on top of what it had had at most before.
    pub extra_mb: f64,
    /// The most memory that the worker had at any time.
    pub rss_mb: f64,
    /// What 95 of 100 looks at progress took at most meanwhile, in milliseconds.
    pub progress_ms: f64,
}

/// From the start of the campaign until the last recipient is written down.
pub async fn a_million() -> Outcome<Planned> {
    let office = Office::open().await?;
    run(&mut office.house.database.conn().await?, PEOPLE).await?;
    let account = json!({"name": "line", "kind": "sandbox"});
    office.client.post("/api/v1/communication/providers", &account).await?;
    let template = json!({"name": "news", "channel": "email", "subject": "News", "text": "Dear {{name}}"});
    office.client.post("/api/v1/communication/templates", &template).await?;
    let audience = json!({"filter": {"status": "contacted"}});
    let path = draft(&office.client, "email", &audience, &json!({})).await?;
    office.house.database.settle().await?;
    let before = peak_mb(office.worker.process)?;
    let began = Instant::now();
    start(&office.client, &path).await?;
    let mut looks = Vec::new();
    let took = loop {
        let asked = Instant::now();
        let progress = office.client.get(&format!("{path}/progress")).await?;
        looks.push(asked.elapsed());
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
    let rss_mb = peak_mb(office.worker.process)?;
    office.close().await?;
    #[expect(clippy::cast_precision_loss, reason = "a million")]
    let per_s = LEADS as f64 / took.as_secs_f64();
    Ok(Planned {
        per_s,
        took_s: took.as_secs_f64(),
        extra_mb: rss_mb - before,
        rss_mb,
        progress_ms: percentile(&mut looks, 95) * 1e3,
    })
}
