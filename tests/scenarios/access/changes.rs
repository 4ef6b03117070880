//! Rights that change for whoever is admitted by what their token says: how soon it counts.

use std::time::Duration;

use domain::{
    Ctx,
    access::{gate::Gate, rows::Rows},
    types::TeamId,
};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use switchboard_tests::{Client, TestApp};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::access::by_token::{Elsewhere, bearer, newcomer, owner};

/// How soon a change counts in every process.
const SOON: Duration = Duration::from_secs(1);

pub fn id(value: &Value) -> Uuid {
    value.as_str().and_then(|text| text.parse().ok()).expect("an id")
}

pub async fn run(conn: &mut PgConnection, statement: String) {
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
pub async fn clerk(admin: &Client, email: &str) -> (Uuid, Uuid) {
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

#[tokio::test]
async fn a_right_is_refused_that_a_role_loses_while_it_is_given_to_somebody() {
    let app = TestApp::start().await;
    let (admin, elsewhere) = (&app.acme.admin, Elsewhere::start(&app).await);
    let role = json!({"name": "Clerk", "permissions": ["leads:read"], "scope": "team"});
    let role = id(&admin.post("/api/v1/compliance/roles", &role).await.expect(201)["id"]);
    let (email, colleague) = (newcomer(&app, admin, "Agent").await, newcomer(&app, admin, "Agent").await);
    let users = admin.all("/api/v1/users").await;
    let user = id(&users.iter().find(|user| user["email"] == email).expect("the user")["id"]);
    let (mut giver, mut taker) = (owner(&app).await, owner(&app).await);
    let (mut giving, mut taking) =
        (giver.begin().await.expect("a transaction"), taker.begin().await.expect("a transaction"));

    let assigns = format!(
        "update users set role_id = '{role}', permission_version = permission_version + 1 where id = '{user}'"
    );
    run(&mut giving, assigns).await;
    // It sees of nobody that they have the role.
    run(&mut taking, format!("update roles set permissions = '{{}}' where id = '{role}'")).await;
    giving.commit().await.expect("the role is given");
    let (tokens, was) = elsewhere.login(&app, "acme", &email).await;
    assert_eq!(was.grants.names(), ["leads:read"], "what the role still assigns");
    let (spared, _) = elsewhere.login(&app, "acme", &colleague).await;
    taking.commit().await.expect("the right is taken");

    let less = what_else(&elsewhere.gate, bearer(&tokens), &was, "a right withdrawn").await;
    assert!(less.expect("admitted").grants.names().is_empty());
    assert!(elsewhere.by_token(&app, bearer(&tokens)).await.is_none(), "their token is not gone by");
    assert!(elsewhere.by_token(&app, bearer(&spared)).await.is_some(), "a colleague with another role");
    app.process.stop().await;
}
