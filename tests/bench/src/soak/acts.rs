//! What comes in over a day: people come, files of people, messages, replies, campaigns; and what people look at meanwhile.
//! A request that answers another is due when that one was answered; all others when the timetable says.

use std::{fmt::Write as _, sync::atomic::Ordering::Relaxed};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{plan::Turn, shift::Shift, tenant::Tenant};
use crate::{campaign::people, messages::accounts};

/// Rows of a file, and recipients of a campaign.
const IMPORTED: usize = 40;
pub const RECIPIENTS: usize = 60;
/// Every so many-th message is asked for twice.
const AGAIN: usize = 5;
const MESSAGES: &str = "/api/v1/communication/messages";
const LEADS: &str = "/api/v1/leads";

const LISTS: [&str; 8] = [
    "/api/v1/leads?limit=50",
    "/api/v1/leads?status=contacted&sort=-updated&limit=50",
    "/api/v1/automation/leads/ranked?limit=50",
    "/api/v1/communication/messages?status=delivered&limit=50",
    "/api/v1/calls?limit=50",
    "/api/v1/campaigns?limit=20",
    "/api/v1/automation/queues",
    "/api/v1/communication/inbound?limit=20",
];
const SEARCHES: [&str; 4] = [
    "/api/v1/jobs?limit=50",
    "/api/v1/jobs?state=discarded",
    "/api/v1/jobs?kind=send_message&limit=50",
    "/api/v1/jobs?queue=automation&limit=50",
];
const FIGURES: [&str; 5] = [
    "/api/v1/analytics/trends?measure=call.count",
    "/api/v1/analytics/metrics?measures=call.count,call.service_level",
    "/api/v1/automation/metrics",
    "/api/v1/communication/stats?by=hour",
    "/api/v1/queues",
];

/// Somebody comes, is scored, given to an agent and looked at.
pub async fn come(shift: &Shift, turn: Turn) -> Option<()> {
    let (tenant, _) = shift.whose(turn);
    let number = tenant.strangers(1).start;
    let lead =
        json!({"name": format!("Person {number}"), "phone": people::phone(number), "source": "organic"});
    let made = shift.ask(("lead", turn.due), tenant.post(LEADS, &lead), 201).await?.body;
    tenant.books.leads.fetch_add(1, Relaxed);
    let body = json!({"lead_id": made["id"]});
    let asked = tenant.post("/api/v1/automation/leads/score", &body);
    shift.ask(("score", Instant::now()), asked, 200).await?;
    let body = json!({"lead_id": made["id"], "strategy": "round_robin", "team_id": tenant.team});
    let asked = tenant.post("/api/v1/automation/leads/route", &body);
    let routed = shift.ask(("route", Instant::now()), asked, 200).await?.body;
    let owner = routed["owner_id"].as_str();
    shift.must("route", owner, "nobody has the lead")?;
    let path = format!("{LEADS}/{}", made["id"].as_str().unwrap_or_default());
    let seen = shift.ask(("look_at_lead", Instant::now()), tenant.get(&path), 200).await?.body;
    shift.must("look_at_lead", (seen["owner_id"] == routed["owner_id"]).then_some(()), "another owner")
}

/// A file of people comes; they are scored and given to agents by jobs.
pub async fn import(shift: &Shift, turn: Turn) -> Option<()> {
    let (tenant, _) = shift.whose(turn);
    let import = imported(shift, tenant, (turn.due, IMPORTED)).await?;
    let body = json!({"import_id": import, "strategy": "round_robin", "team_id": tenant.team});
    let asked = tenant.post("/api/v1/automation/leads/route", &body);
    shift.ask(("route_file", Instant::now()), asked, 202).await?;
    Some(())
}

/// The id of an import of so many people, whose scoring is asked for.
async fn imported(shift: &Shift, tenant: &Tenant, (due, many): (Instant, usize)) -> Option<Value> {
    let mut file = String::from("name,phone\n");
    for number in tenant.strangers(many) {
        writeln!(file, "Person {number},{}", people::phone(number)).ok()?;
    }
    let asked = tenant.request(Method::POST, "/api/v1/leads/imports").header("content-type", "text/csv");
    let import = shift.ask(("file", due), asked.body(file), 201).await?.body;
    shift.must("file", (import["created"] == many).then_some(()), "rows of a file are missing")?;
    tenant.books.leads.fetch_add(many, Relaxed);
    let asked = tenant.post("/api/v1/automation/leads/score", &json!({"import_id": import["id"]}));
    shift.ask(("score_file", Instant::now()), asked, 202).await?;
    Some(import["id"].clone())
}

/// A regular is written to; at times the program asks again, as if it had not heard the answer.
pub async fn write(shift: &Shift, turn: Turn) -> Option<()> {
    let (tenant, number) = shift.whose(turn);
    let body = json!({
        "provider_id": tenant.account, "template_id": tenant.template,
        "lead_id": tenant.regulars[number % tenant.regulars.len()], "variables": {"name": format!("Person {number}")},
    });
    let key = format!("message-{number}");
    let asked = || tenant.post(MESSAGES, &body).header("idempotency-key", &key);
    let made = shift.ask(("message", turn.due), asked(), 202).await?;
    let id = made.body["id"].as_str().map(ToOwned::to_owned);
    tenant.books.message(shift.must("message", id, "a message without an id")?);
    if number.is_multiple_of(AGAIN) {
        let again = shift.ask(("message_again", Instant::now()), asked(), 202).await?;
        let is_same = again.headers.get("location") == made.headers.get("location");
        shift.must("message_again", is_same.then_some(()), "another message came of the same key")?;
    }
    Some(())
}

/// A regular writes.
pub async fn reply(shift: &Shift, turn: Turn) -> Option<()> {
    let (tenant, number) = shift.whose(turn);
    let from = people::phone(number % tenant.regulars.len());
    let wrote = tenant.fake.inbound(&tenant.callback_url, &from, accounts::FROM, "Please call me back");
    shift.ask(("reply", turn.due), wrote.by(&tenant.http), 200).await?;
    tenant.books.replies.fetch_add(1, Relaxed);
    Some(())
}

/// The provider tells that a message has arrived, if there is one of which it has not.
pub async fn delivered(shift: &Shift, turn: Turn) -> Option<()> {
    let (tenant, _) = shift.whose(turn);
    let entry = tenant.fake.ledger().since(tenant.next_told()?).into_iter().next()?;
    let told = tenant.fake.status_callback(&entry, "delivered", None);
    shift.ask(("delivered", turn.due), told.by(&tenant.http), 204).await?;
    Some(())
}

/// People come as a file and are all written to.
pub async fn campaign(shift: &Shift, turn: Turn) -> Option<()> {
    let (tenant, number) = shift.whose(turn);
    let import = imported(shift, tenant, (turn.due, RECIPIENTS)).await?;
    let draft = json!({
        "name": format!("News {number}"), "audience": {"filter": {"import_id": import}},
        "content": {
            "purpose": "transactional", "channels": [{"channel": "sms"}],
            "variants": [{"name": "a", "messages": [{"channel": "sms", "template": "news"}]}],
        },
    });
    let asked = tenant.post("/api/v1/campaigns", &draft);
    let made = shift.ask(("campaign", Instant::now()), asked, 201).await?.body;
    let path = format!("/api/v1/campaigns/{}", made["id"].as_str().unwrap_or_default());
    let asked = tenant.post(&format!("{path}/start"), &json!({}));
    shift.ask(("begin_campaign", Instant::now()), asked, 202).await?;
    tenant.books.campaign(path);
    Some(())
}

/// Somebody looks for jobs, also for the one of a message.
pub async fn search(shift: &Shift, turn: Turn) -> Option<()> {
    let (tenant, number) = shift.whose(turn);
    let path = match SEARCHES.get(number % (SEARCHES.len() + 1)) {
        Some(path) => (*path).to_owned(),
        None => format!("/api/v1/jobs?business_key=message:{}", tenant.books.messages().last()?),
    };
    shift.ask(("jobs", turn.due), tenant.get(&path), 200).await?;
    Some(())
}

/// Somebody looks at a list.
pub async fn list(shift: &Shift, turn: Turn) -> Option<()> {
    let (tenant, number) = shift.whose(turn);
    shift.ask(("list", turn.due), tenant.get(LISTS[number % LISTS.len()]), 200).await?;
    Some(())
}

/// Somebody looks at what all of it comes to, also at how far the newest campaign is.
pub async fn figures(shift: &Shift, turn: Turn) -> Option<()> {
    let (tenant, number) = shift.whose(turn);
    let path = match (FIGURES.get(number % (FIGURES.len() + 1)), tenant.books.campaigns().last()) {
        (Some(path), _) => (*path).to_owned(),
        (None, Some(campaign)) => format!("{campaign}/progress"),
        (None, None) => FIGURES[0].to_owned(),
    };
    shift.ask(("figures", turn.due), tenant.get(&path), 200).await?;
    Some(())
}

/// Somebody looks at a page of the dashboard.
pub async fn page(shift: &Shift, turn: Turn) -> Option<()> {
    let (tenant, number) = shift.whose(turn);
    let path = tenant.pages.get(number % tenant.pages.len().max(1))?;
    match tenant.visitor.look(path).await {
        Ok(Some(_)) => shift.record.took("page", turn.due),
        Ok(None) => shift.record.failed("page", format!("{path} is no page any more")),
        Err(error) => shift.record.failed("page", error.to_string()),
    }
    Some(())
}
