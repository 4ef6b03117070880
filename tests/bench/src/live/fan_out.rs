//! How soon an event is with a thousand sockets, from before its commit.

use std::{collections::HashMap, time::Duration};

use futures::{StreamExt, TryStreamExt, stream};
use serde_json::json;
use tokio::{task::JoinSet, time::Instant};

use super::{
    Waits,
    door::{Client, Door},
    happen,
};
use crate::{
    Outcome,
    access::house::{House, KEY},
    table::Figures,
};

const SOCKETS: usize = 1_000;
const EVENTS: i64 = 50;
const EVERY: Duration = Duration::from_millis(200);

pub async fn spread() -> Outcome<Figures> {
    let house = House::open().await?;
    let door =
        Door::open(&house.database.owner, &house.database.files(), KEY, "api,notifier,scheduler").await?;
    let (bearer, http) = (house.login().await?.token, reqwest::Client::new());
    let open = |_| Client::open(&http, &door.base, door.addr, &bearer, "types=message.sent");
    let clients: Vec<Client> = stream::iter(0..SOCKETS).map(open).buffer_unordered(16).try_collect().await?;
    let mut tasks = JoinSet::new();
    for client in clients {
        tasks.spawn(hears(client, EVENTS));
    }
    let mut waits = Waits { began: HashMap::new(), heard: Vec::new() };
    for sequence in 1..=EVENTS {
        waits.began.insert(sequence, Instant::now());
        happen(&house.platform.engine, house.tenant, vec![format!("message:{sequence}")], &json!({})).await?;
        tokio::time::sleep(EVERY).await;
    }
    while let Some(heard) = tasks.join_next().await {
        waits.heard.extend(heard??);
    }
    door.kill().await?;
    house.close().await?;
    Ok(vec![("fanout_ms_p50", waits.percentile(50)?), ("fanout_ms_p99", waits.percentile(99)?)])
}

/// When a client heard each of so many events, of which none may be left out.
pub async fn hears(mut client: Client, events: i64) -> Outcome<Vec<(i64, Instant)>> {
    let mut heard = Vec::new();
    while heard.last().is_none_or(|(sequence, _)| *sequence < events) {
        let frame = client.next().await?.ok_or("a socket ended")?;
        if let (None, Some(sequence)) = (frame.op, frame.sequence) {
            if heard.last().map_or(1, |(before, _)| before + 1) != sequence {
                return Err(format!("{sequence} came out of turn").into());
            }
            heard.push((sequence, Instant::now()));
        }
    }
    Ok(heard)
}
