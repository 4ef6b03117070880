//! Servers outside that are told what happens, by signed webhooks (Standard Webhooks): for programs that hold no socket.
//!
//! - [`rules`] what an answer means, when it is tried again and what may be subscribed to: pure
//! - [`endpoints`] endpoints as commands, `secrets` by which they are signed to, [`view`] what is shown and asked for
//! - [`tail`] reading the log for them, `part` what is in it for each, pure; [`attempt`] one attempt at a delivery
//! - [`deliveries`] the delivery log, tests, and sending one again; [`replay`] sending a part of the log again
//! - `store` the tables. Deliveries are locked before their endpoint, several of them in the order of the log; whoever
//!   holds an endpoint only adds deliveries.

pub mod attempt;
pub mod deliveries;
pub mod endpoints;
mod part;
pub mod replay;
pub mod rules;
mod secrets;
mod store;
pub mod tail;
pub mod view;

use engine::NewJob;

use crate::{
    error::{Error, Result},
    tenancy::TenantTx,
    types::WebhookId,
};
use attempt::DeliverWebhook;
use store::Put;

/// The queue of deliveries: a server that answers slowly holds no other work up.
pub const QUEUE: &str = "webhooks";
/// Calls of one tenant at a time, over all processes: endpoints that all hang hold no other tenant's deliveries up. Only
/// an operator may say more.
pub const AT_A_TIME: i32 = 16;
/// So many deliveries of one endpoint may wait; what else happens stays in the log until some have ended.
const MOST_WAITING: i64 = 5_000;
/// Entries of the log that are read in one transaction.
const BATCH: i64 = 200;

/// What the jobs of an endpoint are limited by.
fn limit_key(webhook: WebhookId) -> String {
    format!("webhook:{webhook}")
}

/// Enqueues the jobs of deliveries that were put in, or put back, in this transaction.
async fn enqueue(tx: &mut TenantTx, webhook: WebhookId, put: &[Put]) -> Result<()> {
    let tenant = tx.tenant.0;
    let job = |put: &Put| -> Result<NewJob> {
        let job = NewJob::of(tenant, put.job, &DeliverWebhook { delivery: put.delivery });
        Ok(job.map_err(Error::internal)?.about(limit_key(webhook)).limited_by(limit_key(webhook)))
    };
    let jobs = put.iter().map(job).collect::<Result<Vec<NewJob>>>()?;
    tx.enqueue(&jobs).await.map(drop)
}
