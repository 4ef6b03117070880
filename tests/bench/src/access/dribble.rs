//! A thousand connections that send the head of a request byte by byte, and what the others notice of them.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use serde_json::json;
use switchboard::{
    demo::client::Client,
    process::{Plan, Process, Roles},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};
use uuid::Uuid;

use super::{
    house::{EMAIL, House, PASSWORD, SLUG},
    percentile,
};
use crate::{Outcome, table::Figures};

const CONNECTIONS: u64 = 1_000;
/// As many as the product serves at a time if nothing is set.
const MOST: usize = 4_096;
/// The head that never ends; at a byte a second it goes on for longer than anybody waits.
const HEAD: &[u8] = b"GET /api/v1/me HTTP/1.1\r\nhost: house\r\nx-slow: aaaaaaaaaaaaaaaaaaaaaaaaaaa";
const BYTE_EVERY: Duration = Duration::from_secs(1);
/// Whoever is cut off before was not held at all.
const AT_LEAST: Duration = Duration::from_secs(3);
/// A hundred requests of the others a second.
const ASK_EVERY: Duration = Duration::from_millis(10);
const WATCH: Duration = Duration::from_secs(11);

/// Seconds until the last one is closed, and the others' p99 beside what it was before.
pub async fn held() -> Outcome<Figures> {
    let house = House::open().await?;
    let heads = std::env::temp_dir().join(format!("heads-{}.json", Uuid::now_v7().simple()));
    let mut plan = Plan::unbounded(Roles { api: true, ..Roles::default() }, heads);
    plan.max_connections = MOST;
    let process = Process::start(house.platform.clone(), plan).await?;
    let addr = process.addr.ok_or("the API has no address")?;
    let login = json!({"tenant": SLUG, "email": EMAIL, "password": PASSWORD});
    let client = Client::login(format!("http://{addr}"), &login).await?;
    let until = |watch: Duration| {
        let began = Instant::now();
        move || began.elapsed() < watch
    };
    waits(&client, until(WATCH / 4)).await?;
    let before = percentile(&mut waits(&client, until(WATCH)).await?, 99);
    let dribbling = tokio::spawn(longest(addr));
    let during = percentile(&mut waits(&client, || !dribbling.is_finished()).await?, 99);
    let closed = dribbling.await??;
    process.stop().await;
    house.close().await?;
    Ok(vec![
        ("dribble_closed_s", closed.as_secs_f64()),
        ("dribble_p99_ms_before", before * 1e3),
        ("dribble_p99_ms_during", during * 1e3),
        ("dribble_p99_vs_before", during / before),
    ])
}

/// How long each answer took from when it was to be asked for.
async fn waits(client: &Client, go_on: impl Fn() -> bool) -> Outcome<Vec<Duration>> {
    let mut tick = tokio::time::interval(ASK_EVERY);
    let mut waits = Vec::new();
    while go_on() {
        let due = tick.tick().await;
        client.get("/api/v1/me").await?;
        waits.push(due.elapsed());
    }
    Ok(waits)
}

/// Opens them, one each millisecond; answers how long the last one was held.
async fn longest(addr: SocketAddr) -> Outcome<Duration> {
    let mut dribblers = JoinSet::new();
    for at in 0..CONNECTIONS {
        dribblers.spawn(async move {
            tokio::time::sleep(Duration::from_millis(at)).await;
            dribble(addr).await
        });
    }
    let mut longest = Duration::ZERO;
    while let Some(held) = dribblers.join_next().await {
        let held = held??;
        if held < AT_LEAST {
            return Err(format!("a connection was closed after {held:?}: nothing was held up").into());
        }
        longest = longest.max(held);
    }
    Ok(longest)
}

/// Sends byte by byte until the other side closes.
async fn dribble(addr: SocketAddr) -> Outcome<Duration> {
    let mut stream = TcpStream::connect(addr).await?;
    let began = Instant::now();
    let (mut answer, mut head) = stream.split();
    let sending = async {
        for byte in HEAD {
            if head.write_all(&[*byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(BYTE_EVERY).await;
        }
    };
    let mut said = Vec::new();
    tokio::select! {
        () = sending => {}
        // However it ends, it is closed.
        _ = answer.read_to_end(&mut said) => {}
    }
    Ok(began.elapsed())
}
