//! What providers told us, and the messages that it is about.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::{
    callbacks::{Course, Heard},
    provider::Scope,
    rules::{FailureKind, Status},
};
use crate::{
    error::Result,
    types::{MessageId, ProviderId, SubjectId, TenantId},
};

/// An account, before whoever calls its address has shown that they are the provider.
pub(crate) struct CalledAccount {
    pub id: ProviderId,
    pub channel: String,
    pub version: i64,
    pub credentials_sealed: Vec<u8>,
}

/// The account of a callback address, unless it was taken away, is of another kind, or its tenant is kept out. One that
/// is paused is found: what it sent before goes on being told.
pub(crate) async fn account_by_callback(
    conn: &mut PgConnection,
    tenant: TenantId,
    hash: &[u8],
    kind: &str,
) -> Result<Option<CalledAccount>> {
    let row = sqlx::query_as!(
        CalledAccount,
        r#"select p.id as "id!: ProviderId", p.channel as "channel!", p.credentials_version as "version!",
                  p.credentials_sealed as "credentials_sealed!"
             from providers p join tenants t on t.id = p.tenant_id and t.suspended_at is null
            where p.tenant_id = $1 and p.callback_hash = $2 and p.kind = $3 and p.deleted_at is null"#,
        tenant.0,
        hash,
        kind
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// One thing that a provider told, as it is kept.
pub(in crate::messages) struct ToldRow {
    pub id: Uuid,
    pub dedupe: String,
    /// Our id, as the provider gives it back; not believed before it is looked up.
    pub ours: Option<MessageId>,
    /// The message that it is about.
    pub message: Option<MessageId>,
    /// What the provider calls the message.
    pub name: Option<String>,
    pub status: Status,
    pub failure: Option<FailureKind>,
    pub code: Option<String>,
    pub suppress: Option<Scope>,
    pub happened_at: Option<DateTime<Utc>>,
}

/// Those of the messages that this provider was handed.
pub(in crate::messages) async fn handed(
    conn: &mut PgConnection,
    tenant: TenantId,
    provider: ProviderId,
    messages: &[MessageId],
) -> Result<Vec<MessageId>> {
    let known = sqlx::query_scalar!(
        r#"select distinct message_id as "id!: MessageId" from message_attempts
            where tenant_id = $1 and provider_id = $2 and message_id = any($3)"#,
        tenant.0,
        provider.0,
        &messages.iter().map(|id| id.0).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    Ok(known)
}

/// The messages that a provider calls so; of several of one name the newest.
pub(in crate::messages) async fn named(
    conn: &mut PgConnection,
    tenant: TenantId,
    provider: ProviderId,
    names: &[String],
) -> Result<HashMap<String, MessageId>> {
    let rows = sqlx::query!(
        r#"select id as "id!: MessageId", provider_message_id as "name!" from messages
            where tenant_id = $1 and provider_id = $2 and provider_message_id = any($3)
            order by id"#,
        tenant.0,
        provider.0,
        names
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.name, row.id)).collect())
}

/// Writes down what was told; answers which of it was not told before. In the order of what makes each the same, so that
/// two who are told the same at once do not wait for one another.
pub(in crate::messages) async fn insert_told(
    conn: &mut PgConnection,
    tenant: TenantId,
    provider: ProviderId,
    rows: &[ToldRow],
) -> Result<Vec<Uuid>> {
    let fresh = sqlx::query_scalar!(
        "insert into message_callbacks (tenant_id, id, provider_id, dedupe, provider_message_id, message_id, status,
                                        failure, code, suppress, happened_at)
         select $1, t.id, $2, t.dedupe, t.name, t.message, t.status, t.failure, t.code, t.suppress, t.happened_at
           from unnest($3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::text[], $8::text[], $9::text[],
                       $10::text[], $11::timestamptz[])
                as t(id, dedupe, name, message, status, failure, code, suppress, happened_at)
          order by t.dedupe
         on conflict on constraint message_callbacks_dedupe_key do nothing
         returning id",
        tenant.0,
        provider.0,
        &rows.iter().map(|row| row.id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.dedupe.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.name.clone()).collect::<Vec<_>>() as &[Option<String>],
        &rows.iter().map(|row| row.message.map(|id| id.0)).collect::<Vec<_>>() as &[Option<Uuid>],
        &rows.iter().map(|row| row.status.as_str().to_owned()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.failure.map(|kind| kind.as_str().to_owned())).collect::<Vec<_>>()
            as &[Option<String>],
        &rows.iter().map(|row| row.code.clone()).collect::<Vec<_>>() as &[Option<String>],
        &rows.iter().map(|row| row.suppress.map(|scope| scope.as_str().to_owned())).collect::<Vec<_>>()
            as &[Option<String>],
        &rows.iter().map(|row| row.happened_at).collect::<Vec<_>>() as &[Option<DateTime<Utc>>]
    )
    .fetch_all(conn)
    .await?;
    Ok(fresh)
}

/// Holds some of the providers' names until commit, against whoever would say or be told something of them. The names
/// are held in one order by all.
pub(in crate::messages) async fn hold_names(
    conn: &mut PgConnection,
    tenant: TenantId,
    names: &[(ProviderId, String)],
) -> Result<()> {
    sqlx::query!(
        "with keys as materialized (
           select distinct hashtextextended($1::uuid::text || n.provider::text || n.name, 1019) as key
             from unnest($2::uuid[], $3::text[]) as n(provider, name)
            order by 1
         ), held as materialized (select pg_advisory_xact_lock(k.key) from keys k)
         select count(*) from held",
        tenant.0,
        &names.iter().map(|(provider, _)| provider.0).collect::<Vec<_>>(),
        &names.iter().map(|(_, name)| name.clone()).collect::<Vec<_>>()
    )
    .fetch_one(conn)
    .await?;
    Ok(())
}

/// Gives callbacks that wait to the messages that they are about, by what the providers call those. In the order in which
/// they came.
pub(in crate::messages) async fn claim_waiting(
    conn: &mut PgConnection,
    tenant: TenantId,
    known: &[(MessageId, ProviderId, String)],
) -> Result<Vec<Heard>> {
    let rows = sqlx::query!(
        r#"with known as (
             select * from unnest($2::uuid[], $3::uuid[], $4::text[]) as k(message, provider, name)
           ), met as (
             update message_callbacks c set message_id = k.message from known k
              where c.tenant_id = $1 and c.provider_id = k.provider and c.provider_message_id = k.name
                and c.message_id is null
             returning c.id, c.message_id, c.provider_id, c.provider_message_id, c.status, c.failure, c.code,
                       c.suppress
           )
           select message_id as "message!: MessageId", provider_id as "provider!: ProviderId",
                  provider_message_id as name, status as "status!", failure, code, suppress
             from met order by id"#,
        tenant.0,
        &known.iter().map(|(message, ..)| message.0).collect::<Vec<_>>(),
        &known.iter().map(|(_, provider, _)| provider.0).collect::<Vec<_>>(),
        &known.iter().map(|(.., name)| name.clone()).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    let heard = rows.into_iter().map(|row| {
        Ok(Heard {
            message: row.message,
            provider: row.provider,
            name: row.name,
            status: Status::stored(&row.status)?,
            failure: row.failure.as_deref().and_then(failure),
            code: row.code,
            suppress: row.suppress.as_deref().and_then(scope),
        })
    });
    heard.collect()
}

fn failure(stored: &str) -> Option<FailureKind> {
    use FailureKind::{Account, Ambiguous, Gate, Permanent, Transient};
    [Permanent, Transient, Account, Ambiguous, Gate].into_iter().find(|kind| kind.as_str() == stored)
}

fn scope(stored: &str) -> Option<Scope> {
    [Scope::All, Scope::Marketing].into_iter().find(|scope| scope.as_str() == stored)
}

/// A message that something was told of, locked.
pub(in crate::messages) struct ToldMessage {
    pub id: MessageId,
    pub subject_id: SubjectId,
    pub channel: String,
    pub fence: i64,
    pub to_sealed: Vec<u8>,
    pub to_index: Vec<u8>,
    pub course: Course,
}

/// Locks messages in the order of their ids, as whoever settles them does.
pub(in crate::messages) async fn lock_told(
    conn: &mut PgConnection,
    tenant: TenantId,
    messages: &[MessageId],
) -> Result<Vec<ToldMessage>> {
    let rows = sqlx::query!(
        r#"select id as "id: MessageId", subject_id as "subject_id: SubjectId", channel,
                  fence, status, provider_id as "provider_id: ProviderId", provider_message_id, failure, error_code,
                  sent_at, to_sealed, to_index
             from messages
            where tenant_id = $1 and id = any($2)
            order by id
              for update"#,
        tenant.0,
        &messages.iter().map(|id| id.0).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    let told = rows.into_iter().map(|row| {
        let course = Course {
            status: Status::stored(&row.status)?,
            provider: row.provider_id,
            name: row.provider_message_id,
            taken: row.sent_at.is_some(),
            failure: row.failure.as_deref().and_then(failure),
            code: row.error_code,
            moved: false,
        };
        Ok(ToldMessage {
            id: row.id,
            subject_id: row.subject_id,
            channel: row.channel,
            fence: row.fence,
            to_sealed: row.to_sealed,
            to_index: row.to_index,
            course,
        })
    });
    told.collect()
}

/// Writes where messages are after what was told. They are locked.
pub(in crate::messages) async fn move_told(
    conn: &mut PgConnection,
    tenant: TenantId,
    messages: &[&ToldMessage],
) -> Result<()> {
    let of = |column: fn(&Course) -> Option<String>| -> Vec<Option<String>> {
        messages.iter().map(|message| column(&message.course)).collect()
    };
    sqlx::query!(
        "update messages m
            set status = t.status, updated_at = engine.now(), provider_message_id = t.name,
                failure = t.failure, error_code = t.code,
                error_text = case when t.moved then null else m.error_text end,
                lease_until = case when t.status = 'sending' then m.lease_until end,
                sent_at = case when t.taken then coalesce(m.sent_at, engine.now()) end
           from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bool[], $8::bool[])
                as t(id, status, name, failure, code, taken, moved)
          where m.tenant_id = $1 and m.id = t.id",
        tenant.0,
        &messages.iter().map(|message| message.id.0).collect::<Vec<_>>(),
        &messages.iter().map(|message| message.course.status.as_str().to_owned()).collect::<Vec<_>>(),
        &of(|course| course.name.clone()) as &[Option<String>],
        &of(|course| course.failure.map(|kind| kind.as_str().to_owned())) as &[Option<String>],
        &of(|course| course.code.clone()) as &[Option<String>],
        &messages.iter().map(|message| message.course.taken).collect::<Vec<_>>(),
        &messages.iter().map(|message| message.course.moved).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}
