//! What is recorded of whose rights have changed, by whom it is written, and when it is deleted.

use std::{collections::BTreeSet, time::Duration};

use domain::upkeep;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use switchboard_tests::{PASSWORD, TestApp};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::{
    access::by_token::{newcomer, owner},
    access::changes::{clerk, id, run},
};

const PATIENCE: Duration = Duration::from_secs(30);
/// Whoever owns the tables, and who works over all tenants.
const BY_HAND: &str = "set local role none";
const SYSTEM: &str = "set local role switchboard_system";

/// Of what it is recorded that a statement changes it which is run `by` somebody; it is undone again.
async fn recorded(conn: &mut PgConnection, by: &str, statement: &str) -> BTreeSet<Uuid> {
    let mut tx = conn.begin().await.expect("a transaction");
    run(&mut tx, by.to_owned()).await;
    let done = sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut *tx).await.expect("it runs");
    let changes = done.rows_affected() > 0 || statement.starts_with("truncate");
    assert!(changes, "it changes nothing: {statement}");
    run(&mut tx, BY_HAND.into()).await;
    let recorded = "select subject_id from access_changes where xid = pg_current_xact_id()";
    let recorded: Vec<Uuid> = sqlx::query_scalar(recorded).fetch_all(&mut *tx).await.expect("an answer");
    tx.rollback().await.expect("undone");
    recorded.into_iter().collect()
}

fn find(users: &[Value], email: &str) -> Uuid {
    id(&users.iter().find(|user| user["email"] == email).expect("the user")["id"])
}

#[tokio::test]
async fn every_way_of_changing_rights_is_recorded_and_nothing_else() {
    let app = TestApp::start().await;
    let (admin, tenant) = (&app.acme.admin, app.acme.id.0);
    let role = json!({"name": "Clerk", "permissions": ["leads:read"], "scope": "team"});
    let role = id(&admin.post("/api/v1/compliance/roles", &role).await.expect(201)["id"]);
    let (email, second) = (newcomer(&app, admin, "Clerk").await, newcomer(&app, admin, "Clerk").await);
    let (agent, team) = clerk(admin, &email).await;
    let tokens = admin.anonymous().try_login("acme", &email, PASSWORD).await.expect(200);
    let (user, session) = (id(&tokens["user_id"]), id(&tokens["session_id"]));
    let users = admin.all("/api/v1/users").await;
    let second = find(&users, &second);
    let everybody: Vec<Uuid> = users.iter().map(|user| id(&user["id"])).collect();
    let mut owner = owner(&app).await;

    // As the product does it: a tenant's commands see one tenant, upkeep and operators all.
    let command = format!("set local role switchboard_app; set local app.tenant = '{tenant}'");
    let command = command.as_str();
    let raised = "permission_version = permission_version + 1";
    for (by, statement, whom) in [
        (command, format!("update users set {raised} where id = '{user}'"), vec![user]),
        (command, format!("update users set {raised} where tenant_id = '{tenant}'"), everybody),
        (
            command,
            format!("update users set disabled_at = clock_timestamp() where id = '{user}'"),
            vec![user],
        ),
        (BY_HAND, format!("delete from users where id = '{second}'"), vec![second]),
        (command, format!("update roles set permissions = '{{}}' where id = '{role}'"), vec![role]),
        (command, format!("update roles set scope = 'own' where id = '{role}'"), vec![role]),
        (
            command,
            format!("update sessions set ended_at = now(), end_reason = 'logout' where id = '{session}'"),
            vec![session],
        ),
        (SYSTEM, format!("delete from sessions where id = '{session}'"), vec![session]),
        (SYSTEM, format!("update tenants set suspended_at = now() where id = '{tenant}'"), vec![tenant]),
        (SYSTEM, format!("update tenants set requests_per_s = 9 where id = '{tenant}'"), vec![tenant]),
        (
            command,
            format!("update tenants set second_factor_required = true where id = '{tenant}'"),
            vec![tenant],
        ),
        (command, format!("update agents set team_id = '{team}' where id = '{agent}'"), vec![user]),
        (command, format!("update agents set user_id = '{second}' where id = '{agent}'"), vec![user, second]),
        (
            command,
            format!("update agents set user_id = null, deleted_at = now() where id = '{agent}'"),
            vec![user],
        ),
        (command, format!("delete from agents where id = '{agent}'"), vec![user]),
        (
            command,
            format!(
                "insert into agents (tenant_id, id, status, capacity, name_sealed, user_id)
                 values ('{tenant}', gen_random_uuid(), 'offline', 1, '', '{second}')"
            ),
            vec![second],
        ),
        (
            command,
            format!("update agents set status = 'break', idle_since = now() where id = '{agent}'"),
            vec![],
        ),
        (command, format!("update agents set team_id = team_id where id = '{agent}'"), vec![]),
        (command, format!("update sessions set refreshes = refreshes + 1 where id = '{session}'"), vec![]),
        (command, format!("update tenants set zone = 'Asia/Tokyo' where id = '{tenant}'"), vec![]),
        (command, format!("update roles set version = version + 1 where id = '{role}'"), vec![]),
    ] {
        let whom: BTreeSet<Uuid> = whom.into_iter().collect();
        assert_eq!(recorded(&mut owner, by, &statement).await, whom, "{statement}");
    }
    app.process.stop().await;
}

#[tokio::test]
async fn a_table_that_is_emptied_has_changed_every_tenant() {
    let app = TestApp::start().await;
    let mut owner = owner(&app).await;
    let tenants = sqlx::query_scalar("select id from tenants");
    let tenants: Vec<Uuid> = tenants.fetch_all(&mut owner).await.expect("an answer");
    let tenants: BTreeSet<Uuid> = tenants.into_iter().collect();
    assert!(tenants.contains(&app.acme.id.0) && tenants.contains(&app.other.id.0));
    // Emptied are the tables that refer to it, too: nobody else may hold one of them and wait for another.
    app.process.stop().await;
    for table in ["users", "sessions", "roles", "agents", "second_factors"] {
        let statement = format!("truncate {table} cascade");
        assert_eq!(recorded(&mut owner, BY_HAND, &statement).await, tenants, "{statement}");
    }
}

#[tokio::test]
async fn upkeep_keeps_that_it_has_deleted_sessions_and_not_what_is_of_another_cluster() {
    let app = TestApp::start().await;
    let email = newcomer(&app, &app.acme.admin, "Agent").await;
    let tokens = app.acme.admin.anonymous().try_login("acme", &email, PASSWORD).await.expect(200);
    let session = id(&tokens["session_id"]);
    let mut owner = owner(&app).await;
    let expired = "update sessions set expires_at = expires_at - interval '400 days' where id = $1";
    sqlx::query(expired).bind(session).execute(&mut owner).await.expect("it expired long ago");
    let (tenant, restored) = (app.acme.id.0, app.process.app.platform.chance.id());
    let ahead =
        "insert into access_changes (tenant_id, xid, subject_id) values ($1, '4611686018427387904', $2)";
    sqlx::query(ahead).bind(tenant).bind(restored).execute(&mut owner).await.expect("a row");

    upkeep::forget_some(&app.process.app.platform).await.expect("an answer");
    let there = sqlx::query_scalar("select count(*) from sessions where id = $1").bind(session);
    let there: i64 = there.fetch_one(&mut owner).await.expect("an answer");
    assert_eq!(there, 0, "the session is deleted");
    let told = sqlx::query_scalar("select subject_id from access_changes where subject_id = any($1)");
    let told: Vec<Uuid> = told.bind(vec![session, restored]).fetch_all(&mut owner).await.expect("an answer");
    assert_eq!(told, [session], "its tokens are not gone by");
    app.process.stop().await;
}

#[tokio::test]
async fn what_changed_before_every_token_is_deleted_but_for_the_row_that_says_so() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let mut owner = owner(&app).await;
    run(&mut owner, "delete from access_changes".into()).await;
    let mut rows = Vec::new();
    for _ in 0..3 {
        let email = newcomer(&app, admin, "Agent").await;
        let user = find(&admin.all("/api/v1/users").await, &email);
        admin.patch(&format!("/api/v1/users/{user}"), &json!({"role": "Manager"})).await.expect(200);
        rows.push(user);
    }
    let aged = "update access_changes set at = at - interval '16 minutes' where subject_id = any($1)";
    sqlx::query(aged).bind(&rows[..2]).execute(&mut owner).await.expect("they are old");
    let until = Instant::now() + PATIENCE;
    // Nothing goes that an open transaction may be older than; those of other tests end.
    loop {
        upkeep::forget_some(&app.process.app.platform).await.expect("an answer");
        let left = sqlx::query_scalar("select subject_id from access_changes order by xid");
        let left: Vec<Uuid> = left.fetch_all(&mut owner).await.expect("an answer");
        assert!(left.ends_with(&rows[1..]), "the newest old one and what is young stay: {left:?}");
        if left == rows[1..] {
            break;
        }
        assert!(Instant::now() < until, "it is never deleted: {left:?}");
        sleep(Duration::from_millis(50)).await;
    }
    app.process.stop().await;
}
