//! What is done to the campaign: deaths, restarts, a pause.

use std::time::Duration;

use fakes::ledger::Ledger;
use serde_json::json;
use sqlx::PgConnection;
use switchboard::demo::client::Client;

use crate::{
    Outcome,
    faults::{api::KEY, crew::Hand, ledger::uptime, site::Site},
};

const WORKERS: usize = 2;
const BUSY_WITHIN_S: f64 = 60.0;
const THERE_WITHIN_S: f64 = 60.0;
/// Nothing has come for so long: what had been claimed before a pause has come.
const QUIET: Duration = Duration::from_secs(2);

/// How many jobs of a kind each process holds, which it goes on holding for a while when it is dead. A node's name ends with
/// its process's id, and the name of what a job is about begins with what it is.
const HELD: &str = "
select count(*) from engine.jobs j join engine.nodes n on n.id = j.node
 where n.name like '%:' || $1::text and starts_with(j.business_key, $2)";

/// What a process holds.
#[derive(Clone, Copy)]
pub enum Held {
    /// Steps of campaigns.
    Campaigns,
    /// Messages.
    Messages,
}

impl Held {
    /// What names of such things begin with.
    fn prefix(self) -> &'static str {
        match self {
            Self::Campaigns => "campaign:",
            Self::Messages => "message:",
        }
    }
}

/// Worker processes, all of which have begun.
pub struct Crew(Vec<Hand>);

impl Crew {
    pub async fn start(site: &Site, conn: &mut PgConnection) -> Outcome<Self> {
        let hands = (0..WORKERS).map(|_| Hand::product(site, KEY)).collect::<Outcome<Vec<_>>>()?;
        for hand in &hands {
            there(conn, hand.process).await?;
        }
        Ok(Self(hands))
    }

    /// Waits until a worker holds such jobs, kills the one that holds most, and starts another. Answers what the dead one held.
    pub async fn strike(&mut self, site: &Site, conn: &mut PgConnection, what: Held) -> Outcome<usize> {
        let patience = uptime()? + BUSY_WITHIN_S;
        let victim = loop {
            let mut most = (0, 0);
            for (place, hand) in self.0.iter().enumerate() {
                most = most.max((held_by(conn, hand.process, what).await?, place));
            }
            if most.0 > 0 {
                break self.0.remove(most.1);
            }
            if uptime()? > patience {
                return Err("no worker finds anything to do: the work is over, or was never begun".into());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        };
        let process = victim.process;
        victim.kill().await?;
        let held = held_by(conn, process, what).await?;
        let next = Hand::product(site, KEY)?;
        there(conn, next.process).await?;
        self.0.push(next);
        Ok(held)
    }

    /// How many have ended that nobody killed.
    pub fn dead(&mut self) -> Outcome<usize> {
        let mut dead = 0;
        for hand in &mut self.0 {
            dead += usize::from(!hand.lives()?);
        }
        Ok(dead)
    }
}

async fn held_by(conn: &mut PgConnection, process: u32, what: Held) -> Outcome<usize> {
    let held: i64 =
        sqlx::query_scalar(HELD).bind(process.to_string()).bind(what.prefix()).fetch_one(conn).await?;
    Ok(usize::try_from(held)?)
}

/// Resolves when a process has joined: before that, it would not live through a restart of Postgres.
async fn there(conn: &mut PgConnection, process: u32) -> Outcome<()> {
    let patience = uptime()? + THERE_WITHIN_S;
    loop {
        let there: bool =
            sqlx::query_scalar("select exists (select from engine.nodes where name like '%:' || $1::text)")
                .bind(process.to_string())
                .fetch_one(&mut *conn)
                .await?;
        if there {
            return Ok(());
        }
        if uptime()? > patience {
            return Err("a worker does not begin".into());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Stops Postgres, in an orderly way or at once, and starts it again after a while.
pub async fn restart(site: &mut Site, fast: bool, away: Duration) -> Outcome<()> {
    if fast {
        site.stop_postgres().await?;
    } else {
        site.crash_postgres().await?;
    }
    tokio::time::sleep(away).await;
    site.start_postgres().await
}

/// What came while a campaign was paused.
pub struct Stop {
    /// Messages that came after the pause was answered, until none came for a while.
    pub late: usize,
    /// Those that came in the time after that, for which it stayed paused.
    pub during: usize,
    /// That it said so of itself when that time was over.
    pub was_paused: bool,
}

impl Stop {
    /// Pauses it, looks at the ledger for so long, and resumes it.
    pub async fn make(client: &Client, path: &str, ledger: &Ledger, paused: Duration) -> Outcome<Self> {
        client.post(&format!("{path}/pause"), &json!({})).await?;
        let at_answer = ledger.count();
        let mut count = at_answer;
        // Of a pause that holds nothing back this would never end.
        let patience = uptime()? + paused.as_secs_f64();
        while tokio::time::timeout(QUIET, ledger.until(count + 1)).await.is_ok() && uptime()? < patience {
            count = ledger.count();
        }
        let quiet = ledger.count();
        // Nothing is to come, so there is nothing but time to wait for.
        let came = tokio::time::timeout(paused, ledger.until(quiet + 1)).await;
        let during = if came.is_ok() { ledger.count() - quiet } else { 0 };
        let progress = client.get(&format!("{path}/progress")).await?;
        client.post(&format!("{path}/resume"), &json!({})).await?;
        Ok(Self { late: quiet - at_answer, during, was_paused: progress["run_status"] == "paused" })
    }
}
