//! The door to what all tenants have.

use engine::{
    Engine, Tx,
    operate::{Decider, Scope},
};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    store,
    tx::{Topic, tell},
};
use crate::{
    audit::{self, Entry},
    ctx::OperatorCtx,
    error::Result,
    events::Event,
    types::TenantId,
};

/// A transaction across tenants: for upkeep, for the bootstrap commands, and for the steps of
/// authentication before a tenant is known.
pub struct SystemTx(Tx);

impl SystemTx {
    /// # Errors
    /// If no connection can be had.
    pub async fn begin(engine: &Engine) -> Result<Self> {
        Ok(Self(engine.begin_system().await?))
    }

    /// The same, whose statements are given up where somebody who waits for them would give up: [`store::PATIENCE`].
    ///
    /// # Errors
    /// If no connection can be had.
    pub(crate) async fn begin_patient(engine: &Engine) -> Result<Self> {
        let mut tx = Self::begin(engine).await?;
        store::give_up_after(tx.conn(), store::PATIENCE).await?;
        Ok(tx)
    }

    /// The connection, for the stores.
    pub fn conn(&mut self) -> &mut PgConnection {
        self.0.conn()
    }

    /// Begins nothing more of a tenant; see [`engine::Tx::pause_scope`].
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn pause_tenant(&mut self, tenant: TenantId, why: &str) -> Result<()> {
        Ok(self.0.pause_scope(Decider::Product, whole(tenant), why).await?)
    }

    /// Goes on with a tenant, unless others have paused it; see [`engine::Tx::resume_scope`].
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn resume_tenant(&mut self, tenant: TenantId) -> Result<()> {
        Ok(self.0.resume_scope(Decider::Product, whole(tenant)).await.map(drop)?)
    }

    /// Stops work over tenants; see [`engine::Tx::pause_scope`].
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn pause_scope(&mut self, by: Decider, scope: Scope<'_>, why: &str) -> Result<()> {
        Ok(self.0.pause_scope(by, scope, why).await?)
    }

    /// Takes exactly that pause back; see [`engine::Tx::resume_scope`].
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn resume_scope(&mut self, by: Decider, scope: Scope<'_>) -> Result<bool> {
        Ok(self.0.resume_scope(by, scope).await?)
    }

    /// Tells a tenant what happened.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn emit(&mut self, tenant: TenantId, events: &[Event]) -> Result<()> {
        tell(&mut self.0, tenant.0, events).await
    }

    /// Writes down what an operator did in a tenant or with it, where the tenant reads it.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn audit(&mut self, by: &OperatorCtx, tenant: TenantId, entries: &[Entry]) -> Result<()> {
        let ids: Vec<Uuid> = entries.iter().map(|_| by.platform.chance.id()).collect();
        self.0.will_tell(Topic::AuditLog as u8);
        audit::store::insert(self.conn(), tenant, by.actor, by.trace.as_deref(), &ids, entries).await
    }

    /// # Errors
    /// If the commit fails; nothing happened then.
    pub async fn commit(self) -> Result<()> {
        Ok(self.0.commit().await?)
    }
}

/// All of a tenant's work.
fn whole(tenant: TenantId) -> Scope<'static> {
    Scope { queue: None, tenant: Some(tenant.0), kind: None }
}
