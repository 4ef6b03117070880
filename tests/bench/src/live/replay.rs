//! How fast a client that was away is told what it has missed.

use serde_json::json;
use tokio::time::Instant;

use super::{
    door::{Client, Door},
    fan_out::hears,
    happen,
};
use crate::{
    Outcome,
    access::house::{House, KEY},
    table::Figures,
};

const EVENTS: i32 = 50_000;
const IN_A_COMMIT: i32 = 1_000;

pub async fn told() -> Outcome<Figures> {
    let house = House::open().await?;
    let door =
        Door::open(&house.database.owner, &house.database.files(), KEY, "api,notifier,scheduler").await?;
    let (bearer, http) = (house.login().await?.token, reqwest::Client::new());
    let open = async |query: &str| Client::open(&http, &door.base, door.addr, &bearer, query).await;
    // It hears the last one when all are numbered.
    let watching = tokio::spawn(hears(open("").await?, EVENTS.into()));
    for first in (0..EVENTS).step_by(IN_A_COMMIT.unsigned_abs() as usize) {
        let subjects = (first..first + IN_A_COMMIT).map(|number| format!("message:{number}")).collect();
        happen(&house.platform.engine, house.tenant, subjects, &json!({})).await?;
    }
    watching.await??;
    let began = Instant::now();
    hears(open("since=0").await?, EVENTS.into()).await?;
    let took = began.elapsed().as_secs_f64();
    door.kill().await?;
    house.close().await?;
    Ok(vec![("replay_events_per_s", f64::from(EVENTS) / took)])
}
