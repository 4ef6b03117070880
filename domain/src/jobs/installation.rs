//! The work of all tenants in figures, as the installation's operators see it. Read from counters; it names tenants and
//! nobody in them.

use std::collections::HashMap;

use engine::{
    queues::{self, Load, NodeView, Unrunnable},
    tallies::{self, Ended, Share, Span},
};
use uuid::Uuid;

use crate::{
    ctx::OperatorCtx,
    error::Result,
    tenancy::{self, SystemTx, store::Named},
};

/// Tenants that are told apart.
const TENANTS: i64 = 100;

/// The installation's work.
#[derive(Debug)]
pub struct Installation {
    /// By steps of time.
    pub ended: Vec<Ended>,
    /// Those who use it most.
    pub shares: Vec<Share>,
    /// The tenants of these.
    pub names: HashMap<Uuid, Named>,
    pub queues: Vec<Load>,
    /// What waits and no process knows how to run.
    pub unrunnable: Vec<Unrunnable>,
    pub nodes: Vec<NodeView>,
}

/// What ended in a span, what waits, and who works.
///
/// # Errors
/// If the database does not answer within two seconds.
pub async fn look(by: &OperatorCtx, span: Span, step_minutes: i32) -> Result<Installation> {
    let mut tx = SystemTx::begin_patient(&by.platform.engine).await?;
    let ended = tallies::all_ended(tx.conn(), span, step_minutes).await?;
    let shares = tallies::shares(tx.conn(), span, TENANTS).await?;
    let ids: Vec<Uuid> = shares.iter().map(|share| share.tenant).collect();
    let names = tenancy::store::names(tx.conn(), &ids).await?;
    let found = Installation {
        ended,
        shares,
        names: names.into_iter().map(|named| (named.id.0, named)).collect(),
        queues: queues::loads(tx.conn()).await?,
        unrunnable: queues::unrunnable(tx.conn()).await?,
        nodes: queues::nodes(tx.conn()).await?,
    };
    tx.commit().await?;
    Ok(found)
}
