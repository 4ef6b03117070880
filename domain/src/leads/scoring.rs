//! Scoring as commands: one lead now, many as a job.

use std::time::Duration;

use chrono::{DateTime, Utc};
use engine::{JobKind, NewJob};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{
    lead::{Score, Source, Status},
    score::{Facts, MODEL, Parts, score},
    store,
};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, Result},
    events::{Event, EventType},
    tenancy::{Begun, Once, TenantTx},
    types::{ImportId, LeadId},
};

const PAGE: i64 = 500;

/// The job that scores many leads: those of an import, or all. What it scored already it passes over,
/// so it may be cut off and run again.
#[derive(Debug, Serialize, Deserialize)]
pub struct ScoreLeads {
    pub import: Option<ImportId>,
    /// Leads scored since then are passed over; since the job was made if it is not said.
    pub asked_at: Option<DateTime<Utc>>,
}

impl JobKind for ScoreLeads {
    const KIND: &'static str = "score_leads";
    const QUEUE: &'static str = "automation";
    const TIMEOUT: Duration = Duration::from_hours(1);
    /// Whoever asked for it waits on the socket.
    const WATCHED: bool = true;
}

/// The step of a workflow that scores one lead.
#[derive(Debug, Serialize, Deserialize)]
pub struct ScoreLead {
    pub lead: LeadId,
}

impl JobKind for ScoreLead {
    const KIND: &'static str = "score_lead";
    const QUEUE: &'static str = "automation";
}

/// Scores one lead.
///
/// # Errors
/// If there is no such lead.
pub async fn one(ctx: &Ctx, lead: LeadId) -> Result<Score> {
    ctx.require(Permission::LeadsScore)?;
    let mut tx = ctx.begin().await?;
    if !store::is_seen(tx.conn(), ctx.tenant, lead, ctx.rows).await? {
        return Err(Error::NotFound("lead"));
    }
    let score = within(&mut tx, lead, ctx.now()).await?;
    tx.commit().await?;
    Ok(score)
}

/// The same in a transaction of the caller's.
///
/// # Errors
/// If there is no such lead.
pub async fn within(tx: &mut TenantTx, lead: LeadId, now: DateTime<Utc>) -> Result<Score> {
    let (tenant, any_age) = (tx.tenant, DateTime::<Utc>::MAX_UTC);
    let rows = store::to_score(tx.conn(), tenant, Some(lead), None, any_age, None, 1).await?;
    let scores = write(tx, rows, now).await?;
    let parts = scores.first().ok_or(Error::NotFound("lead"))?.1;
    tx.audit(&[Entry::new("score", "lead", lead)]).await?;
    Ok(Score { total: parts.total(), parts, model: MODEL, scored_at: now })
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
    let job = NewJob::of(ctx.tenant.0, ctx.id(), &ScoreLeads { import, asked_at: Some(ctx.now()) })
        .map_err(Error::internal)?;
    let id = job.id;
    keyed.tx.enqueue(&[job]).await?;
    keyed.tx.audit(&[Entry::new("score", "leads", id).detail(json!({ "import_id": import }))]).await?;
    keyed.commit(id, 202, format!("/api/v1/operations/{id}")).await
}

/// Refuses an import that is not there.
///
/// # Errors
/// If it is not there.
pub(crate) async fn known(tx: &mut TenantTx, import: Option<ImportId>) -> Result<()> {
    let Some(import) = import else { return Ok(()) };
    let tenant = tx.tenant;
    let found = store::import(tx.conn(), tenant, import).await?;
    found.map(drop).ok_or_else(|| Error::invalid("/import_id", "there is no such import"))
}

/// How many leads a selection holds.
///
/// # Errors
/// If the database does not answer.
pub async fn size(ctx: &Ctx, import: Option<ImportId>) -> Result<i64> {
    let mut tx = ctx.begin().await?;
    store::count(tx.conn(), ctx.tenant, import).await
}

/// Scores the next page of a job's leads; answers the last one and how many, none at the end.
///
/// # Errors
/// If the database does not answer; nothing of the page is written then.
pub async fn page(
    ctx: &Ctx,
    import: Option<ImportId>,
    asked_at: DateTime<Utc>,
    after: Option<LeadId>,
) -> Result<Option<(LeadId, usize)>> {
    let mut tx = ctx.begin().await?;
    let rows = store::to_score(tx.conn(), ctx.tenant, None, import, asked_at, after, PAGE).await?;
    let Some(last) = rows.last().map(|row| row.id) else { return Ok(None) };
    let scores = write(&mut tx, rows, ctx.now().max(asked_at)).await?;
    tx.commit().await?;
    Ok(Some((last, scores.len())))
}

async fn write(
    tx: &mut TenantTx,
    rows: Vec<store::ScoreRow>,
    now: DateTime<Utc>,
) -> Result<Vec<(LeadId, Parts)>> {
    let scores: Vec<(LeadId, Parts)> =
        rows.into_iter().map(|row| Ok((row.id, score(&facts(&row)?, now)))).collect::<Result<_>>()?;
    let tenant = tx.tenant;
    store::store_scores(tx.conn(), tenant, &scores, MODEL, now).await?;
    let told: Vec<Event> = scores
        .iter()
        .map(|(id, parts)| {
            Event::new(EventType::LeadsScored, "lead", id)
                .with(json!({ "score": parts.total(), "model": MODEL }))
        })
        .collect();
    tx.emit(&told).await?;
    Ok(scores)
}

fn facts(row: &store::ScoreRow) -> Result<Facts> {
    let unknown = |what: &str, value: &str| Error::internal(format!("a lead's {what} is {value}"));
    Ok(Facts {
        source: Source::parse(&row.source).ok_or_else(|| unknown("source", &row.source))?,
        status: Status::parse(&row.status).ok_or_else(|| unknown("status", &row.status))?,
        owned: row.owned,
        in_team: row.in_team,
        activities: row.activities,
        last_activity_at: row.last_activity_at,
        created_at: row.created_at,
    })
}
