//! The archive: what lies there, its files, looking into them, and sending and bringing back.

use axum::{
    Json as Body,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use chrono::{DateTime, Datelike as _, NaiveDate};
use domain::{
    Ctx,
    archive::{
        Log,
        ask::{self, ArchiveAnswer, ArchiveRequest},
        read::{self, ArchiveView, ArchiveWhole, Download},
        restore, search,
    },
    audit::read::{EntryView, Filter},
    moment::Moment,
};
use serde::Deserialize;
use uuid::Uuid;

use super::denied;
use crate::http::{
    Shared,
    api::access::Made,
    download::{Pieces, attached},
    extract::{Caller, Json, Path, Query},
    page::{Page, Window},
    problem::Problem,
    reply,
};

/// Send what is past its keeping to the archive: audit logs and attempts of sending, by months. The run writes a file of
/// each month, reads it back, and lets the rows leave the database; months of the audit log leave it when all tenants of the
/// installation have archived theirs. With `dry_run` nothing is done, and only told what would go.
#[utoipa::path(post, path = "/api/v1/compliance/audit-logs/archive", tag = "compliance", request_body = ArchiveRequest,
    responses((status = 200, body = ArchiveAnswer), (status = 202, body = ArchiveAnswer)))]
pub async fn archive_audit_logs(
    Caller(ctx): Caller,
    Json(asked): Json<ArchiveRequest>,
) -> Result<Response, Problem> {
    if asked.dry_run {
        return Ok(Body(ask::dry_run(&ctx).await?).into_response());
    }
    Ok(reply::once(ask::archive(&ctx).await?, |answer| answer))
}

/// Which archives, and how many.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ArchivesQuery {
    /// `audit_log` or `message_attempts`; both if not said.
    #[param(value_type = Option<String>)]
    pub log: Option<Log>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200, 50 if not said.
    pub limit: Option<u16>,
}

/// What lies in the archive, the newest months first.
#[utoipa::path(get, path = "/api/v1/compliance/archives", tag = "compliance", params(ArchivesQuery),
    responses((status = 200, body = Page<ArchiveView>)))]
pub async fn list_archives(
    Caller(ctx): Caller,
    Query(query): Query<ArchivesQuery>,
) -> Result<Body<Page<ArchiveView>>, Problem> {
    let window = Window::of(query.cursor.as_deref(), query.limit)?;
    let before = window.before.map(|(day, id): (i32, Uuid)| {
        let month = NaiveDate::from_num_days_from_ce_opt(day);
        month
            .map(|month| (month, id))
            .ok_or_else(|| Problem::field("?cursor", "`next_cursor` of the page before"))
    });
    let rows = read::list(&ctx, query.log, before.transpose()?, window.rows).await?;
    Ok(Body(window.page(rows, |archive| (archive.month.num_days_from_ce(), archive.id))))
}

/// One of them, with its manifest and the signature over it.
#[utoipa::path(get, path = "/api/v1/compliance/archives/{id}", tag = "compliance", params(("id" = Uuid, Path)),
    responses((status = 200, body = ArchiveWhole)))]
pub async fn get_archive(Caller(ctx): Caller, Path(id): Path<Uuid>) -> Result<Body<ArchiveWhole>, Problem> {
    Ok(Body(read::get(&ctx, id).await?))
}

/// Which entries of an archive, and how many.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ArchiveEntriesQuery {
    /// From this instant; the beginning of the archive if not said.
    #[param(value_type = Option<String>, format = DateTime)]
    pub from: Option<Moment>,
    /// Before this instant; the end of the archive if not said.
    #[param(value_type = Option<String>, format = DateTime)]
    pub to: Option<Moment>,
    /// A user or a key.
    pub actor_id: Option<Uuid>,
    /// For example `create`, `update`, `delete`, `read`, `login`.
    pub action: Option<String>,
    /// For example `lead`, `user`, `role`.
    pub resource: Option<String>,
    pub resource_id: Option<String>,
    /// `done` or `denied`.
    pub outcome: Option<String>,
    /// Only what concerns security.
    #[serde(default)]
    #[param(required = false)]
    pub security: bool,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200, 50 if not said.
    pub limit: Option<u16>,
}

/// Look into the archive of a month of the audit log without bringing it back, oldest first. At most 100,000 rows of its
/// file are looked at for one page, so a page may be short, or empty, and yet not the last.
#[utoipa::path(get, path = "/api/v1/compliance/archives/{id}/entries", tag = "compliance",
    params(("id" = Uuid, Path), ArchiveEntriesQuery), responses((status = 200, body = Page<EntryView>)))]
pub async fn list_archive_entries(
    Caller(ctx): Caller,
    Path(id): Path<Uuid>,
    Query(query): Query<ArchiveEntriesQuery>,
) -> Result<Body<Page<EntryView>>, Problem> {
    let window = Window::<i64>::of(query.cursor.as_deref(), query.limit)?;
    let from = query.from.map_or(DateTime::UNIX_EPOCH, Moment::utc);
    let filter = Filter {
        actor: query.actor_id,
        action: query.action,
        resource: query.resource,
        resource_id: query.resource_id,
        denied: denied(query.outcome.as_deref())?,
        security: query.security,
        ..Filter::between(from, query.to.map_or(ctx.now(), Moment::utc))
    };
    let limit = usize::try_from(window.rows - 1).unwrap_or(1);
    let found = search::entries(&ctx, id, &filter, window.before.unwrap_or(0), limit).await?;
    Ok(Body(Page::going_on(found.items, found.next.as_ref())))
}

/// The file of an archive as it lies in storage: JSON lines, compressed by zstd.
#[utoipa::path(get, path = "/api/v1/compliance/archives/{id}/file", tag = "compliance", params(("id" = Uuid, Path)),
    responses((status = 200, content_type = "application/zstd", body = Vec<u8>)))]
pub async fn download_archive(
    State(app): Shared,
    Caller(ctx): Caller,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let file = Download::begin(&ctx, id).await?;
    let name = file.name().to_owned();
    Ok(attached(app, "application/zstd", &name, file))
}

impl Pieces for Download {
    fn ctx(&self) -> &Ctx {
        self.ctx()
    }

    async fn piece(&mut self) -> domain::Result<Option<Vec<u8>>> {
        self.piece().await
    }
}

/// Bring the entries of an archive back, so that `GET /api/v1/compliance/audit-logs?archived=true` finds them.
#[utoipa::path(post, path = "/api/v1/compliance/archives/{id}/restore", tag = "compliance", params(("id" = Uuid, Path)),
    responses((status = 202, body = Made)))]
pub async fn restore_archive(Caller(ctx): Caller, Path(id): Path<Uuid>) -> Result<Response, Problem> {
    Ok(reply::once(restore::ask(&ctx, id).await?, |id| Made { id }))
}

/// Let what was brought back go again. The archive stays.
#[utoipa::path(delete, path = "/api/v1/compliance/archives/{id}/restore", tag = "compliance",
    params(("id" = Uuid, Path)), responses((status = 204)))]
pub async fn release_archive(Caller(ctx): Caller, Path(id): Path<Uuid>) -> Result<StatusCode, Problem> {
    restore::release(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
