//! kill -9 of the product's own workers while providers break off, hang, fail after they took a message and ask for
//! patience: nothing is lost, nothing comes twice, and what is of unknown fate is no more than what was hit.
//!
//! - [`provider`] who takes the messages; [`line`](mod@line) an account and its messages
//! - [`judge`] what came of it, by the providers' own ledgers

mod judge;
mod line;
mod provider;

use std::{collections::HashMap, time::Duration};

use fakes::{World, faults::FaultPlan};
use futures::future::try_join_all;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use self::{line::Line, provider::KINDS};
use super::{
    api::{Api, KEY},
    crew::Hand,
    ledger::uptime,
    report::{Finding, Wish},
    site::Site,
};
use crate::Outcome;

const CREW: usize = 2;
const BUSY_WITHIN_S: f64 = 30.0;

/// Jobs about messages by account, which a process goes on holding for a while when it is dead. A node's name ends with
/// its process's id.
const HELD: &str = "
select m.provider_id, count(*)
  from engine.jobs j
  join engine.nodes n on n.id = j.node
  join messages m on m.tenant_id = j.tenant_id and 'message:' || m.id = j.business_key
 where n.name like '%:' || $1::text
 group by m.provider_id";

/// What is on its way, or is of unknown fate though its provider can be asked.
const OPEN: &str = "
select count(*) from messages
 where status in ('pending', 'queued', 'sending') or (status = 'unknown' and provider_id = any($1))";

pub async fn run(wish: Wish) -> Outcome<Finding> {
    // The lease of an attempt, the minute until those that ran out are looked for, the first looks, and all of it again
    // for what was surely not taken; in the long form also the waits that providers ask for.
    let (messages, deaths, pause_ms, within_s) =
        if wish.long { (10_000, 5, 2_000..10_000, 1_800.0) } else { (150, 2, 0..200, 270.0) };
    let plan = FaultPlan {
        seed: wish.seed,
        accepted_then_reset: 50,
        // Each takes ten seconds.
        timeout: if wish.long { 50 } else { 20 },
        error_500_after_accept: 50,
        rate_limited: 50,
        retry_after_s: 1,
        delay: Duration::from_millis(20),
    };
    let mut dice = fastrand::Rng::with_seed(wish.seed);
    let site = Site::prepare().await?;
    let api = Api::open(&site).await?;
    let mut lines = Vec::new();
    for kind in KINDS {
        lines.push(Line::open(&api.client, kind, World::with_faults(plan)).await?);
    }
    let mut conn = site.system().await?;
    let mut crew = (0..CREW).map(|_| Hand::product(&site, KEY)).collect::<Outcome<Vec<_>>>()?;
    let mut held: HashMap<Uuid, usize> = HashMap::new();
    for death in 1..=deaths {
        let share = messages * death / (deaths + 1);
        let accepting = try_join_all(lines.iter_mut().map(|line| line.accept(&api.client, share)));
        let pause = Duration::from_millis(dice.u64(pause_ms.clone()));
        let (_, cut) = tokio::try_join!(accepting, strike(&site, &mut conn, &mut crew, pause))?;
        for (provider, jobs) in cut {
            *held.entry(provider).or_default() += usize::try_from(jobs)?;
        }
    }
    try_join_all(lines.iter_mut().map(|line| line.accept(&api.client, messages))).await?;
    let all_in = uptime()?;
    settled(&mut conn, &lines, within_s).await?;
    let over = uptime()? - all_in;
    for line in &lines {
        line.tell(&api.client.base, wish.seed).await?;
    }

    let mut finding = judge::judge(&mut conn, &lines, &held).await?;
    finding.runs = deaths;
    finding.recovered(over, within_s);
    finding.begun_again = held.values().sum();
    finding.holds(!held.is_empty(), || "no death hit a message under way".into());
    conn.close().await?;
    drop(crew);
    let engine = api.close().await;
    site.clear_away(engine).await?;
    Ok(finding)
}

/// Kills the worker that has been there longest while it holds something, and starts another; answers what it held.
async fn strike(
    site: &Site,
    conn: &mut PgConnection,
    crew: &mut Vec<Hand>,
    pause: Duration,
) -> Outcome<Vec<(Uuid, i64)>> {
    tokio::time::sleep(pause).await;
    let victim = crew.remove(0);
    let process = victim.process;
    let patience = uptime()? + BUSY_WITHIN_S;
    while held_by(conn, process).await?.is_empty() {
        if uptime()? > patience {
            return Err("a worker finds nothing to do: the work is over, or was never begun".into());
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    victim.kill().await?;
    let held = held_by(conn, process).await?;
    crew.push(Hand::product(site, KEY)?);
    Ok(held)
}

async fn held_by(conn: &mut PgConnection, process: u32) -> Outcome<Vec<(Uuid, i64)>> {
    Ok(sqlx::query_as(HELD).bind(process.to_string()).fetch_all(conn).await?)
}

/// Resolves when nothing is on its way and whoever can be asked has told; or when that takes too long, which the judge
/// will see.
async fn settled(conn: &mut PgConnection, lines: &[Line], within_s: f64) -> Outcome<()> {
    let asked: Vec<Uuid> = lines.iter().filter(|line| line.can_be_asked()).map(|line| line.account).collect();
    let patience = uptime()? + within_s;
    loop {
        let open: i64 = sqlx::query_scalar(OPEN).bind(&asked).fetch_one(&mut *conn).await?;
        if open == 0 || uptime()? > patience {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
