//! Scoring as commands: one lead now, many as a job.

use std::time::Duration;

use chrono::{DateTime, Utc};
use engine::{JobKind, NewJob};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{
    model::{Model, ModelDefinition},
    points::Graded,
    read, store,
};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, Result},
    events::{Event, EventType},
    leads::{self, lead::Score, selection::known},
    privacy::restriction,
    sequences,
    tenancy::{Begun, Latch, Once, TenantTx},
    types::{ImportId, LeadId},
};

/// Leads scored in one transaction.
pub(super) const PAGE: i64 = 1_000;

/// Why a lead was scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Somebody asked for it, or a schedule of theirs.
    #[default]
    Asked,
    Workflow,
    /// A call came to something.
    Called,
    /// Its status changed.
    Changed,
    /// Another model was published.
    Published,
    /// It had faded.
    Refreshed,
}

impl Why {
    /// As it is stored with the score, and as the API names it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Workflow => "workflow",
            Self::Called => "called",
            Self::Changed => "changed",
            Self::Published => "published",
            Self::Refreshed => "refreshed",
        }
    }
}

/// The job that scores many leads: those of an import, or all. What it scored already it passes over,
/// so it may be cut off and run again.
#[derive(Debug, Serialize, Deserialize)]
pub struct ScoreLeads {
    pub import: Option<ImportId>,
    /// Leads scored by the model in force since then are passed over; since the job was made if it is not said.
    pub asked_at: Option<DateTime<Utc>>,
    #[serde(default)]
    pub why: Why,
}

impl JobKind for ScoreLeads {
    const KIND: &'static str = "score_leads";
    const QUEUE: &'static str = "automation";
    const TIMEOUT: Duration = Duration::from_hours(1);
    /// Whoever asked for it waits on the socket.
    const WATCHED: bool = true;
}

/// The job that scores one lead: a step of a workflow, after a call, or after a change of its status.
#[derive(Debug, Serialize, Deserialize)]
pub struct ScoreLead {
    pub lead: LeadId,
    /// Of a workflow if it is not said.
    #[serde(default = "of_a_workflow")]
    pub why: Why,
}

fn of_a_workflow() -> Why {
    Why::Workflow
}

impl JobKind for ScoreLead {
    const KIND: &'static str = "score_lead";
    const QUEUE: &'static str = "automation";
}

/// Leads next to each other, of a selection.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    pub first: LeadId,
    pub last: LeadId,
}

/// Scores one lead.
///
/// # Errors
/// If there is no such lead.
pub async fn one(ctx: &Ctx, lead: LeadId) -> Result<Score> {
    ctx.require(Permission::LeadsScore)?;
    let mut tx = ctx.begin().await?;
    if !leads::store::is_seen(tx.conn(), ctx.tenant, lead, ctx.rows).await? {
        return Err(Error::NotFound("lead"));
    }
    let score = within(&mut tx, lead, ctx.now(), Why::Asked).await?;
    tx.commit().await?;
    Ok(score)
}

/// The same in a transaction of the caller's.
///
/// # Errors
/// If there is no such lead.
pub async fn within(tx: &mut TenantTx, lead: LeadId, now: DateTime<Utc>, why: Why) -> Result<Score> {
    let any_age = DateTime::<Utc>::MAX_UTC;
    let stretch = store::Stretch { first: lead, last: lead, import: None, fading: false };
    let (model, scores) = score(tx, stretch, any_age, now, why).await?;
    let Some((_, graded)) = scores.first().copied() else {
        let restricted = restriction::is_restricted(tx, lead).await?;
        return Err(if restricted { restriction::forbids() } else { Error::NotFound("lead") });
    };
    tx.audit(&[Entry::new("score", "lead", lead)]).await?;
    Ok(Score {
        total: graded.parts.total(),
        parts: graded.parts,
        fit: graded.fit,
        engagement_score: graded.engagement_score,
        model,
        scored_at: now,
    })
}

/// Asks for many leads to be scored. Answers the operation.
///
/// # Errors
/// If there is no such import, or the caller sees only some leads.
pub async fn many(ctx: &Ctx, import: Option<ImportId>) -> Result<Once<Uuid>> {
    ctx.require(Permission::LeadsScore)?;
    ctx.require_all_rows()?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    known(&mut keyed.tx, import).await?;
    let job = ScoreLeads { import, asked_at: Some(ctx.now()), why: Why::Asked };
    let job = NewJob::of(ctx.tenant.0, ctx.id(), &job).map_err(Error::internal)?;
    let id = job.id;
    keyed.tx.enqueue(&[job]).await?;
    keyed.tx.audit(&[Entry::new("score", "leads", id).detail(json!({ "import_id": import }))]).await?;
    keyed.commit(id, 202, format!("/api/v1/operations/{id}")).await
}

/// The next leads of a job's selection, after `after`; none at the end.
///
/// # Errors
/// If the database does not answer.
pub async fn reach(ctx: &Ctx, import: Option<ImportId>, after: Option<LeadId>) -> Result<Option<Span>> {
    let mut tx = ctx.begin().await?;
    let ids = store::reach(tx.conn(), ctx.tenant, import, after, PAGE).await?;
    Ok(span(&ids))
}

pub(super) fn span(ids: &[LeadId]) -> Option<Span> {
    Some(Span { first: *ids.first()?, last: *ids.last()? })
}

/// Scores the leads of a span, but those that were since `asked_at`; answers how many.
///
/// # Errors
/// If the database does not answer; nothing of the span is written then.
pub async fn page(ctx: &Ctx, job: &ScoreLeads, asked_at: DateTime<Utc>, span: Span) -> Result<usize> {
    let mut tx = ctx.begin().await?;
    let stretch = store::Stretch { first: span.first, last: span.last, import: job.import, fading: false };
    let (_, scores) = score(&mut tx, stretch, asked_at, ctx.now().max(asked_at), job.why).await?;
    tx.commit().await?;
    Ok(scores.len())
}

/// The model in force; nobody publishes another until commit.
pub(super) async fn in_force(tx: &mut TenantTx) -> Result<Model> {
    let tenant = tx.tenant;
    Latch::ScoringModel.share(tx.conn(), tenant).await?;
    let Some((version, kind, stored)) = store::published(tx.conn(), tenant).await? else {
        return Ok(Model::default());
    };
    Ok(Model { version, definition: ModelDefinition::read(&kind, stored)? })
}

/// Scores the leads of a stretch that have no score since then. Where the total or the model has changed it is written
/// down and told.
pub(super) async fn score(
    tx: &mut TenantTx,
    stretch: store::Stretch,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
    why: Why,
) -> Result<(i32, Vec<(LeadId, Graded)>)> {
    let tenant = tx.tenant;
    let model = in_force(tx).await?;
    let wanted = (model.version, model.wants_traits());
    let rows = store::to_score(tx.conn(), tenant, stretch, since, wanted).await?;
    let (mut scores, mut changed, mut told) = (Vec::with_capacity(rows.len()), Vec::new(), Vec::new());
    for lead in read::leads(tx, rows).await? {
        let graded = model.grade(&lead.facts, &lead.traits, now);
        scores.push((lead.id, graded));
        if lead.before != Some((graded.parts.total(), model.version)) {
            changed.push((lead.id, graded));
            // It says whose lead it is, for that was just read.
            let body = json!({ "score": graded.parts.total(), "model": model.version, "owner_id": lead.owner,
                "team_id": lead.team });
            told.push(Event::new(EventType::LeadsScored, "lead", lead.id).with(body));
        }
    }
    if scores.is_empty() {
        return Ok((model.version, scores));
    }
    store::put_scores(tx.conn(), tenant, &scores, model.version, now).await?;
    if changed.is_empty() {
        return Ok((model.version, scores));
    }
    store::keep_scores(tx.conn(), tenant, &changed, model.version, (now, why)).await?;
    tx.emit(&told).await?;
    let leads: Vec<LeadId> = changed.iter().map(|(lead, _)| *lead).collect();
    sequences::of_lead::scored(tx, &leads).await?;
    Ok((model.version, scores))
}
