//! Versions of a sequence, and whether it goes on: commands.
//!
//! The versions of its templates are fixed as a version is published, and not as somebody enters: what was looked at before
//! is what everybody gets, other words are another version, and of one version nobody gets other words than the others.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use engine::NewJob;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    leave::EmptySequence,
    location,
    manage::{SequenceView, find, locked},
    rules::definition::{LocaleVersion, Published, SequenceDefinition, SequenceStep, StepWording},
    store::{self, NewVersion},
    walk,
};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, Result},
    events::{Event, EventType},
    messages::to_leads::{self, Means},
    tenancy::{Begun, TenantTx},
    types::{SequenceId, TemplateId},
};

/// Versions of a sequence: how each goes is told at once.
const MOST_VERSIONS: i32 = 500;

/// A published version.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SequenceVersion {
    /// From 1 on.
    pub version: i32,
    pub definition: SequenceDefinition,
    /// Of each step: its channel, and the versions of its template.
    pub wordings: Vec<StepWording>,
    pub published_by: Option<Uuid>,
    pub published_at: DateTime<Utc>,
}

/// Makes a version of the draft, which whoever enters from now on goes through. A sequence that was a draft goes on at once.
///
/// # Errors
/// If there is none of this id, it has no steps, a template or an account is not there, or a conflict if it is archived or
/// has too many versions.
pub async fn publish(ctx: &Ctx, id: SequenceId) -> Result<SequenceView> {
    ctx.require(Permission::SequencesPublish)?;
    // Its messages tell what is known of leads to their addresses.
    ctx.require(Permission::MessagesSend)?;
    ctx.require(Permission::PersonalRead)?;
    ctx.require_all_rows()?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(_) => return find(&mut ctx.begin().await?, id).await,
    };
    let tx = &mut keyed.tx;
    let held = locked(ctx, tx, id).await?;
    if held.state == "archived" {
        return Err(state("it is archived; make another one"));
    }
    if held.published >= Some(MOST_VERSIONS) {
        let detail = format!("a sequence has at most {MOST_VERSIONS} versions; make another one");
        return Err(Error::conflict("too-many-versions", detail));
    }
    let definition: SequenceDefinition = serde_json::from_value(held.draft).map_err(Error::internal)?;
    if definition.steps.is_empty() {
        return Err(Error::invalid("/definition/steps", "at least one step"));
    }
    let wordings = wordings(tx, &definition).await?;
    let version = held.published.unwrap_or(0) + 1;
    let published = Published { definition, wordings };
    let new = NewVersion { sequence: id, version, published: &published, by: ctx.actor.id() };
    store::insert_version(tx.conn(), ctx.tenant, &new).await?;
    let goes_on = if held.state == "draft" { "active" } else { &*held.state };
    store::set_state(tx.conn(), ctx.tenant, id, goes_on, Some(version), None).await?;
    let detail = json!({ "version": version });
    tell(tx, id, ("publish", EventType::SequencePublished), detail).await?;
    let view = find(tx, id).await?;
    keyed.commit((), 200, location(id)).await?;
    Ok(view)
}

/// The words of each step, as they are in use now.
async fn wordings(tx: &mut TenantTx, definition: &SequenceDefinition) -> Result<Vec<StepWording>> {
    let named: Vec<TemplateId> = definition.steps.iter().filter_map(|step| step.template_id).collect();
    let means = Means::find(tx, &named).await?;
    let mut all = Vec::with_capacity(definition.steps.len());
    for (number, step) in definition.steps.iter().enumerate() {
        let at = format!("/definition/steps/{number}");
        let wording = wording(tx, &means, step, &at).await?;
        if !means.carries(step.provider_id, wording.channel) {
            let channel = wording.channel.as_str();
            return Err(Error::invalid(
                format!("{at}/provider_id"),
                match step.provider_id {
                    Some(_) => format!("there is no such provider that sends {channel}"),
                    None => format!("no provider sends {channel}; set one up first"),
                },
            ));
        }
        all.push(wording);
    }
    Ok(all)
}

async fn wording(tx: &mut TenantTx, means: &Means, step: &SequenceStep, at: &str) -> Result<StepWording> {
    if let Some(name) = &step.template {
        let found = to_leads::offered(tx, name).await?;
        let (channel, versions) = found
            .ok_or_else(|| Error::invalid(format!("{at}/template"), "there is no template of this name"))?;
        let version = |(locale, template_id): (String, TemplateId)| LocaleVersion { locale, template_id };
        return Ok(StepWording { channel, versions: versions.into_iter().map(version).collect() });
    }
    let found = step.template_id.and_then(|id| Some((id, means.channel_of(id)?)));
    let (template_id, channel) =
        found.ok_or_else(|| Error::invalid(format!("{at}/template_id"), "there is no such template"))?;
    Ok(StepWording { channel, versions: vec![LocaleVersion { locale: String::new(), template_id }] })
}

/// Takes no more steps until it is resumed. Leads may enter meanwhile, and leave.
///
/// # Errors
/// If there is none of this id, or a conflict if it is not active.
pub async fn pause(ctx: &Ctx, id: SequenceId) -> Result<SequenceView> {
    steer(ctx, id, ("active", "paused"), ("pause", EventType::SequencePaused)).await
}

/// Goes on. What became due meanwhile is taken at once; but what was to come at a time of day waits for that time.
///
/// # Errors
/// If there is none of this id, or a conflict if it is not paused.
pub async fn resume(ctx: &Ctx, id: SequenceId) -> Result<SequenceView> {
    steer(ctx, id, ("paused", "active"), ("resume", EventType::SequenceResumed)).await
}

async fn steer(
    ctx: &Ctx,
    id: SequenceId,
    (from, to): (&'static str, &'static str),
    told: (&'static str, EventType),
) -> Result<SequenceView> {
    ctx.require(Permission::SequencesPublish)?;
    ctx.require_all_rows()?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(_) => return find(&mut ctx.begin().await?, id).await,
    };
    let tx = &mut keyed.tx;
    let held = locked(ctx, tx, id).await?;
    if held.state != from {
        return Err(state(format!("it is {}, not {from}", held.state)));
    }
    store::set_state(tx.conn(), ctx.tenant, id, to, None, None).await?;
    if to == "active" {
        walk::wake(tx, id).await?;
    }
    tell(tx, id, told, json!({})).await?;
    let view = find(tx, id).await?;
    keyed.commit((), 200, location(id)).await?;
    Ok(view)
}

/// Ends a sequence for good: nobody enters any more, no step is taken, and an operation has all leads leave.
///
/// # Errors
/// If there is none of this id, or a conflict if it is a draft or archived.
pub async fn archive(ctx: &Ctx, id: SequenceId) -> Result<SequenceView> {
    ctx.require(Permission::SequencesPublish)?;
    ctx.require_all_rows()?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(_) => return find(&mut ctx.begin().await?, id).await,
    };
    let tx = &mut keyed.tx;
    let held = locked(ctx, tx, id).await?;
    match held.state.as_str() {
        "draft" => return Err(state("nothing of it was published; delete it instead")),
        "archived" => return Err(state("it is archived already")),
        _ => {}
    }
    store::set_state(tx.conn(), ctx.tenant, id, "archived", None, None).await?;
    let job = EmptySequence { sequence: id, until: None };
    let job = NewJob::of(ctx.tenant.0, ctx.id(), &job).map_err(Error::internal)?;
    let operation = job.id;
    tx.enqueue(&[job.about(format!("sequence:{id}"))]).await?;
    let detail = json!({ "operation_id": operation });
    tell(tx, id, ("archive", EventType::SequenceArchived), detail).await?;
    let view = find(tx, id).await?;
    keyed.commit((), 200, location(id)).await?;
    Ok(view)
}

/// Pauses a sequence of which a step cannot be taken for anybody: no account of its channel is left. Whoever has come to it
/// waits on, and people are told.
///
/// # Errors
/// If the database refuses.
pub async fn stop(ctx: &Ctx, id: SequenceId, code: &'static str) -> Result<()> {
    let mut tx = ctx.begin().await?;
    let held = store::lock_sequence(tx.conn(), ctx.tenant, id).await?;
    if held.is_none_or(|held| held.state != "active") {
        return Ok(());
    }
    store::set_state(tx.conn(), ctx.tenant, id, "paused", None, Some(code)).await?;
    let detail = json!({ "code": code });
    tell(&mut tx, id, ("pause", EventType::SequencePaused), detail).await?;
    tx.commit().await
}

/// The versions of a sequence, newest first, those below `before`.
///
/// # Errors
/// If there is none of this id.
pub async fn versions(
    ctx: &Ctx,
    id: SequenceId,
    before: Option<i32>,
    limit: i64,
) -> Result<Vec<SequenceVersion>> {
    ctx.require(Permission::SequencesRead)?;
    let mut tx = ctx.begin().await?;
    find(&mut tx, id).await?;
    let rows = store::versions(tx.conn(), ctx.tenant, id, before, limit).await?;
    let view = |row: store::VersionRow| SequenceVersion {
        version: row.version,
        definition: row.published.definition,
        wordings: row.published.wordings,
        published_by: row.published_by,
        published_at: row.published_at,
    };
    Ok(rows.into_iter().map(view).collect())
}

fn state(detail: impl Into<Cow<'static, str>>) -> Error {
    Error::conflict("sequence-state", detail)
}

async fn tell(
    tx: &mut TenantTx,
    id: SequenceId,
    (verb, kind): (&'static str, EventType),
    detail: Value,
) -> Result<()> {
    tx.audit(&[Entry::new(verb, "sequence", id).detail(detail.clone())]).await?;
    tx.emit(&[Event::new(kind, "sequence", id).with(detail)]).await
}
