//! Strangers at the door of phone systems: they take nothing from the others.

pub mod messages;

use std::{num::NonZeroU32, time::Duration};

use serde_json::{Value, json};
use switchboard_tests::TestApp;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::{Semaphore, SemaphorePermit},
};

use crate::call_webhook::Pbx;

/// A webhook that changes nothing.
fn idle() -> Value {
    json!({"type": "sms.received", "data": {}})
}

fn all(places: &Semaphore) -> SemaphorePermit<'_> {
    let free = u32::try_from(places.available_permits()).expect("some");
    places.try_acquire_many(free).expect("nobody asks at this moment")
}

#[tokio::test]
async fn webhooks_take_no_places_from_those_who_have_shown_who_they_are() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let pbx = Pbx::new(admin).await;
    let held = all(&app.process.app.strangers_places);
    assert_eq!(pbx.send(&app, "m-1", 0, &idle()).await.problem(503), "overloaded");
    admin.get("/api/v1/me").await.expect(200);
    drop(held);
    let held = all(&app.process.app.places);
    pbx.send(&app, "m-1", 0, &idle()).await.expect(204);
    assert_eq!(admin.get("/api/v1/me").await.problem(503), "overloaded");
    drop(held);
    app.process.stop().await;
}

#[tokio::test]
async fn nothing_is_read_for_an_address_that_nobody_has() {
    let app = TestApp::start().await;
    let pbx = Pbx::new(&app.acme.admin).await;
    for path in ["/callbacks/calls/sbc_x".to_owned(), format!("{}0", pbx.path)] {
        let mut wire = TcpStream::connect(app.process.addr.expect("an address")).await.expect("a connection");
        // The body is promised and never comes.
        let head = format!("POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\n");
        wire.write_all(head.as_bytes()).await.expect("the head is sent");
        let mut status = [0; 12];
        let answer = tokio::time::timeout(Duration::from_secs(20), wire.read_exact(&mut status)).await;
        answer.expect("it does not wait for the body").expect("an answer");
        assert_eq!(status.as_slice(), b"HTTP/1.1 404", "{path}");
    }
    app.process.stop().await;
}

#[tokio::test]
async fn who_fails_too_often_is_turned_away_before_the_work_and_what_is_signed_does_not_count() {
    let app = TestApp::with(|plan| plan.rates.per_address = NonZeroU32::MIN).await;
    let pbx = Pbx::new(&app.acme.admin).await;
    // A provider sends for all its customers from one address.
    let theirs = Pbx::new(&app.other.admin).await;
    let unfit = json!({"type": "call.started", "data": {}});
    for number in 0..30 {
        pbx.send(&app, &format!("m-{number}"), 0, &idle()).await.expect(204);
        assert_eq!(pbx.send(&app, &format!("n-{number}"), 0, &unfit).await.problem(422), "invalid");
    }
    // Ten may fail at once, and one a second after that.
    let mut forged = 0;
    let mut honest = pbx.send(&app, "h", 0, &idle()).await;
    while honest.status == 204 {
        assert!(forged < 200, "nobody is turned away");
        forged += 1;
        let refused = pbx.raw(&pbx.path, ["m", "0", "v1,AAAA"], String::new()).await;
        assert!([401, 429].contains(&refused.status), "{refused:?}");
        honest = pbx.send(&app, "h", 0, &idle()).await;
    }
    assert!(forged > 10, "{forged}");
    assert!(honest.headers.contains_key("retry-after"));
    assert_eq!(honest.problem(429), "too-many-requests");
    theirs.send(&app, "h", 0, &idle()).await.expect(204);
    app.acme.admin.get("/api/v1/me").await.expect(200);
    app.process.stop().await;
}
