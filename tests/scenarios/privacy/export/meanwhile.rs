//! Whoever is erased while their file is being written has none.

use domain::{
    privacy::{
        erasure::{begin, keys, stop},
        export::{WriteExport, Writer},
    },
    types::ErasureId,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use switchboard::process::Roles;
use switchboard_tests::TestApp;

use super::{ACCESS, EXPORT, ask, stored};
use crate::{
    privacy::erasure::{ask as forget, at_once},
    rights::admitted,
    routing::rules::lead,
};

fn known<T: DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).expect("an id")
}

#[tokio::test]
async fn who_is_erased_while_their_file_is_being_written_leaves_no_file() {
    // Without a worker, so that each step is taken here.
    let app = TestApp::with_roles(Roles { api: true, ..Roles::default() }).await;
    let admin = &app.acme.admin;
    at_once(admin).await;
    let ctx = admitted(&app, admin).await;
    // With the first table, and with all of them.
    for tables in [1, usize::MAX] {
        let ada = lead(admin, &json!({"name": "Ada"})).await;
        let request = ask(admin, &json!({ "lead_id": ada })).await;
        let path = format!("{ACCESS}/{request}");
        let seen = admin.get(&path).await.expect(200);
        let job = WriteExport { request: known(&seen["id"]), export: known(&seen["exports"][0]["id"]) };
        let begun = Box::pin(Writer::begin(&ctx, &job)).await.expect("begun");
        let mut writer = begun.expect("it is to be written");
        for _ in 0..tables.min(writer.tables()) {
            writer.table().await.expect("a table");
        }

        let erasure: ErasureId = known(&forget(admin, &ada).await["id"]);
        begin::begin(&ctx, erasure, None).await.expect("begun");
        while stop::stop(&ctx, erasure).await.expect("stopped") != stop::Stopped::All {}
        assert!(keys::destroy(&ctx, erasure).await.expect("destroyed") > 0);

        while writer.table().await.expect("a table").is_some() {}
        Box::pin(writer.finish()).await.expect("an end");
        let left: Vec<_> = stored(&app).await.into_iter().map(|file| file.0).collect();
        assert!(left.is_empty(), "{left:?}");
        let closed = admin.get(&path).await.expect(200);
        assert_eq!((&closed["status"], &closed["exports"][0]["state"]), (&json!("refused"), &json!("gone")));
        let link = admin.get(&format!("{EXPORT}?request_id={request}")).await.expect(200);
        assert_eq!(link["url"], Value::Null);
        // Nor does another attempt write one.
        assert!(Box::pin(Writer::begin(&ctx, &job)).await.expect("an answer").is_none());
    }
    app.process.stop().await;
}
