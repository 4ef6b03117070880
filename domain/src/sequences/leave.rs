//! Who leaves by hand: one lead, some that are held, or all, a page a transaction.

use std::time::Duration;

use chrono::{DateTime, Utc};
use engine::{JobKind, NewJob, finish::Claim};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{
    Ended, manage,
    read::{self, EnrolmentView},
    store::{self, Gone},
    tell_ended,
};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, Result},
    tenancy::{Begun, Once, TenantTx},
    types::{EnrolmentId, LeadId, SequenceId},
};

/// Leads that leave in one transaction.
const PAGE: i64 = 1_000;

/// The job that has all leads leave that entered up to an instant. Whoever has left is not on their way any more, so it may
/// be cut off and run again.
#[derive(Debug, Serialize, Deserialize)]
pub struct EmptySequence {
    pub sequence: SequenceId,
    /// When somebody asked for it, by the clock that says when leads enter. None of a sequence that is archived: nobody
    /// enters it any more, and all leave.
    pub until: Option<DateTime<Utc>>,
}

impl JobKind for EmptySequence {
    const KIND: &'static str = "empty_sequence";
    const QUEUE: &'static str = "automation";
    const TIMEOUT: Duration = Duration::from_hours(1);
    /// Whoever asked for it waits on the socket.
    const WATCHED: bool = true;
}

impl EmptySequence {
    fn reason(&self) -> &'static str {
        if self.until.is_none() { "archived" } else { "by_hand" }
    }
}

/// Has a lead leave. One that has ended stays as it is, and that is answered.
///
/// # Errors
/// If there is no such enrolment.
pub async fn one(ctx: &Ctx, id: EnrolmentId) -> Result<EnrolmentView> {
    ctx.require(Permission::SequencesEnrol)?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(_) => return read::seen(ctx, &mut ctx.begin().await?, id).await,
    };
    let tx = &mut keyed.tx;
    let found = read::seen(ctx, tx, id).await?;
    if store::end_one(tx.conn(), ctx.tenant, id, "by_hand").await? {
        let gone = Gone { id, sequence: found.sequence_id, lead: found.lead_id };
        let detail = json!({ "sequence_id": gone.sequence, "lead_id": gone.lead });
        tx.audit(&[Entry::new("leave", "enrolment", id).detail(detail)]).await?;
        tell_left(tx, &[gone], "by_hand").await?;
    }
    let view = read::one(tx, id).await?;
    keyed.commit((), 200, format!("/api/v1/sequences/enrolments/{id}")).await?;
    Ok(view)
}

/// Has all leads leave that are on their way now. Answers the operation.
///
/// # Errors
/// If there is no such sequence, or the caller sees only some leads.
pub async fn all(ctx: &Ctx, sequence: SequenceId) -> Result<Once<Uuid>> {
    ctx.require(Permission::SequencesEnrol)?;
    ctx.require_all_rows()?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    manage::find(&mut keyed.tx, sequence).await?;
    let until = store::now(keyed.tx.conn()).await?;
    let job = EmptySequence { sequence, until: Some(until) };
    let job = NewJob::of(ctx.tenant.0, ctx.id(), &job).map_err(Error::internal)?;
    let id = job.id;
    keyed.tx.enqueue(&[job.about(format!("sequence:{sequence}"))]).await?;
    keyed.tx.audit(&[Entry::new("empty", "sequence", sequence).detail(json!({ "operation": id }))]).await?;
    keyed.commit(id, 202, format!("/api/v1/operations/{id}")).await
}

/// Refuses a sequence that nobody can leave, told at this place of a request.
///
/// # Errors
/// If there is no such sequence.
pub(crate) async fn check(tx: &mut TenantTx, sequence: SequenceId, at: &str) -> Result<()> {
    match manage::find(tx, sequence).await {
        Err(Error::NotFound(_)) => {
            Err(Error::invalid(format!("{at}/sequence_id"), "there is no such sequence"))
        }
        found => found.map(drop),
    }
}

/// Has leads leave that the caller holds. Answers those that were on their way.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn these(tx: &mut TenantTx, sequence: SequenceId, leads: &[LeadId]) -> Result<Vec<LeadId>> {
    let tenant = tx.tenant;
    let gone = store::end_these(tx.conn(), tenant, sequence, leads, "by_hand").await?;
    let left = gone.iter().map(|one| one.lead).collect();
    tell_left(tx, &gone, "by_hand").await?;
    Ok(left)
}

/// How many leads a job is about that are still on their way.
///
/// # Errors
/// If the database does not answer.
pub async fn size(ctx: &Ctx, job: &EmptySequence) -> Result<i64> {
    let mut tx = ctx.begin().await?;
    store::count_waiting(tx.conn(), ctx.tenant, job.sequence, job.until).await
}

/// Has the next leads leave. Answers how many, and whether there are more. None, and more: others have these at the moment.
///
/// # Errors
/// If the database refuses; nothing of the page is written then.
pub async fn page(ctx: &Ctx, claim: &Claim, job: &EmptySequence) -> Result<(usize, bool)> {
    let mut tx = ctx.begin().await?;
    let asked = (job.sequence, job.until);
    let (gone, more) = store::end_some(tx.conn(), ctx.tenant, asked, job.reason(), PAGE).await?;
    if !gone.is_empty() {
        let detail = json!({ "count": gone.len(), "reason": job.reason(), "operation": claim.job });
        tx.audit(&[Entry::new("leave", "sequence", job.sequence).detail(detail)]).await?;
        tell_left(&mut tx, &gone, job.reason()).await?;
    }
    tx.commit().await?;
    Ok((gone.len(), more))
}

/// Tells of enrolments that have ended before their end.
pub(super) async fn tell_left(tx: &mut TenantTx, gone: &[Gone], reason: &'static str) -> Result<()> {
    let ended = |one: &Gone| Ended {
        id: one.id,
        sequence: one.sequence,
        lead: one.lead,
        state: "left",
        reason: Some(reason),
    };
    tell_ended(tx, &gone.iter().map(ended).collect::<Vec<_>>()).await
}
