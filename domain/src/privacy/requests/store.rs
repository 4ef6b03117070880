//! The tables of requests.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{AccessRequestView, RequestFilter, RequestStatus, RequestStepView};
use crate::{
    ctx::Actor,
    error::Result,
    types::{LeadId, PrivacyRequestId, SubjectId, TenantId, UserId},
};

/// A request to be written down.
pub(super) struct NewRequest<'r> {
    pub id: PrivacyRequestId,
    pub subject: SubjectId,
    pub lead: Option<LeadId>,
    pub user: Option<UserId>,
    /// Sealed, and whether it is a phone or an email.
    pub to: Option<(&'r [u8], &'static str)>,
    /// `messages.to` of it.
    pub to_index: Option<&'r [u8]>,
    pub received_at: DateTime<Utc>,
    pub due_at: DateTime<Utc>,
}

pub(super) async fn insert(
    conn: &mut PgConnection,
    tenant: TenantId,
    new: &NewRequest<'_>,
    by: Option<Uuid>,
) -> Result<()> {
    sqlx::query!(
        "insert into privacy_requests (tenant_id, id, subject_id, lead_id, user_id, to_sealed, to_kind, asked_by,
                                       received_at, due_at, to_index)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        tenant.0,
        new.id.0,
        new.subject.0,
        new.lead.map(|lead| lead.0),
        new.user.map(|user| user.0),
        new.to.map(|to| to.0),
        new.to.map(|to| to.1),
        by,
        new.received_at,
        new.due_at,
        new.to_index
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A request as whoever works on it needs it.
#[derive(Debug, Clone)]
pub(in crate::privacy) struct HeldRequest {
    pub subject: SubjectId,
    pub lead: Option<LeadId>,
    pub user: Option<UserId>,
    pub to_sealed: Option<Vec<u8>>,
    pub to_kind: Option<String>,
    pub status: RequestStatus,
    pub received_at: DateTime<Utc>,
    pub extended_at: Option<DateTime<Utc>>,
    pub overdue: bool,
}

/// Keeps a request as it is until the commit.
pub(in crate::privacy) async fn lock(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: PrivacyRequestId,
) -> Result<Option<HeldRequest>> {
    let row = sqlx::query_as!(
        HeldRequest,
        r#"select subject_id as "subject: SubjectId", lead_id as "lead: LeadId", user_id as "user: UserId", to_sealed,
                  to_kind, status as "status: RequestStatus", received_at, extended_at, due_at < engine.now() as "overdue!"
             from privacy_requests where tenant_id = $1 and id = $2 for update"#,
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

pub(super) async fn identify(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: PrivacyRequestId,
    method: &str,
    by: Option<Uuid>,
) -> Result<()> {
    sqlx::query!(
        "update privacy_requests
            set identity = $3, identity_by = $4, identity_at = engine.now(), status = 'working', version = version + 1
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        method,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn extend(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: PrivacyRequestId,
    until: DateTime<Utc>,
    why: &str,
) -> Result<()> {
    sqlx::query!(
        "update privacy_requests
            set due_at = $3, extended_at = engine.now(), extension_reason = $4, version = version + 1
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        until,
        why
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn refuse(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: PrivacyRequestId,
    why: &str,
) -> Result<()> {
    sqlx::query!(
        "update privacy_requests
            set status = 'refused', refusal = $3, ended_at = engine.now(), version = version + 1
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        why
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Refuses all open requests of some people, for this reason. Answers which they were.
pub(super) async fn close_of(
    conn: &mut PgConnection,
    tenant: TenantId,
    subjects: &[SubjectId],
    why: &str,
) -> Result<Vec<PrivacyRequestId>> {
    let closed = sqlx::query_scalar!(
        r#"update privacy_requests
              set status = 'refused', refusal = $3, ended_at = engine.now(), version = version + 1
            where tenant_id = $1 and subject_id = any($2) and ended_at is null
           returning id as "id: PrivacyRequestId""#,
        tenant.0,
        &subjects.iter().map(|subject| subject.0).collect::<Vec<_>>(),
        why
    )
    .fetch_all(conn)
    .await?;
    Ok(closed)
}

/// The first answer says when it was answered.
pub(in crate::privacy) async fn answer(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: PrivacyRequestId,
    result: &serde_json::Value,
) -> Result<()> {
    sqlx::query!(
        "update privacy_requests
            set status = 'answered', ended_at = coalesce(ended_at, engine.now()), result = $3, version = version + 1
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        result
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes down that something was done about it.
pub(in crate::privacy) async fn note(
    conn: &mut PgConnection,
    tenant: TenantId,
    (step, request): (Uuid, PrivacyRequestId),
    actor: Actor,
    what: &str,
) -> Result<()> {
    sqlx::query!(
        "insert into privacy_request_steps (tenant_id, id, request_id, actor_kind, actor_id, what)
         values ($1, $2, $3, $4, $5, $6)",
        tenant.0,
        step,
        request.0,
        actor.kind(),
        actor.id(),
        what
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The newest of what was done, as many as anybody reads, in their order.
pub(super) async fn steps(
    conn: &mut PgConnection,
    tenant: TenantId,
    request: PrivacyRequestId,
) -> Result<Vec<RequestStepView>> {
    let mut steps = sqlx::query_as!(
        RequestStepView,
        r#"select at, actor_kind as by, actor_id as by_id, what from privacy_request_steps
            where tenant_id = $1 and request_id = $2 order by id desc limit 200"#,
        tenant.0,
        request.0
    )
    .fetch_all(conn)
    .await?;
    steps.reverse();
    Ok(steps)
}

/// A lead that was merged into another is asked about as that one: requests of either are found by both.
pub(in crate::privacy) async fn list(
    conn: &mut PgConnection,
    tenant: TenantId,
    filter: &RequestFilter,
    before: Option<PrivacyRequestId>,
    limit: i64,
) -> Result<Vec<AccessRequestView>> {
    let rows = sqlx::query_as!(
        AccessRequestView,
        r#"with recursive same (id) as (
             select $4::uuid where $4::uuid is not null
             union
             select m.loser_id from same s join lead_merges m on m.tenant_id = $1 and m.winner_id = s.id)
           select id as "id: PrivacyRequestId", status as "status: RequestStatus", lead_id as "lead_id: LeadId",
                  user_id as "user_id: UserId", to_kind as known_by, asked_by, received_at, due_at,
                  (ended_at is null and due_at < engine.now()) as "overdue!", extended_at, extension_reason, identity,
                  identity_by, identity_at, refusal, ended_at, version, created_at
             from privacy_requests
            where tenant_id = $1 and ($2::uuid is null or id = $2)
              and ($3::text is null or status = $3) and ($4::uuid is null or lead_id in (select id from same))
              and ($5::bool is null or (ended_at is null and due_at < engine.now()) = $5)
              and ($6::uuid is null or id < $6)
            order by id desc limit $7"#,
        tenant.0,
        filter.id.map(|id| id.0),
        filter.status as Option<RequestStatus>,
        filter.lead.map(|lead| lead.0),
        filter.overdue,
        before.map(|id| id.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Whether there is such a user.
pub(super) async fn is_user(conn: &mut PgConnection, tenant: TenantId, user: UserId) -> Result<bool> {
    let found =
        sqlx::query_scalar!("select id from users where tenant_id = $1 and id = $2", tenant.0, user.0);
    Ok(found.fetch_optional(conn).await?.is_some())
}

/// Leads with one of these blind indexes; more than two are as many as two.
pub(super) async fn leads_of(
    conn: &mut PgConnection,
    tenant: TenantId,
    phone: Option<&[u8]>,
    email: Option<&[u8]>,
) -> Result<Vec<LeadId>> {
    let leads = sqlx::query_scalar!(
        r#"select id as "id: LeadId" from leads
            where tenant_id = $1 and (phone_index = $2 or email_index = $3) order by id limit 2"#,
        tenant.0,
        phone,
        email
    )
    .fetch_all(conn)
    .await?;
    Ok(leads)
}
