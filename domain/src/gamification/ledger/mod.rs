//! The ledger of points: rows that are never changed, and the sums that are kept beside them in the same transaction.
//!
//! - [`write`](self) rows, once under each key, with all that follows from them
//! - [`by_hand`] points that people give, and rows that they take back; [`read`] what somebody was given
//! - `reversals` rows that take others back; `store` the tables

pub mod by_hand;
pub mod read;
pub(super) mod reversals;
pub(super) mod store;
mod sums;

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use serde_json::json;
use uuid::Uuid;

use super::{Deed, badges, challenges::scoring, competitions, days, tiers};
use crate::{
    error::Result,
    events::{Event, EventType},
    tenancy::TenantTx,
    types::{AgentId, PointEntryId, PointRuleId, TeamId},
    words::words,
};

words! {
    /// What a row of the ledger is for.
    Source {
        /// What was done, and what a rule gave for it.
        Deed = "deed",
        /// Somebody gave it.
        Hand = "hand",
        Challenge = "challenge",
        Competition = "competition",
        /// It went for a reward.
        Redemption = "redemption",
        /// A reward was called off.
        Refund = "refund",
        /// Another row was taken back.
        Reversal = "reversal",
    }
}

/// A row that is to be written, unless its key is there already.
#[derive(Debug, Clone)]
pub(super) struct NewEntry {
    pub id: PointEntryId,
    pub agent: AgentId,
    pub team: Option<TeamId>,
    pub source: Source,
    pub key: String,
    pub at: DateTime<Utc>,
    /// The day of `at`, where it is known from the row that is taken back.
    pub day: Option<NaiveDate>,
    pub points: i32,
    pub withheld: i32,
    pub deed: Option<Deed>,
    pub subject: Option<String>,
    pub rule: Option<PointRuleId>,
    pub deeds: i16,
    /// How often its rule applied, for the caps of that.
    pub times: i16,
    pub reverses: Option<PointEntryId>,
    pub reason: Option<&'static str>,
    pub by: Option<Uuid>,
    /// Whether challenges and competitions count it.
    pub in_games: bool,
}

impl NewEntry {
    /// A row of these points that is about nothing else.
    pub(super) fn of(id: Uuid, agent: AgentId, source: Source, key: String, at: DateTime<Utc>) -> Self {
        Self {
            id: PointEntryId(id),
            agent,
            team: None,
            source,
            key,
            at,
            day: None,
            points: 0,
            withheld: 0,
            deed: None,
            subject: None,
            rule: None,
            deeds: 0,
            times: 0,
            reverses: None,
            reason: None,
            by: None,
            in_games: matches!(source, Source::Deed | Source::Hand),
        }
    }

    /// Whether it counts as earned, and not as spent.
    fn is_earned(&self) -> bool {
        !matches!(self.source, Source::Redemption | Source::Refund)
    }
}

/// Writes rows that are not there yet, with the sums, the progress of games, the tiers, the badges and the events that
/// follow from them. The caller holds the tenant's head. Answers which were written.
///
/// # Errors
/// If the database refuses, also where a sum would fall below zero.
pub(super) async fn write(
    tx: &mut TenantTx,
    zone: Tz,
    entries: Vec<NewEntry>,
) -> Result<BTreeSet<PointEntryId>> {
    let (mut all, mut next) = (BTreeSet::new(), entries);
    // What a game gave is taken back with what it was given for: once more, and not again, for games do not count that.
    while !next.is_empty() {
        let written = put(tx, zone, next).await?;
        all.extend(written.iter().map(|entry| entry.id));
        let counted: Vec<&NewEntry> = written.iter().filter(|entry| entry.in_games).collect();
        next = scoring::count(tx, zone, &counted).await?;
        competitions::scoring::count(tx, &counted).await?;
        tiers::advance(tx, &written).await?;
        badges::earned(tx, &written).await?;
        tell(tx, &written).await?;
    }
    Ok(all)
}

/// The rows and the sums; answers the rows that are new, each with its day and team.
async fn put(tx: &mut TenantTx, zone: Tz, mut entries: Vec<NewEntry>) -> Result<Vec<NewEntry>> {
    let tenant = tx.tenant;
    let mut agents: Vec<AgentId> = entries.iter().map(|entry| entry.agent).collect();
    agents.sort_unstable();
    agents.dedup();
    let teams = super::store::teams_of(tx.conn(), tenant, &agents).await?;
    for entry in &mut entries {
        entry.day.get_or_insert(days::day(entry.at, zone));
        if entry.reverses.is_none() {
            entry.team = teams.iter().find(|(agent, _)| *agent == entry.agent).and_then(|(_, team)| *team);
        }
    }
    // Whoever never was is given nothing.
    entries.retain(|entry| teams.iter().any(|(agent, _)| *agent == entry.agent));
    let new = store::insert(tx.conn(), tenant, &entries).await?;
    entries.retain(|entry| new.contains(&entry.id));
    sums::keep(tx, &entries).await?;
    Ok(entries)
}

async fn tell(tx: &mut TenantTx, written: &[NewEntry]) -> Result<()> {
    let event = |entry: &NewEntry| {
        let kind = if entry.source == Source::Reversal {
            EventType::PointsReversed
        } else {
            EventType::PointsAwarded
        };
        Event::new(kind, "agent", entry.agent).with(json!({
            "entry_id": entry.id, "agent_id": entry.agent, "team_id": entry.team, "points": entry.points,
            "source": entry.source,
        }))
    };
    // What goes for a reward has an event of its own.
    let told = written.iter().filter(|entry| entry.points != 0 && entry.source != Source::Redemption);
    tx.emit(&told.map(event).collect::<Vec<_>>()).await
}
