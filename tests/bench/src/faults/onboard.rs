//! kill -9 of the product's own workers in the midst of many `onboard_lead`: every lead is scored, routed and
//! welcomed once, as the log, the messages and the mail server's own ledger say.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use fakes::smtp::{Nature, Server};
use futures::{StreamExt, TryStreamExt, stream};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use switchboard::demo::{client::Client, people};
use uuid::Uuid;

use super::{
    api::{Api, KEY},
    books,
    crew::Hand,
    ledger::uptime,
    report::{Finding, Wish},
    site::Site,
};
use crate::Outcome;

const CREW: usize = 2;
/// Requests under way at a time.
const AT_ONCE: usize = 16;
const AGENTS: usize = 20;
/// From the last death or the last start, whichever is later. What was held at a death is found after 10 s of
/// silence; then there is the rest of the work.
const OVER_WITHIN_S: f64 = 120.0;
const BUSY_WITHIN_S: f64 = 30.0;
/// The lease of an attempt and the time until the next look at those that ran out, twice.
const SETTLED_WITHIN_S: f64 = 180.0;

pub async fn run(wish: Wish) -> Outcome<Finding> {
    let (leads, times, between_ms) = if wish.long { (10_000, 20, 500..2_500) } else { (300, 3, 100..500) };
    let mut dice = fastrand::Rng::with_seed(wish.seed);
    let site = Site::prepare().await?;
    let mails = Server::start(Nature::default()).await?;
    let office = Office::open(&site, &mails, leads).await?;
    let mut conn = site.system().await?;
    let mut crew = (0..CREW).map(|_| Hand::product(&site, KEY)).collect::<Outcome<Vec<_>>>()?;
    let killing = async {
        let mut held = 0;
        for _ in 0..times {
            tokio::time::sleep(Duration::from_millis(dice.u64(between_ms.clone()))).await;
            let victim = crew.swap_remove(dice.usize(..crew.len()));
            busy(&mut conn, victim.process).await?;
            let process = victim.process;
            victim.kill().await?;
            held += held_by(&mut conn, process).await?;
            crew.push(Hand::product(&site, KEY)?);
        }
        Ok(held)
    };
    let (runs, held) = tokio::try_join!(office.start_all(), killing)?;
    let all_in = uptime()?;
    books::empty(&mut conn).await?;
    let over = uptime()? - all_in;
    office.reply_to_all(&runs).await?;
    books::empty(&mut conn).await?;
    settled(&mut conn).await?;

    let mut finding = judge(&mut conn, &mails, leads).await?;
    finding.runs = times;
    finding.recovered(over, OVER_WITHIN_S);
    finding.begun_again = held;
    finding.holds(held > 0, || "no death hit a job under way".into());
    conn.close().await?;
    drop(crew);
    let engine = office.close().await;
    site.clear_away(engine).await?;
    Ok(finding)
}

/// A tenant with leads, agents, an account and templates.
struct Office {
    api: Api,
    leads: Vec<Value>,
    input: Value,
}

impl Office {
    async fn open(site: &Site, mails: &Server, leads: usize) -> Outcome<Self> {
        let api = Api::open(site).await?;
        let client = &api.client;
        let input = furnish(client, mails, leads).await?;
        let import = client.request(Method::POST, "/api/v1/leads/imports").header("content-type", "text/csv");
        client.send(import.body(people::csv(leads))).await?;
        let leads = client.all("/api/v1/leads").await?;
        Ok(Self { api, leads, input })
    }

    /// Starts the workflow for each lead; answers the runs.
    async fn start_all(&self) -> Outcome<Vec<Value>> {
        let start = |lead: &Value| {
            let mut input = self.input.clone();
            input["lead_id"] = lead["id"].clone();
            let body = json!({"workflow": "onboard_lead", "input": input});
            async move { Ok(self.api.client.post("/api/v1/workflows", &body).await?["id"].clone()) }
        };
        stream::iter(&self.leads).map(start).buffer_unordered(AT_ONCE).try_collect().await
    }

    async fn reply_to_all(&self, runs: &[Value]) -> Outcome<()> {
        let reply = |run: &Value| {
            let path = format!("/api/v1/workflows/{}/signals", run.as_str().unwrap_or_default());
            async move {
                let taken = self.api.client.post(&path, &json!({"name": "lead_replied"})).await?;
                if taken["result"] == "taken" { Ok(()) } else { Err(format!("{path}: {taken}").into()) }
            }
        };
        stream::iter(runs).map(reply).buffer_unordered(AT_ONCE).try_collect().await
    }

    async fn close(self) -> engine::Engine {
        self.api.close().await
    }
}

/// What the workflow is given, but the lead.
async fn furnish(client: &Client, mails: &Server, leads: usize) -> Outcome<Value> {
    let team = client.post("/api/v1/teams", &json!({"name": "Sales"})).await?["id"].clone();
    for name in people::agents(AGENTS) {
        let agent = json!({"name": name, "team_id": team, "status": "available", "capacity": leads});
        client.post("/api/v1/agents", &agent).await?;
    }
    let credentials = json!({
        "host": mails.addr.ip().to_string(), "port": mails.addr.port(), "tls": "none",
        "from": "Office <hello@office.example.com>",
    });
    let provider = json!({"name": "mail", "kind": "smtp", "credentials": credentials});
    let provider = client.post("/api/v1/communication/providers", &provider).await?["id"].clone();
    let mut templates = Vec::new();
    for name in ["welcome", "follow-up"] {
        let template = json!({
            "name": name, "channel": "email", "subject": format!("{name}, {{{{name}}}}"), "text": "Dear {{name}}",
        });
        templates.push(client.post("/api/v1/communication/templates", &template).await?["id"].clone());
    }
    Ok(json!({
        "strategy": "round_robin", "team_id": team, "provider_id": provider,
        "welcome_template_id": templates[0], "follow_up_template_id": templates[1],
    }))
}

/// Resolves when a process holds jobs.
async fn busy(conn: &mut PgConnection, process: u32) -> Outcome<()> {
    let patience = uptime()? + BUSY_WITHIN_S;
    while held_by(conn, process).await? == 0 {
        if uptime()? > patience {
            return Err("a worker finds nothing to do: the work is over, or was never begun".into());
        }
    }
    Ok(())
}

/// The jobs that a process holds, which it goes on holding for a while when it is dead. A node's name ends with its
/// process's id.
pub(super) async fn held_by(conn: &mut PgConnection, process: u32) -> Outcome<usize> {
    let held: i64 = sqlx::query_scalar(
        "select count(*) from engine.jobs j join engine.nodes n on n.id = j.node where n.name like '%:' || $1::text",
    )
    .bind(process.to_string())
    .fetch_one(conn)
    .await?;
    Ok(usize::try_from(held)?)
}

/// Resolves when no message is on its way: one that a death cut off is settled by the product itself, some time after
/// its lease has run out.
async fn settled(conn: &mut PgConnection) -> Outcome<()> {
    let patience = uptime()? + SETTLED_WITHIN_S;
    let left = "select count(*) from messages where status in ('pending', 'queued', 'sending')";
    loop {
        let left: i64 = sqlx::query_scalar(left).fetch_one(&mut *conn).await?;
        if left == 0 {
            return Ok(());
        }
        if uptime()? > patience {
            return Err(format!("{left} messages are not settled").into());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Counts what was done for each lead: scored and routed by the log, written to by the messages and by the mail
/// server. A message that a death cut off on its way is `unknown`; it may have arrived and is not sent again.
async fn judge(conn: &mut PgConnection, mails: &Server, leads: usize) -> Outcome<Finding> {
    let mut finding = Finding::default();
    for kind in ["lead.scored", "lead.assigned"] {
        let times: Vec<i64> =
            sqlx::query_scalar("select count(*) from engine.log where type = $1 group by subject")
                .bind(kind)
                .fetch_all(&mut *conn)
                .await?;
        finding.lost += leads - times.len();
        finding.doubled += times.iter().filter(|times| **times > 1).count();
    }
    let messages: Vec<(Uuid, String)> =
        sqlx::query_as("select lead_id, status from messages").fetch_all(&mut *conn).await?;
    let mut written: HashMap<Uuid, usize> = HashMap::new();
    for (lead, _) in &messages {
        *written.entry(*lead).or_default() += 1;
    }
    finding.lost += leads - written.len();
    finding.doubled += written.values().filter(|times| **times > 1).count();
    let ledger = mails.ledger();
    let arrived: HashSet<&str> = ledger.iter().map(|mail| mail.to.as_str()).collect();
    finding.doubled += ledger.len() - arrived.len();
    let of = |status: &str| messages.iter().filter(|(_, now)| now == status).count();
    let (sent, unknown) = (of("sent"), of("unknown"));
    finding.unknown = unknown;
    finding.holds(sent + unknown == messages.len(), || "messages are neither sent nor unknown".into());
    let fits = (sent..=sent + unknown).contains(&arrived.len());
    finding.holds(fits, || format!("{sent} sent, {unknown} unknown, {} arrived", arrived.len()));
    let (completed, all): (i64, i64) =
        sqlx::query_as("select count(*) filter (where state = 'completed'), count(*) from engine.runs")
            .fetch_one(&mut *conn)
            .await?;
    let wanted = i64::try_from(leads)?;
    finding.holds((completed, all) == (wanted, wanted), || format!("{completed} of {all} runs completed"));
    let jobs: i64 = sqlx::query_scalar("select count(*) from engine.job_history").fetch_one(conn).await?;
    finding.jobs = usize::try_from(jobs)?;
    Ok(finding)
}
