//! The drill of docs/backups.md: a machine is lost while it works, its database is restored to a moment before, and the world
//! outside has gone on since. Nobody gets anything twice, nobody is lost unlisted, and who was erased since stays erased.
//!
//! - `judge` what the provider's own ledger says of everybody

mod judge;

use std::{fmt::Write as _, fs, path::Path, time::Duration};

use domain::{audit::seal::Sealer, types::TenantId};
use fakes::twilio;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use switchboard::process::{Plan, Process, Roles};
use switchboard_tests::{
    Client, Cluster, Database, TestApp, Worker, app::platform, files, heads_file, switchboard,
};
use tokio::time::{sleep, timeout};

use self::judge::Judge;
use crate::{
    audit::sealed,
    calls::at,
    campaigns::{comes_to as progress, draft, over, start},
    gates::{MESSAGES, send},
    leads::import,
    onboarding::until,
    privacy::erasure::{ask, at_once, comes_to},
    privacy::recovered::all_is_paused,
    routing::rules::lead,
};

/// People that campaigns write to.
const PEOPLE: usize = 300;
/// Messages before the base backup; those behind are queued at the moment that is restored to.
const BEFORE: usize = 200;
const QUEUED: usize = 50;
/// Messages of another tenant of which the restored database knows nothing.
const SINCE: usize = 20;
const PATIENCE: Duration = Duration::from_mins(1);
const QUEUE: &str = "/api/v1/queues/messages";

/// A number of its own for each; those of messages begin where those of people end.
fn phone(number: usize) -> String {
    format!("+1415{}", 2_000_000 + number)
}

/// A tenant's account with the provider, and a template.
struct Line {
    provider: Value,
    template: Value,
}

impl Line {
    async fn open(client: &Client, fake: &twilio::Fake) -> Self {
        let credentials = json!({
            "account_sid": fake.account_sid(), "auth_token": fake.auth_token(), "from": "+14155550100",
            "base_url": fake.url(),
        });
        let account = json!({"name": "sms", "kind": "twilio", "channel": "sms", "credentials": credentials});
        let account = client.post("/api/v1/communication/providers", &account).await.expect(201);
        let template = json!({"name": "order", "channel": "sms", "text": "Order {{number}}"});
        let template = client.post("/api/v1/communication/templates", &template).await.expect(201);
        Self { provider: account["id"].clone(), template: template["id"].clone() }
    }

    fn message(&self, number: usize) -> Value {
        json!({
            "provider_id": self.provider, "template_id": self.template, "to": phone(PEOPLE + number),
            "variables": {"number": number},
        })
    }

    /// Has messages accepted, each to somebody else.
    async fn send(&self, client: &Client, numbers: std::ops::Range<usize>) {
        let messages: Vec<Value> = numbers.map(|number| self.message(number)).collect();
        for some in messages.chunks(50) {
            client.post(&format!("{MESSAGES}/bulk"), &json!({ "messages": some })).await.expect(202);
        }
    }

    /// A campaign that says something to everybody; answers its path.
    async fn campaign(&self, client: &Client, says: &str) -> String {
        let template = json!({"name": says, "channel": "sms", "text": format!("{says}, {{{{name}}}}")});
        client.post("/api/v1/communication/templates", &template).await.expect(201);
        let content = json!({
            "purpose": "transactional", "channels": [{"channel": "sms", "provider_id": self.provider}],
            "variants": [{"name": "a", "messages": [{"channel": "sms", "template": says}]}],
        });
        // What is cut off in the middle is no failure of the provider's.
        draft(client, &content, &json!({"name": says, "limits": {"breaker": null}})).await
    }
}

/// A process that works, with files of its own beside the database.
fn worker(database: &Database, data: &Path) -> Worker {
    let storage = files();
    let [data, storage] = [data, storage.as_path()].map(|path| path.to_str().expect("a path"));
    Worker::start_with(database, &[("SWITCHBOARD_DATA_DIR", data), ("SWITCHBOARD_STORAGE", storage)])
}

async fn people(client: &Client) {
    let mut file = String::from("name,phone\n");
    for number in 0..PEOPLE {
        writeln!(file, "Person {number},{}", phone(number)).expect("a text grows");
    }
    let made = import(client, file).await.expect(201);
    assert_eq!(made["created"], PEOPLE, "{made}");
}

/// Waits until the heads beside the database are those of the whole log.
async fn heads_are_kept(database: &Database, file: &Path, tenant: TenantId) {
    let platform = platform(database).await;
    let kept = async {
        loop {
            if file.exists() {
                let sealer = Sealer::open(&platform, file).await.expect("a sealer");
                let verdict = sealer.verify(tenant).await.expect("an answer");
                assert_eq!(verdict.broken, None);
                if verdict.unsealed == 0 && verdict.kept.is_some() && verdict.kept == verdict.head {
                    return;
                }
            }
            sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(PATIENCE, kept).await.expect("the heads are kept");
    platform.engine.close().await;
}

async fn moment(cluster: &Cluster) -> String {
    let mut conn = PgConnection::connect_with(&cluster.connect).await.expect("a connection");
    sqlx::query_scalar("select clock_timestamp()::text").fetch_one(&mut conn).await.expect("a moment")
}

/// The API again, on the restored database, for somebody who is logged in.
async fn api(database: &Database, client: &Client) -> (Process, Client) {
    let roles = Roles { api: true, notifier: true, ..Roles::default() };
    let plan = Plan::unbounded(roles, heads_file());
    let process = Process::start(platform(database).await, plan).await.expect("the process starts");
    let mut client = client.clone();
    client.base = format!("http://{}", process.addr.expect("an address"));
    (process, client)
}

/// What there is before the base backup: messages, a campaign that is over, and somebody who will be erased. Answers who that
/// is, and the campaign.
async fn before(admin: &Client, line: &Line, fake: &twilio::Fake) -> (Value, String) {
    at_once(admin).await;
    people(admin).await;
    let gone = json!({"name": "Kestrelina", "phone": phone(99_000), "email": null});
    let gone = lead(admin, &gone).await;
    line.send(admin, 0..BEFORE).await;
    let first = line.campaign(admin, "first").await;
    start(admin, &first).await;
    over(admin, &first).await;
    within(fake.ledger().until(BEFORE + PEOPLE + 1)).await;
    (gone, first)
}

/// Workers find that they are elsewhere, and touch nothing: neither what was queued nor what is asked for now. Answers the
/// message that is.
async fn held(database: &Database, admin: &Client, line: &Line) -> String {
    let mut system = database.connect_as("switchboard_system").await;
    let paused = async {
        while !all_is_paused(&mut system).await {
            sleep(Duration::from_millis(20)).await;
        }
    };
    within(paused).await;
    admin.post(&format!("{QUEUE}/resume"), &json!({})).await.expect(204);
    let mut asked = line.message(3_000);
    asked["provider_id"] = Value::Null;
    let asked = send(admin, &asked).await;
    let said = switchboard(database, &["queues", "list", "-o", "json"]).await.expect(0);
    assert!(said.out.contains("switchboard recover"), "{said:#?}");
    asked
}

/// The log that was restored holds; that it was longer once is known outside of it.
async fn holds_again(database: &Database, heads: &Path, tenant: TenantId) {
    let platform = platform(database).await;
    let fresh = Sealer::open(&platform, &heads_file()).await.expect("a sealer");
    assert_eq!(sealed(&fresh, tenant).await.broken, None);
    let before = Sealer::open(&platform, heads).await.expect("a sealer");
    let lost = before.verify(tenant).await.expect("an answer").broken.expect("it was longer");
    assert!(lost.what.contains("outside"), "{lost:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_to_a_moment_sends_nothing_again_and_brings_back_nobody_who_was_erased() {
    let mut cluster = Cluster::start().await;
    let roles = Roles { api: true, notifier: true, ..Roles::default() };
    let database = Database::create_on(&cluster.connect).await;
    let app = TestApp::on(database, |plan| plan.roles = roles, |_| {}).await;
    let fake = twilio::Fake::start(twilio::Config::default()).await.expect("a fake");
    let admin = &app.acme.admin;
    let data = cluster.home.join("machine");
    let working = worker(&app.database, &data);
    let (line, others) = (Line::open(admin, &fake).await, Line::open(&app.other.admin, &fake).await);
    let (gone, first) = before(admin, &line, &fake).await;

    cluster.back_up().await;
    // What the log alone knows: sent after the base backup, and queued at the moment that is restored to.
    line.send(admin, BEFORE..BEFORE + 10).await;
    let sent = BEFORE + PEOPLE + 11;
    within(fake.ledger().until(sent)).await;
    until(admin, &format!("{MESSAGES}?status=queued"), |page| page["items"] == json!([])).await;
    admin.post(&format!("{QUEUE}/pause"), &json!({})).await.expect(204);
    line.send(admin, 1_000..1_000 + QUEUED).await;
    let second = line.campaign(admin, "second").await;
    start(admin, &second).await;
    progress(admin, &second, |progress| progress["statuses"] == json!({ "queued": PEOPLE + 1 })).await;
    let moment = moment(&cluster).await;

    // The world goes on: somebody is erased, others get messages, and the machine is lost in the middle of a campaign.
    let erasure = ask(admin, &gone).await;
    comes_to(admin, &erasure, "done").await;
    heads_are_kept(&app.database, &data.join("audit-heads.json"), app.acme.id).await;
    others.send(&app.other.admin, 2_000..2_000 + SINCE).await;
    within(fake.ledger().until(sent + SINCE)).await;
    admin.post(&format!("{QUEUE}/resume"), &json!({})).await.expect(204);
    within(fake.ledger().until(sent + SINCE + PEOPLE / 3)).await;
    cluster.archive().await;
    let TestApp { database, process, acme, .. } = app;
    process.stop().await;
    cluster.lose().await;
    working.kill().await;

    cluster.restore(&moment).await;
    let outside = fake.ledger().count();
    println!("restored to {moment}: {} messages left since then", outside - sent);
    // The heads of before are proof of what was lost; processes begin with fresh ones.
    let heads = data.join("audit-heads.before-restore.json");
    fs::rename(data.join("audit-heads.json"), &heads).expect("moved aside");
    let (process, admin) = api(&database, &acme.admin).await;
    let admin = &admin;
    assert_eq!(admin.get(&at("/api/v1/leads", &gone)).await.expect(200)["name"], "Kestrelina", "it is back");
    assert_eq!(admin.get(&format!("{second}/progress")).await.expect(200)["statuses"]["sent"], Value::Null);

    let working = worker(&database, &data);
    let asked = held(&database, admin, &line).await;
    let done = switchboard(&database, &["recover"]).await.expect(0);
    assert_eq!(fake.ledger().count(), outside, "nothing was sent before");
    let says = |words: &str| done.out.contains(words);
    assert!(says("1 of 1 erasures carried out again") && says("; work goes on"), "{done:#?}");
    let [first, named] = [&first, &second].map(|path| path.rsplit('/').next().expect("an id"));
    assert!(says(named) && !says(first), "only the campaign that went on is paused: {done:#?}");

    // Work goes on with what is asked for now, and with nothing else.
    let fresh = send(admin, &line.message(3_001)).await;
    until(admin, &format!("{MESSAGES}/{fresh}"), |message| message["status"] == "sent").await;
    assert_eq!(fake.ledger().count(), outside + 1, "nothing else was sent");
    let judge = Judge::call(admin, fake.ledger()).await;
    judge.nobody_twice();
    let numbers = (0..BEFORE + 10).chain(1_000..1_000 + QUEUED);
    judge.messages_are_known(numbers.map(|number| phone(PEOPLE + number)));
    judge.recipients_are_known(admin, &second, "second", PEOPLE).await;
    let unknown = judge.unknown();
    assert!(unknown.contains(&asked) && unknown.len() > QUEUED + PEOPLE, "{unknown:?}");

    // Somebody looks at the provider's list and settles: what it has was sent, what it has not is sent now. Nobody was left
    // without a message at the moment that was restored to, so the campaign may go on, if it is not over by that.
    judge.settle(admin).await;
    admin.post(&format!("{second}/resume"), &json!({})).await;
    within(fake.ledger().until(outside + 1 + judge.missing())).await;
    until(admin, &format!("{MESSAGES}/{asked}"), |message| message["status"] == "sent").await;
    let judge = Judge::call(admin, fake.ledger()).await;
    judge.nobody_twice();
    assert!(judge.unknown().is_empty(), "{:?}", judge.unknown());

    let erased = admin.get(&at("/api/v1/leads", &gone)).await.problem(404);
    assert_eq!(erased, "not-found", "who was erased is erased");
    holds_again(&database, &heads, acme.id).await;
    working.kill().await;
    process.stop().await;
}

async fn within(what: impl Future<Output = ()>) {
    timeout(PATIENCE, what).await.expect("it comes to this");
}
