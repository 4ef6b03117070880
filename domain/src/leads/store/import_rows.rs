//! What became of the rows of imports, and whom they are about.

use sqlx::PgConnection;

use super::{
    super::import::{Holder, ImportRow, RowOutcome},
    imports::require_running,
};
use crate::{
    access::rows::Rows,
    error::Result,
    types::{ImportId, LeadId, TenantId},
};

/// Writes down what became of rows, and counts them; refuses it once the import is closed.
pub(in crate::leads) async fn report_rows(
    conn: &mut PgConnection,
    tenant: TenantId,
    import: ImportId,
    rows: &[ImportRow],
) -> Result<()> {
    let told = sqlx::query!(
        "with new as (
           select * from unnest($3::bigint[], $4::text[], $5::uuid[], $6::text[], $7::text[])
             as n (line, outcome, lead_id, field, reason)
         ), kept as (
           insert into import_rows (tenant_id, import_id, line, outcome, lead_id, field, reason)
           select $1, $2, line, outcome, lead_id, field, reason from new
         ), counted as (
           select count(*) filter (where outcome = 'created') as created,
                  count(*) filter (where outcome = 'updated') as updated,
                  count(*) filter (where outcome = 'duplicate') as duplicates,
                  count(*) filter (where outcome = 'rejected') as rejected
             from new
         )
         update imports i
            set created = i.created + c.created, updated = i.updated + c.updated,
                duplicates = i.duplicates + c.duplicates, rejected = i.rejected + c.rejected,
                has_report = true, touched_at = engine.now()
           from counted c
          where i.tenant_id = $1 and i.id = $2 and i.status = 'running'",
        tenant.0,
        import.0,
        &rows.iter().map(|row| row.line).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.outcome.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.lead_id.map(|id| id.0)).collect::<Vec<_>>() as _,
        &rows.iter().map(|row| row.field.clone()).collect::<Vec<_>>() as _,
        &rows.iter().map(|row| row.reason.clone()).collect::<Vec<_>>() as _,
    )
    .execute(conn)
    .await?;
    require_running(told.rows_affected())
}

/// In the order of the file, those after a line; of one outcome, if one is named.
pub(in crate::leads) async fn import_rows(
    conn: &mut PgConnection,
    tenant: TenantId,
    import: ImportId,
    outcome: Option<RowOutcome>,
    after: i64,
    limit: i64,
) -> Result<Vec<ImportRow>> {
    // Two queries, so that each goes along an index of its own whatever the plan.
    let Some(outcome) = outcome else {
        let rows = sqlx::query_as!(
            ImportRow,
            r#"select line, outcome, lead_id as "lead_id: LeadId", field, reason from import_rows
                where tenant_id = $1 and import_id = $2 and line > $3 order by line limit $4"#,
            tenant.0,
            import.0,
            after,
            limit
        );
        return Ok(rows.fetch_all(conn).await?);
    };
    let rows = sqlx::query_as!(
        ImportRow,
        r#"select line, outcome, lead_id as "lead_id: LeadId", field, reason from import_rows
            where tenant_id = $1 and import_id = $2 and outcome = $3 and line > $4 order by line limit $5"#,
        tenant.0,
        import.0,
        outcome.as_str(),
        after,
        limit
    );
    Ok(rows.fetch_all(conn).await?)
}

/// The leads with these numbers and addresses, by their blind indexes: an open one before a closed one, then the newest.
pub(in crate::leads) async fn holders(
    conn: &mut PgConnection,
    tenant: TenantId,
    (phones, emails): (&[Vec<u8>], &[Vec<u8>]),
    seen: Rows,
) -> Result<Vec<(Vec<u8>, LeadId)>> {
    let rows = sqlx::query!(
        r#"select w.hash as "hash!", l.id as "id!: LeadId"
             from unnest($2::bytea[]) as w (hash)
            cross join lateral (
              select id from leads
               where tenant_id = $1 and phone_index = w.hash and ($4::uuid is null or owner_id = $4)
                 and ($5::uuid is null or team_id = $5)
               order by status in ('converted', 'lost'), id desc limit 1) l
           union all
           select w.hash, l.id
             from unnest($3::bytea[]) as w (hash)
            cross join lateral (
              select id from leads
               where tenant_id = $1 and email_index = w.hash and ($4::uuid is null or owner_id = $4)
                 and ($5::uuid is null or team_id = $5)
               order by status in ('converted', 'lost'), id desc limit 1) l"#,
        tenant.0,
        phones,
        emails,
        seen.owner(),
        seen.team()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.hash, row.id)).collect())
}

/// The attributes of a lead, sealed; it is locked until commit. None if it is not there, or not seen.
pub(in crate::leads) async fn lock_attributes(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: LeadId,
    seen: Rows,
) -> Result<Option<Option<Vec<u8>>>> {
    let found = sqlx::query_scalar!(
        "select attributes_sealed from leads
          where tenant_id = $1 and id = $2 and ($3::uuid is null or owner_id = $3) and ($4::uuid is null or team_id = $4)
            for update",
        tenant.0,
        id.0,
        seen.owner(),
        seen.team()
    )
    .fetch_optional(conn)
    .await?;
    Ok(found)
}

/// Remembers who has the numbers and addresses that a dry run has come by, by their blind indexes.
pub(in crate::leads) async fn insert_contacts(
    conn: &mut PgConnection,
    tenant: TenantId,
    import: ImportId,
    contacts: &[(Vec<u8>, Holder)],
) -> Result<()> {
    let line = |holder: &Holder| match holder {
        Holder::Line(line) => Some(*line),
        Holder::Lead(_) => None,
    };
    let lead = |holder: &Holder| match holder {
        Holder::Line(_) => None,
        Holder::Lead(id) => Some(id.0),
    };
    sqlx::query!(
        "insert into import_contacts (tenant_id, import_id, hash, line, lead_id)
         select $1, $2, * from unnest($3::bytea[], $4::bigint[], $5::uuid[])
         on conflict on constraint import_contacts_pkey do nothing",
        tenant.0,
        import.0,
        &contacts.iter().map(|(hash, _)| hash.clone()).collect::<Vec<_>>(),
        &contacts.iter().map(|(_, holder)| line(holder)).collect::<Vec<_>>() as _,
        &contacts.iter().map(|(_, holder)| lead(holder)).collect::<Vec<_>>() as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Which of these numbers and addresses a dry run has come by, and who has them.
pub(in crate::leads) async fn contacts(
    conn: &mut PgConnection,
    tenant: TenantId,
    import: ImportId,
    hashes: &[Vec<u8>],
) -> Result<Vec<(Vec<u8>, Holder)>> {
    let rows = sqlx::query!(
        r#"select hash, coalesce(line, 0) as "line!", lead_id as "lead_id: LeadId" from import_contacts
            where tenant_id = $1 and import_id = $2 and hash = any($3)"#,
        tenant.0,
        import.0,
        hashes
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.hash, row.lead_id.map_or(Holder::Line(row.line), Holder::Lead)))
        .collect())
}
