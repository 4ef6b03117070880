//! Clients that take nothing of what they are told: what each costs the process, until when, and what the others notice.

use std::{collections::HashMap, time::Duration};

use serde_json::json;
use tokio::time::Instant;

use super::{
    Waits,
    door::{Client, Door},
    fan_out::hears,
    happen,
};
use crate::{
    Outcome,
    access::house::{EMAIL, House, KEY, PASSWORD, SLUG},
    table::Figures,
};

const STUCK: u32 = 50;
/// Events of this size, so many a second for so long: far more than the two ends of a connection keep.
const BYTES: usize = 1_000;
const EVENTS: i64 = 20_000;
const IN_A_COMMIT: i64 = 40;
const EVERY: Duration = Duration::from_millis(20);
/// The patience of a write, and that of the goodbye, and some more.
const PATIENCE: Duration = Duration::from_mins(1);

pub async fn beside() -> Outcome<Figures> {
    let house = House::open().await?;
    let door =
        Door::open(&house.database.owner, &house.database.files(), KEY, "api,notifier,scheduler").await?;
    let (bearer, http) = (house.login().await?.token, reqwest::Client::new());
    let open = async || Client::open(&http, &door.base, door.addr, &bearer, "").await;
    let hearing = tokio::spawn(hears(open().await?, EVENTS));
    // Nobody waits for their frames.
    let mut stuck = Vec::new();
    for _ in 0..STUCK {
        stuck.push(open().await?);
    }
    let (before, mut most) = (door.rss_mb()?, 0.0_f64);
    let mut waits = Waits { began: HashMap::new(), heard: Vec::new() };
    let (began, body) = (Instant::now(), json!({ "code": "x".repeat(BYTES) }));
    for first in (1..=EVENTS).step_by(usize::try_from(IN_A_COMMIT)?) {
        waits.began.insert(first, Instant::now());
        let subjects = (0..IN_A_COMMIT).map(|number| format!("message:{}", first + number)).collect();
        happen(&house.platform.engine, house.tenant, subjects, &body).await?;
        most = most.max(door.rss_mb()? - before);
        tokio::time::sleep(EVERY).await;
    }
    waits.heard = hearing.await??;
    let login = json!({"tenant": SLUG, "email": EMAIL, "password": PASSWORD});
    let admin = switchboard::demo::client::Client::login(door.base.clone(), &login).await?;
    while admin.get("/api/v1/ws/stats").await?["slow_closed"] != STUCK {
        if began.elapsed() > PATIENCE {
            return Err("those that take nothing are not closed".into());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let closed = began.elapsed().as_secs_f64();
    drop(stuck);
    door.kill().await?;
    house.close().await?;
    Ok(vec![
        ("stuck_mb", most.max(0.0) / f64::from(STUCK)),
        ("stuck_closed_s", closed),
        ("beside_stuck_ms_p99", waits.percentile(99)?),
    ])
}
