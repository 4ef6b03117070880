//! The keys that sign tokens: one that does, and those before it until what they signed has expired.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::{Duration as StdDuration, Instant},
};

use chrono::{DateTime, Duration, Utc};
use serde_json::json;

use super::{
    gate::Gate,
    token::{Claims, LIFETIME, Signer, kid_of},
};
use crate::{
    audit::Entry,
    ctx::{OperatorCtx, Platform},
    error::{Error, Result},
    tenancy::SystemTx,
    upkeep::ITSELF,
};

/// What the secret of a signer is for.
const PURPOSE: &str = "token_signer";
/// How old the set of keys may be, which other processes may have changed.
const FRESH: StdDuration = StdDuration::from_secs(20);
/// How soon it is read again for a token that names an unknown key.
const AGAIN: StdDuration = StdDuration::from_secs(1);
/// How long a process that has not heard of another key may go on signing with the one before.
const UNHEARD: Duration = Duration::minutes(1);

/// How long a key is known after another has taken its place.
fn good_for() -> Duration {
    LIFETIME + UNHEARD
}

/// The keys at a moment.
pub(super) struct Signers {
    current: Signer,
    former: Vec<(Signer, DateTime<Utc>)>,
}

impl Signers {
    fn find(&self, kid: &str, now: DateTime<Utc>) -> Option<&Signer> {
        let former =
            || self.former.iter().find(|(key, until)| key.kid == kid && *until > now).map(|(key, _)| key);
        if self.current.kid == kid { Some(&self.current) } else { former() }
    }
}

/// The keys as this process knows them.
pub(super) struct Ring {
    held: RwLock<(Arc<Signers>, Instant)>,
    reading: tokio::sync::Mutex<()>,
}

impl Ring {
    /// Reads the keys, making the first at the first start.
    pub async fn open(platform: &Platform) -> Result<Self> {
        let asked_at = Instant::now();
        let held = RwLock::new((Arc::new(read(platform).await?), asked_at));
        Ok(Self { held, reading: tokio::sync::Mutex::default() })
    }

    fn held(&self) -> (Arc<Signers>, StdDuration) {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        (Arc::clone(&held.0), held.1.elapsed())
    }
}

async fn read(platform: &Platform) -> Result<Signers> {
    let (vault, now) = (&platform.vault, platform.clock.now());
    let mut tx = SystemTx::begin(&platform.engine).await?;
    let current = vault.installation_secret(tx.conn(), platform.chance.as_ref(), PURPOSE).await?;
    let former = vault.former_secrets(tx.conn(), PURPOSE, now - good_for()).await?;
    tx.commit().await?;
    let former = former.iter().map(|(key, retired_at)| Ok((Signer::new(key)?, *retired_at + good_for())));
    Ok(Signers { current: Signer::new(&current)?, former: former.collect::<Result<_>>()? })
}

impl Gate {
    /// The keys, not older than they may be.
    pub(super) async fn signers(&self) -> Result<Arc<Signers>> {
        let (held, age) = self.ring.held();
        if age < FRESH { Ok(held) } else { self.read_signers(FRESH).await }
    }

    /// Reads the keys again, unless somebody did a moment ago.
    async fn read_signers(&self, at_most: StdDuration) -> Result<Arc<Signers>> {
        let _one_at_a_time = self.ring.reading.lock().await;
        let (held, age) = self.ring.held();
        if age < at_most {
            return Ok(held);
        }
        let asked_at = Instant::now();
        let fresh = Arc::new(read(&self.platform).await?);
        *self.ring.held.write().unwrap_or_else(PoisonError::into_inner) = (Arc::clone(&fresh), asked_at);
        Ok(fresh)
    }

    /// Signs with the key that does.
    pub(super) async fn sign(&self, claims: &Claims) -> Result<String> {
        self.signers().await?.current.sign(claims)
    }

    /// What a token says that is ours and has not expired.
    pub(super) async fn claims(&self, token: &str) -> Result<Claims> {
        const REFUSED: Error = Error::Unauthenticated("the token is not valid; log in again");
        let now = self.platform.clock.now();
        let mut signers = self.signers().await?;
        if let Some((kid, claims)) = self.known.claims(token)
            && signers.find(&kid, now).is_some()
        {
            return claims.good_at(now);
        }
        let kid = kid_of(token).ok_or(REFUSED)?;
        if signers.find(&kid, now).is_none() {
            signers = self.read_signers(AGAIN).await?;
        }
        let claims = signers.find(&kid, now).ok_or(REFUSED)?.check(token, now)?;
        self.known.put_claims(token, kid, claims.clone());
        Ok(claims)
    }
}

/// Another key signs from now on. What the one before has signed is good until it expires; or it is refused at once, with
/// what all before it have signed, which is for a key that got into other hands: within [`FRESH`] on every process, and
/// everybody refreshes their token.
///
/// # Errors
/// A conflict if somebody else does so at this moment, or if the database or the key-encryption key refuses.
pub async fn rotate(platform: &Platform, at_once: bool) -> Result<()> {
    let now = platform.clock.now();
    let retired_at = if at_once { now - good_for() } else { now };
    let mut tx = SystemTx::begin(&platform.engine).await?;
    let key = platform
        .vault
        .replace_secret(tx.conn(), platform.chance.as_ref(), PURPOSE, (retired_at, at_once))
        .await?;
    let entry = Entry::new("rotate", PURPOSE, key).detail(json!({ "at_once": at_once })).notice();
    tx.audit(&OperatorCtx::of_machine(platform), ITSELF, &[entry]).await?;
    tx.commit().await
}
