//! What a tenant says of the attributes of its leads: their types, who sees them, and whether leads are found by them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{columns, store, terms, values::AttributeType};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, FieldError, Result},
    tenancy::{Begun, Once, TenantTx},
    types::{AttributeId, Text},
};

/// The most attributes that a tenant defines.
const MOST: i64 = 100;
const MOST_CHOICES: usize = 200;

/// What is said of an attribute.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAttribute {
    /// As in a lead's `attributes` and in the first line of a file. It stays as it is.
    #[schema(value_type = String)]
    pub name: Text<100>,
    /// It stays as it is.
    #[serde(rename = "type")]
    pub kind: AttributeType,
    /// 1 to 200 for `choice`, none for others.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub choices: Vec<Text<100>>,
    /// Whether only whoever may see personal data sees it; so if not said. `false` needs `personal:read`.
    #[serde(default = "yes")]
    #[schema(required = false)]
    pub personal: bool,
    /// Whether leads are found by `attr.<name>=<value>`. Whoever gets at the database can then see which leads share a
    /// value, so what is personal and has few values is not searchable.
    #[serde(default)]
    pub searchable: bool,
    /// Whether every new lead needs it.
    #[serde(default)]
    pub required: bool,
}

fn yes() -> bool {
    true
}

/// What is said of an attribute, as its tenant sees it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AttributeView {
    pub id: AttributeId,
    pub name: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub choices: Vec<String>,
    pub personal: bool,
    pub searchable: bool,
    pub required: bool,
    pub version: i64,
    pub created_at: DateTime<Utc>,
}

impl NewAttribute {
    fn check(&self) -> Result<()> {
        let mut wrong = Vec::new();
        if columns::is_known(self.name.as_str()) {
            wrong.push(FieldError::new("/name", "leads have a field of this name; choose another"));
        }
        let fits = match self.kind {
            AttributeType::Choice => (1..=MOST_CHOICES).contains(&self.choices.len()),
            _ => self.choices.is_empty(),
        };
        if !fits {
            wrong.push(FieldError::new("/choices", "1 to 200 for `choice`, none for others"));
        }
        if self.personal
            && self.searchable
            && matches!(self.kind, AttributeType::Bool | AttributeType::Choice)
        {
            let detail = "what is personal and has few values could be guessed from how often each is there; make it \
                          not personal, or not searchable";
            wrong.push(FieldError::new("/searchable", detail));
        }
        if wrong.is_empty() { Ok(()) } else { Err(Error::Invalid(wrong)) }
    }
}

/// What is said of attributes is about all leads, and one that is not personal is shown to everybody who sees a lead.
fn require(ctx: &Ctx, new: Option<&NewAttribute>) -> Result<()> {
    ctx.require(Permission::AttributesWrite)?;
    ctx.require_all_rows()?;
    if new.is_some_and(|new| !new.personal) {
        ctx.require(Permission::PersonalRead)?;
    }
    Ok(())
}

/// Defines an attribute. What leads have of it already stays.
///
/// # Errors
/// If the name is taken, something about it does not fit, or it would show what the caller may not see.
pub async fn create(ctx: &Ctx, new: NewAttribute) -> Result<Once<AttributeView>> {
    require(ctx, Some(&new))?;
    new.check()?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let tx = &mut keyed.tx;
    terms::hold_alone(tx).await?;
    if store::count_definitions(tx.conn(), ctx.tenant).await? >= MOST {
        return Err(Error::conflict("too-many-attributes", "100 attributes are defined; delete one first"));
    }
    let id = AttributeId(ctx.id());
    if !store::insert_definition(tx.conn(), ctx.tenant, id, &new).await? {
        return Err(Error::conflict("name-taken", "an attribute of this name is defined; choose another"));
    }
    if new.searchable {
        terms::index_all(tx).await?;
    }
    tx.audit(&[Entry::new("create", "attribute", id)]).await?;
    let view = find(tx, id).await?;
    keyed.commit(view, 201, format!("/api/v1/leads/attributes/{id}")).await
}

/// Newest first, those with ids below `before`.
///
/// # Errors
/// If the permission is missing or the database does not answer.
pub async fn list(ctx: &Ctx, before: Option<AttributeId>, limit: i64) -> Result<Vec<AttributeView>> {
    ctx.require(Permission::AttributesRead)?;
    let mut tx = ctx.begin().await?;
    store::definition_views(tx.conn(), ctx.tenant, None, before, limit).await
}

/// # Errors
/// If there is no such attribute.
pub async fn get(ctx: &Ctx, id: AttributeId) -> Result<AttributeView> {
    ctx.require(Permission::AttributesRead)?;
    let mut tx = ctx.begin().await?;
    find(&mut tx, id).await
}

/// Says something else of an attribute. What leads have of it already stays, and is looked at when they are changed.
///
/// # Errors
/// If there is no such attribute, it would get another name or type, or it would show what the caller may not see.
pub async fn replace(ctx: &Ctx, id: AttributeId, new: NewAttribute) -> Result<AttributeView> {
    require(ctx, Some(&new))?;
    new.check()?;
    let mut tx = ctx.begin().await?;
    terms::hold_alone(&mut tx).await?;
    let before = find(&mut tx, id).await?;
    ctx.expect_version("attribute", None, before.version)?;
    let stays = "it stays as it is; define another attribute and delete this one";
    if before.name != new.name.as_str() {
        return Err(Error::invalid("/name", stays));
    }
    if before.kind != new.kind.as_str() {
        return Err(Error::invalid("/type", stays));
    }
    store::update_definition(tx.conn(), ctx.tenant, id, &new).await?;
    // Which values are found follows from the choices too: one that is none of them has no normal form.
    let view = find(&mut tx, id).await?;
    if before.searchable != view.searchable || (view.searchable && before.choices != view.choices) {
        terms::index_all(&mut tx).await?;
    }
    tx.audit(&[Entry::new("update", "attribute", id)]).await?;
    tx.commit().await?;
    Ok(view)
}

/// Takes back what was said of an attribute. What leads have of it stays, as an attribute of which nothing is said.
///
/// # Errors
/// If there is no such attribute.
pub async fn delete(ctx: &Ctx, id: AttributeId) -> Result<()> {
    require(ctx, None)?;
    let mut tx = ctx.begin().await?;
    terms::hold_alone(&mut tx).await?;
    let before = find(&mut tx, id).await?;
    ctx.expect_version("attribute", None, before.version)?;
    store::delete_definition(tx.conn(), ctx.tenant, id).await?;
    if before.searchable {
        terms::index_all(&mut tx).await?;
    }
    tx.audit(&[Entry::new("delete", "attribute", id)]).await?;
    tx.commit().await
}

async fn find(tx: &mut TenantTx, id: AttributeId) -> Result<AttributeView> {
    let tenant = tx.tenant;
    let found = store::definition_views(tx.conn(), tenant, Some(id), None, 1).await?.pop();
    found.ok_or(Error::NotFound("attribute"))
}
