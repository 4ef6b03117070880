//! Who was affected between two moments: what has to be said of a breach (GDPR Art. 33(3) and 34).
//!
//! Read and exported is what was opened for somebody ([`super::reads`]), to the hour; changed is what the audit log says
//! was done to somebody, by itself, with many at once or by an import, or to a message, a call or a note of theirs. Whoever was shown a masked value counts as read: what
//! else of them was on the page is not known here.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::{known, store::breach as store};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, Result},
    privacy::manifest::Who,
    tenancy::store::{PATIENCE_OVER_SPANS, as_of_one_moment, give_up_after},
};

/// The longest range, in days: a breach is looked for from when it began to when it ended.
const LONGEST: i64 = 92;
/// Actors that are named.
const MOST: i64 = 50;

/// Which time, and whose deeds.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    pub from: DateTime<Utc>,
    /// Before this instant.
    pub until: DateTime<Utc>,
    /// A user, a key or an operator; all if none.
    pub actor: Option<Uuid>,
}

/// Whose data was read, exported or changed.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct BreachView {
    pub from: DateTime<Utc>,
    pub until: DateTime<Utc>,
    pub actor_id: Option<Uuid>,
    /// How many, each once.
    pub people: i64,
    /// Of them, whose data somebody was shown.
    pub read: i64,
    /// Whose data somebody took out as a file.
    pub exported: i64,
    /// About whom something was changed.
    pub changed: i64,
    /// Categories of people, with how many of them.
    pub categories: Vec<PeopleCategory>,
    /// Who did it, by how many people each reached; the first 50.
    pub actors: Vec<BreachActor>,
    /// Reads that could not be noted by name, for there were too many at once: the number of people is a lower bound if it
    /// is not 0.
    pub missed: i64,
    /// The day of the oldest read that is still written down: before it only changes are known.
    pub reads_known_since: Option<DateTime<Utc>>,
    /// Months of the range, by their first days, whose audit log lies in the archive by now. Changes of these months are
    /// not counted, nor who made them: look through the archive for them.
    pub changes_archived: Vec<NaiveDate>,
}

/// People of one kind.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct PeopleCategory {
    /// `leads`, `staff` (users and agents) or `others`: who wrote or called and is no lead, and who was deleted since.
    pub category: &'static str,
    pub people: i64,
    /// What is held of people of this kind, sealed: what they may have to be told of.
    pub data: Vec<&'static str>,
}

/// Somebody who did it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct BreachActor {
    /// `user`, `api_key`, `operator` or `system`.
    pub actor_kind: String,
    pub actor_id: Option<Uuid>,
    pub people: i64,
    pub read: i64,
    pub exported: i64,
    pub changed: i64,
    /// Of the range; of what was read on a day before and after it, the range's bounds.
    pub first_at: DateTime<Utc>,
    pub last_at: DateTime<Utc>,
}

/// Somebody whose data it was.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Affected {
    /// The id of the lead, user or agent; of others, the one under whose key their data lies.
    pub subject_id: Uuid,
    /// `lead`, `user`, `agent` or `other`.
    pub kind: String,
    pub read: bool,
    pub exported: bool,
    pub changed: bool,
    pub first_at: DateTime<Utc>,
    pub last_at: DateTime<Utc>,
}

/// The numbers over a range, all as of one moment. That it was asked for is written down.
///
/// # Errors
/// If the permission is missing, only some rows are seen, or the range is longer than 92 days or holds so much that it
/// takes longer than ten seconds.
pub async fn look(ctx: &Ctx, range: &Range) -> Result<BreachView> {
    allowed(ctx, range)?;
    told(ctx, range, "breach").await?;
    let mut tx = ctx.begin().await?;
    as_of_one_moment(tx.conn()).await?;
    give_up_after(tx.conn(), PATIENCE_OVER_SPANS).await?;
    let totals = store::totals(tx.conn(), ctx.tenant, range).await?;
    let actors = store::actors(tx.conn(), ctx.tenant, range, MOST).await?;
    let gaps = store::gaps(tx.conn(), ctx.tenant, range).await?;
    tx.commit().await?;
    let categories = [
        ("leads", totals.leads, Who::Contacts),
        ("staff", totals.staff, Who::Staff),
        ("others", totals.people - totals.leads - totals.staff, Who::Contacts),
    ];
    let named = |(category, people, who)| PeopleCategory { category, people, data: known::held_of(who) };
    Ok(BreachView {
        from: range.from,
        until: range.until,
        actor_id: range.actor,
        people: totals.people,
        read: totals.read,
        exported: totals.exported,
        changed: totals.changed,
        categories: categories.into_iter().filter(|(_, people, _)| *people > 0).map(named).collect(),
        actors,
        missed: gaps.missed,
        reads_known_since: gaps.reads_known_since,
        changes_archived: gaps.archived,
    })
}

/// Where a list of people goes on: the moment at which its first page was asked for, and the last one that was told.
pub type PeoplePlace = (DateTime<Utc>, Uuid);

/// The people themselves, by their ids, those after one. All pages of a list are as of the moment of its first one, which is
/// answered with them: what happens while somebody turns pages is in none of them. Reads are known to the hour, so that one of
/// the hour of that moment may still come in.
///
/// # Errors
/// As [`look`].
pub async fn people(
    ctx: &Ctx,
    range: &Range,
    after: Option<PeoplePlace>,
    limit: i64,
) -> Result<(DateTime<Utc>, Vec<Affected>)> {
    allowed(ctx, range)?;
    if after.is_none() {
        told(ctx, range, "breach_people").await?;
    }
    let mut tx = ctx.begin().await?;
    let as_of = match after {
        Some((as_of, _)) => as_of,
        None => store::this_moment(tx.conn()).await?,
    };
    let range = Range { until: range.until.min(as_of), ..*range };
    if range.until <= range.from {
        return Ok((as_of, Vec::new()));
    }
    give_up_after(tx.conn(), PATIENCE_OVER_SPANS).await?;
    let after = after.map(|(_, subject)| subject);
    Ok((as_of, store::people(tx.conn(), ctx.tenant, &range, after, limit).await?))
}

fn allowed(ctx: &Ctx, range: &Range) -> Result<()> {
    ctx.require(Permission::ComplianceBreach)?;
    ctx.require_all_rows()?;
    if range.until > range.from && range.until - range.from <= TimeDelta::days(LONGEST) {
        return Ok(());
    }
    Err(Error::invalid("?from", "a range of 92 days at most, and `until` after it"))
}

async fn told(ctx: &Ctx, range: &Range, what: &'static str) -> Result<()> {
    let detail = json!({ "from": range.from, "until": range.until, "actor_id": range.actor });
    crate::audit::record(ctx, Entry::new("read", what, "").detail(detail)).await
}
