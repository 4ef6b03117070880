//! Saved reports are made, changed and deleted.

use chrono::{DateTime, TimeDelta, Utc};
use engine::{
    NewJob,
    schedules::{self, Misfire, Overlap, Refused, Spec, When},
};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::{
    SavedReportView, find, location, place,
    span::Span,
    store, subject,
    work::{DeliverReport, business_key},
};
use crate::{
    Ctx,
    access::permission::Permission,
    analytics::{document::ReportKind, export::FileFormat},
    audit::Entry,
    error::{Error, Result},
    messages::{provider::Channel, recipient::Recipient, to_leads::Means},
    tenancy::{self, Begun, Latch, Once, TenantTx},
    types::{EmailAddress, ProviderId, SavedReportId, SubjectId, TemplateId, Text, Zone},
    vault::Vault,
};

/// Saved reports of a tenant.
const MOST: i64 = 200;
/// Recipients of one.
const MOST_RECIPIENTS: usize = 50;

/// From one time to the next.
const SHORTEST: TimeDelta = TimeDelta::hours(1);
/// Times that are looked at for that: more than there are in a day.
const PACED: usize = 26;

/// What a saved report is to be.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SavedReportDraft {
    /// Unique in the tenant.
    #[schema(value_type = String)]
    pub name: Text<100>,
    pub kind: ReportKind,
    pub span: Span,
    pub format: FileFormat,
    /// Of its days, and of `crontab`: a name of the IANA database; the tenant's own if not said.
    #[schema(value_type = Option<String>, example = "Europe/Berlin")]
    pub zone: Option<Zone>,
    /// E-mail addresses, at most 50.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub recipients: Vec<EmailAddress>,
    /// When it is sent by itself, at most once an hour: minute, hour, day of month, month, day of week; or `@daily @weekly @monthly`.
    #[schema(example = "30 7 * * 1")]
    pub crontab: Option<String>,
    /// The account that carries the mails; the first that carries e-mail if not said.
    pub provider_id: Option<ProviderId>,
    /// A template of e-mails, which is given `report`, `tenant`, `from`, `to`, `zone`, `link` and `link_expires_at`; the
    /// product's own if not said.
    pub template_id: Option<TemplateId>,
}

/// Saves a report.
///
/// # Errors
/// If a permission is missing, something about it is wrong, its name is taken, or there are too many.
pub async fn create(ctx: &Ctx, new: SavedReportDraft) -> Result<Once<SavedReportView>> {
    permitted(ctx, &new)?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let (id, tx) = (SavedReportId(ctx.id()), &mut keyed.tx);
    Latch::Exports.take(tx.conn(), ctx.tenant).await?;
    if store::count(tx.conn(), ctx.tenant).await? >= MOST {
        let detail = format!("a tenant has at most {MOST} saved reports; delete one that nobody needs");
        return Err(Error::conflict("too-many-saved-reports", detail));
    }
    check_means(tx, &new).await?;
    if !store::insert(tx.conn(), ctx.tenant, id, &put(ctx, &new), ctx.actor.id()).await? {
        return Err(name_taken());
    }
    write_recipients(ctx, tx, id, &new.recipients).await?;
    schedule(ctx, tx, id, None, &new).await?;
    tx.audit(&[Entry::new("create", "saved_report", id).detail(told(&new))]).await?;
    let view = find(ctx, tx, id).await?;
    keyed.commit(view, 201, location(id)).await
}

/// Puts another in the place of one.
///
/// # Errors
/// As [`create`], if there is none of this id, or another version of it was read.
pub async fn replace(ctx: &Ctx, id: SavedReportId, new: SavedReportDraft) -> Result<SavedReportView> {
    permitted(ctx, &new)?;
    let mut tx = ctx.begin().await?;
    Latch::Exports.take(tx.conn(), ctx.tenant).await?;
    let held = locked(ctx, &mut tx, id).await?;
    check_means(&mut tx, &new).await?;
    if new.name.as_str() != held.name
        && store::is_name_taken(tx.conn(), ctx.tenant, new.name.as_str()).await?
    {
        return Err(name_taken());
    }
    store::update(tx.conn(), ctx.tenant, id, &put(ctx, &new)).await?;
    write_recipients(ctx, &mut tx, id, &new.recipients).await?;
    schedule(ctx, &mut tx, id, held.schedule_id, &new).await?;
    tx.audit(&[Entry::new("update", "saved_report", id).detail(told(&new))]).await?;
    let view = find(ctx, &mut tx, id).await?;
    tx.commit().await?;
    Ok(view)
}

/// Takes one away, with its schedule.
///
/// # Errors
/// If there is none of this id, or another version of it was read.
pub async fn delete(ctx: &Ctx, id: SavedReportId) -> Result<()> {
    ctx.require(Permission::SavedReportsWrite)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    let held = locked(ctx, &mut tx, id).await?;
    if let Some(schedule) = held.schedule_id {
        tx.drop_schedule(schedule).await?;
    }
    write_recipients(ctx, &mut tx, id, &[]).await?;
    store::delete(tx.conn(), ctx.tenant, id).await?;
    tx.audit(&[Entry::new("delete", "saved_report", id)]).await?;
    tx.commit().await
}

/// What needs no database to be refused. Whoever has mails sent, and a file given out by them, must be allowed both.
fn permitted(ctx: &Ctx, new: &SavedReportDraft) -> Result<()> {
    ctx.require(Permission::SavedReportsWrite)?;
    ctx.require(Permission::AnalyticsRead)?;
    ctx.require_all_rows()?;
    if new.recipients.is_empty() {
        if new.crontab.is_some() {
            return Err(Error::invalid("/recipients", "name at least one, or leave crontab out"));
        }
        return Ok(());
    }
    ctx.require(Permission::AnalyticsExport)?;
    ctx.require(Permission::MessagesSend)?;
    if new.recipients.len() > MOST_RECIPIENTS {
        return Err(Error::invalid("/recipients", format!("at most {MOST_RECIPIENTS} addresses")));
    }
    let mut known: Vec<String> = new.recipients.iter().map(EmailAddress::normal).collect();
    known.sort_unstable();
    known.dedup();
    if known.len() < new.recipients.len() {
        return Err(Error::invalid("/recipients", "an address is there twice"));
    }
    if ctx.platform.public_url.is_none() {
        let detail = "this installation does not know how it is reached from outside, so no mail can hold a link: have \
                      `public_url` set";
        return Err(Error::conflict("no-public-url", detail));
    }
    Ok(())
}

/// Refuses an account or a template that is not there or carries no e-mail.
async fn check_means(tx: &mut TenantTx, new: &SavedReportDraft) -> Result<()> {
    let templates: Vec<TemplateId> = new.template_id.into_iter().collect();
    let means = Means::find(tx, &templates).await?;
    if let Some(template) = new.template_id
        && means.channel_of(template) != Some(Channel::Email)
    {
        return Err(Error::invalid("/template_id", "there is no such template of e-mails"));
    }
    let wanted = new.provider_id.is_some() || !new.recipients.is_empty();
    if wanted && !means.carries(new.provider_id, Channel::Email) {
        let detail = match new.provider_id {
            Some(_) => "there is no such provider of e-mails",
            None => "no provider sends e-mails; set one up first",
        };
        return Err(Error::invalid("/provider_id", detail));
    }
    Ok(())
}

fn put<'p>(ctx: &Ctx, new: &'p SavedReportDraft) -> store::Put<'p> {
    store::Put {
        name: new.name.as_str(),
        kind: new.kind.as_str(),
        format: new.format.as_str(),
        span: new.span.as_str(),
        zone: new.zone.as_ref().map(Zone::as_str),
        crontab: new.crontab.as_deref(),
        provider: new.provider_id,
        template: new.template_id,
        personal: ctx.grants.contains(Permission::PersonalRead),
    }
}

/// Nothing of whom it is sent to.
fn told(new: &SavedReportDraft) -> serde_json::Value {
    json!({
        "kind": new.kind, "span": new.span, "format": new.format, "crontab": new.crontab,
        "recipients": new.recipients.len(),
    })
}

fn name_taken() -> Error {
    Error::conflict("name-taken", "another saved report has this name; choose another")
}

async fn locked(ctx: &Ctx, tx: &mut TenantTx, id: SavedReportId) -> Result<store::Row> {
    let held = store::lock(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("saved report"))?;
    ctx.expect_version("saved report", None, held.version)?;
    Ok(held)
}

/// Writes down whom it is sent to: who stays keeps their row, and who goes their key is destroyed.
async fn write_recipients(
    ctx: &Ctx,
    tx: &mut TenantTx,
    report: SavedReportId,
    wanted: &[EmailAddress],
) -> Result<()> {
    let tenant = tx.tenant;
    let index = ctx.platform.vault.tenant_keys(tx.conn(), tenant).await?;
    let before = store::recipients(tx.conn(), tenant, &[report]).await?;
    let hash = |to: &EmailAddress| Recipient::Email(to.clone()).index(&index);
    let wanted: Vec<(Vec<u8>, &EmailAddress)> = wanted.iter().map(|to| (hash(to), to)).collect();
    let gone: Vec<Uuid> = before
        .iter()
        .filter(|one| wanted.iter().all(|(hash, _)| *hash != one.to_index))
        .map(|one| one.id)
        .collect();
    if !gone.is_empty() {
        store::drop_recipients(tx.conn(), tenant, &gone).await?;
        let subjects: Vec<SubjectId> = gone.iter().map(|id| subject(*id)).collect();
        Vault::destroy_subjects(tx, &subjects).await?;
    }
    let fresh: Vec<(Uuid, Vec<u8>, &EmailAddress)> = wanted
        .into_iter()
        .filter(|(hash, _)| before.iter().all(|one| one.to_index != *hash))
        .map(|(hash, to)| (ctx.id(), hash, to))
        .collect();
    let subjects: Vec<SubjectId> = fresh.iter().map(|(id, ..)| subject(*id)).collect();
    let keys = Vault::make_subjects(tx, &subjects).await?;
    for (id, hash, to) in fresh {
        let sealed = keys.seal(&ctx.platform, subject(id), &place(tenant, id), to.as_str())?;
        store::insert_recipient(tx.conn(), tenant, report, (id, &sealed, &hash)).await?;
    }
    Ok(())
}

/// Refuses a crontab by which files and mails would pile up. Hours are those of a clock that nobody changes.
fn check_pace(crontab: &str, now: DateTime<Utc>) -> Result<()> {
    let times = schedules::times(&When::Crontab(crontab.to_owned()), "UTC", None, None, now);
    let times: Vec<_> = times.map_err(Refused::Calendar)?.take(PACED).collect();
    if times.windows(2).any(|pair| pair[1] - pair[0] < SHORTEST) {
        return Err(Error::invalid("/crontab", "at most once an hour: name one minute, such as `0 * * * *`"));
    }
    Ok(())
}

/// Has it sent by itself, or not any more.
async fn schedule(
    ctx: &Ctx,
    tx: &mut TenantTx,
    report: SavedReportId,
    before: Option<Uuid>,
    new: &SavedReportDraft,
) -> Result<()> {
    let tenant = tx.tenant;
    let Some(crontab) = &new.crontab else {
        if let Some(schedule) = before {
            tx.drop_schedule(schedule).await?;
            store::set_schedule(tx.conn(), tenant, report, None).await?;
        }
        return Ok(());
    };
    let zone = match &new.zone {
        Some(zone) => zone.as_str().to_owned(),
        None => tenancy::store::zone(tx.conn(), tenant).await?,
    };
    check_pace(crontab, ctx.now())?;
    let job = NewJob::of(tenant.0, Uuid::nil(), &DeliverReport { report }).map_err(Error::internal)?;
    let spec = Spec {
        workflow: true,
        zone,
        // Each time is sent, also while the one before waits for its mail server.
        overlap: Overlap::Allow,
        misfire: Misfire::RunOnce,
        ..Spec::of(
            format!("report {report}"),
            job.about(business_key(report)),
            When::Crontab(crontab.clone()),
        )
    };
    let schedule = before.unwrap_or_else(|| ctx.id());
    tx.put_schedule(schedule, &spec).await?;
    store::set_schedule(tx.conn(), tenant, report, Some(schedule)).await
}
