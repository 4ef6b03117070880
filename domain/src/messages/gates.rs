//! Whether messages may leave, asked at the moment of sending, in the transaction that claims their attempts.
//!
//! In this order: whether the address is suppressed, what the person has agreed to, how many messages they had of
//! late, and whether it is night where they are. `judge` reads what there is to know of up to 200 messages in a few
//! statements; [`decide()`] decides of one, pure. `quiet` is about hours of the day.
//!
//! What somebody takes back counts if it was committed before the statement here that reads it began, for each
//! statement of a transaction sees what is committed by then; and the transaction commits before a byte leaves. So
//! nobody who has had their answer before an attempt was claimed gets the message. What is taken back between that
//! statement and the commit of the claim comes too late for this one message: it is as good as on its way, and a lock
//! would only have one of the two go first. Caps are another matter: two judges who count at one moment would both find
//! room, so whoever counts for a person keeps others from it until commit, and counts after that.

mod decide;
mod quiet;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

pub use self::decide::{Facts, decide};
use super::{
    policy::{CapPer, FrequencyCap, Policy, QuietHours},
    provider::Channel,
    rules::{Purpose, Verdict},
    store,
    whereabouts::{self, Whereabouts},
    zones,
};
use crate::{
    Ctx,
    error::Result,
    tenancy::{self, TenantTx},
    types::{LeadId, MessageId, SubjectId},
};

/// How often some quiet hours may lead into others before nobody waits for more.
const TURNS: u8 = 8;

/// A message that is about to leave.
pub struct Asking {
    pub message: MessageId,
    pub subject: SubjectId,
    pub lead: Option<LeadId>,
    pub channel: Channel,
    pub purpose: Purpose,
    /// As the channel addresses people.
    pub to: String,
    /// `messages.to` of it.
    pub to_index: Vec<u8>,
    /// An attempt before may have sent it: it counts against the cap already, which does not stop its repeat.
    pub in_doubt: bool,
}

/// Which of these messages may leave, in the order asked. Those of one call count for one another: of two to one person
/// who may have one more, the second is held back.
///
/// # Errors
/// If the database refuses, or the policy cannot be read: nothing leaves by one that is not known.
pub async fn judge(ctx: &Ctx, tx: &mut TenantTx, asking: &[Asking]) -> Result<Vec<Verdict>> {
    if asking.is_empty() {
        return Ok(Vec::new());
    }
    let (now, policy) = store::policy_now(tx.conn(), ctx.tenant).await?;
    let policy = Policy::stored(policy)?;
    let capped = |one: &&Asking| cap_for(&policy, one).is_some();
    let counted: Vec<&Asking> = asking.iter().filter(capped).collect();
    if let Some(cap) = policy.frequency_cap.as_ref().filter(|_| !counted.is_empty()) {
        store::lock_counted(tx.conn(), ctx.tenant, &keys(&counted, cap)).await?;
    }
    let mut facts = Vec::with_capacity(asking.len());
    for (one, said) in asking.iter().zip(store::said_of(tx.conn(), ctx.tenant, asking).await?) {
        let store::SaidOf { restricted, suppressed, by_lead, by_address } = said;
        facts.push(Facts {
            purpose: one.purpose,
            restricted,
            suppressed,
            by_lead,
            by_address,
            sent: 0,
            zones: Vec::new(),
        });
    }
    if let Some(cap) = policy.frequency_cap.as_ref().filter(|_| !counted.is_empty()) {
        let since = now - TimeDelta::hours(i64::from(cap.hours));
        let mut counts = store::counted(tx.conn(), ctx.tenant, &counted, cap, since).await?.into_iter();
        for (one, facts) in asking.iter().zip(&mut facts) {
            if cap_for(&policy, one).is_some() {
                facts.sent = counts.next().unwrap_or_default();
            }
        }
    }
    let home = place(ctx, tx, &policy, asking, &mut facts).await?;
    let mut going: Vec<&Asking> = Vec::new();
    let mut verdicts = Vec::with_capacity(asking.len());
    for (one, mut facts) in asking.iter().zip(facts) {
        if let Some(cap) = cap_for(&policy, one) {
            let beside = going.iter().filter(|other| counts_for(other, one, cap)).count();
            facts.sent = facts.sent.saturating_add(i64::try_from(beside).unwrap_or(i64::MAX));
        }
        let verdict = decide(&facts, &policy, home, now);
        // One in doubt was counted with those before.
        if verdict == Verdict::Go && !one.in_doubt {
            going.push(one);
        }
        verdicts.push(verdict);
    }
    Ok(verdicts)
}

/// Until when somebody is left alone who may be in any of these zones, if it is quiet now by any of these hours; nobody is
/// known to be anywhere but at `home` if there are no zones, or if it is always quiet in one of them.
pub(super) fn quiet_until(
    hours: &[&QuietHours],
    zones: &[Tz],
    home: Tz,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let there = [home];
    let zones = if zones.is_empty() { there.as_slice() } else { zones };
    let mut at = now;
    // What ends some hours may lie in others.
    for _ in 0..TURNS {
        let before = at;
        for hours in hours {
            let loud = quiet::loud_at(hours, zones, at).or_else(|| quiet::loud_at(hours, &there, at));
            at = loud.unwrap_or(at);
        }
        if at == before {
            break;
        }
    }
    Some(at).filter(|at| *at > now)
}

/// The cap that a message is held to.
fn cap_for<'p>(policy: &'p Policy, one: &Asking) -> Option<&'p FrequencyCap> {
    policy.cap_for(one.purpose).filter(|_| !one.in_doubt)
}

/// Whether a message counts against the cap for another one.
fn counts_for(other: &Asking, one: &Asking, cap: &FrequencyCap) -> bool {
    let same_lead = one.lead.is_some() && other.lead == one.lead;
    cap.purposes.contains(&other.purpose)
        && match cap.per {
            CapPer::Channel => other.to_index == one.to_index && other.channel == one.channel,
            CapPer::Person => other.to_index == one.to_index || same_lead,
        }
}

/// What is locked while it is counted for these, in one order.
fn keys(counted: &[&Asking], cap: &FrequencyCap) -> Vec<Vec<u8>> {
    let mut keys: Vec<Vec<u8>> = counted.iter().map(|one| one.to_index.clone()).collect();
    if cap.per == CapPer::Person {
        keys.extend(counted.iter().filter_map(|one| one.lead).map(|lead| lead.0.as_bytes().to_vec()));
    }
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// Says of messages that keep quiet hours in which zones their recipients may be; answers the tenant's own. That is
/// told by the number that is written to, else by the lead's own number, else by its region if that is named as a zone
/// is. Whoever may be anywhere is taken to be where the tenant is.
async fn place(
    ctx: &Ctx,
    tx: &mut TenantTx,
    policy: &Policy,
    asking: &[Asking],
    facts: &mut [Facts],
) -> Result<Tz> {
    let quiet = |facts: &Facts| policy.quiet_for(facts.purpose).is_some() && !facts.is_held_back(policy);
    if !facts.iter().any(&quiet) {
        return Ok(Tz::UTC);
    }
    let home = tenancy::store::zone(tx.conn(), ctx.tenant).await?.parse().unwrap_or(Tz::UTC);
    let mut unplaced: Vec<(LeadId, &mut Facts)> = Vec::new();
    for (one, facts) in asking.iter().zip(facts).filter(|(_, facts)| quiet(facts)) {
        if matches!(one.channel, Channel::Sms | Channel::Whatsapp) {
            facts.zones = zones::of_number(&one.to);
        }
        if let Some(lead) = one.lead.filter(|_| facts.zones.is_empty()) {
            unplaced.push((lead, facts));
        }
    }
    let leads: Vec<LeadId> = unplaced.iter().map(|(lead, _)| *lead).collect();
    let known = whereabouts::of_leads(tx, &leads).await?;
    for (lead, facts) in unplaced {
        facts.zones = known.get(&lead).map(Whereabouts::at_most).unwrap_or_default();
    }
    Ok(home)
}
