//! Events told to servers outside, from the commit to the answer of whoever is told.
//!
//! - `delivered` what is told and how it is signed; `ended` what becomes of deliveries and endpoints that fail
//! - `once` each event has one delivery, whoever dies; `crowd` what hangs holds up its own tenant only
//! - `changed` what waits while its endpoint becomes another; `receiver` a server that is told

mod changed;
mod crowd;
mod delivered;
mod ended;
mod once;
mod receiver;

use std::time::Duration;

use serde_json::{Value, json};
use switchboard_tests::{Client, TestApp};
use tokio::time::{Instant, sleep};

use self::receiver::Receiver;

const WEBHOOKS: &str = "/api/v1/communication/webhooks";
const DELIVERIES: &str = "/api/v1/communication/webhooks/deliveries";
/// Long enough that only a defect reaches it.
const PATIENCE: Duration = Duration::from_mins(2);

/// A webhook and what was given for it.
struct Hook {
    id: String,
    secret: String,
}

impl Hook {
    async fn new(client: &Client, receiver: &Receiver, types: &[&str]) -> Self {
        Self::named("crm", client, receiver, types).await
    }

    async fn named(name: &str, client: &Client, receiver: &Receiver, types: &[&str]) -> Self {
        let new = json!({"name": name, "url": receiver.url, "types": types});
        let made = client.post(WEBHOOKS, &new).await.expect(201);
        let text = |field: &str| made[field].as_str().expect("text").to_owned();
        Self { id: text("id"), secret: text("secret") }
    }

    fn path(&self) -> String {
        format!("{WEBHOOKS}/{}", self.id)
    }

    async fn shown(&self, client: &Client) -> Value {
        client.get(&self.path()).await.expect(200)
    }

    /// Does something of this name with it.
    async fn act(&self, client: &Client, what: &str) -> Value {
        client.post(&format!("{}/{what}", self.path()), &json!({})).await.expect(200)
    }

    async fn deliveries(&self, client: &Client) -> Vec<Value> {
        client.all(&format!("{}/deliveries", self.path())).await
    }

    /// Its only delivery, once it is so.
    async fn only(&self, client: &Client, is: impl Fn(&Value) -> bool) -> Value {
        let mut found = self.until(client, |all| all.len() == 1 && is(&all[0])).await;
        found.pop().expect("one")
    }

    /// Its deliveries, once they are so.
    async fn until(&self, client: &Client, are: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let until = Instant::now() + PATIENCE;
        loop {
            let all = self.deliveries(client).await;
            if are(&all) {
                return all;
            }
            assert!(Instant::now() < until, "they do not become so: {all:?}");
            sleep(Duration::from_millis(20)).await;
        }
    }
}

/// A program with a key, which outlasts a clock that is turned on.
async fn program(app: &TestApp) -> Client {
    let permissions =
        ["webhooks:read", "webhooks:write", "leads:read", "leads:create", "events:read", "security:read"];
    let key = json!({"name": "program", "permissions": permissions});
    let key = app.acme.admin.post("/api/v1/api-keys", &key).await.expect(201);
    app.acme.admin.with_bearer(key["key"].as_str().expect("a key"))
}

async fn lead(client: &Client, name: &str) -> Value {
    let lead = json!({"email": format!("{name}@example.com")});
    client.post("/api/v1/leads", &lead).await.expect(201)["id"].clone()
}

fn is(state: &str) -> impl Fn(&Value) -> bool {
    move |delivery| delivery["state"] == state
}

/// A delivery with its attempts.
async fn tried(client: &Client, delivery: &Value) -> Value {
    let id = delivery["id"].as_str().expect("an id");
    client.get(&format!("{DELIVERIES}/{id}")).await.expect(200)
}
