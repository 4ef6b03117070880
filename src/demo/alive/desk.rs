//! What the demo works with once it goes on: accounts that do not always do what they should, what is said, and to whom.

use serde_json::{Value, json};

use super::Dice;
use crate::demo::{Failure, client::Client};

/// The template that campaigns and second messages use.
pub const OFFER: &str = "offer";
const PROVIDERS: &str = "/api/v1/communication/providers";
const TEMPLATES: &str = "/api/v1/communication/templates";
const SCHEDULES: &str = "/api/v1/schedules";
const REPORTS: &str = "/api/v1/analytics/saved-reports";
/// The report that is sent every hour.
const CALLS: &str = "Calls of the month";
const ACCESS: &str = "/api/v1/compliance/gdpr/access";

/// Accounts, templates and people.
pub struct Desk {
    pub team: Value,
    pub welcome: Value,
    pub offer: Value,
    /// Newest first.
    pub leads: Vec<Value>,
    pub agents: Vec<Value>,
    good: Value,
    unlucky: Value,
    away: Value,
}

impl Desk {
    /// Finds what an earlier start has made, and makes what is not there.
    ///
    /// # Errors
    /// If something is refused.
    pub async fn open(client: &Client) -> Result<Self, Failure> {
        let sandbox = |name: &str, settings: Value| {
            // The last ones to be asked where no account is named.
            json!({"name": name, "kind": "sandbox", "priority": 50, "credentials": settings})
        };
        let unlucky = sandbox("Sandbox, at times refusing", json!({"failure_rate": 0.2, "delay_ms": 400}));
        let away = sandbox("Sandbox, out of order", json!({"refuse": "transient", "delay_ms": 800}));
        let template = |name: &str, subject: &str, text: &str| json!({"name": name, "channel": "email", "subject": subject, "text": text});
        let welcome = template("welcome", "Welcome, {{name}}", "Dear {{name}},\n\nwelcome.\n");
        let offer = template(OFFER, "{{name}}, something for you", "Dear {{name}},\n\nwe have an offer.\n");
        let rescore =
            json!({"name": "Scores of the day", "crontab": "*/10 * * * *", "work": {"kind": "score_leads"}});
        named(client, SCHEDULES, &rescore).await?;
        let desk = Self {
            team: named(client, "/api/v1/teams", &json!({"name": "Sales"})).await?,
            welcome: named(client, TEMPLATES, &welcome).await?,
            offer: named(client, TEMPLATES, &offer).await?,
            good: named(client, PROVIDERS, &json!({"name": "Sandbox", "kind": "sandbox"})).await?,
            unlucky: named(client, PROVIDERS, &unlucky).await?,
            away: named(client, PROVIDERS, &away).await?,
            leads: Vec::new(),
            agents: client.all("/api/v1/agents").await?,
        };
        desk.asked(client).await?;
        desk.reports(client).await?;
        Ok(desk)
    }

    /// Looks who there is.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn look(&mut self, client: &Client) -> Result<(), Failure> {
        let mut page = client.get("/api/v1/leads?limit=200").await?;
        self.leads = page["items"].as_array_mut().map(std::mem::take).unwrap_or_default();
        Ok(())
    }

    /// One of the accounts, more often one that is good.
    pub fn account(&self, dice: &Dice<'_>) -> &Value {
        match dice.below(10) {
            0 => &self.away,
            1..=4 => &self.unlucky,
            _ => &self.good,
        }
    }

    /// Reports that somebody wants again and again: one is sent by itself, where it is known how links in mails begin.
    async fn reports(&self, client: &Client) -> Result<(), Failure> {
        let leads =
            json!({"name": "Leads of the month", "kind": "lead", "span": "month_to_date", "format": "csv"});
        named(client, REPORTS, &leads).await?;
        let there = client.all(REPORTS).await?;
        if there.iter().any(|one| one["name"] == CALLS) {
            return Ok(());
        }
        let mut calls = json!({
            "name": CALLS, "kind": "call", "span": "month_to_date", "format": "csv", "provider_id": self.good,
            "recipients": ["lead@demo.example.com"], "crontab": "0 * * * *",
        });
        if let Ok(made) = client.post(REPORTS, &calls).await {
            let path = format!("{REPORTS}/{}/send", made["id"].as_str().unwrap_or_default());
            client.post(&path, &json!({})).await?;
            return Ok(());
        }
        calls["recipients"] = json!([]);
        calls["crontab"] = Value::Null;
        client.post(REPORTS, &calls).await?;
        Ok(())
    }

    /// Somebody has asked what is held of them.
    async fn asked(&self, client: &Client) -> Result<(), Failure> {
        let known = client.get(&format!("{ACCESS}?limit=1")).await?;
        let page = client.get("/api/v1/leads?limit=1").await?;
        if known["items"].as_array().is_some_and(Vec::is_empty)
            && let Some(lead) = page["items"].get(0)
        {
            client.post(ACCESS, &json!({"lead_id": lead["id"]})).await?;
        }
        Ok(())
    }
}

/// The id of what has this name, which is made if it is not there.
///
/// # Errors
/// If it is refused.
pub async fn named(client: &Client, path: &str, wanted: &Value) -> Result<Value, Failure> {
    let there = client.all(path).await?;
    match there.iter().find(|one| one["name"] == wanted["name"]) {
        Some(one) => Ok(one["id"].clone()),
        None => Ok(client.post(path, wanted).await?["id"].clone()),
    }
}
