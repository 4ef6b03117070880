//! The beginning: nobody writes to the person from now on, and it is known under which names rows are theirs.

use std::time::Duration;

use engine::{Outcome, finish::Claim};
use serde_json::json;

use super::{State, keys, store, view};
use crate::{
    Ctx,
    access::rows::Rows,
    audit::Entry,
    error::{Error, Result},
    leads::merged,
    messages::{provider::Channel, suppressions},
    privacy::{addresses, tombstones::Tombstone},
    tenancy::TenantTx,
    types::{ErasureId, LeadId, SubjectId},
};

/// How often a hold is looked at, besides when it is released.
const HELD: Duration = Duration::from_hours(1);

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    Yes,
    /// A hold stands. The attempt is put off with what says so, so that whoever releases the hold finds a job that waits.
    Held,
    /// It was withdrawn or is over.
    Over,
}

/// Begins, unless a hold stands. What has begun stays so, whatever is held afterwards: a person half forgotten is of no use
/// to any court. By hand there is no attempt to be put off.
///
/// # Errors
/// If the database refuses.
pub async fn begin(ctx: &Ctx, id: ErasureId, attempt: Option<&Claim>) -> Result<Begun> {
    let mut tx = ctx.begin().await?;
    let held = store::lock(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("erasure"))?;
    match held.state {
        State::Cooling | State::Held => {}
        State::Running => return Ok(Begun::Yes),
        State::Identity | State::Done | State::Withdrawn => return Ok(Begun::Over),
    }
    let lead = hold_lead(&mut tx, LeadId(held.subject.0)).await?;
    let subject = lead.map_or(held.subject, |lead| SubjectId(lead.0));
    let holds = view::held_by(&mut tx, subject).await?;
    if !holds.is_empty() {
        if held.state != State::Held {
            store::set_state(tx.conn(), ctx.tenant, id, State::Held).await?;
            let ids: Vec<_> = holds.iter().map(|hold| hold.hold_id).collect();
            tx.audit(&[Entry::new("hold", "erasure", id).detail(json!({ "holds": ids })).notice()]).await?;
        }
        let later = attempt.and_then(|claim| claim.ending(Outcome::Snooze { after: HELD }, || 0.0));
        // Another node may run it by now: it says so then.
        if later.is_none() || !tx.finish(later.as_slice()).await?.is_empty() {
            tx.commit().await?;
        }
        return Ok(Begun::Held);
    }
    know(ctx, &mut tx, id, subject).await?;
    store::set_state(tx.conn(), ctx.tenant, id, State::Running).await?;
    tx.audit(&[Entry::new("begin", "erasure", id).notice()]).await?;
    tx.commit().await?;
    Ok(Begun::Yes)
}

/// The lead as it is by now, for it may have been merged since it was asked for; none if it is not there. It is held until the
/// commit: nobody merges it, deletes it or places a hold on it in the meantime, and whoever waited for it sees what began.
pub(crate) async fn hold_lead(tx: &mut TenantTx, named: LeadId) -> Result<Option<LeadId>> {
    let tenant = tx.tenant;
    loop {
        let Some(lead) = merged::by_now(tx, named, Rows::All).await? else { return Ok(None) };
        if !store::leads_there(tx.conn(), tenant, &[lead.0]).await?.is_empty() {
            return Ok(Some(lead));
        }
    }
}

/// Writes down who the person is under all names, and keeps everybody from writing to them.
async fn know(ctx: &Ctx, tx: &mut TenantTx, id: ErasureId, subject: SubjectId) -> Result<()> {
    let leads = merged::all_of(tx, LeadId(subject.0)).await?;
    let reached = addresses::of_leads(tx, &leads).await?;
    let subjects: Vec<(SubjectId, bool)> = leads.iter().map(|lead| (SubjectId(lead.0), true)).collect();
    store::add_subjects(tx.conn(), ctx.tenant, id, &subjects).await?;
    note_reached(tx, id, &reached).await?;
    let channels = suppress(ctx, tx, id, subject).await?;
    store::add_count(tx.conn(), ctx.tenant, id, "suppressions", "kept", channels).await?;
    others(tx, id).await.map(drop)
}

/// Keeps everybody from writing to the person wherever they are or were reached. What was written down when it was asked counts
/// as well: it may have been changed since, or the lead deleted. Answers how many places there are.
///
/// # Errors
/// If the database refuses.
pub(super) async fn suppress(
    ctx: &Ctx,
    tx: &mut TenantTx,
    id: ErasureId,
    subject: SubjectId,
) -> Result<usize> {
    let who = store::who(tx.conn(), ctx.tenant, id).await?;
    let leads: Vec<LeadId> = who.leads.iter().copied().map(LeadId).collect();
    let mut channels = store::former_channels(tx.conn(), ctx.tenant, &who.leads).await?;
    let reached = addresses::of_leads(tx, &leads).await?;
    channels.extend(reached.iter().flat_map(addresses::Reached::channels));
    store::add_channels(tx.conn(), ctx.tenant, id, &channels).await?;
    let channels = store::who(tx.conn(), ctx.tenant, id).await?.channels();
    suppressions::of_erased(ctx, tx, subject, &channels).await?;
    Ok(channels.len())
}

/// Writes down where somebody is reached, as hashes.
///
/// # Errors
/// If the database refuses.
pub(super) async fn note_reached(
    tx: &mut TenantTx,
    id: ErasureId,
    reached: &[addresses::Reached],
) -> Result<()> {
    let tenant = tx.tenant;
    let hashes: Vec<(&str, Vec<u8>)> = reached.iter().flat_map(addresses::Reached::hashes).collect();
    store::add_addresses(tx.conn(), tenant, id, &hashes).await?;
    let channels: Vec<_> = reached.iter().flat_map(addresses::Reached::channels).collect();
    store::add_channels(tx.conn(), tenant, id, &channels).await
}

/// How many other leads have the person's number, and how many the address.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shared {
    phones: usize,
    emails: usize,
    /// One of the two was another lead's as well when it was looked last, and is not any more.
    pub freed: bool,
}

impl Shared {
    /// Writes down for the certificate what was left for it.
    ///
    /// # Errors
    /// If the database refuses.
    pub(super) async fn note(self, tx: &mut TenantTx, id: ErasureId) -> Result<()> {
        let tenant = tx.tenant;
        for (others, what) in [(self.phones, "number"), (self.emails, "address")] {
            let deed = "left out: other leads have it, so rows by it alone stay";
            store::add_count(tx.conn(), tenant, id, what, deed, others.min(1)).await?;
        }
        let deed = "left: other leads with the same number or address";
        store::add_count(tx.conn(), tenant, id, "leads", deed, self.phones + self.emails).await
    }
}

/// Decides which numbers and addresses lead to rows: one that another lead has too leads to none, as nobody can tell whose those
/// are that name no lead. Leads come and go while an erasure waits for calls and providers, so it is asked at each look.
async fn leave_shared(tx: &mut TenantTx, id: ErasureId) -> Result<Shared> {
    let tenant = tx.tenant;
    let who = store::who(tx.conn(), tenant, id).await?;
    let (phones, emails) = store::others_reached(tx.conn(), tenant, &who).await?;
    let number = (&["leads.phone", "calls.number"][..], Channel::Sms);
    let address = (&["leads.email"][..], Channel::Email);
    let (mut taken, mut freed) = (false, false);
    for (of, others) in [(number, phones), (address, emails)] {
        let changed = store::set_shared(tx.conn(), tenant, id, of, others > 0).await?;
        taken |= changed && others > 0;
        freed |= changed && others == 0;
    }
    if taken {
        store::forget_found(tx.conn(), tenant, id).await?;
    }
    Ok(Shared { phones, emails, freed })
}

/// Keys of rows that are the person's without being a lead's: what was written to the bare address, calls from the number
/// before anybody was known by it. Answers who else is reached the same way by now.
///
/// # Errors
/// If the database refuses.
pub(super) async fn others(tx: &mut TenantTx, id: ErasureId) -> Result<Shared> {
    let tenant = tx.tenant;
    let shared = leave_shared(tx, id).await?;
    let who = store::who(tx.conn(), tenant, id).await?;
    let found = store::subjects_of_rows(tx.conn(), tenant, &who).await?;
    let found: Vec<(SubjectId, bool)> = found.into_iter().map(|subject| (subject, false)).collect();
    store::add_subjects(tx.conn(), tenant, id, &found).await?;
    Ok(shared)
}

/// The same by a tombstone, where the database does not know that it was done: it was restored from before. The keys are
/// destroyed with it. Answers whether there is something to be done.
///
/// # Errors
/// If the database refuses.
pub async fn again(ctx: &Ctx, stone: &Tombstone) -> Result<bool> {
    let mut tx = ctx.begin().await?;
    let id = stone.erasure;
    if !store::put_again(tx.conn(), ctx.tenant, id, (stone.lead, stone.subject), stone.at, &stone.keys)
        .await?
    {
        return Ok(false);
    }
    store::add_subjects(tx.conn(), ctx.tenant, id, &stone.subjects).await?;
    let hashes: Vec<(&str, Vec<u8>)> =
        stone.addresses.iter().map(|(name, hash)| (name.as_str(), hash.clone())).collect();
    store::add_addresses(tx.conn(), ctx.tenant, id, &hashes).await?;
    suppressions::of_erased(ctx, &mut tx, stone.subject, &stone.channels).await?;
    let destroyed = keys::all_of(&mut tx, id).await?;
    let n = usize::try_from(destroyed).unwrap_or(usize::MAX);
    store::add_count(tx.conn(), ctx.tenant, id, "subject_keys", "destroyed again", n).await?;
    others(&mut tx, id).await?;
    let detail = json!({ "keys": destroyed });
    tx.audit(&[Entry::new("repeat", "erasure", id).detail(detail).notice()]).await?;
    tx.commit().await?;
    Ok(true)
}
