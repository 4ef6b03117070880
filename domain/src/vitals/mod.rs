//! How the installation is, over all tenants, for whoever watches it: numbers that name nobody. They become metrics, and what
//! people are woken for. Read as it stands; nothing that grows with the work is counted without a bound.

mod store;

use chrono::{DateTime, TimeDelta, Utc};
use engine::vitals::{self, EngineVitals, NodeVitals, QueueVitals};
use uuid::Uuid;

use crate::{
    ctx::Platform,
    error::{Error, Result},
    tenancy::SystemTx,
    upkeep::{ITSELF, MONTHLY},
};

/// Messages in doubt of one tenant that are counted.
pub const MOST_UNKNOWN: i64 = 1_000;

/// Why campaigns are paused.
pub const PAUSES: [&str; 6] = ["breaker", "broke", "budget", "by_hand", "no_provider", "restored"];

/// Why webhooks are disabled.
pub const DISABLED: [&str; 3] = ["by_hand", "failing", "gone"];

/// What people ask for.
pub const ASKED: [&str; 2] = ["access", "erasure"];

/// All of it.
#[derive(Debug)]
pub struct Vitals {
    pub engine: EngineVitals,
    pub queues: Vec<QueueVitals>,
    pub nodes: Vec<NodeVitals>,
    /// Jobs of kinds that no process knows.
    pub unrunnable: i64,
    /// The product's own schedules but the monthly one: seconds since the last job of each was completed.
    pub upkeep: Vec<(String, f64)>,
    pub business: Business,
    /// Requests of people by kind.
    pub asked: Vec<Due>,
    /// Accounts by kind of provider that are held because the provider says they are at fault.
    pub providers: Vec<(String, i64)>,
    /// Campaigns that are paused, by reason.
    pub campaigns: Vec<(String, i64)>,
    /// Webhooks that are disabled, by reason.
    pub webhooks: Vec<(String, i64)>,
}

/// What there is one of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Business {
    /// Messages of which nobody knows whether they were sent, [`MOST_UNKNOWN`] of a tenant at the most.
    pub messages_unknown: i64,
    /// Events that the tenant furthest behind does not see in webhooks, figures and points yet.
    pub webhooks_behind: i64,
    pub figures_behind: i64,
    pub points_behind: i64,
    /// Seconds since the oldest entry of the audit log was written that is not sealed; 0 if all are.
    pub unsealed_s: f64,
    /// Months of a tenant that are not put into the archive because something does not hold.
    pub archives_refused: i64,
    /// Seconds since the oldest month was planned that is neither checked nor refused; 0 if there is none.
    pub archives_open_s: f64,
}

/// Requests of people for their data, or for its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    pub kind: String,
    /// Due within three days.
    pub soon: i64,
    pub overdue: i64,
}

/// Looks.
///
/// # Errors
/// If the database does not answer within two seconds.
pub async fn look(platform: &Platform) -> Result<Vitals> {
    let mut tx = SystemTx::begin_patient(&platform.engine).await?;
    let conn = tx.conn();
    let unrunnable = engine::queues::unrunnable(conn).await?;
    let upkeep = vitals::since_done(conn, ITSELF.0).await?;
    let upkeep = upkeep.into_iter().filter(|(id, ..)| *id != Uuid::from_u128(MONTHLY));
    let found = Vitals {
        engine: vitals::engine(conn).await?,
        queues: vitals::queues(conn).await?,
        nodes: vitals::nodes(conn).await?,
        unrunnable: unrunnable.iter().map(|work| work.jobs).sum(),
        upkeep: upkeep.map(|(_, name, seconds)| (name, seconds)).collect(),
        business: store::business(conn, MOST_UNKNOWN).await?,
        asked: store::asked(conn).await?,
        providers: store::providers(conn).await?,
        campaigns: store::campaigns(conn).await?,
        webhooks: store::webhooks(conn).await?,
    };
    tx.commit().await?;
    Ok(found)
}

/// What takes longer says too little of the clocks.
const LONGEST_ANSWER: TimeDelta = TimeDelta::seconds(1);

/// How far this process's clock is ahead of the database's, give or take half of what the answer took.
///
/// # Errors
/// If the database does not answer within a second.
pub async fn clock_offset(platform: &Platform) -> Result<TimeDelta> {
    let asked = platform.clock.now();
    let theirs = platform.engine.clock().await?;
    offset(asked, theirs, platform.clock.now())
}

fn offset(asked: DateTime<Utc>, theirs: DateTime<Utc>, answered: DateTime<Utc>) -> Result<TimeDelta> {
    let took = answered - asked;
    if took > LONGEST_ANSWER {
        let words = format!("the database took {} ms to say what time it is", took.num_milliseconds());
        return Err(Error::internal(words));
    }
    Ok(asked + took / 2 - theirs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_compared_half_way_and_not_by_an_answer_that_came_late() {
        let asked = DateTime::UNIX_EPOCH;
        let at = |ms| asked + TimeDelta::milliseconds(ms);
        for (theirs, answered, ahead) in [(100, 200, 0), (-900, 200, 1_000), (2_500, 1_000, -2_000)] {
            let found = offset(asked, at(theirs), at(answered)).expect("it came in time");
            assert_eq!(found, TimeDelta::milliseconds(ahead));
        }
        assert!(offset(asked, at(15_000), at(30_000)).is_err(), "it may have been read at any time");
    }
}
