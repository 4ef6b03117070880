//! What rows of the ledger count for in challenges.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use engine::NewJob;
use serde_json::json;

use super::{ChallengeView, store};
use crate::{
    error::{Error, Result},
    events::{Event, EventType},
    gamification::{
        Metric,
        close::{CloseGames, GRACE},
        days::{Round, round},
        ledger::{NewEntry, reversals},
        store as ground,
    },
    tenancy::TenantTx,
    types::{AgentId, ChallengeId},
};

/// What a row counts by a metric.
pub(in crate::gamification) fn amount(metric: Metric, entry: &NewEntry) -> i64 {
    match metric {
        Metric::Points => entry.points.into(),
        of_deed if entry.deed.is_some_and(|deed| deed.as_str() == of_deed.as_str()) => entry.deeds.into(),
        _ => 0,
    }
}

type Scores = BTreeMap<(ChallengeId, NaiveDate, AgentId), i64>;
type Rounds<'c> = BTreeMap<(ChallengeId, NaiveDate), (&'c ChallengeView, Round)>;

/// Adds rows to the rounds in which they happened, as far as these go on, and tells who has reached what they ask for. Answers
/// the rows that take back what was given for what is not reached any more.
///
/// # Errors
/// If the database refuses.
pub(in crate::gamification) async fn count(
    tx: &mut TenantTx,
    zone: Tz,
    entries: &[&NewEntry],
) -> Result<Vec<NewEntry>> {
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let tenant = tx.tenant;
    let challenges = store::challenges(tx.conn(), tenant, None, None, super::MOST).await?;
    if challenges.is_empty() {
        return Ok(Vec::new());
    }
    let joined: BTreeMap<(ChallengeId, AgentId), DateTime<Utc>> =
        store::joined(tx.conn(), tenant, &entries.iter().map(|entry| entry.agent).collect::<Vec<_>>())
            .await?;
    let now = ground::now(tx.conn()).await?;
    let (mut scores, mut rounds) = (Scores::new(), Rounds::new());
    for challenge in &challenges {
        for entry in entries {
            let since = joined.get(&(challenge.id, entry.agent)).copied();
            let amount = amount(challenge.metric, entry);
            if amount == 0 || !takes_part(challenge, entry, since) {
                continue;
            }
            let of = round(challenge.period, entry.at, zone);
            // A round that nobody has done anything in is closed by its time.
            rounds.entry((challenge.id, of.day)).or_insert((challenge, of));
            *scores.entry((challenge.id, of.day, entry.agent)).or_default() += amount;
        }
    }
    open(tx, &rounds, now).await?;
    let added = store::add(tx.conn(), tenant, &scores).await?;
    let reached = added.iter().filter(|one| one.is_new);
    let event = |one: &store::Scored| {
        Event::new(EventType::ChallengeCompleted, "challenge", one.challenge).with(json!({
            "agent_id": one.agent, "day": one.day.to_string(), "progress": one.progress,
        }))
    };
    tx.emit(&reached.map(event).collect::<Vec<_>>()).await?;
    let lost: Vec<_> = added.iter().filter_map(|one| one.lost).collect();
    reversals::of(tx, &lost, "below_target").await
}

fn takes_part(challenge: &ChallengeView, entry: &NewEntry, since: Option<DateTime<Utc>>) -> bool {
    entry.at >= challenge.starts_at
        && challenge.ends_at.is_none_or(|ends| entry.at < ends)
        && challenge.team_id.is_none_or(|team| entry.team == Some(team))
        && (!challenge.by_joining || since.is_some_and(|since| since <= entry.at))
}

/// After so long a round is closed, unless its job was called off or failed.
const LATE: TimeDelta = TimeDelta::hours(1);

/// Opens rounds that are not there and not over, each with the job that closes it. Those that were left open have another one.
async fn open(tx: &mut TenantTx, rounds: &Rounds<'_>, now: DateTime<Utc>) -> Result<()> {
    let tenant = tx.tenant;
    let live: Vec<(&ChallengeView, Round)> =
        rounds.values().filter(|(_, round)| round.ends_at + GRACE > now).copied().collect();
    let new = store::open(tx.conn(), tenant, &live).await?;
    if new.is_empty() {
        return Ok(());
    }
    let left = store::left_open(tx.conn(), tenant, now - LATE, super::MOST).await?;
    let mut jobs = Vec::with_capacity(new.len() + left.len());
    for (challenge, day, ends_at) in new.into_iter().chain(left) {
        let job = CloseGames::Round { challenge, day };
        let job = NewJob::of(tenant.0, tx.platform.chance.id(), &job).map_err(Error::internal)?;
        jobs.push(job.about(format!("challenge:{challenge}")).run_at((ends_at + GRACE).max(now)));
    }
    tx.enqueue(&jobs).await.map(drop)
}
