//! Where the installation is, and what would be sent again there.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    error::Result,
    types::{CampaignId, SequenceId, TenantId},
};

/// Whether this is the cluster and the timeline that was written down; the first time it is.
pub(super) async fn is_at_home(conn: &mut PgConnection) -> Result<bool> {
    sqlx::query!(
        "insert into installation_place (system, timeline)
         select system, timeline from place_now() on conflict (one) do nothing"
    )
    .execute(&mut *conn)
    .await?;
    let home = sqlx::query_scalar!(
        r#"select exists (select from installation_place p join place_now() n
                     on p.system = n.system and p.timeline = n.timeline) as "home!""#
    )
    .fetch_one(conn)
    .await?;
    Ok(home)
}

pub(super) async fn settle_here(conn: &mut PgConnection) -> Result<()> {
    sqlx::query!(
        "update installation_place p
            set system = n.system, timeline = n.timeline, since = clock_timestamp() from place_now() n"
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Tenants, after one of them. The product's own writes to nobody.
pub(super) async fn tenants(conn: &mut PgConnection, after: TenantId, limit: i64) -> Result<Vec<TenantId>> {
    let tenants = sqlx::query_scalar!(
        r#"select id as "id: TenantId" from tenants where id > $1 order by id limit $2"#,
        after.0,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(tenants)
}

/// Campaigns with a run that writes, and sequences whose steps are taken.
pub(super) async fn going_on(
    conn: &mut PgConnection,
    tenant: TenantId,
) -> Result<(Vec<CampaignId>, Vec<SequenceId>)> {
    let campaigns = sqlx::query_scalar!(
        r#"select distinct r.campaign_id as "id: CampaignId" from campaign_runs r
             join campaigns c on c.tenant_id = r.tenant_id and c.id = r.campaign_id
            where r.tenant_id = $1 and r.finished_at is null and r.status in ('planning', 'running')
              and c.status = 'running'"#,
        tenant.0
    )
    .fetch_all(&mut *conn)
    .await?;
    let sequences = sqlx::query_scalar!(
        r#"select id as "id: SequenceId" from sequences where tenant_id = $1 and state = 'active' order by id"#,
        tenant.0
    )
    .fetch_all(conn)
    .await?;
    Ok((campaigns, sequences))
}

/// Jobs whose time has come that write to a lead for a workflow.
pub(super) async fn writing_jobs(conn: &mut PgConnection, tenant: TenantId) -> Result<Vec<Uuid>> {
    let jobs = sqlx::query_scalar!(
        "select j.id from engine.jobs j join engine.lanes l on l.id = j.lane
          where j.tenant_id = $1 and l.tenant_id = $1 and l.kind = 'message_lead' and j.run_at <= engine.now()
          order by j.id limit 1000",
        tenant.0
    )
    .fetch_all(conn)
    .await?;
    Ok(jobs)
}
