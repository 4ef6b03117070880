//! The file is written, table after table.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{
    ExportState, WriteExport,
    archive::Archive,
    folder, index, key_place,
    record::{self, Values},
    sealed_as, store, tables_of, take_away,
};
use crate::{
    Ctx,
    audit::Entry,
    error::{Error, Result},
    events::{Event, EventType},
    privacy::{
        manifest::Table,
        person::{self, Person},
        requests,
    },
    storage::{FileName, sealed::SealedUpload},
    types::{ExportId, PrivacyRequestId, SubjectId},
    vault::{DataKey, Place, Vault},
};

/// Days that a file is kept.
const KEPT_DAYS: i32 = 14;
/// Rows that are held at a time.
const PAGE: i64 = 200;

/// A file that is being written, table after table.
pub struct Writer {
    ctx: Ctx,
    request: PrivacyRequestId,
    export: ExportId,
    subject: SubjectId,
    person: Person,
    tables: Vec<&'static Table>,
    counts: Vec<(&'static Table, u64)>,
    archive: Archive,
    file: FileName,
    /// As it is put under the person's key.
    key: Zeroizing<String>,
}

impl Writer {
    /// Begins the file from its beginning; none if it is not to be written any more.
    ///
    /// # Errors
    /// If the database or storage does not answer.
    pub async fn begin(ctx: &Ctx, job: &WriteExport) -> Result<Option<Self>> {
        let mut tx = ctx.begin().await?;
        let held = store::export(tx.conn(), ctx.tenant, job.export).await?;
        let Some(held) = held else { return Ok(None) };
        // Whoever was erased since has nothing that could be shown; the erasure closes the request.
        let erased = !Vault::subjects(&mut tx, &[held.subject]).await?.seals(held.subject);
        if held.state == ExportState::Gone || erased {
            drop(tx);
            // An attempt before may have died between the file and its removal.
            take_away(&ctx.platform, ctx.tenant, job.export).await?;
            return Ok(None);
        }
        if held.state != ExportState::Writing {
            return Ok(None);
        }
        let person = person::of_request(&mut tx, job.request).await?;
        drop(tx);
        let bytes = Zeroizing::new(ctx.platform.random::<32>());
        let text = Zeroizing::new(STANDARD.encode(bytes.as_slice()));
        // A name of its own for each attempt: one that is late overwrites nothing.
        let file = format!("{}/{}.sealed", folder(job.export)?, ctx.id().simple());
        let file: FileName = file.parse().map_err(Error::internal)?;
        let upload = ctx.platform.storage.of(ctx.tenant).begin(&file);
        let key = DataKey { id: job.export.0, bytes };
        let of = sealed_as(ctx.tenant, job.export);
        let archive = Archive::begin(SealedUpload::begin(ctx.platform.clone(), of, key, upload));
        let tables = tables_of(person.is_staff(), true).collect();
        Ok(Some(Self {
            ctx: ctx.clone(),
            request: job.request,
            export: job.export,
            subject: held.subject,
            person,
            tables,
            counts: Vec::new(),
            archive,
            file,
            key: text,
        }))
    }

    /// How many tables there are.
    #[must_use]
    pub fn tables(&self) -> usize {
        self.tables.len()
    }

    /// Writes the next table, and answers how many are written; none if all were.
    ///
    /// # Errors
    /// If the database or storage does not answer.
    pub async fn table(&mut self) -> Result<Option<usize>> {
        let Some(table) = self.tables.get(self.counts.len()).copied() else { return Ok(None) };
        let count = self.json(table).await?;
        if count > 0 {
            self.csv(table).await?;
        }
        self.counts.push((table, count));
        Ok(Some(self.counts.len()))
    }

    /// Writes the page that explains it, makes it visible, and answers the request.
    ///
    /// # Errors
    /// If the database or storage does not answer.
    pub async fn finish(mut self) -> Result<()> {
        let ctx = self.ctx.clone();
        let mut tx = ctx.begin().await?;
        let tenant = store::tenant_name(tx.conn(), ctx.tenant).await?;
        let recipients = store::recipients(tx.conn(), ctx.tenant).await?;
        drop(tx);
        let told = index::Told {
            tenant: &tenant,
            request: self.request.to_string(),
            at: ctx.now(),
            staff: self.person.is_staff(),
            shares: self.person.shares,
            recipients: &recipients,
            counts: &self.counts,
        };
        let explained = index::page(&told);
        self.archive.file("index.html".into()).await?;
        self.archive.write(explained).await?;
        let records = self.counts.iter().map(|count| count.1).sum::<u64>();
        let written = Box::pin(self.archive.finish()).await?;
        let mut tx = ctx.begin().await?;
        let keys = Vault::subjects(&mut tx, &[self.subject]).await?;
        if !keys.seals(self.subject) {
            // Erased meanwhile: nobody could open it.
            drop(tx);
            return ctx.platform.storage.of(ctx.tenant).delete(&self.file).await;
        }
        let key = keys.seal(&ctx.platform, self.subject, &key_place(ctx.tenant, self.export), &self.key)?;
        let ready = store::Ready {
            file: self.file.as_str(),
            key_sealed: &key,
            bytes: i64::try_from(written.bytes).map_err(Error::internal)?,
            pieces: i32::try_from(written.pieces).map_err(Error::internal)?,
            sha256: &written.sha256,
            records: i64::try_from(records).map_err(Error::internal)?,
            keep_days: KEPT_DAYS,
        };
        let held = requests::store::lock(tx.conn(), ctx.tenant, self.request).await?;
        let wanted = held.is_some_and(|held| held.status.allows(requests::rules::Deed::Answer));
        if !wanted || !store::ready(tx.conn(), ctx.tenant, self.export, &ready).await? {
            drop(tx);
            return ctx.platform.storage.of(ctx.tenant).delete(&self.file).await;
        }
        let result = json!({ "export_id": self.export, "records": records, "bytes": written.bytes });
        requests::store::answer(tx.conn(), ctx.tenant, self.request, &result).await?;
        let step = (ctx.id(), self.request);
        requests::store::note(tx.conn(), ctx.tenant, step, ctx.actor, "answered").await?;
        tx.audit(&[Entry::new("answer", "privacy_request", self.request).detail(result).notice()]).await?;
        let told = json!({ "kind": "access", "status": "answered" });
        tx.emit(&[Event::new(EventType::SubjectRequestEnded, "subject_request", self.request).with(told)])
            .await?;
        tx.commit().await
    }

    /// Gives the file up: what was sent of it is taken away.
    pub async fn abandon(self) {
        Box::pin(self.archive.abandon()).await;
    }

    async fn json(&mut self, table: &'static Table) -> Result<u64> {
        let (mut after, mut count) = (None, 0);
        loop {
            let (rows, next) = page(&self.ctx, &self.person, table, after.as_ref()).await?;
            let mut text = String::new();
            for values in &rows {
                text.push_str(if count == 0 { "[\n" } else { ",\n" });
                record::json(values, &mut text);
                count += 1;
            }
            if count > 0 && after.is_none() {
                self.archive.file(format!("{}.json", table.file())).await?;
            }
            if next.is_none() && count > 0 {
                text.push_str("\n]\n");
            }
            if !text.is_empty() {
                self.archive.write(text).await?;
            }
            match next {
                Some(key) => after = Some(key),
                None => return Ok(count),
            }
        }
    }

    async fn csv(&mut self, table: &'static Table) -> Result<()> {
        self.archive.file(format!("{}.csv", table.file())).await?;
        let (mut after, mut text) = (None, String::new());
        record::head(table, &mut text);
        loop {
            let (rows, next) = page(&self.ctx, &self.person, table, after.as_ref()).await?;
            for values in &rows {
                record::line(values, &mut text);
            }
            self.archive.write(std::mem::take(&mut text)).await?;
            match next {
                Some(key) => after = Some(key),
                None => return Ok(()),
            }
        }
    }
}

/// A page of a table, open, and the key to go on from; none after the last one.
async fn page(
    ctx: &Ctx,
    person: &Person,
    table: &'static Table,
    after: Option<&Value>,
) -> Result<(Vec<Values>, Option<Value>)> {
    let tenant = ctx.tenant;
    let mut tx = ctx.begin().await?;
    let rows = store::records(tx.conn(), tenant, table, person, after, PAGE).await?;
    let mut subjects: Vec<SubjectId> = rows.iter().filter_map(|row| row.subject).collect();
    subjects.sort_unstable();
    subjects.dedup();
    let keys = Vault::subjects(&mut tx, &subjects).await?;
    drop(tx);
    let whole = rows.len() as u64 == PAGE.unsigned_abs();
    let next = rows.last().filter(|_| whole).map(|row| row.key.clone());
    let open = |row: &store::Record| {
        let columns = store::statement::sealed(table).zip(&row.sealed);
        let mut opened = columns.map(|(column, sealed)| {
            let place = Place { tenant, table: table.name, column, row: row.row };
            sealed.as_ref().and_then(|sealed| keys.shown(&place, sealed))
        });
        record::values(table, &row.facts, &mut opened)
    };
    Ok((rows.iter().map(open).collect(), next))
}
