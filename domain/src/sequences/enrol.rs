//! Who enters: one lead, or a page of many, in a transaction that holds them. Whoever is on their way is left there, so to
//! enrol somebody twice is harmless; whoever has been through enters again only as the sequence says.

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::json;

use super::{
    read::{self, EnrolmentView},
    rules::due::due,
    store::{self, NewEnrolment},
    walk,
};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, Result},
    events::{Event, EventType},
    leads::merged,
    messages::to_leads,
    tenancy::{Begun, Once, TenantTx},
    types::{EnrolmentId, LeadId, SequenceId},
};

const NO_SEQUENCE: &str =
    "there is no such sequence that leads may enter; publish it first, or name another one";

/// Lets a lead enter a sequence. One that is on its way stays where it is, and that is answered.
///
/// # Errors
/// If there is no such sequence or lead, or a conflict if nobody may enter the sequence or the lead may not again.
pub async fn enrol(ctx: &Ctx, sequence: SequenceId, lead: LeadId) -> Result<Once<EnrolmentView>> {
    permitted(ctx)?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let tx = &mut keyed.tx;
    let found = store::sequences(tx.conn(), ctx.tenant, Some(sequence), None, None, 1).await?.pop();
    let found = found.ok_or(Error::NotFound("sequence"))?;
    if !may_be_entered(&found.state) {
        let detail = format!("it is {}, so nobody may enter it", found.state);
        return Err(Error::conflict("sequence-state", detail));
    }
    let held = merged::hold(tx, lead, ctx.rows).await?;
    let lead = held.ok_or_else(|| Error::invalid("/lead_id", "there is no such lead"))?;
    let entered = enter(tx, sequence, &[lead], "").await?;
    if entered.refused > 0 {
        let detail = "it has been through this sequence, which does not let it enter again yet";
        return Err(Error::conflict("been-through", detail));
    }
    let id = store::enrolment_of(tx.conn(), ctx.tenant, sequence, lead).await?;
    let id = id.ok_or_else(|| Error::internal("a lead that has entered is not there"))?;
    let is_fresh = !entered.leads.is_empty();
    if is_fresh {
        let detail = json!({ "sequence_id": sequence, "lead_id": lead });
        tx.audit(&[Entry::new("enrol", "enrolment", id).detail(detail)]).await?;
    }
    let view = read::one(tx, id).await?;
    keyed.commit(view, if is_fresh { 201 } else { 200 }, location(id)).await
}

/// Refuses who may not let leads enter: messages are sent to them.
///
/// # Errors
/// If a permission is missing.
pub(crate) fn permitted(ctx: &Ctx) -> Result<()> {
    ctx.require(Permission::SequencesEnrol)?;
    ctx.require(Permission::MessagesSend)
}

/// Refuses a sequence that nobody may enter, told at this place of a request.
///
/// # Errors
/// If there is no such sequence.
pub(crate) async fn check(tx: &mut TenantTx, sequence: SequenceId, at: &str) -> Result<()> {
    let tenant = tx.tenant;
    let found = store::sequences(tx.conn(), tenant, Some(sequence), None, None, 1).await?.pop();
    if found.is_some_and(|found| may_be_entered(&found.state)) {
        return Ok(());
    }
    Err(Error::invalid(format!("{at}/sequence_id"), NO_SEQUENCE))
}

/// One that is paused is entered and takes no steps.
fn may_be_entered(state: &str) -> bool {
    matches!(state, "active" | "paused")
}

/// Who has entered.
pub(crate) struct Entered {
    pub leads: Vec<LeadId>,
    /// How many have been through and may not enter again; all others were on their way.
    pub refused: usize,
}

/// Lets leads enter, which the caller holds.
///
/// # Errors
/// If nobody may enter the sequence, told at this place; or the database refuses.
pub(crate) async fn enter(
    tx: &mut TenantTx,
    sequence: SequenceId,
    leads: &[LeadId],
    at: &str,
) -> Result<Entered> {
    let tenant = tx.tenant;
    // Of two who let the same lead in, the second one sees what the first one has done.
    store::lock_leads(tx.conn(), tenant, leads).await?;
    let shared = store::share_sequence(tx.conn(), tenant, sequence).await?;
    let shared = shared.filter(|shared| may_be_entered(&shared.state));
    let version = shared.and_then(|shared| shared.published);
    let version = version.ok_or_else(|| Error::invalid(format!("{at}/sequence_id"), NO_SEQUENCE))?;
    let mut definitions = store::definitions(tx.conn(), tenant, sequence, &[version]).await?;
    let published = definitions.remove(&version);
    let definition =
        published.ok_or_else(|| Error::internal("the version that is entered is not there"))?.definition;
    let now = store::now(tx.conn()).await?;
    let since = match definition.reentry_after_days {
        Some(days) => now - TimeDelta::days(days.into()),
        None => DateTime::<Utc>::UNIX_EPOCH,
    };
    let standing = store::standing(tx.conn(), tenant, sequence, leads, since).await?;
    let refused = standing.iter().filter(|one| one.been && !one.open).count();
    let fresh = standing.into_iter().filter(|one| !one.been && !one.open);
    let fresh: Vec<LeadId> = fresh.map(|one| one.lead).collect();
    let delay = definition.steps.first().map(|step| step.delay).unwrap_or_default();
    let known = store::leads_now(tx.conn(), tenant, &fresh).await?;
    let clocks = match delay.at {
        Some(_) => to_leads::clocks(tx, &fresh).await?,
        None => HashMap::new(),
    };
    let chance = Arc::clone(&tx.platform.chance);
    let new = |lead: &LeadId| NewEnrolment {
        id: EnrolmentId(chance.id()),
        lead: *lead,
        score: known.get(lead).and_then(|known| known.score),
        due_at: due(delay, now, clocks.get(lead).copied().unwrap_or(Tz::UTC)),
    };
    let new: Vec<NewEnrolment> = fresh.iter().map(new).collect();
    if new.is_empty() {
        return Ok(Entered { leads: Vec::new(), refused });
    }
    let put = store::insert_enrolments(tx.conn(), tenant, (sequence, version), &new, now).await?;
    let event = |(id, lead): &(EnrolmentId, LeadId)| {
        Event::new(EventType::SequenceEntered, "enrolment", id)
            .with(json!({ "sequence_id": sequence, "lead_id": lead, "version": version }))
    };
    tx.emit(&put.iter().map(event).collect::<Vec<_>>()).await?;
    if new.iter().any(|one| one.due_at <= now) {
        walk::wake(tx, sequence).await?;
    }
    Ok(Entered { leads: put.into_iter().map(|(_, lead)| lead).collect(), refused })
}

/// Where an enrolment is read.
fn location(id: EnrolmentId) -> String {
    format!("/api/v1/sequences/enrolments/{id}")
}
