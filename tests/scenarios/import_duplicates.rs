//! Rows whose number or address a lead has already, runs that write nothing, and what the report says of each row.

use chrono::TimeDelta;
use domain::upkeep;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::Connection;
use switchboard::process::Roles;
use switchboard_tests::{Answer, Client, PASSWORD, TestApp, contacts};

use crate::{
    leads::actions::somebody_waits,
    leads::import,
    routing::rules::{id, lead},
    routing::team,
};

pub const IMPORTS: &str = "/api/v1/leads/imports";

/// Imports a file with parameters.
pub async fn import_so(client: &Client, query: &str, file: impl Into<reqwest::Body>) -> Answer {
    let request = client.request(Method::POST, &format!("{IMPORTS}?{query}"));
    client.send(request.header("content-type", "text/csv").body(file)).await
}

/// What became of the rows of an import: line, outcome, lead, field.
async fn rows(client: &Client, import: &Value) -> Vec<(i64, String, Value, Value)> {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let all = client.all(&format!("{IMPORTS}/{}/rows", id(import))).await;
    all.iter()
        .map(|row| {
            let line = row["line"].as_i64().expect("a line");
            (line, text(&row["outcome"]), row["lead_id"].clone(), row["field"].clone())
        })
        .collect()
}

fn counts(import: &Value) -> [i64; 4] {
    ["created", "updated", "duplicates", "rejected"].map(|count| import[count].as_i64().expect("a count"))
}

async fn stored(client: &Client, lead: &Value) -> Value {
    client.get(&format!("/api/v1/leads/{}", lead.as_str().expect("an id"))).await.expect(200)
}

#[tokio::test]
async fn a_row_of_somebody_who_is_there_is_skipped_refused_or_changes_them() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let known = json!({"email": "Ada@example.com", "phone": "+14155550100", "source": "referral",
        "region": "Rom", "attributes": {"age": 36, "plan": "gold"}});
    let ada = lead(admin, &known).await;
    lead(&app.other.admin, &json!({"email": "new@example.com"})).await;
    let file = "email,region,plan,tags,phone\n\
                ADA@example.com,Bern,tin,a;b,\n\
                new@example.com,,,,\n\
                NEW@example.com,Graz,,,\n";

    let skipped = import_so(admin, "on_duplicate=skip", file).await.expect(201);
    assert_eq!((counts(&skipped), &skipped["on_duplicate"]), ([1, 0, 2, 0], &json!("skip")));
    let told = rows(admin, &skipped).await;
    let new = told[1].2.clone();
    let email = json!("email");
    assert_eq!(
        told,
        [
            (2, "duplicate".to_owned(), ada.clone(), email.clone()),
            (3, "created".to_owned(), new.clone(), Value::Null),
            (4, "duplicate".to_owned(), new.clone(), email.clone()),
        ]
    );
    assert_eq!(stored(admin, &ada).await["version"], 1);

    let refused = import_so(admin, "on_duplicate=reject", file).await.expect(201);
    assert_eq!(counts(&refused), [0, 0, 0, 3]);
    assert!(rows(admin, &refused).await.iter().all(|row| row.1 == "rejected" && row.3 == email));
    assert_eq!(admin.all("/api/v1/leads").await.len(), 2);

    let updated = import_so(admin, "on_duplicate=update&default.source=campaign", file).await.expect(201);
    assert_eq!(counts(&updated), [0, 3, 0, 0]);
    let changed = stored(admin, &ada).await;
    assert_eq!(
        changed["attributes"],
        json!({"age": 36, "plan": "tin"}),
        "what the file is silent about stays"
    );
    assert_eq!((&changed["region"], &changed["tags"]), (&json!("Bern"), &json!(["a", "b"])));
    assert_eq!((&changed["source"], &changed["phone"]), (&json!("referral"), &json!("+14155550100")));
    assert_eq!(stored(admin, &new).await["region"], "Graz");
    assert_eq!(admin.all("/api/v1/leads?tag=b").await.len(), 1, "it is found by what it was changed to");

    // The number of the one and the address of the other, and one that no lead can be changed to.
    let level = json!({"name": "level", "type": "text", "required": true});
    admin.post("/api/v1/leads/attributes", &level).await.expect(201);
    let both = "email,phone,status,x\n\
                new@example.com,+14155550100,,\n\
                new@example.com,,,1\n\
                ada@example.com,,lost,\n";
    let report = import_so(admin, "on_duplicate=update", both).await.expect(201);
    assert_eq!(counts(&report), [0, 1, 0, 2]);
    let told: Vec<_> = rows(admin, &report).await.into_iter().map(|row| (row.1, row.3)).collect();
    assert_eq!(told[0], ("rejected".to_owned(), email.clone()));
    assert_eq!(told[1], ("rejected".to_owned(), json!("attr.level")));
    assert_eq!(stored(admin, &ada).await["status"], "lost");
    let done = format!("/api/v1/leads/{}/activities", ada.as_str().expect("an id"));
    assert_eq!(admin.all(&done).await[0]["status"], "lost", "as in a single change");

    assert_eq!(counts(&import(admin, "email,level\nada@example.com,x\n").await.expect(201)), [1, 0, 0, 0]);
    assert_eq!(admin.all("/api/v1/leads").await.len(), 3, "another lead, if nothing is said");
    app.process.stop().await;
}

#[tokio::test]
async fn a_dry_run_tells_what_would_become_of_a_file_and_writes_no_lead() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let ada = lead(admin, &json!({"email": "ada@example.com", "region": "Rom"})).await;
    // More than two batches, so that what is doubled is far from what it doubles.
    let many = (4..1_104).map(|line| format!("l{line}@example.com,\n")).collect::<Vec<_>>().concat();
    let file =
        format!("email,region\nada@example.com,Bern\nb@example.com,\n{many}B@example.com,Graz\nnobody,\n");
    for (mode, wanted) in
        [("skip", [1_101, 0, 2, 1]), ("update", [1_101, 2, 0, 1]), ("create", [1_103, 0, 0, 1])]
    {
        let query = format!("dry_run=true&on_duplicate={mode}");
        let report = import_so(admin, &query, file.clone()).await.expect(201);
        assert_eq!((counts(&report), &report["dry_run"]), (wanted, &json!(true)), "{mode}");
        let told = admin.all(&format!("{IMPORTS}/{}/rows", id(&report))).await;
        let lines: Vec<i64> = told.iter().map(|row| row["line"].as_i64().expect("a line")).collect();
        assert!(lines.into_iter().eq(2..=1_105), "each line once, in order");
        assert!(told.iter().all(|row| row["outcome"] != "created" || row["lead_id"].is_null()));
        if mode != "create" {
            assert_eq!((&told[0]["lead_id"], &told[1_102]["lead_id"]), (&ada, &Value::Null));
            assert!(told[1_102]["reason"].as_str().expect("a reason").contains("line 3 "), "{}", told[1_102]);
        }
    }
    let kept = stored(admin, &ada).await;
    assert_eq!((&kept["region"], &kept["version"]), (&json!("Rom"), &json!(1)));
    assert_eq!(admin.all("/api/v1/leads").await.len(), 1);
    assert!(admin.all("/api/v1/compliance/audit-logs?action=update&resource=lead").await.is_empty());
    assert_eq!(admin.all(IMPORTS).await.len(), 3);

    // What it says is what happens then.
    let real = import_so(admin, "on_duplicate=update", file).await.expect(201);
    assert_eq!((counts(&real), &real["dry_run"]), ([1_101, 2, 0, 1], &json!(false)));
    assert_eq!(admin.all("/api/v1/leads").await.len(), 1_102);

    let (contacts, count) = contacts();
    let query = "dry_run=true&on_duplicate=skip&map.email=email&map.phone=phone&map.attr.profession=job";
    let report = import_so(admin, query, contacts).await.expect(201);
    let count = i64::try_from(count).expect("a number");
    assert_eq!(counts(&report), [count, 0, 0, 0]);
    app.process.stop().await;
}

#[tokio::test]
async fn what_a_dry_run_remembers_goes_and_so_do_old_reports() {
    let app = TestApp::with_roles(Roles { api: true, ..Roles::default() }).await;
    let admin = &app.acme.admin;
    let file = "email,phone\na@example.com,+14155550100\nb@example.com,\n";
    let import = import_so(admin, "dry_run=true&on_duplicate=skip", file).await.expect(201);
    let mut system = app.database.connect_as("switchboard_system").await;
    let mut left = async |table: &str| -> i64 {
        let count = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
        sqlx::query_scalar(count).fetch_one(&mut system).await.expect("an answer")
    };
    assert_eq!((left("import_contacts").await, left("import_rows").await), (3, 2));
    let platform = &app.process.app.platform;
    while upkeep::forget_some(platform).await.expect("an answer") > 0 {}
    assert_eq!((left("import_contacts").await, left("import_rows").await), (0, 2));
    app.advance(TimeDelta::days(91)).await;
    while upkeep::forget_some(platform).await.expect("an answer") > 0 {}
    assert_eq!((left("import_rows").await, left("imports where has_report").await), (0, 0));
    assert_eq!(left("imports").await, 1, "the import itself stays");
    let admin = admin.anonymous().login("acme", "admin@acme.example.com", PASSWORD).await;
    assert_eq!(admin.get(&format!("{IMPORTS}/{}", id(&import))).await.expect(200)["created"], 2);
    app.process.stop().await;
}

#[tokio::test]
async fn whoever_sees_only_some_leads_sees_their_own_imports_and_finds_no_others_leads() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 1, 10).await;
    let rights = ["leads:import", "imports:read", "leads:read", "leads:write", "personal:read"];
    let role = json!({"name": "Importer", "permissions": rights, "scope": "own"});
    admin.post("/api/v1/compliance/roles", &role).await.expect(201);
    let user = json!({"name": "I", "email": "i@acme.example.com", "password": PASSWORD, "role": "Importer"});
    let user = admin.post("/api/v1/users", &user).await.expect(201);
    let agent = format!("/api/v1/agents/{}", agents[0].as_str().expect("an id"));
    admin.patch(&agent, &json!({"user_id": user["id"]})).await.expect(200);
    let importer = admin.anonymous().login("acme", "i@acme.example.com", PASSWORD).await;

    let file = "email,region\nada@example.com,Rom\n";
    let (theirs, others) =
        (import(admin, file).await.expect(201), import(&app.other.admin, file).await.expect(201));
    let update = "on_duplicate=update";
    let own = import_so(&importer, update, file).await.expect(201);
    assert_eq!(
        (counts(&own), &own["created_by"]),
        ([1, 0, 0, 0], &user["id"]),
        "the admin's lead is not seen"
    );
    assert_eq!(counts(&import_so(&importer, update, file).await.expect(201)), [0, 1, 0, 0]);

    let ids = |list: Vec<Value>| -> Vec<String> { list.iter().map(id).collect() };
    let (seen, all) = (ids(importer.all(IMPORTS).await), ids(admin.all(IMPORTS).await));
    assert_eq!((seen.len(), all.len()), (2, 3));
    assert!(seen.contains(&id(&own)) && all.contains(&id(&own)) && all.contains(&id(&theirs)));
    assert!(all.is_sorted_by(|one, next| one > next), "newest first");
    for (client, import, status) in [
        (&importer, &own, 200),
        (&importer, &theirs, 404),
        (&importer, &others, 404),
        (admin, &own, 200),
        (admin, &others, 404),
    ] {
        for part in ["", "/rows", "/rows?outcome=created", "/rows/export"] {
            let answer = client.get(&format!("{IMPORTS}/{}{part}", id(import))).await;
            assert_eq!(answer.status, status, "{}", answer.asked);
        }
    }
    let key = json!({"name": "k", "permissions": ["leads:import", "leads:read", "imports:read"]});
    let key = admin.post("/api/v1/api-keys", &key).await.expect(201);
    let blind = admin.with_bearer(key["key"].as_str().expect("a key"));
    for mode in ["skip", "reject", "update"] {
        let refused = import_so(&blind, &format!("on_duplicate={mode}"), file).await;
        assert_eq!(refused.problem(403), "permission-missing", "what is found tells the value");
    }
    import_so(&blind, "on_duplicate=create", file).await.expect(201);
    app.process.stop().await;
}

#[tokio::test]
async fn rows_are_told_in_order_and_none_takes_what_another_lead_came_by_meanwhile() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let zoe = lead(admin, &json!({"email": "zoe@example.com"})).await;
    let ada = lead(admin, &json!({"email": "ada@example.com"})).await;
    let mut system = app.database.connect_as("switchboard_system").await;
    let mut holds = system.begin().await.expect("a transaction");
    sqlx::query("select from leads where id = $1::text::uuid for update")
        .bind(zoe.as_str().expect("an id"))
        .execute(&mut *holds)
        .await
        .expect("it is held");
    let file = "email,phone,region\n\
                zoe@example.com,,Rom\n\
                ada@example.com,+14155550177,Bern\n\
                new@example.com,,Graz\n";
    let importer = admin.clone();
    let importing = tokio::spawn(async move { import_so(&importer, "on_duplicate=update", file).await });
    somebody_waits(&app).await;
    let begun = admin.all(IMPORTS).await.pop().expect("an import");
    assert!(rows(admin, &begun).await.is_empty(), "no row is told before the one that waits");
    assert_eq!(admin.all("/api/v1/leads").await.len(), 2);
    let other = lead(admin, &json!({"phone": "+14155550177"})).await;
    holds.commit().await.expect("it is let go");

    let report = importing.await.expect("an answer").expect(201);
    assert_eq!(counts(&report), [1, 1, 0, 1]);
    let told = rows(admin, &report).await;
    assert_eq!(told[0], (2, "updated".to_owned(), zoe, json!("email")));
    assert_eq!(told[1], (3, "rejected".to_owned(), ada.clone(), json!("phone")));
    let kept = stored(admin, &ada).await;
    assert_eq!((&kept["phone"], &kept["region"]), (&Value::Null, &Value::Null));
    assert_eq!(stored(admin, &other).await["phone"], "+14155550177");
    app.process.stop().await;
}
