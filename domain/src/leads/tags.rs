//! Tags of single leads, put on and taken off. Those that differ only in their case or accents are the same.

use std::{collections::HashSet, slice};

use serde::Deserialize;

use super::{
    commands,
    lead::{LeadView, MOST_TAGS},
    store::{self, Parts},
    terms::{Plan, Terms, fold},
};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, Result},
    events::{Event, EventType},
    tenancy::TenantTx,
    types::{LeadId, Text},
};

/// Tags to be put on a lead.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTags {
    /// At most 50, as many as a lead has.
    #[schema(value_type = Vec<String>)]
    pub tags: Vec<Text<50>>,
}

/// Puts tags on a lead; those it has already stay as they are.
///
/// # Errors
/// If there are too many, there is no such lead, or it would have too many.
pub async fn add(ctx: &Ctx, id: LeadId, new: &NewTags) -> Result<LeadView> {
    ctx.require(Permission::LeadsWrite)?;
    if new.tags.len() > MOST_TAGS {
        return Err(Error::invalid("/tags", "at most 50 tags at a time"));
    }
    let mut tx = ctx.begin().await?;
    let held = store::lock_tags(tx.conn(), ctx.tenant, id, ctx.rows).await?;
    let mut tags = held.ok_or(Error::NotFound("lead"))?;
    let before = tags.len();
    put_on(&mut tags, new.tags.iter().map(Text::as_str));
    if tags.len() > MOST_TAGS {
        return Err(Error::invalid("/tags", "a lead has at most 50 tags; take some off first"));
    }
    if tags.len() > before {
        write(ctx, &mut tx, id, &tags).await?;
    }
    tx.commit().await?;
    commands::only(ctx, id).await
}

/// Takes a tag off a lead.
///
/// # Errors
/// If there is no such lead, or it has no such tag.
pub async fn remove(ctx: &Ctx, id: LeadId, tag: &Text<50>) -> Result<()> {
    ctx.require(Permission::LeadsWrite)?;
    let mut tx = ctx.begin().await?;
    let held = store::lock_tags(tx.conn(), ctx.tenant, id, ctx.rows).await?;
    let mut tags = held.ok_or(Error::NotFound("lead"))?;
    let before = tags.len();
    take_off(&mut tags, slice::from_ref(tag));
    if tags.len() == before {
        return Err(Error::NotFound("tag"));
    }
    write(ctx, &mut tx, id, &tags).await?;
    tx.commit().await
}

/// Puts tags to others, but those that are there already.
pub(super) fn put_on<'t>(tags: &mut Vec<String>, new: impl IntoIterator<Item = &'t str>) {
    let mut known: HashSet<String> = tags.iter().map(|tag| fold(tag)).collect();
    for tag in new {
        if known.insert(fold(tag)) {
            tags.push(tag.to_owned());
        }
    }
}

/// Takes tags away from others.
pub(super) fn take_off(tags: &mut Vec<String>, old: &[Text<50>]) {
    let old: HashSet<String> = old.iter().map(|tag| fold(tag.as_str())).collect();
    tags.retain(|known| !old.contains(&fold(known)));
}

async fn write(ctx: &Ctx, tx: &mut TenantTx, id: LeadId, tags: &[String]) -> Result<()> {
    store::set_tags(tx.conn(), ctx.tenant, id, tags).await?;
    let index = ctx.platform.vault.tenant_keys(tx.conn(), ctx.tenant).await?;
    let plan = Plan::default();
    let mut terms = Terms::new(&index, &plan);
    terms.add_tags(id, tags.iter().map(String::as_str));
    store::put_terms(tx.conn(), ctx.tenant, &[id], Parts::TAGS, &terms.into_made()).await?;
    tx.audit(&[Entry::new("update", "lead", id)]).await?;
    tx.emit(&[Event::new(EventType::LeadUpdated, "lead", id)]).await
}
