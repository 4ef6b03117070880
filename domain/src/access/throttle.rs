//! How often somebody may try to log in: per account from one address, per account, and per address, counted for all
//! processes together. Whoever comes in gives the try back, so an office behind one address is not locked out.

use std::{net::IpAddr, time::Duration};

use serde_json::json;

use super::{gate::Gate, permission::PermissionSet, store};
use crate::{
    audit::{self, Entry},
    ctx::Actor,
    error::{Error, Result},
    tenancy::{self, SystemTx},
    upkeep::ITSELF,
    vault::cipher::mac,
};

/// Tries at once, and new ones a second.
struct Pace {
    name: &'static [u8],
    burst: f64,
    per_s: f64,
}

const OF_BOTH: Pace = Pace { name: b"both", burst: 10.0, per_s: 1.0 / 60.0 };
/// Wide, because anybody can use it up for somebody else.
const OF_ACCOUNT: Pace = Pace { name: b"account", burst: 100.0, per_s: 1.0 / 10.0 };
const OF_ADDRESS: Pace = Pace { name: b"address", burst: 100.0, per_s: 1.0 };

/// How often a tenant's audit log says that too many logins were tried there.
const TOLD: Pace = Pace { name: b"told", burst: 1.0, per_s: 1.0 / 60.0 };

/// The buckets that a try was taken from.
pub(super) struct Try(Vec<Vec<u8>>);

/// What one person can be expected to have: an IPv4 address, or the 64 bits of an IPv6 network.
#[must_use]
pub fn network(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits() >> 64 << 64,
    }
}

impl Gate {
    /// Counts a try to log in, before anything is looked up.
    ///
    /// # Errors
    /// [`Error::TooMany`] if one of the buckets is empty.
    pub(super) async fn try_login(&self, slug: &str, email: &str, address: IpAddr) -> Result<Try> {
        let (email, address) = (email.trim().to_lowercase(), network(address).to_string());
        let now = self.platform.clock.now();
        let mut tx = SystemTx::begin(&self.platform.engine).await?;
        let buckets = [
            (OF_BOTH, [slug, &email, &address]),
            (OF_ACCOUNT, [slug, &email, ""]),
            (OF_ADDRESS, ["", "", &address]),
        ]
        .map(|(pace, of)| self.bucket(&pace, of));
        let wait = store::take_tokens(tx.conn(), &buckets, now).await?;
        tx.commit().await?;
        let Some(wait) = wait else { return Ok(Try(buckets.map(|bucket| bucket.key).into())) };
        let wait = Duration::from_secs_f64(wait.max(0.0));
        Err(Error::TooMany { wait, detail: "too many logins were tried; wait, then try again" })
    }

    /// The same, which also writes down that there were too many.
    ///
    /// # Errors
    /// As [`Self::try_login`].
    pub(super) async fn begin_try(
        &self,
        slug: &str,
        email: &str,
        address: IpAddr,
        trace: Option<String>,
    ) -> Result<Try> {
        let tried = self.try_login(slug, email, address).await;
        if let Err(Error::TooMany { .. }) = tried {
            self.tell_of_too_many(slug, trace).await?;
        }
        tried
    }

    fn bucket(&self, pace: &Pace, of: [&str; 3]) -> store::Bucket {
        let [slug, email, address] = of.map(str::as_bytes);
        let key = mac(self.pepper.bytes.as_slice(), &[b"login bucket", pace.name, slug, email, address]);
        store::Bucket { key, burst: pace.burst, per_s: pace.per_s }
    }

    /// Writes down that too many logins are tried in a tenant, once a minute at most; for the installation if there is no
    /// such tenant, all of those together.
    async fn tell_of_too_many(&self, slug: &str, trace: Option<String>) -> Result<()> {
        let mut tx = SystemTx::begin(&self.platform.engine).await?;
        let tenant = tenancy::store::by_slug(tx.conn(), slug).await?.filter(|tenant| !tenant.suspended);
        let tenant = tenant.map_or(ITSELF, |tenant| tenant.id);
        let (bucket, now) = (self.bucket(&TOLD, [&tenant.to_string(), "", ""]), self.platform.clock.now());
        let told = store::take_tokens(tx.conn(), &[bucket], now).await?.is_some();
        tx.commit().await?;
        if told {
            return Ok(());
        }
        let ctx = self.ctx(tenant, Actor::System, PermissionSet::default(), trace);
        let entry = Entry::new("login", "user", "").detail(json!({ "why": "too many tries" })).denied();
        audit::record(&ctx, entry).await
    }

    /// Gives a try back that succeeded.
    pub(super) async fn came_in(&self, tried: Try) -> Result<()> {
        let mut tx = SystemTx::begin(&self.platform.engine).await?;
        store::return_tokens(tx.conn(), &tried.0).await?;
        tx.commit().await
    }

    /// The same of what is done and stays done: a try that cannot be given back counts as one that failed, for a while.
    pub(super) async fn has_done(&self, tried: Try) {
        if let Err(error) = self.came_in(tried).await {
            tracing::warn!(%error, "a try that succeeded could not be given back");
        }
    }
}
