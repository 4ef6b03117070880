//! A request as people see it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::store;
use crate::{
    error::{Error, Result},
    leads::merged,
    privacy::holds,
    tenancy::TenantTx,
    types::{ErasureId, HoldId, LeadId, SubjectId},
};

/// How far a request has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ErasureState)]
pub enum State {
    /// Nobody has said yet how they know that it is the person who asks.
    Identity,
    /// It may be withdrawn, and begins by itself.
    Cooling,
    /// A legal hold keeps it from beginning.
    Held,
    Running,
    Done,
    Withdrawn,
}

impl State {
    /// All of them, for reading what is stored.
    pub const ALL: [Self; 6] =
        [Self::Identity, Self::Cooling, Self::Held, Self::Running, Self::Done, Self::Withdrawn];

    /// As it is stored, and as the API names it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Cooling => "cooling",
            Self::Held => "held",
            Self::Running => "running",
            Self::Done => "done",
            Self::Withdrawn => "withdrawn",
        }
    }

    pub(super) fn stored(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| Error::internal(format!("an erasure is {text}")))
    }
}

/// A hold that keeps somebody from being erased.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct HeldBy {
    pub hold_id: HoldId,
    pub law: String,
}

/// Somebody's wish to be forgotten.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ErasureView {
    pub id: ErasureId,
    /// As it was named; none of somebody who is no lead.
    pub lead_id: Option<LeadId>,
    /// What the lead was by then: the same unless it had been merged.
    pub subject_id: SubjectId,
    /// `asked` by the person, or `retention`: the tenant keeps nobody for so long.
    pub cause: String,
    pub state: State,
    pub asked_by: Option<Uuid>,
    pub asked_at: DateTime<Utc>,
    /// Until when the person must have an answer (Art. 12(3)).
    pub due_at: DateTime<Utc>,
    pub identity: Option<String>,
    pub identity_at: Option<DateTime<Utc>>,
    /// Until when it may surely be withdrawn.
    pub not_before: Option<DateTime<Utc>>,
    /// What keeps it from beginning, as long as it has not begun.
    pub held_by: Vec<HeldBy>,
    /// The run of `erase_subject`.
    pub run_id: Option<Uuid>,
    pub begun_at: Option<DateTime<Utc>>,
    pub withdrawn_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
}

/// Which requests to list.
#[derive(Default)]
pub struct ErasureFilter {
    pub id: Option<ErasureId>,
    pub state: Option<State>,
    pub lead: Option<LeadId>,
}

pub(super) async fn many(
    tx: &mut TenantTx,
    filter: &ErasureFilter,
    before: Option<ErasureId>,
    limit: i64,
) -> Result<Vec<ErasureView>> {
    let tenant = tx.tenant;
    let mut views = Vec::new();
    for row in store::list(tx.conn(), tenant, filter, before, limit).await? {
        let state = State::stored(&row.state)?;
        let waits = matches!(state, State::Identity | State::Cooling | State::Held);
        let held_by = if waits { held_by(tx, row.subject_id).await? } else { Vec::new() };
        views.push(ErasureView {
            id: row.id,
            lead_id: row.lead_id,
            subject_id: row.subject_id,
            cause: row.cause,
            state,
            asked_by: row.asked_by,
            asked_at: row.asked_at,
            due_at: row.due_at,
            identity: row.identity,
            identity_at: row.identity_at,
            not_before: row.not_before,
            held_by,
            run_id: row.run_id,
            begun_at: row.begun_at,
            withdrawn_at: row.withdrawn_at,
            finished_at: row.finished_at,
        });
    }
    Ok(views)
}

pub(super) async fn one(tx: &mut TenantTx, id: ErasureId) -> Result<ErasureView> {
    let filter = ErasureFilter { id: Some(id), ..ErasureFilter::default() };
    many(tx, &filter, None, 1).await?.pop().ok_or(Error::NotFound("erasure"))
}

/// The holds that stand over somebody, under whatever name.
pub(super) async fn held_by(tx: &mut TenantTx, subject: SubjectId) -> Result<Vec<HeldBy>> {
    let tenant = tx.tenant;
    let all = merged::all_of(tx, LeadId(subject.0)).await?;
    let subjects: Vec<SubjectId> = all.into_iter().map(|lead| SubjectId(lead.0)).collect();
    let standing = holds::store::standing(tx.conn(), tenant, &subjects).await?;
    Ok(standing.into_iter().map(|(hold_id, law)| HeldBy { hold_id, law }).collect())
}
