//! The rules, and in `aged` what is old enough by them.

mod aged;

use sqlx::PgConnection;

pub use self::aged::Aged;
pub(super) use self::aged::{blank, closed_leads, count};
use super::{RetentionRules, RetentionView};
use crate::{error::Result, types::TenantId};

pub(super) async fn rules(conn: &mut PgConnection, tenant: TenantId) -> Result<RetentionView> {
    let row = sqlx::query!(
        "select cool_off_days, closed_leads_days, messages_days, calls_days, notes_days, version, updated_at
           from retention_rules where tenant_id = $1",
        tenant.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(match row {
        None => RetentionView { rules: RetentionRules::default(), version: 0, updated_at: None },
        Some(row) => RetentionView {
            rules: RetentionRules {
                cool_off_days: row.cool_off_days,
                closed_leads_days: row.closed_leads_days,
                messages_days: row.messages_days,
                calls_days: row.calls_days,
                notes_days: row.notes_days,
            },
            version: row.version,
            updated_at: Some(row.updated_at),
        },
    })
}

pub(super) async fn make(conn: &mut PgConnection, tenant: TenantId) -> Result<()> {
    sqlx::query!(
        "insert into retention_rules (tenant_id, version) values ($1, 0) on conflict do nothing",
        tenant.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The version that is there, held until commit.
pub(super) async fn lock(conn: &mut PgConnection, tenant: TenantId) -> Result<i64> {
    let version =
        sqlx::query_scalar!("select version from retention_rules where tenant_id = $1 for update", tenant.0)
            .fetch_one(conn)
            .await?;
    Ok(version)
}

pub(super) async fn put(conn: &mut PgConnection, tenant: TenantId, rules: &RetentionRules) -> Result<()> {
    sqlx::query!(
        "update retention_rules
            set cool_off_days = $2, closed_leads_days = $3, messages_days = $4, calls_days = $5, notes_days = $6,
                version = version + 1, updated_at = engine.now()
          where tenant_id = $1",
        tenant.0,
        rules.cool_off_days,
        rules.closed_leads_days,
        rules.messages_days,
        rules.calls_days,
        rules.notes_days
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn tenants(conn: &mut PgConnection, after: TenantId, limit: i64) -> Result<Vec<TenantId>> {
    let tenants = sqlx::query_scalar!(
        r#"select tenant_id as "tenant!: TenantId" from retention_rules
            where tenant_id > $1
              and num_nonnulls(closed_leads_days, messages_days, calls_days, notes_days) > 0
            order by tenant_id limit $2"#,
        after.0,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(tenants)
}
