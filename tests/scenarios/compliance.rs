//! What a tenant shows of its audit log to those who look after it from outside: files, a report, and that it is whole.

use std::{fmt::Write as _, time::Duration};

use chrono::{DateTime, Utc};
use domain::{
    audit::{
        chain::{self, ORIGIN, Row},
        seal::Sealer,
    },
    types::TenantId,
};
use reqwest::{Method, header::HeaderMap};
use serde::Deserialize;
use serde_json::{json, value::RawValue};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use switchboard::process::Roles;
use switchboard_tests::{Client, TestApp, app::platform, heads_file};
use uuid::Uuid;

use crate::{
    audit::{sealed, write},
    operators::looking,
};

pub const LOGS: &str = "/api/v1/compliance/audit-logs";
const EXPORT: &str = "/api/v1/compliance/audit-logs/export";
const VERIFY: &str = "/api/v1/compliance/audit-logs/verify";
const REPORT: &str = "/api/v1/compliance/report";
pub const SECURITY: &str = "/api/v1/compliance/security-events";

/// A process that seals nothing by itself.
pub async fn quiet() -> TestApp {
    TestApp::with_roles(Roles { api: true, ..Roles::default() }).await
}

/// Does something as whoever owns the database.
async fn as_owner(app: &TestApp, statement: String) {
    let mut owner = PgConnection::connect_with(&app.database.owner).await.expect("a connection");
    let statement = format!("set session_replication_role = replica; {statement}");
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut owner).await.expect("the owner may");
}

/// A whole file and what its answer says of it.
async fn file(client: &Client, query: &str) -> (HeaderMap, String) {
    let asked = client.request(Method::GET, &format!("{EXPORT}?{query}"));
    let response = asked.send().await.expect("an answer");
    assert_eq!(response.status(), 200);
    let headers = response.headers().clone();
    (headers, response.text().await.expect("a whole file"))
}

/// A line of a file, as somebody outside reads it.
#[derive(Deserialize)]
struct Line {
    seq: Option<i64>,
    at: DateTime<Utc>,
    id: Uuid,
    actor_kind: String,
    actor_id: Option<Uuid>,
    action: String,
    resource: String,
    resource_id: Option<String>,
    outcome: String,
    severity: Option<String>,
    detail: Box<RawValue>,
    request_id: Option<String>,
    tenant_id: Uuid,
    hash: Option<String>,
}

/// The hash that a line should have after another's, in hexadecimal digits.
fn hash_of(line: Line, before: &[u8; 32]) -> ([u8; 32], String) {
    let row = Row {
        tenant_id: line.tenant_id,
        id: line.id,
        at: line.at,
        actor_kind: line.actor_kind,
        actor_id: line.actor_id,
        action: line.action,
        resource: line.resource,
        resource_id: line.resource_id,
        outcome: line.outcome,
        severity: line.severity,
        detail: line.detail.get().to_owned(),
        request_id: line.request_id,
    };
    let hash = chain::link(before, line.seq.expect("it has a place"), &row);
    let digits = hash.iter().fold(String::new(), |mut digits, byte| {
        write!(digits, "{byte:02x}").expect("memory takes it");
        digits
    });
    (hash, digits)
}

#[tokio::test]
async fn whoever_has_the_file_can_check_the_chain_themselves() {
    let app = quiet().await;
    let admin = &app.acme.admin;
    let sealer = Sealer::open(&platform(&app.database).await, &heads_file()).await.expect("a sealer");
    // More than one piece.
    write(admin, 8, 80).await;
    let rows = sealed(&sealer, app.acme.id).await.rows;
    let (headers, text) = file(admin, "format=jsonl").await;
    assert_eq!(headers["content-type"], "application/jsonl");
    let mut lines: Vec<Line> =
        text.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect();
    assert!(lines.is_sorted_by_key(|line| (line.at, line.id)), "oldest first");
    lines.retain(|line| line.seq.is_some());
    lines.sort_by_key(|line| line.seq);
    assert_eq!(i64::try_from(lines.len()).expect("a number"), rows);
    let mut before = ORIGIN;
    for line in lines {
        let (seq, stored) = (line.seq, line.hash.clone());
        let (hash, digits) = hash_of(line, &before);
        assert_eq!(stored, Some(digits), "at {seq:?}");
        before = hash;
    }
    app.process.stop().await;
}

#[tokio::test]
async fn a_file_for_spreadsheets_runs_in_none_and_that_it_was_taken_is_recorded() {
    let app = quiet().await;
    let admin = &app.acme.admin;
    write(admin, 1, 2).await;
    as_owner(
        &app,
        format!(
            "insert into audit_log (tenant_id, id, actor_kind, action, resource, resource_id, outcome)
             values ('{}', gen_random_uuid(), 'user', 'create', 'lead', '=1+1', 'done')",
            app.acme.id
        ),
    )
    .await;
    let (headers, text) = file(admin, "resource=lead&outcome=done").await;
    assert_eq!(headers["content-type"], "text/csv; charset=utf-8; header=present");
    let name = headers["content-disposition"].to_str().expect("text");
    assert!(name.starts_with("attachment; filename=\"audit-log-") && name.ends_with(".csv\""), "{name}");
    let rows: Vec<&str> = text.lines().collect();
    assert!(rows[0].starts_with("seq,at,id,") && rows.len() == 4, "{text}");
    assert!(rows[3].contains(",create,lead,'=1+1,done,"), "{text}");
    assert_eq!(file(admin, "resource=nothing").await.1.lines().count(), 1);

    let taken = admin.all(&format!("{LOGS}?action=export&resource=audit_log")).await;
    assert_eq!(taken.len(), 2);
    let detail = &taken[1]["detail"];
    assert_eq!(detail["by"], json!(["resource"]));
    assert_eq!((&detail["format"], &detail["outcome"]), (&json!("csv"), &json!("done")));
    let manager = app.user(&app.acme, "Manager").await;
    assert_eq!(manager.get(EXPORT).await.problem(403), "permission-missing");
    for odd in ["format=xml", "outcome=odd", "from=2020-01-01T00:00:00Z", "limit=1"] {
        assert_eq!(admin.get(&format!("{EXPORT}?{odd}")).await.problem(422), "invalid", "{odd}");
    }
    app.process.stop().await;
}

#[tokio::test]
async fn a_file_breaks_off_for_whoever_loses_the_right_while_they_take_it() {
    let app = quiet().await;
    let admin = &app.acme.admin;
    // More than the network holds on its way.
    as_owner(
        &app,
        format!(
            "insert into audit_log (tenant_id, id, actor_kind, action, resource, outcome, detail)
             select '{}', gen_random_uuid(), 'system', 'update', 'lead', 'done',
                    jsonb_build_object('x', repeat('x', 2000))
               from generate_series(1, 20000)",
            app.acme.id
        ),
    )
    .await;
    let key = json!({"name": "k", "permissions": ["audit:export"]});
    let made = admin.post("/api/v1/api-keys", &key).await.expect(201);
    let key = admin.with_bearer(made["key"].as_str().expect("a key"));
    let asked = key.request(Method::GET, &format!("{EXPORT}?format=jsonl"));
    let mut response = asked.send().await.expect("an answer");
    assert!(response.chunk().await.expect("a beginning").is_some());
    let path = format!("/api/v1/api-keys/{}", made["id"].as_str().expect("an id"));
    admin.delete(&path).await.expect(204);
    let broken = loop {
        match response.chunk().await {
            Ok(Some(_)) => {}
            Ok(None) => break false,
            Err(_) => break true,
        }
    };
    assert!(broken, "nobody takes it for a whole file");
    app.process.stop().await;
}

/// Is refused a route so many times.
pub async fn refused(client: &Client, times: usize) {
    for _ in 0..times {
        let path = format!("/api/v1/leads/{}", Uuid::nil());
        assert_eq!(client.delete(&path).await.problem(403), "permission-missing");
    }
}

#[tokio::test]
async fn the_report_adds_up_what_was_done_in_its_range() {
    let app = quiet().await;
    let (admin, operator) = (&app.acme.admin, app.operator("Olga").await);
    let sealer = Sealer::open(&platform(&app.database).await, &heads_file()).await.expect("a sealer");
    let agent = app.user(&app.acme, "Agent").await;
    for _ in 0..2 {
        let tried =
            admin.anonymous().try_login("acme", "admin@acme.example.com", "wrong horse battery").await;
        assert_eq!(tried.problem(401), "unauthenticated");
    }
    refused(&agent, 25).await;
    app.process.app.denials.write(Duration::ZERO).await;
    operator.send(looking(operator.request(Method::GET, "/api/v1/leads"), "acme")).await.expect(200);
    file(admin, "").await;
    let verdict = sealed(&sealer, app.acme.id).await;

    let report = admin.get(REPORT).await.expect(200);
    assert_eq!(report["logins"], json!({"done": 2, "denied": 2}));
    assert_eq!(report["denials"], json!([{"route": "DELETE /api/v1/leads/{id}", "count": 25}]));
    assert_eq!(report["security_events"]["warning"], 23, "20 in full, one for the others, and the logins");
    assert_eq!(report["audit_log"], json!({"reads": 1, "exports": 1, "verifications": 0}));
    assert_eq!(report["operator_looks"], 1);
    let changes = report["changes"].as_array().expect("changes");
    assert!(changes.iter().any(|change| change["resource"] == "user" && change["action"] == "create"));
    let agent = agent.get("/api/v1/me").await.expect(200)["id"].clone();
    let busiest = &report["actors"][0];
    assert_eq!((&busiest["actor_kind"], &busiest["actor_id"]), (&json!("user"), &agent));
    let state = &report["chain"];
    assert_eq!((&state["first_seq"], &state["last_seq"]), (&json!(1), &json!(verdict.rows)));
    assert_eq!((&state["newest_head"]["seq"], &state["unsealed"]), (&json!(verdict.rows), &json!(1)));

    let empty = format!("{REPORT}?from=2020-01-01T00:00:00Z&to=2020-02-01T00:00:00Z");
    assert_eq!(admin.get(&empty).await.expect(200)["entries"], 0);
    let other = app.other.admin.get(REPORT).await.expect(200);
    assert_eq!((&other["logins"]["denied"], &other["denials"]), (&json!(0), &json!([])));
    let supervisor = app.user(&app.acme, "Supervisor").await;
    assert_eq!(supervisor.get(REPORT).await.problem(403), "permission-missing");
    let long = format!("{REPORT}?from=2020-01-01T00:00:00Z&to=2021-02-01T00:00:00Z");
    assert_eq!(admin.get(&long).await.problem(422), "invalid");
    app.process.stop().await;
}

/// Cuts rows and heads of a tenant back to a head that was signed once.
fn cut(tenant: TenantId) -> String {
    format!(
        "with earlier as (select seq from audit_heads where tenant_id = '{tenant}' order by seq desc offset 1 limit 1),
              rows as (delete from audit_log where tenant_id = '{tenant}' and seq > (select seq from earlier))
         delete from audit_heads where tenant_id = '{tenant}' and seq > (select seq from earlier)"
    )
}

#[tokio::test]
async fn a_tenant_verifies_its_own_chain_and_sees_where_it_was_altered_or_cut() {
    let file = heads_file();
    let app = TestApp::with(|plan| {
        plan.roles = Roles { api: true, ..Roles::default() };
        plan.audit_heads = file.clone();
    })
    .await;
    let admin = &app.acme.admin;
    let sealer = Sealer::open(&platform(&app.database).await, &file).await.expect("a sealer");
    for tenant in [&app.acme, &app.other] {
        for _ in 0..2 {
            write(&tenant.admin, 1, 3).await;
            sealed(&sealer, tenant.id).await;
        }
    }
    sealer.keep().await;
    let rows = sealer.verify(app.acme.id).await.expect("an answer").rows;
    let whole = json!({
        "whole": true, "rows": rows, "unsealed": 0, "head_seq": rows, "kept_seq": rows, "breaks": [],
        "archived": 0, "read_in_files": null,
    });
    assert_eq!(admin.get(VERIFY).await.expect(200), whole);
    let many = futures::future::join_all((0..20).map(|_| admin.get(VERIFY))).await;
    assert!(many.iter().any(|answer| answer.status == 200));
    assert!(many.iter().all(|answer| [200, 429].contains(&answer.status)), "{many:?}");
    let manager = app.user(&app.acme, "Manager").await;
    assert_eq!(manager.get(VERIFY).await.problem(403), "permission-missing");

    let edit = format!(
        "update audit_log set detail = '{{\"was\": \"never\"}}' where tenant_id = '{}' and seq = 3",
        app.acme.id
    );
    as_owner(&app, format!("{edit}; {}", cut(app.other.id))).await;
    let altered = admin.get(VERIFY).await.expect(200);
    assert_eq!((&altered["whole"], &altered["breaks"][0]["seq"]), (&json!(false), &json!(3)));
    let short = app.other.admin.get(VERIFY).await.expect(200);
    assert!(short["breaks"][0]["what"].as_str().is_some_and(|what| what.contains("outside")), "{short}");
    let told = admin.all(&format!("{SECURITY}?severity=critical")).await;
    assert_eq!((&told[0]["action"], &told[0]["detail"]["broken_at"]), (&json!("verify"), &json!(3)));
    app.process.stop().await;
}
