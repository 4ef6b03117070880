//! Checking who is asking. Reads across tenants, because the tenant is what it finds out.

use std::{net::IpAddr, sync::Arc};

use chrono::{DateTime, Utc};
use serde_json::json;

use super::{
    api_key::ApiKey, known::Known, password::Passwords, permission::PermissionSet, second_factor::Shown,
    sessions::Client, signers::Ring, store, throttle::Try,
};
use crate::{
    Ctx,
    audit::{self, Entry},
    ctx::{Actor, Platform},
    error::{Error, Result},
    processing::reads::Opens,
    tenancy::{self, SystemTx},
    types::{EmailAddress, SessionId, TenantId, UserId},
    upkeep::ITSELF,
    vault::{DataKey, Place, cipher::mac, keys::Found},
};

pub use super::admit::{Freshness, Hold};

/// The door: the installation's signer and pepper.
#[derive(Clone)]
pub struct Gate {
    pub(super) platform: Platform,
    pub(super) ring: Arc<Ring>,
    pub(super) known: Arc<Known>,
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
    /// It is good for setting a second factor up, and for little else until then.
    pub enrols: bool,
}

/// Somebody whose password was right.
pub(super) struct Proven {
    pub tenant: TenantId,
    pub user: store::UserRow,
    pub tried: Try,
}

impl Gate {
    /// Reads the installation's secrets, making them at the first start.
    ///
    /// # Errors
    /// If the database or the key-encryption key refuses.
    pub async fn open(platform: &Platform) -> Result<Self> {
        let mut tx = SystemTx::begin(&platform.engine).await?;
        let (vault, chance) = (&platform.vault, platform.chance.as_ref());
        let pepper = vault.installation_secret(tx.conn(), chance, "api_key_pepper").await?;
        tx.commit().await?;
        Ok(Self {
            platform: platform.clone(),
            ring: Arc::new(Ring::open(platform).await?),
            known: Arc::new(Known::new(&platform.rights_changed)),
            pepper: Arc::new(pepper),
            passwords: Passwords::default(),
        })
    }

    /// What is stored of an API key.
    #[must_use]
    pub fn fingerprint(&self, key: &ApiKey) -> Vec<u8> {
        key.hash(&self.pepper)
    }

    /// Logs a user in from an address, with a program that calls itself something. All failures look the same and ask
    /// the same of us, so nobody learns which tenants and which addresses there are.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`], [`Error::TooMany`], or if the database does not answer.
    pub async fn login(
        &self,
        who: (&str, &str, &str),
        code: Option<&str>,
        address: IpAddr,
        agent: &str,
        trace: Option<String>,
    ) -> Result<Session> {
        let Proven { tenant, user, mut tried } = self.prove(who, address, trace.clone()).await?;
        if code.is_some() {
            // Guesses at a code count together at all doors, and that of the dashboard knows only the user by then.
            self.came_in(tried).await?;
            tried = self.try_login(&tenant.to_string(), &user.id.to_string(), address).await?;
        }
        let by_code = self.prove_more(tenant, user.id, code, tried, trace.clone()).await?;
        self.open_session(tenant, &user, by_code, &Client::of(address, agent), trace).await
    }

    /// The first half of a login: tenant, e-mail address and password.
    pub(super) async fn prove(
        &self,
        (slug, email, password): (&str, &str, &str),
        address: IpAddr,
        trace: Option<String>,
    ) -> Result<Proven> {
        let tried = self.begin_try(slug, email, address, trace.clone()).await?;
        let mut tx = SystemTx::begin(&self.platform.engine).await?;
        let tenant = tenancy::store::by_slug(tx.conn(), slug).await?.filter(|tenant| !tenant.suspended);
        let known = tenant.map(|tenant| tenant.id);
        let found = match known {
            Some(tenant) => Some(self.platform.vault.find_tenant_keys(tx.conn(), tenant).await?),
            None => None,
        };
        // Nor while a key service is asked.
        tx.commit().await?;
        let index = self.email_index(found, email).await?;
        let mut tx = SystemTx::begin(&self.platform.engine).await?;
        // The installation stands for a tenant that there is not: it has no users.
        let user = store::user_by_email(tx.conn(), known.unwrap_or(ITSELF), &index).await?;
        // No connection is held while the password is hashed.
        tx.commit().await?;
        let stored = user.as_ref().map(|user| user.password_hash.clone());
        let fits = self.passwords.fits(stored, password).await?;
        match (known, user, fits) {
            (Some(tenant), Some(user), true) => Ok(Proven { tenant, user, tried }),
            (known, user, _) => {
                self.note_failure(known, user.map(|user| user.id), trace).await?;
                Err(Error::Unauthenticated("tenant, e-mail or password is wrong"))
            }
        }
    }

    /// The second half: a code, for whoever has set a second factor; whether one was shown. The try is given back unless the
    /// code is wrong.
    pub(super) async fn prove_more(
        &self,
        tenant: TenantId,
        user: UserId,
        code: Option<&str>,
        tried: Try,
        trace: Option<String>,
    ) -> Result<bool> {
        let ctx = self.ctx(tenant, Actor::User(user), PermissionSet::default(), trace);
        let shown = self.second_factor(&ctx, user, code).await?;
        match shown {
            Shown::NoneIsSet | Shown::Right => {
                self.came_in(tried).await?;
                Ok(shown == Shown::Right)
            }
            Shown::Missing => {
                self.came_in(tried).await?;
                Err(Error::SecondFactor)
            }
            Shown::Wrong => {
                audit::record(&ctx, Entry::new("login", "second_factor", user).denied()).await?;
                Err(Error::Unauthenticated("the code is wrong, expired or was used"))
            }
        }
    }

    /// By what an address is looked for; of a text that is none, by what nobody has.
    async fn email_index(&self, keys: Option<Found>, email: &str) -> Result<Vec<u8>> {
        let normal = email.parse::<EmailAddress>().map_or_else(|_| String::new(), |email| email.normal());
        let Some(keys) = keys else {
            return Ok(mac(self.pepper.bytes.as_slice(), &[b"no tenant", normal.as_bytes()]));
        };
        let keys = self.platform.vault.open_found(keys).await?;
        Ok(keys.index("users.email", &normal))
    }

    /// Writes a login down that failed: for the tenant, or for the installation if there is no such tenant. What
    /// somebody typed in for one is not kept.
    async fn note_failure(
        &self,
        tenant: Option<TenantId>,
        user: Option<UserId>,
        trace: Option<String>,
    ) -> Result<()> {
        let detail =
            if tenant.is_some() { json!({}) } else { json!({ "why": "no tenant of this name may come in" }) };
        let ctx = self.ctx(tenant.unwrap_or(ITSELF), Actor::System, PermissionSet::default(), trace);
        let meant = user.map(|user| user.to_string()).unwrap_or_default();
        audit::record(&ctx, Entry::new("login", "user", meant).detail(detail).denied()).await
    }

    pub(super) fn ctx(
        &self,
        tenant: TenantId,
        actor: Actor,
        grants: PermissionSet,
        trace: Option<String>,
    ) -> Ctx {
        Ctx { actor, grants, opens: Opens::ToShow, trace, ..Ctx::itself(&self.platform, tenant) }
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
