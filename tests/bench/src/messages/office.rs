//! A tenant with all that is looked at before a message leaves, a worker of the product's own, and messages that wait
//! until the clock starts.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use domain::outbound::OutboundPolicy;
use fakes::ledger::Ledger;
use futures::{StreamExt, TryStreamExt, stream};
use reqwest::Method;
use serde_json::{Value, json};
use switchboard::{
    demo::client::Client,
    platform,
    process::{Plan, Process, Roles},
};
use uuid::Uuid;

use crate::{
    Outcome,
    access::house::{EMAIL, House, KEY, PASSWORD, SLUG},
    database::run,
    faults::crew::Hand,
};

const MESSAGES: usize = 20_000;
/// Of one request.
const BATCH: usize = 500;
/// Requests under way at a time.
const AT_ONCE: usize = 16;
const LEADS: usize = 10_000;
/// Far more than any of it takes.
const PATIENCE: Duration = Duration::from_mins(2);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Leads, what each has agreed to, and as many addresses that nobody writes to.
const PEOPLE: &str = "
insert into leads (tenant_id, id, status, source, created_at)
select t.id, ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'new', 'import', engine.now()
  from tenants t, generate_series(1, 10000) n where t.slug = 'house';
insert into consents (tenant_id, id, lead_id, channel, purpose, granted, source)
select l.tenant_id, gen_random_uuid(), l.id, c.channel, p.purpose, true, 'import'
  from leads l, (values ('sms'), ('email')) c(channel), (values ('marketing'), ('transactional')) p(purpose);
insert into suppressions (tenant_id, id, channel, scope, reason, subject_id, to_index, to_sealed)
select t.id, gen_random_uuid(), (array['sms', 'email'])[1 + n % 2], 'all', 'bounce', gen_random_uuid(),
       sha256(convert_to('nobody ' || n, 'UTF8')), ''::bytea
  from tenants t, generate_series(1, 10000) n where t.slug = 'house'";

/// An account, what it says, and to whom.
pub struct Line {
    pub kind: &'static str,
    pub credentials: Value,
    pub template: Value,
    /// By the message's number.
    pub to: fn(usize) -> String,
}

/// What came of it.
pub struct Drained {
    pub per_s: f64,
    /// The most memory that the worker had at any time.
    pub rss_mb: f64,
}

/// From the moment at which all may leave until the last is known to be sent, by the ledger and by the table.
pub async fn drained(line: &Line, ledger: &Ledger) -> Outcome<Drained> {
    let office = Office::open().await?;
    office.accept(line).await?;
    let drained = office.drain(ledger).await?;
    office.close().await?;
    Ok(drained)
}

/// A tenant, whoever speaks for it, and a worker.
pub struct Office {
    pub house: House,
    process: Process,
    pub client: Client,
    pub worker: Hand,
    home: PathBuf,
}

impl Office {
    /// With leads that have no addresses, what they have agreed to, and addresses that nobody writes to.
    pub async fn open() -> Outcome<Self> {
        let mut house = House::open().await?;
        let here = OutboundPolicy { loopback: true, relays: Vec::new() };
        house.platform = platform::reaching(house.platform, here)?;
        run(&mut house.database.conn().await?, PEOPLE).await?;
        let name = Uuid::now_v7().simple();
        let heads = std::env::temp_dir().join(format!("heads-{name}.json"));
        let plan = Plan::unbounded(Roles { api: true, ..Roles::default() }, heads);
        let process = Process::start(house.platform.clone(), plan).await?;
        let base = format!("http://{}", process.addr.ok_or("the API has no address")?);
        let login = json!({"tenant": SLUG, "email": EMAIL, "password": PASSWORD});
        let client = Client::login(base, &login).await?;
        let home = std::env::temp_dir().join(format!("messages-{name}"));
        let worker = Hand::serving(&house.database.owner, &home, KEY)?;
        let office = Self { house, process, client, worker, home };
        office.worker_is_there().await?;
        Ok(office)
    }

    /// Founds another tenant; answers whoever speaks for it.
    pub async fn neighbour(&self, slug: &str) -> Outcome<Client> {
        self.house.found(slug).await?;
        let login = json!({"tenant": slug, "email": EMAIL, "password": PASSWORD});
        Client::login(self.client.base.clone(), &login).await
    }

    async fn worker_is_there(&self) -> Outcome<()> {
        let mut conn = self.house.database.conn().await?;
        let began = Instant::now();
        loop {
            let there: bool = sqlx::query_scalar(
                "select exists (select from engine.nodes where name like '%:' || $1::text)\n                    and exists (select from engine.queues where name = 'messages')",
            )
            .bind(self.worker.process.to_string())
            .fetch_one(&mut conn)
            .await?;
            if there {
                return Ok(());
            }
            if began.elapsed() > PATIENCE {
                return Err("the worker does not begin".into());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Has messages accepted that cannot leave yet: half of them to leads.
    async fn accept(&self, line: &Line) -> Outcome<()> {
        let client = &self.client;
        client.post("/api/v1/queues/messages/pause", &json!({})).await?;
        let put = client.request(Method::PUT, "/api/v1/communication/policy");
        client.send(put.json(&self.policy())).await?;
        let account = json!({"name": "line", "kind": line.kind, "credentials": line.credentials});
        let provider = client.post("/api/v1/communication/providers", &account).await?["id"].clone();
        let template = client.post("/api/v1/communication/templates", &line.template).await?["id"].clone();
        let message = |number: usize| {
            let mut message = json!({
                "provider_id": provider, "template_id": template, "to": (line.to)(number),
                "variables": {"name": format!("Person {number}"), "order": number, "day": "Monday"},
            });
            if number.is_multiple_of(2) {
                let lead = number / 2 % LEADS + 1;
                message["lead_id"] = json!(format!("01900000-0000-7000-8000-{lead:012x}"));
            }
            message
        };
        let batch = |first: usize| {
            let messages: Vec<Value> = (first..first + BATCH).map(message).collect();
            async move {
                let body = json!({ "messages": messages });
                client.post("/api/v1/communication/messages/bulk", &body).await?;
                Outcome::Ok(())
            }
        };
        stream::iter((0..MESSAGES).step_by(BATCH))
            .map(batch)
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await
    }

    /// Quiet hours that nobody here has now, wherever they are taken to be, and a cap on marketing.
    fn policy(&self) -> Value {
        let now = self.house.platform.clock.now();
        let later = |hours| (now + TimeDelta::hours(hours)).format("%H:%M").to_string();
        json!({
            "quiet_hours": {
                "from": later(6), "until": later(7), "purposes": ["marketing", "transactional"],
            },
            "frequency_cap": {"most": 3, "hours": 24, "purposes": ["marketing"], "per": "person"},
        })
    }

    async fn drain(&self, ledger: &Ledger) -> Outcome<Drained> {
        self.house.database.settle().await?;
        let mut conn = self.house.database.conn().await?;
        let (wanted, began) = (i64::try_from(MESSAGES)?, Instant::now());
        self.client.post("/api/v1/queues/messages/resume", &json!({})).await?;
        let came = tokio::time::timeout(PATIENCE, ledger.until(MESSAGES)).await;
        came.map_err(|_| format!("only {} of {MESSAGES} messages came", ledger.count()))?;
        loop {
            let sent: i64 = sqlx::query_scalar("select count(*) from messages where status = 'sent'")
                .fetch_one(&mut conn)
                .await?;
            if sent == wanted {
                break;
            }
            if began.elapsed() > PATIENCE {
                return Err(format!("only {sent} of {MESSAGES} messages are sent by the table").into());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        let took = began.elapsed();
        if ledger.count() != MESSAGES {
            return Err(format!("{} messages came for {MESSAGES}", ledger.count()).into());
        }
        #[expect(clippy::cast_precision_loss, reason = "some thousands of messages")]
        let per_s = MESSAGES as f64 / took.as_secs_f64();
        Ok(Drained { per_s, rss_mb: peak_mb(self.worker.process)? })
    }

    /// Ends all of it.
    pub async fn close(self) -> Outcome<()> {
        self.worker.kill().await?;
        self.process.stop().await;
        self.house.close().await?;
        Ok(std::fs::remove_dir_all(self.home)?)
    }
}

/// The most memory that a process has had.
pub fn peak_mb(process: u32) -> Outcome<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).ok_or("no memory to see")?;
    let kib: f64 = line.split_whitespace().nth(1).ok_or("no memory to see")?.parse()?;
    Ok(kib / 1024.0)
}
