//! Who stands where in sequences, and what became of each step.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    manage,
    store::{self, AskedEnrolments, CountRow},
};
use crate::{
    Ctx,
    access::{permission::Permission, rows::Rows},
    error::{Error, Result},
    leads::merged,
    tenancy::TenantTx,
    types::{EnrolmentId, LeadId, MessageId, SequenceId},
};

/// A lead on its way through a sequence, or past it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct EnrolmentView {
    pub id: EnrolmentId,
    pub sequence_id: SequenceId,
    /// The version that it goes through, whatever is published later.
    pub version: i32,
    /// Where it was merged into another, that one.
    pub lead_id: LeadId,
    /// `waiting`; `completed` once all steps were taken; `goal` if it came to what the sequence is for; or `left`.
    pub state: String,
    /// Of a goal: `replied`, `converted`, `opted_out` or `score`. Of one that left: the same, if a step said so, or
    /// `by_hand`, `archived`, `merged` or `lead_deleted`.
    pub reason: Option<String>,
    /// The step that comes next, from 0 on; once it has ended, the one that it had come to.
    pub step: i16,
    pub entered_at: DateTime<Utc>,
    /// When the next step is due.
    pub due_at: Option<DateTime<Utc>>,
    /// When it wrote or spoke for the first time since it entered.
    pub replied_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
}

/// A step that a lead has taken.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct TakenStep {
    /// From 0 on.
    pub step: i16,
    /// `sent`: its message was written, whatever became of that; or `skipped`.
    pub outcome: String,
    /// Why it was left out: `replied`, `converted`, `opted_out`, `score`, `no_address`, `no_account` where the one that it
    /// names was deleted, or `key_unreadable` where nothing can be sealed for the lead.
    pub reason: Option<String>,
    pub message_id: Option<MessageId>,
    pub at: DateTime<Utc>,
}

/// An enrolment with the steps that were taken, in their order.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct EnrolmentDetail {
    #[serde(flatten)]
    pub enrolment: EnrolmentView,
    pub steps: Vec<TakenStep>,
}

/// How an enrolment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EnrolmentState {
    Waiting,
    Completed,
    Goal,
    Left,
}

impl EnrolmentState {
    const ALL: [Self; 4] = [Self::Waiting, Self::Completed, Self::Goal, Self::Left];

    fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Completed => "completed",
            Self::Goal => "goal",
            Self::Left => "left",
        }
    }
}

/// Which enrolments to list.
#[derive(Debug, Default)]
pub struct EnrolmentFilter {
    pub sequence: Option<SequenceId>,
    pub lead: Option<LeadId>,
    /// Only with a sequence.
    pub state: Option<EnrolmentState>,
}

/// Enrolments, newest first, those with ids below `before`. Whoever sees only some leads names one of them.
///
/// # Errors
/// If the permission is missing, a lead is not there, or the filter cannot be walked.
pub async fn list(
    ctx: &Ctx,
    filter: &EnrolmentFilter,
    before: Option<EnrolmentId>,
    limit: i64,
) -> Result<Vec<EnrolmentView>> {
    ctx.require(Permission::SequencesRead)?;
    if filter.lead.is_none() {
        ctx.require_all_rows()?;
    }
    if filter.lead.is_some() && (filter.sequence.is_some() || filter.state.is_some()) {
        return Err(Error::invalid("?lead_id", "name a lead or a sequence, not both; a lead is in few"));
    }
    if filter.state.is_some() && filter.sequence.is_none() {
        return Err(Error::invalid("?state", "name the sequence (`sequence_id`) too"));
    }
    let states: Vec<String> = match filter.state {
        Some(state) => vec![state.as_str().to_owned()],
        None => EnrolmentState::ALL.iter().map(|state| state.as_str().to_owned()).collect(),
    };
    let mut tx = ctx.begin().await?;
    let asked = match (filter.lead, filter.sequence) {
        (Some(lead), _) => {
            let now = merged::by_now(&mut tx, lead, ctx.rows).await?;
            AskedEnrolments::Lead(now.ok_or(Error::NotFound("lead"))?)
        }
        (None, Some(sequence)) => AskedEnrolments::Sequence(sequence, &states),
        (None, None) => AskedEnrolments::All,
    };
    store::enrolments(tx.conn(), ctx.tenant, &asked, before, limit).await
}

/// One enrolment, with the steps that were taken.
///
/// # Errors
/// If there is none of this id, or it is of a lead that is not seen.
pub async fn get(ctx: &Ctx, id: EnrolmentId) -> Result<EnrolmentDetail> {
    ctx.require(Permission::SequencesRead)?;
    let mut tx = ctx.begin().await?;
    let enrolment = seen(ctx, &mut tx, id).await?;
    let steps = store::taken_steps(tx.conn(), ctx.tenant, id).await?;
    Ok(EnrolmentDetail { enrolment, steps })
}

/// An enrolment of a lead that the caller sees; of one that is gone, for whoever sees all.
pub(super) async fn seen(ctx: &Ctx, tx: &mut TenantTx, id: EnrolmentId) -> Result<EnrolmentView> {
    let enrolment = one(tx, id).await?;
    if ctx.rows != Rows::All && merged::by_now(tx, enrolment.lead_id, ctx.rows).await?.is_none() {
        return Err(Error::NotFound("enrolment"));
    }
    Ok(enrolment)
}

/// An enrolment of the tenant.
pub(super) async fn one(tx: &mut TenantTx, id: EnrolmentId) -> Result<EnrolmentView> {
    let tenant = tx.tenant;
    let found = store::enrolments(tx.conn(), tenant, &AskedEnrolments::One(id), None, 1).await?.pop();
    found.ok_or(Error::NotFound("enrolment"))
}

/// How a sequence goes, over all its versions.
#[derive(Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct SequenceProgress {
    /// All that have entered.
    pub entered: i64,
    /// Those that are on their way.
    pub waiting: i64,
    pub completed: i64,
    pub goal: i64,
    pub left: i64,
    /// Of those that came to a goal or left, by the reason.
    pub reasons: BTreeMap<String, i64>,
    /// Each step of each version, in their order, of which there is anything to tell.
    pub steps: Vec<StepProgress>,
    /// Since when the longest due step waits to be taken: the sequence is paused, or work is behind. None if nothing is due.
    pub due_since: Option<DateTime<Utc>>,
}

/// How one step goes.
#[derive(Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct StepProgress {
    pub version: i32,
    /// From 0 on.
    pub step: i16,
    /// Those whose next step it is.
    pub waiting: i64,
    /// Messages that were written; what became of them is told by their statuses.
    pub sent: i64,
    pub skipped: i64,
    /// Of those that were left out, by the reason.
    pub skipped_because: BTreeMap<String, i64>,
}

/// How a sequence goes: by counts that are kept beside what they count, so it costs the same however many are on their way.
///
/// # Errors
/// If there is none of this id, or the caller sees only some leads.
pub async fn progress(ctx: &Ctx, id: SequenceId) -> Result<SequenceProgress> {
    ctx.require(Permission::SequencesRead)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    manage::find(&mut tx, id).await?;
    let rows = store::counts(tx.conn(), ctx.tenant, id).await?;
    let now = store::now(tx.conn()).await?;
    let due_since = store::due_since(tx.conn(), ctx.tenant, id, now).await?;
    Ok(SequenceProgress { due_since, ..sum(&rows) })
}

/// Adds counts up, which come in the order of versions and steps.
fn sum(rows: &[CountRow]) -> SequenceProgress {
    let mut all = SequenceProgress::default();
    let mut steps: BTreeMap<(i32, i16), StepProgress> = BTreeMap::new();
    for row in rows {
        match row.what.as_str() {
            "waiting" | "sent" | "skipped" => {
                let (version, step) = (row.version, row.position);
                let of = steps.entry((version, step));
                let of = of.or_insert_with(|| StepProgress { version, step, ..StepProgress::default() });
                match row.what.as_str() {
                    "waiting" => of.waiting += row.n,
                    "sent" => of.sent += row.n,
                    _ => {
                        of.skipped += row.n;
                        *of.skipped_because.entry(row.why.clone()).or_default() += row.n;
                    }
                }
                if row.what == "waiting" {
                    all.waiting += row.n;
                    all.entered += row.n;
                }
            }
            state => {
                let of = match state {
                    "completed" => &mut all.completed,
                    "goal" => &mut all.goal,
                    _ => &mut all.left,
                };
                *of += row.n;
                all.entered += row.n;
                if !row.why.is_empty() {
                    *all.reasons.entry(row.why.clone()).or_default() += row.n;
                }
            }
        }
    }
    all.steps = steps.into_values().collect();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_to_who_entered_and_what_became_of_steps() {
        let row = |version, position, what: &str, why: &str, n| CountRow {
            version,
            position,
            what: what.into(),
            why: why.into(),
            n,
        };
        let told = sum(&[
            row(1, 0, "sent", "", 5),
            row(1, 0, "skipped", "no_address", 2),
            row(1, 0, "left", "by_hand", 1),
            row(1, 1, "waiting", "", 3),
            row(1, 1, "goal", "replied", 2),
            row(1, 2, "completed", "", 1),
            row(2, 0, "waiting", "", 4),
            row(2, 0, "goal", "replied", 1),
        ]);
        let ways = (told.entered, told.waiting, told.completed, told.goal, told.left);
        assert_eq!(ways, (12, 7, 1, 3, 1));
        let reasons: Vec<(&str, i64)> = told.reasons.iter().map(|(why, n)| (why.as_str(), *n)).collect();
        assert_eq!(reasons, [("by_hand", 1), ("replied", 3)]);
        let steps: Vec<_> = told
            .steps
            .iter()
            .map(|one| (one.version, one.step, one.waiting, one.sent, one.skipped))
            .collect();
        assert_eq!(steps, [(1, 0, 0, 5, 2), (1, 1, 3, 0, 0), (2, 0, 4, 0, 0)]);
        assert_eq!(told.steps[0].skipped_because.get("no_address"), Some(&2));
        assert_eq!(sum(&[]), SequenceProgress::default());
    }
}
