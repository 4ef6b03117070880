//! A tenant with a team, leads, a phone system and an account at a fake of Twilio, and the books of what it was asked for.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use domain::{access::permission::Permission as P, types::TenantId};
use fakes::twilio;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use switchboard::demo::client::Client;

use crate::{
    Outcome,
    access::house::{EMAIL, PASSWORD},
    campaign::people,
    dashboard::visit::Visitor,
    live::door::Door,
    messages::accounts,
};

/// Who calls, is called and written to again and again.
pub const REGULARS: usize = 500;
const AGENTS: usize = 40;
/// Seconds that an agent has for writing up.
const WRAP_UP_S: u32 = 5;
/// After it nobody waits for an answer any more.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the programs of a tenant may do.
pub const RIGHTS: [P; 26] = [
    P::AnalyticsExport,
    P::AnalyticsRead,
    P::AutomationRead,
    P::CallsRead,
    P::CampaignsRead,
    P::CampaignsRun,
    P::CampaignsWrite,
    P::EventsRead,
    P::ImportsRead,
    P::JobsRead,
    P::LeadsCreate,
    P::LeadsImport,
    P::LeadsRead,
    P::LeadsRoute,
    P::LeadsScore,
    P::LeadsWrite,
    P::MessageStatsRead,
    P::MessagesRead,
    P::MessagesSend,
    P::NodesRead,
    P::PersonalRead,
    P::ProvidersRead,
    P::QueuesRead,
    P::TeamsRead,
    P::AgentsRead,
    P::AuditVerify,
];

/// What was asked for and accepted.
#[derive(Default)]
pub struct Books {
    messages: Mutex<Vec<String>>,
    campaigns: Mutex<Vec<String>>,
    pub leads: AtomicUsize,
    pub calls: AtomicUsize,
    pub replies: AtomicUsize,
}

pub struct Tenant {
    pub slug: &'static str,
    pub id: TenantId,
    pub http: reqwest::Client,
    pub base: String,
    /// An API key: unlike a token it does not run out.
    pub key: String,
    pub team: Value,
    pub agents: Vec<Value>,
    /// The ids of the regulars, in the order of their numbers or not.
    pub regulars: Vec<Value>,
    pub fake: twilio::Fake,
    pub account: Value,
    /// Where the account's provider calls.
    pub callback_url: String,
    pub template: Value,
    /// Where the phone system calls, and what it signs by.
    pub phone_path: String,
    pub phone_secret: String,
    pub visitor: Visitor,
    /// The pages that the visitor looks at.
    pub pages: Vec<String>,
    pub books: Books,
    /// How many numbers have been given to people.
    people: AtomicUsize,
    /// Of how many messages in its ledger the provider has told that they arrived.
    told: Mutex<usize>,
}

impl Tenant {
    /// Furnishes one that is there and has nothing.
    pub async fn furnish(door: &Door, slug: &'static str, id: TenantId) -> Outcome<Self> {
        let login = json!({"tenant": slug, "email": EMAIL, "password": PASSWORD});
        let admin = Client::login(door.base.clone(), &login).await?;
        let names: Vec<&str> = RIGHTS.iter().map(|right| right.as_str()).collect();
        let key = admin.post("/api/v1/api-keys", &json!({"name": "programs", "permissions": names})).await?;
        let (team, agents) = staff(&admin).await?;
        let source = json!({"name": "phones", "default_team_id": team});
        let source = admin.post("/api/v1/call-sources", &source).await?;
        let fake = twilio::Fake::start(twilio::Config::default()).await?;
        let account = json!({"name": "line", "kind": "twilio", "credentials": accounts::twilio(&fake)});
        let account = admin.post("/api/v1/communication/providers", &account).await?;
        let template = json!({"name": "news", "channel": "sms", "text": "Dear {{name}}, there are news."});
        let template = admin.post("/api/v1/communication/templates", &template).await?;
        people::import(&admin, 0..REGULARS).await?;
        let regulars = admin.all("/api/v1/leads").await?.iter().map(|lead| lead["id"].clone()).collect();
        let visitor = Visitor::login_to(&door.base, slug).await?;
        let mut pages = Vec::new();
        for page in visitor.navigation().await? {
            // What leads elsewhere now does so later as well.
            if visitor.look(&page).await?.is_some() {
                pages.push(page);
            }
        }
        let tenant = Self {
            slug,
            id,
            http: reqwest::Client::builder().no_proxy().timeout(PATIENCE).build()?,
            base: door.base.clone(),
            key: text(&key, "key")?,
            team: team.clone(),
            agents,
            regulars,
            callback_url: text(&account, "callback_url")?,
            account: account["id"].clone(),
            fake,
            template: template["id"].clone(),
            phone_path: text(&source, "path")?,
            phone_secret: text(&source, "secret")?,
            visitor,
            pages,
            books: Books::default(),
            people: AtomicUsize::new(REGULARS),
            told: Mutex::new(0),
        };
        tenant.books.leads.store(REGULARS, Relaxed);
        let chosen = json!({"all": true, "strategy": "round_robin", "team_id": team});
        for (path, body) in [("score", json!({"all": true})), ("route", chosen)] {
            admin.post(&format!("/api/v1/automation/leads/{path}"), &body).await?;
        }
        Ok(tenant)
    }

    /// A request of one of the tenant's programs.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base)).bearer_auth(&self.key)
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    pub fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.request(Method::POST, path).json(body)
    }

    /// Numbers of so many people whom nobody knows yet.
    pub fn strangers(&self, many: usize) -> std::ops::Range<usize> {
        let first = self.people.fetch_add(many, Relaxed);
        first..first + many
    }

    /// The place in the ledger of the next message of which the provider has not told yet that it arrived; none if there is
    /// none.
    pub fn next_told(&self) -> Option<usize> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let next = *told;
        if self.fake.ledger().count() <= next {
            return None;
        }
        *told += 1;
        Some(next)
    }
}

impl Books {
    pub fn message(&self, id: String) {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner).push(id);
    }

    /// The ids of the messages that were accepted.
    pub fn messages(&self) -> Vec<String> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn campaign(&self, path: String) {
        self.campaigns.lock().unwrap_or_else(PoisonError::into_inner).push(path);
    }

    /// The paths of the campaigns that were begun.
    pub fn campaigns(&self) -> Vec<String> {
        self.campaigns.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A team and its agents, who have room for all leads that will come.
async fn staff(admin: &Client) -> Outcome<(Value, Vec<Value>)> {
    let team = admin.post("/api/v1/teams", &json!({"name": "Sales"})).await?["id"].clone();
    let path = format!("/api/v1/teams/{}", team.as_str().unwrap_or_default());
    admin.send(admin.request(Method::PATCH, &path).json(&json!({"wrap_up_s": WRAP_UP_S}))).await?;
    let mut agents = Vec::new();
    for name in switchboard::demo::people::agents(AGENTS) {
        let agent = json!({"name": name, "team_id": team, "status": "available", "capacity": 100_000});
        agents.push(admin.post("/api/v1/agents", &agent).await?["id"].clone());
    }
    Ok((team, agents))
}

fn text(made: &Value, field: &str) -> Outcome<String> {
    Ok(made[field].as_str().ok_or_else(|| format!("no {field}"))?.to_owned())
}
