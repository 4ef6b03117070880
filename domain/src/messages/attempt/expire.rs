//! Attempts whose process was lost: their lease ran out.

use super::{Finished, again, hand_on, is_last, settle};
use crate::{
    Ctx,
    ctx::Platform,
    error::Result,
    messages::{
        accounts::credentials_place,
        provider::{Account, Answer, Route},
        rules::{self, Next, Situation},
        store::{self, ExpiredRow},
    },
    tenancy::SystemTx,
    types::TenantId,
    vault::TenantKeys,
};

/// Messages that one upkeep turn settles for a tenant.
const AT_A_TIME: i64 = 200;

/// Tenants that hold attempts whose lease ran out.
///
/// # Errors
/// If the database does not answer.
pub async fn tenants_with_expired(platform: &Platform, limit: i64) -> Result<Vec<TenantId>> {
    let mut tx = SystemTx::begin(&platform.engine).await?;
    store::tenants_with_expired(tx.conn(), limit).await
}

/// Settles attempts whose lease ran out: whether they were sent is unknown, so what follows is what the route of each
/// allows. Answers how many there were.
///
/// # Errors
/// If the database refuses.
pub async fn expire(ctx: &Ctx) -> Result<usize> {
    let mut tx = ctx.begin().await?;
    let expired = store::lock_expired(tx.conn(), ctx.tenant, AT_A_TIME).await?;
    let sealed = expired.iter().map(|row| row.credentials_sealed.as_slice());
    let keys = ctx.platform.vault.tenant_keys_for(tx.conn(), ctx.tenant, sealed).await?;
    let (mut finished, mut handed) = (Vec::new(), Vec::new());
    for row in expired {
        let lost = Answer::Unknown { text: "the process that sent it did not report back".into() };
        let route = route(ctx, &keys, &row);
        let at = Situation {
            channel: row.channel,
            route,
            on_unknown: row.on_unknown,
            last: is_last(row.rounds),
            // It may have been sent, so no other account may take it; that it is in doubt adds nothing to that.
            another: false,
            in_doubt: false,
            attempt: row.fence,
        };
        let settlement = rules::settle(lost, at);
        if matches!(settlement.next, Next::Again(_)) {
            handed.push((row.id, again(ctx, row.id, row.provider)?));
        }
        finished.push(Finished {
            message: row.id,
            fence: row.fence,
            settlement,
            ending: None,
            provider: row.provider,
            version: row.version,
            another: None,
            recipient: None,
        });
    }
    settle::apply(ctx, &mut tx, &finished).await?;
    hand_on(&mut tx, handed).await?;
    tx.commit().await?;
    Ok(finished.len())
}

/// What can be done about a message that an account had; nothing, where this build has no adapter for it or cannot open
/// its credentials.
fn route(ctx: &Ctx, keys: &TenantKeys, row: &ExpiredRow) -> Route {
    let Some(adapter) = ctx.platform.providers.get(&row.kind) else { return Route::Echoes };
    let opened = keys.open(&credentials_place(ctx.tenant, row.provider), &row.credentials_sealed);
    let Ok(credentials) = opened else { return Route::Echoes };
    adapter.route(&Account { id: row.provider, channel: row.channel, credentials, version: row.version })
}
