//! The table of messages, as commands write and read it.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::{
    rules::Status,
    send::{AttemptView, Filter, MessageView, NewMessage},
};
use crate::{
    access::rows::Rows,
    error::Result,
    types::{LeadId, MessageId, ProviderId, SubjectId, TemplateId, TenantId},
    vault::Personal,
};

/// What must be there for a message to be accepted.
pub(in crate::messages) struct SendFacts {
    pub provider_channel: Option<String>,
    pub template_channel: Option<String>,
    pub lead_exists: bool,
}

pub(in crate::messages) async fn facts(
    conn: &mut PgConnection,
    tenant: TenantId,
    provider: ProviderId,
    template: TemplateId,
    lead: Option<LeadId>,
    seen: Rows,
) -> Result<SendFacts> {
    let facts = sqlx::query_as!(
        SendFacts,
        r#"select (select channel from providers where tenant_id = $1 and id = $2) as provider_channel,
                  (select channel from templates where tenant_id = $1 and id = $3) as template_channel,
                  exists (select from leads where tenant_id = $1 and id = $4 and ($5::uuid is null or owner_id = $5)
                     and ($6::uuid is null or team_id = $6)) as "lead_exists!""#,
        tenant.0,
        provider.0,
        template.0,
        lead.map(|lead| lead.0),
        seen.owner(),
        seen.team()
    )
    .fetch_one(conn)
    .await?;
    Ok(facts)
}

/// What the command made for a new message.
pub(in crate::messages) struct NewRow<'a> {
    pub id: MessageId,
    pub subject: SubjectId,
    pub lead: Option<LeadId>,
    pub channel: &'a str,
    pub job: Uuid,
    pub to_sealed: Vec<u8>,
    pub to_index: Vec<u8>,
    pub vars_sealed: Vec<u8>,
}

pub(in crate::messages) async fn insert(
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
        row.lead.map(|lead| lead.0),
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
pub(in crate::messages) struct MessageRow {
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
    pub(in crate::messages) fn into_view(self, to: Option<Personal<String>>) -> Result<MessageView> {
        Ok(MessageView {
            id: self.id,
            status: Status::stored(&self.status)?,
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

pub(in crate::messages) async fn messages(
    conn: &mut PgConnection,
    tenant: TenantId,
    filter: &Filter,
    seen: Rows,
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
              and (($7::uuid is null and $8::uuid is null) or exists (select from leads l
                where l.tenant_id = messages.tenant_id and l.id = messages.lead_id
                  and ($7::uuid is null or l.owner_id = $7) and ($8::uuid is null or l.team_id = $8)))
            order by id desc limit $6"#,
        tenant.0,
        before.map(|id| id.0),
        filter.id.map(|id| id.0),
        filter.status.map(Status::as_str),
        filter.lead.map(|lead| lead.0),
        limit,
        seen.owner(),
        seen.team()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

pub(in crate::messages) async fn attempts(
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
