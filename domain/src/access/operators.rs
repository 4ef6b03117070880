//! Operators: who runs the installation. They belong to no tenant and come in by a key of their own; each look of
//! theirs into a tenant is written down there, before anything is shown.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::{
    api_key::OperatorKey,
    gate::Gate,
    permission::{Permission, PermissionSet},
    store,
};
use crate::{
    Ctx,
    audit::Entry,
    ctx::{Actor, OperatorCtx},
    error::{Error, Result},
    tenancy::{self, SystemTx},
    types::{OperatorId, Text},
    upkeep::ITSELF,
};

/// Operators in a list.
const MOST: i64 = 1_000;

/// An operator.
#[derive(Debug, Clone)]
pub struct Operator {
    pub id: OperatorId,
    pub name: String,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub revoked_at: Option<DateTime<Utc>>,
}

/// Makes an operator; the text of the key is in the answer and nowhere else.
///
/// # Errors
/// If somebody of this name has a key that is not revoked.
pub async fn create(
    by: &OperatorCtx,
    gate: &Gate,
    name: &Text<100>,
    expires_at: DateTime<Utc>,
) -> Result<(Operator, String)> {
    let platform = &by.platform;
    let key = OperatorKey::new(OperatorId(platform.chance.id()), platform.random());
    let operator = Operator {
        id: key.id,
        name: name.as_str().to_owned(),
        created_at: platform.clock.now(),
        expires_at,
        revoked_at: None,
    };
    let mut tx = SystemTx::begin(&platform.engine).await?;
    if !store::insert_operator(tx.conn(), &operator, &key.hash(&gate.pepper)).await? {
        return Err(Error::conflict("name-taken", "an operator of this name has a key; revoke it first"));
    }
    let detail = json!({ "name": operator.name, "expires_at": expires_at });
    tx.audit(by, ITSELF, &[Entry::new("create", "operator", key.id).detail(detail).notice()]).await?;
    tx.commit().await?;
    Ok((operator, key.reveal(&gate.pepper)))
}

/// The operators, the newest first, those who were revoked too.
///
/// # Errors
/// If the database does not answer.
pub async fn list(by: &OperatorCtx) -> Result<Vec<Operator>> {
    by.platform.engine.read_system(async |conn| store::operators(conn, MOST).await).await
}

/// Revokes an operator's key; the next request with it is refused.
///
/// # Errors
/// If there is no such operator whose key is not revoked.
pub async fn revoke(by: &OperatorCtx, id: OperatorId) -> Result<()> {
    let mut tx = SystemTx::begin(&by.platform.engine).await?;
    if !store::revoke_operator(tx.conn(), id, by.platform.clock.now()).await? {
        return Err(Error::NotFound("operator whose key is not revoked"));
    }
    tx.audit(by, ITSELF, &[Entry::new("delete", "operator", id).notice()]).await?;
    tx.commit().await
}

/// What operators see of a tenant: what may be read there, and nobody's personal data.
#[must_use]
pub fn sight() -> PermissionSet {
    let shows = |permission: &Permission| {
        let word_for_word = [Permission::PersonalRead, Permission::DeliveriesRead];
        permission.as_str().ends_with(":read") && !word_for_word.contains(permission)
    };
    Permission::ALL.iter().copied().filter(shows).collect()
}

impl Gate {
    /// The operator of a key.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`], or if the database does not answer.
    pub async fn admit_operator(&self, bearer: &str, trace: Option<String>) -> Result<OperatorCtx> {
        const REFUSED: Error = Error::Unauthenticated(
            "the operator's key is not valid; `switchboard operators create` makes one",
        );
        let key = OperatorKey::parse(bearer, &self.pepper).ok_or(REFUSED)?;
        let (engine, now) = (&self.platform.engine, self.platform.clock.now());
        let found = engine
            .read_system(async |conn| store::operator(conn, key.id, now).await)
            .await?
            .ok_or(REFUSED)?;
        // Both are HMACs under the pepper, so the time of comparing tells nothing about the secret.
        if found.secret_hash != key.hash(&self.pepper) {
            return Err(REFUSED);
        }
        let (platform, actor) = (self.platform.clone(), Actor::Operator(key.id));
        Ok(OperatorCtx { platform, actor, name: found.name, trace, idempotency: None })
    }

    /// A context that only reads a tenant, suspended or not. That it was asked for, and why, stands in the tenant's
    /// audit log by then.
    ///
    /// # Errors
    /// If there is no such tenant, or the look cannot be written down.
    pub async fn look(&self, operator: &OperatorCtx, slug: &str, why: &str, asked: &str) -> Result<Ctx> {
        let mut tx = SystemTx::begin(&self.platform.engine).await?;
        let tenant = tenancy::store::by_slug(tx.conn(), slug).await?.ok_or(Error::NotFound("tenant"))?.id;
        let detail = json!({ "operator": operator.name, "why": why });
        tx.audit(operator, tenant, &[Entry::new("look", "route", asked).detail(detail).notice()]).await?;
        tx.commit().await?;
        Ok(self.ctx(tenant, operator.actor, sight(), operator.trace.clone()))
    }

    /// Writes down what an operator was refused, in the audit log of the installation.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn refused(&self, operator: &OperatorCtx, asked: &str) -> Result<()> {
        let mut tx = SystemTx::begin(&self.platform.engine).await?;
        let detail = json!({ "operator": operator.name });
        tx.audit(operator, ITSELF, &[Entry::new("access", "route", asked).detail(detail).denied()]).await?;
        tx.commit().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_read_and_see_nothing_personal() {
        let sight = sight();
        assert!(sight.contains(Permission::AuditRead) && sight.contains(Permission::LeadsRead));
        assert!(!sight.contains(Permission::PersonalRead) && !sight.contains(Permission::DeliveriesRead));
        assert!(sight.names().iter().all(|name| name.ends_with(":read")), "{sight:?}");
    }
}
