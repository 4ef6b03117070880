//! A job that brings its process down: it is quarantined, and nobody else is.

use std::time::Duration;

use sqlx::Connection;
use uuid::Uuid;

use super::{
    books,
    crew::{Hand, Manner},
    ledger::uptime,
    load::{Load, Pace, new, put},
    report::{Finding, Wish},
    site::Site,
    worker::{Does, Task},
};
use crate::Outcome;

/// One death that only makes suspects, three that blame; each is noticed after 10 s of silence.
const QUARANTINED_WITHIN_S: f64 = 4.0 * 15.0;

pub async fn run(wish: Wish) -> Outcome<Finding> {
    let times = if wish.long { 3 } else { 1 };
    let site = Site::prepare().await?;
    let engine = site.engine().await?;
    let mut crew =
        [Hand::start(&site, Manner::default()).await?, Hand::start(&site, Manner::default()).await?];
    let load = Load::start(&engine, Pace::default(), wish.seed);
    let mut conn = site.system().await?;
    let (mut longest, mut deaths): (f64, usize) = (0.0, 0);
    for _ in 0..times {
        let tenant = Uuid::now_v7();
        let killer = new(tenant, &Task { does: Does::Crash, takes_ms: 30 })?;
        let id = killer.id;
        put(&engine, tenant, &[killer]).await?;
        let began = uptime()?;
        loop {
            for hand in &mut crew {
                if !hand.lives()? {
                    deaths += 1;
                    *hand = Hand::start(&site, Manner::default()).await?;
                }
            }
            let ended: Option<String> =
                sqlx::query_scalar("select state from engine.job_history where id = $1")
                    .bind(id)
                    .fetch_optional(&mut conn)
                    .await?;
            if let Some(state) = ended {
                if state != "quarantined" {
                    return Err(format!("the job that crashes is {state}").into());
                }
                break;
            }
            if uptime()? - began > 2.0 * QUARANTINED_WITHIN_S {
                return Err("the job that crashes is not quarantined".into());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        longest = longest.max(uptime()? - began);
    }
    conn.close().await?;
    let put = load.end().await?;
    let judged = books::judge(&site, &put).await?;
    let mut finding = Finding::of(times, &judged);
    finding.recovered(longest, QUARANTINED_WITHIN_S);
    finding.holds(deaths == 4 * times, || format!("{deaths} processes died, not four for each job"));
    drop(crew);
    site.clear_away(engine).await?;
    Ok(finding)
}
