//! Where somebody is reached who is erased, as hashes, and whether others are reached the same way.

use sqlx::PgConnection;
use uuid::Uuid;

use super::who::Who;
use crate::{
    error::Result,
    messages::provider::Channel,
    types::{ErasureId, TenantId},
};

/// What begins the name of a hash by which somebody is reached on a channel.
pub(super) const REACHED_BY: &str = "to:";

pub(in crate::privacy::erasure) async fn add_addresses(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ErasureId,
    hashes: &[(&str, Vec<u8>)],
) -> Result<()> {
    sqlx::query!(
        "insert into erasure_addresses (tenant_id, erasure_id, name, hash)
         select $1, $2, a.name, a.hash from unnest($3::text[], $4::bytea[]) as a (name, hash)
         on conflict do nothing",
        tenant.0,
        id.0,
        &hashes.iter().map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>(),
        &hashes.iter().map(|(_, hash)| hash.clone()).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps on which channels somebody is reached.
pub(in crate::privacy::erasure) async fn add_channels(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ErasureId,
    channels: &[(Channel, Vec<u8>)],
) -> Result<()> {
    let names: Vec<String> =
        channels.iter().map(|(channel, _)| format!("{REACHED_BY}{}", channel.as_str())).collect();
    let hashes: Vec<(&str, Vec<u8>)> =
        names.iter().zip(channels).map(|(name, (_, hash))| (name.as_str(), hash.clone())).collect();
    add_addresses(conn, tenant, id, &hashes).await
}

pub(in crate::privacy::erasure) async fn forget_addresses(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ErasureId,
) -> Result<()> {
    sqlx::query!("delete from erasure_addresses where tenant_id = $1 and erasure_id = $2", tenant.0, id.0)
        .execute(conn)
        .await?;
    Ok(())
}

/// Says of the hashes of the number, or of the address, whether another lead has it too: no rows are found by such a one, for
/// nobody can tell whose they are. Where they are reached stays. Answers whether that is new of any.
pub(in crate::privacy::erasure) async fn set_shared(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ErasureId,
    (names, channel): (&[&str], Channel),
    shared: bool,
) -> Result<bool> {
    let changed = sqlx::query!(
        "update erasure_addresses a set shared = $5
          where a.tenant_id = $1 and a.erasure_id = $2 and a.shared <> $5
            and (a.name = any($3) or a.name = 'messages.to' and exists (select from erasure_addresses c
                  where c.tenant_id = $1 and c.erasure_id = $2 and c.name = $4 and c.hash = a.hash))",
        tenant.0,
        id.0,
        &names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(),
        format!("{REACHED_BY}{}", channel.as_str()),
        shared
    )
    .execute(conn)
    .await?;
    Ok(changed.rows_affected() > 0)
}

/// Other leads that are reached the same way, by the number and by the address: people share numbers, so these stay.
pub(in crate::privacy::erasure) async fn others_reached(
    conn: &mut PgConnection,
    tenant: TenantId,
    who: &Who,
) -> Result<(usize, usize)> {
    let hashes: Vec<Vec<u8>> = who.hashes().into_iter().chain(who.shared.iter().cloned()).collect();
    let row = sqlx::query!(
        r#"select (select count(*) from leads where tenant_id = $1 and phone_index = any($3) and id <> all($2)) as "phones!",
                  (select count(*) from leads where tenant_id = $1 and email_index = any($3) and id <> all($2)) as "emails!""#,
        tenant.0,
        &who.leads,
        &hashes
    )
    .fetch_one(conn)
    .await?;
    Ok((usize::try_from(row.phones).unwrap_or_default(), usize::try_from(row.emails).unwrap_or_default()))
}

/// Where messages to the person went and theirs came from, under numbers and addresses that may be theirs no more. Where
/// another lead has been written to or wrote, it is that one's.
pub(in crate::privacy::erasure) async fn former_channels(
    conn: &mut PgConnection,
    tenant: TenantId,
    leads: &[Uuid],
) -> Result<Vec<(Channel, Vec<u8>)>> {
    let rows = sqlx::query!(
        r#"select f.channel as "channel!", f.hash as "hash!" from (
             select channel, to_index as hash from messages where tenant_id = $1 and lead_id = any($2)
             union
             select channel, from_index from inbound_messages where tenant_id = $1 and lead_id = any($2)) f
            where not exists (select from messages o
                where o.tenant_id = $1 and o.to_index = f.hash and o.lead_id is not null and o.lead_id <> all($2))
              and not exists (select from inbound_messages o
                where o.tenant_id = $1 and o.from_index = f.hash and o.lead_id is not null and o.lead_id <> all($2))"#,
        tenant.0,
        leads
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().filter_map(|row| Some((Channel::named(&row.channel)?, row.hash))).collect())
}

/// On which channels the person is suppressed, and by which hash.
pub(in crate::privacy::erasure) async fn suppressed(
    conn: &mut PgConnection,
    tenant: TenantId,
    hashes: &[Vec<u8>],
) -> Result<Vec<(Channel, Vec<u8>)>> {
    let rows = sqlx::query!(
        "select distinct channel, to_index from suppressions where tenant_id = $1 and to_index = any($2)",
        tenant.0,
        hashes
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().filter_map(|row| Some((Channel::named(&row.channel)?, row.to_index))).collect())
}
