//! Checking who is asking. Reads across tenants, because the tenant is what it finds out.

use std::sync::Arc;

use super::{api_key::ApiKey, password::Passwords, permission::PermissionSet, store, token::Signer};
use crate::{
    Ctx,
    audit::{self, Entry},
    ctx::{Actor, Platform},
    error::{Error, Result},
    tenancy::{self, SystemTx},
    types::{EmailAddress, TenantId, UserId},
    vault::{DataKey, Place},
};

/// The door: the installation's signer and pepper.
#[derive(Clone)]
pub struct Gate {
    pub(super) platform: Platform,
    signer: Arc<Signer>,
    pepper: Arc<DataKey>,
    pub passwords: Passwords,
}

/// A successful login.
#[derive(Debug)]
pub struct Session {
    pub token: String,
    pub expires_at: chrono::DateTime<chrono::Utc>,
    pub user: UserId,
    pub tenant: TenantId,
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

    /// Logs a user in. All failures look and last the same.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`], or if the database does not answer.
    pub async fn login(&self, slug: &str, email: &str, password: &str) -> Result<Session> {
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
        let (token, expires_at) =
            self.signer.issue(tenant, user.id, user.permission_version, self.platform.clock.now())?;
        let ctx = self.ctx(tenant, Actor::User(user.id), PermissionSet::default(), None);
        audit::record(&ctx, Entry::new("login", "user", user.id)).await?;
        Ok(Session { token, expires_at, user: user.id, tenant })
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
        let grants = store::user_grants(tx.conn(), claims.tid, claims.sub).await?;
        tx.commit().await?;
        match grants {
            Some(grants) if grants.version == claims.ver => {
                Ok(self.ctx(claims.tid, Actor::User(claims.sub), grants.permissions, trace))
            }
            _ => Err(Error::Unauthenticated("the rights of this user have changed; log in again")),
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
    pub async fn still_holds(&self, ctx: &Ctx) -> Result<bool> {
        let mut tx = SystemTx::begin(&self.platform.engine).await?;
        let now = match ctx.actor {
            Actor::User(user) => {
                store::user_grants(tx.conn(), ctx.tenant, user).await?.map(|grants| grants.permissions)
            }
            Actor::ApiKey(key) => {
                store::api_key(tx.conn(), key).await?.and_then(|key| key.grants(self.platform.clock.now()))
            }
            Actor::System => Some(PermissionSet::all()),
        };
        Ok(now.is_some_and(|now| now.covers(ctx.grants)))
    }

    pub(super) fn ctx(
        &self,
        tenant: TenantId,
        actor: Actor,
        grants: PermissionSet,
        trace: Option<String>,
    ) -> Ctx {
        Ctx { platform: self.platform.clone(), tenant, actor, grants, trace, idempotency: None }
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
