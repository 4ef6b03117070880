//! A tenant whose receivers all hang holds up no other tenant.

use std::time::Duration;

use domain::webhooks::AT_A_TIME;
use reqwest::Method;
use serde_json::{Value, json};
use switchboard_tests::TestApp;

use super::{Hook, Receiver, WEBHOOKS, is, lead};

/// As many as would take all handlers of a process, four for each.
const ENDPOINTS: usize = 34;

#[tokio::test]
async fn receivers_that_hang_take_the_handlers_of_their_tenant_and_no_more() {
    let app = TestApp::start().await;
    let (admin, other) = (&app.acme.admin, &app.other.admin);
    let (hanging, quick) = (Receiver::start(200).await, Receiver::start(200).await);
    hanging.pause(Duration::from_mins(5));
    for at in 0..ENDPOINTS {
        let new = json!({"name": format!("hanging {at}"), "url": hanging.url, "types": ["lead.created"]});
        admin.post(WEBHOOKS, &new).await.expect(201);
    }
    let hook = Hook::new(other, &quick, &["lead.created"]).await;
    for name in ["ada", "eve", "mel", "zoe"] {
        lead(admin, name).await;
    }
    let most = usize::try_from(AT_A_TIME).expect("a count");
    hanging.wait_for(most).await;
    lead(other, "bob").await;
    quick.wait_for(1).await;
    hook.only(other, is("succeeded")).await;
    let called = hanging.heard().len();
    // A call is given up after ten seconds; on a slow machine others may have taken its place by now.
    assert!(called < 3 * most, "{called} calls were made to those that hang");
    app.process.stop().await;
}

#[tokio::test]
async fn a_tenant_may_say_fewer_calls_at_a_time_and_not_more() {
    let app = TestApp::start().await;
    let (admin, receiver) = (&app.acme.admin, Receiver::start(200).await);
    let hook = Hook::new(admin, &receiver, &["lead.created"]).await;
    let put =
        |body: Value| admin.send(admin.request(Method::PUT, "/api/v1/queues/webhooks/limit").json(&body));
    for more in [json!({}), json!({"max_running": AT_A_TIME + 1}), json!({"rate_per_s": 5.0, "burst": 5})] {
        let refused = put(more).await.expect(422);
        assert_eq!(refused["errors"][0]["pointer"], "/max_running", "{refused}");
    }
    put(json!({"max_running": 3})).await.expect(204);
    // Another endpoint does not take that back.
    let new = json!({"name": "another", "url": receiver.url, "types": ["lead.deleted"]});
    admin.post(WEBHOOKS, &new).await.expect(201);
    lead(admin, "ada").await;
    hook.only(admin, is("succeeded")).await;
    let queues = admin.get("/api/v1/queues").await.expect(200);
    let webhooks = queues.as_array().into_iter().flatten().find(|queue| queue["name"] == "webhooks");
    let own = webhooks.map(|queue| &queue["limits"][0]);
    assert_eq!(own.map(|own| (&own["key"], &own["max_running"])), Some((&Value::Null, &json!(3))));
    app.process.stop().await;
}
