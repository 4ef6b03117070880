//! Locks of a tenant that no row stands for, held until commit. They are taken before all locks of rows.

use sqlx::PgConnection;

use crate::{error::Result, types::TenantId};

/// What is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Latch {
    /// Which routing rules there are, and their order.
    RoutingRules = 1012,
    /// The scoring model in force, and the numbers of models.
    ScoringModel = 1013,
    /// What leads are found by.
    SearchPlan = 1014,
    /// Which lead has which number and address: for whoever looks for them before a lead is written, and for whoever
    /// takes one away from a lead. Imports that look hold it alone, for each of their batches would need a lock for
    /// each of up to 1,000 numbers and addresses, and all transactions of the installation share one table of locks.
    /// Single changes share it, and hold a lock for each number and address besides (`leads::contacts`).
    Contacts = 1015,
    /// Which team overflows into which.
    Overflow = 1021,
    /// How many files of rows and reports are being made, and which reports are saved.
    Exports = 1034,
}

impl Latch {
    /// Keeps others from taking it alone.
    pub(crate) async fn share(self, conn: &mut PgConnection, tenant: TenantId) -> Result<()> {
        sqlx::query!(
            "select pg_advisory_xact_lock_shared(hashtextextended($1::uuid::text, $2))",
            tenant.0,
            self as i64
        )
        .execute(conn)
        .await?;
        Ok(())
    }

    /// Waits for all others, and keeps them out.
    pub(crate) async fn take(self, conn: &mut PgConnection, tenant: TenantId) -> Result<()> {
        sqlx::query!(
            "select pg_advisory_xact_lock(hashtextextended($1::uuid::text, $2))",
            tenant.0,
            self as i64
        )
        .execute(conn)
        .await?;
        Ok(())
    }
}
