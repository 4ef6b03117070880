//! Where the installation is, and what would be sent again there.

use engine::schedules;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    error::Result,
    types::{CampaignId, SequenceId, TenantId},
    workflows::{WRITING, WRITING_STEPS},
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

/// Whether a standby of the cluster that was at work last has taken over.
pub(super) async fn is_later_timeline(conn: &mut PgConnection) -> Result<bool> {
    let is_later = sqlx::query_scalar!(
        r#"select exists (select from installation_place p join place_now() n
                     on p.system = n.system and p.timeline < n.timeline) as "later!""#
    )
    .fetch_one(conn)
    .await?;
    Ok(is_later)
}

/// Whether the product has stopped all work.
pub(super) async fn is_paused(conn: &mut PgConnection) -> Result<bool> {
    let paused = sqlx::query_scalar!(
        r#"select exists (select from engine.pauses
             where decided_by = 'product' and num_nonnulls(queue_id, tenant_id, kind) = 0) as "paused!""#
    )
    .fetch_one(conn)
    .await?;
    Ok(paused)
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

/// Campaigns that write or plan, and those that wait for their time and may have begun: it has come, or a run of theirs was
/// put in. Behind one, in the order of their ids.
pub(super) async fn campaigns(
    conn: &mut PgConnection,
    tenant: TenantId,
    after: CampaignId,
    limit: i64,
) -> Result<Vec<CampaignId>> {
    let campaigns = sqlx::query_scalar!(
        r#"select c.id as "id: CampaignId" from campaigns c
            where c.tenant_id = $1 and c.id > $2
              and (c.status = 'running' or c.status = 'scheduled' and exists (
                select from engine.schedules s
                 where s.tenant_id = $1 and s.id = c.schedule_id
                   and (s.next_at <= engine.now() or s.buffered_at is not null or exists (
                     select from engine.runs r
                      where r.tenant_id = $1 and r.business_key = $4 || s.id and r.state in ('running', 'stopping')))))
            order by c.id limit $3"#,
        tenant.0,
        after.0,
        limit,
        schedules::BUSINESS_KEY
    )
    .fetch_all(conn)
    .await?;
    Ok(campaigns)
}

/// Sequences whose steps are taken, behind one, in the order of their ids.
pub(super) async fn sequences(
    conn: &mut PgConnection,
    tenant: TenantId,
    after: SequenceId,
    limit: i64,
) -> Result<Vec<SequenceId>> {
    let sequences = sqlx::query_scalar!(
        r#"select id as "id: SequenceId" from sequences
            where tenant_id = $1 and id > $2 and state = 'active' order by id limit $3"#,
        tenant.0,
        after.0,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(sequences)
}

/// Runs of workflows that may have written to a lead since the moment of the restore and would do so again, behind one: a
/// step that writes is to come or goes on, and a job of theirs is due or held, a sleep is over, or a signal may have been
/// given that has them write. One that only waits for what is to come had nothing to do meanwhile.
pub(super) async fn writing_runs(
    conn: &mut PgConnection,
    tenant: TenantId,
    after: Uuid,
    limit: i64,
) -> Result<Vec<Uuid>> {
    let not_begun: Vec<String> = WRITING.iter().map(|name| (*name).to_owned()).collect();
    let steps: Vec<String> = WRITING_STEPS.iter().map(|name| (*name).to_owned()).collect();
    let runs = sqlx::query_scalar!(
        r#"with going as materialized (
             select r.id, r.begun_at is null and r.name = any($4) as may_begin,
                    exists (select from engine.steps w join engine.lanes l on l.id = w.lane
                      where w.tenant_id = $1 and w.run_id = r.id and w.state in ('waiting', 'started')
                        and l.kind = any($5)) as writes
               from engine.runs r where r.tenant_id = $1 and r.state = 'running' and r.id > $2
           )
           select g.id from going g
            where (g.may_begin or g.writes) and (
              exists (select from engine.jobs_of_run($1, g.id) o
                join engine.jobs j on j.tenant_id = $1 and j.id = o.id
                where j.run_at <= engine.now() or j.node is not null)
              or exists (select from engine.steps s
                where s.tenant_id = $1 and s.run_id = g.id and s.state = 'sleeping'
                  and (s.wake_at <= engine.now() or s.signal is not null and exists (
                    select from engine.steps w join engine.lanes l on l.id = w.lane
                     where w.tenant_id = $1 and w.run_id = g.id and w.state in ('waiting', 'started') and l.kind = any($5)
                       and (w.only_step, w.only_outcome) is distinct from (s.name, 'timed_out')))))
            order by g.id limit $3"#,
        tenant.0,
        after,
        limit,
        &not_begun,
        &steps
    )
    .fetch_all(conn)
    .await?;
    Ok(runs)
}
