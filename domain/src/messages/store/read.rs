//! The table of messages, as it is read.

use chrono::{DateTime, Utc};
use engine::ids::{CLOCKS_APART, first_of};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    super::{
        provider::Channel,
        read::{AttemptView, CallbackView, Filter, MessageView, StatusView},
        rules::{FailureKind, Purpose, Status},
    },
    stored_channel,
};
use crate::{
    access::rows::Rows,
    error::Result,
    types::{LeadId, MessageId, ProviderId, SubjectId, TemplateId, TenantId},
    vault::Personal,
};

/// A message as it lies, its recipient sealed.
pub(in crate::messages) struct MessageRow {
    pub id: MessageId,
    pub subject_id: SubjectId,
    status: String,
    channel: String,
    purpose: String,
    lead_id: Option<LeadId>,
    provider_id: Option<ProviderId>,
    template_id: TemplateId,
    job_id: Option<Uuid>,
    batch_id: Option<Uuid>,
    pub to_sealed: Vec<u8>,
    fence: i64,
    failure: Option<String>,
    error_code: Option<String>,
    error_text: Option<String>,
    provider_message_id: Option<String>,
    send_at: Option<DateTime<Utc>>,
    expires_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    sent_at: Option<DateTime<Utc>>,
}

impl MessageRow {
    pub(in crate::messages) fn channel(&self) -> Result<Channel> {
        stored_channel(&self.channel)
    }

    pub(in crate::messages) fn into_view(
        self,
        channel: Channel,
        to: Option<Personal<String>>,
    ) -> Result<MessageView> {
        Ok(MessageView {
            id: self.id,
            status: Status::stored(&self.status)?,
            channel,
            purpose: Purpose::stored(&self.purpose),
            lead_id: self.lead_id,
            provider_id: self.provider_id,
            template_id: self.template_id,
            job_id: self.job_id,
            batch_id: self.batch_id,
            to,
            attempts: self.fence,
            failure: self.failure.as_deref().and_then(FailureKind::stored),
            error_code: self.error_code,
            error_text: self.error_text,
            provider_message_id: self.provider_message_id,
            send_at: self.send_at,
            expires_at: self.expires_at,
            created_at: self.created_at,
            updated_at: self.updated_at,
            sent_at: self.sent_at,
        })
    }
}

/// Messages that fit, the newest first: `$first` is the condition that an index is walked by, so that one plan for all
/// does not walk past what nobody asked for.
macro_rules! fitting {
    ($first:literal, $conn:expr, $tenant:expr, $filter:expr, $to:expr, $seen:expr, $before:expr, $limit:expr) => {
        sqlx::query_as!(
            MessageRow,
            r#"select id as "id: MessageId", subject_id as "subject_id: SubjectId", status, channel, purpose,
                      lead_id as "lead_id: LeadId", provider_id as "provider_id: ProviderId",
                      template_id as "template_id: TemplateId", job_id, batch_id, to_sealed, fence, failure, error_code,
                      error_text, provider_message_id, send_at, expires_at, created_at, updated_at, sent_at
                 from messages
                where tenant_id = $1 and "#
                + $first
                + r#" and ($2::uuid is null or id < $2) and ($3::uuid is null or id = $3)
                  and ($4::text is null or status = $4) and ($5::uuid is null or lead_id = $5)
                  and (($7::uuid is null and $8::uuid is null) or exists (select from leads l
                    where l.tenant_id = messages.tenant_id and l.id = messages.lead_id
                      and ($7::uuid is null or l.owner_id = $7) and ($8::uuid is null or l.team_id = $8)))
                  and ($9::text is null or channel = $9) and ($10::text is null or purpose = $10)
                  and ($11::uuid is null or provider_id = $11) and ($12::uuid is null or template_id = $12)
                  and ($13::uuid is null or batch_id = $13) and ($14::text is null or failure = $14)
                  and ($15::text is null or error_code = $15) and ($16::bytea[] is null or to_index = any($16))
                  and ($17::timestamptz is null or created_at >= $17)
                  and ($18::timestamptz is null or created_at < $18)
                  and ($19::uuid is null or id >= $19)
                order by id desc limit $6"#,
            $tenant.0,
            $before.map(|id: MessageId| id.0),
            $filter.id.map(|id| id.0),
            $filter.status.map(Status::as_str),
            $filter.lead.map(|lead| lead.0),
            $limit,
            $seen.owner(),
            $seen.team(),
            $filter.channel.map(Channel::as_str),
            $filter.purpose.map(Purpose::as_str),
            $filter.provider.map(|id| id.0),
            $filter.template.map(|id| id.0),
            $filter.batch,
            $filter.failure.map(FailureKind::as_str),
            $filter.code.as_deref(),
            $to as Option<&[Vec<u8>]>,
            $filter.from,
            $filter.until,
            $filter.from.map(|from| first_of(from - CLOCKS_APART))
        )
        .fetch_all($conn)
        .await?
    };
}

pub(in crate::messages) async fn messages(
    conn: &mut PgConnection,
    tenant: TenantId,
    (filter, to): (&Filter, Option<&[Vec<u8>]>),
    seen: Rows,
    before: Option<MessageId>,
    limit: i64,
) -> Result<Vec<MessageRow>> {
    Ok(if filter.id.is_some() {
        fitting!("id = $3", conn, tenant, filter, to, seen, before, limit)
    } else if filter.lead.is_some() {
        fitting!("lead_id = $5", conn, tenant, filter, to, seen, before, limit)
    } else if filter.batch.is_some() {
        fitting!("batch_id = $13", conn, tenant, filter, to, seen, before, limit)
    } else if to.is_some() {
        fitting!("to_index = any($16)", conn, tenant, filter, to, seen, before, limit)
    } else {
        fitting!("true", conn, tenant, filter, to, seen, before, limit)
    })
}

pub(in crate::messages) async fn attempts(
    conn: &mut PgConnection,
    tenant: TenantId,
    message: MessageId,
) -> Result<Vec<AttemptView>> {
    let rows = sqlx::query_as!(
        AttemptView,
        r#"select fence, provider_id as "provider_id: ProviderId", started_at, ended_at, outcome, code, text
             from message_attempts
            where tenant_id = $1 and message_id = $2 order by fence desc limit 200"#,
        tenant.0,
        message.0
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// The first things that were told of a message, in the order in which they came in. Which of them counted is not said
/// yet.
pub(in crate::messages) async fn told_of(
    conn: &mut PgConnection,
    tenant: TenantId,
    message: MessageId,
) -> Result<Vec<CallbackView>> {
    let rows = sqlx::query!(
        r#"select provider_id as "provider_id: ProviderId", status, failure, code, happened_at, received_at
             from message_callbacks
            where tenant_id = $1 and message_id = $2 order by id limit 200"#,
        tenant.0,
        message.0
    )
    .fetch_all(conn)
    .await?;
    let told = rows.into_iter().map(|row| {
        Ok(CallbackView {
            received_at: row.received_at,
            happened_at: row.happened_at,
            provider_id: row.provider_id,
            status: Status::stored(&row.status)?,
            failure: row.failure.as_deref().and_then(FailureKind::stored),
            code: row.code,
            counted: false,
        })
    });
    told.collect()
}

pub(in crate::messages) async fn status_of(
    conn: &mut PgConnection,
    tenant: TenantId,
    ids: &[MessageId],
    seen: Rows,
) -> Result<Vec<StatusView>> {
    let rows = sqlx::query!(
        r#"select id as "id: MessageId", status, failure, error_code, updated_at
             from messages
            where tenant_id = $1 and id = any($2)
              and (($3::uuid is null and $4::uuid is null) or exists (select from leads l
                where l.tenant_id = messages.tenant_id and l.id = messages.lead_id
                  and ($3::uuid is null or l.owner_id = $3) and ($4::uuid is null or l.team_id = $4)))
            order by id"#,
        tenant.0,
        &ids.iter().map(|id| id.0).collect::<Vec<_>>(),
        seen.owner(),
        seen.team()
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(StatusView {
                id: row.id,
                status: Status::stored(&row.status)?,
                failure: row.failure.as_deref().and_then(FailureKind::stored),
                error_code: row.error_code,
                updated_at: row.updated_at,
            })
        })
        .collect()
}
