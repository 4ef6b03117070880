//! What people wrote to a tenant's numbers.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    access::rows::Rows,
    error::Result,
    types::{AgentId, LeadId, ProviderId, SubjectId, TeamId, TenantId},
};

/// The newest open lead of a phone number.
pub(in crate::messages) async fn open_lead_of_number(
    conn: &mut PgConnection,
    tenant: TenantId,
    phone_index: &[u8],
) -> Result<Option<LeadId>> {
    let lead = sqlx::query_scalar!(
        r#"select id as "id: LeadId" from leads
            where tenant_id = $1 and phone_index = $2 and status not in ('converted', 'lost')
            order by id desc limit 1"#,
        tenant.0,
        phone_index
    )
    .fetch_optional(conn)
    .await?;
    Ok(lead)
}

/// Whose a lead is: an agent's and a team's.
pub(in crate::messages) async fn whose_lead(
    conn: &mut PgConnection,
    tenant: TenantId,
    lead: LeadId,
) -> Result<(Option<AgentId>, Option<TeamId>)> {
    let row = sqlx::query!(
        r#"select owner_id as "owner: AgentId", team_id as "team: TeamId" from leads where tenant_id = $1 and id = $2"#,
        tenant.0,
        lead.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map_or((None, None), |row| (row.owner, row.team)))
}

/// An inbound message as it is kept.
pub(in crate::messages) struct NewInbound<'a> {
    pub id: Uuid,
    pub provider: ProviderId,
    pub channel: &'a str,
    /// What the provider calls it.
    pub name: &'a str,
    pub lead: Option<LeadId>,
    pub subject: SubjectId,
    pub keyword: Option<&'a str>,
    pub from_index: &'a [u8],
    pub from_sealed: &'a [u8],
    pub body_sealed: &'a [u8],
}

/// `false` if it was taken in before.
pub(in crate::messages) async fn insert_inbound(
    conn: &mut PgConnection,
    tenant: TenantId,
    new: &NewInbound<'_>,
) -> Result<bool> {
    let put = sqlx::query!(
        "insert into inbound_messages (tenant_id, id, provider_id, channel, provider_message_id, lead_id, subject_id,
                                       keyword, from_index, from_sealed, body_sealed)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         on conflict on constraint inbound_messages_provider_key do nothing",
        tenant.0,
        new.id,
        new.provider.0,
        new.channel,
        new.name,
        new.lead.map(|lead| lead.0),
        new.subject.0,
        new.keyword,
        new.from_index,
        new.from_sealed,
        new.body_sealed
    )
    .execute(conn)
    .await?;
    Ok(put.rows_affected() == 1)
}

/// Which inbound messages are asked for.
#[derive(Default)]
pub(in crate::messages) struct AskedInbound {
    pub id: Option<Uuid>,
    pub lead: Option<LeadId>,
    pub from_index: Option<Vec<u8>>,
    pub keyword: Option<&'static str>,
}

/// An inbound message as it lies.
pub(in crate::messages) struct InboundRow {
    pub id: Uuid,
    pub provider_id: ProviderId,
    pub channel: String,
    pub lead_id: Option<LeadId>,
    pub subject_id: SubjectId,
    pub keyword: Option<String>,
    pub from_sealed: Vec<u8>,
    pub body_sealed: Vec<u8>,
    pub received_at: DateTime<Utc>,
}

pub(in crate::messages) async fn inbound(
    conn: &mut PgConnection,
    tenant: TenantId,
    asked: &AskedInbound,
    seen: Rows,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<InboundRow>> {
    let rows = sqlx::query_as!(
        InboundRow,
        r#"select id, provider_id as "provider_id: ProviderId", channel, lead_id as "lead_id: LeadId",
                  subject_id as "subject_id: SubjectId", keyword, from_sealed, body_sealed, received_at
             from inbound_messages
            where tenant_id = $1 and ($2::uuid is null or id < $2) and ($3::uuid is null or id = $3)
              and ($4::uuid is null or lead_id = $4) and ($5::bytea is null or from_index = $5)
              and ($6::text is null or keyword = $6)
              and (($8::uuid is null and $9::uuid is null) or exists (select from leads l
                where l.tenant_id = inbound_messages.tenant_id and l.id = inbound_messages.lead_id
                  and ($8::uuid is null or l.owner_id = $8) and ($9::uuid is null or l.team_id = $9)))
            order by id desc limit $7"#,
        tenant.0,
        before,
        asked.id,
        asked.lead.map(|lead| lead.0),
        asked.from_index.as_deref(),
        asked.keyword,
        limit,
        seen.owner(),
        seen.team()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
