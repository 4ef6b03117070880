//! Leads as the audience of a campaign: counted, taken down, and planned for, each by one walk along their ids, so many of
//! them at a time. No number and no address passes through the program for it.

use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    super::audience::{Planned, Planning, Reach, Span},
    filter::{Asked, columns, select_fitting},
};
use crate::{
    error::Result,
    types::{CampaignId, LeadId, TenantId},
};

/// Counts the leads that fit.
pub(in crate::leads) async fn reach(conn: &mut PgConnection, asked: &Asked<'_>) -> Result<Reach> {
    let terms = columns(&asked.wanted.terms);
    let reach = select_fitting!(
        query_as(Reach),
        asked,
        terms,
        "l.id",
        [r#"select count(*) as "matched!", count(l.email_index) as "by_email!", count(l.phone_index) as "by_phone!",
                   count(*) filter (where l.email_index is null and l.phone_index is null) as "by_nothing!"
              from leads l"#],
        ["($12::uuid is null or l.id < $12)"],
        None::<Uuid>
    )
    .fetch_one(conn)
    .await?;
    Ok(reach)
}

/// Takes the next leads that fit down as a campaign's audience. Answers the last one that was walked past; none when there
/// is none any more.
pub(in crate::leads) async fn take_audience(
    conn: &mut PgConnection,
    asked: &Asked<'_>,
    campaign: CampaignId,
    span: Span,
) -> Result<Option<LeadId>> {
    let terms = columns(&asked.wanted.terms);
    let last = select_fitting!(
        query_scalar(),
        asked,
        terms,
        "l.id",
        [r#"with span as materialized (
              select s.id from (select id from leads
                                 where tenant_id = $1 and ($12::uuid is null or id > $12) and id < $13
                                 order by id limit $14) s
               order by s.id desc limit 1
            ), put as (
              insert into campaign_audience (tenant_id, campaign_id, taken_before, lead_id)
              select $1, $15, $13, l.id from leads l"#],
        [r#"($12::uuid is null or l.id > $12) and l.id <= (select id from span)
              on conflict on constraint campaign_audience_pkey do nothing
            )
            select id as "id!: LeadId" from span"#],
        span.after.map(|id| id.0),
        span.before,
        span.limit,
        campaign.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(last)
}

/// Writes the next leads that fit down as recipients. Who gets which variant is drawn as
/// [`assign`](crate::campaigns::rules::winner::assign) says; a test compares both. Whoever can be reached by no channel is
/// skipped, and that is written down too. None when there is none any more.
pub(in crate::leads) async fn plan_page(
    conn: &mut PgConnection,
    asked: &Asked<'_>,
    planning: &Planning<'_>,
    span: Span,
) -> Result<Option<Planned>> {
    let terms = columns(&asked.wanted.terms);
    let row = select_fitting!(
        query(),
        asked,
        terms,
        "l.id",
        [r#"with span as materialized (
              select s.id from (select id from leads
                                 where tenant_id = $1 and ($12::uuid is null or id > $12) and id < $13
                                 order by id limit $14) s
               order by s.id desc limit 1
            ), fitting as (
              select l.id, array(select c.channel from unnest($15::text[]) with ordinality c (channel, place)
                                  where case c.channel when 'email' then l.email_index is not null
                                                       else l.phone_index is not null end
                                  order by c.place) as channels,
                     sha256(uuid_send($16::uuid) || uuid_send(l.id)) as hash
                from leads l"#],
        [r#"($12::uuid is null or l.id > $12) and l.id <= (select id from span)
              and ($17::uuid is null or exists (
                select from campaign_audience a
                 where a.tenant_id = $1 and a.campaign_id = $17 and a.taken_before = $13 and a.lead_id = l.id))
            ), drawn as (
              select f.id, f.channels, cardinality(f.channels) as ways,
                     get_byte(f.hash, 0) * 16777216::bigint + get_byte(f.hash, 1) * 65536 + get_byte(f.hash, 2) * 256
                       + get_byte(f.hash, 3) as wave,
                     get_byte(f.hash, 4) * 16777216::bigint + get_byte(f.hash, 5) * 65536 + get_byte(f.hash, 6) * 256
                       + get_byte(f.hash, 7) as variant
                from fitting f
            ), dealt as (
              select d.id, d.channels, d.ways,
                     case when (d.wave * 10000) >> 32 < $19
                          then (select v.place - 1 from unnest($18::bigint[]) with ordinality v (upto, place)
                                 where (d.variant * $20) >> 32 < v.upto order by v.place limit 1)::smallint
                     end as variant
                from drawn d
            ), put as (
              insert into campaign_recipients (tenant_id, run_id, lead_id, wave, variant, channel, rest, status, reason,
                                               due_at)
              select $1, $16, d.id, case when d.variant is null then 1 else 0 end, d.variant, d.channels[1],
                     case when d.ways > 1 then d.channels[2:] end,
                     case when d.ways > 0 then 'planned' else 'skipped' end,
                     case when d.ways = 0 then 'no_address' end,
                     case when d.ways > 0 then $21::timestamptz end
                from dealt d
              on conflict on constraint campaign_recipients_pkey do nothing
              returning lead_id, status
            )
            select s.id as "last!: LeadId",
                   case when $21::timestamptz is null
                        then array(select p.lead_id from put p where p.status = 'planned') end as timeless
              from span s"#],
        span.after.map(|id| id.0),
        span.before,
        span.limit,
        planning.channels,
        planning.run.0,
        planning.taken_for.map(|id| id.0),
        planning.upto,
        planning.first_wave,
        planning.upto.last().copied().unwrap_or_default(),
        planning.due_at
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Planned {
        last: row.last,
        timeless: row.timeless.unwrap_or_default().into_iter().map(LeadId).collect(),
    }))
}

/// A lead as it is written to, sealed.
pub(in crate::leads) struct AddressedRow {
    pub id: LeadId,
    pub language: Option<String>,
    pub region: Option<String>,
    pub name_sealed: Option<Vec<u8>>,
    pub phone_sealed: Option<Vec<u8>>,
    pub email_sealed: Option<Vec<u8>>,
    pub attributes_sealed: Option<Vec<u8>>,
}

/// Those of some leads that there are, kept from being deleted or merged before the commit.
pub(in crate::leads) async fn hold_to_address(
    conn: &mut PgConnection,
    tenant: TenantId,
    leads: &[LeadId],
) -> Result<Vec<AddressedRow>> {
    let rows = sqlx::query_as!(
        AddressedRow,
        r#"select id as "id: LeadId", language, region, name_sealed, phone_sealed, email_sealed, attributes_sealed
             from leads where tenant_id = $1 and id = any($2) order by id for key share"#,
        tenant.0,
        &leads.iter().map(|lead| lead.0).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
