//! A request that is sent twice happens once.
//!
//! The answer is stored in the transaction of the effect, so either both are there or neither. A
//! second request that arrives while the first is still running finds the key locked.

use uuid::Uuid;

use super::{TenantTx, store};
use crate::{
    Ctx,
    error::{Error, Result},
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
        if !store::try_lock_key(tx.conn(), tenant, actor, &asked.key).await? {
            return Err(Error::conflict(
                "idempotency-in-progress",
                "a request with this Idempotency-Key is still running; ask again when it has ended",
            ));
        }
        let Some((fingerprint, answer)) = store::stored_answer(tx.conn(), tenant, actor, &asked.key).await?
        else {
            return Ok(Begun::Fresh(Keyed { tx, actor, idempotency: Some(asked) }));
        };
        if fingerprint == asked.fingerprint {
            Ok(Begun::Replayed(answer))
        } else {
            Err(Error::conflict(
                "idempotency-key-reused",
                "this Idempotency-Key was used for another request; use a new key for a new request",
            ))
        }
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
