//! How many recipients are where: what is added up, and what is not yet.

use sqlx::PgConnection;

use super::super::{
    progress::{Count, Counted},
    rules::lifecycle::RecipientStatus,
};
use crate::{
    error::{Error, Result},
    messages::provider::Channel,
    types::{CampaignRunId, TenantId},
};

/// As what messages are counted that came to nothing before another channel was tried; no status of recipients.
const FELL_BACK: &str = "fell_back";

/// Where the recipients of a run are at this moment: both tables in one statement, so that nothing is seen twice or not at
/// all while they are added up.
pub(in crate::campaigns) async fn counts(
    conn: &mut PgConnection,
    tenant: TenantId,
    run: CampaignRunId,
) -> Result<Vec<Count>> {
    let rows = sqlx::query!(
        r#"select variant, channel, status as "status!", sum(n)::bigint as "n!", sum(parts)::bigint as "parts!"
             from (select variant, channel, status, n, parts from campaign_counts where tenant_id = $1 and run_id = $2
                    union all
                   select variant, channel, status, n, parts from campaign_count_changes
                    where tenant_id = $1 and run_id = $2) counted
            group by 1, 2, 3
           having sum(n) <> 0 or sum(parts) <> 0"#,
        tenant.0,
        run.0
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let what = counted(&row.status)?;
            let channel = row.channel.as_deref().and_then(Channel::named);
            Ok(Count { variant: row.variant, channel, what, n: row.n, parts: row.parts })
        })
        .collect()
}

/// The same of several runs.
pub(in crate::campaigns) async fn counts_of(
    conn: &mut PgConnection,
    tenant: TenantId,
    runs: &[CampaignRunId],
) -> Result<Vec<(CampaignRunId, Count)>> {
    let rows = sqlx::query!(
        r#"select run_id as "run!: CampaignRunId", variant, channel, status as "status!", sum(n)::bigint as "n!",
                  sum(parts)::bigint as "parts!"
             from (select run_id, variant, channel, status, n, parts from campaign_counts
                    where tenant_id = $1 and run_id = any($2)
                    union all
                   select run_id, variant, channel, status, n, parts from campaign_count_changes
                    where tenant_id = $1 and run_id = any($2)) counted
            group by 1, 2, 3, 4
           having sum(n) <> 0 or sum(parts) <> 0"#,
        tenant.0,
        &runs.iter().map(|run| run.0).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let channel = row.channel.as_deref().and_then(Channel::named);
            let what = counted(&row.status)?;
            Ok((row.run, Count { variant: row.variant, channel, what, n: row.n, parts: row.parts }))
        })
        .collect()
}

fn counted(status: &str) -> Result<Counted> {
    if status == FELL_BACK {
        return Ok(Counted::FellBack);
    }
    let named = RecipientStatus::named(status);
    named.map(Counted::At).ok_or_else(|| Error::internal("recipients of unheard-of status"))
}

/// Adds up what has changed of a run. Answers how many changes there were. Whoever else adds up does so in the same order of
/// the counts, so that neither waits for what the other holds.
pub(in crate::campaigns) async fn fold(
    conn: &mut PgConnection,
    tenant: TenantId,
    run: CampaignRunId,
    limit: i64,
) -> Result<u64> {
    let taken = sqlx::query_scalar!(
        r#"with taken as (
             delete from campaign_count_changes c
              using (select id from campaign_count_changes where tenant_id = $1 and run_id = $2
                      order by id limit $3 for update skip locked) batch
              where c.tenant_id = $1 and c.run_id = $2 and c.id = batch.id
             returning c.variant, c.channel, c.status, c.n, c.parts
           ), added as (
             insert into campaign_counts as m (tenant_id, run_id, variant, channel, status, n, parts)
             select $1, $2, variant, channel, status, sum(n), sum(parts) from taken group by variant, channel, status
              order by status, variant, channel
             on conflict (tenant_id, run_id, status, variant, channel) do update
                set n = m.n + excluded.n, parts = m.parts + excluded.parts
           )
           select count(*) as "taken!" from taken"#,
        tenant.0,
        run.0,
        limit
    )
    .fetch_one(conn)
    .await?;
    Ok(taken.unsigned_abs())
}

/// Adds up some of what has changed in runs that nobody minds any more, of all tenants. Answers how many changes there were.
pub(in crate::campaigns) async fn fold_any(conn: &mut PgConnection, limit: i64) -> Result<u64> {
    let taken = sqlx::query_scalar!(
        r#"with taken as (
             delete from campaign_count_changes c
              using (select tenant_id, run_id, id from campaign_count_changes
                      order by tenant_id, run_id, id limit $1 for update skip locked) batch
              where c.tenant_id = batch.tenant_id and c.run_id = batch.run_id and c.id = batch.id
             returning c.*
           ), added as (
             insert into campaign_counts as m (tenant_id, run_id, variant, channel, status, n, parts)
             select tenant_id, run_id, variant, channel, status, sum(n), sum(parts) from taken group by 1, 2, 3, 4, 5
              order by 1, 2, 5, 3, 4
             on conflict (tenant_id, run_id, status, variant, channel) do update
                set n = m.n + excluded.n, parts = m.parts + excluded.parts
           )
           select count(*) as "taken!" from taken"#,
        limit
    )
    .fetch_one(conn)
    .await?;
    Ok(taken.unsigned_abs())
}
