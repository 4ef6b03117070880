//! A request that is sent twice happens once.
//!
//! The answer is stored in the transaction of the effect, so either both are there or neither. A
//! second request that arrives while the first is still running finds the key locked.

use sqlx::PgConnection;
use uuid::Uuid;

use super::{SystemTx, TenantTx, store};
use crate::{
    Ctx,
    ctx::OperatorCtx,
    error::{Error, Result},
    types::TenantId,
    upkeep::ITSELF,
};

/// The Idempotency-Key of a request and the hash of what it asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    pub key: String,
    pub fingerprint: [u8; 32],
}

/// The stored answer: status and Location only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub location: String,
}

impl Answer {
    /// The id of what was made, as its Location ends.
    #[must_use]
    pub fn id(&self) -> &str {
        self.location.rsplit('/').next().unwrap_or_default()
    }
}

/// A command's result: what it made, and the answer under which an equal request finds it again.
#[derive(Debug)]
pub struct Once<T> {
    pub answer: Answer,
    /// None if an earlier, equal request had the effect.
    pub fresh: Option<T>,
}

impl<T> Once<T> {
    pub(crate) fn replayed(answer: Answer) -> Self {
        Self { answer, fresh: None }
    }
}

/// A transaction, or the answer given before.
#[expect(clippy::large_enum_variant, reason = "it is matched at once and never stored")]
pub enum Begun {
    Fresh(Keyed),
    Replayed(Answer),
}

/// A transaction that remembers its answer at commit.
pub struct Keyed {
    pub tx: TenantTx,
    actor: Uuid,
    idempotency: Option<Idempotency>,
}

impl TenantTx {
    pub(crate) async fn begin_once(ctx: &Ctx) -> Result<Begun> {
        let mut tx = Self::begin(ctx).await?;
        let actor = ctx.actor.id().unwrap_or_default();
        let Some(asked) = ctx.idempotency.clone() else {
            return Ok(Begun::Fresh(Keyed { tx, actor, idempotency: None }));
        };
        let tenant = tx.tenant;
        Ok(match answered(tx.conn(), tenant, actor, &asked).await? {
            Some(answer) => Begun::Replayed(answer),
            None => Begun::Fresh(Keyed { tx, actor, idempotency: Some(asked) }),
        })
    }
}

/// The answer that an equal request was given before. The key is held until the transaction ends.
async fn answered(
    conn: &mut PgConnection,
    tenant: TenantId,
    actor: Uuid,
    asked: &Idempotency,
) -> Result<Option<Answer>> {
    if !store::try_lock_key(conn, tenant, actor, &asked.key).await? {
        return Err(Error::conflict(
            "idempotency-in-progress",
            "a request with this Idempotency-Key is still running; ask again when it has ended",
        ));
    }
    match store::stored_answer(conn, tenant, actor, &asked.key).await? {
        None => Ok(None),
        Some((fingerprint, answer)) if fingerprint == asked.fingerprint => Ok(Some(answer)),
        Some(_) => Err(Error::conflict(
            "idempotency-key-reused",
            "this Idempotency-Key was used for another request; use a new key for a new request",
        )),
    }
}

impl SystemTx {
    /// Whether an operator has begun an equal request before. What became of it is for the caller to find out: it takes
    /// more than one transaction.
    ///
    /// # Errors
    /// A conflict if the key came with another body before, or is in use at this moment.
    pub(crate) async fn was_begun(&mut self, by: &OperatorCtx) -> Result<bool> {
        let Some(asked) = &by.idempotency else { return Ok(false) };
        let actor = by.actor.id().unwrap_or_default();
        Ok(answered(self.conn(), ITSELF, actor, asked).await?.is_some())
    }

    /// Remembers that an operator has begun a request, which will be answered so.
    ///
    /// # Errors
    /// If the database refuses.
    pub(crate) async fn note_begun(&mut self, by: &OperatorCtx, answer: &Answer) -> Result<()> {
        let Some(asked) = &by.idempotency else { return Ok(()) };
        let actor = by.actor.id().unwrap_or_default();
        store::store_answer(self.conn(), ITSELF, actor, asked, answer).await
    }
}

impl Keyed {
    /// Commits what was made with the answer that an equal request will get from now on.
    ///
    /// # Errors
    /// If the commit fails; nothing happened then.
    pub async fn commit<T>(mut self, made: T, status: u16, location: String) -> Result<Once<T>> {
        let answer = Answer { status, location };
        if let Some(asked) = &self.idempotency {
            let tenant = self.tx.tenant;
            store::store_answer(self.tx.conn(), tenant, self.actor, asked, &answer).await?;
        }
        self.tx.commit().await?;
        Ok(Once { answer, fresh: Some(made) })
    }
}
