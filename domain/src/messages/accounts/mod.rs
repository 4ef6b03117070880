//! Commands on providers: a tenant's accounts, their credentials sealed and never shown again.
//!
//! - `change` changing an account and taking it away; [`pause`](mod@pause) holding it still, and waking what waits for it
//! - [`verify`](mod@verify) whether its credentials are good; [`address`] where the provider tells what became of messages

pub mod address;
mod change;
pub mod pause;
pub mod verify;

pub use address::{callback_token, callback_url, read_callback_token};
pub use change::{ProviderChange, change, delete};
pub use pause::{pause, pause_for_fault, resume};
pub use verify::{Verification, verify};

use chrono::{DateTime, Utc};
use engine::{JobKind, operate::Bounds};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    provider::{Channel, Provider},
    rules::OnUnknown,
    send::SendMessage,
    store,
};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, FieldError, Result},
    jobs::busy,
    tenancy::{Begun, Once, TenantTx},
    types::{ProviderId, TenantId, Text},
    vault::{Place, Vault},
};

/// The slowest and the fastest that an account may be asked to be, in messages a second.
const RATES: std::ops::RangeInclusive<f64> = 0.001..=10_000.0;

/// An account to set up. What `credentials` holds depends on the kind; they are write-only.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProvider {
    #[schema(value_type = String)]
    pub name: Text<100>,
    /// For example `smtp`, or `sandbox`, which needs no credentials.
    pub kind: String,
    /// What it carries; only needed where its kind carries more than one. A sandbox carries e-mail if not said.
    pub channel: Option<Channel>,
    #[serde(default)]
    #[schema(value_type = Object)]
    pub credentials: Value,
    #[serde(default)]
    pub on_unknown: OnUnknown,
    /// 1 to 100: of the accounts of a channel, the lowest is asked first. 1 if not said.
    pub priority: Option<i16>,
    /// Messages a second that it may be handed, 0.001 to 10000; no limit of ours if not said.
    pub rate_per_s: Option<f64>,
    /// Messages that may be under way to it at a time, 1 to 10000; no limit of ours if not said.
    pub max_running: Option<i32>,
}

/// An account, without its credentials.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ProviderView {
    pub id: ProviderId,
    pub name: String,
    pub kind: String,
    pub channel: String,
    /// Of the accounts of a channel, the lowest is asked first.
    pub priority: i16,
    /// What becomes of messages of unknown fate: `hold` or `resend`.
    pub on_unknown: String,
    /// Messages a second.
    pub rate_per_s: Option<f64>,
    /// Messages at a time.
    pub max_running: Option<i32>,
    /// Since when it is handed nothing.
    pub paused_at: Option<DateTime<Utc>>,
    /// `by_hand`, or what the provider said.
    pub pause_code: Option<String>,
    /// Why somebody paused it, in their words.
    pub pause_why: Option<String>,
    /// It asked for patience until then.
    pub throttled_until: Option<DateTime<Utc>>,
    /// When the provider last said that the credentials are good.
    pub verified_at: Option<DateTime<Utc>>,
    /// Where the provider is to tell what became of messages, for whoever may change accounts; none if the installation
    /// was not told its own address.
    pub callback_url: Option<String>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
}

/// Sets an account up.
///
/// # Errors
/// If the kind is unknown, the channel or the credentials do not fit it, a bound is out of its range, or the name is
/// taken.
pub async fn create(ctx: &Ctx, new: NewProvider) -> Result<Once<ProviderView>> {
    ctx.require(Permission::ProvidersWrite)?;
    let providers = &ctx.platform.providers;
    let Some(adapter) = providers.get(&new.kind) else {
        return Err(Error::invalid("/kind", format!("there are {}", providers.kinds().join(", "))));
    };
    let channel = carried(adapter.channels(), new.channel)?;
    let mut wrong = out_of_range(new.priority, new.rate_per_s, new.max_running);
    wrong.extend(unfit(adapter.as_ref(), channel, &new.credentials));
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let id = ProviderId(ctx.id());
    let keys = Vault::to_seal(&mut keyed.tx, 1).await?;
    let place = credentials_place(ctx.tenant, id);
    let fresh = store::FreshProvider {
        id,
        channel,
        credentials_sealed: keys.seal(&ctx.platform, &place, new.credentials.to_string().as_bytes()),
        callback_hash: address::hash(&keys, id),
    };
    if !store::insert_provider(keyed.tx.conn(), ctx.tenant, &new, &fresh).await? {
        return Err(taken());
    }
    keyed.tx.audit(&[Entry::new("create", "provider", id)]).await?;
    if new.rate_per_s.is_some() || new.max_running.is_some() {
        bound(&mut keyed.tx, id, new.rate_per_s, new.max_running).await?;
    }
    let view = one(ctx, &mut keyed.tx, id).await?;
    keyed.commit(view, 201, format!("/api/v1/communication/providers/{id}")).await
}

/// Newest first, those with ids below `before`.
///
/// # Errors
/// If the permission is missing or the database does not answer.
pub async fn list(ctx: &Ctx, before: Option<ProviderId>, limit: i64) -> Result<Vec<ProviderView>> {
    ctx.require(Permission::ProvidersRead)?;
    let mut tx = ctx.begin().await?;
    let rows = store::providers(tx.conn(), ctx.tenant, None, before, limit).await?;
    addressed(ctx, &mut tx, rows).await
}

/// One account.
///
/// # Errors
/// If there is no such provider.
pub async fn get(ctx: &Ctx, id: ProviderId) -> Result<ProviderView> {
    ctx.require(Permission::ProvidersRead)?;
    let mut tx = ctx.begin().await?;
    one(ctx, &mut tx, id).await
}

/// The key of the engine's limit that bounds an account, in the queue of messages.
#[must_use]
pub fn limit_key(provider: ProviderId) -> String {
    format!("provider:{provider}")
}

/// Where an account's credentials are sealed.
pub(crate) fn credentials_place(tenant: TenantId, provider: ProviderId) -> Place {
    Place { tenant, table: "providers", column: "credentials_sealed", row: provider.0 }
}

async fn one(ctx: &Ctx, tx: &mut TenantTx, id: ProviderId) -> Result<ProviderView> {
    let rows = store::providers(tx.conn(), ctx.tenant, Some(id), None, 1).await?;
    addressed(ctx, tx, rows).await?.pop().ok_or(Error::NotFound("provider"))
}

/// Adds the addresses of callbacks, for whoever may set them at the provider.
async fn addressed(ctx: &Ctx, tx: &mut TenantTx, mut rows: Vec<ProviderView>) -> Result<Vec<ProviderView>> {
    if ctx.platform.public_url.is_none() || !ctx.grants.contains(Permission::ProvidersWrite) {
        return Ok(rows);
    }
    let keys = ctx.platform.vault.tenant_keys(tx.conn(), ctx.tenant).await?;
    for row in &mut rows {
        let token = callback_token(&keys, ctx.tenant, row.id);
        row.callback_url = callback_url(&ctx.platform, &row.kind, &token);
    }
    Ok(rows)
}

/// The channel of a new account.
fn carried(there: &[Channel], chosen: Option<Channel>) -> Result<Channel> {
    match (chosen, there) {
        (Some(channel), there) if there.contains(&channel) => Ok(channel),
        (None, [only]) => Ok(*only),
        // What carries all of them asks for nothing: it was there before the other channels were.
        (None, there) if there.contains(&Channel::Email) => Ok(Channel::Email),
        (_, there) => {
            let names: Vec<&str> = there.iter().map(|channel| channel.as_str()).collect();
            Err(Error::invalid("/channel", format!("this kind carries {}; choose one", names.join(", "))))
        }
    }
}

/// What is wrong with credentials, named from the body on.
fn unfit(adapter: &dyn Provider, channel: Channel, credentials: &Value) -> Vec<FieldError> {
    let below = |error: FieldError| FieldError::new(format!("/credentials{}", error.pointer), error.detail);
    adapter.check(channel, credentials).into_iter().map(below).collect()
}

/// Which numbers are out of their range.
fn out_of_range(priority: Option<i16>, rate_per_s: Option<f64>, max_running: Option<i32>) -> Vec<FieldError> {
    let mut wrong = Vec::new();
    if priority.is_some_and(|priority| !(1..=100).contains(&priority)) {
        wrong.push(FieldError::new("/priority", "1 to 100; the lowest is asked first"));
    }
    if rate_per_s.is_some_and(|rate| !RATES.contains(&rate)) {
        wrong.push(FieldError::new("/rate_per_s", "0.001 to 10000; to stop it, pause the provider"));
    }
    if max_running.is_some_and(|most| !(1..=10_000).contains(&most)) {
        wrong.push(FieldError::new("/max_running", "1 to 10000; to stop it, pause the provider"));
    }
    wrong
}

/// Has the engine hold the account's bounds; none takes them away. Nothing can be enqueued in the transaction after it.
async fn bound(
    tx: &mut TenantTx,
    id: ProviderId,
    rate_per_s: Option<f64>,
    max_running: Option<i32>,
) -> Result<()> {
    #[expect(clippy::cast_possible_truncation, reason = "it is between 1 and 10,000")]
    let burst = rate_per_s.map(|rate| rate.ceil().clamp(1.0, *RATES.end()) as i32);
    let bounds = Bounds { max_running, rate_per_s, burst };
    tx.limit(SendMessage::QUEUE, Some(&limit_key(id)), bounds).await.map_err(busy)
}

fn taken() -> Error {
    Error::conflict("name-taken", "a provider with this name exists; choose another name")
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_channel_is_chosen_where_there_is_a_choice() {
        use Channel::{Email, Push, Sms, Whatsapp};
        for (there, chosen, wanted) in [
            (&[Sms][..], None, Some(Sms)),
            (&[Sms][..], Some(Sms), Some(Sms)),
            (&[Sms][..], Some(Push), None),
            (&[Sms, Whatsapp][..], None, None),
            (&[Sms, Whatsapp][..], Some(Whatsapp), Some(Whatsapp)),
            (&Channel::ALL[..], None, Some(Email)),
            (&Channel::ALL[..], Some(Push), Some(Push)),
        ] {
            assert_eq!(carried(there, chosen).ok(), wanted, "{there:?} {chosen:?}");
        }
    }

    #[test]
    fn numbers_are_held_to_what_the_table_takes() {
        for (priority, rate, most, wrong) in [
            (None, None, None, 0),
            (Some(1), Some(0.001), Some(1), 0),
            (Some(100), Some(10_000.0), Some(10_000), 0),
            (Some(0), Some(0.0), Some(0), 3),
            (Some(101), Some(10_001.0), Some(10_001), 3),
            (None, Some(f64::NAN), None, 1),
        ] {
            assert_eq!(out_of_range(priority, rate, most).len(), wrong, "{priority:?} {rate:?} {most:?}");
        }
        assert_eq!(limit_key(ProviderId(Uuid::nil())), format!("provider:{}", Uuid::nil()));
    }
}
