//! How often somebody may try to log in: per account from one address, per account, and per address, counted for all
//! processes together. Whoever comes in gives the try back, so an office behind one address is not locked out.

use std::{net::IpAddr, time::Duration};

use super::{gate::Gate, store};
use crate::{
    error::{Error, Result},
    tenancy::SystemTx,
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
        .map(|(pace, of)| {
            let [slug, email, address] = of.map(str::as_bytes);
            let key = mac(self.pepper.bytes.as_slice(), &[b"login bucket", pace.name, slug, email, address]);
            store::Bucket { key, burst: pace.burst, per_s: pace.per_s }
        });
        let wait = store::take_tokens(tx.conn(), &buckets, now).await?;
        tx.commit().await?;
        let Some(wait) = wait else { return Ok(Try(buckets.map(|bucket| bucket.key).into())) };
        let wait = Duration::from_secs_f64(wait.max(0.0));
        Err(Error::TooMany { wait, detail: "too many logins were tried; wait, then try again" })
    }

    /// Gives a try back that succeeded.
    pub(super) async fn came_in(&self, tried: Try) -> Result<()> {
        let mut tx = SystemTx::begin(&self.platform.engine).await?;
        store::return_tokens(tx.conn(), &tried.0).await?;
        tx.commit().await
    }
}
