//! Tickets for sockets: good once, for half a minute, so that no token stands in an address.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Duration, Utc};
use serde::Serialize;

use super::{gate::Gate, permission::Permission, rights::held_by, rows::Rows, store};
use crate::{
    Ctx,
    ctx::{Actor, Platform},
    error::{Error, Result},
    tenancy::SystemTx,
    vault::cipher::sha256,
};

/// How long a ticket waits to be used.
const LIFETIME: Duration = Duration::seconds(30);
/// Tickets that are forgotten in one transaction.
const AT_A_TIME: i64 = 1_000;

/// A ticket as its holder gets it; only its hash is kept.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Ticket {
    /// Goes into the upgrade as the subprotocol `ticket.<ticket>`.
    pub ticket: String,
    pub expires_at: DateTime<Utc>,
}

/// A ticket for one socket with the caller's rights.
///
/// # Errors
/// If the permission is missing, or the caller is neither a user nor an API key of the tenant.
pub async fn issue(ctx: &Ctx) -> Result<Ticket> {
    ctx.require(Permission::EventsRead)?;
    if !matches!(ctx.actor, Actor::User(_) | Actor::ApiKey(_)) {
        return Err(Error::conflict("no-sockets", "sockets are for users and API keys of a tenant"));
    }
    let ticket = URL_SAFE_NO_PAD.encode(ctx.platform.random::<32>());
    let expires_at = ctx.now() + LIFETIME;
    let mut tx = ctx.begin().await?;
    store::insert_ticket(tx.conn(), ctx, &hash(&ticket), expires_at).await?;
    tx.commit().await?;
    Ok(Ticket { ticket, expires_at })
}

impl Gate {
    /// The context of whoever got the ticket; the ticket is used up.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if it is unknown, used or expired.
    pub async fn redeem(&self, ticket: &str, trace: Option<String>) -> Result<Ctx> {
        const REFUSED: Error =
            Error::Unauthenticated("the ticket is unknown, used or expired; ask for a new one");
        let now = self.platform.clock.now();
        let mut tx = SystemTx::begin(&self.platform.engine).await?;
        let row = store::take_ticket(tx.conn(), &hash(ticket)).await?;
        let row = row.filter(|row| row.expires_at > now);
        let actor = row.as_ref().and_then(|row| row.user.map(Actor::User).or(row.api_key.map(Actor::ApiKey)));
        let (Some(row), Some(actor)) = (row, actor) else {
            tx.commit().await?;
            return Err(REFUSED);
        };
        let held = held_by(tx.conn(), row.tenant, actor, row.session, now).await?;
        tx.commit().await?;
        // Whoever may not come in any more sees nothing, and is told why once the socket is open.
        let rows = held.map_or(Rows::Own(None), |(_, rows)| rows);
        Ok(Ctx { session: row.session, rows, ..self.ctx(row.tenant, actor, row.permissions, trace) })
    }
}

/// Forgets tickets that nobody used in time. Whoever comes with one does not look for the others: after a restart many come.
///
/// # Errors
/// If the database refuses.
pub async fn forget_the_unused(platform: &Platform) -> Result<()> {
    loop {
        let mut tx = SystemTx::begin(&platform.engine).await?;
        let gone = store::delete_expired_tickets(tx.conn(), platform.clock.now(), AT_A_TIME).await?;
        tx.commit().await?;
        if gone < AT_A_TIME.unsigned_abs() {
            return Ok(());
        }
    }
}

fn hash(ticket: &str) -> [u8; 32] {
    sha256(ticket.as_bytes())
}
