//! A campaign whose worker is killed again and again: nobody is missed, nobody gets two, and it finishes by itself.

use std::{collections::HashSet, time::Duration};

use fakes::smtp::{Nature, Server};
use serde_json::json;
use switchboard::process::Roles;
use switchboard_tests::{Socket, TestApp, Worker};

use crate::{
    campaigns::{CAMPAIGNS, people, recipients},
    onboarding::until,
    smtp,
};

const MANY: usize = 400;
const KILLS: usize = 3;

#[tokio::test]
async fn a_worker_that_is_killed_misses_nobody_and_writes_to_nobody_twice() {
    let roles = Roles { api: true, notifier: true, ..Roles::default() };
    let app = TestApp::with_roles(roles).await;
    let admin = &app.acme.admin;
    let nature = Nature { delay: Duration::from_millis(5), ..Nature::default() };
    let server = Server::start(nature).await.expect("a server");
    let provider = smtp::account(admin, &server, &json!({})).await;
    let template = json!({"name": "news", "channel": "email", "subject": "News", "text": "Dear {{name}}"});
    admin.post("/api/v1/communication/templates", &template).await.expect(201);
    people(admin, MANY).await;
    let campaign = json!({
        "name": "News", "audience": {},
        "content": {
            "purpose": "transactional", "channels": [{"channel": "email", "provider_id": provider}],
            "variants": [{"name": "a", "messages": [{"channel": "email", "template": "news"}]}],
        },
        // What is cut off in the middle is no failure of the provider's.
        "limits": {"breaker": null},
    });
    let made = admin.post(CAMPAIGNS, &campaign).await.expect(201);
    let path = format!("{CAMPAIGNS}/{}", made["id"].as_str().expect("an id"));
    let mut socket = Socket::open(admin, None).await;
    let mut worker = Worker::start(&app.database);
    let accepted = admin.post(&format!("{path}/start"), &json!({})).await;
    for part in 1..=KILLS {
        for _ in 0..MANY / 8 {
            socket.until("message.sent").await;
        }
        worker.kill().await;
        worker = Worker::start(&app.database);
        println!("killed {part} times, {} mails so far", server.ledger().len());
    }
    assert_eq!(admin.ended(accepted).await["status"], "succeeded", "it finishes by itself");
    let progress = until(admin, &format!("{path}/progress"), |it| it["open"] == 0).await;
    assert_eq!((&progress["run_status"], &progress["recipients"]), (&json!("finished"), &json!(MANY)));

    let ledger = server.ledger();
    let taken: HashSet<String> = ledger.iter().map(|mail| mail.to.clone()).collect();
    assert_eq!(taken.len(), ledger.len(), "nobody twice");
    let all = recipients(admin, &path).await;
    assert_eq!(all.len(), MANY, "nobody is missed");
    let messages = admin.all("/api/v1/communication/messages").await;
    assert_eq!(messages.len(), MANY, "a message each");
    let mut unknown = 0;
    for one in &all {
        let message = messages.iter().find(|message| message["id"] == one["message_id"]).expect("a message");
        assert_eq!((&one["lead_id"], &one["status"]), (&message["lead_id"], &message["status"]), "{one}");
        let in_ledger = taken.contains(message["to"].as_str().expect("an address"));
        match one["status"].as_str().expect("a status") {
            "sent" => assert!(in_ledger, "sent and not in the ledger: {message}"),
            "unknown" => unknown += 1,
            _ => panic!("neither sent nor unknown: {one}"),
        }
    }
    let listed = admin.all(&format!("{path}/recipients?status=unknown")).await;
    assert_eq!(listed.len(), unknown, "what was cut in the middle is listed");
    worker.kill().await;
    app.process.stop().await;
}
