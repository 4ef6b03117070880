//! Leads that go many at once, and what goes with them.

use serde_json::json;
use sqlx::Connection;
use switchboard_tests::TestApp;

use crate::{
    leads::actions::{done, path, result},
    onboarding::{Desk, started, step, until},
    routing::rules::lead,
};

#[tokio::test]
async fn a_lead_whose_call_is_just_changing_stays_and_the_others_go_with_their_runs() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let desk = Desk::set_up(admin).await;
    let stays = lead(admin, &json!({"source": "paid_ads"})).await;
    let goes = lead(admin, &json!({"source": "paid_ads", "attributes": {"plan": "team"}})).await;
    let call = json!({"direction": "outbound", "lead_id": stays, "number": "+14155550101"});
    admin.post("/api/v1/calls", &call).await.expect(201);
    let run = started(admin, &desk.start_of(&goes)).await;
    until(admin, &run, |run| step(run, "reply")["state"] == "sleeping").await;

    let mut system = app.database.connect_as("switchboard_system").await;
    let mut ringing = system.begin().await.expect("a transaction");
    sqlx::query("select from calls for update").execute(&mut *ringing).await.expect("it is held");
    let (delete, ads) = (json!({"kind": "delete"}), json!({"source": "paid_ads"}));
    assert_eq!(done(admin, &delete, &ads).await, result(2, 1, 0, &json!({"lead-busy": 1})));
    ringing.rollback().await.expect("it is let go");
    assert_eq!(admin.get(&path(&goes)).await.problem(404), "not-found");
    until(admin, &run, |run| run["state"] == "cancelled").await;

    assert_eq!(done(admin, &delete, &ads).await, result(1, 1, 0, &json!({})));
    assert_eq!(admin.get(&path(&stays)).await.problem(404), "not-found");
    app.process.stop().await;
}
