//! One action on all leads that fit a filter: shown first, then done by a job, a page a transaction.
//!
//! - `action` what is done; `apply` doing it to a page of leads; `selected` the filter as a payload holds it
//! - `reached` how far the job is

mod action;
mod apply;
mod reached;
pub(super) mod selected;

use std::{collections::HashSet, time::Duration};

use engine::{JobKind, NewJob, finish::Claim};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

pub use action::LeadAction;
pub use reached::Reached;
use selected::Selected;

use super::{commands::Filter, search, store};
use crate::{
    Ctx,
    access::{permission::Permission, rights::held_now, rows::Rows},
    audit::Entry,
    error::{Error, FieldError, Result},
    routing::hand_over,
    sequences::{enrol, leave},
    tenancy::{Begun, Once, TenantTx},
    types::LeadId,
};

/// Leads changed in one transaction.
const PAGE: i64 = 500;
/// A dry run counts no more than this many.
const LOOK: i64 = 10_000;
/// A dry run shows so many.
const SAMPLE: usize = 20;

/// The job that changes many leads: those that fit and are older than itself, the newest first. How far it is commits
/// with each page, so it may be cut off at any moment and goes on behind its last page.
#[derive(Debug, Serialize, Deserialize)]
pub struct UpdateLeads {
    action: LeadAction,
    filter: Selected,
}

impl JobKind for UpdateLeads {
    const KIND: &'static str = "update_leads";
    const QUEUE: &'static str = "automation";
    const TIMEOUT: Duration = Duration::from_hours(1);
    /// Whoever asked for it waits on the socket.
    const WATCHED: bool = true;
}

/// What an action would touch.
#[derive(Debug)]
pub struct Preview {
    pub matched: usize,
    /// There are more than were counted.
    pub more: bool,
    /// The newest of them.
    pub sample: Vec<LeadId>,
}

/// Shows what a filter names, changing nothing.
///
/// # Errors
/// If the action could not be asked for.
pub async fn preview(ctx: &Ctx, action: &LeadAction, filter: &Filter) -> Result<Preview> {
    permitted(ctx, action, filter)?;
    let mut tx = ctx.begin().await?;
    target_known(&mut tx, action).await?;
    let wanted = search::wanted(ctx, &mut tx, filter).await.map_err(in_body)?;
    let mut sample = store::fitting(tx.conn(), &all(ctx, filter, &wanted), None, LOOK + 1).await?;
    let more = sample.len() > usize::try_from(LOOK).unwrap_or(usize::MAX);
    let matched = sample.len() - usize::from(more);
    sample.truncate(SAMPLE);
    Ok(Preview { matched, more, sample })
}

/// Of all leads those that fit: whoever sees only some asks for none of this.
fn all<'a>(ctx: &Ctx, filter: &'a Filter, wanted: &'a store::Wanted) -> store::Asked<'a> {
    store::Asked { tenant: ctx.tenant, filter, wanted, seen: Rows::All }
}

/// Asks for the action on all leads there are now that the filter names. Answers the operation.
///
/// # Errors
/// If a permission is missing, the caller sees only some leads, the filter names nothing in particular, or an agent is
/// named who is not there.
pub async fn act(ctx: &Ctx, action: LeadAction, filter: &Filter) -> Result<Once<Uuid>> {
    permitted(ctx, &action, filter)?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let needed = action.permission();
    if needed.is_delicate() {
        held_now(ctx, &mut keyed.tx, needed).await?.require_all_rows()?;
    }
    target_known(&mut keyed.tx, &action).await?;
    let wanted = search::wanted(ctx, &mut keyed.tx, filter).await.map_err(in_body)?;
    let update = UpdateLeads { action, filter: Selected::of(filter, &wanted) };
    let job = NewJob::of(ctx.tenant.0, ctx.id(), &update).map_err(Error::internal)?;
    let id = job.id;
    keyed.tx.enqueue(&[job]).await?;
    let detail = json!({ "action": update.action.kind(), "filter": search::told(filter) });
    keyed.tx.audit(&[Entry::new(update.action.verb(), "leads", id).detail(detail)]).await?;
    keyed.commit(id, 202, format!("/api/v1/operations/{id}")).await
}

/// Refuses what may not be asked for.
fn permitted(ctx: &Ctx, action: &LeadAction, filter: &Filter) -> Result<()> {
    ctx.require(Permission::LeadsRead)?;
    ctx.require(Permission::LeadsWrite)?;
    ctx.require(action.permission())?;
    if let LeadAction::Enrol { .. } = action {
        enrol::permitted(ctx)?;
    }
    ctx.require_all_rows()?;
    search::require_sight(ctx, filter)?;
    action.check()?;
    let named = filter.status.is_some()
        || filter.source.is_some()
        || filter.owner.is_some()
        || filter.import.is_some()
        || filter.email.is_some()
        || filter.phone.is_some()
        || filter.tag.is_some()
        || filter.q.is_some()
        || !filter.attributes.is_empty();
    if named {
        return Ok(());
    }
    let detail = "name at least one of status, source, owner_id, import_id, email, phone, tag, q, attributes";
    Err(Error::invalid("/filter", detail))
}

async fn target_known(tx: &mut TenantTx, action: &LeadAction) -> Result<()> {
    match action {
        LeadAction::SetOwner { agent_id } => hand_over::check(tx, *agent_id, "/action").await,
        LeadAction::Enrol { sequence_id } => enrol::check(tx, *sequence_id, "/action").await,
        LeadAction::Leave { sequence_id } => leave::check(tx, *sequence_id, "/action").await,
        _ => Ok(()),
    }
}

/// The refusal of a filter that stands in a body instead of a query.
pub(in crate::leads) fn in_body(error: Error) -> Error {
    let place = |pointer: &str| match pointer.strip_prefix("?attr.") {
        // RFC 6901.
        Some(name) => format!("/filter/attributes/{}", name.replace('~', "~0").replace('/', "~1")),
        None => pointer.replacen('?', "/filter/", 1),
    };
    match error {
        Error::Invalid(wrong) => Error::Invalid(
            wrong.into_iter().map(|field| FieldError::new(place(&field.pointer), field.detail)).collect(),
        ),
        other => other,
    }
}

/// How many leads a job is about, those before it was cut off included.
///
/// # Errors
/// If the database does not answer.
pub async fn size(ctx: &Ctx, job: &UpdateLeads, reached: &Reached) -> Result<i64> {
    let (filter, wanted) = job.filter.read()?;
    let mut tx = ctx.begin().await?;
    let left = store::count_fitting(tx.conn(), &all(ctx, &filter, &wanted), reached.before).await?;
    Ok(left.saturating_add(i64::try_from(reached.matched).unwrap_or(i64::MAX)))
}

/// What became of a page.
pub enum Page {
    Done(Reached),
    /// There was none.
    Over,
    /// Another node runs the job by now, so nothing of the page was written.
    Lost,
}

/// Does the action to the next page of a job's leads, of which there are so many in all. Each is locked and looked at
/// once more before it is changed.
///
/// # Errors
/// If an agent that the job names is gone by now, or the database does not answer; nothing of the page is written then.
pub async fn page(
    ctx: &Ctx,
    claim: &Claim,
    job: &UpdateLeads,
    reached: &Reached,
    total: i64,
) -> Result<Page> {
    let (filter, wanted) = job.filter.read()?;
    let mut tx = ctx.begin().await?;
    let asked = all(ctx, &filter, &wanted);
    let found = store::fitting(tx.conn(), &asked, Some(reached.before), PAGE).await?;
    let Some(last) = found.last().copied() else { return Ok(Page::Over) };
    let mut rows = store::lock_to_change(tx.conn(), ctx.tenant, &found).await?;
    // While a lock was waited for somebody may have changed the lead.
    let still = store::still_fitting(tx.conn(), &asked, &found).await?;
    let still: HashSet<LeadId> = still.into_iter().collect();
    rows.retain(|row| still.contains(&row.id));
    let applied = apply::apply(ctx, &mut tx, &job.action, &rows).await?;
    if !applied.changed.is_empty() {
        let detail = json!({
            "action": job.action.kind(), "count": applied.changed.len(), "ids": applied.changed,
        });
        tx.audit(&[Entry::new(job.action.verb(), "leads", claim.job).detail(detail)]).await?;
    }
    let reached = reached.after(last, rows.len(), &applied);
    let (share, note) = (reached.share(total), reached.note());
    if !engine::jobs::report_progress(tx.conn(), claim, share, &note).await? {
        return Ok(Page::Lost);
    }
    tx.commit().await?;
    Ok(Page::Done(reached))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_filter_is_told_with_its_place_in_the_body() {
        for (query, body) in
            [("?q", "/filter/q"), ("?attr.a/b", "/filter/attributes/a~1b"), ("/action/tags", "/action/tags")]
        {
            let Error::Invalid(wrong) = in_body(Error::invalid(query, "why")) else { panic!("{query}") };
            assert_eq!((wrong[0].pointer.as_str(), wrong[0].detail.as_str()), (body, "why"));
        }
    }
}
