//! Rights that change for whoever is admitted by what their token says: what is recorded of it, and how soon it counts.

use std::{collections::BTreeSet, time::Duration};

use domain::{
    Ctx,
    access::{gate::Gate, rows::Rows},
    types::TeamId,
    upkeep,
};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use switchboard_tests::{Client, TestApp};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::access_by_token::{Elsewhere, bearer, newcomer, owner};

/// How soon a change counts in every process.
const SOON: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(30);

fn id(value: &Value) -> Uuid {
    value.as_str().and_then(|text| text.parse().ok()).expect("an id")
}

async fn run(conn: &mut PgConnection, statement: String) {
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(conn).await.expect("the statement runs");
}

/// What a bearer may do once it is not what it was; none if they are refused. No request counts on what was that comes
/// more than a second after the change.
async fn what_else(gate: &Gate, bearer: &str, was: &Ctx, what: &str) -> Option<Ctx> {
    let since = Instant::now();
    loop {
        let asked_at = since.elapsed();
        match gate.admit(bearer, None).await {
            Err(_) => return None,
            Ok(ctx) if (ctx.grants, ctx.rows, ctx.pace) != (was.grants, was.rows, was.pace) => {
                return Some(ctx);
            }
            Ok(_) => assert!(asked_at < SOON, "{what}: it is not noticed"),
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// Makes a user an agent of one team; answers the agent and another team.
async fn clerk(admin: &Client, email: &str) -> (Uuid, Uuid) {
    let user =
        admin.all("/api/v1/users").await.into_iter().find(|user| user["email"] == email).expect("the user");
    let mut teams = Vec::new();
    for name in ["one", "two"] {
        teams.push(admin.post("/api/v1/teams", &json!({"name": name})).await.expect(201)["id"].clone());
    }
    let agent = json!({"name": "A", "capacity": 1, "team_id": teams[0], "user_id": user["id"]});
    let agent = admin.post("/api/v1/agents", &agent).await.expect(201);
    (id(&agent["id"]), id(&teams[1]))
}

#[tokio::test]
async fn what_is_changed_without_a_word_counts_within_a_second_where_the_token_was_gone_by() {
    let app = TestApp::start().await;
    let (admin, elsewhere) = (&app.acme.admin, Elsewhere::start(&app).await);
    let mut owner = owner(&app).await;
    let role = json!({"name": "Clerk", "permissions": ["leads:read"], "scope": "team"});
    admin.post("/api/v1/compliance/roles", &role).await.expect(201);
    let tenant = app.acme.id;
    for (what, change) in [
        ("kept out", "update users set disabled_at = clock_timestamp() where id = '{user}'"),
        (
            "another role",
            "update users set permission_version = permission_version + 1, role_id =
               (select r.id from roles r where r.tenant_id = users.tenant_id and r.name = 'Manager')
              where id = '{user}'",
        ),
        (
            "its session ended",
            "update sessions set ended_at = clock_timestamp(), end_reason = 'revoked' where id = '{session}'",
        ),
    ] {
        let email = newcomer(&app, admin, "Agent").await;
        let (tokens, was) = elsewhere.login(&app, "acme", &email).await;
        let text = |key: &str| tokens[key].as_str().expect("an id").to_owned();
        let change = change.replace("{user}", &text("user_id")).replace("{session}", &text("session_id"));
        // Nobody is told: whoever notices has read it.
        run(&mut owner, change).await;
        assert!(what_else(&elsewhere.gate, bearer(&tokens), &was, what).await.is_none(), "{what}");
    }

    let email = newcomer(&app, admin, "Clerk").await;
    let (agent, team) = clerk(admin, &email).await;
    let (tokens, was) = elsewhere.login(&app, "acme", &email).await;
    run(&mut owner, format!("update agents set team_id = '{team}' where id = '{agent}'")).await;
    let moved = what_else(&elsewhere.gate, bearer(&tokens), &was, "another team").await.expect("admitted");
    assert_eq!((moved.rows, moved.grants), (Rows::Team(TeamId(team)), was.grants));
    let (tokens, was) = elsewhere.login(&app, "acme", &email).await;
    assert_eq!(was.rows, moved.rows);
    // Its version stays: the token is good still, and gives what the role holds now.
    let none =
        format!("update roles set permissions = '{{}}' where tenant_id = '{tenant}' and name = 'Clerk'");
    run(&mut owner, none).await;
    let less = what_else(&elsewhere.gate, bearer(&tokens), &was, "a right withdrawn").await;
    assert!(less.expect("admitted").grants.names().is_empty());

    let (theirs, was) = elsewhere.login(&app, "other", "admin@other.example.com").await;
    let other = app.other.id;
    run(&mut owner, format!("update tenants set requests_per_s = 7 where id = '{other}'")).await;
    let paced = what_else(&elsewhere.gate, bearer(&theirs), &was, "another pace").await.expect("admitted");
    assert_eq!(paced.pace, Some(7));
    let (theirs, was) = elsewhere.login(&app, "other", "admin@other.example.com").await;
    run(&mut owner, format!("update tenants set suspended_at = clock_timestamp() where id = '{other}'"))
        .await;
    assert!(what_else(&elsewhere.gate, bearer(&theirs), &was, "suspended").await.is_none());
    elsewhere.gate.admit(bearer(&tokens), None).await.expect("another tenant's users come in");
    app.process.stop().await;
}

#[tokio::test]
async fn what_is_changed_by_the_api_counts_within_a_second_elsewhere() {
    let app = TestApp::start().await;
    let (admin, elsewhere) = (&app.acme.admin, Elsewhere::start(&app).await);
    for what in ["role", "disabled", "session", "logout"] {
        let email = newcomer(&app, admin, "Agent").await;
        let (tokens, was) = elsewhere.login(&app, "acme", &email).await;
        let user = format!("/api/v1/users/{}", tokens["user_id"].as_str().expect("an id"));
        let session = format!("{user}/sessions/{}", tokens["session_id"].as_str().expect("an id"));
        match what {
            "role" => drop(admin.patch(&user, &json!({"role": "Manager"})).await.expect(200)),
            "disabled" => drop(admin.patch(&user, &json!({"disabled": true})).await.expect(200)),
            "session" => drop(admin.delete(&session).await.expect(204)),
            _ => {
                let themselves = admin.with_bearer(bearer(&tokens));
                themselves.post("/api/v1/auth/logout", &json!({})).await.expect(204);
            }
        }
        assert!(what_else(&elsewhere.gate, bearer(&tokens), &was, what).await.is_none(), "{what}");
        let here = app.process.app.gate.admit(bearer(&tokens), None).await;
        assert!(here.is_err(), "{what}: the process that changed it");
    }
    app.process.stop().await;
}

/// Whom it is recorded of that a statement changes; it is undone again.
async fn recorded(conn: &mut PgConnection, statement: &str) -> BTreeSet<Uuid> {
    let mut tx = conn.begin().await.expect("a transaction");
    let done = sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut *tx).await.expect("it runs");
    assert!(done.rows_affected() > 0, "it changes nothing: {statement}");
    let recorded = "select subject_id from access_changes where xid = pg_current_xact_id()";
    let recorded: Vec<Uuid> = sqlx::query_scalar(recorded).fetch_all(&mut *tx).await.expect("an answer");
    tx.rollback().await.expect("undone");
    recorded.into_iter().collect()
}

#[tokio::test]
async fn every_way_of_changing_rights_is_recorded_and_nothing_else() {
    let app = TestApp::start().await;
    let (admin, tenant) = (&app.acme.admin, app.acme.id.0);
    let role = json!({"name": "Clerk", "permissions": ["leads:read"], "scope": "team"});
    let role = id(&admin.post("/api/v1/compliance/roles", &role).await.expect(201)["id"]);
    let (email, second) = (newcomer(&app, admin, "Clerk").await, newcomer(&app, admin, "Clerk").await);
    let (agent, team) = clerk(admin, &email).await;
    let tokens = admin.anonymous().try_login("acme", &email, switchboard_tests::PASSWORD).await.expect(200);
    let (user, session) = (id(&tokens["user_id"]), id(&tokens["session_id"]));
    let users = admin.all("/api/v1/users").await;
    let second = id(&users.iter().find(|user| user["email"] == second).expect("the second")["id"]);
    let everybody: Vec<Uuid> = users.iter().map(|user| id(&user["id"])).collect();
    let mut owner = owner(&app).await;

    let raised = "permission_version = permission_version + 1";
    for (statement, whom) in [
        (format!("update users set {raised} where id = '{user}'"), vec![user]),
        (format!("update users set {raised} where tenant_id = '{tenant}'"), everybody),
        (format!("update users set disabled_at = clock_timestamp() where id = '{user}'"), vec![user]),
        (format!("delete from users where id = '{second}'"), vec![second]),
        (format!("update roles set permissions = '{{}}' where id = '{role}'"), vec![user, second]),
        (format!("update roles set scope = 'own' where id = '{role}'"), vec![user, second]),
        (
            format!("update sessions set ended_at = now(), end_reason = 'logout' where id = '{session}'"),
            vec![session],
        ),
        (format!("delete from sessions where id = '{session}'"), vec![session]),
        (format!("update tenants set suspended_at = now() where id = '{tenant}'"), vec![tenant]),
        (format!("update tenants set requests_per_s = 9 where id = '{tenant}'"), vec![tenant]),
        (format!("update agents set team_id = '{team}' where id = '{agent}'"), vec![user]),
        (format!("update agents set user_id = '{second}' where id = '{agent}'"), vec![user, second]),
        (format!("update agents set user_id = null, deleted_at = now() where id = '{agent}'"), vec![user]),
        (format!("delete from agents where id = '{agent}'"), vec![user]),
        (
            format!(
                "insert into agents (tenant_id, id, status, capacity, name_sealed, user_id)
                 values ('{tenant}', gen_random_uuid(), 'offline', 1, '', '{second}')"
            ),
            vec![second],
        ),
        (format!("update agents set status = 'break', idle_since = now() where id = '{agent}'"), vec![]),
        (format!("update agents set team_id = team_id where id = '{agent}'"), vec![]),
        (format!("update sessions set refreshes = refreshes + 1 where id = '{session}'"), vec![]),
        (format!("update tenants set zone = 'Asia/Tokyo' where id = '{tenant}'"), vec![]),
        (format!("update roles set version = version + 1 where id = '{role}'"), vec![]),
    ] {
        let whom: BTreeSet<Uuid> = whom.into_iter().collect();
        assert_eq!(recorded(&mut owner, &statement).await, whom, "{statement}");
    }
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
        let user = admin.all("/api/v1/users").await.into_iter().find(|user| user["email"] == email);
        let user = id(&user.expect("the user")["id"]);
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
