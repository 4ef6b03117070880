//! The last step: what was read back leaves the database. A partition of the audit log goes when every entry in it, of every
//! tenant, was; it is counted before it is detached and once more after, when nobody can write to it.

use std::{collections::HashMap, time::Duration};

use chrono::{DateTime, Utc};
use engine::Engine;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    Log, Stop, Turn, check,
    manifest::Manifest,
    month::Month,
    store::{self, ArchiveRow, Attempts, Standing},
    write::FIRST,
};
use crate::{
    audit::Entry,
    ctx::{OperatorCtx, Platform},
    error::{Error, Result},
    tenancy::SystemTx,
    types::TenantId,
};

/// Archives looked up at a time, and messages whose attempts are deleted in one transaction.
const ARCHIVES: i64 = 50;
const BATCH: i64 = 1_000;
/// How often a lock is asked for before it is left to the next attempt, and how long is waited between.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(500);

/// Drops what can go. Attempts are those of all tenants or of one; partitions are all tenants' and go when the last of
/// their tenants has been archived, whoever asked. Answers how many months went.
///
/// # Errors
/// If the database refuses, or somebody reads a partition for longer than two seconds at that moment: it goes at the next
/// run. A partition that was being detached goes on from there.
pub async fn leave(platform: &Platform, only: Option<TenantId>, stop: Stop<'_>) -> Result<Turn> {
    let mut done = 0;
    let mut tx = SystemTx::begin(&platform.engine).await?;
    let months = store::verified_months(tx.conn(), Log::AuditLog).await?;
    tx.commit().await?;
    for month in months {
        if stop() {
            return Ok(Turn::Stopped);
        }
        done += usize::from(partition(platform, month).await?);
    }
    match attempts(platform, only, stop).await? {
        Turn::Over { done: more, .. } => Ok(Turn::Over { done: done + more, refused: 0 }),
        Turn::Stopped => Ok(Turn::Stopped),
    }
}

/// Rows of each tenant that were read back.
type Archived = HashMap<Uuid, i64>;

/// Drops the partition of a month, if all of it was read back.
async fn partition(platform: &Platform, month: Month) -> Result<bool> {
    let mut tx = SystemTx::begin(&platform.engine).await?;
    let archived: Archived = store::archived(tx.conn(), Log::AuditLog, month).await?.into_iter().collect();
    let standing = store::standing(tx.conn(), month).await?;
    if standing == Standing::Attached && !all_of(&archived, &store::month_counts(tx.conn(), month).await?) {
        return Ok(false);
    }
    tx.commit().await?;
    if standing == Standing::Attached && !all_lie_there(platform, month).await? {
        return Ok(false);
    }
    // One that is gone was dropped by somebody who died before saying so.
    if standing != Standing::Gone {
        let mut owner = Owner::connect(&platform.engine).await?;
        let left = owner.detach_and_drop(month, standing, &archived).await;
        owner.close().await?;
        if !left? {
            return Ok(false);
        }
    }
    tidy_month(platform, month).await?;
    let mut tx = SystemTx::begin(&platform.engine).await?;
    store::dropped(tx.conn(), Log::AuditLog, month, None).await?;
    tx.commit().await?;
    tracing::info!(month = %month.first(), "a month of the audit log lies in the archive only, from now on");
    Ok(true)
}

/// Whether all files of a month still lie there: the last of its tenants may have been waited for long after they were read
/// back.
async fn all_lie_there(platform: &Platform, month: Month) -> Result<bool> {
    let mut after = None;
    while let Some(page) = next_page(platform, month, &mut after).await? {
        for row in &page {
            if !lies_there(platform, row).await? {
                tracing::error!(
                    tenant.id = %row.tenant_id, archive.id = %row.id, month = %month.first(),
                    "{LOST}: the month stays in the database; bring the file back from a copy of the storage"
                );
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// The archives of a month that were read back, some at a time, by tenant; none after the last of them.
async fn next_page(
    platform: &Platform,
    month: Month,
    after: &mut Option<Uuid>,
) -> Result<Option<Vec<ArchiveRow>>> {
    let mut tx = SystemTx::begin(&platform.engine).await?;
    let page =
        store::verified_of(tx.conn(), Log::AuditLog, month, after.unwrap_or_default(), ARCHIVES).await?;
    tx.commit().await?;
    *after = page.last().map(|last| last.tenant_id);
    Ok(after.map(|_| page))
}

const LOST: &str = "the file of these rows is gone, or of another size than when it was read back";

/// Whether a file lies there, as large as it was when it was read back.
async fn lies_there(platform: &Platform, row: &ArchiveRow) -> Result<bool> {
    let text = row.manifest.as_deref().unwrap_or_default();
    let kept: Manifest = serde_json::from_str(text).map_err(Error::internal)?;
    let name = kept.file.parse().map_err(Error::internal)?;
    let found = platform.storage.of(TenantId(row.tenant_id)).head(&name).await?;
    Ok(found.is_some_and(|found| found.size == kept.bytes))
}

/// Removes what writings of a month left that were cut off, of all tenants.
async fn tidy_month(platform: &Platform, month: Month) -> Result<()> {
    let mut after = None;
    while let Some(page) = next_page(platform, month, &mut after).await? {
        for row in &page {
            check::tidy(&platform.storage, row).await?;
        }
    }
    Ok(())
}

/// Whether what was read back is all there is, and all of it has its place.
fn all_of(archived: &Archived, counts: &[(Uuid, i64, i64)]) -> bool {
    counts.iter().all(|(tenant, rows, open)| *open == 0 && archived.get(tenant) == Some(rows))
}

/// A connection that may change partitions.
struct Owner(PgConnection);

impl Owner {
    async fn connect(engine: &Engine) -> Result<Self> {
        Ok(Self(engine.as_owner().await?))
    }

    async fn close(self) -> Result<()> {
        Ok(sqlx::Connection::close(self.0).await?)
    }

    /// From wherever it was cut off. `false` if something came in meanwhile: the partition is then where it was.
    async fn detach_and_drop(
        &mut self,
        month: Month,
        standing: Standing,
        archived: &Archived,
    ) -> Result<bool> {
        match standing {
            Standing::Attached => store::detach(&mut self.0, month).await?,
            Standing::Pending => store::finalize(&mut self.0, month).await?,
            Standing::Detached | Standing::Gone => {}
        }
        let counts = store::detached_counts(&mut self.0, month).await?;
        if !all_of(archived, &counts) {
            tracing::error!(month = %month.first(), "a month of the audit log has other rows than were archived");
            store::attach(&mut self.0, month).await?;
            return Ok(false);
        }
        for _ in 0..TRIES {
            if store::drop_detached(&mut self.0, month).await? {
                return Ok(true);
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(Error::internal(
            "tenants are locked for too long to drop what was archived; it is dropped at the next run",
        ))
    }
}

/// Deletes the attempts that were read back.
async fn attempts(platform: &Platform, only: Option<TenantId>, stop: Stop<'_>) -> Result<Turn> {
    let (mut done, mut after) = (0, (Uuid::nil(), FIRST, String::new()));
    loop {
        let mut tx = SystemTx::begin(&platform.engine).await?;
        let place = (after.0, after.1, after.2.as_str());
        let page = store::in_state(tx.conn(), (only.map(|only| only.0), "verified"), place, ARCHIVES).await?;
        tx.commit().await?;
        let Some(last) = page.last() else { return Ok(Turn::Over { done, refused: 0 }) };
        after = (last.tenant_id, last.month, last.log.clone());
        for row in page.iter().filter(|row| row.log == Log::MessageAttempts.as_str()) {
            match of_file(platform, row, stop).await? {
                None => return Ok(Turn::Stopped),
                Some(gone) => done += usize::from(gone),
            }
        }
    }
}

/// Deletes the attempts of one file. Answers whether all of them are gone; none if it was asked to stop.
async fn of_file(platform: &Platform, row: &ArchiveRow, stop: Stop<'_>) -> Result<Option<bool>> {
    let (tenant, month) = (TenantId(row.tenant_id), Month::of(row.month));
    let Some(until) = compared(platform, row).await? else { return Ok(Some(false)) };
    let mut after = month.ids().0;
    loop {
        if stop() {
            return Ok(None);
        }
        let mut tx = SystemTx::begin(&platform.engine).await?;
        let last = store::drop_attempts(tx.conn(), tenant, (month, after), until, BATCH).await?;
        tx.commit().await?;
        let Some(last) = last else { break };
        after = last;
    }
    let mut tx = SystemTx::begin(&platform.engine).await?;
    // What somebody worked on at that moment, or is to be sent again, goes at the next run.
    if store::any_attempt(tx.conn(), tenant, month, until).await? {
        return Ok(Some(false));
    }
    tx.commit().await?;
    check::tidy(&platform.storage, row).await?;
    let mut tx = SystemTx::begin(&platform.engine).await?;
    store::dropped(tx.conn(), Log::MessageAttempts, month, Some(tenant.0)).await?;
    tx.commit().await?;
    Ok(Some(true))
}

/// Whether the attempts in the database are those of the file, before the first of them is deleted. If not, they stay and are
/// written anew by the next run. Answers when the last of them began and ended; none if nothing may be deleted.
async fn compared(platform: &Platform, row: &ArchiveRow) -> Result<Option<(DateTime<Utc>, DateTime<Utc>)>> {
    let (tenant, month) = (TenantId(row.tenant_id), Month::of(row.month));
    let text = row.manifest.as_deref().unwrap_or_default();
    let manifest: Manifest = serde_json::from_str(text).map_err(Error::internal)?;
    let until = (manifest.last_at, manifest.last_ended_at.unwrap_or(manifest.last_at));
    let there = lies_there(platform, row).await?;
    let mut tx = SystemTx::begin(&platform.engine).await?;
    match store::hold_verified(tx.conn(), tenant, row.id, row.signature.as_deref()).await? {
        None => return Ok(None),
        Some(true) => return Ok(Some(until)),
        Some(false) => {}
    }
    let found = store::attempts_of(tx.conn(), tenant, month).await?;
    let (last_at, last_ended_at) = (Some(manifest.last_at), manifest.last_ended_at);
    let same = found == Attempts { rows: manifest.rows, open: 0, last_at, last_ended_at };
    let goes = same && there;
    if goes {
        store::leaves(tx.conn(), tenant, row.id).await?;
    } else {
        let why = if there {
            format!(
                "{} attempts lie in the month, {} of them stay, and {} are in the file; some came or changed after it \
                 was written",
                found.rows, found.open, manifest.rows
            )
        } else {
            LOST.to_owned()
        };
        tracing::warn!(tenant.id = %row.tenant_id, archive.id = %row.id, month = %row.month, why, "attempts stay");
        store::refuse(tx.conn(), tenant, row.id, &why).await?;
        let detail = json!({ "log": row.log, "month": row.month, "refused": why });
        let entry = Entry::new("archive", "archive", row.id).detail(detail).notice();
        tx.audit(&OperatorCtx::of_machine(platform), tenant, &[entry]).await?;
    }
    tx.commit().await?;
    Ok(goes.then_some(until))
}
