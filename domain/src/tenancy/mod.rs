//! Tenants, what is [settled](settings) about them, and the transactions: behind one tenant's wall (`tx`) and across
//! tenants (`system`). How much of the house a tenant takes is its [`usage`].

mod idempotency;
mod latch;
pub mod settings;
pub mod store;
mod system_tx;
mod tx;
pub mod usage;

pub use idempotency::{Answer, Begun, Idempotency, Once};
pub(crate) use latch::Latch;
pub use system_tx::SystemTx;
pub use tx::{TenantTx, Topic};
