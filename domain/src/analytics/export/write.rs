//! The file is written: out of one snapshot, a page of rows at a time, and seen by nobody before all of it is there.
//!
//! `pages` reads them and turns them into text.

mod pages;

use std::{collections::HashSet, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use uuid::Uuid;
use zeroize::Zeroizing;

use self::pages::Writing;
use super::{
    FileFormat, Spec, WriteFile, attempt, key_place,
    people::People,
    report, rights, sealed_as,
    source::{Calls, Leads, Messages, Recipients},
    store::{self, Taken},
};
use crate::{
    Ctx,
    audit::Entry,
    error::{Error, Result},
    processing::reads::Opens,
    storage::{
        FileName,
        sealed::{SealedUpload, Written},
    },
    tenancy::{
        Latch, TenantTx,
        store::{as_of_one_moment, give_up_after, may_rest, plan_each_time},
    },
    types::AnalyticsExportId,
    vault::{DataKey, Vault, cipher::hex},
};

/// How long the snapshot may lie idle while what was read is on its way to storage.
const REST: Duration = Duration::from_mins(5);

/// How long a file may be read out of one snapshot. As long as it is open nothing that died since is cleaned up, the rows of
/// jobs that have ended among it.
const LONGEST: Duration = Duration::from_mins(20);

/// Whoever has a file written is told how far it is, and says whether it is to go on.
pub trait Watch: Send {
    /// `rows` are written; `share` of all, from 0 to 1, as far as that can be told.
    fn on(&mut self, rows: u64, share: f32) -> impl Future<Output = Result<bool>> + Send;
}

/// What became of an attempt.
pub enum Attempt {
    /// The file is there once this transaction is committed.
    Ready { tx: Box<TenantTx>, output: Value },
    /// It is not to be written any more.
    Unwanted,
    /// It was told to stop.
    Stopped,
    /// Another attempt has begun, or somebody was erased or restricted since this one began: what it has read does not count.
    Spoiled,
}

/// How long a transaction that destroys keys may take, at most: what one has stamped that is not over yet is looked for so
/// far back.
const ERASING: TimeDelta = TimeDelta::hours(1);

/// What was written.
struct Done {
    rows: u64,
    people: Option<People>,
}

/// Of when it is.
struct Moment {
    at: DateTime<Utc>,
    /// Who was erased shortly before, as the snapshot sees it.
    erased: HashSet<Uuid>,
    /// Who was restricted then: none of them is in the file.
    restricted: Arc<HashSet<Uuid>>,
}

/// Writes the file from its beginning.
///
/// # Errors
/// If whoever asked may not have it any more, it takes too long, a report cannot be made, or the database or storage does not
/// answer.
pub async fn write(ctx: &Ctx, job: &WriteFile, watch: &mut impl Watch) -> Result<Attempt> {
    let export = job.export;
    let mut tx = ctx.begin().await?;
    let Some(mut taken) = store::take(tx.conn(), ctx.tenant, export).await? else {
        return Ok(Attempt::Unwanted);
    };
    if !rights::still(ctx, &mut tx, &taken.what, taken.personal).await? {
        let refused = attempt::refused(ctx, tx, export, taken.attempt).await?;
        attempt::clear(ctx, export, taken.attempt).await?;
        return Err(refused);
    }
    tx.commit().await?;
    attempt::clear(ctx, export, taken.attempt).await?;
    let spec: Spec = serde_json::from_value(taken.spec.take()).map_err(Error::internal)?;
    let format = FileFormat::named(&taken.format).ok_or_else(|| Error::internal("an unknown format"))?;

    let bytes = Zeroizing::new(ctx.platform.random::<32>());
    let kept = Zeroizing::new(STANDARD.encode(bytes.as_slice()));
    let name = attempt::name(ctx, export, taken.attempt)?;
    let upload = ctx.platform.storage.of(ctx.tenant).begin(&name);
    let key = DataKey { id: export.0, bytes };
    let mut file = SealedUpload::begin(ctx.platform.clone(), sealed_as(ctx.tenant, export), key, upload);

    let reader = Ctx { opens: Opens::ToExport, ..ctx.clone() };
    let filled = Box::pin(fill(&reader, (export, spec), (format, taken.personal), &mut file, watch)).await;
    let (done, moment) = match filled {
        Ok(Some(filled)) => filled,
        Ok(None) => {
            file.abandon().await;
            return Ok(Attempt::Stopped);
        }
        Err(error) => {
            file.abandon().await;
            // What failed inside may work next time; what is refused will be refused again.
            if !matches!(error, Error::Internal(_)) {
                let mut tx = ctx.begin().await?;
                store::give_up(tx.conn(), ctx.tenant, export, taken.attempt).await?;
                tx.commit().await?;
            }
            return Err(error);
        }
    };
    let written = file.finish().await?;
    let Taken { attempt, what, personal, .. } = taken;
    let told = Told { attempt, what, personal, moment, done, written };
    finish(ctx, export, &name, &kept, told).await
}

/// What is to be said of a file.
struct Told {
    attempt: i32,
    what: String,
    personal: bool,
    moment: Moment,
    done: Done,
    written: Written,
}

/// Says that the file is there, unless this attempt does not count any more.
async fn finish(
    ctx: &Ctx,
    export: AnalyticsExportId,
    name: &FileName,
    key: &Zeroizing<String>,
    told: Told,
) -> Result<Attempt> {
    let Told { attempt, what, personal, moment, done, written } = told;
    let mut tx = ctx.begin().await?;
    // Whoever is being erased at this moment is waited for, and sees this file if it was first.
    Latch::Exports.share(tx.conn(), ctx.tenant).await?;
    let erased = store::erased_since(tx.conn(), ctx.tenant, moment.at - ERASING).await?;
    let restricted = store::restricted(tx.conn(), ctx.tenant).await?;
    let mut since = erased
        .iter()
        .filter(|id| !moment.erased.contains(id))
        .chain(restricted.iter().filter(|id| !moment.restricted.contains(id)));
    let spoiled = done.people.as_ref().is_some_and(|people| since.any(|id| people.may_hold(*id)));
    if !rights::still(ctx, &mut tx, &what, personal).await? {
        let refused = attempt::refused(ctx, tx, export, attempt).await?;
        ctx.platform.storage.of(ctx.tenant).delete(name).await?;
        return Err(refused);
    }
    let people = done.people.map(People::keep);
    let sealing = Vault::to_seal(&mut tx, 1).await?;
    let key_sealed = sealing.seal(&ctx.platform, &key_place(ctx.tenant, export), key.as_bytes());
    let ready = store::Ready {
        attempt,
        snapshot_at: moment.at,
        file: name.as_str(),
        key_sealed: &key_sealed,
        bytes: i64::try_from(written.bytes).map_err(Error::internal)?,
        pieces: i32::try_from(written.pieces).map_err(Error::internal)?,
        sha256: &hex(&written.sha256),
        rows: i64::try_from(done.rows).map_err(Error::internal)?,
        people: people.as_deref(),
    };
    if spoiled || !store::ready(tx.conn(), ctx.tenant, export, &ready).await? {
        drop(tx);
        ctx.platform.storage.of(ctx.tenant).delete(name).await?;
        return Ok(Attempt::Spoiled);
    }
    let output = json!({ "export_id": export, "rows": ready.rows, "bytes": ready.bytes });
    let entry = Entry::new("finish_export", "analytics_export", export);
    tx.audit(&[entry.detail(json!({ "rows": ready.rows, "bytes": ready.bytes }))]).await?;
    Ok(Attempt::Ready { tx: tx.into(), output })
}

/// Writes everything that was asked for, as of one moment. None if it was told to stop.
async fn fill(
    ctx: &Ctx,
    (export, spec): (AnalyticsExportId, Spec),
    (format, full): (FileFormat, bool),
    file: &mut SealedUpload,
    watch: &mut impl Watch,
) -> Result<Option<(Done, Moment)>> {
    if let Spec::Report { report } = spec {
        let made = report::made(ctx, export.0, &report, full).await?;
        let at = made.made_at;
        let (text, rows) = report::file(ctx, made, format).await?;
        file.write(&text).await?;
        let moment = Moment { at, erased: HashSet::new(), restricted: Arc::default() };
        return Ok(Some((Done { rows, people: None }, moment)));
    }
    let mut tx = ctx.begin().await?;
    as_of_one_moment(tx.conn()).await?;
    may_rest(tx.conn(), REST).await?;
    give_up_after(tx.conn(), LONGEST).await?;
    plan_each_time(tx.conn()).await?;
    let at = store::now(tx.conn()).await?;
    let tenant = tx.tenant;
    let erased = store::erased_since(tx.conn(), tenant, at - ERASING).await?.into_iter().collect();
    let hidden: HashSet<Uuid> = store::restricted(tx.conn(), tenant).await?.into_iter().collect();
    let restricted = Arc::new(hidden);
    let until = ctx.now() + LONGEST;
    let mut to = Writing { ctx, format, hidden: Arc::clone(&restricted), until, file, watch };
    let done = match spec {
        Spec::Leads { selection, columns } => {
            let leads = Leads::find(&mut tx, selection, columns.as_deref(), (format, full)).await?;
            to.all(&mut tx, leads).await?
        }
        Spec::Calls { selection, columns } => {
            to.all(&mut tx, Calls::of(tenant, selection, columns.as_deref(), full)).await?
        }
        Spec::Messages { selection, columns } => {
            to.all(&mut tx, Messages::of(tenant, selection, columns.as_deref(), full)).await?
        }
        Spec::Recipients { selection, columns } => {
            let recipients = Recipients::find(&mut tx, &selection, columns.as_deref()).await?;
            to.all(&mut tx, recipients).await?
        }
        Spec::Report { .. } => None,
    };
    Ok(done.map(|done| (done, Moment { at, erased, restricted })))
}
