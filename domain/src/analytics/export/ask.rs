//! Somebody asks for a file.

use engine::NewJob;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    FileFormat, Spec, WriteFile, folder,
    report::ReportDays,
    source::{
        CallColumn, CallSelection, LeadColumn, MessageColumn, MessageSelection, RecipientColumn,
        RecipientSelection, columns,
    },
    store,
};
use crate::{
    Ctx,
    access::{permission::Permission, rights::held_now},
    audit::Entry,
    campaigns::recipients,
    error::{Error, Result},
    leads::{
        commands::Filter,
        export::rows::{self, Selection},
    },
    storage::sealed::take_away,
    tenancy::{Begun, Latch, Once, TenantTx},
    types::AnalyticsExportId,
};

/// Files of a tenant that are being written: fewer than are written at a time, so that no tenant keeps all others waiting.
pub const MOST_OPEN: i64 = 3;
/// Files of a tenant that are kept at a time, those that are sent not counted: an erasure looks at each of them.
pub const MOST_KEPT: i64 = 100;
/// How long a file is kept, in hours.
const KEPT_HOURS: i32 = 72;

/// What is wanted in a file.
#[derive(Debug)]
pub enum Wanted {
    Leads { filter: Filter, columns: Option<Vec<LeadColumn>> },
    Calls { selection: CallSelection, columns: Option<Vec<CallColumn>> },
    Messages { selection: MessageSelection, columns: Option<Vec<MessageColumn>> },
    Recipients { selection: RecipientSelection, columns: Option<Vec<RecipientColumn>> },
    Report { report: ReportDays },
}

/// A file that was asked for.
#[derive(Debug)]
pub struct AskedExport {
    pub id: AnalyticsExportId,
    /// The operation that writes it.
    pub operation: Uuid,
}

/// Takes in that somebody wants a file. That it is taken out, and what of it, is written down by then. Answers with the
/// operation that writes it.
///
/// # Errors
/// If a permission is missing, the caller sees only some leads, something is asked for that there is not, or a conflict if
/// so many files are being written already.
pub async fn ask(ctx: &Ctx, wanted: Wanted, format: FileFormat) -> Result<Once<AskedExport>> {
    super::require(ctx)?;
    check(ctx, &wanted, format)?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let tx = &mut keyed.tx;
    Latch::Exports.take(tx.conn(), ctx.tenant).await?;
    // Whoever may not any more is not given it by a right that was read before.
    let now = held_now(ctx, tx, Permission::AnalyticsExport).await?;
    now.require_all_rows()?;
    let personal = now.grants.contains(Permission::PersonalRead);
    let (spec, told) = spec(&now, tx, wanted).await?;
    let given_up = store::give_up_of(tx.conn(), ctx.tenant).await?;
    if store::count_kept(tx.conn(), ctx.tenant, MOST_KEPT).await? >= MOST_KEPT {
        let detail = format!(
            "{MOST_KEPT} files are kept already; take one away that nobody needs, or wait until {KEPT_HOURS} hours are over"
        );
        return Err(Error::conflict("too-many-exports", detail));
    }
    if store::count_open(tx.conn(), ctx.tenant).await? >= MOST_OPEN {
        let detail = format!("{MOST_OPEN} files are being written already; wait for one of them");
        return Err(Error::conflict("too-many-exports", detail));
    }
    let export = AnalyticsExportId(ctx.id());
    let job = NewJob::of(ctx.tenant.0, ctx.id(), &WriteFile { export }).map_err(Error::internal)?;
    let job = job.about(business_key(export));
    let operation = job.id;
    let asked =
        Asked { export, job: operation, format, spec: &spec, personal, keep_hours: KEPT_HOURS, run: None };
    insert(ctx, tx, &asked, told).await?;
    tx.enqueue(&[job]).await?;
    let made = AskedExport { id: export, operation };
    let begun = keyed.commit(made, 202, format!("/api/v1/operations/{operation}")).await?;
    for export in given_up {
        // Nobody has a key of what is left of them, and upkeep comes by.
        if let Err(error) = take_away(&ctx.platform, ctx.tenant, &folder(export)?).await {
            tracing::warn!(%error, %export, "what is left of a file that was given up stays in storage for now");
        }
    }
    Ok(begun)
}

/// What an export's job is found by.
fn business_key(export: AnalyticsExportId) -> String {
    format!("export:{export}")
}

/// A file that is to be written.
pub(in crate::analytics) struct Asked<'s> {
    pub export: AnalyticsExportId,
    pub job: Uuid,
    pub format: FileFormat,
    pub spec: &'s Spec,
    pub personal: bool,
    pub keep_hours: i32,
    /// The run that sends it.
    pub run: Option<Uuid>,
}

/// Writes down that a file is wanted, and by whom.
///
/// # Errors
/// If the database refuses.
pub(in crate::analytics) async fn insert(
    ctx: &Ctx,
    tx: &mut TenantTx,
    asked: &Asked<'_>,
    told: Value,
) -> Result<()> {
    let new = store::NewRow {
        id: asked.export,
        what: asked.spec.what(),
        format: asked.format.as_str(),
        spec: &serde_json::to_value(asked.spec).map_err(Error::internal)?,
        personal: asked.personal,
        job: asked.job,
        keep_hours: asked.keep_hours,
        run: asked.run,
    };
    store::insert(tx.conn(), ctx.tenant, &new, ctx.actor).await?;
    let detail = json!({ "what": new.what, "format": new.format, "personal": new.personal, "of": told });
    tx.audit(&[Entry::new("export", "analytics_export", asked.export).detail(detail)]).await
}

/// What needs no database to be refused.
fn check(ctx: &Ctx, wanted: &Wanted, format: FileFormat) -> Result<()> {
    match wanted {
        Wanted::Leads { columns, .. } => {
            ctx.require(Permission::LeadsRead)?;
            columns::check(columns.as_deref())?;
        }
        Wanted::Calls { columns, .. } => {
            ctx.require(Permission::CallsRead)?;
            columns::check(columns.as_deref())?;
        }
        Wanted::Messages { columns, .. } => {
            ctx.require(Permission::MessagesRead)?;
            columns::check(columns.as_deref())?;
        }
        Wanted::Recipients { columns, .. } => {
            ctx.require(Permission::CampaignsRead)?;
            columns::check(columns.as_deref())?;
        }
        Wanted::Report { report } => report.check(ctx, "/report")?,
    }
    if format == FileFormat::Pdf && !matches!(wanted, Wanted::Report { .. }) {
        return Err(Error::invalid("/format", "only reports are printed; take csv, json or ndjson"));
    }
    Ok(())
}

/// What is kept of what is wanted, and what the audit log is told: nothing that somebody typed in.
async fn spec(ctx: &Ctx, tx: &mut TenantTx, wanted: Wanted) -> Result<(Spec, Value)> {
    Ok(match wanted {
        Wanted::Leads { filter, columns } => {
            let selection = Selection::of(ctx, tx, &filter).await?;
            let told = json!({ "filter": rows::told(&filter), "columns": columns });
            (Spec::Leads { selection, columns }, told)
        }
        Wanted::Calls { selection, columns } => {
            let told = json!({ "filter": selection, "columns": columns });
            (Spec::Calls { selection, columns }, told)
        }
        Wanted::Messages { selection, columns } => {
            let told = json!({ "filter": selection, "columns": columns });
            (Spec::Messages { selection, columns }, told)
        }
        Wanted::Recipients { mut selection, columns } => {
            let run = recipients::of_run(tx, selection.campaign_id, selection.run_id).await;
            let (run, _) = run.map_err(|error| match error {
                Error::NotFound("run") => Error::invalid("/filter/run_id", "the campaign has no such run"),
                Error::NotFound(_) => Error::invalid("/filter/campaign_id", "there is no such campaign"),
                other => other,
            })?;
            // The newest one now, whichever that is when the job's turn comes.
            selection.run_id = Some(run);
            let told = json!({ "filter": selection, "columns": columns });
            (Spec::Recipients { selection, columns }, told)
        }
        Wanted::Report { report } => {
            let told = json!({ "report": report });
            (Spec::Report { report }, told)
        }
    })
}
