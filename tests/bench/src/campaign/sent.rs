//! A campaign by text message to twenty thousand leads, by the ledger of a fake of Twilio.

use std::time::{Duration, Instant};

use fakes::twilio;
use serde_json::json;

use super::{by_twilio, draft, people, start};
use crate::{
    Outcome,
    messages::office::{Drained, Office, peak_mb},
};

const LEADS: usize = 20_000;
/// Far more than it takes.
const PATIENCE: Duration = Duration::from_mins(2);

/// From the start of the campaign to the last message in the ledger, planning included.
pub async fn drained() -> Outcome<Drained> {
    let fake = twilio::Fake::start(twilio::Config::default()).await?;
    let office = Office::open().await?;
    by_twilio(&office.client, &fake, &json!({})).await?;
    let audience = people::import(&office.client, 0..LEADS).await?;
    let path = draft(&office.client, "sms", &audience, &json!({})).await?;
    office.house.database.settle().await?;
    let began = Instant::now();
    start(&office.client, &path).await?;
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
    let rss_mb = peak_mb(office.worker.process)?;
    office.close().await?;
    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    let per_s = LEADS as f64 / took.as_secs_f64();
    Ok(Drained { per_s, rss_mb })
}
