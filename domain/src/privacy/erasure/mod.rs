//! Erasure (GDPR Art. 17): somebody asks to be forgotten, it is made sure that it is them, they may think better of it for
//! some days, and then the workflow `erase_subject` forgets them, unless a legal hold says that it must not be yet.
//!
//! - here what is asked; [`work`] the steps, each of which may be cut off anywhere and run again
//! - [`begin`] who they are under all their names, and that nobody writes to them; [`stop`] what was to be done for them;
//!   [`providers`] what others have of them; [`keys`] the tombstone and the end of their keys; [`rows`] what is left, by the
//!   [manifest](super::manifest); [`certificate`] what was done
//! - `under_way` of whom it goes on or is asked, for others; `view` how it looks; `store` the tables

pub mod begin;
pub mod certificate;
pub mod keys;
pub mod providers;
pub mod rows;
pub mod stop;
pub(crate) mod store;
mod under_way;
mod view;
pub mod work;

use chrono::{DateTime, Utc};
use engine::{NewJob, jobs, operate::Action};
use serde::Deserialize;
use serde_json::json;

pub(crate) use self::under_way::{goes_on, open_among, running_among};
pub use self::view::{ErasureFilter, ErasureView, State};
use self::work::EraseSubject;
use super::{addresses, requests::ask::received, retention};
use crate::{
    Ctx,
    access::{permission::Permission, rows::Rows},
    audit::Entry,
    error::{Error, Result},
    events::{Event, EventType},
    leads::merged,
    messages::recipient::Recipient,
    moment::Moment,
    tenancy::{Begun, Once, SystemTx, TenantTx},
    types::{E164, EmailAddress, ErasureId, LeadId, SubjectId, Text},
};

/// Within so many days somebody has their answer: a month (Art. 12(3)), whichever month it is.
const DUE_DAYS: i32 = 28;

/// Somebody asks to be forgotten.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewErasure {
    /// Where it was merged into another, that one, with all that became one with it.
    pub lead_id: Option<LeadId>,
    /// Of somebody who is no lead and was only written to or spoken with. It is kept as its hash.
    #[schema(value_type = Option<String>)]
    pub phone: Option<E164>,
    /// The same by e-mail.
    #[schema(value_type = Option<String>)]
    pub email: Option<EmailAddress>,
    /// How it was made sure that it is them who ask. None: that is still to be done, and nothing begins before. Nothing of
    /// the person.
    #[schema(value_type = Option<String>, example = "answered the call-back on the number that we have")]
    pub identity: Option<Text<500>>,
    /// When the person asked, if it was not now: the time for the answer counts from then.
    #[schema(value_type = Option<DateTime<Utc>>)]
    pub received_at: Option<Moment>,
}

/// How it was made sure who asks.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Identified {
    /// Nothing of the person.
    #[schema(value_type = String, example = "showed a passport at the desk")]
    pub identity: Text<500>,
}

/// Takes in that somebody asks to be forgotten.
///
/// # Errors
/// If the permission is missing, there is no such lead, or a conflict if it is asked for already.
pub async fn ask(ctx: &Ctx, new: NewErasure) -> Result<Once<ErasureView>> {
    ctx.require(Permission::PrivacyErase)?;
    ctx.require_all_rows()?;
    let asked_at = new.received_at.map(|at| received(ctx, Some(at))).transpose()?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let tx = &mut keyed.tx;
    let id = match (new.lead_id, new.phone, new.email) {
        (Some(named), None, None) => {
            let held = merged::hold(tx, named, ctx.rows).await?;
            let lead = held.ok_or_else(|| Error::invalid("/lead_id", "there is no such lead"))?;
            let id = take_in(ctx, tx, (Some(named), SubjectId(lead.0)), "asked", asked_at).await?;
            // Whatever becomes of the lead in the meantime, it is known where they are reached.
            let reached = addresses::of_leads(tx, &[lead]).await?;
            begin::note_reached(tx, id, &reached).await?;
            id
        }
        (None, Some(phone), None) => {
            of_nobody(ctx, tx, (Recipient::Phone(phone), "/phone"), asked_at).await?
        }
        (None, None, Some(email)) => {
            of_nobody(ctx, tx, (Recipient::Email(email), "/email"), asked_at).await?
        }
        _ => {
            return Err(Error::invalid(
                "/lead_id",
                "say who asks: a lead, or a phone number or an address that no lead has",
            ));
        }
    };
    if let Some(identity) = &new.identity {
        identify(ctx, tx, id, identity.as_str()).await?;
    }
    let view = view::one(tx, id).await?;
    keyed.commit(view, 201, format!("/api/v1/compliance/gdpr/deletion/{id}")).await
}

/// Says how it was made sure who asks. From now on the days run in which it may be withdrawn.
///
/// # Errors
/// If there is no such request, or a conflict if that was said before.
pub async fn confirm(ctx: &Ctx, id: ErasureId, identified: &Identified) -> Result<ErasureView> {
    ctx.require(Permission::PrivacyErase)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    identify(ctx, &mut tx, id, identified.identity.as_str()).await?;
    let view = view::one(&mut tx, id).await?;
    tx.commit().await?;
    Ok(view)
}

/// Withdraws a request: as long as nothing was erased.
///
/// # Errors
/// If there is no such request, or a conflict if it is carried out by now.
pub async fn withdraw(ctx: &Ctx, id: ErasureId) -> Result<ErasureView> {
    ctx.require(Permission::PrivacyErase)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    let held = store::lock(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("erasure"))?;
    match held.state {
        State::Identity | State::Cooling | State::Held => {}
        State::Withdrawn => return view::one(&mut tx, id).await,
        State::Running | State::Done => {
            let detail = "it is being carried out or was, and cannot be taken back";
            return Err(Error::conflict("erasure-begun", detail));
        }
    }
    store::withdraw(tx.conn(), ctx.tenant, id).await?;
    store::forget_addresses(tx.conn(), ctx.tenant, id).await?;
    if let Some(run) = held.run {
        tx.cancel_run(run).await?;
    }
    tx.audit(&[Entry::new("withdraw", "erasure", id).notice()]).await?;
    tx.emit(&[Event::new(EventType::ErasureWithdrawn, "erasure", id)]).await?;
    let view = view::one(&mut tx, id).await?;
    tx.commit().await?;
    Ok(view)
}

/// Newest first, those with ids below `before`.
///
/// # Errors
/// If the permission is missing.
pub async fn list(
    ctx: &Ctx,
    filter: &ErasureFilter,
    before: Option<ErasureId>,
    limit: i64,
) -> Result<Vec<ErasureView>> {
    ctx.require(Permission::PrivacyRead)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    view::many(&mut tx, filter, before, limit).await
}

/// # Errors
/// If there is no such request.
pub async fn get(ctx: &Ctx, id: ErasureId) -> Result<ErasureView> {
    ctx.require(Permission::PrivacyRead)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    view::one(&mut tx, id).await
}

/// Whoever goes by their age is erased as if they had asked, and at once, unless that is asked for already: see [`retention`].
pub(super) async fn by_age(ctx: &Ctx, tx: &mut TenantTx, lead: LeadId) -> Result<()> {
    match open(ctx, tx, (Some(lead), SubjectId(lead.0)), "retention", None).await? {
        Some(id) => start(ctx, tx, id, 0).await,
        None => Ok(()),
    }
}

/// What waited for a hold over somebody goes on at once.
pub(super) async fn wake(tx: &mut TenantTx, subject: SubjectId) -> Result<()> {
    let tenant = tx.tenant;
    let now = merged::by_now(tx, LeadId(subject.0), Rows::All).await?.unwrap_or(LeadId(subject.0));
    let filter = ErasureFilter { state: Some(State::Held), lead: Some(now), ..ErasureFilter::default() };
    let held = store::list(tx.conn(), tenant, &filter, None, 10).await?;
    let keys: Vec<String> = held.iter().map(|row| work::business_key(row.id)).collect();
    let waiting = jobs::waiting_about(tx.conn(), tenant.0, &keys).await?;
    if !waiting.is_empty() {
        tx.act(Action::Retry, &waiting).await?;
    }
    Ok(())
}

/// Takes up again what was cut off: erasures of all tenants that are not over while their runs are. Answers how many.
///
/// # Errors
/// If the database refuses.
pub async fn take_up(ctx: &Ctx) -> Result<usize> {
    let stranded = {
        let mut tx = SystemTx::begin(&ctx.platform.engine).await?;
        store::stranded(tx.conn()).await?
    };
    for (tenant, run) in &stranded {
        let mut tx = Ctx { tenant: *tenant, ..ctx.clone() }.begin().await?;
        tx.restart_run(*run, None).await?;
        tx.commit().await?;
    }
    Ok(stranded.len())
}

/// Of somebody who is no lead: what is known of where they are reached is its hashes.
async fn of_nobody(
    ctx: &Ctx,
    tx: &mut TenantTx,
    (to, at): (Recipient, &'static str),
    asked_at: Option<DateTime<Utc>>,
) -> Result<ErasureId> {
    let reached = addresses::of(tx, to).await?;
    let hashes = reached.hashes();
    let who = store::Who {
        addresses: hashes.iter().map(|(name, hash)| ((*name).to_owned(), hash.clone())).collect(),
        ..store::Who::default()
    };
    if store::others_reached(tx.conn(), ctx.tenant, &who).await? != (0, 0) {
        let detail = "a lead has it: find out who asks, and name the lead as lead_id";
        return Err(Error::invalid(at, detail));
    }
    let id = take_in(ctx, tx, (None, SubjectId(ctx.id())), "asked", asked_at).await?;
    begin::note_reached(tx, id, &[reached]).await?;
    Ok(id)
}

async fn take_in(
    ctx: &Ctx,
    tx: &mut TenantTx,
    whom: (Option<LeadId>, SubjectId),
    cause: &'static str,
    asked_at: Option<DateTime<Utc>>,
) -> Result<ErasureId> {
    open(ctx, tx, whom, cause, asked_at).await?.ok_or_else(|| {
        let detail = "it is asked for already that this person be erased; see the open requests";
        Error::conflict("erasure-open", detail)
    })
}

/// None if one of this person is open.
async fn open(
    ctx: &Ctx,
    tx: &mut TenantTx,
    (named, subject): (Option<LeadId>, SubjectId),
    cause: &'static str,
    asked_at: Option<DateTime<Utc>>,
) -> Result<Option<ErasureId>> {
    let id = ErasureId(ctx.id());
    let by = ctx.actor.id();
    let new = store::NewRow { id, named, subject, cause, by, asked_at, due_days: DUE_DAYS };
    if !store::insert(tx.conn(), ctx.tenant, &new).await? {
        return Ok(None);
    }
    let detail = json!({ "lead_id": named.map(|_| subject), "cause": cause });
    tx.audit(&[Entry::new("create", "erasure", id).detail(detail.clone()).notice()]).await?;
    tx.emit(&[Event::new(EventType::ErasureAsked, "erasure", id).with(detail)]).await?;
    Ok(Some(id))
}

async fn identify(ctx: &Ctx, tx: &mut TenantTx, id: ErasureId, identity: &str) -> Result<()> {
    let held = store::lock(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("erasure"))?;
    if held.state != State::Identity {
        let detail = "it is known already who asks, or the request was withdrawn";
        return Err(Error::conflict("erasure-identified", detail));
    }
    let days = retention::cool_off_days(tx).await?;
    store::identify(tx.conn(), ctx.tenant, id, identity, ctx.actor.id()).await?;
    tx.audit(&[Entry::new("identify", "erasure", id).notice()]).await?;
    start(ctx, tx, id, days).await
}

/// Has the workflow begin, which rests for the days to think first.
async fn start(ctx: &Ctx, tx: &mut TenantTx, id: ErasureId, days: i32) -> Result<()> {
    let input = EraseSubject { erasure: id, cool_off_days: days };
    let first = NewJob::of(ctx.tenant.0, ctx.id(), &input).map_err(Error::internal)?;
    let first = first.about(work::business_key(id)).unique(id.to_string());
    let run = tx.start_workflow(first).await?.id;
    store::cool(tx.conn(), ctx.tenant, id, run, days).await
}
