//! Commands on single leads: create, read, change, delete.

use serde_json::Map;

use super::{
    contacts::{Contacts, IfTaken},
    home,
    insert::insert,
    lead::{LeadChange, LeadView, NewLead, Source, Status, attributes, check, place, subject},
    seal::Seal,
    search, status, store,
    terms::{self, Plan, Terms},
    values,
};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, Result},
    events::{Event, EventType},
    privacy::{erasure, holds, restriction},
    routing::sweep,
    tenancy::{Begun, Once, TenantTx},
    types::{AgentId, E164, EmailAddress, ImportId, LeadId, SubjectId, Text},
    vault::{Place, SubjectKeys, Vault, mask},
    workflows::of_lead,
};

/// Which leads to list.
#[derive(Debug, Default)]
pub struct Filter {
    pub id: Option<LeadId>,
    pub status: Option<Status>,
    pub source: Option<Source>,
    pub owner: Option<AgentId>,
    pub import: Option<ImportId>,
    pub email: Option<EmailAddress>,
    pub phone: Option<E164>,
    pub tag: Option<Text<50>>,
    /// A phone number, an e-mail address, or whole words of the name.
    pub q: Option<Text<200>>,
    /// Names and values of searchable attributes.
    pub attributes: Vec<(String, String)>,
}

/// Makes a lead, unless another one has its number or address and that is not wanted.
///
/// # Errors
/// If a value breaks a rule, the caller would not see it, or another lead has its number or address.
pub async fn create(ctx: &Ctx, new: NewLead, if_taken: IfTaken) -> Result<Once<LeadId>> {
    ctx.require(Permission::LeadsCreate)?;
    if_taken.require(ctx)?;
    home::require(ctx)?;
    let reachable = new.phone.is_some() || new.email.is_some();
    let wrong = check(reachable, (new.value_cents, new.cost_cents), &new.tags, &new.attributes);
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let plan = terms::plan(&mut keyed.tx).await?;
    let wrong = values::check(&plan.definitions, &new.attributes);
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    let id = LeadId(ctx.id());
    if if_taken == IfTaken::Reject {
        let index = ctx.platform.vault.tenant_keys(keyed.tx.conn(), ctx.tenant).await?;
        let contacts = Contacts::of(&index, new.phone.as_ref(), new.email.as_ref());
        contacts.hold(&mut keyed.tx).await?;
        contacts.refuse_taken(ctx, &mut keyed.tx, id).await?;
    }
    insert(ctx, &mut keyed.tx, None, &plan, &[(id, new)]).await?;
    keyed.tx.audit(&[Entry::new("create", "lead", id)]).await?;
    keyed.commit(id, 201, format!("/api/v1/leads/{id}")).await
}

/// Changes a lead. One that opens again goes back to its owner if they have room, else into its team's queue.
///
/// # Errors
/// If there is no such lead, a value breaks a rule, another version than the given one is there, another lead has a
/// number or an address that it is to have and that is not wanted, or the caller would not see it any more.
pub async fn change(ctx: &Ctx, id: LeadId, change: LeadChange, if_taken: IfTaken) -> Result<LeadView> {
    ctx.require(Permission::LeadsWrite)?;
    if_taken.require(ctx)?;
    let mut tx = ctx.begin().await?;
    let plan = terms::plan(&mut tx).await?;
    apply(ctx, &mut tx, &plan, id, (&change, if_taken)).await?;
    tx.commit().await?;
    only(ctx, id).await
}

/// The same in a transaction, of which nothing may be committed if it is refused.
pub(super) async fn apply(
    ctx: &Ctx,
    tx: &mut TenantTx,
    plan: &Plan,
    id: LeadId,
    (change, if_taken): (&LeadChange, IfTaken),
) -> Result<()> {
    let none = Map::new();
    let tags = change.tags.as_deref().unwrap_or_default();
    let attributes = change.attributes.as_ref().unwrap_or(&none);
    let index = ctx.platform.vault.tenant_keys(tx.conn(), ctx.tenant).await?;
    let number = change.phone.as_ref().and_then(Option::as_ref);
    let address = change.email.as_ref().and_then(Option::as_ref);
    let contacts = Contacts::of(&index, number, address);
    if change.phone.is_some() || change.email.is_some() {
        // Before the lock of the lead, as everybody does.
        contacts.hold(tx).await?;
    }
    let held = store::lock(tx.conn(), ctx.tenant, id, ctx.rows).await?.ok_or(Error::NotFound("lead"))?;
    ctx.expect_version("lead", change.version, held.version)?;
    let phone = change.phone.as_ref().map_or(held.has_phone, Option::is_some);
    let email = change.email.as_ref().map_or(held.has_email, Option::is_some);
    let money = (change.value_cents.flatten(), change.cost_cents.flatten());
    let mut wrong = check(phone || email, money, tags, attributes);
    if change.attributes.is_some() {
        wrong.extend(values::check(&plan.definitions, attributes));
    }
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    if if_taken == IfTaken::Reject {
        contacts.refuse_taken(ctx, tx, id).await?;
    }
    let keys = Vault::make_subjects(tx, &[subject(id)]).await?;
    let seal = Seal { ctx, keys: &keys, lead: id };
    let text = |column, value: Option<Option<&str>>| value.map(|value| seal.text(column, value)).transpose();
    let row = store::ChangedRow {
        name_sealed: text("name_sealed", change.name.as_ref().map(|name| name.as_ref().map(Text::as_str)))?,
        phone_sealed: text("phone_sealed", change.phone.is_some().then_some(number.map(E164::as_str)))?,
        phone_index: change.phone.is_some().then_some(contacts.phone),
        email_sealed: text(
            "email_sealed",
            change.email.is_some().then_some(address.map(EmailAddress::as_str)),
        )?,
        email_index: change.email.is_some().then_some(contacts.email),
        attributes_sealed: change.attributes.as_ref().map(|all| seal.attributes(all)).transpose()?,
    };
    store::update(tx.conn(), ctx.tenant, id, change, &row).await?;
    put_terms(tx, id, change, Terms::new(&index, plan)).await?;
    if let Some(to) = change.status
        && let Some((_, owner, team)) = status::follow(tx, &[held.before(id)], to).await?.pop()
        && !ctx.rows.hold(owner, team)
    {
        let detail = "its owner cannot take it back, so you would not see this lead any more; \
                      ask somebody who sees more";
        return Err(Error::beyond("/status", detail));
    }
    tx.audit(&[Entry::new("update", "lead", id)]).await?;
    tx.emit(&[Event::new(EventType::LeadUpdated, "lead", id)]).await
}

/// The same where its person says that something is wrong.
///
/// # Errors
/// As [`change`].
pub(crate) async fn rectify(ctx: &Ctx, tx: &mut TenantTx, id: LeadId, change: &LeadChange) -> Result<()> {
    let plan = terms::plan(tx).await?;
    apply(ctx, tx, &plan, id, (change, IfTaken::Allow)).await
}

/// A lead, for whoever has just changed it.
pub(super) async fn only(ctx: &Ctx, id: LeadId) -> Result<LeadView> {
    let filter = Filter { id: Some(id), ..Filter::default() };
    read(ctx, &filter, None, 1).await?.pop().ok_or(Error::NotFound("lead"))
}

/// What a lead is found by goes with what it is changed to.
async fn put_terms(tx: &mut TenantTx, id: LeadId, change: &LeadChange, mut terms: Terms<'_>) -> Result<()> {
    let parts = store::Parts {
        tags: change.tags.is_some(),
        name: change.name.is_some(),
        attributes: change.attributes.is_some(),
    };
    if !parts.tags && !parts.name && !parts.attributes {
        return Ok(());
    }
    terms.add_tags(id, change.tags.iter().flatten().map(Text::as_str));
    terms.add_name(id, change.name.as_ref().and_then(Option::as_ref).map(Text::as_str));
    if let Some(attributes) = &change.attributes {
        terms.add_attributes(id, attributes);
    }
    let tenant = tx.tenant;
    store::put_terms(tx.conn(), tenant, &[id], parts, &terms.into_made()).await
}

/// Deletes a lead. Messages that were sent to it and calls with it stay; a workflow that is about it is cancelled.
///
/// # Errors
/// If there is no such lead, a legal hold or a restriction keeps it, it is to be erased, or a call with it is just changing.
pub async fn delete(ctx: &Ctx, id: LeadId) -> Result<()> {
    ctx.require(Permission::LeadsDelete)?;
    let mut tx = ctx.begin().await?;
    let held = store::lock(tx.conn(), ctx.tenant, id, ctx.rows).await?.ok_or(Error::NotFound("lead"))?;
    ctx.expect_version("lead", None, held.version)?;
    if !holds::held_among(&mut tx, &[id]).await?.is_empty() {
        let detail = "a legal hold keeps what is known of this person; see the holds, and release them first";
        return Err(Error::conflict("legal-hold", detail));
    }
    if !erasure::open_among(&mut tx, &[id]).await?.is_empty() {
        let detail = "it is asked that this person be erased, which deletes the lead too; carry that out, or withdraw it first";
        return Err(Error::conflict("erasure-open", detail));
    }
    if restriction::is_restricted(&mut tx, id).await? {
        return Err(restriction::forbids());
    }
    if !store::lock_calls(tx.conn(), ctx.tenant, &[id]).await?.is_empty() {
        let detail = "a call with the lead is just changing; do it again in a moment";
        return Err(Error::conflict("lead-busy", detail));
    }
    sweep::lead_closes(&mut tx, id).await?;
    of_lead::lead_goes(&mut tx, id).await?;
    // While it is there: the event says whose it was.
    tx.emit(&[Event::new(EventType::LeadDeleted, "lead", id)]).await?;
    if !store::delete(tx.conn(), ctx.tenant, id, ctx.rows).await? {
        return Err(Error::NotFound("lead"));
    }
    tx.audit(&[Entry::new("delete", "lead", id)]).await?;
    tx.commit().await
}

/// Newest first, those with ids below `before`.
///
/// # Errors
/// If the permission is missing or the database does not answer.
pub async fn list(ctx: &Ctx, filter: &Filter, before: Option<LeadId>, limit: i64) -> Result<Vec<LeadView>> {
    ctx.require(Permission::LeadsRead)?;
    search::require_sight(ctx, filter)?;
    read(ctx, filter, before, limit).await
}

/// A lead, by the id that it has; see [`super::merged::find`] for those that it had.
///
/// # Errors
/// If there is no such lead.
pub async fn get(ctx: &Ctx, id: LeadId) -> Result<LeadView> {
    let filter = Filter { id: Some(id), ..Filter::default() };
    list(ctx, &filter, None, 1).await?.pop().ok_or(Error::NotFound("lead"))
}

async fn read(ctx: &Ctx, filter: &Filter, before: Option<LeadId>, limit: i64) -> Result<Vec<LeadView>> {
    let mut tx = ctx.begin().await?;
    let wanted = search::wanted(ctx, &mut tx, filter).await?;
    let asked = store::Asked { tenant: ctx.tenant, filter, wanted: &wanted, seen: ctx.rows };
    let only = store::having_terms(tx.conn(), &asked, before, limit).await?;
    let rows = store::leads(tx.conn(), &asked, only, before, limit).await?;
    views(ctx, &mut tx, rows).await
}

/// These leads, as far as the caller sees them.
pub(crate) async fn these(
    ctx: &Ctx,
    tx: &mut TenantTx,
    ids: Vec<LeadId>,
    limit: i64,
) -> Result<Vec<LeadView>> {
    let rows = rows_of(ctx, tx, ids, limit).await?;
    views(ctx, tx, rows).await
}

/// The same for whoever goes on with all of them: what does not open is missing there, and takes nothing else with it.
pub(crate) async fn these_shown(
    ctx: &Ctx,
    tx: &mut TenantTx,
    ids: Vec<LeadId>,
    limit: i64,
) -> Result<Vec<LeadView>> {
    let rows = rows_of(ctx, tx, ids, limit).await?;
    opened(ctx, tx, rows, |keys, place, sealed| Ok(keys.shown(place, sealed))).await
}

async fn rows_of(ctx: &Ctx, tx: &mut TenantTx, ids: Vec<LeadId>, limit: i64) -> Result<Vec<store::LeadRow>> {
    let (filter, wanted) = (Filter::default(), store::Wanted::default());
    let asked = store::Asked { tenant: ctx.tenant, filter: &filter, wanted: &wanted, seen: ctx.rows };
    store::leads(tx.conn(), &asked, Some(ids), None, limit).await
}

pub(super) async fn views(ctx: &Ctx, tx: &mut TenantTx, rows: Vec<store::LeadRow>) -> Result<Vec<LeadView>> {
    opened(ctx, tx, rows, SubjectKeys::open).await
}

async fn opened(
    ctx: &Ctx,
    tx: &mut TenantTx,
    rows: Vec<store::LeadRow>,
    by: impl Fn(&SubjectKeys, &Place, &[u8]) -> Result<Option<String>>,
) -> Result<Vec<LeadView>> {
    let shown = shown_to_all(ctx, tx).await?;
    let subjects: Vec<SubjectId> = rows.iter().map(|row| subject(row.id)).collect();
    let keys = Vault::subjects(tx, &subjects).await?;
    rows.into_iter()
        .map(|row| {
            let open = |column, sealed: &Option<Vec<u8>>| -> Result<Option<String>> {
                let Some(sealed) = sealed else { return Ok(None) };
                by(&keys, &place(ctx.tenant, column, row.id), sealed)
            };
            let name = ctx.seen(open("name_sealed", &row.name_sealed)?, mask::name);
            let phone = ctx.seen(open("phone_sealed", &row.phone_sealed)?, mask::phone);
            let email = ctx.seen(open("email_sealed", &row.email_sealed)?, mask::email);
            let kept = open("attributes_sealed", &row.attributes_sealed)?;
            let kept = kept.map(|text| attributes(&text, shown.as_deref())).transpose()?.flatten();
            Ok(row.into_view(name, phone, email, kept))
        })
        .collect()
}

/// The attributes that are shown to whoever may not see personal data; none if the caller may.
async fn shown_to_all(ctx: &Ctx, tx: &mut TenantTx) -> Result<Option<Vec<String>>> {
    if ctx.grants.contains(Permission::PersonalRead) {
        return Ok(None);
    }
    let all = store::definitions(tx.conn(), ctx.tenant).await?;
    let plain = all.into_iter().filter(|definition| !definition.personal);
    Ok(Some(plain.map(|definition| definition.name).collect()))
}
