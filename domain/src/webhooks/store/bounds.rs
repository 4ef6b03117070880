//! What the engine was told of a tenant's share of a queue.

use engine::operate::Bounds;
use sqlx::PgConnection;

use crate::{error::Result, types::TenantId};

/// What was said of the tenant as a whole in a queue.
pub(in crate::webhooks) async fn own_bounds(
    conn: &mut PgConnection,
    tenant: TenantId,
    queue: &str,
) -> Result<Bounds> {
    let bounds = sqlx::query_as!(
        Bounds,
        "select m.max_running, m.rate_per_s, m.burst
           from engine.limits m join engine.queues q on q.id = m.queue_id
          where m.tenant_id = $1 and q.name = $2 and m.key is null",
        tenant.0,
        queue
    )
    .fetch_optional(conn)
    .await?;
    Ok(bounds.unwrap_or_default())
}
