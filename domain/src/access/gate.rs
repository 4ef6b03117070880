//! Checking who is asking. Reads across tenants, because the tenant is what it finds out.

use std::{net::IpAddr, sync::Arc};

use chrono::{DateTime, Utc};

use super::{
    api_key::ApiKey, password::Passwords, permission::PermissionSet, second_factor::Shown, sessions::Client,
    store, token::Signer,
};
use crate::{
    Ctx,
    audit::{self, Entry},
    ctx::{Actor, Platform},
    error::{Error, Result},
    tenancy::{self, SystemTx},
    types::{EmailAddress, SessionId, TenantId, UserId},
    vault::{DataKey, Place},
};

/// So much of what a client calls itself is kept.
const AGENT_CHARS: usize = 200;

/// The door: the installation's signer and pepper.
#[derive(Clone)]
pub struct Gate {
    pub(super) platform: Platform,
    pub(super) signer: Arc<Signer>,
    pub(super) pepper: Arc<DataKey>,
    pub passwords: Passwords,
}

/// A successful login, or a refresh of one. It has no `Debug`: its tokens are secrets.
pub struct Session {
    pub id: SessionId,
    pub token: String,
    pub expires_at: DateTime<Utc>,
    pub refresh_token: String,
    pub refresh_expires_at: DateTime<Utc>,
    pub user: UserId,
    pub tenant: TenantId,
}

/// For how long a context may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// Until it is said that something has changed.
    On,
    Until(DateTime<Utc>),
    Over,
}

impl Gate {
    /// Reads the installation's secrets, making them at the first start.
    ///
    /// # Errors
    /// If the database or the key-encryption key refuses.
    pub async fn open(platform: &Platform) -> Result<Self> {
        let mut tx = SystemTx::begin(&platform.engine).await?;
        let (vault, chance) = (&platform.vault, platform.chance.as_ref());
        let seed = vault.installation_secret(tx.conn(), chance, "token_signer").await?;
        let pepper = vault.installation_secret(tx.conn(), chance, "api_key_pepper").await?;
        tx.commit().await?;
        Ok(Self {
            platform: platform.clone(),
            signer: Arc::new(Signer::new(&seed)?),
            pepper: Arc::new(pepper),
            passwords: Passwords::default(),
        })
    }

    /// What is stored of an API key.
    #[must_use]
    pub fn fingerprint(&self, key: &ApiKey) -> Vec<u8> {
        key.hash(&self.pepper)
    }

    /// Logs a user in from an address, with a program that calls itself something. Within a tenant all failures look
    /// and last the same.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`], [`Error::TooMany`], or if the database does not answer.
    pub async fn login(
        &self,
        (slug, email, password): (&str, &str, &str),
        code: Option<&str>,
        address: IpAddr,
        agent: &str,
    ) -> Result<Session> {
        let tried = self.try_login(slug, email, address).await?;
        let mut tx = SystemTx::begin(&self.platform.engine).await?;
        let mut user = None;
        let tenant = tenancy::store::by_slug(tx.conn(), slug).await?.filter(|tenant| !tenant.suspended);
        let known = tenant.as_ref().map(|tenant| tenant.id);
        if let (Some(tenant), Ok(email)) = (tenant, email.parse::<EmailAddress>()) {
            let keys = self.platform.vault.tenant_keys(tx.conn(), tenant.id).await?;
            let index = keys.index("users.email", &email.normal());
            user = store::user_by_email(tx.conn(), tenant.id, &index).await?;
        }
        // No connection is held while the password is hashed.
        tx.commit().await?;
        let stored = user.as_ref().map(|user| user.password_hash.clone());
        let fits = self.passwords.fits(stored, password).await?;
        let (Some(tenant), Some(user), true) = (known, &user, fits) else {
            if let Some(tenant) = known {
                let ctx = self.ctx(tenant, Actor::System, PermissionSet::default(), None);
                let meant = user.map(|user| user.id.to_string()).unwrap_or_default();
                audit::record(&ctx, Entry::new("login", "user", meant).denied()).await?;
            }
            return Err(Error::Unauthenticated("tenant, e-mail or password is wrong"));
        };
        let ctx = self.ctx(tenant, Actor::User(user.id), PermissionSet::default(), None);
        match self.second_factor(&ctx, user.id, code).await? {
            Shown::NoneIsSet | Shown::Right => {}
            Shown::Missing => {
                self.came_in(tried).await?;
                return Err(Error::SecondFactor);
            }
            Shown::Wrong => {
                audit::record(&ctx, Entry::new("login", "second_factor", user.id).denied()).await?;
                return Err(Error::Unauthenticated("the code is wrong, expired or was used"));
            }
        }
        self.came_in(tried).await?;
        let agent = agent.chars().take(AGENT_CHARS).collect();
        let client = Client { address: address.to_string(), agent };
        self.open_session(tenant, user, &client).await
    }

    /// The context of a bearer of a token or of an API key.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`], or if the database does not answer.
    pub async fn admit(&self, bearer: &str, trace: Option<String>) -> Result<Ctx> {
        if bearer.starts_with("sb_") {
            self.admit_key(bearer, trace).await
        } else {
            self.admit_user(bearer, trace).await
        }
    }

    async fn admit_user(&self, token: &str, trace: Option<String>) -> Result<Ctx> {
        let claims = self.signer.check(token, self.platform.clock.now())?;
        let mut tx = SystemTx::begin(&self.platform.engine).await?;
        let grants = store::user_grants(tx.conn(), claims.tid, claims.sub, Some(claims.sid)).await?;
        tx.commit().await?;
        match grants {
            Some(grants) if grants.version == claims.ver => {
                let ctx = self.ctx(claims.tid, Actor::User(claims.sub), grants.permissions, trace);
                Ok(Ctx { session: Some(claims.sid), ..ctx })
            }
            Some(_) => Err(Error::Unauthenticated("what you may do has changed; refresh the token")),
            None => Err(Error::Unauthenticated("the session is over; log in again")),
        }
    }

    async fn admit_key(&self, text: &str, trace: Option<String>) -> Result<Ctx> {
        const REFUSED: Error = Error::Unauthenticated("the API key is not valid; check it or make a new one");
        let key = ApiKey::parse(text).ok_or(REFUSED)?;
        let mut tx = SystemTx::begin(&self.platform.engine).await?;
        let found = store::api_key(tx.conn(), key.id).await?;
        tx.commit().await?;
        let found = found.ok_or(REFUSED)?;
        // Both are HMACs under the pepper, so the time of comparing tells nothing about the secret.
        if found.secret_hash != self.fingerprint(&key) {
            return Err(REFUSED);
        }
        let grants = found.grants(self.platform.clock.now()).ok_or(REFUSED)?;
        Ok(self.ctx(found.tenant, Actor::ApiKey(key.id), grants, trace))
    }

    /// Whether a context may still do what it could when it was made.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn still_holds(&self, ctx: &Ctx) -> Result<Hold> {
        let mut tx = SystemTx::begin(&self.platform.engine).await?;
        let mut until = None;
        let now = match ctx.actor {
            Actor::User(user) => {
                let grants = store::user_grants(tx.conn(), ctx.tenant, user, ctx.session).await?;
                if let Some(session) = ctx.session {
                    until = store::session_expiry(tx.conn(), ctx.tenant, session).await?;
                }
                grants
                    .filter(|_| until.is_none_or(|end| end > self.platform.clock.now()))
                    .map(|grants| grants.permissions)
            }
            Actor::ApiKey(key) => {
                let key = store::api_key(tx.conn(), key).await?;
                until = key.as_ref().and_then(|key| key.expires_at);
                key.and_then(|key| key.grants(self.platform.clock.now()))
            }
            Actor::System => Some(PermissionSet::all()),
        };
        Ok(match until {
            _ if now.is_none_or(|now| !now.covers(ctx.grants)) => Hold::Over,
            None => Hold::On,
            Some(end) => Hold::Until(end),
        })
    }

    pub(super) fn ctx(
        &self,
        tenant: TenantId,
        actor: Actor,
        grants: PermissionSet,
        trace: Option<String>,
    ) -> Ctx {
        Ctx {
            platform: self.platform.clone(),
            tenant,
            actor,
            session: None,
            grants,
            trace,
            idempotency: None,
        }
    }
}

/// Where a user's e-mail address is sealed.
pub(crate) fn email_place(tenant: TenantId, user: UserId) -> Place {
    Place { tenant, table: "users", column: "email_sealed", row: user.0 }
}

/// Where a user's name is sealed.
pub(crate) fn name_place(tenant: TenantId, user: UserId) -> Place {
    Place { tenant, table: "users", column: "name_sealed", row: user.0 }
}
