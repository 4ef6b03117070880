//! A campaign to a hundred, started at the same moment as another tenant's to a million; and one more while the messages of
//! the large one leave. Each tenant has an account at a fake of its own.

use std::time::{Duration, Instant};

use fakes::twilio;
use serde_json::{Value, json};
use switchboard::demo::client::Client;

use super::{by_twilio, draft, people, start};
use crate::{
    Outcome,
    messages::office::{Office, peak_mb},
    table::Figures,
};

const MANY: usize = 1_000_000;
const FEW: usize = 100;
/// How often the small one is sent alone; the median counts.
const ALONE: usize = 3;
/// Messages of the large one after which it is surely under way.
const UNDER_WAY: usize = 10_000;
/// Far more than it takes.
const PATIENCE: Duration = Duration::from_mins(5);

/// Seconds from the start of the small one to its last message in the ledger: alone, beside a large one that is started at the
/// same moment and is planned meanwhile, and amid the messages of that.
pub async fn small_beside_large() -> Outcome<Figures> {
    let office = Office::open().await?;
    let large = Large::open(&office).await?;
    let small = Small::open(&office).await?;
    office.house.database.settle().await?;

    let mut alone = Vec::new();
    for _ in 0..ALONE {
        let sending = small.ready().await?;
        alone.push(small.send(&sending, async { Ok(()) }).await?);
        small.over(&sending).await?;
    }
    alone.sort_unstable();
    let alone = alone[alone.len() / 2].as_secs_f64();

    let sending = small.ready().await?;
    let beside = small.send(&sending, start(large.client, &large.path)).await?.as_secs_f64();
    small.over(&sending).await?;

    let came = tokio::time::timeout(PATIENCE, large.fake.ledger().until(UNDER_WAY)).await;
    came.map_err(|_| format!("only {} messages of the large one came", large.fake.ledger().count()))?;
    let sending = small.ready().await?;
    let amid = small.send(&sending, async { Ok(()) }).await?.as_secs_f64();
    large.goes_on().await?;

    large.client.post(&format!("{}/cancel", large.path), &json!({})).await?;
    let rss_mb = peak_mb(office.worker.process)?;
    office.close().await?;
    Ok(vec![
        ("small_alone_s", alone),
        ("small_beside_large_s", beside),
        ("small_beside_large_ratio", beside / alone),
        ("small_amid_large_s", amid),
        ("small_amid_large_ratio", amid / alone),
        ("beside_rss_mb_peak", rss_mb),
    ])
}

/// The tenant who writes to a million.
struct Large<'o> {
    client: &'o Client,
    fake: twilio::Fake,
    path: String,
}

impl<'o> Large<'o> {
    async fn open(office: &'o Office) -> Outcome<Self> {
        let fake = twilio::Fake::start(twilio::Config::default()).await?;
        by_twilio(&office.client, &fake, &json!({})).await?;
        let ctx = office.house.gate.admit(&office.house.login().await?.token, None).await?;
        let audience = people::write(&ctx, MANY).await?;
        let path = draft(&office.client, "sms", &audience, &json!({})).await?;
        Ok(Self { client: &office.client, fake, path })
    }

    /// That it was under way all the time; else nothing was shown.
    async fn goes_on(&self) -> Outcome<()> {
        let progress = self.client.get(&format!("{}/progress", self.path)).await?;
        let is_on = progress["run_status"] == "running" && progress["open"].as_i64() > Some(0);
        if is_on && progress["recipients"] == MANY {
            return Ok(());
        }
        Err(format!("the large campaign was not under way: {progress}").into())
    }
}

/// The one who writes to a hundred.
struct Small {
    client: Client,
    fake: twilio::Fake,
    audience: Value,
}

/// A campaign that is to be started.
struct Sending {
    path: String,
    /// Messages in the ledger when its last one has come.
    until: usize,
}

impl Small {
    async fn open(office: &Office) -> Outcome<Self> {
        let fake = twilio::Fake::start(twilio::Config::default()).await?;
        let client = office.neighbour("small").await?;
        by_twilio(&client, &fake, &json!({})).await?;
        let audience = people::import(&client, 0..FEW).await?;
        Ok(Self { client, fake, audience })
    }

    async fn ready(&self) -> Outcome<Sending> {
        let path = draft(&self.client, "sms", &self.audience, &json!({})).await?;
        Ok(Sending { path, until: self.fake.ledger().count() + FEW })
    }

    /// Starts it, with something else at the same moment; answers how long it took until its last message came.
    async fn send(
        &self,
        sending: &Sending,
        meanwhile: impl Future<Output = Outcome<()>>,
    ) -> Outcome<Duration> {
        let began = Instant::now();
        tokio::try_join!(meanwhile, start(&self.client, &sending.path))?;
        let came = tokio::time::timeout(PATIENCE, self.fake.ledger().until(sending.until)).await;
        came.map_err(|_| format!("only {} messages of the small one came", self.fake.ledger().count()))?;
        Ok(began.elapsed())
    }

    /// Resolves when it is over by the table as well, each message having come once.
    async fn over(&self, sending: &Sending) -> Outcome<()> {
        let began = Instant::now();
        while self.client.get(&format!("{}/progress", sending.path)).await?["finished_at"].is_null() {
            if began.elapsed() > PATIENCE {
                return Err("the small one does not finish".into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let count = self.fake.ledger().count();
        if count == sending.until {
            Ok(())
        } else {
            Err(format!("{count} came, not {}", sending.until).into())
        }
    }
}
