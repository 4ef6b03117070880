//! A limit that binds, shared by four processes: never exceeded, and used up.

use std::time::Duration;

use engine::operate::Bounds;
use uuid::Uuid;

use super::{
    pickup::{Event, Remote, numbered},
    rig::{self, QUEUE},
};
use crate::{Outcome, database::Database, table::Figures};

const PROCESSES: usize = 4;
const MOST: i32 = 20;
const JOBS: u64 = 1_000;
const TAKES: Duration = Duration::from_millis(100);

/// By how many jobs the limit was exceeded at the worst moment, and which part of it was used between
/// the first tenth of the starts and the last.
pub async fn binding_limits() -> Outcome<Figures> {
    let database = Database::migrated().await?;
    let engine = database.engine().await?;
    let tenant = Uuid::now_v7();
    let mut tx = engine.begin_tenant(tenant).await?;
    tx.limit(QUEUE, None, Bounds { max_running: Some(MOST), ..Bounds::default() }).await?;
    tx.commit().await?;
    let mut remotes = Vec::new();
    for _ in 0..PROCESSES {
        remotes.push(Remote::start(&database, 100, TAKES).await?);
    }
    let jobs = (0..JOBS).map(|number| numbered(tenant, number)).collect::<Outcome<Vec<_>>>()?;
    let mut tx = engine.begin_tenant(tenant).await?;
    tx.enqueue(&jobs, &rig::nobody()).await?;
    tx.commit().await?;
    let mut events: Vec<(u64, i64)> = Vec::new();
    let (told, mut heard) = tokio::sync::mpsc::channel(1_024);
    for mut remote in remotes {
        let told = told.clone();
        tokio::spawn(async move {
            while let Ok(event) = remote.next().await {
                if told.send(event).await.is_err() {
                    return;
                }
            }
        });
    }
    while events.len() < 2 * usize::try_from(JOBS)? {
        match heard.recv().await.ok_or("all workers ended early")? {
            Event::Started(_, at) => events.push((at, 1)),
            Event::Ended(_, at) => events.push((at, -1)),
        }
    }
    // Of an end and a start at one microsecond the end came first.
    events.sort_unstable();
    let (from, until) = (events[events.len() / 10].0, events[events.len() * 9 / 10].0);
    let (mut now, mut most, mut used, mut last) = (0_i64, 0_i64, 0_u64, from);
    for (at, change) in events {
        if at > from && at <= until {
            used += (at - last) * u64::try_from(now)?;
            last = at;
        }
        now += change;
        most = most.max(now);
    }
    engine.close().await;
    database.drop().await?;
    #[expect(clippy::cast_precision_loss, reason = "seconds in microseconds")]
    let share = used as f64 / ((until - from) as f64 * f64::from(MOST));
    #[expect(clippy::cast_precision_loss, reason = "a few jobs")]
    let exceeded = (most - i64::from(MOST)).max(0) as f64;
    Ok(vec![("limits_exceeded", exceeded), ("limits_used", share)])
}
