//! Logins of browsers. A cookie holds random bytes and nothing else; their hash is stored. A login of a user is a
//! session like any other, so it is listed and ended with the others; an operator comes in by their key.

use std::net::IpAddr;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Duration, Utc};
use serde_json::json;
use uuid::Uuid;

use super::{
    gate::{Gate, Proven},
    permission::PermissionSet,
    sessions::{self, Client},
    store::{self, Whose},
    throttle::network,
};
use crate::{
    Ctx,
    audit::{self, Entry},
    ctx::{Actor, OperatorCtx},
    error::{Error, Result},
    tenancy::{self, SystemTx},
    types::{SessionId, TenantId, Text, UserId},
    upkeep::ITSELF,
    vault::cipher::{hex, mac, sha256},
};

/// How long a login lasts without a request (OWASP ASVS 5.0, 7.3).
pub const IDLE: Duration = Duration::hours(2);
/// How long it lasts at the longest, from the login on (the same).
pub const LONGEST: Duration = Duration::hours(12);
/// How long a code may be typed in after the password.
const HALFWAY: Duration = Duration::minutes(5);
/// That a login is used is written down as often.
const NOTED: Duration = Duration::minutes(1);
/// A reason for a look has so many characters at least.
const SHORTEST_REASON: usize = 3;
const REFUSED: Error = Error::Unauthenticated("you are not logged in, or not any more; log in again");

/// What a password leads to.
pub enum Entered {
    /// A login: what goes into the cookie.
    In(String),
    /// The way to one: what is shown together with a code. Good for five minutes.
    Halfway(String),
}

/// A tenant that an operator looks into.
#[derive(Debug, Clone)]
pub struct Look {
    pub slug: String,
    pub why: String,
}

/// Who comes by a login.
#[derive(Clone)]
pub enum Visitor {
    User(Box<Ctx>),
    Operator(Box<OperatorCtx>, Option<Look>),
}

/// A request by a login.
#[derive(Clone)]
pub struct Visit {
    pub visitor: Visitor,
    /// The slug of their tenant; of operators that of the installation.
    pub slug: String,
    /// Forms carry it, for no other site can read it.
    pub csrf: String,
}

impl Gate {
    /// Lets a browser in by tenant, e-mail address and password, or halfway where a code is asked for.
    ///
    /// # Errors
    /// As [`Gate::login`].
    pub async fn enter(
        &self,
        who: (&str, &str, &str),
        address: IpAddr,
        agent: &str,
        trace: Option<String>,
    ) -> Result<Entered> {
        let Proven { tenant, user, tried } = self.prove(who, address, trace.clone()).await?;
        match self.prove_more(tenant, user.id, None, tried, trace.clone()).await {
            Ok(by_code) => {
                let client = Client::of(address, agent);
                Ok(Entered::In(self.open_dashboard(tenant, &user, by_code, &client, trace).await?))
            }
            Err(Error::SecondFactor) => {
                let until = self.platform.clock.now() + HALFWAY;
                Ok(Entered::Halfway(self.halfway(tenant, &user, until)))
            }
            Err(error) => Err(error),
        }
    }

    /// Goes on from halfway by a code. Answers what goes into the cookie.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if it is too late or the code is wrong, [`Error::TooMany`].
    pub async fn enter_by_code(
        &self,
        halfway: &str,
        code: &str,
        address: IpAddr,
        agent: &str,
        trace: Option<String>,
    ) -> Result<String> {
        const LATE: Error = Error::Unauthenticated("this took too long; begin again with your password");
        let (tenant, id, until) = read_halfway(halfway).ok_or(LATE)?;
        let tried = self.try_login(&tenant.to_string(), &id.to_string(), address).await?;
        let ctx = self.ctx(tenant, Actor::System, PermissionSet::default(), trace.clone());
        let mut tx = ctx.begin().await?;
        let password_hash = store::lock_password(tx.conn(), tenant, id).await?.ok_or(LATE)?;
        tx.commit().await?;
        let user = store::UserRow { id, password_hash };
        let ours = self.halfway(tenant, &user, until);
        if verify_slices_are_equal(ours.as_bytes(), halfway.as_bytes()).is_err() || until <= ctx.now() {
            return Err(LATE);
        }
        let by_code = self.prove_more(tenant, id, Some(code), tried, trace.clone()).await?;
        self.open_dashboard(tenant, &user, by_code, &Client::of(address, agent), trace).await
    }

    /// Lets an operator of the installation in by their key. Answers what goes into the cookie.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`], [`Error::TooMany`].
    pub async fn enter_operator(&self, key: &str, address: IpAddr, trace: Option<String>) -> Result<String> {
        // Each address for itself: a key cannot be guessed, and strangers keep no operator out.
        let from = format!("operator {}", network(address));
        let tried = self.begin_try("", &from, address, trace.clone()).await?;
        let operator = match self.admit_operator(key, trace.clone()).await {
            Err(error @ Error::Unauthenticated(_)) => {
                let ctx = self.ctx(ITSELF, Actor::System, PermissionSet::default(), trace);
                audit::record(&ctx, Entry::new("login", "operator", "").denied()).await?;
                return Err(error);
            }
            operator => operator?,
        };
        self.came_in(tried).await?;
        let Actor::Operator(id) = operator.actor else { return Err(REFUSED) };
        let (token, now) = (self.dashboard_token(), self.platform.clock.now());
        let mut tx = SystemTx::begin(&self.platform.engine).await?;
        let whose = Whose::Operator(ITSELF, id);
        store::insert_dashboard_session(tx.conn(), &whose, &hash(&token), now, now + LONGEST).await?;
        let detail = json!({ "operator": operator.name });
        tx.audit(&operator, ITSELF, &[Entry::new("login", "operator", id).detail(detail).notice()]).await?;
        tx.commit().await?;
        Ok(token)
    }

    /// Who comes with this cookie, with the rights of now.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`], or if the database does not answer.
    pub async fn visit(&self, token: &str, trace: Option<String>) -> Result<Visit> {
        let (hash, now) = (hash(token), self.platform.clock.now());
        let engine = &self.platform.engine;
        let read = async |conn: &mut _| store::dashboard_session(conn, &hash, now, now - IDLE).await;
        let row = engine.read_system(read).await?.ok_or(REFUSED)?;
        let visitor = match (row.user, row.session, row.operator) {
            (Some(user), Some(session), _) => {
                let read =
                    async |conn: &mut _| store::user_grants(conn, row.tenant, user, Some(session)).await;
                let held = engine.read_system(read).await?.ok_or(REFUSED)?;
                let store::Grants { enrols, rows, pace, .. } = held;
                let ctx = self.ctx(row.tenant, Actor::User(user), held.rights.permissions, trace);
                let ctx = Ctx { session: Some(session), enrols, rows, pace, ..ctx };
                Visitor::User(Box::new(ctx))
            }
            (_, _, Some(operator)) => {
                let read = async |conn: &mut _| store::operator(conn, operator, now).await;
                let name = engine.read_system(read).await?.ok_or(REFUSED)?.name;
                let (platform, actor) = (self.platform.clone(), Actor::Operator(operator));
                let operator = OperatorCtx { platform, actor, name, trace, idempotency: None };
                let look = row.looks_into.zip(row.why).map(|(slug, why)| Look { slug, why });
                Visitor::Operator(Box::new(operator), look)
            }
            _ => return Err(REFUSED),
        };
        if row.seen_at + NOTED < now {
            let mut tx = SystemTx::begin(engine).await?;
            store::see_dashboard_session(tx.conn(), row.tenant, &hash, now).await?;
            tx.commit().await?;
        }
        let csrf = hex(&mac(self.pepper.bytes.as_slice(), &[b"dashboard form", token.as_bytes()]));
        Ok(Visit { visitor, slug: row.slug, csrf })
    }

    /// Ends a login, and the session behind it.
    ///
    /// # Errors
    /// If the database refuses. Whoever is not logged in is none the worse for it.
    pub async fn depart(&self, token: &str, trace: Option<String>) -> Result<()> {
        let tenant = match self.visit(token, trace).await {
            Ok(Visit { visitor: Visitor::User(ctx), .. }) => {
                sessions::log_out(&ctx).await?;
                ctx.tenant
            }
            Ok(_) => ITSELF,
            Err(Error::Unauthenticated(_)) => return Ok(()),
            Err(error) => return Err(error),
        };
        let mut tx = SystemTx::begin(&self.platform.engine).await?;
        store::drop_dashboard_session(tx.conn(), tenant, &hash(token)).await?;
        tx.commit().await
    }

    /// Turns an operator's login to a tenant, and says why, which the tenant can read; or away from it.
    ///
    /// # Errors
    /// If there is no such tenant, or the reason says nothing.
    pub async fn turn_to(&self, token: &str, look: Option<(&str, &Text<200>)>) -> Result<()> {
        let mut tx = SystemTx::begin(&self.platform.engine).await?;
        if let Some((slug, why)) = look {
            if why.as_str().chars().count() < SHORTEST_REASON {
                let detail =
                    format!("say why, in {SHORTEST_REASON} characters or more; the tenant can read it");
                return Err(Error::invalid("/why", detail));
            }
            tenancy::store::by_slug(tx.conn(), slug).await?.ok_or(Error::NotFound("tenant"))?;
        }
        let look = look.map(|(slug, why)| (slug, why.as_str()));
        store::turn_dashboard_session(tx.conn(), ITSELF, &hash(token), look).await?;
        tx.commit().await
    }

    async fn open_dashboard(
        &self,
        tenant: TenantId,
        user: &store::UserRow,
        by_code: bool,
        client: &Client,
        trace: Option<String>,
    ) -> Result<String> {
        let (session, _, now): (SessionId, _, _) =
            self.begin_session(tenant, user, by_code, client, LONGEST, trace).await?;
        let token = self.dashboard_token();
        let mut tx = SystemTx::begin(&self.platform.engine).await?;
        let whose = Whose::User(tenant, user.id, session);
        store::insert_dashboard_session(tx.conn(), &whose, &hash(&token), now, now + LONGEST).await?;
        tx.commit().await?;
        Ok(token)
    }

    fn dashboard_token(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.platform.random::<32>())
    }

    /// `<tenant>.<user>.<until>.<mac>`: nothing of it is stored. It is void once the password is another.
    fn halfway(&self, tenant: TenantId, user: &store::UserRow, until: DateTime<Utc>) -> String {
        let said = format!("{}.{}.{}", tenant.0.simple(), user.id.0.simple(), until.timestamp());
        let parts = [b"dashboard halfway", said.as_bytes(), user.password_hash.as_bytes()];
        format!("{said}.{}", hex(&mac(self.pepper.bytes.as_slice(), &parts)))
    }
}

fn read_halfway(text: &str) -> Option<(TenantId, UserId, DateTime<Utc>)> {
    let mut parts = text.split('.');
    let tenant = TenantId(Uuid::try_parse(parts.next()?).ok()?);
    let user = UserId(Uuid::try_parse(parts.next()?).ok()?);
    let until = DateTime::from_timestamp(parts.next()?.parse().ok()?, 0)?;
    Some((tenant, user, until))
}

fn hash(token: &str) -> [u8; 32] {
    sha256(token.as_bytes())
}
