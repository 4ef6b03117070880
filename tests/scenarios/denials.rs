//! What is refused, or tried too often, as the audit log counts it.

use std::{collections::HashMap, time::Duration};

use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};

use crate::compliance::{LOGS, SECURITY, quiet, refused};

#[tokio::test]
async fn refusals_beyond_the_first_are_counted_and_none_is_lost() {
    let app = quiet().await;
    let admin = &app.acme.admin;
    let (one, two) = (app.user(&app.acme, "Agent").await, app.user(&app.acme, "Agent").await);
    refused(&one, 30).await;
    refused(&two, 1).await;
    let told = admin.all(&format!("{LOGS}?action=access&outcome=denied")).await;
    assert_eq!(told.len(), 21, "twenty of one in full, and whoever else is refused");
    let path = "DELETE /api/v1/leads/{id}";
    assert!(told.iter().all(|entry| entry["resource"] == "route" && entry["resource_id"] == path));
    app.process.app.denials.write(Duration::ZERO).await;
    let counted = admin.all(&format!("{LOGS}?action=access&resource=routes")).await;
    assert_eq!(counted.len(), 1);
    assert_eq!(counted[0]["detail"]["routes"], json!({path: 10}));
    assert_eq!((&counted[0]["severity"], &counted[0]["actor_id"]), (&json!("warning"), &told[1]["actor_id"]));

    refused(&one, 23).await;
    app.process.stop().await;
    let mut owner = PgConnection::connect_with(&app.database.owner).await.expect("a connection");
    let counts: Vec<i64> = sqlx::query_scalar(
        "select (detail ->> 'count')::bigint from audit_log where resource = 'routes' order by at",
    )
    .fetch_all(&mut owner)
    .await
    .expect("an answer");
    assert_eq!(counts, [10, 3], "what was counted at the end of the process too");
}

#[tokio::test]
async fn logins_are_recorded_with_their_request_and_too_many_of_them_as_a_warning() {
    let app = quiet().await;
    let (admin, anyone) = (&app.acme.admin, app.acme.admin.anonymous());
    let mut statuses: HashMap<u16, usize> = HashMap::new();
    for _ in 0..14 {
        let tried = anyone.try_login("acme", "admin@acme.example.com", "wrong horse battery").await;
        *statuses.entry(tried.status).or_default() += 1;
    }
    assert_eq!((statuses.get(&401), statuses.get(&429)), (Some(&10), Some(&4)));
    let logins = admin.all(&format!("{LOGS}?action=login")).await;
    assert!(logins.iter().all(|entry| entry["request_id"].is_string()), "{logins:?}");
    let warnings = admin.all(&format!("{SECURITY}?severity=warning")).await;
    let throttled = |entry: &&Value| entry["detail"]["why"] == "too many tries";
    assert_eq!(warnings.len(), 11, "each that failed, and that there were too many, once");
    assert_eq!(warnings.iter().filter(throttled).count(), 1);
    app.process.stop().await;
}
