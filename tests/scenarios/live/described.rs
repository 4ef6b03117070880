//! The description of the sockets is the true one. That each event fits what it says is checked by whatever test hears it
//! (`Socket::next`).

use serde_json::Value;
use switchboard_tests::TestApp;

const COMMITTED: &str = include_str!("../../../asyncapi.json");

#[test]
fn the_committed_description_is_the_true_one() {
    assert!(switchboard::live::asyncapi::text() == COMMITTED, "asyncapi.json is stale: run `./x prepare`");
}

#[tokio::test]
async fn anyone_may_read_it() {
    let app = TestApp::start().await;
    let served = app.acme.admin.anonymous().get("/api/v1/asyncapi.json").await.expect(200);
    let made: Value = serde_json::from_str(&switchboard::live::asyncapi::text()).expect("JSON");
    assert_eq!(served, made);
    assert_eq!(served["asyncapi"], "3.0.0");
    app.process.stop().await;
}
