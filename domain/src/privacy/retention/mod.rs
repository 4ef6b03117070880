//! How long a tenant keeps what (GDPR Art. 5(1)(e)): people whose leads were closed long ago are erased, and what was
//! written, said and noted is blanked by its age. Legal holds win over all of it. Sessions and the reports of imports have
//! their days among the tenant's settings.
//!
//! [`apply`] goes through what is old enough; `store` says what that is, the same for a dry run and for the deed.

pub mod apply;
mod store;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub use self::store::Aged;
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, FieldError, Result},
    tenancy::TenantTx,
};

/// Days in which somebody may think better of being erased, where the tenant says nothing else.
pub const COOL_OFF_DAYS: i32 = 3;
const LONGEST: i32 = 36_500;

/// How long things are kept; null keeps them until they are deleted otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetentionRules {
    /// Days in which a request to be erased may be withdrawn, 0 to 30; 3 if nobody said another number.
    pub cool_off_days: i32,
    /// The person is erased so many days after their lead was closed and nothing was done with it any more; 30 or more.
    pub closed_leads_days: Option<i32>,
    /// What was written to somebody and what they wrote is blanked after so many days; 7 or more. That it was written
    /// stays, for figures.
    pub messages_days: Option<i32>,
    /// Number, notes and recording of a call; 7 or more.
    pub calls_days: Option<i32>,
    /// Notes on what was done with a lead; 7 or more.
    pub notes_days: Option<i32>,
}

impl Default for RetentionRules {
    fn default() -> Self {
        Self {
            cool_off_days: COOL_OFF_DAYS,
            closed_leads_days: None,
            messages_days: None,
            calls_days: None,
            notes_days: None,
        }
    }
}

/// The rules that hold.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RetentionView {
    pub rules: RetentionRules,
    /// 0 where the product's own hold.
    pub version: i64,
    pub updated_at: Option<DateTime<Utc>>,
}

/// What rules would do now.
#[derive(Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct RetentionPreview {
    /// People who would be erased.
    pub closed_leads: i64,
    /// Messages that would be blanked, those of people included.
    pub messages: i64,
    pub inbound_messages: i64,
    pub calls: i64,
    pub notes: i64,
    /// How many of all these a legal hold keeps.
    pub held: i64,
}

/// # Errors
/// If the permission is missing.
pub async fn get(ctx: &Ctx) -> Result<RetentionView> {
    ctx.require(Permission::PrivacyRead)?;
    let mut tx = ctx.begin().await?;
    read(&mut tx).await
}

/// Puts other rules in the place of those that hold. They are applied within the hour.
///
/// # Errors
/// If a number is out of its bounds, or `If-Match` names another version.
pub async fn replace(ctx: &Ctx, rules: &RetentionRules) -> Result<RetentionView> {
    ctx.require(Permission::PrivacyRetention)?;
    ctx.require_all_rows()?;
    rules.check()?;
    let mut tx = ctx.begin().await?;
    store::make(tx.conn(), ctx.tenant).await?;
    let there = store::lock(tx.conn(), ctx.tenant).await?;
    ctx.expect_version("retention rules", None, there)?;
    store::put(tx.conn(), ctx.tenant, rules).await?;
    let detail = json!(rules);
    tx.audit(&[Entry::new("update", "retention_rules", ctx.tenant).detail(detail).notice()]).await?;
    let view = read(&mut tx).await?;
    tx.commit().await?;
    Ok(view)
}

/// Says what rules would do if they were applied now; nothing is changed.
///
/// # Errors
/// If a number is out of its bounds.
pub async fn preview(ctx: &Ctx, rules: &RetentionRules) -> Result<RetentionPreview> {
    ctx.require(Permission::PrivacyRead)?;
    ctx.require_all_rows()?;
    rules.check()?;
    let mut tx = ctx.begin().await?;
    let mut of = async |aged, days: Option<i32>| -> Result<(i64, i64)> {
        match days {
            Some(days) => store::count(tx.conn(), ctx.tenant, aged, days).await,
            None => Ok((0, 0)),
        }
    };
    let closed = of(Aged::ClosedLeads, rules.closed_leads_days).await?;
    let messages = of(Aged::Messages, rules.messages_days).await?;
    let inbound = of(Aged::Inbound, rules.messages_days).await?;
    let calls = of(Aged::Calls, rules.calls_days).await?;
    let notes = of(Aged::Notes, rules.notes_days).await?;
    Ok(RetentionPreview {
        closed_leads: closed.0,
        messages: messages.0,
        inbound_messages: inbound.0,
        calls: calls.0,
        notes: notes.0,
        held: closed.1 + messages.1 + inbound.1 + calls.1 + notes.1,
    })
}

/// The tenant's days to think.
pub(super) async fn cool_off_days(tx: &mut TenantTx) -> Result<i32> {
    Ok(read(tx).await?.rules.cool_off_days)
}

async fn read(tx: &mut TenantTx) -> Result<RetentionView> {
    let tenant = tx.tenant;
    store::rules(tx.conn(), tenant).await
}

impl RetentionRules {
    fn check(&self) -> Result<()> {
        let bounds = [
            ("/cool_off_days", Some(self.cool_off_days), 0, 30),
            ("/closed_leads_days", self.closed_leads_days, 30, LONGEST),
            ("/messages_days", self.messages_days, 7, LONGEST),
            ("/calls_days", self.calls_days, 7, LONGEST),
            ("/notes_days", self.notes_days, 7, LONGEST),
        ];
        let wrong: Vec<FieldError> = bounds
            .into_iter()
            .filter(|(_, days, least, most)| days.is_some_and(|days| !(*least..=*most).contains(&days)))
            .map(|(at, _, least, most)| FieldError::new(at, format!("{least} to {most} days")))
            .collect();
        if wrong.is_empty() { Ok(()) } else { Err(Error::Invalid(wrong)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_bounds_and_each_that_is_wrong_is_named() {
        let rules = |cool_off_days, closed_leads_days, days| RetentionRules {
            cool_off_days,
            closed_leads_days,
            messages_days: days,
            calls_days: days,
            notes_days: days,
        };
        for (given, wrong) in [
            (RetentionRules::default(), 0),
            (rules(0, Some(30), Some(7)), 0),
            (rules(30, Some(LONGEST), Some(LONGEST)), 0),
            (rules(-1, None, None), 1),
            (rules(31, Some(29), None), 2),
            (rules(3, None, Some(6)), 3),
            (rules(3, Some(LONGEST + 1), Some(LONGEST + 1)), 4),
        ] {
            let found = match given.check() {
                Err(Error::Invalid(fields)) => fields.len(),
                Err(other) => panic!("{other}"),
                Ok(()) => 0,
            };
            assert_eq!(found, wrong, "{given:?}");
        }
    }
}
