//! Every column that holds something sealed: the one list that rotations of data keys follow. A column whose name ends with
//! `_sealed` and that is not here fails a test which walks the catalogue of the database.

use std::pin::Pin;

use sqlx::PgConnection;
use uuid::Uuid;

use crate::{error::Result, types::TenantId};

/// Whose keys a column is sealed under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Under {
    /// The tenant's data key.
    Tenant,
    /// The key of the person that the row is about.
    Subject,
}

type Answer<'c, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'c>>;

/// A column of sealed values. Its own name and its table's are those that the values are bound to.
pub struct Column {
    pub table: &'static str,
    pub column: &'static str,
    /// The column of the row's id that the values are bound to.
    pub row: &'static str,
    pub under: Under,
    page: fn(&mut PgConnection, TenantId, Uuid, i64) -> Answer<'_, Vec<Looked>>,
    swap: fn(&mut PgConnection, TenantId, Swaps) -> Answer<'_, u64>,
}

/// A row that was looked at.
pub struct Looked {
    pub row: Uuid,
    /// The former key that its value is sealed under, and the value; none if that is under no former key.
    pub former: Option<(Uuid, Vec<u8>)>,
}

/// Values and what is to be in their place, by row.
#[derive(Default)]
pub struct Swaps {
    pub rows: Vec<Uuid>,
    pub before: Vec<Vec<u8>>,
    pub after: Vec<Vec<u8>>,
}

impl Column {
    /// The next rows behind one, in the order of their ids; with all of the last one's where an id has several.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn page(
        &self,
        conn: &mut PgConnection,
        tenant: TenantId,
        after: Uuid,
        limit: i64,
    ) -> Result<Vec<Looked>> {
        (self.page)(conn, tenant, after, limit).await
    }

    /// Puts values in the place of others, where those are still there and nobody holds the row. It waits for nobody, so that
    /// nobody waits in a circle with it: what somebody holds is for the next pass. Answers how many.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn swap(&self, conn: &mut PgConnection, tenant: TenantId, swaps: Swaps) -> Result<u64> {
        (self.swap)(conn, tenant, swaps).await
    }
}

macro_rules! column {
    ($under:ident $keys:tt, $table:tt, $column:tt, $row:tt) => {{
        fn page(conn: &mut PgConnection, tenant: TenantId, after: Uuid, limit: i64) -> Answer<'_, Vec<Looked>> {
            Box::pin(async move {
                let rows = sqlx::query!(
                    "with page as materialized (select " + $row + " as place, " + $column + " as blob,
                            case when length(" + $column + ") >= 46
                                 then encode(substring(" + $column + " from 3 for 16), 'hex')::uuid end as key
                       from " + $table + " where tenant_id = $1 and " + $row + " > $2
                      order by " + $row + " fetch first $3 rows with ties)
                     select page.place as \"place!\", k.id as \"key?\",
                            case when k.id is not null then page.blob end as \"blob?\"
                       from page left join " + $keys + " k
                         on k.tenant_id = $1 and k.id = page.key and k.state = 'former' and k.wrapped is not null
                      order by page.place",
                    tenant.0,
                    after,
                    limit
                )
                .fetch_all(conn)
                .await?;
                let looked = rows.into_iter().map(|row| Looked { row: row.place, former: row.key.zip(row.blob) });
                Ok(looked.collect())
            })
        }
        fn swap(conn: &mut PgConnection, tenant: TenantId, swaps: Swaps) -> Answer<'_, u64> {
            Box::pin(async move {
                let swapped = sqlx::query!(
                    "with held as materialized (
                       select t." + $row + " as place, s.before, s.fresh
                         from unnest($2::uuid[], $3::bytea[], $4::bytea[]) as s(place, before, fresh)
                         join " + $table + " t on t.tenant_id = $1 and t." + $row + " = s.place and t." + $column + " = s.before
                        for no key update of t skip locked)
                     update " + $table + " t set " + $column + " = held.fresh from held
                      where t.tenant_id = $1 and t." + $row + " = held.place and t." + $column + " = held.before",
                    tenant.0,
                    &swaps.rows,
                    &swaps.before,
                    &swaps.after
                )
                .execute(conn)
                .await?;
                Ok(swapped.rows_affected())
            })
        }
        Column { table: $table, column: $column, row: $row, under: Under::$under, page, swap }
    }};
    ($table:tt . $column:tt of $row:tt) => { column!(Subject "subject_keys", $table, $column, $row) };
    ($table:tt . $column:tt of_tenant $row:tt) => { column!(Tenant "tenant_keys", $table, $column, $row) };
}

/// All of them.
pub const COLUMNS: &[Column] = &[
    column!("providers"."credentials_sealed" of_tenant "id"),
    column!("call_sources"."secret_sealed" of_tenant "id"),
    column!("call_sources"."former_secret_sealed" of_tenant "id"),
    column!("webhook_endpoints"."url_sealed" of_tenant "id"),
    column!("webhook_endpoints"."secret_sealed" of_tenant "id"),
    column!("webhook_endpoints"."former_secret_sealed" of_tenant "id"),
    column!("processing_records"."record_sealed" of_tenant "id"),
    column!("analytics_exports"."key_sealed" of_tenant "id"),
    column!("users"."email_sealed" of "id"),
    column!("users"."name_sealed" of "id"),
    column!("sessions"."client_sealed" of "id"),
    column!("second_factors"."secret_sealed" of "user_id"),
    column!("agents"."name_sealed" of "id"),
    column!("leads"."name_sealed" of "id"),
    column!("leads"."phone_sealed" of "id"),
    column!("leads"."email_sealed" of "id"),
    column!("leads"."attributes_sealed" of "id"),
    column!("lead_activities"."note_sealed" of "id"),
    column!("calls"."number_sealed" of "id"),
    column!("calls"."notes_sealed" of "id"),
    column!("calls"."recording_sealed" of "id"),
    column!("messages"."to_sealed" of "id"),
    column!("messages"."vars_sealed" of "id"),
    column!("message_attempts"."request_sealed" of "message_id"),
    column!("sandbox_outbox"."content_sealed" of "id"),
    column!("suppressions"."to_sealed" of "id"),
    column!("inbound_messages"."from_sealed" of "id"),
    column!("inbound_messages"."body_sealed" of "id"),
    column!("privacy_requests"."to_sealed" of "id"),
    column!("privacy_exports"."key_sealed" of "id"),
    column!("saved_report_recipients"."to_sealed" of "id"),
];
