//! Leads with numbers of their own: imported as a file, or, where there are too many for that, sealed and written here.

use std::fmt::Write as _;

use domain::{
    Ctx,
    types::SubjectId,
    vault::{Place, Vault},
};
use futures::{StreamExt, TryStreamExt, stream};
use reqwest::Method;
use serde_json::{Value, json};
use switchboard::demo::client::Client;
use uuid::Uuid;

use crate::Outcome;

/// Leads written in one transaction, and transactions under way at a time.
const BATCH: usize = 5_000;
const AT_ONCE: usize = 2;

/// The tenant, then of each lead its id, the sealed name, the sealed number, and what the number is found by.
const WRITTEN: &str = "
insert into leads (tenant_id, id, status, source, created_at, name_sealed, phone_sealed, phone_index)
select $1, id, 'contacted', 'import', engine.now(), name, phone, index
  from unnest($2::uuid[], $3::bytea[], $4::bytea[], $5::bytea[]) as new (id, name, phone, index)";

/// Somebody else's for each number below eight million.
pub fn phone(number: usize) -> String {
    format!("+1415{}", 2_000_000 + number)
}

/// Imports those of some numbers; answers the audience that they are.
pub async fn import(client: &Client, numbers: std::ops::Range<usize>) -> Outcome<Value> {
    let many = numbers.len();
    let mut file = String::from("name,phone\n");
    for number in numbers {
        writeln!(file, "Person {number},{}", phone(number))?;
    }
    let import = client.request(Method::POST, "/api/v1/leads/imports");
    let import = client.send(import.header("content-type", "text/csv").body(file)).await?;
    if import["created"] != many {
        return Err(format!("{many} rows came to {import}").into());
    }
    Ok(json!({"filter": {"import_id": import["id"]}}))
}

/// Writes leads of a tenant, each sealed under a key of its own as the product does; answers the audience that they are.
pub async fn write(ctx: &Ctx, many: usize) -> Outcome<Value> {
    let batches = (0..many).step_by(BATCH).map(|first| write_some(ctx, first..many.min(first + BATCH)));
    stream::iter(batches).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
    Ok(json!({"filter": {"status": "contacted"}}))
}

async fn write_some(ctx: &Ctx, numbers: std::ops::Range<usize>) -> Outcome<()> {
    let ids: Vec<Uuid> = numbers.clone().map(|_| ctx.id()).collect();
    let subjects: Vec<SubjectId> = ids.iter().copied().map(SubjectId).collect();
    let mut tx = ctx.begin().await?;
    let keys = Vault::make_subjects(&mut tx, &subjects).await?;
    let index = ctx.platform.vault.tenant_keys(tx.conn(), ctx.tenant).await?;
    let (mut names, mut phones, mut indexes) = (Vec::new(), Vec::new(), Vec::new());
    for (number, id) in numbers.zip(&ids) {
        let seal = |column, text: &str| {
            let place = Place { tenant: ctx.tenant, table: "leads", column, row: *id };
            keys.seal(&ctx.platform, SubjectId(*id), &place, text)
        };
        let phone = phone(number);
        names.push(seal("name_sealed", &format!("Person {number}"))?);
        phones.push(seal("phone_sealed", &phone)?);
        indexes.push(index.index("leads.phone", &phone));
    }
    sqlx::query(WRITTEN)
        .bind(ctx.tenant.0)
        .bind(ids)
        .bind(names)
        .bind(phones)
        .bind(indexes)
        .execute(tx.conn())
        .await?;
    Ok(tx.commit().await?)
}
