//! Learning as a job: reads the tenant's closed leads, learns, and leaves a draft that a person may publish.

use std::time::Duration;

use engine::{JobKind, NewJob};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    learn::{self, FEWEST, Lesson, Settings},
    table::Table,
};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, FieldError, Result},
    events::{Event, EventType},
    leads::lead::Status,
    scoring::{manage, model::ModelDefinition, read, store, traits::cells},
    tenancy::{Begun, Once, TenantTx},
    types::LeadId,
};

/// Leads that are looked at, the newest. Of each some forty cells are kept, so this is about 100 MB at most.
const MOST: usize = 200_000;
/// Leads read in one transaction.
const PAGE: i64 = 1_000;
/// Closed leads are counted as far as this before a job is made.
const COUNTED: i64 = 10_000;
/// Fewer leads than this share nothing that a weight may be about.
const LEAST_SHARED: u16 = 10;

/// How a model is learned; what is left out is chosen well for most.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FitOptions {
    /// Draws which leads are learned from and which judge; 1 if not said.
    pub seed: Option<u32>,
    /// How far weights are held back, 0.001 to 1000; 1 if not said.
    pub l2: Option<f64>,
    /// Leads that must share a word, so that it has a weight of its own, 10 to 10000; 20 if not said. What fewer share
    /// counts as one other word, so that nothing is about a few people.
    pub min_count: Option<u16>,
}

/// The job that learns.
#[derive(Debug, Serialize, Deserialize)]
pub struct FitScoringModel {
    pub settings: Settings,
}

impl JobKind for FitScoringModel {
    const KIND: &'static str = "fit_scoring_model";
    const QUEUE: &'static str = "automation";
    const TIMEOUT: Duration = Duration::from_hours(1);
    /// Whoever asked for it waits on the socket.
    const WATCHED: bool = true;
}

impl FitOptions {
    fn settings(&self) -> Result<Settings> {
        let settings = Settings {
            seed: self.seed.unwrap_or(1),
            l2: self.l2.unwrap_or(1.0),
            min_count: self.min_count.unwrap_or(20),
        };
        let mut wrong = Vec::new();
        if !(0.001..=1_000.0).contains(&settings.l2) {
            wrong.push(FieldError::new("/l2", "0.001 to 1000"));
        }
        if !(LEAST_SHARED..=10_000).contains(&settings.min_count) {
            wrong.push(FieldError::new("/min_count", "10 to 10000"));
        }
        if wrong.is_empty() { Ok(settings) } else { Err(Error::Invalid(wrong)) }
    }
}

/// Asks for a model to be learned. Answers the operation.
///
/// # Errors
/// If an option is out of bounds, the caller sees only some leads, or a conflict if too few leads have converted or
/// were lost.
pub async fn ask(ctx: &Ctx, options: &FitOptions) -> Result<Once<Uuid>> {
    ctx.require(Permission::ScoringModelsWrite)?;
    ctx.require_all_rows()?;
    let settings = options.settings()?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let (converted, lost) = store::count_closed(keyed.tx.conn(), ctx.tenant, COUNTED).await?;
    let [converted, lost] = [converted, lost].map(|count| usize::try_from(count).unwrap_or(0));
    if converted.min(lost) < FEWEST {
        return Err(Error::conflict("too-few-outcomes", learn::too_few(converted, lost)));
    }
    let job = NewJob::of(ctx.tenant.0, ctx.id(), &FitScoringModel { settings }).map_err(Error::internal)?;
    let id = job.id;
    // One at a time for a tenant: each takes memory, and a place that others wait for.
    if keyed.tx.enqueue(&[job.unique("fit")]).await?.iter().any(|put| !put.fresh) {
        return Err(Error::conflict("fit-running", "a model is being learned; wait for its end"));
    }
    keyed.tx.audit(&[Entry::new("fit", "scoring_model", id).detail(json!({ "settings": settings }))]).await?;
    keyed.commit(id, 202, format!("/api/v1/operations/{id}")).await
}

/// What has been read so far.
#[derive(Debug, Default)]
pub struct Gathered {
    table: Table,
    before: Option<LeadId>,
    /// There are more than are looked at.
    more: bool,
}

impl Gathered {
    /// Leads that were read.
    #[must_use]
    pub fn leads(&self) -> usize {
        self.table.rows()
    }
}

/// Leads that will be read at most, for people who watch.
#[must_use]
pub fn most() -> i64 {
    i64::try_from(MOST).unwrap_or(i64::MAX)
}

/// Reads the next closed leads; `false` when there are no more to be looked at.
///
/// # Errors
/// If the database does not answer.
pub async fn page(ctx: &Ctx, gathered: &mut Gathered) -> Result<bool> {
    let mut tx = ctx.begin().await?;
    let rows = store::closed(tx.conn(), ctx.tenant, gathered.before, PAGE).await?;
    let Some(last) = rows.last().map(|row| row.id) else { return Ok(false) };
    if gathered.leads() >= MOST {
        gathered.more = true;
        return Ok(false);
    }
    for lead in read::leads(&mut tx, rows).await? {
        gathered.table.push(lead.facts.status == Status::Converted, &cells(&lead.traits));
    }
    gathered.before = Some(last);
    Ok(true)
}

/// Learns from what was read, on a thread of its own; or says why nothing can be learned.
///
/// # Errors
/// If the thread is lost.
pub async fn lesson(gathered: Gathered, settings: Settings) -> Result<Result<Lesson, String>> {
    let learned = move || learn::learn(&gathered.table, settings, gathered.more);
    tokio::task::spawn_blocking(learned).await.map_err(Error::internal)
}

/// Leaves what was learned as a draft; answers what is told of it.
///
/// # Errors
/// A conflict if there are too many drafts.
pub async fn save(ctx: &Ctx, tx: &mut TenantTx, lesson: Lesson) -> Result<Value> {
    let Lesson { model, report } = lesson;
    let id = manage::draft(ctx, tx, &ModelDefinition::Fitted(model), Some(&report)).await?;
    let version = manage::find(tx, id).await?.version;
    let told = Event::new(EventType::ScoringModelFitted, "scoring_model", id);
    tx.emit(&[told.with(json!({ "version": version }))]).await?;
    Ok(json!({ "model_id": id, "version": version, "auc": report.auc, "leads": report.leads }))
}
