//! Users who are admitted by what their token says, without a statement, and who is not.

use std::time::Duration;

use domain::{
    Ctx,
    access::{
        gate::{Freshness, Gate},
        token::{Claims, Signer},
    },
    ctx::Platform,
    tenancy::SystemTx,
};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection, Postgres, Transaction};
use switchboard_tests::{Client, PASSWORD, TestApp, app::platform};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Long enough that only a defect reaches it.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long an admission may take that asks the database for nothing, and how often it is tried: the first try has
/// changes read.
const AT_ONCE: Duration = Duration::from_millis(300);
const TRIES: usize = 4;

/// Another process of the installation, which follows changes of rights.
pub struct Elsewhere {
    pub platform: Platform,
    pub gate: Gate,
}

impl Elsewhere {
    pub async fn start(app: &TestApp) -> Self {
        let platform = platform(&app.database).await;
        let gate = Gate::open(&platform).await.expect("a gate");
        tokio::spawn(gate.clone().heed_changes(CancellationToken::new()));
        Self { platform, gate }
    }

    /// Admits a bearer at a gate that has seen nobody, while nobody can read who may do what; none if it must.
    pub async fn by_token(&self, app: &TestApp, bearer: &str) -> Option<Ctx> {
        let gate = Gate::open(&self.platform).await.expect("a gate");
        let mut owner = owner(app).await;
        let held = shut(&mut owner).await;
        let mut admitted = None;
        for _ in 0..TRIES {
            if let Ok(answer) = timeout(AT_ONCE, gate.admit(bearer, None)).await {
                admitted = Some(answer.expect("admitted"));
                break;
            }
        }
        held.rollback().await.expect("the table is free");
        admitted
    }

    /// A login of a user who is admitted by its token. One may have to come again: while a transaction is open that is
    /// older than what was changed for them just now, their token does not say that it knows of it.
    pub async fn login(&self, app: &TestApp, slug: &str, email: &str) -> (Value, Ctx) {
        let until = Instant::now() + PATIENCE;
        loop {
            let tokens = app.acme.admin.anonymous().try_login(slug, email, PASSWORD).await.expect(200);
            if let Some(ctx) = self.by_token(app, bearer(&tokens)).await {
                return (tokens, ctx);
            }
            assert!(Instant::now() < until, "{email} is always looked up");
        }
    }
}

pub async fn owner(app: &TestApp) -> PgConnection {
    PgConnection::connect_with(&app.database.owner).await.expect("a connection")
}

/// Has everybody wait who asks who may do what, until it is dropped.
async fn shut(conn: &mut PgConnection) -> Transaction<'_, Postgres> {
    let mut held = conn.begin().await.expect("a transaction");
    // Ends the test if a transaction that stays open has read users.
    let lock = "set local lock_timeout = '30s'; lock table users in access exclusive mode";
    sqlx::raw_sql(lock).execute(&mut *held).await.expect("a lock");
    held
}

pub fn bearer(tokens: &Value) -> &str {
    tokens["token"].as_str().expect("a token")
}

/// The address of another user with a role.
pub async fn newcomer(app: &TestApp, admin: &Client, role: &str) -> String {
    let email = format!("{}@example.com", app.process.app.platform.chance.id());
    let body = json!({"name": "N", "email": email, "password": PASSWORD, "role": role});
    admin.post("/api/v1/users", &body).await.expect(201);
    email
}

#[tokio::test]
async fn a_token_admits_its_bearer_while_nobody_can_be_asked_but_not_to_what_is_delicate() {
    let app = TestApp::start().await;
    let elsewhere = Elsewhere::start(&app).await;
    let email = newcomer(&app, &app.acme.admin, "Agent").await;
    let (tokens, by_token) = elsewhere.login(&app, "acme", &email).await;
    let read = elsewhere.gate.admit_as(bearer(&tokens), None, Freshness::Now).await.expect("admitted");
    assert_eq!((by_token.tenant, by_token.actor, by_token.session), (read.tenant, read.actor, read.session));
    assert_eq!((by_token.grants, by_token.rows, by_token.pace), (read.grants, read.rows, read.pace));

    let mut owner = owner(&app).await;
    let held = shut(&mut owner).await;
    let asks = elsewhere.gate.admit_as(bearer(&tokens), None, Freshness::Now);
    assert!(timeout(AT_ONCE, asks).await.is_err(), "it asks the database");
    held.rollback().await.expect("the table is free");
    app.process.stop().await;
}

#[tokio::test]
async fn a_change_sends_its_user_to_the_database_until_they_log_in_again_and_nobody_else() {
    let app = TestApp::start().await;
    let (admin, elsewhere) = (&app.acme.admin, Elsewhere::start(&app).await);
    let (changed, colleague) = (newcomer(&app, admin, "Agent").await, newcomer(&app, admin, "Agent").await);
    let (before, _) = elsewhere.login(&app, "acme", &changed).await;
    let (spared, _) = elsewhere.login(&app, "acme", &colleague).await;
    let (other, _) = elsewhere.login(&app, "other", "admin@other.example.com").await;
    let path = format!("/api/v1/users/{}", before["user_id"].as_str().expect("an id"));
    // What is raised is the version: the token of before is refused, the next one comes in.
    admin.patch(&path, &json!({"role": "Manager"})).await.expect(200);
    assert!(elsewhere.by_token(&app, bearer(&spared)).await.is_some(), "a colleague");
    assert!(elsewhere.by_token(&app, bearer(&other)).await.is_some(), "another tenant");
    let (_, after) = elsewhere.login(&app, "acme", &changed).await;
    assert!(after.grants.covers(elsewhere.gate.admit(bearer(&spared), None).await.expect("admitted").grants));
    let refused = elsewhere.gate.admit(bearer(&before), None).await;
    assert!(refused.is_err(), "a token of the role before");
    app.process.stop().await;
}

/// The key that signs tokens.
async fn signer(platform: &Platform) -> Signer {
    let mut tx = SystemTx::begin(&platform.engine).await.expect("a transaction");
    let chance = platform.chance.as_ref();
    let seed = platform.vault.installation_secret(tx.conn(), chance, "token_signer").await.expect("a seed");
    Signer::new(&seed).expect("a signer")
}

#[tokio::test]
async fn rights_by_another_list_or_of_unknown_times_are_read_from_the_database() {
    let app = TestApp::start().await;
    let elsewhere = Elsewhere::start(&app).await;
    let email = newcomer(&app, &app.acme.admin, "Agent").await;
    let (tokens, held) = elsewhere.login(&app, "acme", &email).await;
    let (signer, now) = (signer(&elsewhere.platform).await, elsewhere.platform.clock.now());
    let claims = signer.check(bearer(&tokens), now).expect("ours");
    let bearing = |change: Value| {
        let mut rights = serde_json::to_value(claims.rts).expect("JSON");
        rights["may"] = json!("ffffffffffffffff");
        rights.as_object_mut().expect("rights").extend(change.as_object().expect("an object").clone());
        let rts = Some(serde_json::from_value(rights).expect("rights"));
        signer.sign(&Claims { rts, ..claims.clone() }).expect("a token")
    };
    let more = elsewhere.by_token(&app, &bearing(json!({}))).await.expect("what we sign is gone by");
    assert_ne!(more.grants, held.grants);
    let bare = signer.sign(&Claims { rts: None, ..claims.clone() }).expect("a token");
    for (what, token) in [
        ("another list", bearing(json!({"list": "1"}))),
        ("long ago", bearing(json!({"since": 1}))),
        ("not yet", bearing(json!({"since": 1_i64 << 50}))),
        ("another history", bearing(json!({"era": 1}))),
        ("a build that says nothing of rights", bare),
    ] {
        assert!(elsewhere.by_token(&app, &token).await.is_none(), "{what}: nobody was asked");
        let read = Gate::open(&elsewhere.platform).await.expect("a gate").admit(&token, None).await;
        assert_eq!(read.expect("admitted").grants, held.grants, "{what}");
    }
    app.process.stop().await;
}

/// Seconds since changes were read last, by any process.
async fn read_ago(owner: &mut PgConnection) -> Option<f64> {
    let ago = "select extract(epoch from clock_timestamp() - max(query_start))::float8 from pg_stat_activity
                where datname = current_database() and pid <> pg_backend_pid() and query like '%access_changes%'";
    sqlx::query_scalar(ago).fetch_one(owner).await.expect("an answer")
}

#[tokio::test]
async fn changes_are_read_while_users_come_and_not_while_nobody_does() {
    let app = TestApp::start().await;
    let elsewhere = Elsewhere::start(&app).await;
    let email = newcomer(&app, &app.acme.admin, "Agent").await;
    let (tokens, _) = elsewhere.login(&app, "acme", &email).await;
    let mut owner = owner(&app).await;
    for round in ["first", "after a rest"] {
        let until = Instant::now() + PATIENCE;
        let (mut recent, mut polls) = (f64::MAX, 0);
        while polls < 3 {
            elsewhere.gate.admit(bearer(&tokens), None).await.expect("admitted");
            let ago = read_ago(&mut owner).await.unwrap_or(f64::MAX);
            polls += i32::from(ago < recent);
            recent = ago;
            assert!(Instant::now() < until, "{round}: it is not read while somebody comes");
            sleep(Duration::from_millis(20)).await;
        }
        let until = Instant::now() + PATIENCE;
        // Five times as long as between two readings.
        while read_ago(&mut owner).await.is_some_and(|ago| ago < 1.0) {
            assert!(Instant::now() < until, "{round}: it is read though nobody comes");
            sleep(Duration::from_millis(50)).await;
        }
    }
    app.process.stop().await;
}
