//! Who asks, at each request, and whether that still holds.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{api_key::ApiKey, gate::Gate, known::Login, permission::PermissionSet, store, token::Claims};
use crate::{
    Ctx,
    ctx::{Actor, Platform},
    error::{Error, Result},
    types::ApiKeyId,
};

/// For how long a context may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// Until it is said that something has changed.
    On,
    Until(DateTime<Utc>),
    Over,
}

/// Whether what was read a moment ago will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// It will, for [half a second](super::known).
    AMomentAgo,
    /// Ask the database: for what destroys, gives rights or keys, or shows what is private.
    Now,
}

impl Gate {
    /// The context of a bearer of a token or of an API key, with the rights of now or of a moment ago.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`], or if the database does not answer.
    pub async fn admit(&self, bearer: &str, trace: Option<String>) -> Result<Ctx> {
        self.admit_as(bearer, trace, Freshness::AMomentAgo).await
    }

    /// The same with rights as fresh as is asked for.
    ///
    /// # Errors
    /// As [`Self::admit`].
    pub async fn admit_as(&self, bearer: &str, trace: Option<String>, fresh: Freshness) -> Result<Ctx> {
        if bearer.starts_with("sb_") {
            self.admit_key(bearer, trace, fresh).await
        } else {
            self.admit_user(bearer, trace, fresh).await
        }
    }

    async fn admit_user(&self, token: &str, trace: Option<String>, fresh: Freshness) -> Result<Ctx> {
        let claims = self.claims(token).await?;
        match self.grants_of(&claims, fresh).await? {
            Some(held) if held.version == claims.ver => {
                let ctx = self.ctx(claims.tid, Actor::User(claims.sub), held.rights.permissions, trace);
                let store::Grants { enrols, rows, pace, .. } = held;
                Ok(Ctx { session: Some(claims.sid), enrols, rows, pace, ..ctx })
            }
            Some(_) => Err(Error::Unauthenticated("what you may do has changed; refresh the token")),
            None => Err(Error::Unauthenticated("the session is over; log in again")),
        }
    }

    /// What the token itself says its bearer may do, unless something has changed for them since then.
    fn said(&self, claims: &Claims, login: Login) -> Option<store::Grants> {
        let held = claims.rts?.read(claims.ver)?;
        let Platform { changes, rights_changed, .. } = &self.platform;
        changes.have_none_of(rights_changed, login, &held).then_some(held)
    }

    /// What the bearer of a token may do. What is remembered of another version than the token's is read again: the
    /// token may be the newer one.
    async fn grants_of(&self, claims: &Claims, fresh: Freshness) -> Result<Option<store::Grants>> {
        let login: Login = (claims.tid, claims.sub, claims.sid);
        if fresh == Freshness::AMomentAgo {
            let remembered = || self.known.logins.get(&login).filter(|held| held.version == claims.ver);
            if let Some(held) = self.said(claims, login).or_else(remembered) {
                return Ok(Some(held));
            }
        }
        let asked = self.known.logins.ask();
        let (tenant, user, session) = login;
        let read =
            async |conn: &mut PgConnection| store::user_grants(conn, tenant, user, Some(session)).await;
        let held = self.platform.engine.read_system(read).await?;
        if let Some(held) = held {
            self.known.logins.put(login, held, asked);
        }
        Ok(held)
    }

    async fn admit_key(&self, text: &str, trace: Option<String>, fresh: Freshness) -> Result<Ctx> {
        const REFUSED: Error = Error::Unauthenticated("the API key is not valid; check it or make a new one");
        let key = ApiKey::parse(text, &self.pepper).ok_or(REFUSED)?;
        let found = self.key_row(key.id, fresh).await?.ok_or(REFUSED)?;
        // Both are HMACs under the pepper, so the time of comparing tells nothing about the secret.
        if found.secret_hash != self.fingerprint(&key) {
            return Err(REFUSED);
        }
        let grants = found.grants(self.platform.clock.now()).ok_or(REFUSED)?;
        let ctx = self.ctx(found.tenant, Actor::ApiKey(key.id), grants, trace);
        Ok(Ctx { rows: found.rows, pace: found.pace, ..ctx })
    }

    /// A key that was made here. That one is revoked, or its maker kept out, is believed for a moment whatever is asked
    /// for: a program that goes on with it asks the database twice a second.
    async fn key_row(&self, id: ApiKeyId, fresh: Freshness) -> Result<Option<store::KeyRow>> {
        if let Some(found) = self.known.keys.get(&id)
            && (fresh == Freshness::AMomentAgo || found.is_none())
        {
            return Ok(found);
        }
        let asked = self.known.keys.ask();
        let found = self.platform.engine.read_system(async |conn| store::api_key(conn, id).await).await?;
        self.known.keys.put(id, found.clone(), asked);
        Ok(found)
    }

    /// For what goes on for long: whoever asked for it may do it still.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if not, or if the database does not answer.
    pub async fn require_still(&self, ctx: &Ctx) -> Result<()> {
        match self.still_holds(ctx).await? {
            Hold::Over => Err(Error::Unauthenticated("what you may do has changed; log in again")),
            Hold::On | Hold::Until(_) => Ok(()),
        }
    }

    /// Whether a context may still do what it could when it was made, and with the same leads.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn still_holds(&self, ctx: &Ctx) -> Result<Hold> {
        let (engine, tenant, session) = (&self.platform.engine, ctx.tenant, ctx.session);
        let mut until = None;
        let now = match ctx.actor {
            Actor::User(user) => {
                let read =
                    async |conn: &mut PgConnection| store::user_grants(conn, tenant, user, session).await;
                let grants = engine.read_system(read).await?;
                if let Some(session) = session {
                    let read =
                        async |conn: &mut PgConnection| store::session_expiry(conn, tenant, session).await;
                    until = engine.read_system(read).await?;
                }
                grants
                    .filter(|_| until.is_none_or(|end| end > self.platform.clock.now()))
                    .map(|grants| (grants.rights.permissions, grants.rows))
            }
            Actor::ApiKey(key) => {
                let key = engine.read_system(async |conn| store::api_key(conn, key).await).await?;
                until = key.as_ref().and_then(|key| key.expires_at);
                key.and_then(|key| Some((key.grants(self.platform.clock.now())?, key.rows)))
            }
            Actor::System => Some((PermissionSet::all(), ctx.rows)),
            Actor::Operator(operator) => {
                let now = self.platform.clock.now();
                let read = async |conn: &mut PgConnection| store::operator(conn, operator, now).await;
                engine.read_system(read).await?.map(|_| (ctx.grants, ctx.rows))
            }
        };
        Ok(match until {
            _ if now.is_none_or(|(grants, rows)| !grants.covers(ctx.grants) || rows != ctx.rows) => {
                Hold::Over
            }
            None => Hold::On,
            Some(end) => Hold::Until(end),
        })
    }
}
