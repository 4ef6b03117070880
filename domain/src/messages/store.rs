//! The tables of providers, templates, messages and their attempts.

use std::{collections::HashSet, time::Duration};

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    accounts::{NewProvider, ProviderView},
    attempt::Finished,
    provider::{Channel, Outgoing},
    rules::{OnUnknown, Status},
    send::{AttemptView, Filter, MessageView, NewMessage},
    templates::{NewTemplate, TemplateView},
};
use crate::{
    error::Result,
    types::{LeadId, MessageId, ProviderId, SubjectId, TemplateId, TenantId},
    vault::Personal,
};

pub(super) async fn insert_template(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: TemplateId,
    new: &NewTemplate,
) -> Result<()> {
    // Versions of one name are counted one at a time.
    sqlx::query!(
        "with held as (select pg_advisory_xact_lock(hashtextextended($1::uuid::text || $3, 1005)))
         insert into templates (tenant_id, id, name, channel, version, subject, text, html)
         select $1, $2, $3, $4,
                (select coalesce(max(t.version), 0) + 1 from templates t where t.tenant_id = $1 and t.name = $3),
                $5, $6, $7
           from held",
        tenant.0,
        id.0,
        new.name.as_str(),
        new.channel.as_str(),
        new.subject,
        new.text,
        new.html
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn templates(
    conn: &mut PgConnection,
    tenant: TenantId,
    only: Option<TemplateId>,
    before: Option<TemplateId>,
    limit: i64,
) -> Result<Vec<TemplateView>> {
    let rows = sqlx::query_as!(
        TemplateView,
        r#"select id as "id: TemplateId", name, version, channel, subject, text, html, created_at from templates
            where tenant_id = $1 and ($2::uuid is null or id = $2) and ($3::uuid is null or id < $3)
            order by id desc limit $4"#,
        tenant.0,
        only.map(|id| id.0),
        before.map(|id| id.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// `false` if the name is taken.
pub(super) async fn insert_provider(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ProviderId,
    new: &NewProvider,
    channel: Channel,
    credentials_sealed: &[u8],
) -> Result<bool> {
    let put = sqlx::query!(
        "insert into providers (tenant_id, id, name, kind, channel, credentials_sealed, on_unknown)
         values ($1, $2, $3, $4, $5, $6, $7) on conflict on constraint providers_name_key do nothing",
        tenant.0,
        id.0,
        new.name.as_str(),
        new.kind,
        channel.as_str(),
        credentials_sealed,
        match new.on_unknown {
            OnUnknown::Hold => "hold",
            OnUnknown::Resend => "resend",
        }
    )
    .execute(conn)
    .await?;
    Ok(put.rows_affected() == 1)
}

pub(super) async fn providers(
    conn: &mut PgConnection,
    tenant: TenantId,
    only: Option<ProviderId>,
    before: Option<ProviderId>,
    limit: i64,
) -> Result<Vec<ProviderView>> {
    let rows = sqlx::query_as!(
        ProviderView,
        r#"select id as "id: ProviderId", name, kind, channel, on_unknown, version, created_at from providers
            where tenant_id = $1 and ($2::uuid is null or id = $2) and ($3::uuid is null or id < $3)
            order by id desc limit $4"#,
        tenant.0,
        only.map(|id| id.0),
        before.map(|id| id.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// What must be there for a message to be accepted.
pub(super) struct SendFacts {
    pub provider_channel: Option<String>,
    pub template_channel: Option<String>,
    pub lead_exists: bool,
}

pub(super) async fn facts(conn: &mut PgConnection, tenant: TenantId, new: &NewMessage) -> Result<SendFacts> {
    let facts = sqlx::query_as!(
        SendFacts,
        r#"select (select channel from providers where tenant_id = $1 and id = $2) as provider_channel,
                  (select channel from templates where tenant_id = $1 and id = $3) as template_channel,
                  exists (select from leads where tenant_id = $1 and id = $4) as "lead_exists!""#,
        tenant.0,
        new.provider_id.0,
        new.template_id.0,
        new.lead_id.map(|lead| lead.0)
    )
    .fetch_one(conn)
    .await?;
    Ok(facts)
}

/// What the command made for a new message.
pub(super) struct NewRow<'a> {
    pub id: MessageId,
    pub subject: SubjectId,
    pub channel: &'a str,
    pub job: Uuid,
    pub to_sealed: Vec<u8>,
    pub to_index: Vec<u8>,
    pub vars_sealed: Vec<u8>,
}

pub(super) async fn insert(
    conn: &mut PgConnection,
    tenant: TenantId,
    new: &NewMessage,
    row: &NewRow<'_>,
) -> Result<()> {
    sqlx::query!(
        "insert into messages (tenant_id, id, subject_id, lead_id, provider_id, template_id, job_id, channel,
                               status, to_sealed, to_index, vars_sealed)
         values ($1, $2, $3, $4, $5, $6, $7, $8, 'queued', $9, $10, $11)",
        tenant.0,
        row.id.0,
        row.subject.0,
        new.lead_id.map(|lead| lead.0),
        new.provider_id.0,
        new.template_id.0,
        row.job,
        row.channel,
        row.to_sealed,
        row.to_index,
        row.vars_sealed
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A message as it lies, its recipient sealed.
pub(super) struct MessageRow {
    pub id: MessageId,
    pub subject_id: SubjectId,
    status: String,
    channel: String,
    lead_id: Option<LeadId>,
    provider_id: ProviderId,
    template_id: TemplateId,
    job_id: Option<Uuid>,
    pub to_sealed: Vec<u8>,
    fence: i64,
    error_code: Option<String>,
    error_text: Option<String>,
    provider_message_id: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    sent_at: Option<DateTime<Utc>>,
}

impl MessageRow {
    pub(super) fn into_view(self, to: Option<Personal<String>>) -> Result<MessageView> {
        let status = Status::ALL.into_iter().find(|status| status.as_str() == self.status);
        Ok(MessageView {
            id: self.id,
            status: status.ok_or_else(|| crate::Error::internal("a message of unheard-of status"))?,
            channel: self.channel,
            lead_id: self.lead_id,
            provider_id: self.provider_id,
            template_id: self.template_id,
            job_id: self.job_id,
            to,
            attempts: self.fence,
            error_code: self.error_code,
            error_text: self.error_text,
            provider_message_id: self.provider_message_id,
            created_at: self.created_at,
            updated_at: self.updated_at,
            sent_at: self.sent_at,
        })
    }
}

pub(super) async fn messages(
    conn: &mut PgConnection,
    tenant: TenantId,
    filter: &Filter,
    before: Option<MessageId>,
    limit: i64,
) -> Result<Vec<MessageRow>> {
    let rows = sqlx::query_as!(
        MessageRow,
        r#"select id as "id: MessageId", subject_id as "subject_id: SubjectId", status, channel,
                  lead_id as "lead_id: LeadId", provider_id as "provider_id: ProviderId",
                  template_id as "template_id: TemplateId", job_id, to_sealed, fence, error_code, error_text,
                  provider_message_id, created_at, updated_at, sent_at
             from messages
            where tenant_id = $1 and ($2::uuid is null or id < $2) and ($3::uuid is null or id = $3)
              and ($4::text is null or status = $4) and ($5::uuid is null or lead_id = $5)
            order by id desc limit $6"#,
        tenant.0,
        before.map(|id| id.0),
        filter.id.map(|id| id.0),
        filter.status.map(Status::as_str),
        filter.lead.map(|lead| lead.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

pub(super) async fn attempts(
    conn: &mut PgConnection,
    tenant: TenantId,
    message: MessageId,
) -> Result<Vec<AttemptView>> {
    let rows = sqlx::query_as!(
        AttemptView,
        "select fence, started_at, ended_at, outcome, code, text from message_attempts
          where tenant_id = $1 and message_id = $2 order by fence desc limit 200",
        tenant.0,
        message.0
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// A queued message with all that is needed to send it.
pub(super) struct QueuedRow {
    pub id: MessageId,
    pub subject_id: SubjectId,
    pub fence: i64,
    pub to_sealed: Vec<u8>,
    pub vars_sealed: Vec<u8>,
    pub provider_id: ProviderId,
    pub provider_kind: String,
    pub provider_version: i64,
    pub credentials_sealed: Vec<u8>,
    on_unknown: String,
    pub subject: Option<String>,
    pub text: String,
    pub html: Option<String>,
}

impl QueuedRow {
    pub(super) fn on_unknown(&self) -> OnUnknown {
        on_unknown(&self.on_unknown)
    }
}

fn on_unknown(stored: &str) -> OnUnknown {
    if stored == "resend" { OnUnknown::Resend } else { OnUnknown::Hold }
}

/// Locks those of the messages that are queued.
pub(super) async fn lock_queued(
    conn: &mut PgConnection,
    tenant: TenantId,
    messages: &[MessageId],
) -> Result<Vec<QueuedRow>> {
    let rows = sqlx::query_as!(
        QueuedRow,
        r#"select m.id as "id: MessageId", m.subject_id as "subject_id: SubjectId", m.fence, m.to_sealed,
                  m.vars_sealed, p.id as "provider_id: ProviderId", p.kind as provider_kind,
                  p.version as provider_version, p.credentials_sealed, p.on_unknown, t.subject, t.text, t.html
             from messages m
             join providers p on p.tenant_id = $1 and p.id = m.provider_id
             join templates t on t.tenant_id = $1 and t.id = m.template_id
            where m.tenant_id = $1 and m.id = any($2) and m.status = 'queued'
            order by m.id
              for update of m"#,
        tenant.0,
        &messages.iter().map(|id| id.0).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// An attempt about to be made, its request frozen.
pub(super) struct Claimed {
    pub id: MessageId,
    pub fence: i64,
    pub hash: [u8; 32],
    pub sealed: Vec<u8>,
}

pub(super) async fn claim(
    conn: &mut PgConnection,
    tenant: TenantId,
    claims: &[Claimed],
    lease: Duration,
) -> Result<()> {
    sqlx::query!(
        "with asked as (
           select * from unnest($2::uuid[], $3::bigint[], $4::bytea[], $5::bytea[]) as u(id, fence, hash, sealed)
         ), moved as (
           update messages m
              set status = 'sending', fence = a.fence, updated_at = engine.now(),
                  lease_until = engine.now() + make_interval(secs => $6)
             from asked a
            where m.tenant_id = $1 and m.id = a.id
           returning m.id, m.provider_id
         )
         insert into message_attempts (tenant_id, message_id, fence, provider_id, provider_key, request_hash,
                                       request_sealed)
         select $1, a.id, a.fence, m.provider_id, a.id::text, a.hash, a.sealed
           from asked a join moved m on m.id = a.id",
        tenant.0,
        &claims.iter().map(|claim| claim.id.0).collect::<Vec<_>>(),
        &claims.iter().map(|claim| claim.fence).collect::<Vec<_>>(),
        &claims.iter().map(|claim| claim.hash.to_vec()).collect::<Vec<_>>(),
        &claims.iter().map(|claim| claim.sealed.clone()).collect::<Vec<_>>(),
        lease.as_secs_f64()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Moves messages, each only if its fence is still the one of the attempt. A result that comes after
/// the lease ran out still counts while nobody has tried again. Answers what was moved.
pub(super) async fn apply(
    conn: &mut PgConnection,
    tenant: TenantId,
    finished: &[Finished],
) -> Result<HashSet<MessageId>> {
    let settled = |of: fn(&Finished) -> Option<String>| finished.iter().map(of).collect::<Vec<_>>();
    let moved = sqlx::query_scalar!(
        r#"with said as (
             select * from unnest($2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[])
                        as u(id, fence, status, provider_message_id, code, text)
           ), moved as (
             update messages m
                set status = s.status, lease_until = null, updated_at = engine.now(),
                    sent_at = case when s.status = 'sent' then engine.now() end,
                    provider_message_id = s.provider_message_id, error_code = s.code, error_text = s.text
               from said s
              where m.tenant_id = $1 and m.id = s.id and m.fence = s.fence and m.status <> s.status
                and m.status in ('sending', 'unknown', 'queued')
             returning m.id
           ), noted as (
             update message_attempts a
                set ended_at = engine.now(), outcome = s.status, code = s.code, text = s.text
               from said s
              where a.tenant_id = $1 and a.message_id = s.id and a.fence = s.fence
                and s.id in (select id from moved)
           )
           select id as "id!: MessageId" from moved"#,
        tenant.0,
        &finished.iter().map(|one| one.message.0).collect::<Vec<_>>(),
        &finished.iter().map(|one| one.fence).collect::<Vec<_>>(),
        &finished.iter().map(|one| one.settlement.status.as_str().to_owned()).collect::<Vec<_>>(),
        &settled(|one| one.settlement.provider_message_id.clone()) as &[Option<String>],
        &settled(|one| one.settlement.code.clone()) as &[Option<String>],
        &settled(|one| one.settlement.text.clone()) as &[Option<String>],
    )
    .fetch_all(conn)
    .await?;
    Ok(moved.into_iter().collect())
}

pub(super) async fn tenants_with_expired(conn: &mut PgConnection, limit: i64) -> Result<Vec<TenantId>> {
    let tenants = sqlx::query_scalar!(
        r#"select distinct tenant_id as "tenant!: TenantId" from (
             select tenant_id from messages
              where status = 'sending' and lease_until <= engine.now()
              order by lease_until limit $1) late"#,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(tenants)
}

pub(super) async fn lock_expired(
    conn: &mut PgConnection,
    tenant: TenantId,
    limit: i64,
) -> Result<Vec<(MessageId, i64, OnUnknown)>> {
    let rows = sqlx::query!(
        r#"select m.id as "id: MessageId", m.fence, p.on_unknown
             from messages m join providers p on p.tenant_id = $1 and p.id = m.provider_id
            where m.tenant_id = $1 and m.status = 'sending' and m.lease_until <= engine.now()
            order by m.id limit $2
              for update of m skip locked"#,
        tenant.0,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.fence, on_unknown(&row.on_unknown))).collect())
}

pub(super) struct DeliveryRow {
    pub id: Uuid,
    pub message_id: MessageId,
    pub subject_id: SubjectId,
    pub received_at: DateTime<Utc>,
    pub content_sealed: Vec<u8>,
}

pub(super) async fn insert_delivery(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: Uuid,
    provider: ProviderId,
    outgoing: &Outgoing,
    sealed: &[u8],
) -> Result<()> {
    sqlx::query!(
        "insert into sandbox_outbox (tenant_id, id, message_id, provider_id, subject_id, content_sealed)
         values ($1, $2, $3, $4, $5, $6)",
        tenant.0,
        id,
        outgoing.message.0,
        provider.0,
        outgoing.subject_id.0,
        sealed
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn deliveries(
    conn: &mut PgConnection,
    tenant: TenantId,
    message: Option<MessageId>,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<DeliveryRow>> {
    let rows = sqlx::query_as!(
        DeliveryRow,
        r#"select id, message_id as "message_id: MessageId", subject_id as "subject_id: SubjectId", received_at,
                  content_sealed
             from sandbox_outbox
            where tenant_id = $1 and ($2::uuid is null or message_id = $2) and ($3::uuid is null or id < $3)
            order by id desc limit $4"#,
        tenant.0,
        message.map(|id| id.0),
        before,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
