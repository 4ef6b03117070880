//! The table of consents.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::{
    consents::{ConsentView, Said as SaidView, Whose},
    provider::Channel,
    rules::Purpose,
};
use crate::{
    access::rows::Rows,
    ctx::Actor,
    error::Result,
    types::{ConsentId, LeadId, TenantId},
};

/// What somebody said.
pub(in crate::messages) struct Said<'s> {
    pub channel: Channel,
    pub purpose: Purpose,
    pub granted: bool,
    pub source: &'s str,
    pub wording: Option<&'s str>,
    pub proof: Option<&'s str>,
    pub at: DateTime<Utc>,
}

/// Writes down what was said, unless something later is known; of one instant the withdrawal is. Answers the row's id if
/// it was written. Whoever is named as a lead is held.
pub(in crate::messages) async fn put_consent(
    conn: &mut PgConnection,
    tenant: TenantId,
    fresh: ConsentId,
    whose: &Whose,
    said: &Said<'_>,
) -> Result<Option<ConsentId>> {
    let (channel, purpose) = (said.channel.as_str(), said.purpose.as_str());
    let put = match whose {
        Whose::Lead(lead) => {
            sqlx::query_scalar!(
                r#"insert into consents as c (tenant_id, id, lead_id, channel, purpose, granted, source, wording, said_at, proof)
                   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
                   on conflict (tenant_id, lead_id, channel, purpose) where lead_id is not null do update
                      set granted = excluded.granted, source = excluded.source, wording = excluded.wording,
                          proof = excluded.proof, said_at = excluded.said_at, recorded_at = engine.now(), version = c.version + 1
                    where excluded.said_at > c.said_at
                       or (excluded.said_at = c.said_at and c.granted and not excluded.granted)
                   returning id as "id!: ConsentId""#,
                tenant.0,
                fresh.0,
                lead.0,
                channel,
                purpose,
                said.granted,
                said.source,
                said.wording,
                said.at,
                said.proof
            )
            .fetch_optional(conn)
            .await?
        }
        Whose::Address(to_index) => {
            sqlx::query_scalar!(
                r#"insert into consents as c (tenant_id, id, to_index, channel, purpose, granted, source, wording, said_at, proof)
                   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
                   on conflict (tenant_id, to_index, channel, purpose) where to_index is not null do update
                      set granted = excluded.granted, source = excluded.source, wording = excluded.wording,
                          proof = excluded.proof, said_at = excluded.said_at, recorded_at = engine.now(), version = c.version + 1
                    where excluded.said_at > c.said_at
                       or (excluded.said_at = c.said_at and c.granted and not excluded.granted)
                   returning id as "id!: ConsentId""#,
                tenant.0,
                fresh.0,
                to_index.as_slice(),
                channel,
                purpose,
                said.granted,
                said.source,
                said.wording,
                said.at,
                said.proof
            )
            .fetch_optional(conn)
            .await?
        }
    };
    Ok(put)
}

/// The same for what is taken back now, whatever was said before: only what was withdrawn already stays as it is.
pub(in crate::messages) async fn withdraw_consent(
    conn: &mut PgConnection,
    tenant: TenantId,
    fresh: ConsentId,
    whose: &Whose,
    said: &Said<'_>,
) -> Result<Option<ConsentId>> {
    let (channel, purpose) = (said.channel.as_str(), said.purpose.as_str());
    let put = match whose {
        Whose::Lead(lead) => {
            sqlx::query_scalar!(
                r#"insert into consents as c (tenant_id, id, lead_id, channel, purpose, granted, source, wording, said_at)
                   values ($1, $2, $3, $4, $5, false, $6, $7, $8)
                   on conflict (tenant_id, lead_id, channel, purpose) where lead_id is not null do update
                      set granted = false, source = excluded.source, wording = excluded.wording, proof = null,
                          said_at = greatest(c.said_at, excluded.said_at), recorded_at = engine.now(),
                          version = c.version + 1
                    where c.granted
                   returning id as "id!: ConsentId""#,
                tenant.0,
                fresh.0,
                lead.0,
                channel,
                purpose,
                said.source,
                said.wording,
                said.at
            )
            .fetch_optional(conn)
            .await?
        }
        Whose::Address(to_index) => {
            sqlx::query_scalar!(
                r#"insert into consents as c (tenant_id, id, to_index, channel, purpose, granted, source, wording, said_at)
                   values ($1, $2, $3, $4, $5, false, $6, $7, $8)
                   on conflict (tenant_id, to_index, channel, purpose) where to_index is not null do update
                      set granted = false, source = excluded.source, wording = excluded.wording, proof = null,
                          said_at = greatest(c.said_at, excluded.said_at), recorded_at = engine.now(),
                          version = c.version + 1
                    where c.granted
                   returning id as "id!: ConsentId""#,
                tenant.0,
                fresh.0,
                to_index.as_slice(),
                channel,
                purpose,
                said.source,
                said.wording,
                said.at
            )
            .fetch_optional(conn)
            .await?
        }
    };
    Ok(put)
}

/// Keeps what was said for good.
pub(in crate::messages) async fn keep_said(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: Uuid,
    consent: ConsentId,
    said: &Said<'_>,
    taken: bool,
    by: Actor,
) -> Result<()> {
    sqlx::query!(
        "insert into consent_history (tenant_id, id, consent_id, granted, source, wording, proof, said_at, taken,
            actor_kind, actor_id)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        tenant.0,
        id,
        consent.0,
        said.granted,
        said.source,
        said.wording,
        said.proof,
        said.at,
        taken,
        by.kind(),
        by.id()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What was said, newest first, those with ids below `before`; of a consent that the caller sees.
pub(in crate::messages) async fn said_before(
    conn: &mut PgConnection,
    tenant: TenantId,
    consent: ConsentId,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<SaidView>> {
    let rows = sqlx::query_as!(
        SaidView,
        r#"select id, granted, source, wording, proof, said_at, recorded_at, taken, actor_kind, actor_id
             from consent_history
            where tenant_id = $1 and consent_id = $2 and ($3::uuid is null or id < $3)
            order by id desc limit $4"#,
        tenant.0,
        consent.0,
        before,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// The row of what somebody has said, which is there.
pub(in crate::messages) async fn consent_of(
    conn: &mut PgConnection,
    tenant: TenantId,
    whose: &Whose,
    channel: Channel,
    purpose: Purpose,
) -> Result<ConsentId> {
    let (lead, to_index) = match whose {
        Whose::Lead(lead) => (Some(lead.0), None),
        Whose::Address(to_index) => (None, Some(to_index.as_slice())),
    };
    let id = sqlx::query_scalar!(
        r#"select id as "id: ConsentId" from consents
            where tenant_id = $1 and (lead_id = $2 or to_index = $3) and channel = $4 and purpose = $5"#,
        tenant.0,
        lead,
        to_index,
        channel.as_str(),
        purpose.as_str()
    )
    .fetch_one(conn)
    .await?;
    Ok(id)
}

/// Which consents are asked for.
pub(in crate::messages) struct AskedConsents {
    pub id: Option<ConsentId>,
    pub lead: Option<LeadId>,
    pub channel: Option<Channel>,
    pub to_index: Option<Vec<u8>>,
}

impl AskedConsents {
    pub(in crate::messages) fn one(id: ConsentId) -> Self {
        Self { id: Some(id), lead: None, channel: None, to_index: None }
    }
}

/// Newest first; of leads those that are seen, of addresses none for whoever does not see all leads.
pub(in crate::messages) async fn consents(
    conn: &mut PgConnection,
    tenant: TenantId,
    asked: &AskedConsents,
    seen: Rows,
    before: Option<ConsentId>,
    limit: i64,
) -> Result<Vec<ConsentView>> {
    let rows = sqlx::query_as!(
        ConsentView,
        r#"select id as "id: ConsentId", lead_id as "lead_id: LeadId", channel, purpose, granted, source, wording,
                  proof, version, said_at, recorded_at
             from consents
            where tenant_id = $1 and ($2::uuid is null or id = $2) and ($3::uuid is null or id < $3)
              and ($4::uuid is null or lead_id = $4) and ($5::text is null or channel = $5)
              and ($6::bytea is null or to_index = $6)
              and (($7::uuid is null and $8::uuid is null) or exists (select from leads l
                where l.tenant_id = consents.tenant_id and l.id = consents.lead_id
                  and ($7::uuid is null or l.owner_id = $7) and ($8::uuid is null or l.team_id = $8)))
            order by id desc limit $9"#,
        tenant.0,
        asked.id.map(|id| id.0),
        before.map(|id| id.0),
        asked.lead.map(|lead| lead.0),
        asked.channel.map(Channel::as_str),
        asked.to_index.as_deref(),
        seen.owner(),
        seen.team(),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Gives what one lead has said to another.
pub(in crate::messages) async fn merge_consents(
    conn: &mut PgConnection,
    tenant: TenantId,
    winner: LeadId,
    loser: LeadId,
) -> Result<()> {
    // Of what both have said something.
    sqlx::query!(
        "update consents w
            set granted = l.granted, source = l.source, wording = l.wording, proof = l.proof, said_at = l.said_at,
                recorded_at = l.recorded_at, version = w.version + 1
           from consents l
          where w.tenant_id = $1 and w.lead_id = $2 and l.tenant_id = $1 and l.lead_id = $3
            and l.channel = w.channel and l.purpose = w.purpose
            and ((w.granted and not l.granted) or (w.granted = l.granted and l.said_at > w.said_at))",
        tenant.0,
        winner.0,
        loser.0
    )
    .execute(&mut *conn)
    .await?;
    // What the one that goes has said of the same stays with what is left.
    sqlx::query!(
        "update consent_history h set consent_id = w.id
           from consents l
           join consents w on w.tenant_id = $1 and w.lead_id = $2 and w.channel = l.channel and w.purpose = l.purpose
          where l.tenant_id = $1 and l.lead_id = $3 and h.tenant_id = $1 and h.consent_id = l.id",
        tenant.0,
        winner.0,
        loser.0
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update consents l set lead_id = $2
          where l.tenant_id = $1 and l.lead_id = $3
            and not exists (select from consents w
              where w.tenant_id = $1 and w.lead_id = $2 and w.channel = l.channel and w.purpose = l.purpose)",
        tenant.0,
        winner.0,
        loser.0
    )
    .execute(conn)
    .await?;
    Ok(())
}
