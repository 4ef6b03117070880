//! Rows for files, each kind in the order of its keys behind one of them. Of what is sealed only what is asked for is read.
//! Leads are read by their own store.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    analytics::export::source::{CallSelection, MessageSelection},
    calls::rules::CallStatus,
    campaigns::rules::lifecycle::RecipientStatus,
    error::Result,
    messages::{
        provider::Channel,
        rules::{Purpose, Status},
    },
    moment::Moment,
    types::{
        AgentId, CallId, CallSourceId, CampaignRunId, LeadId, MessageId, ProviderId, SubjectId, TeamId,
        TemplateId, TenantId,
    },
};

/// A call as a file has it.
pub(in crate::analytics::export) struct TakenCall {
    pub id: CallId,
    pub direction: String,
    pub status: String,
    pub lead_id: Option<LeadId>,
    pub agent_id: Option<AgentId>,
    pub team_id: Option<TeamId>,
    pub source_id: Option<CallSourceId>,
    pub external_id: Option<String>,
    pub subject_id: SubjectId,
    pub outcome: Option<String>,
    pub satisfaction: Option<i16>,
    pub value_cents: Option<i64>,
    pub started_at: DateTime<Utc>,
    pub ringing_at: Option<DateTime<Utc>>,
    pub answered_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    pub disposed_at: Option<DateTime<Utc>>,
    pub number_sealed: Option<Vec<u8>>,
    pub notes_sealed: Option<Vec<u8>>,
    pub recording_sealed: Option<Vec<u8>>,
}

pub(in crate::analytics::export) async fn calls_behind(
    conn: &mut PgConnection,
    tenant: TenantId,
    which: &CallSelection,
    after: Uuid,
    personal: bool,
    limit: i64,
) -> Result<Vec<TakenCall>> {
    let rows = sqlx::query_as!(
        TakenCall,
        r#"select id as "id: CallId", direction, status, lead_id as "lead_id: LeadId", agent_id as "agent_id: AgentId",
                  team_id as "team_id: TeamId", source_id as "source_id: CallSourceId", external_id,
                  subject_id as "subject_id: SubjectId", outcome, satisfaction, value_cents, started_at, ringing_at,
                  answered_at, ended_at, disposed_at, case when $3 then number_sealed end as number_sealed,
                  case when $3 then notes_sealed end as notes_sealed,
                  case when $3 then recording_sealed end as recording_sealed
             from calls
            where tenant_id = $1 and id > $2 and ($4::uuid is null or lead_id = $4) and ($5::uuid is null or agent_id = $5)
              and ($6::uuid is null or team_id = $6) and ($7::text is null or status = $7)
              and ($8::timestamptz is null or started_at >= $8) and ($9::timestamptz is null or started_at < $9)
            order by id limit $10"#,
        tenant.0,
        after,
        personal,
        which.lead_id.map(|id| id.0),
        which.agent_id.map(|id| id.0),
        which.team_id.map(|id| id.0),
        which.status.map(CallStatus::as_str),
        which.from.map(Moment::utc),
        which.to.map(Moment::utc),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// A message as a file has it.
pub(in crate::analytics::export) struct TakenMessage {
    pub id: MessageId,
    pub subject_id: SubjectId,
    pub status: String,
    pub channel: String,
    pub purpose: String,
    pub lead_id: Option<LeadId>,
    pub provider_id: Option<ProviderId>,
    pub template_id: TemplateId,
    pub batch_id: Option<Uuid>,
    pub to_sealed: Option<Vec<u8>>,
    pub fence: i64,
    pub failure: Option<String>,
    pub error_code: Option<String>,
    pub send_at: Option<DateTime<Utc>>,
    pub expires_at: Option<DateTime<Utc>>,
    pub sent_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

pub(in crate::analytics::export) async fn messages_behind(
    conn: &mut PgConnection,
    tenant: TenantId,
    which: &MessageSelection,
    after: Uuid,
    personal: bool,
    limit: i64,
) -> Result<Vec<TakenMessage>> {
    let rows = sqlx::query_as!(
        TakenMessage,
        r#"select id as "id: MessageId", subject_id as "subject_id: SubjectId", status, channel, purpose,
                  lead_id as "lead_id: LeadId", provider_id as "provider_id: ProviderId",
                  template_id as "template_id: TemplateId", batch_id, case when $3 then to_sealed end as to_sealed, fence,
                  failure, error_code, send_at, expires_at, sent_at, created_at, updated_at
             from messages
            where tenant_id = $1 and id > $2 and ($4::text is null or status = $4) and ($5::text is null or channel = $5)
              and ($6::text is null or purpose = $6) and ($7::uuid is null or lead_id = $7)
              and ($8::uuid is null or provider_id = $8) and ($9::uuid is null or template_id = $9)
              and ($10::uuid is null or batch_id = $10) and ($11::timestamptz is null or created_at >= $11)
              and ($12::timestamptz is null or created_at < $12)
            order by id limit $13"#,
        tenant.0,
        after,
        personal,
        which.status.map(Status::as_str),
        which.channel.map(Channel::as_str),
        which.purpose.map(Purpose::as_str),
        which.lead_id.map(|id| id.0),
        which.provider_id.map(|id| id.0),
        which.template_id.map(|id| id.0),
        which.batch_id,
        which.from.map(Moment::utc),
        which.to.map(Moment::utc),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// A recipient as a file has it.
pub(in crate::analytics::export) struct TakenRecipient {
    pub lead_id: LeadId,
    pub status: String,
    pub reason: Option<String>,
    /// The place of its variant.
    pub variant: Option<i16>,
    pub channel: Option<String>,
    pub zone: Option<String>,
    pub message_id: Option<MessageId>,
    pub due_at: Option<DateTime<Utc>>,
    pub updated_at: DateTime<Utc>,
}

pub(in crate::analytics::export) async fn recipients_behind(
    conn: &mut PgConnection,
    tenant: TenantId,
    run: CampaignRunId,
    status: Option<RecipientStatus>,
    after: Uuid,
    limit: i64,
) -> Result<Vec<TakenRecipient>> {
    let rows = sqlx::query_as!(
        TakenRecipient,
        r#"select lead_id as "lead_id: LeadId", status, reason, variant, channel, zone,
                  message_id as "message_id: MessageId", due_at, updated_at
             from campaign_recipients
            where tenant_id = $1 and run_id = $2 and lead_id > $3 and ($4::text is null or status = $4)
            order by lead_id limit $5"#,
        tenant.0,
        run.0,
        after,
        status.map(RecipientStatus::as_str),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Who is restricted at the moment (GDPR Art. 18): what is known of them is kept, and not taken out with others. At most a
/// million.
pub(in crate::analytics::export) async fn restricted(
    conn: &mut PgConnection,
    tenant: TenantId,
) -> Result<Vec<Uuid>> {
    let found = sqlx::query_scalar!(
        "select subject_id from restrictions where tenant_id = $1 and lifted_at is null limit 1000000",
        tenant.0
    )
    .fetch_all(conn)
    .await?;
    Ok(found)
}
