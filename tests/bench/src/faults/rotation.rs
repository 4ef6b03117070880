//! kill -9 of the product's own workers while all keys are replaced, under readers and writers that never pause: every read
//! shows what was written last, the rotation ends, nothing is left under a key before, and those keys are gone.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

use domain::vault::rotation::columns::{COLUMNS, Under};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use switchboard::demo::client::Client;
use tokio::sync::Mutex;
use uuid::Uuid;

use super::{
    api::{Api, KEY},
    crew::Hand,
    ledger::uptime,
    onboard::held_by,
    report::{Finding, Wish},
    site::Site,
};
use crate::{Outcome, campaign::people};

const CREW: usize = 2;
const READERS: usize = 4;
const WRITERS: usize = 2;
/// Rows of one file.
const IMPORTED: usize = 20_000;
/// Sealed values of each lead: a name and a number.
const VALUES: usize = 2;
const KEYS: &str = "/api/v1/compliance/keys";
/// From the last death to the end of the rotation: what was held is found after 10 s of silence, then there is the rest.
const OVER_WITHIN_S: f64 = 600.0;
const BUSY_WITHIN_S: f64 = 60.0;

pub async fn run(wish: Wish) -> Outcome<Finding> {
    let (leads, times, between_ms) = if wish.long { (50_000, 20, 500..3_000) } else { (300, 2, 20..200) };
    let mut dice = fastrand::Rng::with_seed(wish.seed);
    let site = Site::prepare().await?;
    let api = Api::open(&site).await?;
    let book = Book::open(&api.client, leads).await?;
    let mut conn = site.system().await?;
    let before = keys(&mut conn).await?;
    let mut crew = (0..CREW).map(|_| Hand::product(&site, KEY)).collect::<Outcome<Vec<_>>>()?;
    let over = AtomicBool::new(false);
    let rotating = async {
        let mut held = 0;
        let mut rotations = 1;
        start(&api.client, "subjects").await?;
        for _ in 0..times {
            let patience = uptime()? + BUSY_WITHIN_S;
            let at = loop {
                if uptime()? > patience {
                    return Err("no worker finds anything to do".into());
                }
                if is_over(&api.client).await? {
                    start(&api.client, "subjects").await?;
                    rotations += 1;
                }
                // Some way into what somebody does, so that much of it is done and not said, and no job is hit each time it begins.
                if busy(&mut conn, &crew).await?.is_none() {
                    continue;
                }
                tokio::time::sleep(Duration::from_millis(dice.u64(between_ms.clone()))).await;
                if let Some(at) = busy(&mut conn, &crew).await? {
                    break at;
                }
            };
            let victim = crew.swap_remove(at);
            let process = victim.process;
            victim.kill().await?;
            held += held_by(&mut conn, process).await?;
            crew.push(Hand::product(&site, KEY)?);
        }
        let last = uptime()?;
        ended(&api.client).await?;
        let took = uptime()? - last;
        // The tenant's own key as well, and what wraps them all.
        for what in ["tenant", "kek"] {
            start(&api.client, what).await?;
            ended(&api.client).await?;
        }
        over.store(true, Relaxed);
        Outcome::Ok((held, rotations + 2, took))
    };
    let using = async {
        let readers = (0..READERS).map(|at| book.read(wish.seed ^ at as u64, &over));
        let writers = (0..WRITERS).map(|at| book.write(!wish.seed ^ at as u64, &over));
        let (read, wrote) =
            tokio::join!(futures::future::try_join_all(readers), futures::future::try_join_all(writers));
        read.and(wrote).map(drop)
    };
    let ((held, rotations, took), ()) = tokio::try_join!(rotating, using)?;

    let mut finding = Finding { runs: times, begun_again: held, ..Finding::default() };
    finding.recovered(took, OVER_WITHIN_S);
    finding.holds(held > 0, || "no death hit a job under way".into());
    let (read, written, wrong) =
        (book.read.load(Relaxed), book.written.load(Relaxed), book.wrong.load(Relaxed));
    finding.lost = wrong + book.check_all().await?;
    finding.holds(read > 0 && written > 0, || format!("{read} reads and {written} writes went on beside it"));
    let left = under_other_keys(&mut conn).await?;
    finding.holds(left == 0, || format!("{left} values are under keys that are not the current ones"));
    let after = keys(&mut conn).await?;
    let kept = before.iter().filter(|id| after.contains(id)).count();
    finding.holds(kept == 0, || format!("{kept} keys of before are still there"));
    eprintln!(
        "{} values, {rotations} rotations, {held} jobs were held at {times} deaths, {read} reads and {written} writes meanwhile; \
         over {took:.0} s after the last death",
        leads * VALUES
    );
    let jobs: i64 =
        sqlx::query_scalar("select count(*) from engine.job_history").fetch_one(&mut conn).await?;
    finding.jobs = usize::try_from(jobs)?;
    conn.close().await?;
    drop(crew);
    let engine = api.close().await;
    site.clear_away(engine).await?;
    Ok(finding)
}

/// Leads, each with the name that was written last. Whoever reads or writes one holds it meanwhile.
struct Book {
    client: Client,
    leads: Vec<(String, Mutex<String>)>,
    read: AtomicUsize,
    written: AtomicUsize,
    wrong: AtomicUsize,
}

impl Book {
    async fn open(client: &Client, many: usize) -> Outcome<Self> {
        for first in (0..many).step_by(IMPORTED) {
            people::import(client, first..many.min(first + IMPORTED)).await?;
        }
        let all = client.all("/api/v1/leads").await?;
        let lead = |lead: &Value| {
            let path = format!("/api/v1/leads/{}", lead["id"].as_str().unwrap_or_default());
            (path, Mutex::new(lead["name"].as_str().unwrap_or_default().to_owned()))
        };
        let leads = all.iter().map(lead).collect();
        let (read, written, wrong) = <(AtomicUsize, AtomicUsize, AtomicUsize)>::default();
        Ok(Self { client: client.clone(), leads, read, written, wrong })
    }

    async fn read(&self, seed: u64, over: &AtomicBool) -> Outcome<()> {
        let mut dice = fastrand::Rng::with_seed(seed);
        while !over.load(Relaxed) {
            let (path, name) = &self.leads[dice.usize(..self.leads.len())];
            let name = name.lock().await;
            let shown = self.client.get(path).await?;
            self.read.fetch_add(1, Relaxed);
            if shown["name"] != **name {
                eprintln!("{path} reads {} and not {name}", shown["name"]);
                self.wrong.fetch_add(1, Relaxed);
            }
        }
        Ok(())
    }

    async fn write(&self, seed: u64, over: &AtomicBool) -> Outcome<()> {
        let mut dice = fastrand::Rng::with_seed(seed);
        while !over.load(Relaxed) {
            let (path, name) = &self.leads[dice.usize(..self.leads.len())];
            let mut name = name.lock().await;
            let fresh = format!("Person {}", dice.u64(..));
            let change = self.client.request(Method::PATCH, path).json(&json!({ "name": fresh }));
            self.client.send(change).await?;
            *name = fresh;
            self.written.fetch_add(1, Relaxed);
        }
        Ok(())
    }

    /// How many of all leads do not read as they were written last.
    async fn check_all(&self) -> Outcome<usize> {
        let all = self.client.all("/api/v1/leads").await?;
        let shown: std::collections::HashMap<String, &Value> = all
            .iter()
            .map(|lead| (format!("/api/v1/leads/{}", lead["id"].as_str().unwrap_or_default()), &lead["name"]))
            .collect();
        let mut wrong = 0;
        for (path, name) in &self.leads {
            let name = name.lock().await;
            wrong += usize::from(shown.get(path).is_none_or(|shown| **shown != **name));
        }
        Ok(wrong)
    }
}

async fn start(client: &Client, what: &str) -> Outcome<()> {
    client.post(&format!("{KEYS}/rotate"), &json!({ "what": what })).await?;
    Ok(())
}

/// Whether the newest rotation has ended, and its workflow with it.
async fn is_over(client: &Client) -> Outcome<bool> {
    let rotation = client.get(KEYS).await?["rotation"].clone();
    if rotation["finished_at"].is_null() {
        return Ok(false);
    }
    let run = format!("/api/v1/workflows/{}", rotation["run_id"].as_str().unwrap_or_default());
    Ok(client.get(&run).await?["state"] == "completed")
}

async fn ended(client: &Client) -> Outcome<()> {
    let patience = uptime()? + 2.0 * OVER_WITHIN_S;
    while !is_over(client).await? {
        if uptime()? > patience {
            return Err(format!("a rotation does not end: {}", client.get(KEYS).await?["rotation"]).into());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(())
}

/// The place in the crew of one who holds a job at this moment; none if nobody does for a while, as the rotation may be
/// over.
async fn busy(conn: &mut PgConnection, crew: &[Hand]) -> Outcome<Option<usize>> {
    for _ in 0..200 {
        for (at, hand) in crew.iter().enumerate() {
            if held_by(conn, hand.process).await? > 0 {
                return Ok(Some(at));
            }
        }
    }
    Ok(None)
}

/// The keys of people, and the tenants' data keys.
async fn keys(conn: &mut PgConnection) -> Outcome<Vec<Uuid>> {
    let all = "select id from subject_keys where wrapped is not null
               union all select id from tenant_keys where wrapped is not null and purpose = 'data'
                  and tenant_id in (select tenant_id from leads)";
    Ok(sqlx::query_scalar(all).fetch_all(conn).await?)
}

/// Values that are under no current key.
async fn under_other_keys(conn: &mut PgConnection) -> Outcome<i64> {
    let mut left = 0;
    for one in COLUMNS {
        let (table, column) = (one.table, one.column);
        let keys = match one.under {
            Under::Tenant => "tenant_keys",
            Under::Subject => "subject_keys",
        };
        let count = format!(
            "select count(*) from {table} t where length({column}) >= 46 and not exists (
               select from {keys} k where k.tenant_id = t.tenant_id and k.wrapped is not null and k.state = 'current'
                  and k.id::text = encode(substring(t.{column} from 3 for 16), 'hex')::uuid::text)"
        );
        let rows: i64 = sqlx::query_scalar(AssertSqlSafe(count)).fetch_one(&mut *conn).await?;
        left += rows;
    }
    Ok(left)
}
