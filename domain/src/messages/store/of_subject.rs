//! Messages of people who are being erased.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    error::Result,
    types::{LeadId, MessageId, ProviderId, SubjectId, TenantId},
};

/// Messages that wait, with the jobs that would send them, held until commit. What somebody else holds is passed over.
pub(in crate::messages) async fn lock_waiting_of(
    conn: &mut PgConnection,
    tenant: TenantId,
    subjects: &[SubjectId],
    leads: &[LeadId],
    limit: i64,
) -> Result<Vec<(MessageId, Option<Uuid>)>> {
    let rows = sqlx::query!(
        r#"select id as "id: MessageId", job_id from messages
            where tenant_id = $1 and (subject_id = any($2) or lead_id = any($3)) and status in ('pending', 'queued')
            order by id limit $4
              for update skip locked"#,
        tenant.0,
        &subjects.iter().map(|subject| subject.0).collect::<Vec<_>>(),
        &leads.iter().map(|lead| lead.0).collect::<Vec<_>>(),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.job_id)).collect())
}

/// Whether something waits for these people or is being sent to them.
pub(in crate::messages) async fn are_under_way(
    conn: &mut PgConnection,
    tenant: TenantId,
    subjects: &[SubjectId],
    leads: &[LeadId],
) -> Result<bool> {
    let there = sqlx::query_scalar!(
        r#"select exists (select from messages
            where tenant_id = $1 and (subject_id = any($2) or lead_id = any($3))
              and status in ('pending', 'queued', 'sending')) as "there!""#,
        tenant.0,
        &subjects.iter().map(|subject| subject.0).collect::<Vec<_>>(),
        &leads.iter().map(|lead| lead.0).collect::<Vec<_>>()
    )
    .fetch_one(conn)
    .await?;
    Ok(there)
}

/// A message that a provider knows by a name.
pub(in crate::messages) struct NamedRow {
    pub id: MessageId,
    pub provider: ProviderId,
    pub name: String,
}

/// Messages that their providers still know by a name.
pub(in crate::messages) async fn named_of(
    conn: &mut PgConnection,
    tenant: TenantId,
    subjects: &[SubjectId],
    limit: i64,
) -> Result<Vec<NamedRow>> {
    let rows = sqlx::query_as!(
        NamedRow,
        r#"select id as "id: MessageId", provider_id as "provider!: ProviderId", provider_message_id as "name!"
             from messages
            where tenant_id = $1 and subject_id = any($2) and provider_id is not null and provider_message_id is not null
            order by provider_id, id limit $3"#,
        tenant.0,
        &subjects.iter().map(|subject| subject.0).collect::<Vec<_>>(),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Forgets what providers call messages. Answers how many.
pub(in crate::messages) async fn unname(
    conn: &mut PgConnection,
    tenant: TenantId,
    messages: &[MessageId],
) -> Result<u64> {
    let done = sqlx::query!(
        "update messages set provider_message_id = null
          where tenant_id = $1 and id = any($2) and provider_message_id is not null",
        tenant.0,
        &messages.iter().map(|id| id.0).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// An account, also one that was taken away: what it sent is still there.
pub(in crate::messages) struct AccountRow {
    pub id: ProviderId,
    pub kind: String,
    pub channel: String,
    pub version: i64,
    pub credentials_sealed: Vec<u8>,
}

pub(in crate::messages) async fn accounts_of(
    conn: &mut PgConnection,
    tenant: TenantId,
    providers: &[ProviderId],
) -> Result<Vec<AccountRow>> {
    let rows = sqlx::query_as!(
        AccountRow,
        r#"select id as "id: ProviderId", kind, channel, credentials_version as version, credentials_sealed
             from providers where tenant_id = $1 and id = any($2)"#,
        tenant.0,
        &providers.iter().map(|id| id.0).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
