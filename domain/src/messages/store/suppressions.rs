//! The table of suppressed addresses.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::super::{
    provider::{Channel, Scope},
    suppressions::{Fresh, Reason},
};
use crate::{
    access::rows::Rows,
    error::Result,
    types::{LeadId, MessageId, SubjectId, SuppressionId, TenantId},
};

/// A suppression about to be written; the address is empty if nobody's key is there to seal it under.
pub(in crate::messages) struct NewSuppressionRow<'a> {
    pub id: SuppressionId,
    pub fresh: &'a Fresh,
    pub sealed: Vec<u8>,
}

/// A suppression that was written.
pub(in crate::messages) struct Written {
    /// Of what was there before its own.
    pub id: SuppressionId,
    /// It was not there before.
    pub fresh: bool,
    pub reason: String,
    pub message_id: Option<MessageId>,
}

/// Writes suppressions down, of different places and in one order. Of an address that is suppressed already only the
/// reason is taken: if it was the person's own wish, which they could take back, and this is none. Answers what was
/// written.
pub(in crate::messages) async fn put_suppressions(
    conn: &mut PgConnection,
    tenant: TenantId,
    rows: &[NewSuppressionRow<'_>],
) -> Result<Vec<Written>> {
    let put = sqlx::query_as!(
        Written,
        r#"insert into suppressions as s
             (tenant_id, id, channel, scope, reason, message_id, subject_id, to_index, to_sealed)
           select $1, u.id, u.channel, u.scope, u.reason, u.message_id, u.subject_id, u.to_index, u.to_sealed
             from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::uuid[], $8::bytea[],
                         $9::bytea[])
                  as u (id, channel, scope, reason, message_id, subject_id, to_index, to_sealed)
               on conflict on constraint suppressions_to_key do update
              set reason = excluded.reason, message_id = excluded.message_id
            where s.reason in ('stop', 'unsubscribe') and excluded.reason not in ('stop', 'unsubscribe')
           returning id as "id!: SuppressionId", xmax = 0 as "fresh!", reason as "reason!",
                     message_id as "message_id?: MessageId""#,
        tenant.0,
        &rows.iter().map(|row| row.id.0).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.fresh.channel.as_str().to_owned()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.fresh.scope.as_str().to_owned()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.fresh.reason.as_str().to_owned()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.fresh.message.map(|id| id.0)).collect::<Vec<_>>()
            as &[Option<uuid::Uuid>],
        &rows.iter().map(|row| row.fresh.subject.0).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.fresh.to_index.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.sealed.clone()).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    Ok(put)
}

/// Forgets the addresses of suppressions; their hashes stay, with when the person was erased.
pub(in crate::messages) async fn forget_suppressed(
    conn: &mut PgConnection,
    tenant: TenantId,
    to_index: &[Vec<u8>],
    erased_at: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "update suppressions set to_sealed = '', message_id = null, erased_at = greatest(erased_at, $3)
          where tenant_id = $1 and to_index = any($2)",
        tenant.0,
        to_index,
        erased_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A suppression that went.
pub(in crate::messages) struct Gone {
    pub id: SuppressionId,
    pub channel: String,
    pub scope: String,
    pub reason: String,
}

pub(in crate::messages) async fn lift_suppressions(
    conn: &mut PgConnection,
    tenant: TenantId,
    channel: Channel,
    to_index: &[u8],
    reasons: &[Reason],
) -> Result<Vec<Gone>> {
    let gone = sqlx::query_as!(
        Gone,
        r#"delete from suppressions where tenant_id = $1 and to_index = $2 and channel = $3 and reason = any($4)
              and erased_at is null
           returning id as "id!: SuppressionId", channel, scope, reason"#,
        tenant.0,
        to_index,
        channel.as_str(),
        &reasons.iter().map(|reason| reason.as_str().to_owned()).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    Ok(gone)
}

/// Lets somebody be written to again who was erased before they agreed, unless that goes on: as far as nothing else stands in
/// the way.
pub(in crate::messages) async fn lift_erased(
    conn: &mut PgConnection,
    tenant: TenantId,
    (channel, to_index): (Channel, &[u8]),
    scopes: &[Scope],
    agreed_at: DateTime<Utc>,
) -> Result<Vec<Gone>> {
    let goes_on = sqlx::query_scalar!(
        r#"select exists (select from erasures e
             join erasure_addresses a on a.tenant_id = $1 and a.erasure_id = e.id and a.hash = $2
            where e.tenant_id = $1 and e.state = 'running') as "goes_on!""#,
        tenant.0,
        to_index
    )
    .fetch_one(&mut *conn)
    .await?;
    if goes_on {
        return Ok(Vec::new());
    }
    let scopes: Vec<String> = scopes.iter().map(|scope| scope.as_str().to_owned()).collect();
    sqlx::query!(
        "update suppressions set erased_at = null
          where tenant_id = $1 and to_index = $2 and channel = $3 and scope = any($4) and reason <> 'erased'
            and erased_at < $5",
        tenant.0,
        to_index,
        channel.as_str(),
        &scopes,
        agreed_at
    )
    .execute(&mut *conn)
    .await?;
    let gone = sqlx::query_as!(
        Gone,
        r#"delete from suppressions
            where tenant_id = $1 and to_index = $2 and channel = $3 and scope = any($4) and reason = 'erased'
              and erased_at < $5
           returning id as "id!: SuppressionId", channel, scope, reason"#,
        tenant.0,
        to_index,
        channel.as_str(),
        &scopes,
        agreed_at
    )
    .fetch_all(conn)
    .await?;
    Ok(gone)
}

/// Whether somebody was erased who was reached there, whatever else it stands for.
pub(in crate::messages) async fn is_of_erased(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: SuppressionId,
) -> Result<bool> {
    let found = sqlx::query_scalar!(
        r#"select exists (select from suppressions where tenant_id = $1 and id = $2 and erased_at is not null) as "of_erased!""#,
        tenant.0,
        id.0
    )
    .fetch_one(conn)
    .await?;
    Ok(found)
}

pub(in crate::messages) async fn delete_suppression(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: SuppressionId,
) -> Result<Option<Gone>> {
    let gone = sqlx::query_as!(
        Gone,
        r#"delete from suppressions where tenant_id = $1 and id = $2
           returning id as "id!: SuppressionId", channel, scope, reason"#,
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(gone)
}

/// Which suppressions are asked for.
#[derive(Default)]
pub(in crate::messages) struct AskedSuppressions {
    pub id: Option<SuppressionId>,
    pub channel: Option<Channel>,
    pub reason: Option<Reason>,
    pub to_index: Option<Vec<u8>>,
    pub scope: Option<Scope>,
}

impl AskedSuppressions {
    /// The one that an address has in a scope.
    pub(in crate::messages) fn of(channel: Channel, to_index: &[u8], scope: Scope) -> Self {
        Self {
            channel: Some(channel),
            to_index: Some(to_index.to_vec()),
            scope: Some(scope),
            ..Self::default()
        }
    }
}

/// A suppression as it lies.
pub(in crate::messages) struct SuppressionRow {
    pub id: SuppressionId,
    pub channel: String,
    pub scope: String,
    pub reason: String,
    pub message_id: Option<MessageId>,
    pub subject_id: SubjectId,
    pub to_sealed: Vec<u8>,
    pub created_at: DateTime<Utc>,
}

/// Newest first; for whoever does not see all leads those whose subject is a lead that they see.
pub(in crate::messages) async fn suppressions(
    conn: &mut PgConnection,
    tenant: TenantId,
    asked: &AskedSuppressions,
    seen: Rows,
    before: Option<SuppressionId>,
    limit: i64,
) -> Result<Vec<SuppressionRow>> {
    let rows = sqlx::query_as!(
        SuppressionRow,
        r#"select id as "id: SuppressionId", channel, scope, reason, message_id as "message_id: MessageId",
                  subject_id as "subject_id: SubjectId", to_sealed, created_at
             from suppressions
            where tenant_id = $1 and ($2::uuid is null or id = $2) and ($3::uuid is null or id < $3)
              and ($4::text is null or channel = $4) and ($5::text is null or reason = $5)
              and ($6::bytea is null or to_index = $6) and ($7::text is null or scope = $7)
              and (($8::uuid is null and $9::uuid is null) or exists (select from leads l
                where l.tenant_id = suppressions.tenant_id and l.id = suppressions.subject_id
                  and ($8::uuid is null or l.owner_id = $8) and ($9::uuid is null or l.team_id = $9)))
            order by id desc limit $10"#,
        tenant.0,
        asked.id.map(|id| id.0),
        before.map(|id| id.0),
        asked.channel.map(Channel::as_str),
        asked.reason.map(Reason::as_str),
        asked.to_index.as_deref(),
        asked.scope.map(Scope::as_str),
        seen.owner(),
        seen.team(),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Whom a message went to, or is to go.
pub(in crate::messages) struct Addressee {
    pub channel: String,
    pub lead_id: Option<LeadId>,
    pub subject_id: SubjectId,
    pub to_index: Vec<u8>,
    pub to_sealed: Vec<u8>,
}

pub(in crate::messages) async fn addressee(
    conn: &mut PgConnection,
    tenant: TenantId,
    message: MessageId,
) -> Result<Option<Addressee>> {
    let row = sqlx::query_as!(
        Addressee,
        r#"select channel, lead_id as "lead_id: LeadId", subject_id as "subject_id: SubjectId", to_index, to_sealed
             from messages where tenant_id = $1 and id = $2"#,
        tenant.0,
        message.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}
