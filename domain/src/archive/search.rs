//! Looking into the file of an archive without bringing it back: rows are read as a stream from the frame in which the page
//! begins, and no more of them than one page may cost.

use chrono::{DateTime, Utc};
use futures::StreamExt as _;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Log,
    file::Unpacking,
    line::AuditLine,
    manifest::Manifest,
    read::{find, manifest},
};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::{
        self, Entry, Severity,
        read::{EntryView, Filter},
    },
    error::{Error, Result},
};

/// Rows that are looked at for one page.
const LOOKED_AT: i64 = 100_000;

/// Entries of a file that fit, and where it goes on.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Found {
    /// Oldest first, in the order of the chain.
    pub items: Vec<EntryView>,
    /// How many rows of the file lie before what comes next; none at its end. A page may be short and yet not the last:
    /// so many rows were looked at as one page may cost.
    pub next: Option<i64>,
}

/// Entries of the archive of a month that fit, after so many rows of its file. The look is recorded.
///
/// # Errors
/// If the permission is missing, there is no such archive or it is of another log, or its file is not what it should be.
pub async fn entries(ctx: &Ctx, id: Uuid, filter: &Filter, skipped: i64, limit: usize) -> Result<Found> {
    ctx.require(Permission::AuditRead)?;
    let row = find(ctx, id).await?;
    let manifest = manifest(&row)?;
    if manifest.log != Log::AuditLog {
        let detail = "only archives of the audit log are looked into; take the file of this one out";
        return Err(Error::conflict("archive-of-another-log", detail));
    }
    let mut detail = filter.told();
    detail["archive_id"] = json!(id);
    audit::record(ctx, Entry::new("read", "audit_log", "").detail(detail)).await?;
    Looking { ctx, manifest: &manifest, filter }.page(skipped.max(0), limit).await
}

struct Looking<'a> {
    ctx: &'a Ctx,
    manifest: &'a Manifest,
    filter: &'a Filter,
}

impl Looking<'_> {
    async fn page(&self, skipped: i64, limit: usize) -> Result<Found> {
        let frame = self.manifest.frame_before(skipped);
        let file = self.manifest.file.parse().map_err(Error::internal)?;
        let files = self.ctx.platform.storage.of(self.ctx.tenant);
        let opened = files.get_from(&file, frame.offset).await?;
        let mut unpacking = Unpacking::of(opened.pieces.boxed())?;
        let (mut items, mut at) = (Vec::new(), frame.rows);
        loop {
            if items.len() == limit || at >= skipped + LOOKED_AT {
                return Ok(Found { items, next: Some(at).filter(|at| *at < self.manifest.rows) });
            }
            let line = unpacking.line().await?.map_err(broken)?;
            let Some(line) = line else { return Ok(Found { items, next: None }) };
            at += 1;
            if at <= skipped {
                continue;
            }
            let line: AuditLine =
                serde_json::from_slice(line).map_err(|_| broken("a line of it is no entry"))?;
            if line.tenant_id == self.ctx.tenant.0 && fits(self.filter, &line) {
                items.push(view(line)?);
            }
        }
    }
}

fn broken(what: &'static str) -> Error {
    let detail =
        format!("the file of this archive is damaged ({what}); run `switchboard audit verify --archive`");
    Error::conflict("archive-damaged", detail)
}

fn fits(filter: &Filter, line: &AuditLine) -> bool {
    let is = |wanted: &Option<String>, value: Option<&str>| {
        wanted.as_deref().is_none_or(|wanted| value == Some(wanted))
    };
    let at: DateTime<Utc> = line.at;
    at >= filter.from
        && at < filter.to
        && filter.actor.is_none_or(|actor| line.actor_id == Some(actor))
        && is(&filter.action, Some(&line.action))
        && is(&filter.resource, Some(&line.resource))
        && is(&filter.resource_id, line.resource_id.as_deref())
        && filter.outcome().is_none_or(|outcome| line.outcome == outcome)
        && filter
            .severity
            .map(Severity::as_str)
            .is_none_or(|severity| line.severity.as_deref() == Some(severity))
        && (!filter.security || line.severity.is_some())
}

fn view(line: AuditLine) -> Result<EntryView> {
    let detail: Value = serde_json::from_str(line.detail.get()).map_err(Error::internal)?;
    Ok(EntryView {
        id: line.id,
        at: line.at,
        seq: Some(line.seq),
        actor_kind: line.actor_kind,
        actor_id: line.actor_id,
        action: line.action,
        resource: line.resource,
        resource_id: line.resource_id,
        outcome: line.outcome,
        severity: line.severity,
        detail,
        request_id: line.request_id,
    })
}
