//! A row for each lead that a run is to.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::{
    error::Result,
    messages::provider::Channel,
    types::{CampaignRunId, LeadId, MessageId, TenantId},
};

/// A recipient whose time has come, held until commit.
pub(in crate::campaigns) struct DueRow {
    pub lead: LeadId,
    pub wave: i16,
    pub variant: Option<i16>,
    /// What is tried, and what after it.
    pub channels: Vec<String>,
    pub due_at: DateTime<Utc>,
    /// When it is too late, where that is known otherwise than by `due_at`.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Those of a wave whose time has come, the oldest first.
pub(in crate::campaigns) async fn lock_due(
    conn: &mut PgConnection,
    tenant: TenantId,
    run: CampaignRunId,
    wave: i16,
    limit: i64,
) -> Result<Vec<DueRow>> {
    let rows = sqlx::query_as!(
        DueRow,
        r#"select lead_id as "lead: LeadId", wave, variant, array_prepend(channel, rest) as "channels!",
                  due_at as "due_at!", expires_at
             from campaign_recipients
            where tenant_id = $1 and run_id = $2 and wave = $3 and due_at <= engine.now()
            order by due_at, lead_id limit $4
              for update"#,
        tenant.0,
        run.0,
        wave,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// When the next one of a wave is due.
pub(in crate::campaigns) async fn next_due(
    conn: &mut PgConnection,
    tenant: TenantId,
    run: CampaignRunId,
    wave: i16,
) -> Result<Option<DateTime<Utc>>> {
    let due = sqlx::query_scalar!(
        r#"select due_at as "due_at!" from campaign_recipients
            where tenant_id = $1 and run_id = $2 and wave = $3 and due_at is not null
            order by due_at, lead_id limit 1"#,
        tenant.0,
        run.0,
        wave
    )
    .fetch_optional(conn)
    .await?;
    Ok(due)
}

/// When a recipient is due, and by which zone's clock.
pub(in crate::campaigns) struct Timed {
    pub lead: LeadId,
    pub due_at: DateTime<Utc>,
    pub zone: Option<String>,
    /// When it is too late, where that is not told by `due_at`.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Says when recipients are due. Where no zone is named, or no other end of it, the one that is there stays.
pub(in crate::campaigns) async fn set_due(
    conn: &mut PgConnection,
    tenant: TenantId,
    run: CampaignRunId,
    timed: &[Timed],
) -> Result<()> {
    if timed.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "update campaign_recipients r
            set due_at = t.due_at, zone = coalesce(t.zone, r.zone), expires_at = coalesce(t.expires_at, r.expires_at),
                updated_at = engine.now()
           from unnest($3::uuid[], $4::timestamptz[], $5::text[], $6::timestamptz[])
                as t (lead_id, due_at, zone, expires_at)
          where r.tenant_id = $1 and r.run_id = $2 and r.lead_id = t.lead_id and r.status = 'planned'",
        tenant.0,
        run.0,
        &timed.iter().map(|one| one.lead.0).collect::<Vec<_>>(),
        &timed.iter().map(|one| one.due_at).collect::<Vec<_>>(),
        &timed.iter().map(|one| one.zone.clone()).collect::<Vec<_>>() as &[Option<String>],
        &timed.iter().map(|one| one.expires_at).collect::<Vec<_>>() as &[Option<DateTime<Utc>>]
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Skips recipients that are held, each for its reason.
pub(in crate::campaigns) async fn skip(
    conn: &mut PgConnection,
    tenant: TenantId,
    run: CampaignRunId,
    skipped: &[(LeadId, &'static str)],
) -> Result<()> {
    if skipped.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "update campaign_recipients r
            set status = 'skipped', reason = s.reason, due_at = null, updated_at = engine.now()
           from unnest($3::uuid[], $4::text[]) as s (lead_id, reason)
          where r.tenant_id = $1 and r.run_id = $2 and r.lead_id = s.lead_id and r.status = 'planned'",
        tenant.0,
        run.0,
        &skipped.iter().map(|(lead, _)| lead.0).collect::<Vec<_>>(),
        &skipped.iter().map(|(_, reason)| (*reason).to_owned()).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A recipient whose message was made.
pub(in crate::campaigns) struct HandedOver {
    pub lead: LeadId,
    pub message: MessageId,
    pub variant: i16,
    pub channel: Channel,
    /// What is tried after it.
    pub rest: Vec<String>,
    /// How many parts the message is billed as.
    pub parts: i16,
    /// When it is too late for that.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Notes the messages of recipients that are held.
pub(in crate::campaigns) async fn hand_over(
    conn: &mut PgConnection,
    tenant: TenantId,
    run: CampaignRunId,
    handed: &[HandedOver],
) -> Result<()> {
    if handed.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "update campaign_recipients r
            set status = 'queued', reason = null, message_id = h.message, variant = h.variant, channel = h.channel,
                rest = string_to_array(nullif(h.rest, ''), ','), segments = h.parts, taken = false, due_at = null,
                expires_at = h.expires_at, updated_at = engine.now()
           from unnest($3::uuid[], $4::uuid[], $5::smallint[], $6::text[], $7::text[], $8::timestamptz[], $9::smallint[])
                as h (lead_id, message, variant, channel, rest, expires_at, parts)
          where r.tenant_id = $1 and r.run_id = $2 and r.lead_id = h.lead_id",
        tenant.0,
        run.0,
        &handed.iter().map(|one| one.lead.0).collect::<Vec<_>>(),
        &handed.iter().map(|one| one.message.0).collect::<Vec<_>>(),
        &handed.iter().map(|one| one.variant).collect::<Vec<_>>(),
        &handed.iter().map(|one| one.channel.as_str().to_owned()).collect::<Vec<_>>(),
        &handed.iter().map(|one| one.rest.join(",")).collect::<Vec<_>>(),
        &handed.iter().map(|one| one.expires_at).collect::<Vec<_>>() as &[Option<DateTime<Utc>>],
        &handed.iter().map(|one| one.parts).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What a lead is drawn that was not planned for.
pub(in crate::campaigns) struct Drawn {
    pub wave: i16,
    pub variant: Option<i16>,
    pub due_at: DateTime<Utc>,
}

/// Has the lead that another one was merged into stand for it, unless the run is to that one already: with what the other was
/// drawn, or with this. A lead that was skipped because it had no address may have the other's since: it stands for it too.
pub(in crate::campaigns) async fn stand_for(
    conn: &mut PgConnection,
    tenant: TenantId,
    run: CampaignRunId,
    (loser, winner): (LeadId, LeadId),
    drawn: Option<&Drawn>,
) -> Result<()> {
    sqlx::query!(
        "insert into campaign_recipients as w (tenant_id, run_id, lead_id, wave, variant, channel, rest, zone, status,
                                               due_at, expires_at)
         select tenant_id, run_id, $4, coalesce($5, wave), coalesce($6, variant), channel, rest, zone, 'planned',
                coalesce($7, due_at), expires_at
           from campaign_recipients where tenant_id = $1 and run_id = $2 and lead_id = $3
         on conflict on constraint campaign_recipients_pkey do update
            set wave = excluded.wave, variant = excluded.variant, channel = excluded.channel, rest = excluded.rest,
                zone = excluded.zone, status = excluded.status, reason = null, due_at = excluded.due_at,
                expires_at = excluded.expires_at, updated_at = engine.now()
          where w.status = 'skipped' and w.reason = 'no_address' and w.message_id is null",
        tenant.0,
        run.0,
        loser.0,
        winner.0,
        drawn.map(|drawn| drawn.wave),
        drawn.and_then(|drawn| drawn.variant),
        drawn.map(|drawn| drawn.due_at)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Cancels some of the recipients for whom no message was made. Answers how many.
pub(in crate::campaigns) async fn cancel_planned(
    conn: &mut PgConnection,
    tenant: TenantId,
    run: CampaignRunId,
    limit: i64,
) -> Result<u64> {
    let cancelled = sqlx::query!(
        "with page as materialized (
           select lead_id from campaign_recipients
            where tenant_id = $1 and run_id = $2 and due_at is not null
            order by wave, due_at, lead_id limit $3
              for update
         )
         update campaign_recipients r
            set status = 'cancelled', reason = 'campaign_cancelled', due_at = null, updated_at = engine.now()
           from page s
          where r.tenant_id = $1 and r.run_id = $2 and r.lead_id = s.lead_id",
        tenant.0,
        run.0,
        limit
    )
    .execute(conn)
    .await?;
    Ok(cancelled.rows_affected())
}

/// Skips leads in all runs that are open.
pub(in crate::campaigns) async fn skip_leads(
    conn: &mut PgConnection,
    tenant: TenantId,
    leads: &[LeadId],
    reason: &str,
) -> Result<u64> {
    let skipped = sqlx::query!(
        "update campaign_recipients r set status = 'skipped', reason = $3, due_at = null, updated_at = engine.now()
          where r.tenant_id = $1
            and r.run_id = any(array(select c.id from campaign_runs c where c.tenant_id = $1 and c.finished_at is null))
            and r.lead_id = any($2) and r.status = 'planned'",
        tenant.0,
        &leads.iter().map(|lead| lead.0).collect::<Vec<_>>(),
        reason
    )
    .execute(conn)
    .await?;
    Ok(skipped.rows_affected())
}
