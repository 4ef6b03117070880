//! The account that is given of personal data: the record of processing, and who was affected between two moments.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use domain::ctx::Clock as _;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use switchboard_tests::{Answer, Client, Socket, TestApp};

const RECORD: &str = "/api/v1/compliance/processing";
const BREACH: &str = "/api/v1/compliance/breach";

async fn put(client: &Client, added: &Value, tag: Option<&str>) -> Answer {
    let mut request = client.request(Method::PUT, RECORD).json(added);
    if let Some(tag) = tag {
        request = request.header("if-match", tag);
    }
    client.send(request).await
}

fn tag(answer: &Answer) -> String {
    answer.headers["etag"].to_str().expect("text").to_owned()
}

#[tokio::test]
async fn the_record_tells_what_the_product_knows_and_keeps_what_is_added() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let first = admin.get(RECORD).await;
    let before = tag(&first);
    let first = first.expect(200);
    assert_eq!((&first["version"], &first["added"]["activities"]), (&json!(0), &json!([])));
    let held: Vec<&Value> = first["known"]
        .as_array()
        .expect("a list")
        .iter()
        .flat_map(|known| known["data"].as_array().expect("a list"))
        .collect();
    let leads = held.iter().find(|data| data["name"] == "leads").expect("leads are held");
    assert!(leads["encrypted"].as_array().expect("a list").contains(&json!("phone")), "{leads}");
    assert!(held.iter().any(|data| data["name"] == "users"), "who works there is told of too");

    let added = json!({
        "controllers": [{"name": "Acme GmbH", "contact": "privacy@acme.example.com"}],
        "data_protection_officer": {"name": "Grace <Hopper>"},
        "activities": [{
            "name": "Call backs", "purposes": ["to call back who asks for it"], "legal_basis": "Art. 6(1)(b)",
            "transfers": [{"to": "Norway", "safeguard": "EEA"}],
        }],
        "measures": ["doors are locked"],
    });
    let done = put(admin, &added, Some(&before)).await;
    let after = tag(&done);
    assert_eq!(done.expect(200)["added"]["activities"][0]["name"], "Call backs");
    assert_eq!(put(admin, &added, Some(&before)).await.problem(412), "version-outdated");
    let kept = admin.get(RECORD).await;
    assert_eq!(tag(&kept), after);
    let kept = kept.expect(200);
    assert_eq!(
        (&kept["version"], &kept["added"]["controllers"][0]["name"]),
        (&json!(1), &json!("Acme GmbH"))
    );

    let page = admin.request(Method::GET, &format!("{RECORD}/export")).send().await.expect("an answer");
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    let named = page.headers()["content-disposition"].to_str().expect("text").to_owned();
    assert!(named.starts_with("attachment; filename=\"processing-"), "{named}");
    let page = page.text().await.expect("a page");
    assert!(
        page.contains("Grace &lt;Hopper&gt;") && page.contains("Norway: EEA") && page.contains("leads: ")
    );

    for (wrong, pointer) in [
        (json!({"controllers": [{"name": " "}]}), "/controllers/0/name"),
        (json!({"measures": ["x".repeat(1001)]}), "/measures/0"),
    ] {
        let refused = put(admin, &wrong, None).await;
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{}", refused.body);
        assert_eq!(refused.problem(422), "invalid");
    }
    let other = app.other.admin.get(RECORD).await.expect(200);
    assert_eq!((&other["version"], &other["added"]["controllers"]), (&json!(0), &json!([])));
    let manager = app.user(&app.acme, "Manager").await;
    assert_eq!(put(&manager, &added, None).await.problem(403), "permission-missing");
    let told = admin.all("/api/v1/compliance/audit-logs?resource=processing_record").await;
    let done: Vec<_> = told.iter().map(|entry| entry["action"].as_str().expect("a word")).collect();
    assert_eq!(done, ["export", "update"]);
    assert!(
        !told.iter().any(|entry| entry.to_string().contains("Acme")),
        "who it is about is not in the log"
    );
    app.process.stop().await;
}

fn text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// What a query asks for, once all that was read is written down.
async fn breach(
    app: &TestApp,
    path: &str,
    (from, until): (DateTime<Utc>, DateTime<Utc>),
    more: &str,
) -> String {
    let platform = &app.process.app.platform;
    platform.reads.write(platform).await;
    format!("{path}?from={}&until={}{more}", text(from), text(until))
}

async fn lead(client: &Client, name: &str) -> String {
    let body = json!({"name": name, "email": format!("{name}@example.com")});
    let made = client.post("/api/v1/leads", &body).await.expect(201);
    made["id"].as_str().expect("an id").to_owned()
}

async fn id_of(client: &Client) -> String {
    client.get("/api/v1/me").await.expect(200)["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn who_was_affected_is_counted_and_named_by_who_did_it_and_when() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (eve, eves_id) = {
        let eve = app.user(&app.acme, "Manager").await;
        let id = id_of(&eve).await;
        (eve, id)
    };
    let mut leads = Vec::new();
    for number in 0..5 {
        leads.push(lead(admin, &format!("ada{number}")).await);
    }
    let foreign = lead(&app.other.admin, "bob").await;
    let from = app.clock.now();
    // Read one, change another, take three out, and look at the same again.
    eve.get(&format!("/api/v1/leads/{}", leads[0])).await.expect(200);
    eve.get(&format!("/api/v1/leads/{}", leads[0])).await.expect(200);
    eve.patch(&format!("/api/v1/leads/{}", leads[1]), &json!({"region": "Bern"})).await.expect(200);
    let file = eve.request(Method::GET, "/api/v1/leads/export?email=ada2@example.com").send().await;
    assert!(file.expect("an answer").text().await.expect("a file").contains("ada2"));
    app.other.admin.get(&format!("/api/v1/leads/{foreign}")).await.expect(200);
    let until = app.clock.now() + TimeDelta::minutes(1);

    let asked = breach(&app, BREACH, (from, until), &format!("&actor_id={eves_id}")).await;
    let found = admin.get(&asked).await.expect(200);
    assert_eq!(
        (&found["people"], &found["exported"], &found["changed"]),
        (&json!(3), &json!(1), &json!(1)),
        "{found}"
    );
    assert_eq!(found["missed"], 0);
    let contacts = &found["categories"][0];
    assert_eq!((&contacts["category"], &contacts["people"]), (&json!("leads"), &json!(3)));
    assert!(contacts["data"].as_array().expect("a list").contains(&json!("email")));
    let actor = &found["actors"][0];
    assert_eq!(
        (&actor["actor_kind"], &actor["actor_id"], &actor["people"]),
        (&json!("user"), &json!(eves_id), &json!(3))
    );

    let list = asked.replace(BREACH, &format!("{BREACH}/people"));
    let mut people = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = admin.get(&format!("{list}&limit=1{cursor}")).await.expect(200);
        people.extend(page["items"].as_array().expect("items").clone());
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    let mut ids: Vec<_> =
        people.iter().map(|one| one["subject_id"].as_str().expect("an id").to_owned()).collect();
    let sorted = ids.is_sorted();
    ids.sort_unstable();
    let mut wanted = leads[..3].to_vec();
    wanted.sort_unstable();
    assert!(sorted && ids == wanted, "{people:?}");
    let taken = people.iter().find(|one| one["subject_id"] == leads[2].as_str()).expect("it was taken out");
    assert_eq!((&taken["exported"], &taken["kind"]), (&json!(true), &json!("lead")));
    assert!(people.iter().all(|one| one["subject_id"] != foreign.as_str()));

    // Before that, she saw nobody but herself, and the admin made them all.
    let earlier =
        breach(&app, BREACH, (from - TimeDelta::hours(2), from), &format!("&actor_id={eves_id}")).await;
    let earlier = admin.get(&earlier).await.expect(200);
    assert!(
        earlier["categories"].as_array().expect("a list").iter().all(|one| one["category"] == "staff"),
        "{earlier}"
    );
    let all = breach(&app, BREACH, (from - TimeDelta::hours(2), until), "").await;
    let all = admin.get(&all).await.expect(200);
    assert_eq!(all["categories"][0], json!({"category": "leads", "people": 5, "data": contacts["data"]}));
    app.process.stop().await;
}

#[tokio::test]
async fn what_work_opens_is_nobodys_look_and_a_breach_is_looked_at_by_few() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let message = crate::message::sandbox(admin).await;
    let range = (app.clock.now(), app.clock.now() + TimeDelta::minutes(5));
    let sent = admin.post("/api/v1/communication/messages", &message).await.expect(202);
    let path = format!("/api/v1/communication/messages/{}", sent["id"].as_str().expect("an id"));
    // It goes by a job of the same admin's, which opens address and text.
    Socket::open(admin, Some(0)).await.until("message.sent").await;
    let whose = async || {
        let asked = breach(&app, &format!("{BREACH}/people"), range, "").await;
        let found = admin.all(&asked).await;
        found.into_iter().find(|one| one["kind"] == "other").expect("whom it went to")
    };
    let unseen = whose().await;
    assert_eq!((&unseen["read"], &unseen["changed"]), (&json!(false), &json!(true)));
    admin.get(&path).await.expect(200);
    assert_eq!(whose().await["read"], true);

    let manager = app.user(&app.acme, "Manager").await;
    let asked = breach(&app, BREACH, range, "").await;
    assert_eq!(manager.get(&asked).await.problem(403), "permission-missing");
    for odd in [(range.1, range.0), (range.0 - TimeDelta::days(93), range.1)] {
        let asked = breach(&app, BREACH, odd, "").await;
        assert_eq!(admin.get(&asked).await.problem(422), "invalid");
    }
    let looked = admin.all("/api/v1/compliance/audit-logs?action=read&resource=breach_people").await;
    assert!(!looked.is_empty(), "who asks for people is recorded");
    app.process.stop().await;
}

#[tokio::test]
async fn the_report_tells_what_is_open_and_late_of_what_people_asked_for() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let lead = lead(admin, "ada").await;
    let report = async || admin.get("/api/v1/compliance/report").await.expect(200)["privacy"].clone();
    let before = report().await;
    assert_eq!((&before["requests"]["open"], &before["holds"]["standing"]), (&json!(0), &json!(0)));
    // Of the lead and of the admin.
    assert_eq!((&before["keys"]["people"], &before["keys"]["destroyed"]), (&json!(2), &json!(0)));
    assert_eq!((&before["keys"]["rotating"], &before["keys"]["rotated"]), (&json!(0), &json!(0)));
    assert_eq!(before["keys"]["wrapped_by"].as_array().map(Vec::len), Some(1), "{before}");

    let tenant = app.acme.id;
    let rows = format!(
        "insert into legal_holds (tenant_id, id, subject_id, reason, law)
         values ('{tenant}', gen_random_uuid(), '{lead}', 'a claim', 'HGB 257');
         insert into privacy_requests (tenant_id, id, kind, subject_id, lead_id, received_at, due_at)
         values ('{tenant}', gen_random_uuid(), 'access', '{lead}', '{lead}', now() - interval '40 days', now() - interval '9 days'),
                ('{tenant}', gen_random_uuid(), 'access', '{lead}', '{lead}', now() - interval '28 days', now() + interval '2 days'),
                ('{tenant}', gen_random_uuid(), 'access', '{lead}', '{lead}', now(), now() + interval '30 days');
         insert into erasures (tenant_id, id, lead_id, subject_id, state, due_at)
         values ('{tenant}', gen_random_uuid(), '{lead}', '{lead}', 'identity', now() - interval '1 day')"
    );
    let mut owner = PgConnection::connect_with(&app.database.owner).await.expect("a connection");
    sqlx::raw_sql(AssertSqlSafe(rows)).execute(&mut owner).await.expect("the owner may");
    let after = report().await;
    assert_eq!(
        after["requests"],
        json!({"open": 3, "due_soon": 1, "overdue": 1, "received": 2, "ended": 0, "ended_late": 0})
    );
    assert_eq!((&after["erasures"]["open"], &after["erasures"]["overdue"]), (&json!(1), &json!(1)));
    assert_eq!(after["holds"], json!({"standing": 1, "placed": 1, "released": 0}));
    let others = app.other.admin.get("/api/v1/compliance/report").await.expect(200);
    assert_eq!(others["privacy"]["requests"]["open"], 0, "nobody else's");
    app.process.stop().await;
}
