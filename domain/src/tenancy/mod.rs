//! Tenants and the transaction that stands behind one tenant's wall.

mod idempotency;
pub mod store;
mod tx;

pub use idempotency::{Answer, Begun, Idempotency, Once};
pub use tx::{SystemTx, TenantTx, Topic};
