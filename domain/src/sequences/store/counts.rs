//! How many leads stand where: what is added up, and what is not yet.

use sqlx::PgConnection;

use crate::{
    error::Result,
    types::{SequenceId, TenantId},
};

/// Leads of one version at one step that have come to one thing.
pub(in crate::sequences) struct CountRow {
    pub version: i32,
    pub position: i16,
    pub what: String,
    /// Empty for none.
    pub why: String,
    pub n: i64,
}

/// The counts of a sequence.
pub(in crate::sequences) async fn counts(
    conn: &mut PgConnection,
    tenant: TenantId,
    sequence: SequenceId,
) -> Result<Vec<CountRow>> {
    let rows = sqlx::query_as!(
        CountRow,
        r#"select version as "version!", position as "position!", what as "what!", why as "why!", sum(n)::bigint as "n!"
             from (select version, position, what, why, n from sequence_counts
                    where tenant_id = $1 and sequence_id = $2
                    union all
                   select version, position, what, why, n from sequence_count_changes
                    where tenant_id = $1 and sequence_id = $2) counted
            group by 1, 2, 3, 4
           having sum(n) <> 0
            order by 1, 2, 3, 4"#,
        tenant.0,
        sequence.0
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Adds some changes to the counts, of all tenants. Answers how many there were.
pub(in crate::sequences) async fn add_up(conn: &mut PgConnection, limit: i64) -> Result<u64> {
    let taken = sqlx::query_scalar!(
        r#"with taken as (
             delete from sequence_count_changes c
              using (select tenant_id, id from sequence_count_changes order by tenant_id, id limit $1
                        for update skip locked) batch
              where c.tenant_id = batch.tenant_id and c.id = batch.id
             returning c.*
           ), added as (
             insert into sequence_counts as m (tenant_id, sequence_id, version, position, what, why, n)
             select tenant_id, sequence_id, version, position, what, why, sum(n)
               from taken group by 1, 2, 3, 4, 5, 6 order by 1, 2, 3, 4, 5, 6
             on conflict on constraint sequence_counts_pkey do update set n = m.n + excluded.n
           )
           select count(*) as "taken!" from taken"#,
        limit
    )
    .fetch_one(conn)
    .await?;
    Ok(taken.unsigned_abs())
}
