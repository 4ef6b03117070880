//! What a provider tells of messages by itself: late, twice, in any order, and before we know of it.

mod adapter;
mod doors;
mod meeting;
mod shuffled;

use std::{sync::Arc, time::Duration};

use domain::messages::provider::{Provider, Providers};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::PgConnection;
use switchboard_tests::{Answer, Client, TestApp};

pub use self::adapter::{SECRET, Scripted};

pub const MESSAGES: &str = "/api/v1/communication/messages";
const PROVIDERS: &str = "/api/v1/communication/providers";
const HERE: &str = "https://calls.example.com";

/// An installation whose provider says what a test has it say.
pub async fn open(adapter: &Arc<Scripted>) -> TestApp {
    let adapter: Arc<dyn Provider> = adapter.clone();
    TestApp::with_platform(
        |_| {},
        move |platform| {
            platform.providers = Arc::new(Providers::new(vec![adapter]));
            platform.public_url = Some(Arc::from(HERE));
        },
    )
    .await
}

/// An account at it, a template, and where it calls us.
pub struct Line {
    client: Client,
    pub provider: Value,
    template: Value,
    pub path: String,
    to: &'static str,
}

impl Line {
    pub async fn of(client: &Client, channel: &str) -> Self {
        let account = json!({"name": channel, "kind": "scripted", "channel": channel, "credentials": {"secret": SECRET}});
        let account = client.post(PROVIDERS, &account).await.expect(201);
        let mut template = json!({"name": channel, "channel": channel, "text": "Hello"});
        let mut to = "+14155550100";
        if channel == "email" {
            template["subject"] = json!("Hello");
            to = "ada@example.com";
        }
        let template = client.post("/api/v1/communication/templates", &template).await.expect(201);
        let url = account["callback_url"].as_str().expect("an address");
        let path = url.strip_prefix(HERE).expect("it is below our own").to_owned();
        let (provider, template) = (account["id"].clone(), template["id"].clone());
        Self { client: client.clone(), provider, template, path, to }
    }

    /// Accepts a message; answers its id.
    pub async fn send(&self) -> String {
        let message = json!({"provider_id": self.provider, "template_id": self.template, "to": self.to});
        let accepted = self.client.post(MESSAGES, &message).await.expect(202);
        accepted["id"].as_str().expect("an id").to_owned()
    }

    pub async fn tell(&self, said: &Value) -> Answer {
        self.tell_at(&self.path, SECRET, said.to_string()).await
    }

    pub async fn tell_at(&self, path: &str, secret: &str, body: String) -> Answer {
        let anyone = self.client.anonymous();
        anyone.send(anyone.request(Method::POST, path).header("x-secret", secret).body(body)).await
    }

    pub async fn status(&self, message: &str) -> Value {
        self.client.get(&format!("{MESSAGES}/{message}")).await.expect(200)["status"].clone()
    }

    /// Waits until a message is in a status, looking again and again.
    pub async fn until(&self, message: &str, status: &str) -> Value {
        let path = format!("{MESSAGES}/{message}");
        crate::onboarding::until(&self.client, &path, |message| message["status"] == status).await
    }
}

/// Something told of a message under both ids.
pub fn both(message: &str, status: &str) -> Value {
    json!({"id": message, "name": format!("p-{message}"), "key": format!("{message}:{status}"), "status": status})
}

/// The same under the provider's id alone.
pub fn named(message: &str, status: &str) -> Value {
    json!({"name": format!("p-{message}"), "key": format!("{message}:{status}"), "status": status})
}

pub async fn system(app: &TestApp) -> PgConnection {
    app.database.connect_as("switchboard_system").await
}

pub async fn count(conn: &mut PgConnection, of: &'static str) -> i64 {
    sqlx::query_scalar(of).fetch_one(conn).await.expect("an answer")
}

/// Waits until a count is as it should be, looking again and again.
pub async fn until_count(conn: &mut PgConnection, of: &'static str, wanted: i64) {
    let mut last = -1;
    let reached = async {
        while last != wanted {
            last = count(&mut *conn, of).await;
        }
    };
    let reached = tokio::time::timeout(Duration::from_mins(2), reached).await;
    assert!(reached.is_ok(), "it stays {last}, not {wanted}: {of}");
}
