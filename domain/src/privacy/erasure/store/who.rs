//! Who is erased: under which names they are known, where they are reached, and what keys and rows that leads to.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    error::Result,
    messages::provider::Channel,
    types::{ErasureId, ExportId, LeadId, SubjectId, TenantId},
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

/// What begins the name of a hash by which somebody is reached on a channel.
const REACHED_BY: &str = "to:";

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

/// Forgets the hashes by which rows are found, of the number or of the address: another lead has it too. Where they are reached
/// stays.
pub(in crate::privacy::erasure) async fn leave_out(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ErasureId,
    names: &[&str],
    channel: Channel,
) -> Result<()> {
    sqlx::query!(
        "delete from erasure_addresses a
          where a.tenant_id = $1 and a.erasure_id = $2
            and (a.name = any($3) or a.name = 'messages.to' and exists (select from erasure_addresses c
                  where c.tenant_id = $1 and c.erasure_id = $2 and c.name = $4 and c.hash = a.hash))",
        tenant.0,
        id.0,
        &names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(),
        format!("{REACHED_BY}{}", channel.as_str())
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
        "select name, hash from erasure_addresses where tenant_id = $1 and erasure_id = $2 order by name, hash",
        tenant.0,
        id.0
    )
    .fetch_all(conn)
    .await?;
    Ok(Who {
        leads: subjects.iter().filter(|row| row.is_lead).map(|row| row.subject_id).collect(),
        subjects: subjects.into_iter().map(|row| row.subject_id).collect(),
        addresses: addresses.into_iter().map(|row| (row.name, row.hash)).collect(),
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

/// Ends the exports of the person: nobody fetches their files from now on, nor finishes one. Answers all whose files are to be
/// taken away, those that ended in an attempt before too.
pub(in crate::privacy::erasure) async fn end_exports(
    conn: &mut PgConnection,
    tenant: TenantId,
    who: &Who,
) -> Result<Vec<ExportId>> {
    sqlx::query!(
        "update privacy_exports e set state = 'gone', gone_at = engine.now(), key_sealed = null, file = null
          where e.tenant_id = $1 and e.state in ('ready', 'writing')
            and e.request_id = any(array(select r.id from privacy_requests r
                  where r.tenant_id = $1 and (r.subject_id = any($2) or r.lead_id = any($2))))",
        tenant.0,
        &who.subjects
    )
    .execute(&mut *conn)
    .await?;
    let ended = sqlx::query_scalar!(
        r#"select e.id as "id: ExportId" from privacy_exports e
            where e.tenant_id = $1 and e.state = 'gone'
              and e.request_id = any(array(select r.id from privacy_requests r
                    where r.tenant_id = $1 and (r.subject_id = any($2) or r.lead_id = any($2))))
            order by e.id"#,
        tenant.0,
        &who.subjects
    )
    .fetch_all(conn)
    .await?;
    Ok(ended)
}

/// Those of the person's leads that are still there, held until commit.
pub(in crate::privacy::erasure) async fn leads_there(
    conn: &mut PgConnection,
    tenant: TenantId,
    leads: &[Uuid],
) -> Result<Vec<LeadId>> {
    let there = sqlx::query_scalar!(
        r#"select id as "id: LeadId" from leads where tenant_id = $1 and id = any($2) order by id for update"#,
        tenant.0,
        leads
    )
    .fetch_all(conn)
    .await?;
    Ok(there)
}

/// Blanks what steps were told by signals, in the runs that are about these.
pub(in crate::privacy::erasure) async fn blank_signalled(
    conn: &mut PgConnection,
    tenant: TenantId,
    keys: &[String],
) -> Result<()> {
    sqlx::query!(
        "update engine.steps s set output = null
          where s.tenant_id = $1 and s.signal is not null and s.output is not null
            and s.run_id = any(array(select r.id from engine.runs r where r.tenant_id = $1 and r.business_key = any($2)))",
        tenant.0,
        keys
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Other leads that are reached the same way, by the number and by the address: people share numbers, so these stay.
pub(in crate::privacy::erasure) async fn others_reached(
    conn: &mut PgConnection,
    tenant: TenantId,
    who: &Who,
) -> Result<(usize, usize)> {
    let hashes = who.hashes();
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

/// Whether somebody speaks with the person at this moment, or is about to.
pub(in crate::privacy::erasure) async fn speaks(
    conn: &mut PgConnection,
    tenant: TenantId,
    who: &Who,
) -> Result<bool> {
    let there = sqlx::query_scalar!(
        r#"select exists (select from calls
            where tenant_id = $1 and (subject_id = any($2) or lead_id = any($3))
              and status in ('queued', 'ringing', 'answered')) as "there!""#,
        tenant.0,
        &who.subjects,
        &who.leads
    )
    .fetch_one(conn)
    .await?;
    Ok(there)
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
