//! Ten thousand sockets on which nothing happens, and the memory of the process that serves them.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::door::{Client, Door};
use crate::{
    Outcome,
    access::house::{House, KEY},
    table::Figures,
};

const SOCKETS: u32 = 10_000;
/// Opened at a time.
const AT_ONCE: usize = 32;
/// Longer than it takes until each was asked whether it is there.
const HOLD: Duration = Duration::from_secs(25);

pub async fn held() -> Outcome<Figures> {
    let house = House::open().await?;
    let door =
        Door::open(&house.database.owner, &house.database.files(), KEY, "api,notifier,scheduler").await?;
    let (bearer, http) = (house.login().await?.token, reqwest::Client::new());
    let open = |_| Client::open(&http, &door.base, door.addr, &bearer, "");
    let clients: Vec<Client> =
        stream::iter(0..SOCKETS).map(open).buffer_unordered(AT_ONCE).try_collect().await?;
    // They answer whether they are there until they are told to stop.
    let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
    for mut client in clients {
        let stop = stop.clone();
        tasks.spawn(async move {
            loop {
                tokio::select! {
                    () = stop.cancelled() => return true,
                    frame = client.next() => if !matches!(frame, Ok(Some(_))) { return false },
                }
            }
        });
    }
    tokio::time::sleep(HOLD).await;
    let rss_mb = door.rss_mb()?;
    stop.cancel();
    let mut sockets: u32 = 0;
    while let Some(stayed) = tasks.join_next().await {
        sockets += u32::from(stayed?);
    }
    door.kill().await?;
    house.close().await?;
    Ok(vec![("sockets", sockets.into()), ("rss_mb", rss_mb)])
}
