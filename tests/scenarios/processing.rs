//! The account that is given of personal data: the record of processing, and who was affected between two moments.

use chrono::{DateTime, Datelike as _, Days, SecondsFormat, TimeDelta, Utc};
use domain::{ctx::Clock as _, upkeep};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use switchboard_tests::{Answer, Client, Socket, TestApp};
use uuid::Uuid;

use crate::import_duplicates::import_so;

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

    // What happens while somebody turns pages is in none of them.
    let first = admin.get(&format!("{list}&limit=1")).await.expect(200);
    eve.patch(&format!("/api/v1/leads/{}", leads[4]), &json!({"region": "Basel"})).await.expect(200);
    let cursor = first["next_cursor"].as_str().expect("more pages").to_owned();
    let rest = admin.get(&format!("{list}&limit=10&cursor={cursor}")).await.expect(200);
    assert_eq!(rest["items"].as_array().map(Vec::len), Some(2), "{rest}");
    assert_eq!(admin.all(&list).await.len(), 4);

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

/// Whom something was done to, by their ids.
async fn changed(client: &Client, asked: &str) -> Vec<String> {
    let people = client.all(asked).await;
    let changed = people.iter().filter(|one| one["changed"] == true);
    changed.map(|one| one["subject_id"].as_str().expect("an id").to_owned()).collect()
}

#[tokio::test]
async fn people_of_a_change_of_many_and_of_an_import_are_counted_and_the_import_is_nobody() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let mut leads = Vec::new();
    for name in ["ada", "bea", "cyd", "dot"] {
        leads.push(lead(admin, name).await);
    }
    let from = app.clock.now();
    let (action, filter) =
        (json!({"kind": "add_tags", "tags": ["vip"]}), json!({"email": "ada@example.com"}));
    crate::leads::actions::done(admin, &action, &filter).await;
    import_so(admin, "on_duplicate=update", "email,region\nbea@example.com,Bern\neve@example.com,Graz\n")
        .await
        .expect(201);
    import_so(admin, "on_duplicate=skip", "email,region\ncyd@example.com,Bern\n").await.expect(201);
    import_so(admin, "on_duplicate=update&dry_run=true", "email,region\ndot@example.com,Bern\n")
        .await
        .expect(201);
    let made = admin.all("/api/v1/leads?email=eve@example.com").await;
    let made = made[0]["id"].as_str().expect("an id").to_owned();

    let range = (from, app.clock.now() + TimeDelta::minutes(1));
    let asked = breach(&app, &format!("{BREACH}/people"), range, "").await;
    let mut wanted = vec![leads[0].clone(), leads[1].clone(), made.clone()];
    wanted.sort_unstable();
    assert_eq!(changed(admin, &asked).await, wanted);
    let found = admin.get(&breach(&app, BREACH, range, "").await).await.expect(200);
    assert_eq!((&found["changed"], &found["changes_archived"]), (&json!(3), &json!([])), "{found}");

    // Whom an import made is known longer than what is reported of its rows.
    let mut owner = PgConnection::connect_with(&app.database.owner).await.expect("a connection");
    sqlx::raw_sql("delete from import_rows").execute(&mut owner).await.expect("the owner may");
    assert!(changed(admin, &asked).await.contains(&made));
    app.process.stop().await;
}

#[tokio::test]
async fn reads_are_known_to_the_hour_page_by_page_and_are_forgotten() {
    let app = TestApp::start().await;
    let (admin, tenant) = (&app.acme.admin, app.acme.id);
    let platform = &app.process.app.platform;
    let actor = Uuid::from_u128(7);
    let mut owner = PgConnection::connect_with(&app.database.owner).await.expect("a connection");
    // Nine people on the first three days of a month: at six, and the last three of them at nine as well.
    let month = (app.clock.now() - TimeDelta::days(60)).date_naive().with_day(1).expect("each month has it");
    let rows = format!(
        "insert into personal_reads (tenant_id, day, subject_id, actor_kind, actor_id, shown_hours, exported_hours, first_at, last_at)
         select '{tenant}', date '{month}' + d, lpad(to_hex(n), 32, '0')::uuid, 'api_key', '{actor}',
                (1 << 6) | (case when n > 6 then 1 << 9 else 0 end), 0,
                (date '{month}' + d + time '06:10') at time zone 'UTC',
                (date '{month}' + d + case when n > 6 then time '09:10' else time '06:10' end) at time zone 'UTC'
           from generate_series(0, 2) d cross join generate_series(1, 9) n;
         insert into log_archives (tenant_id, id, log, month, state, manifest, signature)
         values ('{tenant}', gen_random_uuid(), 'audit_log', '{month}', 'dropped', '', ''),
                ('{tenant}', gen_random_uuid(), 'audit_log', date '{month}' + interval '1 month', 'dropped', '', '')"
    );
    sqlx::raw_sql(AssertSqlSafe(rows)).execute(&mut owner).await.expect("the owner may");
    let at = |day: u64, hour: u32| {
        let day = month + Days::new(day - 1);
        day.and_hms_opt(hour, 0, 0).expect("a time").and_utc()
    };
    for (from, until, people) in [
        (at(1, 0), at(4, 0), 9),
        (at(1, 6), at(1, 7), 9),
        (at(1, 7), at(1, 9), 0),
        (at(1, 7), at(1, 10), 3),
        (at(3, 10), at(4, 0), 0),
        (at(1, 10), at(2, 6), 0),
    ] {
        let found = admin.get(&breach(&app, BREACH, (from, until), "").await).await.expect(200);
        assert_eq!((&found["people"], &found["read"]), (&json!(people), &json!(people)), "{from} {found}");
        assert_eq!(found["changes_archived"], json!([month]), "and not the month after");
        let list = breach(&app, &format!("{BREACH}/people"), (from, until), "").await;
        let mut ids: Vec<Value> = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = admin.get(&format!("{list}&limit=2{cursor}")).await.expect(200);
            let items = page["items"].as_array().expect("items");
            ids.extend(items.iter().map(|one| one["subject_id"].clone()));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        let wanted: Vec<Value> = (10 - people..10_u32).map(|n| json!(Uuid::from_u128(n.into()))).collect();
        assert_eq!(ids, wanted);
    }

    // A second look at the same person on the same day is no second row.
    let seen = lead(admin, "ada").await;
    for _ in 0..3 {
        admin.get(&format!("/api/v1/leads/{seen}")).await.expect(200);
        platform.reads.write(platform).await;
    }
    let count = "select count(*) from personal_reads where tenant_id = $1 and subject_id = $2";
    let seen = Uuid::parse_str(&seen).expect("an id");
    let count: i64 =
        sqlx::query_scalar(count).bind(tenant.0).bind(seen).fetch_one(&mut owner).await.expect("a count");
    assert!((1..=2).contains(&count), "{count} rows, and it may just have been midnight");

    let old = format!("update personal_reads set day = day - 400 where day < date '{month}' + 2");
    sqlx::raw_sql(AssertSqlSafe(old)).execute(&mut owner).await.expect("the owner may");
    let mut gone = 0;
    loop {
        match upkeep::forget_reads(platform).await.expect("an answer") {
            0 => break,
            some => gone += some,
        }
    }
    assert_eq!(gone, 18);
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
         insert into privacy_requests (tenant_id, id, subject_id, lead_id, received_at, due_at)
         values ('{tenant}', gen_random_uuid(), '{lead}', '{lead}', now() - interval '40 days', now() - interval '9 days'),
                ('{tenant}', gen_random_uuid(), '{lead}', '{lead}', now() - interval '28 days', now() + interval '2 days'),
                ('{tenant}', gen_random_uuid(), '{lead}', '{lead}', now(), now() + interval '30 days');
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
