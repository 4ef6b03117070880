//! The table of providers, as commands write and read it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::super::{
    accounts::{NewProvider, ProviderChange, ProviderView},
    provider::Channel,
    rules::OnUnknown,
};
use crate::{
    error::{Error, Result},
    types::{ProviderId, TenantId, Text},
};

/// What the command made for a new account.
pub(in crate::messages) struct FreshProvider {
    pub id: ProviderId,
    pub channel: Channel,
    pub credentials_sealed: Vec<u8>,
    pub callback_hash: [u8; 32],
}

/// `false` if the name is taken.
pub(in crate::messages) async fn insert_provider(
    conn: &mut PgConnection,
    tenant: TenantId,
    new: &NewProvider,
    fresh: &FreshProvider,
) -> Result<bool> {
    let put = sqlx::query!(
        "insert into providers (tenant_id, id, name, kind, channel, credentials_sealed, callback_hash, on_unknown,
                                priority, rate_per_s, max_running)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         on conflict (tenant_id, name) where deleted_at is null do nothing",
        tenant.0,
        fresh.id.0,
        new.name.as_str(),
        new.kind,
        fresh.channel.as_str(),
        fresh.credentials_sealed,
        fresh.callback_hash.as_slice(),
        as_stored(new.on_unknown),
        new.priority.unwrap_or(1),
        new.rate_per_s,
        new.max_running
    )
    .execute(conn)
    .await?;
    Ok(put.rows_affected() == 1)
}

/// The accounts that are there, without the addresses of their callbacks.
pub(in crate::messages) async fn providers(
    conn: &mut PgConnection,
    tenant: TenantId,
    only: Option<ProviderId>,
    before: Option<ProviderId>,
    limit: i64,
) -> Result<Vec<ProviderView>> {
    let rows = sqlx::query_as!(
        ProviderView,
        r#"select id as "id: ProviderId", name, kind, channel, priority, on_unknown, rate_per_s, max_running, paused_at,
                  pause_code, pause_why, throttled_until, verified_at, null::text as callback_url, version, created_at
             from providers
            where tenant_id = $1 and deleted_at is null
              and ($2::uuid is null or id = $2) and ($3::uuid is null or id < $3)
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

/// An account whose row is locked.
pub(in crate::messages) struct HeldProvider {
    pub kind: String,
    pub channel: Channel,
    pub version: i64,
    pub rate_per_s: Option<f64>,
    pub max_running: Option<i32>,
}

pub(in crate::messages) async fn lock_provider(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ProviderId,
) -> Result<Option<HeldProvider>> {
    let row = sqlx::query!(
        "select kind, channel, version, rate_per_s, max_running from providers
          where tenant_id = $1 and id = $2 and deleted_at is null for update",
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        Ok(HeldProvider {
            kind: row.kind,
            channel: stored_channel(&row.channel)?,
            version: row.version,
            rate_per_s: row.rate_per_s,
            max_running: row.max_running,
        })
    })
    .transpose()
}

/// `false` if the name is taken. Other credentials have not been verified yet.
pub(in crate::messages) async fn update_provider(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ProviderId,
    change: &ProviderChange,
    credentials_sealed: Option<&[u8]>,
) -> Result<bool> {
    let done = sqlx::query!(
        "update providers
            set name = coalesce($3, name), priority = coalesce($4, priority), on_unknown = coalesce($5, on_unknown),
                rate_per_s = case when $6 then $7 else rate_per_s end,
                max_running = case when $8 then $9 else max_running end,
                credentials_sealed = coalesce($10, credentials_sealed),
                verified_at = case when $10::bytea is null then verified_at end,
                verify_asked_at = case when $10::bytea is null then verify_asked_at end,
                version = version + 1,
                credentials_version = credentials_version + case when $10::bytea is null then 0 else 1 end
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        change.name.as_ref().map(Text::as_str),
        change.priority,
        change.on_unknown.map(as_stored),
        change.rate_per_s.is_some(),
        change.rate_per_s.flatten(),
        change.max_running.is_some(),
        change.max_running.flatten(),
        credentials_sealed
    )
    .execute(conn)
    .await;
    match done {
        Err(sqlx::Error::Database(error)) if error.constraint() == Some("providers_name_key") => Ok(false),
        done => Ok(done?.rows_affected() == 1),
    }
}

/// Nobody sees the account any more.
pub(in crate::messages) async fn retire_provider(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ProviderId,
) -> Result<()> {
    sqlx::query!(
        "update providers set deleted_at = engine.now(), version = version + 1 where tenant_id = $1 and id = $2",
        tenant.0,
        id.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether messages wait that only this account may carry.
pub(in crate::messages) async fn is_waited_for(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ProviderId,
) -> Result<bool> {
    let waits = sqlx::query_scalar!(
        r#"select exists (select from messages
            where tenant_id = $1 and status = 'queued' and provider_id = $2 and pinned) as "waits!""#,
        tenant.0,
        id.0
    )
    .fetch_one(conn)
    .await?;
    Ok(waits)
}

/// An account that is about to be asked whether its credentials are good.
pub(in crate::messages) struct Verifying {
    pub kind: String,
    pub channel: Channel,
    pub version: i64,
    pub credentials_sealed: Vec<u8>,
}

/// Notes that an account is asked; none if there is no such account, or it was asked within the time given.
pub(in crate::messages) async fn begin_verifying(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ProviderId,
    pause: Duration,
) -> Result<Option<Verifying>> {
    let row = sqlx::query!(
        "update providers set verify_asked_at = engine.now()
          where tenant_id = $1 and id = $2 and deleted_at is null
            and (verify_asked_at is null or verify_asked_at <= engine.now() - make_interval(secs => $3))
        returning kind, channel, credentials_version, credentials_sealed",
        tenant.0,
        id.0,
        pause.as_secs_f64()
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        Ok(Verifying {
            kind: row.kind,
            channel: stored_channel(&row.channel)?,
            version: row.credentials_version,
            credentials_sealed: row.credentials_sealed,
        })
    })
    .transpose()
}

/// Notes what the provider said of the credentials of a version; none if it said nothing. Answers when it last said
/// that they are good.
pub(in crate::messages) async fn note_verified(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ProviderId,
    version: i64,
    good: Option<bool>,
) -> Result<Option<DateTime<Utc>>> {
    let verified_at = sqlx::query_scalar!(
        "update providers
            set verified_at = case $4::bool when true then engine.now() when false then null else verified_at end
          where tenant_id = $1 and id = $2 and credentials_version = $3 and deleted_at is null
        returning verified_at",
        tenant.0,
        id.0,
        version,
        good
    )
    .fetch_optional(conn)
    .await?;
    Ok(verified_at.flatten())
}

fn as_stored(on_unknown: OnUnknown) -> &'static str {
    match on_unknown {
        OnUnknown::Hold => "hold",
        OnUnknown::Resend => "resend",
    }
}

/// A channel as it is stored.
pub(in crate::messages) fn stored_channel(stored: &str) -> Result<Channel> {
    Channel::named(stored).ok_or_else(|| Error::internal("a row of an unheard-of channel"))
}
