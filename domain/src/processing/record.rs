//! The record of processing activities (GDPR Art. 30): what the product knows of its own processing, and what the tenant
//! adds, who alone knows its purposes, its legal bases and who it is.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    known::{self, KnownActivity},
    store::record as store,
};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, FieldError, Result},
    tenancy::TenantTx,
    types::TenantId,
    vault::{Place, Vault},
};

/// Signs of a text, items of a list, and bytes of the whole.
const LONGEST: usize = 1_000;
const MOST: usize = 100;
const WHOLE: usize = 256 * 1024;

/// What a tenant says of its processing.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ProcessingAdded {
    /// Who decides about the processing (Art. 30(1)(a)), with whoever does so together with them.
    pub controllers: Vec<Party>,
    /// Of a controller outside of the Union (Art. 27).
    pub representative: Option<Party>,
    pub data_protection_officer: Option<Party>,
    /// What is done besides what the product knows, or what is to be said of that in the tenant's words.
    pub activities: Vec<Activity>,
    /// Technical and organisational measures besides the product's (Art. 30(1)(g)).
    pub measures: Vec<String>,
}

/// Somebody who answers for it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Party {
    pub name: String,
    #[serde(default)]
    pub address: Option<String>,
    /// How they are reached: a number, or an e-mail address.
    #[serde(default)]
    pub contact: Option<String>,
}

/// Something that is done with personal data.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Activity {
    pub name: String,
    /// Art. 30(1)(b).
    pub purposes: Vec<String>,
    /// Art. 6(1).
    #[serde(default)]
    pub legal_basis: Option<String>,
    /// Categories of people (Art. 30(1)(c)).
    #[serde(default)]
    pub people: Vec<String>,
    /// Categories of data (Art. 30(1)(c)).
    #[serde(default)]
    pub data: Vec<String>,
    /// Who gets it (Art. 30(1)(d)).
    #[serde(default)]
    pub recipients: Vec<String>,
    #[serde(default)]
    pub transfers: Vec<Transfer>,
    /// How long it is kept (Art. 30(1)(f)).
    #[serde(default)]
    pub kept: Option<String>,
    #[serde(default)]
    pub measures: Vec<String>,
}

/// Data that leaves the Union (Art. 30(1)(e)).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Transfer {
    /// The country or organisation.
    pub to: String,
    /// Which decision or safeguard allows it (Art. 45 to 49).
    pub safeguard: String,
}

/// The whole record.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ProcessingRecord {
    pub added: ProcessingAdded,
    /// What the product does, by purpose.
    pub known: Vec<KnownActivity>,
    /// Who carries the tenant's messages: the providers that are set up.
    pub carriers: Vec<Carrier>,
    /// How many servers outside are told what happens, by webhooks.
    pub webhooks: i64,
    /// What the product does to protect data.
    #[schema(value_type = Vec<String>)]
    pub known_measures: &'static [&'static str],
    /// 0 if nothing was added yet.
    pub version: i64,
    pub updated_at: Option<DateTime<Utc>>,
}

/// A kind of provider.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Carrier {
    pub kind: String,
    pub channel: String,
}

/// The record as it stands.
///
/// # Errors
/// If the permission is missing, the database does not answer, or what was added cannot be opened.
pub async fn get(ctx: &Ctx) -> Result<ProcessingRecord> {
    ctx.require(Permission::ProcessingRead)?;
    let mut tx = ctx.begin().await?;
    read(&mut tx).await
}

/// The same for whoever takes it out as a page; that is written down.
///
/// # Errors
/// As [`get`].
pub async fn export(ctx: &Ctx) -> Result<ProcessingRecord> {
    ctx.require(Permission::ProcessingRead)?;
    let mut tx = ctx.begin().await?;
    let record = read(&mut tx).await?;
    let detail = json!({ "version": record.version });
    tx.audit(&[Entry::new("export", "processing_record", ctx.tenant).detail(detail)]).await?;
    tx.commit().await?;
    Ok(record)
}

/// Puts something else in the place of what was added.
///
/// # Errors
/// If a value is out of its bounds, or the record was changed since it was read.
pub async fn put(ctx: &Ctx, added: ProcessingAdded) -> Result<ProcessingRecord> {
    ctx.require(Permission::ProcessingWrite)?;
    let value = serde_json::to_value(&added).map_err(Error::internal)?;
    check(&value)?;
    let mut tx = ctx.begin().await?;
    let (id, there) = store::lock(tx.conn(), ctx.tenant, ctx.id()).await?;
    ctx.expect_version("record of processing", None, there)?;
    let keys = Vault::to_seal(&mut tx, 1).await?;
    let sealed = keys.seal(&ctx.platform, &place(ctx.tenant, id), value.to_string().as_bytes());
    store::update(tx.conn(), ctx.tenant, &sealed).await?;
    // It may name people, so the log says only how much there is.
    let detail = json!({ "activities": added.activities.len(), "version": there + 1 });
    tx.audit(&[Entry::new("update", "processing_record", ctx.tenant).detail(detail)]).await?;
    let record = read(&mut tx).await?;
    tx.commit().await?;
    Ok(record)
}

async fn read(tx: &mut TenantTx) -> Result<ProcessingRecord> {
    let (tenant, platform) = (tx.tenant, tx.platform.clone());
    let row = store::record(tx.conn(), tenant).await?;
    let (added, version, updated_at) = match row {
        Some(row) => {
            let sealed = [row.record_sealed.as_slice()];
            let keys = platform.vault.tenant_keys_for(tx.conn(), tenant, sealed).await?;
            let plain = keys.open(&place(tenant, row.id), &row.record_sealed)?;
            let added = serde_json::from_slice(&plain).map_err(Error::internal)?;
            (added, row.version, Some(row.updated_at))
        }
        None => (ProcessingAdded::default(), 0, None),
    };
    let carriers = store::carriers(tx.conn(), tenant).await?;
    Ok(ProcessingRecord {
        added,
        known: known::activities(),
        carriers: carriers.into_iter().map(|(kind, channel)| Carrier { kind, channel }).collect(),
        webhooks: store::webhooks(tx.conn(), tenant).await?,
        known_measures: known::MEASURES,
        version,
        updated_at,
    })
}

fn place(tenant: TenantId, row: Uuid) -> Place {
    Place { tenant, table: "processing_records", column: "record_sealed", row }
}

/// Names what is too long, too much or says nothing.
fn check(added: &Value) -> Result<()> {
    let mut wrong = Vec::new();
    if added.to_string().len() > WHOLE {
        wrong.push(FieldError::new("", "at most 256 KiB in all"));
    }
    walk(added, "", &mut wrong);
    wrong.truncate(20);
    if wrong.is_empty() { Ok(()) } else { Err(Error::Invalid(wrong)) }
}

fn walk(value: &Value, at: &str, wrong: &mut Vec<FieldError>) {
    let why = match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                walk(value, &format!("{at}/{name}"), wrong);
            }
            return;
        }
        Value::Array(items) if items.len() <= MOST => {
            for (number, value) in items.iter().enumerate() {
                walk(value, &format!("{at}/{number}"), wrong);
            }
            return;
        }
        Value::Array(_) => "at most 100",
        Value::String(text) if text.trim().is_empty() => "write something here, or leave it out",
        Value::String(text) if text.chars().nth(LONGEST).is_some() => "at most 1000 characters",
        Value::String(text) if text.chars().any(|sign| sign.is_control() && sign != '\n') => {
            "remove the control characters"
        }
        _ => return,
    };
    wrong.push(FieldError::new(at, why));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_nothing_or_too_much_is_named_by_its_place() {
        let activity = |name: &str| json!({"name": name, "purposes": ["to call back"]});
        for (added, pointer) in [
            (json!({"activities": [activity("calls"), activity(" ")]}), "/activities/1/name"),
            (json!({"controllers": [{"name": "x".repeat(1001)}]}), "/controllers/0/name"),
            (json!({"measures": ["a\u{7}"]}), "/measures/0"),
            (json!({"measures": vec!["a"; 101]}), "/measures"),
        ] {
            let typed: ProcessingAdded = serde_json::from_value(added).expect("in form");
            let Err(Error::Invalid(wrong)) = check(&serde_json::to_value(&typed).expect("JSON")) else {
                panic!("{pointer} was taken");
            };
            assert_eq!(wrong.len(), 1);
            assert_eq!(wrong[0].pointer, pointer);
        }
        let whole = json!({"activities": [activity("calls")], "measures": ["two\nlines"]});
        assert!(check(&whole).is_ok());
        assert!(serde_json::from_value::<ProcessingAdded>(json!({"activity": []})).is_err());
    }
}
