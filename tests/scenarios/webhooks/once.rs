//! Each event has one delivery, whoever dies while the log is read and while events are sent.

use std::{collections::HashSet, time::Duration};

use serde_json::{Value, json};
use switchboard::process::Roles;
use switchboard_tests::{Socket, TestApp, Worker};

use super::{Hook, Receiver, is, lead, program, receiver::Heard};
use crate::leads::import;

const LEADS: usize = 400;
const KILLS: usize = 3;

fn sequences(events: &[Value]) -> Vec<i64> {
    let mut sequences: Vec<i64> = events.iter().filter_map(|event| event["sequence"].as_i64()).collect();
    sequences.sort_unstable();
    sequences
}

#[tokio::test]
async fn a_worker_that_is_killed_again_and_again_leaves_nothing_out_and_doubles_nothing() {
    let app = TestApp::with_roles(Roles { api: true, notifier: true, ..Roles::default() }).await;
    let (admin, receiver) = (&app.acme.admin, Receiver::start(200).await);
    // Slow enough that each kill comes in the middle.
    receiver.pause(Duration::from_millis(20));
    let hook = Hook::new(admin, &receiver, &["lead.created"]).await;
    let other = Hook::new(&app.other.admin, &receiver, &["lead.created"]).await;
    let mut worker = Worker::start(&app.database);
    let file: String = (0..LEADS).fold("email\n".to_owned(), |file, at| format!("{file}l{at}@example.com\n"));
    import(admin, file).await.expect(201);
    for round in 1..=KILLS {
        receiver.wait_for(round * LEADS / (KILLS + 2)).await;
        worker.kill().await;
        // Meanwhile more happens, of which nobody is there to tell.
        lead(admin, &format!("meanwhile{round}")).await;
        worker = Worker::start(&app.database);
    }
    let wanted = LEADS + KILLS;
    let all = hook.until(admin, |all| all.len() == wanted && all.iter().all(is("succeeded"))).await;

    let mut socket = Socket::open(admin, Some(0)).await;
    let mut told = Vec::new();
    while told.len() < wanted {
        told.push(socket.until("lead.created").await.pop().expect("an event"));
    }
    assert_eq!(sequences(&all), sequences(&told), "one delivery for each event, and for no other");
    let heard = receiver.heard();
    let ids: HashSet<&str> = heard.iter().map(Heard::id).collect();
    let made: HashSet<&str> = all.iter().filter_map(|one| one["id"].as_str()).collect();
    assert_eq!(ids, made, "each was heard, and nothing else");
    println!("{} deliveries of {wanted} events in {KILLS} kills", heard.len());
    // What came twice is the same twice.
    let bodies: HashSet<(&str, &str)> = heard.iter().map(|one| (one.id(), one.body.as_str())).collect();
    assert_eq!(bodies.len(), wanted);
    assert!(other.deliveries(&app.other.admin).await.is_empty(), "nothing of it is another tenant's");
    worker.kill().await;
    app.process.stop().await;
}

#[tokio::test]
async fn many_processes_that_read_the_same_log_tell_each_event_once() {
    let app = TestApp::start().await;
    let (client, receiver) = (program(&app).await, Receiver::start(200).await);
    let others = [Worker::start(&app.database), Worker::start(&app.database)];
    let hook = Hook::new(&client, &receiver, &["lead.created"]).await;
    let leads = (0..100).map(|at| {
        let client = client.clone();
        async move { lead(&client, &format!("l{at}")).await }
    });
    futures::future::join_all(leads).await;
    let all = hook.until(&client, |all| all.len() == 100 && all.iter().all(is("succeeded"))).await;
    assert!(all.iter().all(|one| one["attempts"] == 1), "nobody died");
    assert_eq!(receiver.heard().len(), 100);
    // A replay of everything sends each once more, under its id.
    let replay = client.post(&format!("{}/replay", hook.path()), &json!({"since": 0})).await;
    let _ = replay.expect(202);
    let again =
        hook.until(&client, |all| all.iter().all(|one| one["attempts"] == 2 && is("succeeded")(one))).await;
    assert_eq!(sequences(&again), sequences(&all));
    let ids: HashSet<String> = receiver.heard().iter().map(|one| one.id().to_owned()).collect();
    assert_eq!((ids.len(), receiver.heard().len()), (100, 200));
    for other in others {
        other.kill().await;
    }
    app.process.stop().await;
}

#[tokio::test]
async fn endpoints_that_share_a_log_are_each_told_what_they_ask_for_from_their_own_place_on() {
    let app = TestApp::start().await;
    let (admin, receiver) = (&app.acme.admin, Receiver::start(200).await);
    let created = Hook::named("created", admin, &receiver, &["lead.created"]).await;
    let updated = Hook::named("updated", admin, &receiver, &["lead.updated"]).await;
    let both = Hook::named("both", admin, &receiver, &["lead.created", "lead.updated"]).await;
    let none = Hook::named("none", admin, &receiver, &["call.ended"]).await;
    let id = lead(admin, "ada").await;
    lead(admin, "eve").await;
    let path = format!("/api/v1/leads/{}", id.as_str().expect("an id"));
    admin.patch(&path, &json!({"region": "north"})).await.expect(200);
    created.until(admin, |all| all.len() == 2).await;
    updated.until(admin, |all| !all.is_empty()).await;
    let late = Hook::named("late", admin, &receiver, &["lead.created"]).await;
    lead(admin, "zoe").await;

    late.until(admin, |all| all.len() == 1 && all.iter().all(is("succeeded"))).await;
    created.until(admin, |all| all.len() == 3 && all.iter().all(is("succeeded"))).await;
    let changed = updated.deliveries(admin).await;
    assert!(changed.iter().all(|one| one["type"] == "lead.updated"), "{changed:?}");
    let wanted = 3 + changed.len();
    both.until(admin, |all| all.len() == wanted && all.iter().all(is("succeeded"))).await;
    assert!(none.deliveries(admin).await.is_empty());
    app.process.stop().await;
}
