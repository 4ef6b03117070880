//! Reading the log for points: from where it was read last, a part at a time. The rows that come of a part, their sums and
//! the place up to which was read commit together under the lock of the tenant's head, so nothing is left out and nothing
//! counts twice, whoever dies. Several processes may read: who finds the head locked goes on without it.

use std::collections::HashMap;

use chrono_tz::Tz;
use engine::log::{self, Entry};
use uuid::Uuid;

use super::{
    Deed, days,
    ledger::{self, NewEntry, Source, reversals},
    point_rules::{
        rules::{Given, Rule},
        store::{self as rules, Capped},
    },
    store,
    told::{Done, Told, told},
};
use crate::{
    Ctx,
    ctx::Platform,
    error::Result,
    tenancy::{SystemTx, TenantTx},
    types::TenantId,
};

/// Entries that are read in one transaction.
const BATCH: i64 = 200;

/// What came of reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advanced {
    /// There may be more.
    More,
    /// It has come to the end.
    Over,
    /// Somebody else reads, or the tenant does not play.
    Held,
}

/// The next tenants for which there is something to read, after one of them.
///
/// # Errors
/// If the database does not answer.
pub async fn lagging(platform: &Platform, after: TenantId, limit: i64) -> Result<Vec<TenantId>> {
    let mut tx = SystemTx::begin(&platform.engine).await?;
    store::lagging(tx.conn(), after, limit).await
}

/// Reads the next part of a tenant's log.
///
/// # Errors
/// If the database does not answer; nothing of the part is written then.
pub async fn advance(ctx: &Ctx) -> Result<Advanced> {
    let mut tx = ctx.by_itself().begin().await?;
    match store::try_lock_head(tx.conn(), ctx.tenant).await? {
        Some(from) => read(tx, from).await,
        None => Ok(Advanced::Held),
    }
}

/// Reads all that is there, waiting for whoever else reads.
///
/// # Errors
/// If the database does not answer.
pub(super) async fn catch_up(ctx: &Ctx) -> Result<()> {
    loop {
        let mut tx = ctx.by_itself().begin().await?;
        let Some(from) = store::locked_head(tx.conn(), ctx.tenant).await? else { return Ok(()) };
        if read(tx, from).await? != Advanced::More {
            return Ok(());
        }
    }
}

async fn read(mut tx: TenantTx, from: i64) -> Result<Advanced> {
    let tenant = tx.tenant;
    let entries = log::replay(tx.conn(), tenant.0, from, BATCH).await?;
    let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
        // Either it has come to the end, or nothing is kept of what came behind its place.
        let (oldest, newest) = log::ends(tx.conn(), tenant.0).await?;
        if oldest == 0 && newest > from {
            missed(&mut tx, newest, (from + 1, newest)).await?;
            tx.commit().await?;
        }
        return Ok(Advanced::Over);
    };
    let (to, more) = (last.seq, i64::try_from(entries.len()).unwrap_or(BATCH) >= BATCH);
    if first.seq > from + 1 {
        missed(&mut tx, to, (from + 1, first.seq - 1)).await?;
    }
    take(&mut tx, &entries).await?;
    store::move_head(tx.conn(), tenant, to, None).await?;
    tx.commit().await?;
    Ok(if more { Advanced::More } else { Advanced::Over })
}

async fn missed(tx: &mut TenantTx, to: i64, gap: (i64, i64)) -> Result<()> {
    let tenant = tx.tenant;
    tracing::warn!(tenant.id = %tenant, first = gap.0, last = gap.1, "the log was dropped before it was read for points");
    store::move_head(tx.conn(), tenant, to, Some(gap)).await
}

/// Writes what entries are worth, in their order: what is taken back was written before.
async fn take(tx: &mut TenantTx, entries: &[Entry]) -> Result<()> {
    let told: Vec<Told> = entries.iter().filter_map(told).collect();
    if told.is_empty() {
        return Ok(());
    }
    let tenant = tx.tenant;
    let (zone, _, _) = store::zone_and_now(tx.conn(), tenant).await?;
    let rules = rules::asked(tx.conn(), tenant).await?;
    let mut together: Vec<Done> = Vec::new();
    for one in told {
        match one {
            Told::Done(done) => together.push(done),
            Told::Undone { deed, subject, at } => {
                give(tx, zone, &rules, std::mem::take(&mut together)).await?;
                reversals::undo(tx, zone, deed, (&subject, at)).await?;
            }
            Told::Merged { winner, loser, at } => {
                give(tx, zone, &rules, std::mem::take(&mut together)).await?;
                // One person has converted, once.
                if reversals::is_given(tx, Deed::LeadConverted, (&winner, at)).await? {
                    reversals::undo(tx, zone, Deed::LeadConverted, (&loser, at)).await?;
                }
            }
        }
    }
    give(tx, zone, &rules, together).await
}

/// Writes a row for each deed, and one for each rule that is about it.
async fn give(tx: &mut TenantTx, zone: Tz, rules: &[Rule], deeds: Vec<Done>) -> Result<()> {
    let tenant = tx.tenant;
    let about = |done: &Done| rules.iter().filter(|rule| rule.is_about(done)).cloned().collect::<Vec<_>>();
    let capped = |rule: &Rule, done: &Done| -> Option<Capped> {
        let (first, next) = rule.cap?.per.around(days::day(done.at, zone));
        Some((rule.id, done.agent, first, next))
    };
    let pairs: Vec<(Done, Vec<Rule>)> = deeds
        .into_iter()
        .map(|done| {
            let rules = about(&done);
            (done, rules)
        })
        .collect();
    let mut asked: Vec<Capped> = pairs
        .iter()
        .flat_map(|(done, rules)| rules.iter().filter_map(|rule| capped(rule, done)).collect::<Vec<_>>())
        .collect();
    asked.sort_unstable();
    asked.dedup();
    let known = rules::given(tx.conn(), tenant, &asked).await?;
    let mut had: HashMap<Capped, Given> = asked.into_iter().zip(known).collect();
    let keys: Vec<String> = pairs
        .iter()
        .flat_map(|(done, rules)| {
            rules.iter().map(|rule| rule_key(rule, done)).chain([key(done)]).collect::<Vec<_>>()
        })
        .collect();
    let mut seen = ledger::store::known_keys(tx.conn(), tenant, &keys).await?;
    let chance = tx.platform.chance.clone();
    let mut entries: Vec<NewEntry> = Vec::new();
    let row = |id: Uuid, done: &Done, key: String| NewEntry {
        deed: Some(done.deed),
        subject: Some(done.subject.clone()),
        ..NewEntry::of(id, done.agent, Source::Deed, key, done.at)
    };
    for (done, rules) in pairs {
        if seen.insert(key(&done)) {
            entries.push(NewEntry { deeds: 1, ..row(chance.id(), &done, key(&done)) });
        }
        for rule in rules {
            let key = rule_key(&rule, &done);
            if !seen.insert(key.clone()) {
                continue;
            }
            let at = capped(&rule, &done);
            let gives = rule.gives(at.and_then(|at| had.get(&at).copied()).unwrap_or_default());
            if let Some(of) = at.and_then(|at| had.get_mut(&at)) {
                of.points += i64::from(gives.points);
                of.times += i64::from(gives.applies);
            }
            entries.push(NewEntry {
                points: gives.points,
                withheld: gives.withheld,
                rule: Some(rule.id),
                times: i16::from(gives.applies),
                ..row(chance.id(), &done, key)
            });
        }
    }
    ledger::write(tx, zone, entries).await.map(drop)
}

fn key(done: &Done) -> String {
    format!("{}:{}", done.deed.as_str(), done.key)
}

fn rule_key(rule: &Rule, done: &Done) -> String {
    format!("rule:{}:{}", rule.id, done.key)
}
