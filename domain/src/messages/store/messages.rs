//! The table of messages, as commands write it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    super::{
        provider::Channel,
        rules::{Purpose, Status},
    },
    in_doubt, stored_channel,
};
use crate::{
    access::rows::Rows,
    error::Result,
    types::{CampaignRunId, LeadId, MessageId, ProviderId, SubjectId, TemplateId, TenantId},
};

/// An account that may carry messages.
pub(in crate::messages) struct Carrier {
    pub id: ProviderId,
    pub channel: Channel,
    pub paused: bool,
}

/// The accounts of a tenant, those first that are asked first.
pub(in crate::messages) async fn carriers(conn: &mut PgConnection, tenant: TenantId) -> Result<Vec<Carrier>> {
    let rows = sqlx::query!(
        r#"select id as "id: ProviderId", channel, paused_at is not null as "paused!"
             from providers where tenant_id = $1 and deleted_at is null
            order by priority, id"#,
        tenant.0
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| Ok(Carrier { id: row.id, channel: stored_channel(&row.channel)?, paused: row.paused }))
        .collect()
}

/// The channels of those templates that are there; of those that are archived, if these are asked for too.
pub(in crate::messages) async fn channels_of(
    conn: &mut PgConnection,
    tenant: TenantId,
    ids: &[TemplateId],
    archived: bool,
) -> Result<HashMap<TemplateId, Channel>> {
    let rows = sqlx::query!(
        r#"select id as "id: TemplateId", channel from templates
            where tenant_id = $1 and id = any($2) and ($3 or archived_at is null)"#,
        tenant.0,
        &ids.iter().map(|id| id.0).collect::<Vec<_>>(),
        archived
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(|row| Ok((row.id, stored_channel(&row.channel)?))).collect()
}

/// The channel of a template, also of one that is archived.
pub(in crate::messages) async fn channel_of(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: TemplateId,
) -> Result<Option<Channel>> {
    let found =
        sqlx::query_scalar!("select channel from templates where tenant_id = $1 and id = $2", tenant.0, id.0)
            .fetch_optional(conn)
            .await?;
    found.as_deref().map(stored_channel).transpose()
}

/// What a lead comes by, sealed.
pub(in crate::messages) struct Contact {
    pub phone_sealed: Option<Vec<u8>>,
    pub email_sealed: Option<Vec<u8>>,
}

pub(in crate::messages) async fn contacts(
    conn: &mut PgConnection,
    tenant: TenantId,
    leads: &[LeadId],
) -> Result<HashMap<LeadId, Contact>> {
    let rows = sqlx::query!(
        r#"select id as "id: LeadId", phone_sealed, email_sealed from leads where tenant_id = $1 and id = any($2)"#,
        tenant.0,
        &leads.iter().map(|id| id.0).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    let contact = |phone_sealed, email_sealed| Contact { phone_sealed, email_sealed };
    Ok(rows.into_iter().map(|row| (row.id, contact(row.phone_sealed, row.email_sealed))).collect())
}

/// A new message.
pub(in crate::messages) struct NewRow {
    pub id: MessageId,
    pub subject: SubjectId,
    pub lead: Option<LeadId>,
    /// The one that it is bound to, if it is.
    pub provider: Option<ProviderId>,
    pub template: TemplateId,
    pub channel: Channel,
    pub purpose: Purpose,
    pub job: Uuid,
    /// The run of a workflow that writes it.
    pub run: Option<Uuid>,
    pub batch: Option<Uuid>,
    /// The run of a campaign that it is of, and the lead as the run knows it.
    pub campaign: Option<(CampaignRunId, LeadId)>,
    pub send_at: Option<DateTime<Utc>>,
    pub expires_at: Option<DateTime<Utc>>,
    pub to_sealed: Vec<u8>,
    pub to_index: Vec<u8>,
    pub vars_sealed: Vec<u8>,
}

pub(in crate::messages) async fn insert_messages(
    conn: &mut PgConnection,
    tenant: TenantId,
    rows: &[NewRow],
) -> Result<()> {
    fn column<T>(rows: &[NewRow], of: impl Fn(&NewRow) -> T) -> Vec<T> {
        rows.iter().map(of).collect()
    }
    sqlx::query!(
        "insert into messages (tenant_id, id, subject_id, lead_id, provider_id, pinned, template_id, job_id, batch_id,
                               channel, purpose, status, send_at, expires_at, to_sealed, to_index, vars_sealed,
                               campaign_run_id, campaign_lead_id, run_id)
         select $1, id, subject, lead, provider, provider is not null, template, job, batch, channel, purpose, 'queued',
                send_at, expires_at, to_sealed, to_index, vars, campaign, campaign_lead, run
           from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::uuid[], $9::text[],
                       $10::text[], $11::timestamptz[], $12::timestamptz[], $13::bytea[], $14::bytea[], $15::bytea[],
                       $16::uuid[], $17::uuid[], $18::uuid[])
                as u (id, subject, lead, provider, template, job, batch, channel, purpose, send_at, expires_at,
                      to_sealed, to_index, vars, campaign, campaign_lead, run)",
        tenant.0,
        &column(rows, |row| row.id.0),
        &column(rows, |row| row.subject.0),
        &column(rows, |row| row.lead.map(|id| id.0)) as &[Option<Uuid>],
        &column(rows, |row| row.provider.map(|id| id.0)) as &[Option<Uuid>],
        &column(rows, |row| row.template.0),
        &column(rows, |row| row.job),
        &column(rows, |row| row.batch) as &[Option<Uuid>],
        &column(rows, |row| row.channel.as_str().to_owned()),
        &column(rows, |row| row.purpose.as_str().to_owned()),
        &column(rows, |row| row.send_at) as &[Option<DateTime<Utc>>],
        &column(rows, |row| row.expires_at) as &[Option<DateTime<Utc>>],
        &column(rows, |row| row.to_sealed.clone()),
        &column(rows, |row| row.to_index.clone()),
        &column(rows, |row| row.vars_sealed.clone()),
        &column(rows, |row| row.campaign.map(|(run, _)| run.0)) as &[Option<Uuid>],
        &column(rows, |row| row.campaign.map(|(_, lead)| lead.0)) as &[Option<Uuid>],
        &column(rows, |row| row.run) as &[Option<Uuid>]
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A message that is held until commit.
pub(in crate::messages) struct Held {
    pub status: Status,
    pub fence: i64,
    /// Whom it was handed to last.
    pub provider: Option<ProviderId>,
    pub job: Option<Uuid>,
    /// It waits for an instant that was named.
    pub is_scheduled: bool,
    /// It is to be tried again after an attempt of which nobody knows whether it sent it.
    pub in_doubt: bool,
}

/// None if it is not there for somebody who sees these.
pub(in crate::messages) async fn hold_message(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: MessageId,
    seen: Rows,
) -> Result<Option<Held>> {
    let row = sqlx::query!(
        r#"select m.status, m.fence, m.provider_id as "provider: ProviderId", m.job_id,
                  coalesce(m.send_at > engine.now(), false) as "is_scheduled!"
             from messages m
            where m.tenant_id = $1 and m.id = $2
              and (($3::uuid is null and $4::uuid is null) or exists (select from leads l
                where l.tenant_id = $1 and l.id = m.lead_id
                  and ($3::uuid is null or l.owner_id = $3) and ($4::uuid is null or l.team_id = $4)))
              for update of m"#,
        tenant.0,
        id.0,
        seen.owner(),
        seen.team()
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    // Whoever settled it while its row was waited for may have left a doubt.
    let in_doubt = in_doubt(conn, tenant, &[id]).await?.contains(&id);
    Ok(Some(Held {
        status: Status::stored(&row.status)?,
        fence: row.fence,
        provider: row.provider,
        job: row.job_id,
        is_scheduled: row.is_scheduled,
        in_doubt,
    }))
}

/// Locks those of some messages that wait and that nobody has at this moment, so that nobody claims or settles them until
/// commit. Waits for nobody: whoever claims or settles a message holds it for update. Whoever seals its values anew
/// (`vault::rotation`) or refers to it does not, and is no reason to let it go its way; one waits for them when one
/// writes, and they wait for nobody.
pub(in crate::messages) async fn hold_waiting(
    conn: &mut PgConnection,
    tenant: TenantId,
    messages: &[MessageId],
) -> Result<Vec<MessageId>> {
    let rows = sqlx::query_scalar!(
        r#"select id as "id: MessageId" from messages
            where tenant_id = $1 and id = any($2) and status in ('pending', 'queued')
            order by id for key share skip locked"#,
        tenant.0,
        &messages.iter().map(|id| id.0).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Cancels messages that are held and wait. What they waited for is of no interest any more.
pub(in crate::messages) async fn cancel_waiting(
    conn: &mut PgConnection,
    tenant: TenantId,
    messages: &[MessageId],
    code: &str,
) -> Result<()> {
    sqlx::query!(
        "update messages set status = 'cancelled', error_code = $3, error_text = null, updated_at = engine.now()
          where tenant_id = $1 and id = any($2)",
        tenant.0,
        &messages.iter().map(|id| id.0).collect::<Vec<_>>(),
        code
    )
    .execute(conn)
    .await?;
    Ok(())
}
