//! Which leads are one by now.

use sqlx::PgConnection;

use crate::{
    access::rows::Rows,
    error::Result,
    types::{LeadId, TenantId},
};

/// Keeps a lead from being deleted or merged until commit; `false` if it is not there for somebody who sees these.
pub(in crate::leads) async fn hold(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: LeadId,
    seen: Rows,
) -> Result<bool> {
    let held = sqlx::query_scalar!(
        "select id from leads
          where tenant_id = $1 and id = $2 and ($3::uuid is null or owner_id = $3) and ($4::uuid is null or team_id = $4)
            for key share",
        tenant.0,
        id.0,
        seen.owner(),
        seen.team()
    )
    .fetch_optional(conn)
    .await?;
    Ok(held.is_some())
}

/// The lead itself, or what it was merged into, however often; none if that is not there for somebody who sees these.
pub(in crate::leads) async fn by_now(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: LeadId,
    seen: Rows,
) -> Result<Option<LeadId>> {
    let lead = sqlx::query_scalar!(
        r#"with recursive led (id) as (
             select $2::uuid
             union
             select m.winner_id from led join lead_merges m on m.tenant_id = $1 and m.loser_id = led.id)
           select l.id as "id: LeadId" from led join leads l on l.tenant_id = $1 and l.id = led.id
            where ($3::uuid is null or l.owner_id = $3) and ($4::uuid is null or l.team_id = $4)
            limit 1"#,
        tenant.0,
        id.0,
        seen.owner(),
        seen.team()
    )
    .fetch_optional(conn)
    .await?;
    Ok(lead)
}

/// The lead that another one was merged into.
pub(in crate::leads) async fn merged_into(
    conn: &mut PgConnection,
    tenant: TenantId,
    loser: LeadId,
) -> Result<Option<LeadId>> {
    let winner = sqlx::query_scalar!(
        r#"select winner_id as "id: LeadId" from lead_merges where tenant_id = $1 and loser_id = $2"#,
        tenant.0,
        loser.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(winner)
}

/// A lead and all that were merged into it, and into these.
pub(in crate::leads) async fn all_of(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: LeadId,
) -> Result<Vec<LeadId>> {
    let all = sqlx::query_scalar!(
        r#"with recursive same (id) as (
             select $2::uuid
             union
             select m.loser_id from same s join lead_merges m on m.tenant_id = $1 and m.winner_id = s.id)
           select id as "id!: LeadId" from same"#,
        tenant.0,
        id.0
    )
    .fetch_all(conn)
    .await?;
    Ok(all)
}
