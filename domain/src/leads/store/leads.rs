//! The table of leads, as it is written; [`super::read`] reads it.

use serde_json::Value;
use sqlx::PgConnection;

use super::super::{
    lead::{LeadChange, Source, Status},
    status::Before,
};
use crate::{
    access::rows::Rows,
    error::Result,
    types::{AgentId, ImportId, LeadId, TeamId, TenantId, Text},
};

/// A lead to be written.
pub(in crate::leads) struct NewRow {
    pub id: LeadId,
    pub status: Status,
    pub source: Source,
    pub language: Option<String>,
    pub region: Option<String>,
    pub value_cents: Option<i64>,
    pub cost_cents: Option<i64>,
    pub tags: Vec<String>,
    pub name_sealed: Option<Vec<u8>>,
    pub phone_sealed: Option<Vec<u8>>,
    pub phone_index: Option<Vec<u8>>,
    pub email_sealed: Option<Vec<u8>>,
    pub email_index: Option<Vec<u8>>,
    pub attributes_sealed: Option<Vec<u8>>,
}

fn column<T>(rows: &[NewRow], of: impl Fn(&NewRow) -> T) -> Vec<T> {
    rows.iter().map(of).collect()
}

/// Writes leads, which belong to whoever sees only their own or those of a team.
pub(in crate::leads) async fn insert(
    conn: &mut PgConnection,
    tenant: TenantId,
    import: Option<ImportId>,
    home: Rows,
    rows: &[NewRow],
) -> Result<()> {
    sqlx::query!(
        "insert into leads (tenant_id, import_id, id, status, source, language, region, value_cents, cost_cents, tags,
                name_sealed, phone_sealed, phone_index, email_sealed, email_index, attributes_sealed,
                owner_id, team_id, assigned_at, waiting_since)
         select $1, $2, id, status, source, language, region, value_cents, cost_cents,
                array(select jsonb_array_elements_text(tags)),
                name, phone, phone_index, email, email_index, attributes,
                $16, coalesce($17, (select team_id from agents where tenant_id = $1 and agents.id = $16)),
                case when $16::uuid is not null then engine.now() end,
                case when $16::uuid is null and $17::uuid is not null then engine.now() end
           from unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::jsonb[],
                $10::bytea[], $11::bytea[], $12::bytea[], $13::bytea[], $14::bytea[], $15::bytea[], $18::bigint[])
             as new (id, status, source, language, region, value_cents, tags,
                name, phone, phone_index, email, email_index, attributes, cost_cents)",
        tenant.0,
        import.map(|id| id.0),
        &column(rows, |row| row.id.0),
        &column(rows, |row| row.status.as_str().to_owned()),
        &column(rows, |row| row.source.as_str().to_owned()),
        &column(rows, |row| row.language.clone()) as _,
        &column(rows, |row| row.region.clone()) as _,
        &column(rows, |row| row.value_cents) as _,
        &column(rows, |row| Value::from(row.tags.clone())),
        &column(rows, |row| row.name_sealed.clone()) as _,
        &column(rows, |row| row.phone_sealed.clone()) as _,
        &column(rows, |row| row.phone_index.clone()) as _,
        &column(rows, |row| row.email_sealed.clone()) as _,
        &column(rows, |row| row.email_index.clone()) as _,
        &column(rows, |row| row.attributes_sealed.clone()) as _,
        home.owner(),
        home.team(),
        &column(rows, |row| row.cost_cents) as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What a change must know of the lead it changes.
pub(in crate::leads) struct Held {
    pub version: i64,
    pub status: String,
    pub owner: Option<AgentId>,
    pub team: Option<TeamId>,
    pub has_phone: bool,
    pub has_email: bool,
}

impl Held {
    /// What goes with another status must know of it.
    pub(in crate::leads) fn before(&self, id: LeadId) -> Before<'_> {
        Before { id, status: &self.status, owner: self.owner, team: self.team }
    }
}

pub(in crate::leads) async fn lock(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: LeadId,
    seen: Rows,
) -> Result<Option<Held>> {
    let held = sqlx::query_as!(
        Held,
        r#"select version, status,
                  owner_id as "owner: AgentId", team_id as "team: TeamId",
                  phone_sealed is not null as "has_phone!", email_sealed is not null as "has_email!"
             from leads
            where tenant_id = $1 and id = $2 and ($3::uuid is null or owner_id = $3) and ($4::uuid is null or team_id = $4)
              for update"#,
        tenant.0,
        id.0,
        seen.owner(),
        seen.team()
    )
    .fetch_optional(conn)
    .await?;
    Ok(held)
}

/// Sealed parts that change; `Some(None)` removes.
pub(in crate::leads) struct ChangedRow {
    pub name_sealed: Option<Option<Vec<u8>>>,
    pub phone_sealed: Option<Option<Vec<u8>>>,
    pub phone_index: Option<Option<Vec<u8>>>,
    pub email_sealed: Option<Option<Vec<u8>>>,
    pub email_index: Option<Option<Vec<u8>>>,
    pub attributes_sealed: Option<Option<Vec<u8>>>,
}

pub(in crate::leads) async fn update(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: LeadId,
    change: &LeadChange,
    row: &ChangedRow,
) -> Result<()> {
    fn text<const MAX: usize>(value: Option<&Option<Text<MAX>>>) -> Option<String> {
        value.and_then(Option::as_ref).map(|text| text.as_str().to_owned())
    }
    let tags: Option<Vec<String>> =
        change.tags.as_ref().map(|tags| tags.iter().map(|tag| tag.as_str().to_owned()).collect());
    sqlx::query!(
        "update leads set
                status = coalesce($3, status), source = coalesce($4, source),
                language = case when $5 then $6 else language end,
                region = case when $7 then $8 else region end,
                value_cents = case when $9 then $10 else value_cents end,
                cost_cents = case when $22 then $23 else cost_cents end,
                tags = coalesce($11::text[], tags),
                name_sealed = case when $12 then $13 else name_sealed end,
                phone_sealed = case when $14 then $15 else phone_sealed end,
                phone_index = case when $14 then $16 else phone_index end,
                email_sealed = case when $17 then $18 else email_sealed end,
                email_index = case when $17 then $19 else email_index end,
                attributes_sealed = case when $20 then $21 else attributes_sealed end,
                version = version + 1, updated_at = engine.now()
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        change.status.map(Status::as_str),
        change.source.map(Source::as_str),
        change.language.is_some(),
        text(change.language.as_ref()),
        change.region.is_some(),
        text(change.region.as_ref()),
        change.value_cents.is_some(),
        change.value_cents.flatten(),
        tags as _,
        row.name_sealed.is_some(),
        row.name_sealed.clone().flatten(),
        row.phone_sealed.is_some(),
        row.phone_sealed.clone().flatten(),
        row.phone_index.clone().flatten(),
        row.email_sealed.is_some(),
        row.email_sealed.clone().flatten(),
        row.email_index.clone().flatten(),
        row.attributes_sealed.is_some(),
        row.attributes_sealed.clone().flatten(),
        change.cost_cents.is_some(),
        change.cost_cents.flatten(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// `false` if there is no such lead.
pub(in crate::leads) async fn delete(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: LeadId,
    seen: Rows,
) -> Result<bool> {
    let done = sqlx::query!(
        "delete from leads
          where tenant_id = $1 and id = $2 and ($3::uuid is null or owner_id = $3) and ($4::uuid is null or team_id = $4)",
        tenant.0,
        id.0,
        seen.owner(),
        seen.team()
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
