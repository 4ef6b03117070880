//! Leads that are the same person: found by their number or address, and made one.

use serde::Deserialize;
use serde_json::json;

use super::{
    activities::{self, Activity, ActivityKind, note_place},
    commands,
    known::{Known, further},
    lead::{LeadView, MOST_TAGS, Status, check, place, subject},
    seal::Seal,
    status::{Before, follow, score_anew},
    store::{self, Parts, RowToMerge},
    terms::{self, Plan, Terms},
};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    campaigns::conversions,
    error::{Error, Result},
    events::{Event, EventType},
    messages::consents,
    privacy::{erasure, holds, restriction},
    routing::{succeed, sweep},
    sequences,
    tenancy::{Begun, TenantTx},
    types::LeadId,
    vault::{SubjectKeys, Vault},
    workflows::of_lead,
};

/// Duplicates of a lead that are shown.
const SHOWN: i64 = 50;
/// Notes sealed anew at a time.
const PAGE: i64 = 500;

/// Which lead goes.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Merge {
    /// The lead that is no more afterwards.
    pub loser_id: LeadId,
    /// The version of the lead that stays; another one in the meantime is answered with 409.
    pub version: Option<i64>,
}

/// Leads with the same phone number or e-mail address, newest first; 50 at most.
///
/// # Errors
/// If there is no such lead.
pub async fn duplicates(ctx: &Ctx, id: LeadId) -> Result<Vec<LeadView>> {
    ctx.require(Permission::LeadsRead)?;
    let mut tx = ctx.begin().await?;
    if !store::is_seen(tx.conn(), ctx.tenant, id, ctx.rows).await? {
        return Err(Error::NotFound("lead"));
    }
    let same = store::duplicates(tx.conn(), ctx.tenant, id, ctx.rows, SHOWN).await?;
    commands::these(ctx, &mut tx, same, SHOWN).await
}

/// Makes two leads one: what the one that stays lacks it gets from the other, with all that was done, written and spoken
/// with it; so too who has it, and how far it has come. Then the other goes. What was left over of the other's name,
/// number and address stands in the timeline.
///
/// # Errors
/// If one of them is not there or is being erased, another version than the given one is, both together know more than one
/// lead may, or a message to the other or a call with it is just changing.
pub async fn merge(ctx: &Ctx, id: LeadId, asked: Merge) -> Result<LeadView> {
    ctx.require(Permission::LeadsMerge)?;
    if asked.loser_id == id {
        return Err(Error::invalid("/loser_id", "name another lead than the one that stays"));
    }
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(_) => return commands::only(ctx, id).await,
    };
    let tx = &mut keyed.tx;
    let plan = terms::plan(tx).await?;
    let (winner, loser) = lock(ctx, tx, id, asked).await?;
    if !erasure::running_among(tx, &[id, loser.id]).await?.is_empty() {
        return Err(erasure::goes_on());
    }
    if !store::take_messages(tx.conn(), ctx.tenant, loser.id, id).await?
        || !store::take_calls(tx.conn(), ctx.tenant, loser.id, id).await?
    {
        let detail = "a message to the lead that would go, or a call with it, is just changing; do it again in a moment";
        return Err(Error::conflict("lead-busy", detail));
    }
    sequences::of_lead::hold(tx, &[id, loser.id]).await?;
    consents::leads_merge(tx, id, loser.id).await?;
    conversions::leads_merge(tx, id, loser.id).await?;
    restriction::leads_merge(tx, id, loser.id).await?;
    holds::leads_merge(tx, id, loser.id).await?;
    let keys = Vault::make_subjects(tx, &[subject(id), subject(loser.id)]).await?;
    let mut known = open(ctx, &keys, &winner)?;
    let over = known.join(open(ctx, &keys, &loser)?);
    write(ctx, tx, &keys, (&winner, &loser), &known, &plan).await?;
    take_activities(ctx, tx, &keys, (id, loser.id)).await?;
    if !succeed::lead_succeeds(tx, id, loser.id).await? {
        sweep::lead_closes(tx, loser.id).await?;
    }
    of_lead::leads_merge(tx, id, loser.id).await?;
    let detail = json!({ "loser_id": loser.id });
    // While both are there: the events say whose they are.
    tx.emit(&[
        Event::new(EventType::LeadMerged, "lead", id).with(detail.clone()),
        Event::new(EventType::LeadDeleted, "lead", loser.id),
    ])
    .await?;
    if !store::delete(tx.conn(), ctx.tenant, loser.id, ctx.rows).await? {
        return Err(Error::NotFound("lead"));
    }
    store::insert_merge(tx.conn(), ctx.tenant, (loser.id, id), ctx.actor.id()).await?;
    let merged = Activity::of(ActivityKind::Merge).about("lead", loser.id.0).noting(over);
    activities::record(tx, id, &merged).await?;
    tx.audit(&[Entry::new("merge", "lead", id).detail(detail)]).await?;
    keyed.commit((), 200, format!("/api/v1/leads/{id}")).await?;
    commands::only(ctx, id).await
}

/// Both leads, locked in the order of their ids: the one that stays and the other.
async fn lock(ctx: &Ctx, tx: &mut TenantTx, id: LeadId, asked: Merge) -> Result<(RowToMerge, RowToMerge)> {
    let both = [id.0, asked.loser_id.0];
    let mut held = store::lock_to_merge(tx.conn(), ctx.tenant, &both, ctx.rows).await?;
    let at = held.iter().position(|row| row.id == id).ok_or(Error::NotFound("lead"))?;
    let winner = held.swap_remove(at);
    let loser = held.pop().ok_or_else(|| Error::invalid("/loser_id", "there is no such lead"))?;
    ctx.expect_version("lead", asked.version, winner.version)?;
    Ok((winner, loser))
}

fn open(ctx: &Ctx, keys: &SubjectKeys, row: &RowToMerge) -> Result<Known> {
    let text = |column, sealed: &Option<Vec<u8>>| match sealed {
        Some(sealed) => keys.open(&place(ctx.tenant, column, row.id), sealed),
        None => Ok(None),
    };
    let attributes = text("attributes_sealed", &row.attributes_sealed)?;
    let attributes =
        attributes.map(|text| serde_json::from_str(&text)).transpose().map_err(Error::internal)?;
    Ok(Known {
        name: text("name_sealed", &row.name_sealed)?,
        phone: text("phone_sealed", &row.phone_sealed)?,
        email: text("email_sealed", &row.email_sealed)?,
        language: row.language.clone(),
        region: row.region.clone(),
        value_cents: row.value_cents,
        cost_cents: row.cost_cents,
        tags: row.tags.clone(),
        attributes: attributes.unwrap_or_default(),
    })
}

fn status_of(row: &RowToMerge) -> Result<Status> {
    let known = Status::named(&row.status);
    known.ok_or_else(|| Error::internal(format!("a lead is {}", row.status)))
}

/// Writes what is known of both to the one that stays, under its own key.
async fn write(
    ctx: &Ctx,
    tx: &mut TenantTx,
    keys: &SubjectKeys,
    (winner, loser): (&RowToMerge, &RowToMerge),
    known: &Known,
    plan: &Plan,
) -> Result<()> {
    if !check(true, (None, None), &[], &known.attributes).is_empty() {
        let detail = "together they have more than 32 KiB of attributes; remove some of them first";
        return Err(Error::conflict("too-much-to-merge", detail));
    }
    if known.tags.len() > MOST_TAGS {
        let detail = "together they have more than 50 tags; take some off first";
        return Err(Error::conflict("too-much-to-merge", detail));
    }
    let id = winner.id;
    let (before, status) = (status_of(winner)?, further(status_of(winner)?, status_of(loser)?));
    let seal = Seal { ctx, keys, lead: id };
    let row = store::MergedRow {
        known,
        status,
        name_sealed: seal.text("name_sealed", known.name.as_deref())?,
        phone_sealed: seal.text("phone_sealed", known.phone.as_deref())?,
        phone_index: winner.phone_index.as_ref().or(loser.phone_index.as_ref()),
        email_sealed: seal.text("email_sealed", known.email.as_deref())?,
        email_index: winner.email_index.as_ref().or(loser.email_index.as_ref()),
        attributes_sealed: seal.attributes(&known.attributes)?,
    };
    store::update_merged(tx.conn(), ctx.tenant, (id, loser.id), &row).await?;
    if status == before {
        // What was done with both counts for the one that stays.
        score_anew(tx, &[id]).await?;
    } else {
        let winner = Before { id, status: &winner.status, owner: winner.owner, team: winner.team };
        follow(tx, &[winner], status).await?;
    }
    let index = ctx.platform.vault.tenant_keys(tx.conn(), ctx.tenant).await?;
    let mut terms = Terms::new(&index, plan);
    terms.add_tags(id, known.tags.iter().map(String::as_str));
    terms.add_name(id, known.name.as_deref());
    terms.add_attributes(id, &known.attributes);
    store::put_terms(tx.conn(), ctx.tenant, &[id], Parts::ALL, &terms.into_made()).await
}

/// What was done with the other was done with the one that stays; notes are sealed under its key.
async fn take_activities(
    ctx: &Ctx,
    tx: &mut TenantTx,
    keys: &SubjectKeys,
    (winner, loser): (LeadId, LeadId),
) -> Result<()> {
    loop {
        let notes = store::notes(tx.conn(), ctx.tenant, loser, PAGE).await?;
        if notes.is_empty() {
            break;
        }
        let mut moved = Vec::with_capacity(notes.len());
        for (id, sealed) in notes {
            let place = note_place(ctx.tenant, id);
            let seal = |note: String| keys.seal(&ctx.platform, subject(winner), &place, &note);
            moved.push((id, keys.open(&place, &sealed)?.map(seal).transpose()?));
        }
        store::move_notes(tx.conn(), ctx.tenant, winner, &moved).await?;
    }
    store::move_activities(tx.conn(), ctx.tenant, (winner, loser)).await
}
