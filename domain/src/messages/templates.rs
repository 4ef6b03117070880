//! Commands on templates. A template is never changed: saving under a known name makes a version.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{provider::Channel, store, template};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, FieldError, Result},
    tenancy::{Begun, Once},
    types::{TemplateId, Text},
};

/// What to save. `text` is always needed: every mail has a plain part.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTemplate {
    #[schema(value_type = String)]
    pub name: Text<100>,
    pub channel: Channel,
    pub subject: Option<String>,
    pub text: String,
    pub html: Option<String>,
}

/// A version of a template.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct TemplateView {
    pub id: TemplateId,
    pub name: String,
    pub version: i32,
    pub channel: String,
    pub subject: Option<String>,
    pub text: String,
    pub html: Option<String>,
    pub created_at: DateTime<Utc>,
}

/// # Errors
/// If a part does not parse, or an e-mail has no subject.
pub async fn save(ctx: &Ctx, new: NewTemplate) -> Result<Once<TemplateView>> {
    ctx.require(Permission::TemplatesWrite)?;
    let parts =
        [("/subject", new.subject.as_ref()), ("/text", Some(&new.text)), ("/html", new.html.as_ref())];
    let mut wrong: Vec<FieldError> = parts
        .into_iter()
        .filter_map(|(pointer, source)| Some(FieldError::new(pointer, template::parse(source?).err()?)))
        .collect();
    if new.subject.as_deref().is_none_or(|subject| subject.trim().is_empty()) {
        wrong.push(FieldError::new("/subject", "an e-mail needs a subject"));
    }
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let id = TemplateId(ctx.id());
    store::insert_template(keyed.tx.conn(), ctx.tenant, id, &new).await?;
    keyed.tx.audit(&[Entry::new("create", "template", id)]).await?;
    let view = store::templates(keyed.tx.conn(), ctx.tenant, Some(id), None, 1).await?.pop();
    let view = view.ok_or_else(|| Error::internal("a template just saved is not there"))?;
    keyed.commit(view, 201, format!("/api/v1/communication/templates/{id}")).await
}

/// Newest first, those with ids below `before`.
///
/// # Errors
/// If the permission is missing or the database does not answer.
pub async fn list(ctx: &Ctx, before: Option<TemplateId>, limit: i64) -> Result<Vec<TemplateView>> {
    ctx.require(Permission::TemplatesRead)?;
    let mut tx = ctx.begin().await?;
    store::templates(tx.conn(), ctx.tenant, None, before, limit).await
}

/// # Errors
/// If there is no such template.
pub async fn get(ctx: &Ctx, id: TemplateId) -> Result<TemplateView> {
    ctx.require(Permission::TemplatesRead)?;
    let mut tx = ctx.begin().await?;
    store::templates(tx.conn(), ctx.tenant, Some(id), None, 1).await?.pop().ok_or(Error::NotFound("template"))
}
