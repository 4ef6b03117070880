//! Who is erased: under which names they are known, and what keys and rows that leads to.

use sqlx::PgConnection;
use uuid::Uuid;

use super::reached::REACHED_BY;
use crate::{
    error::Result,
    messages::provider::Channel,
    types::{ErasureId, LeadId, SubjectId, TenantId},
};

/// Names under which the person is known; a lead's besides.
pub(in crate::privacy::erasure) async fn add_subjects(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ErasureId,
    subjects: &[(SubjectId, bool)],
) -> Result<()> {
    sqlx::query!(
        "insert into erasure_subjects (tenant_id, erasure_id, subject_id, is_lead)
         select $1, $2, s.id, s.is_lead from unnest($3::uuid[], $4::bool[]) as s (id, is_lead)
         on conflict do nothing",
        tenant.0,
        id.0,
        &subjects.iter().map(|(subject, _)| subject.0).collect::<Vec<_>>(),
        &subjects.iter().map(|(_, is_lead)| *is_lead).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whose rows are looked for.
#[derive(Debug, Default)]
pub(in crate::privacy::erasure) struct Who {
    /// Under all names, leads' too.
    pub subjects: Vec<Uuid>,
    pub leads: Vec<Uuid>,
    /// By name and hash.
    pub addresses: Vec<(String, Vec<u8>)>,
    /// Hashes that other leads have too: no rows are found by them.
    pub shared: Vec<Vec<u8>>,
}

impl Who {
    /// On which channels they are reached, as far as that was [kept](add_channels).
    pub(in crate::privacy::erasure) fn channels(&self) -> Vec<(Channel, Vec<u8>)> {
        let channel = |name: &str| name.strip_prefix(REACHED_BY).and_then(Channel::named);
        self.addresses.iter().filter_map(|(name, hash)| Some((channel(name)?, hash.clone()))).collect()
    }

    /// By which rows are found.
    pub(in crate::privacy::erasure) fn hashes(&self) -> Vec<Vec<u8>> {
        let finds = self.addresses.iter().filter(|(name, _)| !name.starts_with(REACHED_BY));
        finds.map(|(_, hash)| hash.clone()).collect()
    }
}

pub(in crate::privacy::erasure) async fn who(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ErasureId,
) -> Result<Who> {
    let subjects = sqlx::query!(
        "select subject_id, is_lead from erasure_subjects where tenant_id = $1 and erasure_id = $2 order by subject_id",
        tenant.0,
        id.0
    )
    .fetch_all(&mut *conn)
    .await?;
    let addresses = sqlx::query!(
        "select name, hash, shared from erasure_addresses where tenant_id = $1 and erasure_id = $2 order by name, hash",
        tenant.0,
        id.0
    )
    .fetch_all(conn)
    .await?;
    Ok(Who {
        leads: subjects.iter().filter(|row| row.is_lead).map(|row| row.subject_id).collect(),
        subjects: subjects.into_iter().map(|row| row.subject_id).collect(),
        shared: addresses.iter().filter(|row| row.shared).map(|row| row.hash.clone()).collect(),
        addresses: addresses.into_iter().filter(|row| !row.shared).map(|row| (row.name, row.hash)).collect(),
    })
}

/// Whose keys the rows are sealed under that are the person's. A number that is another lead's too says nothing of that
/// one's rows; of a lead that was deleted nothing but the number is left. A suppression may be sealed under the key of
/// another person who has the number or had it, so only a key that is its own is taken.
pub(in crate::privacy::erasure) async fn subjects_of_rows(
    conn: &mut PgConnection,
    tenant: TenantId,
    who: &Who,
) -> Result<Vec<SubjectId>> {
    let found = sqlx::query_scalar!(
        r#"select subject_id as "subject!: SubjectId" from messages
            where tenant_id = $1 and lead_id = any($2)
           union
           select subject_id from messages
            where tenant_id = $1 and to_index = any($3) and (lead_id is null or lead_id = any($2) or
                  not exists (select from leads l where l.tenant_id = $1 and l.id = lead_id)
                  and not exists (select from lead_merges m where m.tenant_id = $1 and m.loser_id = lead_id))
           union
           select subject_id from inbound_messages where tenant_id = $1 and lead_id = any($2)
           union
           select subject_id from inbound_messages
            where tenant_id = $1 and from_index = any($3) and (lead_id is null or lead_id = any($2) or
                  not exists (select from leads l where l.tenant_id = $1 and l.id = lead_id)
                  and not exists (select from lead_merges m where m.tenant_id = $1 and m.loser_id = lead_id))
           union
           select subject_id from calls where tenant_id = $1 and lead_id = any($2)
           union
           select subject_id from calls
            where tenant_id = $1 and number_index = any($3) and (lead_id is null or lead_id = any($2) or
                  not exists (select from leads l where l.tenant_id = $1 and l.id = lead_id)
                  and not exists (select from lead_merges m where m.tenant_id = $1 and m.loser_id = lead_id))
           union
           select s.subject_id from suppressions s
            where s.tenant_id = $1 and s.to_index = any($3) and s.subject_id = s.id
           union
           select subject_id from privacy_requests
            where tenant_id = $1 and to_index = any($3) and lead_id is null and user_id is null"#,
        tenant.0,
        &who.leads,
        &who.hashes()
    )
    .fetch_all(conn)
    .await?;
    Ok(found)
}

/// Notes that the keys of the person are destroyed under all names: none is made for them again.
pub(in crate::privacy::erasure) async fn note_destroyed(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ErasureId,
) -> Result<()> {
    sqlx::query!(
        "update erasure_subjects set destroyed_at = coalesce(destroyed_at, engine.now())
          where tenant_id = $1 and erasure_id = $2",
        tenant.0,
        id.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether a name is known whose keys were not destroyed yet.
pub(in crate::privacy::erasure) async fn has_keys_left(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ErasureId,
) -> Result<bool> {
    let left = sqlx::query_scalar!(
        r#"select exists (select from erasure_subjects
            where tenant_id = $1 and erasure_id = $2 and destroyed_at is null) as "left!""#,
        tenant.0,
        id.0
    )
    .fetch_one(conn)
    .await?;
    Ok(left)
}

/// The keys of the person, destroyed or not.
pub(in crate::privacy::erasure) async fn keys_of(
    conn: &mut PgConnection,
    tenant: TenantId,
    subjects: &[Uuid],
) -> Result<Vec<Uuid>> {
    let keys = sqlx::query_scalar!(
        "select id from subject_keys where tenant_id = $1 and subject_id = any($2) order by id",
        tenant.0,
        subjects
    )
    .fetch_all(conn)
    .await?;
    Ok(keys)
}

/// Those of some leads that are being erased at this moment.
pub(in crate::privacy::erasure) async fn running_among(
    conn: &mut PgConnection,
    tenant: TenantId,
    leads: &[LeadId],
) -> Result<Vec<LeadId>> {
    let going = sqlx::query_scalar!(
        r#"select distinct s.subject_id as "lead: LeadId" from erasure_subjects s
             join erasures e on e.tenant_id = $1 and e.id = s.erasure_id and e.state = 'running'
            where s.tenant_id = $1 and s.subject_id = any($2)"#,
        tenant.0,
        &leads.iter().map(|lead| lead.0).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    Ok(going)
}

/// Those of some leads of whom it is asked that they be erased, as themselves or as one that was merged into them.
pub(in crate::privacy::erasure) async fn open_among(
    conn: &mut PgConnection,
    tenant: TenantId,
    leads: &[LeadId],
) -> Result<Vec<LeadId>> {
    let open = sqlx::query_scalar!(
        r#"with recursive same (lead, id) as (
             select u, u from unnest($2::uuid[]) u
             union
             select s.lead, m.loser_id from same s join lead_merges m on m.tenant_id = $1 and m.winner_id = s.id)
           select distinct s.lead as "lead!: LeadId" from same s
             join erasures e on e.tenant_id = $1 and e.subject_id = s.id and e.state not in ('done', 'withdrawn')"#,
        tenant.0,
        &leads.iter().map(|lead| lead.0).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    Ok(open)
}

/// Forgets which names were found by a number or an address alone, as long as no key is destroyed: they are to be found anew, by
/// what counts by now.
pub(in crate::privacy::erasure) async fn forget_found(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ErasureId,
) -> Result<()> {
    sqlx::query!(
        "delete from erasure_subjects s
          where s.tenant_id = $1 and s.erasure_id = $2 and not s.is_lead
            and not exists (select from erasure_subjects d
                             where d.tenant_id = $1 and d.erasure_id = $2 and d.destroyed_at is not null)",
        tenant.0,
        id.0
    )
    .execute(conn)
    .await?;
    Ok(())
}
