//! Tenants, what is [settled](settings) about them, and the transaction that stands behind one tenant's wall.

mod idempotency;
mod latch;
pub mod settings;
pub mod store;
mod tx;

pub use idempotency::{Answer, Begun, Idempotency, Once};
pub(crate) use latch::Latch;
pub use tx::{SystemTx, TenantTx, Topic};
