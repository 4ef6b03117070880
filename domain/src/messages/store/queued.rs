//! Queued messages, with what is needed to send them.

use std::{collections::HashMap, time::Duration};

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    super::{
        provider::Channel,
        rules::{IN_DOUBT, OnUnknown, Purpose},
    },
    stored_channel,
};
use crate::{
    error::Result,
    types::{CampaignRunId, LeadId, MessageId, ProviderId, SubjectId, TemplateId, TenantId},
};

/// A queued message, held until commit.
pub(in crate::messages) struct QueuedRow {
    pub id: MessageId,
    pub subject_id: SubjectId,
    pub lead_id: Option<LeadId>,
    /// The job that sends it.
    pub job_id: Option<Uuid>,
    /// The run of a workflow that wrote it.
    pub run_id: Option<Uuid>,
    pub template_id: TemplateId,
    pub provider_id: Option<ProviderId>,
    pub pinned: bool,
    pub tried: Vec<Uuid>,
    pub channel: Channel,
    pub purpose: Purpose,
    /// The run of the campaign that it is of.
    pub run: Option<CampaignRunId>,
    pub fence: i64,
    /// How often it was tried in vain.
    pub rounds: i32,
    /// By the clock that due times are compared with.
    pub now: DateTime<Utc>,
    pub expired: bool,
    pub expires_in: Option<Duration>,
    /// Since it could first have been sent.
    pub waited: Duration,
    pub to_sealed: Vec<u8>,
    pub to_index: Vec<u8>,
    pub vars_sealed: Vec<u8>,
}

fn seconds(of: f64) -> Duration {
    Duration::try_from_secs_f64(of.max(0.0)).unwrap_or(Duration::MAX)
}

pub(super) fn on_unknown(stored: &str) -> OnUnknown {
    if stored == "resend" { OnUnknown::Resend } else { OnUnknown::Hold }
}

/// Locks those of the messages that are queued.
pub(in crate::messages) async fn lock_queued(
    conn: &mut PgConnection,
    tenant: TenantId,
    messages: &[MessageId],
) -> Result<Vec<QueuedRow>> {
    let rows = sqlx::query!(
        r#"select id as "id: MessageId", subject_id as "subject_id: SubjectId", lead_id as "lead_id: LeadId", job_id, run_id,
                  template_id as "template_id: TemplateId", provider_id as "provider_id: ProviderId", pinned, tried,
                  channel, purpose, campaign_run_id as "run: CampaignRunId", fence, rounds, engine.now() as "now!",
                  coalesce(expires_at <= engine.now(), false) as "expired!",
                  extract(epoch from expires_at - engine.now())::float8 as expires_in,
                  extract(epoch from engine.now() - coalesce(send_at, created_at))::float8 as "waited!",
                  to_sealed, to_index, vars_sealed
             from messages
            where tenant_id = $1 and id = any($2) and status = 'queued'
            order by id
              for update"#,
        tenant.0,
        &messages.iter().map(|id| id.0).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(QueuedRow {
                id: row.id,
                subject_id: row.subject_id,
                lead_id: row.lead_id,
                job_id: row.job_id,
                run_id: row.run_id,
                template_id: row.template_id,
                provider_id: row.provider_id,
                pinned: row.pinned,
                tried: row.tried,
                channel: stored_channel(&row.channel)?,
                purpose: Purpose::stored(&row.purpose),
                run: row.run,
                fence: row.fence,
                rounds: row.rounds,
                now: row.now,
                expired: row.expired,
                expires_in: row.expires_in.map(seconds),
                waited: seconds(row.waited),
                to_sealed: row.to_sealed,
                to_index: row.to_index,
                vars_sealed: row.vars_sealed,
            })
        })
        .collect()
}

/// An account as it stands at this moment.
pub(in crate::messages) struct WayRow {
    pub id: ProviderId,
    pub kind: String,
    pub channel: Channel,
    /// Of its credentials.
    pub version: i64,
    pub credentials_sealed: Vec<u8>,
    pub on_unknown: OnUnknown,
    pub paused: bool,
    pub throttled: Duration,
}

/// The accounts of a tenant, those first that are asked first.
pub(in crate::messages) async fn ways(conn: &mut PgConnection, tenant: TenantId) -> Result<Vec<WayRow>> {
    let rows = sqlx::query!(
        r#"select id as "id: ProviderId", kind, channel, credentials_version, credentials_sealed, on_unknown,
                  paused_at is not null as "paused!",
                  coalesce(extract(epoch from throttled_until - engine.now()), 0)::float8 as "throttled!"
             from providers where tenant_id = $1 and deleted_at is null
            order by priority, id"#,
        tenant.0
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(WayRow {
                id: row.id,
                kind: row.kind,
                channel: stored_channel(&row.channel)?,
                version: row.credentials_version,
                credentials_sealed: row.credentials_sealed,
                on_unknown: on_unknown(&row.on_unknown),
                paused: row.paused,
                throttled: seconds(row.throttled),
            })
        })
        .collect()
}

/// The texts of a version of a template.
pub(in crate::messages) struct TextRow {
    pub id: TemplateId,
    pub subject: Option<String>,
    pub text: String,
    pub html: Option<String>,
    pub extra: Option<serde_json::Value>,
}

pub(in crate::messages) async fn texts(
    conn: &mut PgConnection,
    tenant: TenantId,
    templates: &[TemplateId],
) -> Result<Vec<TextRow>> {
    let rows = sqlx::query_as!(
        TextRow,
        r#"select id as "id: TemplateId", subject, text, html, extra from templates
            where tenant_id = $1 and id = any($2)"#,
        tenant.0,
        &templates.iter().map(|id| id.0).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// What went before to some account.
pub(in crate::messages) struct Before {
    pub provider: ProviderId,
    /// Of the account's credentials, as the attempt had them.
    pub version: i64,
    pub request_sealed: Vec<u8>,
    /// How long ago the first attempt began of which nobody knows whether it sent the message, where it was decided to try
    /// again; none if there is no such attempt.
    pub in_doubt_for: Option<Duration>,
}

/// The last attempt at each of some messages: of those that left a doubt the last, else the last of all.
pub(in crate::messages) async fn before(
    conn: &mut PgConnection,
    tenant: TenantId,
    messages: &[MessageId],
) -> Result<HashMap<MessageId, Before>> {
    let rows = sqlx::query!(
        r#"select distinct on (a.message_id) a.message_id as "message: MessageId",
                  a.provider_id as "provider: ProviderId", a.credentials_version, a.request_sealed,
                  extract(epoch from engine.now() - min(a.started_at) filter (where a.outcome = 'queued' and a.code = $3)
                    over (partition by a.message_id))::float8 as in_doubt_for
             from message_attempts a
            where a.tenant_id = $1 and a.message_id = any($2)
            order by a.message_id, coalesce(a.outcome = 'queued' and a.code = $3, false) desc, a.fence desc"#,
        tenant.0,
        &messages.iter().map(|id| id.0).collect::<Vec<_>>(),
        IN_DOUBT
    )
    .fetch_all(conn)
    .await?;
    let before = rows.into_iter().map(|row| {
        let before = Before {
            provider: row.provider,
            version: row.credentials_version,
            request_sealed: row.request_sealed,
            in_doubt_for: row.in_doubt_for.map(seconds),
        };
        (row.message, before)
    });
    Ok(before.collect())
}
