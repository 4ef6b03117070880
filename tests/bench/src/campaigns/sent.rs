//! A campaign by text message to twenty thousand leads, by the ledger of a fake of Twilio.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use fakes::twilio;
use reqwest::Method;
use serde_json::json;

use super::campaign;
use crate::{
    Outcome,
    messages::{accounts, office::Office},
    table::Figures,
};

const LEADS: usize = 20_000;
/// Far more than it takes.
const PATIENCE: Duration = Duration::from_mins(2);

/// Messages a second from the start of the campaign to the last in the ledger, planning included.
pub async fn per_second() -> Outcome<Figures> {
    let fake = twilio::Fake::start(twilio::Config::default()).await?;
    let office = Office::open().await?;
    let account = json!({"name": "line", "kind": "twilio", "credentials": accounts::twilio(&fake)});
    office.client.post("/api/v1/communication/providers", &account).await?;
    let template = json!({"name": "news", "channel": "sms", "text": "Dear {{name}}, there are news."});
    office.client.post("/api/v1/communication/templates", &template).await?;
    let mut file = String::from("name,phone\n");
    for number in 0..LEADS {
        writeln!(file, "Person {number},+1415{}", 2_000_000 + number)?;
    }
    let import = office.client.request(Method::POST, "/api/v1/leads/imports");
    let import = office.client.send(import.header("content-type", "text/csv").body(file)).await?;
    let audience = json!({"filter": {"import_id": import["id"]}});
    let path = campaign(&office, "sms", &audience).await?;
    office.house.database.settle().await?;
    let began = Instant::now();
    office.client.post(&format!("{path}/start"), &json!({})).await?;
    let came = tokio::time::timeout(PATIENCE, fake.ledger().until(LEADS)).await;
    came.map_err(|_| format!("only {} of {LEADS} messages came", fake.ledger().count()))?;
    let took = began.elapsed();
    while office.client.get(&format!("{path}/progress")).await?["finished_at"].is_null() {
        if began.elapsed() > PATIENCE {
            return Err("it does not finish".into());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    if fake.ledger().count() != LEADS {
        return Err(format!("{} messages came for {LEADS} leads", fake.ledger().count()).into());
    }
    office.close().await?;
    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    let per_s = LEADS as f64 / took.as_secs_f64();
    Ok(vec![("campaign_messages_per_s", per_s)])
}
