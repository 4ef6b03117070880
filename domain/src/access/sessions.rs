//! Logins that last. A session is refreshed with a token that is good once; whoever shows one that was used holds a
//! copy, and the session ends (RFC 9700, section 4.14.2).

use std::net::IpAddr;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{
    gate::{Gate, Session},
    permission::{Permission, PermissionSet},
    rights::held_now,
    roles::tell,
    signed::SignedRights,
    store,
    token::{Claims, LIFETIME},
    users::reach,
};
use crate::{
    Ctx,
    audit::Entry,
    ctx::Actor,
    error::{Error, Result},
    types::{SessionId, SubjectId, TenantId, UserId},
    vault::{
        DataKey, Personal, Place, Vault,
        cipher::{hex, mac},
        personal::reveal,
    },
};

/// How long a session lasts without a refresh, and at the longest.
const IDLE: Duration = Duration::days(14);
const LONGEST: Duration = Duration::days(90);
/// How long the answer of a refresh is given again: the first may have been lost on its way.
const LOST_ANSWER: Duration = Duration::seconds(10);

/// A session as its user sees it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SessionView {
    pub id: SessionId,
    /// The one that this request belongs to.
    pub current: bool,
    /// The address and the program of the login. None once the person was erased.
    #[serde(serialize_with = "reveal")]
    #[schema(value_type = Option<Client>)]
    pub client: Option<Personal<Client>>,
    pub created_at: DateTime<Utc>,
    pub refreshed_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    /// `logout`, `revoked`, `password` (it was changed), or `copied`: a refresh token was used twice.
    pub end_reason: Option<String>,
}

/// From where somebody logged in.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Client {
    pub address: String,
    /// What the program calls itself.
    pub agent: String,
}

/// So much of what a client calls itself is kept.
const AGENT_CHARS: usize = 200;

impl Client {
    pub(super) fn of(address: IpAddr, agent: &str) -> Self {
        Self { address: address.to_string(), agent: agent.chars().take(AGENT_CHARS).collect() }
    }
}

/// A refresh token: `sbr_<tenant>_<session>_<number>_<mac>`. Nothing of it is stored: the MAC under the
/// installation's pepper shows that we made it, and the session knows which number is good. It has no `Debug`.
struct RefreshToken {
    tenant: TenantId,
    session: SessionId,
    number: i32,
}

impl RefreshToken {
    fn reveal(&self, pepper: &DataKey) -> String {
        let (tenant, session) = (self.tenant.0.simple(), self.session.0.simple());
        format!("sbr_{tenant}_{session}_{}_{}", self.number, self.mac(pepper))
    }

    /// `None` if it is not one of ours.
    fn read(text: &str, pepper: &DataKey) -> Option<Self> {
        let mut parts = text.strip_prefix("sbr_")?.split('_');
        let mut next = || parts.next();
        let token = Self {
            tenant: TenantId(Uuid::try_parse(next()?).ok()?),
            session: SessionId(Uuid::try_parse(next()?).ok()?),
            number: next()?.parse().ok()?,
        };
        let shown = next()?;
        let whole = next().is_none();
        (whole && verify_slices_are_equal(shown.as_bytes(), token.mac(pepper).as_bytes()).is_ok())
            .then_some(token)
    }

    fn mac(&self, pepper: &DataKey) -> String {
        let (tenant, session) = (self.tenant.0.as_bytes(), self.session.0.as_bytes());
        let number = self.number.to_be_bytes();
        hex(&mac(pepper.bytes.as_slice(), &[b"refresh token", tenant, session, &number]))
    }
}

impl Gate {
    /// Opens a session for a user who has shown who they are, by a code as well or not, unless their password has changed
    /// meanwhile or a code is asked for since.
    pub(super) async fn open_session(
        &self,
        tenant: TenantId,
        row: &store::UserRow,
        by_code: bool,
        client: &Client,
        trace: Option<String>,
    ) -> Result<Session> {
        let (id, may, now) = self.begin_session(tenant, row, by_code, client, IDLE, trace).await?;
        self.tokens(&RefreshToken { tenant, session: id, number: 0 }, row.id, &may, now + IDLE).await
    }

    /// The session itself, without tokens for it; it ends after `lasts` if nobody prolongs it.
    pub(super) async fn begin_session(
        &self,
        tenant: TenantId,
        row: &store::UserRow,
        by_code: bool,
        client: &Client,
        lasts: Duration,
        trace: Option<String>,
    ) -> Result<(SessionId, store::Grants, DateTime<Utc>)> {
        const KEPT_OUT: Error = Error::Unauthenticated("this user was kept out just now; ask an admin");
        let user = row.id;
        let ctx = self.ctx(tenant, Actor::User(user), PermissionSet::default(), trace);
        let (id, now) = (SessionId(ctx.id()), ctx.now());
        let mut tx = ctx.begin().await?;
        if store::lock_password(tx.conn(), tenant, user).await?.as_ref() != Some(&row.password_hash) {
            return Err(Error::Unauthenticated(
                "this password was changed just now; log in with the new one",
            ));
        }
        // Whoever confirms a second factor holds the same lock.
        if !by_code && store::factor_since(tx.conn(), tenant, user).await?.is_some() {
            return Err(Error::SecondFactor);
        }
        let subject = SubjectId(user.0);
        let keys = Vault::subjects(&mut tx, &[subject]).await?;
        let client = serde_json::to_string(client).map_err(Error::internal)?;
        let sealed = keys.seal(&ctx.platform, subject, &client_place(tenant, id), &client)?;
        store::insert_session(tx.conn(), tenant, id, user, &sealed, now, now + lasts).await?;
        let may = store::user_grants(tx.conn(), tenant, user, Some(id)).await?.ok_or(KEPT_OUT)?;
        tx.audit(&[Entry::new("login", "user", user).detail(json!({ "session_id": id }))]).await?;
        tx.commit().await?;
        Ok((id, may, now))
    }

    /// New tokens for a refresh token, which is used up.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if it is not ours, the session is over or the user may not come in any more. If
    /// it was used before, the session ends.
    pub async fn refresh(&self, text: &str, trace: Option<String>) -> Result<Session> {
        const REFUSED: Error = Error::Unauthenticated("the session is over; log in again");
        let shown = RefreshToken::read(text, &self.pepper).ok_or(REFUSED)?;
        let (tenant, id) = (shown.tenant, shown.session);
        let ctx = self.ctx(tenant, Actor::System, PermissionSet::default(), trace);
        let now = ctx.now();
        let mut tx = ctx.begin().await?;
        let held = store::lock_session(tx.conn(), tenant, id).await?.ok_or(REFUSED)?;
        if held.ended || held.expires_at <= now {
            return Err(REFUSED);
        }
        let again = shown.number + 1 == held.refreshes && now < held.refreshed_at + LOST_ANSWER;
        if shown.number != held.refreshes && !again {
            store::end_sessions(tx.conn(), tenant, held.user, Some(id), None, "copied", now).await?;
            tell(&mut tx, [Actor::User(held.user)].into_iter()).await?;
            let detail = json!({ "session_id": id, "why": "a refresh token was used twice" });
            tx.audit(&[Entry::new("refresh", "user", held.user).detail(detail).denied().critical()]).await?;
            tx.commit().await?;
            return Err(Error::Unauthenticated(
                "this refresh token was used before; the session is over, log in again",
            ));
        }
        let may = store::user_grants(tx.conn(), tenant, held.user, Some(id)).await?.ok_or(REFUSED)?;
        let mut expires_at = held.expires_at;
        if !again {
            expires_at = (now + IDLE).min(held.created_at + LONGEST);
            store::refresh_session(tx.conn(), tenant, id, now, expires_at).await?;
        }
        tx.commit().await?;
        self.tokens(&RefreshToken { number: shown.number + 1, ..shown }, held.user, &may, expires_at).await
    }

    async fn tokens(
        &self,
        refresh: &RefreshToken,
        user: UserId,
        may: &store::Grants,
        refresh_expires_at: DateTime<Utc>,
    ) -> Result<Session> {
        let (tenant, id) = (refresh.tenant, refresh.session);
        let now = self.platform.clock.now();
        let claims = Claims::new(tenant, user, id, may.version, now);
        // Whoever sets a second factor up may do more at the next request, by the same token.
        let rts = (!may.enrols).then(|| SignedRights::of(may));
        let token = self.sign(&Claims { rts, ..claims }).await?;
        let expires_at = now + LIFETIME;
        let refresh_token = refresh.reveal(&self.pepper);
        let enrols = may.enrols;
        Ok(Session { id, token, expires_at, refresh_token, refresh_expires_at, user, tenant, enrols })
    }
}

/// Ends the caller's own session.
///
/// # Errors
/// If the caller has none: an API key is revoked instead.
pub async fn log_out(ctx: &Ctx) -> Result<()> {
    let (Actor::User(user), Some(session)) = (ctx.actor, ctx.session) else {
        return Err(Error::conflict(
            "no-session",
            "only a login can be logged out; an API key is revoked by DELETE",
        ));
    };
    end(ctx, user, Some(session), "logout").await.map(drop)
}

/// The sessions of a user, newest first, those with ids below `before`. Everyone may see their own.
///
/// # Errors
/// If there is no such user, or the permission is missing.
pub async fn sessions(
    ctx: &Ctx,
    user: UserId,
    before: Option<SessionId>,
    limit: i64,
) -> Result<Vec<SessionView>> {
    if ctx.actor != Actor::User(user) {
        ctx.require(Permission::SessionsRead)?;
    }
    let mut tx = ctx.begin().await?;
    let only = store::Which { only: Some(user), ..store::Which::default() };
    if store::users(tx.conn(), ctx.tenant, &only, None, 1).await?.is_empty() {
        return Err(Error::NotFound("user"));
    }
    let rows = store::sessions(tx.conn(), ctx.tenant, user, before, limit).await?;
    let keys = Vault::subjects(&mut tx, &[SubjectId(user.0)]).await?;
    let themselves = ctx.actor == Actor::User(user);
    rows.into_iter()
        .map(|row| {
            let client = keys.open(&client_place(ctx.tenant, row.id), &row.client_sealed)?;
            let client = if themselves { client } else { ctx.seen_whole(client) };
            let client =
                client.map(|text| serde_json::from_str(&text)).transpose().map_err(Error::internal)?;
            Ok(SessionView {
                id: row.id,
                current: ctx.session == Some(row.id),
                client: client.map(Personal::new),
                created_at: row.created_at,
                refreshed_at: row.refreshed_at,
                expires_at: row.expires_at,
                ended_at: row.ended_at,
                end_reason: row.end_reason,
            })
        })
        .collect()
}

/// Ends one session of a user, or all of them; the tokens and sockets end with it. Everyone may end their own.
///
/// # Errors
/// If there is no such user or open session, or the user holds more than the caller.
pub async fn end_sessions(ctx: &Ctx, user: UserId, session: Option<SessionId>) -> Result<()> {
    if ctx.actor != Actor::User(user) {
        ctx.require(Permission::SessionsEnd)?;
    }
    let ended = end(ctx, user, session, "revoked").await?;
    if session.is_some() && ended == 0 { Err(Error::NotFound("session that is open")) } else { Ok(()) }
}

async fn end(ctx: &Ctx, user: UserId, session: Option<SessionId>, why: &str) -> Result<u64> {
    let mut tx = ctx.begin().await?;
    if ctx.actor != Actor::User(user) {
        let now = held_now(ctx, &mut tx, Permission::SessionsEnd).await?;
        reach(&now, &mut tx, user).await?;
    }
    let ended = store::end_sessions(tx.conn(), ctx.tenant, user, session, None, why, ctx.now()).await?;
    if ended > 0 {
        tell(&mut tx, [Actor::User(user)].into_iter()).await?;
        let detail = json!({ "session_id": session, "sessions": ended });
        tx.audit(&[Entry::new("logout", "user", user).detail(detail)]).await?;
        tx.commit().await?;
    }
    Ok(ended)
}

fn client_place(tenant: TenantId, session: SessionId) -> Place {
    Place { tenant, table: "sessions", column: "client_sealed", row: session.0 }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    #[test]
    fn a_refresh_token_is_ours_whole_and_unaltered_or_nothing() {
        let pepper = |n: u8| DataKey { id: Uuid::nil(), bytes: Zeroizing::new([n; 32]) };
        let token = RefreshToken {
            tenant: TenantId(Uuid::from_u128(1)),
            session: SessionId(Uuid::from_u128(2)),
            number: 7,
        };
        let text = token.reveal(&pepper(3));
        let again = RefreshToken::read(&text, &pepper(3)).expect("ours");
        assert_eq!((again.tenant, again.session, again.number), (token.tenant, token.session, 7));
        assert!(RefreshToken::read(&text, &pepper(4)).is_none(), "of another installation");
        assert!(RefreshToken::read(&format!("{text}_"), &pepper(3)).is_none());
        for at in 0..text.len() {
            let mut typo = text.clone().into_bytes();
            typo[at] = if typo[at] == b'0' { b'1' } else { b'0' };
            let typo = String::from_utf8(typo).expect("text");
            assert!(RefreshToken::read(&typo, &pepper(3)).is_none(), "altered at {at}");
        }
    }
}
