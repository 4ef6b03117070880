//! The record of who did what: what stands in it, who may read it, and that nothing of it can be changed unseen.

use std::time::Duration;

use domain::{
    audit::{seal::Sealer, verify::Verdict},
    types::TenantId,
};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use switchboard::process::Roles;
use switchboard_tests::{Client, TestApp, app::platform, heads_file};

const LOGS: &str = "/api/v1/compliance/audit-logs";
const SECURITY: &str = "/api/v1/compliance/security-events";

fn said(entry: &Value) -> String {
    let text = |field: &str| entry[field].as_str().unwrap_or_default();
    format!("{} {} {}", text("action"), text("resource"), text("outcome"))
}

#[tokio::test]
async fn what_was_done_is_read_by_those_who_may_and_each_look_is_recorded() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let lead = admin.post("/api/v1/leads", &json!({"email": "ada@example.com"})).await.expect(201);
    let id = lead["id"].as_str().expect("an id");
    admin.patch(&format!("/api/v1/leads/{id}"), &json!({"language": "de"})).await.expect(200);
    let of_lead = admin.all(&format!("{LOGS}?resource=lead&resource_id={id}")).await;
    assert_eq!(of_lead.iter().map(said).collect::<Vec<_>>(), ["update lead done", "create lead done"]);
    let me = admin.get("/api/v1/me").await.expect(200);
    assert_eq!(of_lead[0]["actor_id"], me["id"]);
    assert!(of_lead[0]["request_id"].is_string());
    assert!(!of_lead.iter().any(|entry| entry.to_string().contains("ada@")), "no personal data");

    let reads = admin.all(&format!("{LOGS}?action=read&resource=audit_log")).await;
    assert_eq!(reads[0]["detail"]["resource_id"], *id, "the look before is recorded");
    let mut page = admin.get(&format!("{LOGS}?limit=2")).await.expect(200);
    let mut ids = Vec::new();
    while let Some(cursor) = page["next_cursor"].as_str() {
        ids.extend(page["items"].as_array().expect("items").iter().map(|entry| entry["id"].clone()));
        page = admin.get(&format!("{LOGS}?limit=2&cursor={cursor}")).await.expect(200);
    }
    let count = ids.len();
    ids.sort_by_key(ToString::to_string);
    ids.dedup();
    assert_eq!(ids.len(), count, "no entry comes twice");
    assert!(app.other.admin.all(&format!("{LOGS}?resource_id={id}")).await.is_empty());
    let agent = app.user(&app.acme, "Agent").await;
    assert_eq!(agent.get(LOGS).await.problem(403), "permission-missing");

    let sums = admin.get("/api/v1/compliance/audit-summary").await.expect(200);
    let created = sums.as_array().expect("sums").iter().find(|sum| said(sum) == "create lead done");
    assert_eq!(created.expect("it is there")["count"], 1);
    let long = "/api/v1/compliance/audit-summary?from=2020-01-01T00:00:00Z";
    assert_eq!(admin.get(long).await.problem(422), "invalid");
    for odd in ["outcome=odd", "from=1970-01-01T00:00:00Z", "to=-262143-01-01T00:00:00Z"] {
        assert_eq!(admin.get(&format!("{LOGS}?{odd}")).await.problem(422), "invalid");
    }
    app.process.stop().await;
}

#[tokio::test]
async fn rights_given_and_whoever_was_refused_are_security_events() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let agent = app.user(&app.acme, "Agent").await;
    assert_eq!(
        agent.delete("/api/v1/leads/0192e4a0-5b7c-7d5e-9f00-3a6b8c9d0e1f").await.problem(403),
        "permission-missing"
    );
    let wrong =
        json!({"tenant": "acme", "email": "admin@acme.example.com", "password": "wrong horse battery"});
    for email in ["admin@acme.example.com", "nobody@acme.example.com"] {
        let mut login = wrong.clone();
        login["email"] = json!(email);
        assert_eq!(
            admin.anonymous().post("/api/v1/auth/login", &login).await.problem(401),
            "unauthenticated"
        );
    }
    let role = json!({"name": "Reader", "permissions": ["leads:read"]});
    admin.post("/api/v1/compliance/roles", &role).await.expect(201);

    let warnings = admin.all(&format!("{SECURITY}?severity=warning")).await;
    let told: Vec<String> = warnings.iter().map(said).collect();
    assert_eq!(told, ["login user denied", "login user denied", "access route denied"]);
    assert_eq!(warnings[2]["resource_id"], "DELETE /api/v1/leads/{id}");
    let me = admin.get("/api/v1/me").await.expect(200);
    assert_eq!(warnings[1]["resource_id"], me["id"], "the user who was meant");
    let notices = admin.all(&format!("{SECURITY}?severity=notice")).await;
    assert_eq!(said(&notices[0]), "create role done");
    assert!(notices.iter().any(|entry| said(entry) == "create user done"));
    assert_eq!(admin.get(&format!("{SECURITY}?severity=odd")).await.problem(422), "invalid");
    app.process.stop().await;
}

/// Seals until nothing is left; answers the verdict.
pub async fn sealed(sealer: &Sealer, tenant: TenantId) -> Verdict {
    while sealer.seal().await.expect("sealed") > 0 {}
    sealer.verify(tenant).await.expect("an answer")
}

/// So many leads by so many writers at once.
pub async fn write(client: &Client, writers: usize, each: usize) {
    let writer = |at: usize| async move {
        for n in 0..each {
            client
                .post("/api/v1/leads", &json!({"email": format!("l{at}-{n}@example.com")}))
                .await
                .expect(201);
        }
    };
    futures::future::join_all((0..writers).map(writer)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_two_writers_and_a_sealer_make_one_chain() {
    let app = TestApp::start().await;
    let sealer = Sealer::open(&platform(&app.database).await, &heads_file()).await.expect("a sealer");
    write(&app.acme.admin, 32, 5).await;
    // The process's own sealer goes on beside.
    let whole = async {
        loop {
            let verdict = sealed(&sealer, app.acme.id).await;
            assert_eq!(verdict.broken, None);
            if verdict.unsealed == 0 && verdict.rows >= 160 {
                return verdict;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), whole).await.expect("all is sealed");
    assert_eq!(sealed(&sealer, app.other.id).await.broken, None);
    println!("security-cases 32");
    app.process.stop().await;
}

/// What an edit of a row may set: each of its columns, to what it was not before.
const EDITS: [&str; 15] = [
    "tenant_id = gen_random_uuid()",
    "id = gen_random_uuid()",
    "at = at + interval '1 microsecond'",
    "actor_kind = actor_kind || 's'",
    "actor_id = gen_random_uuid()",
    "action = action || 'd'",
    "resource = resource || 's'",
    "resource_id = coalesce(resource_id, '') || '0'",
    "outcome = case outcome when 'done' then 'denied' else 'done' end",
    "severity = case severity when 'critical' then null else 'critical' end",
    "detail = '{\"was\": \"never\"}'",
    "detail = detail || '{\"also\": null}'",
    "request_id = coalesce(request_id, '') || '0'",
    "seq = seq + 1000000",
    "hash = sha256(hash)",
];

/// What somebody with the owner's rights might do, with a die to throw.
fn alteration(kind: u32, edit: &str, one: i64, other: i64, last: i64) -> String {
    match kind {
        0..=3 => format!("update audit_log set {edit} where seq = {one}"),
        4 => format!("delete from audit_log where seq = {one}"),
        5 => format!(
            "update audit_log set seq = case seq when {one} then {other} else {one} end where seq in ({one}, {other})"
        ),
        6 => format!("insert into audit_log select * from audit_log where seq = {one} or seq = {last}"),
        7 => format!(
            "update audit_log set seq = seq + 1 where seq > {one};
             insert into audit_log (tenant_id, id, actor_kind, action, resource, outcome, detail, seq, hash)
             select tenant_id, gen_random_uuid(), 'user', 'create', 'lead', 'done', '{{}}', {one} + 1, hash
               from audit_log where seq = {one}"
        ),
        8 => format!("delete from audit_log where seq > {one}"),
        9 => format!(
            "delete from audit_log where seq > {last} - 1; delete from audit_heads where seq > {last} - 1;
             update audit_heads set seq = {last} - 1 where seq = (select max(seq) from audit_heads)"
        ),
        // Back to a head that was signed once, in both tables.
        _ => "delete from audit_log where seq > (select seq from audit_heads order by seq desc offset 1 limit 1);
              delete from audit_heads where seq = (select max(seq) from audit_heads)"
            .to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_alterations_of_what_thirty_two_writers_wrote_are_found_each() {
    let app = TestApp::with_roles(Roles { api: true, ..Roles::default() }).await;
    let sealer = Sealer::open(&platform(&app.database).await, &heads_file()).await.expect("a sealer");
    for _ in 0..5 {
        write(&app.acme.admin, 32, 1).await;
        sealed(&sealer, app.acme.id).await;
    }
    app.process.stop().await;
    let last = sealed(&sealer, app.acme.id).await.rows;
    assert!(last > 160, "{last} rows");
    let mut owner = PgConnection::connect_with(&app.database.owner).await.expect("a connection");
    let ours = format!(
        "set session_replication_role = replica; delete from audit_log where tenant_id <> '{0}'; delete from audit_heads where tenant_id <> '{0}'",
        app.acme.id
    );
    sqlx::raw_sql(AssertSqlSafe(ours)).execute(&mut owner).await.expect("only one tenant is left");
    let mut state: u64 = 0x5DEE_CE66_D158_1EA5;
    let mut dice = |below: i64| {
        // Numerical Recipes' generator: any will do, and the test is the same each time.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from((state >> 33) % u64::try_from(below).expect("positive")).expect("small")
    };
    let turns = 1_000_u32;
    for turn in 0..turns {
        let one = dice(last - 1) + 1;
        let other = (one + dice(last - 2)) % (last - 1) + 1;
        let other = if other == one { last } else { other };
        let edit = EDITS[usize::try_from(dice(15)).expect("small")];
        let change = alteration(turn % 11, edit, one, other, last);
        let mut tx = owner.begin().await.expect("a transaction");
        sqlx::raw_sql(AssertSqlSafe(change.clone())).execute(&mut *tx).await.expect("the owner may");
        let verdict = sealer.verify_on(&mut tx, app.acme.id).await.expect("an answer");
        assert!(verdict.broken.is_some(), "not found: {change}");
        tx.rollback().await.expect("undone");
    }
    assert_eq!(sealer.verify(app.acme.id).await.expect("an answer").broken, None, "the chain itself holds");
    println!("security-cases {turns}");
}

#[tokio::test]
async fn heads_outside_the_database_are_found_by_the_next_process_and_kept_by_all() {
    let app = TestApp::with_roles(Roles { api: true, ..Roles::default() }).await;
    let file = heads_file();
    let open = async || Sealer::open(&platform(&app.database).await, &file).await.expect("a sealer");
    let (one, two) = (open().await, open().await);
    assert_eq!(sealed(&one, app.acme.id).await.broken, None);
    write(&app.acme.admin, 1, 3).await;
    let whole = sealed(&two, app.acme.id).await;
    // The one that sealed last writes first: the older head must not take the newer one's place.
    two.keep().await;
    one.keep().await;
    let mut owner = PgConnection::connect_with(&app.database.owner).await.expect("a connection");
    let cut = format!(
        "set session_replication_role = replica;
         with earlier as (select seq from audit_heads where tenant_id = '{0}' order by seq desc offset 1 limit 1),
              rows as (delete from audit_log where tenant_id = '{0}' and seq > (select seq from earlier))
         delete from audit_heads where tenant_id = '{0}' and seq > (select seq from earlier)",
        app.acme.id
    );
    sqlx::raw_sql(AssertSqlSafe(cut)).execute(&mut owner).await.expect("the owner may");
    // Work goes on, and whoever seals must not cover it up: neither one that knows the head nor one that does not.
    write(&app.acme.admin, 1, 2).await;
    assert!(sealed(&two, app.acme.id).await.broken.is_some());
    sealed(&one, app.acme.id).await;
    for sealer in [&two, &one] {
        sealer.keep().await;
    }
    let broken = open().await.verify(app.acme.id).await.expect("an answer").broken.expect("found");
    assert!(broken.seq <= whole.rows && broken.what.contains("outside"), "{broken:?}");
    std::fs::write(&file, "{").expect("written");
    let refused = Sealer::open(&platform(&app.database).await, &file).await.err().expect("a broken file");
    assert!(refused.to_string().contains("cannot be read"), "{refused}");
    app.process.stop().await;
}

#[tokio::test]
async fn a_head_that_cannot_be_read_stops_its_own_tenant_only() {
    let app = TestApp::with_roles(Roles { api: true, ..Roles::default() }).await;
    let sealer = Sealer::open(&platform(&app.database).await, &heads_file()).await.expect("a sealer");
    sealed(&sealer, app.acme.id).await;
    let mut owner = PgConnection::connect_with(&app.database.owner).await.expect("a connection");
    let spoil = "set session_replication_role = replica;
                 update audit_heads set hash = '\\x00' where tenant_id = (select id from tenants where slug = 'acme')";
    sqlx::raw_sql(spoil).execute(&mut owner).await.expect("the owner may");
    for tenant in [&app.acme, &app.other] {
        write(&tenant.admin, 1, 2).await;
    }
    let verdict = sealed(&sealer, app.other.id).await;
    assert_eq!((verdict.broken, verdict.unsealed), (None, 0));
    let verdict = sealed(&sealer, app.acme.id).await;
    assert!(verdict.broken.is_some() && verdict.unsealed >= 2, "{verdict:?}");
    app.process.stop().await;
}
