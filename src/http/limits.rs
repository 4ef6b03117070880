//! How often who may ask: each user or key, each tenant, and each address that has not shown who it is. Counted in
//! this process; headers say what is left (draft-ietf-httpapi-ratelimit-headers-10).

use std::{
    collections::HashMap,
    net::IpAddr,
    num::NonZeroU32,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use domain::{
    Ctx, Error,
    access::throttle,
    ctx::{Actor, OperatorCtx},
};
use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::StateInformationMiddleware,
    state::keyed::HashMapStateStore,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Seconds' worth that may come at once.
const BURST_S: u32 = 10;
/// How often those are forgotten that have not asked for a while.
const SWEEP: Duration = Duration::from_secs(10);
const STRANGER: &str = "too many requests without a valid token came from your address; wait, then go on";
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LEFT: HeaderName = HeaderName::from_static("ratelimit");

/// Requests a second, on average.
#[derive(Debug, Clone, Copy)]
pub struct Rates {
    pub per_caller: NonZeroU32,
    pub per_tenant: NonZeroU32,
    pub per_address: NonZeroU32,
}

impl Rates {
    /// As many as a process can answer.
    pub const UNBOUNDED: Self = {
        let any = NonZeroU32::new(1_000_000).unwrap();
        Self { per_caller: any, per_tenant: any, per_address: any }
    };
}

/// What each may still ask.
pub struct Limits {
    callers: Limiter,
    tenants: Limiter,
    /// Of tenants that have a rate of their own, by that rate: a limiter has one for all that it counts.
    paced: RwLock<HashMap<NonZeroU32, Arc<Limiter>>>,
    addresses: Limiter,
    /// Until when nothing is done for those that were refused too often.
    shut: RwLock<HashMap<u128, Instant>>,
    per_caller: NonZeroU32,
}

type Limiter = RateLimiter<u128, HashMapStateStore<u128>, DefaultClock, StateInformationMiddleware>;

/// What a caller may still ask.
#[derive(Debug, Clone, Copy)]
pub struct Left {
    requests: u32,
    per_s: u32,
}

impl Limits {
    /// Nothing is counted yet: a process that is new lets everybody ask as often as the rates say.
    #[must_use]
    pub fn new(rates: Rates) -> Self {
        Self {
            callers: limiter(rates.per_caller),
            tenants: limiter(rates.per_tenant),
            paced: RwLock::default(),
            addresses: limiter(rates.per_address),
            shut: RwLock::default(),
            per_caller: rates.per_caller,
        }
    }

    /// Counts a request of somebody of a tenant.
    ///
    /// # Errors
    /// [`Error::TooMany`] if the caller or their tenant has asked too often.
    pub fn caller(&self, ctx: &Ctx) -> domain::Result<Left> {
        let left = self.actor(ctx.actor)?;
        let paced = ctx.pace.and_then(NonZeroU32::new).map(|per_s| self.paced(per_s));
        take(
            paced.as_deref().unwrap_or(&self.tenants),
            ctx.tenant.0.as_u128(),
            "your tenant asks more often than is allowed; wait, then go on",
        )?;
        Ok(left)
    }

    /// Counts a request of an operator.
    ///
    /// # Errors
    /// [`Error::TooMany`] if the operator has asked too often.
    pub fn operator(&self, operator: &OperatorCtx) -> domain::Result<Left> {
        self.actor(operator.actor)
    }

    fn actor(&self, actor: Actor) -> domain::Result<Left> {
        let actor = actor.id().unwrap_or_default().as_u128();
        let requests = take(&self.callers, actor, "you ask more often than is allowed; wait, then go on")?;
        Ok(Left { requests, per_s: self.per_caller.get() })
    }

    fn paced(&self, per_s: NonZeroU32) -> Arc<Limiter> {
        let known = self.paced.read().unwrap_or_else(PoisonError::into_inner).get(&per_s).map(Arc::clone);
        known.unwrap_or_else(|| {
            let mut paced = self.paced.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(paced.entry(per_s).or_insert_with(|| Arc::new(limiter(per_s))))
        })
    }

    /// Counts a request that was refused to somebody who has not shown who they are.
    ///
    /// # Errors
    /// [`Error::TooMany`] if too many came from there.
    pub fn stranger(&self, address: IpAddr) -> domain::Result<()> {
        take(&self.addresses, throttle::network(address), STRANGER).map(drop)
    }

    /// Counts what was refused to somebody who called themselves a phone system, or the provider of an account, that
    /// there is. Many come from one address, for a provider sends for all its customers: one whose secret is wrong does
    /// not shut out the others.
    ///
    /// # Errors
    /// [`Error::TooMany`] if too much of it came from there.
    pub fn impostor(&self, address: IpAddr, source: Uuid) -> domain::Result<()> {
        let door = door(address, source);
        let counted = take(&self.addresses, door, STRANGER).map(drop);
        if let Err(Error::TooMany { wait, .. }) = &counted {
            let mut shut = self.shut.write().unwrap_or_else(PoisonError::into_inner);
            shut.insert(door, Instant::now() + *wait);
        }
        counted
    }

    /// Turns away, before anything is done for them, who was refused too often. Counts nothing.
    ///
    /// # Errors
    /// [`Error::TooMany`] if the next one from there cannot be refused yet.
    pub fn open_to(&self, address: IpAddr, source: Uuid) -> domain::Result<()> {
        let shut = self.shut.read().unwrap_or_else(PoisonError::into_inner);
        let until = shut.get(&door(address, source)).copied();
        match until.map(|until| until.saturating_duration_since(Instant::now())) {
            Some(wait) if !wait.is_zero() => Err(Error::TooMany { wait, detail: STRANGER }),
            _ => Ok(()),
        }
    }

    /// Forgets those who have not asked for a while, until `stop`.
    pub async fn sweep(&self, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(SWEEP)).await.is_some() {
            for limiter in [&self.callers, &self.tenants, &self.addresses] {
                limiter.retain_recent();
            }
            let now = Instant::now();
            self.shut.write().unwrap_or_else(PoisonError::into_inner).retain(|_, until| *until > now);
            self.sweep_paced();
        }
    }

    fn sweep_paced(&self) {
        let mut paced = self.paced.write().unwrap_or_else(PoisonError::into_inner);
        paced.retain(|_, limiter| {
            limiter.retain_recent();
            // What somebody holds is about to count.
            !limiter.is_empty() || Arc::strong_count(limiter) > 1
        });
    }
}

fn door(address: IpAddr, source: Uuid) -> u128 {
    throttle::network(address) ^ source.as_u128()
}

fn limiter(per_s: NonZeroU32) -> Limiter {
    let burst = per_s.saturating_mul(NonZeroU32::MIN.saturating_add(BURST_S - 1));
    let quota = Quota::per_second(per_s).allow_burst(burst);
    RateLimiter::hashmap_with_clock(quota, DefaultClock::default()).with_middleware()
}

fn take(limiter: &Limiter, key: u128, detail: &'static str) -> domain::Result<u32> {
    match limiter.check_key(&key) {
        Ok(state) => Ok(state.remaining_burst_capacity()),
        Err(until) => {
            Err(Error::TooMany { wait: until.wait_time_from(DefaultClock::default().now()), detail })
        }
    }
}

impl Left {
    /// Says so.
    pub fn tell(self, headers: &mut HeaderMap) {
        let quota = self.per_s * BURST_S;
        let whole_in = (quota - self.requests.min(quota)).div_ceil(self.per_s);
        let lines = [
            (POLICY, format!("\"caller\";q={quota};w={BURST_S}")),
            (LEFT, format!("\"caller\";r={};t={whole_in}", self.requests)),
        ];
        for (name, line) in lines {
            if let Ok(line) = HeaderValue::try_from(line) {
                headers.insert(name, line);
            }
        }
    }
}
