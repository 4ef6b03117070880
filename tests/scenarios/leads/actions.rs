//! One action on many leads: shown first, then done, once and by the rules of a single change.

use std::collections::HashSet;

use serde_json::{Value, json};
use sqlx::Connection;
use switchboard::process::Roles;
use switchboard_tests::{Client, Socket, TestApp, Worker};
use uuid::Uuid;

use crate::{
    activities::timeline,
    leads::import,
    routing::rules::{ROUTE, id, lead, set_status},
    routing::team,
};

const ACTIONS: &str = "/api/v1/leads/actions";
const LEADS: &str = "/api/v1/leads";

fn ask(action: &Value, filter: &Value) -> Value {
    json!({"action": action, "filter": filter})
}

/// What an action would touch.
async fn shown(client: &Client, action: &Value, filter: &Value) -> Value {
    let mut asked = ask(action, filter);
    asked["dry_run"] = json!(true);
    client.post(ACTIONS, &asked).await.expect(200)
}

/// Does an action, and tells what it came to.
pub async fn done(client: &Client, action: &Value, filter: &Value) -> Value {
    let operation = client.ended(client.post(ACTIONS, &ask(action, filter)).await).await;
    assert_eq!(operation["status"], "succeeded", "{operation}");
    operation["result"].clone()
}

pub fn result(matched: usize, changed: usize, unchanged: usize, refused: &Value) -> Value {
    json!({"matched": matched, "changed": changed, "unchanged": unchanged, "refused": refused})
}

pub fn path(lead: &Value) -> String {
    format!("{LEADS}/{}", lead.as_str().expect("an id"))
}

fn file(leads: usize) -> String {
    (0..leads).fold("email\n".to_owned(), |file, at| format!("{file}l{at}@example.com\n"))
}

/// Of which leads it was told that they were changed, up to the end of a job; each once.
async fn updated(client: &Client) -> HashSet<String> {
    let mut socket = Socket::open(client, Some(0)).await;
    let mut leads = HashSet::new();
    for event in socket.until("job.completed").await {
        if event["type"] == "switchboard.lead.updated.v1" {
            assert!(leads.insert(event["subject"].to_string()), "told twice: {event}");
        }
    }
    leads
}

#[tokio::test]
async fn a_dry_run_counts_what_the_job_then_changes_and_nobody_elses() {
    let app = TestApp::start().await;
    let (admin, other) = (&app.acme.admin, &app.other.admin);
    let imported = id(&import(admin, file(1_100)).await.expect(201));
    let apart = lead(admin, &json!({})).await;
    import(other, file(3)).await.expect(201);
    let (action, filter) = (json!({"kind": "set_status", "status": "lost"}), json!({"import_id": imported}));
    let preview = shown(admin, &action, &filter).await;
    assert_eq!((&preview["matched"], &preview["more"]), (&json!(1_100), &json!(false)));
    let newest = admin.get(&format!("{LEADS}?import_id={imported}&limit=20")).await.expect(200);
    let newest: Vec<&Value> =
        newest["items"].as_array().expect("items").iter().map(|lead| &lead["id"]).collect();
    assert_eq!(preview["sample"].as_array().expect("a sample").iter().collect::<Vec<_>>(), newest);
    assert!(admin.all(&format!("{LEADS}?status=lost")).await.is_empty(), "to look changes nothing");
    assert_eq!(shown(other, &action, &filter).await["matched"], 0);

    assert_eq!(done(admin, &action, &filter).await, result(1_100, 1_100, 0, &json!({})));
    assert_eq!(admin.all(&format!("{LEADS}?status=lost")).await.len(), 1_100);
    assert_eq!(admin.get(&path(&apart)).await.expect(200)["status"], "new");
    assert_eq!(updated(admin).await.len(), 1_100);
    let kept = timeline(admin, newest[0]).await;
    assert_eq!((kept.len(), &kept[0]["kind"], &kept[0]["status"]), (1, &json!("status"), &json!("lost")));
    assert_eq!(kept[0]["actor_kind"], "user", "whoever asked for it");

    let told = admin.all("/api/v1/compliance/audit-logs?resource=leads&action=update").await;
    let pages: Vec<&Value> = told.iter().filter(|entry| entry["detail"]["ids"].is_array()).collect();
    assert_eq!((told.len(), pages.len()), (4, 3), "that it was asked for, and each page");
    let ids: HashSet<String> = pages
        .iter()
        .flat_map(|entry| entry["detail"]["ids"].as_array().expect("ids").iter().map(ToString::to_string))
        .collect();
    assert_eq!(ids.len(), 1_100);

    assert_eq!(done(admin, &action, &filter).await, result(1_100, 0, 1_100, &json!({})), "so already");
    assert_eq!(admin.get(&path(newest[0])).await.expect(200)["version"], 2);
    assert!(other.all(&format!("{LEADS}?status=lost")).await.is_empty());
    app.process.stop().await;
}

#[tokio::test]
async fn a_worker_that_is_killed_on_the_way_does_nothing_twice_and_leaves_nothing_out() {
    let app = TestApp::with_roles(Roles { api: true, notifier: true, ..Roles::default() }).await;
    let admin = &app.acme.admin;
    let worker = Worker::start(&app.database);
    let imported = id(&import(admin, file(6_000)).await.expect(201));
    let action = json!({"kind": "add_tags", "tags": ["spring"]});
    let accepted = admin.post(ACTIONS, &ask(&action, &json!({"import_id": imported}))).await;
    let mut socket = Socket::open(admin, Some(0)).await;
    socket.until("lead.updated").await;
    worker.kill().await;
    let worker = Worker::start(&app.database);
    let operation = admin.ended(accepted).await;
    assert_eq!(operation["result"], result(6_000, 6_000, 0, &json!({})), "{operation}");
    assert_eq!(operation["progress"], 1.0);
    assert_eq!(updated(admin).await.len(), 6_000);
    let found = admin.all(&format!("{LEADS}?tag=spring")).await;
    assert!(found.len() == 6_000 && found.iter().all(|lead| lead["version"] == 2), "each changed once");
    worker.kill().await;
    app.process.stop().await;
}

#[tokio::test]
async fn owners_are_given_and_taken_as_far_as_routing_allows() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (north, agents) = team(admin, "north", 1, 2).await;
    let (agent, stranger) = (&agents[0], team(&app.other.admin, "south", 1, 9).await.1);
    for status in ["new", "contacted", "new", "lost"] {
        lead(admin, &json!({"region": "r", "source": "organic", "status": status})).await;
    }
    let (give, all) = (json!({"kind": "set_owner", "agent_id": agent}), json!({"source": "organic"}));
    let unknown = json!({"kind": "set_owner", "agent_id": stranger[0]});
    let refused = admin.post(ACTIONS, &ask(&unknown, &all)).await;
    assert_eq!(refused.body["errors"][0]["pointer"], "/action/agent_id");
    assert_eq!(refused.problem(422), "invalid");
    let full = json!({"agent-not-free": 1, "closed": 1});
    assert_eq!(done(admin, &give, &all).await, result(4, 2, 0, &full));
    let owned = format!("{LEADS}?owner_id={}", agent.as_str().expect("an id"));
    let held = admin.all(&owned).await;
    assert!(held.len() == 2 && held.iter().all(|lead| lead["team_id"] == north), "{held:?}");
    assert_eq!(done(admin, &give, &all).await, result(4, 0, 2, &full));

    // Whoever rests gets nothing back out of the queue.
    set_status(admin, agent, "break").await;
    let (take, his) = (json!({"kind": "clear_owner"}), json!({"owner_id": agent}));
    assert_eq!(shown(admin, &take, &his).await["matched"], 2);
    assert_eq!(done(admin, &take, &his).await, result(2, 2, 0, &json!({})));
    assert!(admin.all(&owned).await.is_empty());
    let queue = format!("/api/v1/automation/queues/{}/leads", north.as_str().expect("an id"));
    assert_eq!(admin.all(&queue).await.len(), 2);
    assert_eq!(done(admin, &take, &all).await, result(4, 0, 4, &json!({})), "nobody has them");
    app.process.stop().await;
}

#[tokio::test]
async fn leads_that_open_again_go_to_nobody_past_their_capacity() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (north, agents) = team(admin, "north", 1, 1).await;
    let mut leads = Vec::new();
    for _ in 0..2 {
        let one = lead(admin, &json!({"source": "referral"})).await;
        let direct = json!({"lead_id": one, "strategy": "direct", "agent_id": agents[0]});
        admin.post(ROUTE, &direct).await.expect(200);
        admin.patch(&path(&one), &json!({"status": "lost"})).await.expect(200);
        leads.push(one);
    }
    let reopen = json!({"kind": "set_status", "status": "contacted"});
    assert_eq!(done(admin, &reopen, &json!({"owner_id": agents[0]})).await, result(2, 2, 0, &json!({})));
    let mut owners = Vec::new();
    for one in &leads {
        let stored = admin.get(&path(one)).await.expect(200);
        assert_eq!((&stored["status"], &stored["team_id"]), (&json!("contacted"), &north));
        owners.push(stored["owner_id"].clone());
    }
    owners.sort_by_key(Value::is_null);
    assert_eq!(owners, [agents[0].clone(), Value::Null]);
    app.process.stop().await;
}

#[tokio::test]
async fn tags_sources_values_and_leads_themselves_are_changed() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let many: Vec<String> = (0..50).map(|number| format!("t{number}")).collect();
    let full = lead(admin, &json!({"tags": many, "source": "campaign"})).await;
    let one = lead(admin, &json!({"tags": ["VIP"], "source": "campaign"})).await;
    lead(admin, &json!({"source": "campaign"})).await;
    let campaign = json!({"source": "campaign"});
    let tag = json!({"kind": "add_tags", "tags": ["vip", "Café"]});
    assert_eq!(done(admin, &tag, &campaign).await, result(3, 2, 0, &json!({"too-many-tags": 1})));
    assert_eq!(admin.get(&path(&one)).await.expect(200)["tags"], json!(["VIP", "Café"]));
    assert_eq!(admin.all(&format!("{LEADS}?tag=cafe")).await.len(), 2);
    let untag = json!({"kind": "remove_tags", "tags": ["VIP", "t0"]});
    assert_eq!(done(admin, &untag, &json!({"tag": "vip"})).await, result(2, 2, 0, &json!({})));
    assert!(admin.all(&format!("{LEADS}?tag=vip")).await.is_empty());
    assert_eq!(admin.get(&path(&full)).await.expect(200)["tags"][0], "t0", "it had no such tag");

    let value = json!({"kind": "set_value", "value_cents": 1_990});
    assert_eq!(done(admin, &value, &json!({"tag": "CAFE"})).await, result(2, 2, 0, &json!({})));
    assert_eq!(admin.get(&path(&one)).await.expect(200)["value_cents"], 1_990);
    let source = json!({"kind": "set_source", "source": "paid_ads"});
    assert_eq!(done(admin, &source, &json!({"tag": "cafe"})).await, result(2, 2, 0, &json!({})));
    assert_eq!(admin.all(&format!("{LEADS}?source=paid_ads")).await.len(), 2);

    let (delete, gone) = (json!({"kind": "delete"}), json!({"source": "paid_ads"}));
    assert_eq!(done(admin, &delete, &gone).await, result(2, 2, 0, &json!({})));
    assert_eq!(admin.get(&path(&one)).await.problem(404), "not-found");
    assert_eq!(done(admin, &delete, &gone).await, result(0, 0, 0, &json!({})), "they are gone");
    let left = admin.all(LEADS).await;
    assert_eq!((left.len(), &left[0]["id"]), (1, &full));
    let told = Socket::open(admin, Some(0)).await.until("lead.deleted").await.pop().expect("an event");
    assert!(told["subject"].as_str().is_some_and(|subject| subject.starts_with("lead:")), "{told}");
    app.process.stop().await;
}

#[tokio::test]
async fn what_a_filter_looks_for_stands_in_no_payload() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let job = json!({"name": "job", "type": "text", "searchable": true});
    admin.post("/api/v1/leads/attributes", &job).await.expect(201);
    let ada = json!({"email": "ada@example.com", "tags": ["countesses"], "attributes": {"job": "countess"}});
    let ada = lead(admin, &ada).await;
    lead(admin, &json!({"attributes": {"job": "count"}})).await;
    admin.post("/api/v1/queues/automation/pause", &json!({})).await.expect(204);
    let filter = json!({
        "email": "ADA@example.com", "tag": "countesses", "attributes": {"job": "countess"}, "status": "new",
    });
    let action = json!({"kind": "set_status", "status": "qualified"});
    let accepted = admin.post(ACTIONS, &ask(&action, &filter)).await;
    let mut system = app.database.connect_as("switchboard_system").await;
    let kept: String = sqlx::query_scalar("select j.args::text from engine.jobs j join engine.lanes l on l.id = j.lane where l.kind = 'update_leads'")
        .fetch_one(&mut system)
        .await
        .expect("a payload");
    assert!(kept.contains("attr:job"), "{kept}");
    for plain in ["ada@", "ADA@", "example.com", "countess"] {
        assert!(!kept.contains(plain), "{plain}: {kept}");
    }
    let told = admin.all("/api/v1/compliance/audit-logs?resource=leads").await;
    assert_eq!(told[0]["detail"]["filter"]["by"], json!(["email", "tag", "attr.job"]));
    admin.post("/api/v1/queues/automation/resume", &json!({})).await.expect(204);
    assert_eq!(admin.ended(accepted).await["result"], result(1, 1, 0, &json!({})));
    assert_eq!(admin.get(&path(&ada)).await.expect(200)["status"], "qualified");
    app.process.stop().await;
}

/// Waits until somebody waits for a row that somebody else holds.
pub async fn somebody_waits(app: &TestApp) {
    wait(app, 1).await;
}

/// Waits until so many connections wait for somebody else's transaction.
pub async fn wait(app: &TestApp, many: i64) {
    let mut owner = sqlx::PgConnection::connect_with(&app.database.owner).await.expect("a connection");
    let waiting = async {
        loop {
            let waiting: i64 = sqlx::query_scalar(
                "select count(*) from pg_stat_activity
                  where datname = current_database() and wait_event in ('transactionid', 'tuple')",
            )
            .fetch_one(&mut owner)
            .await
            .expect("an answer");
            if waiting >= many {
                return;
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), waiting).await.expect("it waits");
}

#[tokio::test]
async fn a_lead_that_somebody_changes_meanwhile_is_looked_at_once_more() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (kept, taken) = (lead(admin, &json!({})).await, lead(admin, &json!({})).await);
    let mut system = app.database.connect_as("switchboard_system").await;
    let mut tx = system.begin().await.expect("a transaction");
    sqlx::query("update leads set status = 'converted' where tenant_id = $1 and id = $2")
        .bind(app.acme.id.0)
        .bind(kept.as_str().expect("an id").parse::<Uuid>().expect("an id"))
        .execute(&mut *tx)
        .await
        .expect("it is changed");
    let lose = json!({"kind": "set_status", "status": "lost"});
    let accepted = admin.post(ACTIONS, &ask(&lose, &json!({"status": "new"}))).await;
    somebody_waits(&app).await;
    tx.commit().await.expect("it is written");
    assert_eq!(admin.ended(accepted).await["result"], result(1, 1, 0, &json!({})));
    assert_eq!(admin.get(&path(&kept)).await.expect(200)["status"], "converted");
    assert_eq!(admin.get(&path(&taken)).await.expect(200)["status"], "lost");
    app.process.stop().await;
}
