//! What the demo does, in order, with a bar for each stage that the socket moves.

use std::time::{Duration, Instant};

use futures::{TryStreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{
    Failure,
    client::Client,
    people,
    watch::{Told, watch},
};

/// A stage's name and how long it took.
pub type Times = Vec<(&'static str, Duration)>;

/// Leads that each agent may have besides the first ones.
const ROOM: u32 = 40;
/// Requests under way at a time.
const AT_ONCE: usize = 16;

/// Goes through all stages.
pub async fn run(client: &Client, leads: u32, agents: u32) -> Result<Times, Failure> {
    let mut told = watch(client).await?;
    let (team, provider, template) = prepare(client, leads, agents).await?;
    let mut times = Times::new();

    let file = people::csv(leads as usize);
    let request = client.request(Method::POST, "/api/v1/leads/imports").header("content-type", "text/csv");
    let import = async { client.send(request.body(file)).await };
    let report = stage(&mut times, "import", "lead.created", leads, &mut told, import).await?;
    let import = &report["id"];

    let body = json!({ "import_id": import });
    let score = client.post("/api/v1/automation/leads/score", &body);
    stage(&mut times, "score", "lead.scored", leads, &mut told, score).await?;

    let body = json!({ "import_id": import, "strategy": "round_robin", "team_id": team });
    let route = client.post("/api/v1/automation/leads/route", &body);
    stage(&mut times, "route", "lead.assigned", leads, &mut told, route).await?;

    let send = send(client, &provider, &template);
    stage(&mut times, "send", "message.sent", leads, &mut told, send).await?;
    match told.borrow().gaps {
        0 => Ok(times),
        gaps => Err(format!("the tenant's sequence of events has {gaps} gaps").into()),
    }
}

/// The team with its agents, the sandbox and the template.
async fn prepare(client: &Client, leads: u32, agents: u32) -> Result<(Value, Value, Value), Failure> {
    let team = client.post("/api/v1/teams", &json!({ "name": "Sales" })).await?["id"].clone();
    let capacity = leads.div_ceil(agents) + ROOM;
    for name in people::agents(agents as usize) {
        let agent = json!({ "name": name, "team_id": team, "status": "available", "capacity": capacity });
        client.post("/api/v1/agents", &agent).await?;
    }
    let provider = json!({ "name": "Sandbox", "kind": "sandbox" });
    let provider = client.post("/api/v1/communication/providers", &provider).await?["id"].clone();
    let template = json!({
        "name": "welcome", "channel": "email", "subject": "Welcome, {{name}}",
        "text": "Dear {{name}},\n\nyour agent will call you soon.\n",
    });
    let template = client.post("/api/v1/communication/templates", &template).await?["id"].clone();
    Ok((team, provider, template))
}

/// One e-mail to each lead. The key makes a request that is sent twice happen once.
async fn send(client: &Client, provider: &Value, template: &Value) -> Result<Value, Failure> {
    let leads = client.all("/api/v1/leads").await?;
    stream::iter(leads.into_iter().map(Ok))
        .try_for_each_concurrent(AT_ONCE, |lead| async move {
            let body = json!({
                "provider_id": provider, "template_id": template, "lead_id": lead["id"],
                "variables": { "name": lead["name"] },
            });
            let key = format!("welcome-{}", lead["id"].as_str().unwrap_or_default());
            let request = client.request(Method::POST, "/api/v1/communication/messages");
            client.send(request.header("idempotency-key", key).json(&body)).await.map(drop)
        })
        .await?;
    Ok(Value::Null)
}

/// Does one stage and moves its bar until the socket has told of every lead.
async fn stage(
    times: &mut Times,
    name: &'static str,
    kind: &str,
    total: u32,
    told: &mut watch::Receiver<Told>,
    work: impl Future<Output = Result<Value, Failure>>,
) -> Result<Value, Failure> {
    let began = Instant::now();
    let style = ProgressStyle::with_template("{prefix:8} {bar:40} {pos:>6}/{len} {elapsed}")?;
    let bar = ProgressBar::new(total.into()).with_style(style).with_prefix(name);
    let watched = async {
        loop {
            let now = told.borrow_and_update().clone();
            bar.set_position(now.of(kind).min(total.into()));
            if now.of(kind) >= total.into() {
                return Ok(());
            }
            if let Some(why) = now.broken {
                return Err(Failure::from(why));
            }
            told.changed().await?;
        }
    };
    let (done, ()) = tokio::try_join!(work, watched)?;
    bar.finish();
    let took = began.elapsed();
    if bar.is_hidden() {
        println!("{name:8} {total:>6}/{total} in {:.1} s", took.as_secs_f64());
    }
    times.push((name, took));
    Ok(done)
}
