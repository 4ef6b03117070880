//! The first step: rows of a month become a file with a signed manifest. Of the audit log only rows whose chain holds do, as
//! `follow` finds out.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::json;
use uuid::Uuid;

use super::{
    Log, Stop, Turn,
    file::{Packed, Packing},
    line::AttemptLine,
    manifest::{FORM, Manifest, Run, hex},
    month::Month,
    store::{self, ArchiveRow, Written},
};
use crate::{
    audit::{Entry, signer::Signer},
    ctx::{OperatorCtx, Platform},
    error::{Error, Result},
    storage::FileName,
    tenancy::SystemTx,
    types::TenantId,
    vault::Vault,
};

/// Rows read in one transaction.
pub(super) const PAGE: i64 = 1_000;
/// Bytes of what was sent that are read in one transaction, and one attempt more: twice as many digits are held.
const PAGE_BYTES: i64 = 8 << 20;
/// Digits at the beginning of what was sent that say by which key it is sealed, and that it is sealed at all.
const KEY_DIGITS: usize = 2 * 64;
/// Archives looked up at a time.
const ARCHIVES: i64 = 50;

/// Why a month stays where it is.
pub(super) type Refusal = String;

/// Writes the files of all that is planned: of all tenants or of one.
///
/// # Errors
/// If the database or storage refuses; what was written stays, and the step goes on with the rest.
pub async fn write(platform: &Platform, only: Option<TenantId>, stop: Stop<'_>) -> Result<Turn> {
    let signer = Signer::open(platform).await?;
    let (mut done, mut refused) = (0, 0);
    let mut after = (Uuid::nil(), FIRST, String::new());
    loop {
        let mut tx = SystemTx::begin(&platform.engine).await?;
        let place = (after.0, after.1, after.2.as_str());
        let page = store::in_state(tx.conn(), (only.map(|only| only.0), "planned"), place, ARCHIVES).await?;
        tx.commit().await?;
        let Some(last) = page.last() else { return Ok(Turn::Over { done, refused }) };
        after = (last.tenant_id, last.month, last.log.clone());
        for row in &page {
            if stop() {
                return Ok(Turn::Stopped);
            }
            let writing = Writing { platform, signer: &signer, row, tenant: TenantId(row.tenant_id), stop };
            match writing.run().await? {
                None => return Ok(Turn::Stopped),
                Some(Ok(())) => done += 1,
                Some(Err(why)) => {
                    refused += 1;
                    refuse(platform, row, &why).await?;
                }
            }
        }
    }
}

/// Before every month that is kept.
pub(super) const FIRST: NaiveDate = match NaiveDate::from_ymd_opt(1, 1, 1) {
    Some(day) => day,
    None => NaiveDate::MIN,
};

/// Leaves a month where it is, and says so.
pub(super) async fn refuse(platform: &Platform, row: &ArchiveRow, why: &str) -> Result<()> {
    tracing::error!(
        tenant.id = %row.tenant_id, archive.id = %row.id, log = row.log, month = %row.month, why,
        "logs were not archived and stay in the database"
    );
    let mut tx = SystemTx::begin(&platform.engine).await?;
    store::refuse(tx.conn(), TenantId(row.tenant_id), row.id, why).await?;
    // Whoever looks after security is told: it may be that somebody has altered the log.
    let detail = json!({ "log": row.log, "month": row.month, "refused": why });
    let entry = Entry::new("archive", "archive", row.id).detail(detail).critical();
    tx.audit(&OperatorCtx::of_machine(platform), TenantId(row.tenant_id), &[entry]).await?;
    tx.commit().await
}

/// The folder of a tenant's month.
pub(super) fn folder(row: &ArchiveRow) -> Result<FileName> {
    format!("archive/{}/{}", row.log, Month::of(row.month).name("-")).parse().map_err(Error::internal)
}

/// The name of the manifest beside a file.
pub(super) fn beside(file: &str) -> Result<FileName> {
    let stem = file.strip_suffix(ENDING).unwrap_or(file);
    format!("{stem}.manifest.json").parse().map_err(Error::internal)
}

/// JSON lines, compressed by zstd.
const ENDING: &str = ".jsonl.zst";

/// What lies beside a file, so that it can be checked without the database: the text that was signed, and by what.
pub(super) fn manifest_file(signer: &Signer, text: &str, key: Uuid, signature: &[u8]) -> Vec<u8> {
    json!({
        "manifest": text, "key_id": key, "signature": hex::text(signature), "public_key": hex::text(&signer.public()),
        "signed": "Ed25519 over the ASCII text `switchboard log archive`, a byte 1, and the text of `manifest`",
    })
    .to_string()
    .into_bytes()
}

/// A file that is being written.
pub(super) struct Writing<'a> {
    pub platform: &'a Platform,
    pub signer: &'a Signer,
    pub row: &'a ArchiveRow,
    pub tenant: TenantId,
    pub stop: Stop<'a>,
}

/// What was read of a month.
pub(super) struct Content {
    pub runs: Vec<Run>,
    pub at: Span,
    /// Of attempts: when the last of them ended.
    pub ended: Option<DateTime<Utc>>,
}

impl Writing<'_> {
    /// None if it was asked to stop.
    async fn run(&self) -> Result<Option<Result<(), Refusal>>> {
        let log = Log::named(&self.row.log).ok_or_else(|| Error::internal("an archive of an unknown log"))?;
        // Of this writing only: whoever writes the same month at the same time must not write over what was read back.
        let own = self.platform.chance.id();
        let file = format!("{}/{}-{own}{ENDING}", folder(self.row)?, self.row.id);
        let file: FileName = file.parse().map_err(Error::internal)?;
        let mut packing = Packing::begin(&self.platform.storage.of(self.tenant), &file)?;
        let read = match log {
            Log::AuditLog => self.audit(&mut packing).await,
            Log::MessageAttempts => self.attempts(&mut packing).await,
        };
        let content = match read {
            Ok(Some(Ok(content))) => content,
            ended => {
                packing.abandon().await;
                return Ok(ended?.map(|refused| refused.map(drop)));
            }
        };
        let packed = packing.finish().await?;
        self.sign(log, &file, packed, content).await.map(Some)
    }

    /// Signs the manifest and notes the file. Its rows were counted anew: as many must be in the file.
    async fn sign(
        &self,
        log: Log,
        file: &FileName,
        packed: Packed,
        content: Content,
    ) -> Result<Result<(), Refusal>> {
        let Content { runs, at, ended } = content;
        let manifest = Manifest {
            form: FORM,
            archive_id: self.row.id,
            tenant_id: self.tenant.0,
            log,
            month: self.row.month,
            rows: packed.rows,
            first_at: at.0,
            last_at: at.1,
            last_ended_at: ended,
            runs,
            file: file.as_str().to_owned(),
            bytes: packed.bytes,
            sha256: packed.sha256,
            frames: packed.frames,
            written_at: self.platform.clock.now(),
        };
        let text = serde_json::to_string(&manifest).map_err(Error::internal)?;
        let (key_id, signature) = (self.signer.key_id, self.signer.sign(&Manifest::signed(&text)));
        let beside = manifest_file(self.signer, &text, key_id, &signature);
        let files = self.platform.storage.of(self.tenant);
        files.put(&self::beside(file.as_str())?, beside.into()).await?;
        let mut tx = SystemTx::begin(&self.platform.engine).await?;
        let (rows, open) = match log {
            Log::AuditLog => store::audit_count(tx.conn(), self.tenant, Month::of(self.row.month)).await?,
            Log::MessageAttempts => {
                let now = store::attempts_of(tx.conn(), self.tenant, Month::of(self.row.month)).await?;
                (now.rows, now.open)
            }
        };
        if (rows, open) != (packed.rows, 0) {
            return Ok(Err(format!(
                "{rows} rows lie in the month, {open} of them open, but {} in the file",
                packed.rows
            )));
        }
        let seqs =
            manifest.runs.first().map(|run| run.first).zip(manifest.runs.iter().map(|run| run.last).max());
        let written = Written {
            rows: packed.rows,
            seqs,
            first_at: manifest.first_at,
            last_at: manifest.last_at,
            bytes: i64::try_from(packed.bytes).map_err(Error::internal)?,
            manifest: &text,
            key_id,
            signature: &signature,
        };
        let ours = store::written(tx.conn(), self.tenant, self.row.id, &written).await?;
        tx.commit().await?;
        if !ours {
            // Somebody else was faster.
            files.delete(file).await?;
            files.delete(&self::beside(file.as_str())?).await?;
        }
        Ok(Ok(()))
    }

    async fn attempts(&self, packing: &mut Packing) -> Result<Option<Result<Content, Refusal>>> {
        let month = Month::of(self.row.month);
        // No attempt has this number, so the first one of the month comes after it.
        let (mut after, mut span, mut ended) = ((month.ids().0, -1), None, None);
        loop {
            if (self.stop)() {
                return Ok(None);
            }
            let mut tx = SystemTx::begin(&self.platform.engine).await?;
            let page =
                store::month_attempts(tx.conn(), self.tenant, month, after, (PAGE, PAGE_BYTES)).await?;
            let beginning = |line: &AttemptLine| {
                let digits = &line.request_sealed;
                hex::bytes(digits.get(..KEY_DIGITS).unwrap_or(digits))
            };
            let sealed = page.iter().map(beginning).collect::<Option<Vec<_>>>();
            let sealed = sealed.ok_or_else(|| Error::internal("an attempt holds no bytes"))?;
            let kept = sealed.iter().map(Vec::as_slice).filter(|sealed| !sealed.is_empty());
            Vault::keep_for_archive(tx.conn(), self.tenant, kept).await?;
            tx.commit().await?;
            let Some(last) = page.last() else { break };
            after = (last.message_id, last.fence);
            for line in &page {
                widen(&mut span, line.started_at);
                ended = ended.max(line.ended_at);
                packing.line(line).await?;
            }
        }
        let content = span.map(|at| Content { runs: Vec::new(), at, ended });
        Ok(Some(content.ok_or_else(|| "nothing is left of the month".into())))
    }
}

/// The first and the last moment of a file.
pub(super) type Span = (DateTime<Utc>, DateTime<Utc>);

pub(super) fn widen(span: &mut Option<Span>, at: DateTime<Utc>) {
    *span = Some(span.map_or((at, at), |(first, last)| (first.min(at), last.max(at))));
}
