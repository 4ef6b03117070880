//! Who has a number or an address, for single leads.

use sqlx::PgConnection;

use crate::{
    access::rows::Rows,
    error::Result,
    types::{LeadId, TenantId},
};

/// Waits for all others who hold one of these blind indexes, in their order, and keeps them until commit.
pub(in crate::leads) async fn lock_contacts(
    conn: &mut PgConnection,
    tenant: TenantId,
    hashes: &[&[u8]],
) -> Result<()> {
    for hash in hashes {
        sqlx::query!(
            "select pg_advisory_xact_lock(hashtextextended($1::uuid::text || encode($2::bytea, 'hex'), 1016))",
            tenant.0,
            *hash
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// The newest lead besides one that has this number, else this address, and which of both it is.
pub(in crate::leads) async fn taken(
    conn: &mut PgConnection,
    tenant: TenantId,
    (phone_index, email_index): (Option<&[u8]>, Option<&[u8]>),
    but: LeadId,
    seen: Rows,
) -> Result<Option<(LeadId, String)>> {
    let found = sqlx::query!(
        r#"(select id as "id!: LeadId", 'phone number' as "what!" from leads
             where tenant_id = $1 and phone_index = $2 and id <> $4 and ($5::uuid is null or owner_id = $5)
               and ($6::uuid is null or team_id = $6)
             order by id desc limit 1)
           union all
           (select id, 'e-mail address' from leads
             where tenant_id = $1 and email_index = $3 and id <> $4 and ($5::uuid is null or owner_id = $5)
               and ($6::uuid is null or team_id = $6)
             order by id desc limit 1)
           limit 1"#,
        tenant.0,
        phone_index,
        email_index,
        but.0,
        seen.owner(),
        seen.team()
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.map(|row| (row.id, row.what)))
}
