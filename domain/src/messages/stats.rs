//! Figures of messages, each with what it is a share of.
//!
//! Counted by the quarter hour in which a message was accepted by us, and told by the hour. What changes is written beside what it changes, as
//! differences (`migrations/0017_sending.sql`), so the figures are those of the rows at every moment; upkeep adds the
//! differences up.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::{
    provider::Channel,
    rules::{FailureKind, Purpose, Status},
    store::{self, CountRow},
};
use crate::{
    Ctx,
    access::permission::Permission,
    ctx::Platform,
    error::{Error, Result},
    tenancy::SystemTx,
    types::{ProviderId, TemplateId, TenantId},
};

/// What figures are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = MessageStatsDimension)]
pub enum Dimension {
    Hour,
    Channel,
    Provider,
    Template,
    Purpose,
}

/// Which messages, and what they are told apart by.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The first hour.
    pub from: DateTime<Utc>,
    /// Before this hour.
    pub until: DateTime<Utc>,
    pub by: Vec<Dimension>,
    pub channel: Option<Channel>,
    pub provider: Option<ProviderId>,
    pub template: Option<TemplateId>,
    pub purpose: Option<Purpose>,
}

/// What one group of messages has come to.
#[derive(Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct MessageFigures {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hour: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<ProviderId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template_id: Option<TemplateId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// All that were asked for.
    pub messages: i64,
    /// By status; a status that none has is left out.
    pub statuses: BTreeMap<String, i64>,
    /// Those that a provider took: sent, delivered, read or bounced.
    pub accepted: i64,
    /// Those that arrived: delivered or read.
    pub delivered: i64,
    /// Delivered of accepted, 0 to 1; null if none was accepted.
    pub delivered_of_accepted: Option<f64>,
    /// Read of delivered; null if none was delivered.
    pub read_of_delivered: Option<f64>,
    /// Bounced of accepted; null if none was accepted.
    pub bounced_of_accepted: Option<f64>,
    pub failures: Vec<FailureFigure>,
}

/// Failures of one kind and code.
#[derive(Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct FailureFigure {
    pub status: String,
    pub kind: Option<FailureKind>,
    pub code: Option<String>,
    pub messages: i64,
}

/// The longest range, by the hour and otherwise.
const LONGEST_BY_HOUR: TimeDelta = TimeDelta::days(31);
const LONGEST: TimeDelta = TimeDelta::days(366);
/// Rows that are looked at for one answer.
const MOST: usize = 20_000;
/// Changes that are added up in one transaction.
const BATCH: i64 = 5_000;

/// The figures of a range of hours, in the order of what they are told apart by.
///
/// # Errors
/// If a permission is missing, the range is too long or empty, or there are too many groups.
pub async fn figures(ctx: &Ctx, wanted: &Wanted) -> Result<Vec<MessageFigures>> {
    ctx.require(Permission::MessageStatsRead)?;
    ctx.require_all_rows()?;
    let range = wanted.until - wanted.from;
    let longest = if wanted.by.contains(&Dimension::Hour) { LONGEST_BY_HOUR } else { LONGEST };
    if range <= TimeDelta::zero() {
        return Err(Error::invalid("?until", "after `from`"));
    }
    // `from` is the beginning of its hour.
    if range > longest + TimeDelta::hours(1) {
        return Err(Error::invalid("?until", format!("at most {} days after `from`", longest.num_days())));
    }
    let mut tx = ctx.begin().await?;
    let limit = i64::try_from(MOST + 1).unwrap_or(i64::MAX);
    let rows = store::counts(tx.conn(), ctx.tenant, wanted, limit).await?;
    if rows.len() > MOST {
        return Err(Error::invalid(
            "?by",
            "these are too many groups; shorten the range, or name a channel or provider",
        ));
    }
    Ok(grouped(rows))
}

/// How many messages of a tenant were asked for in a range of hours.
pub(crate) async fn asked_for(
    conn: &mut PgConnection,
    tenant: TenantId,
    (from, until): (DateTime<Utc>, DateTime<Utc>),
) -> Result<i64> {
    let wanted =
        Wanted { from, until, by: Vec::new(), channel: None, provider: None, template: None, purpose: None };
    let limit = i64::try_from(MOST).unwrap_or(i64::MAX);
    Ok(store::counts(conn, tenant, &wanted, limit).await?.iter().map(|row| row.n).sum())
}

/// Adds up what has changed, a batch at a time. Answers how many changes there were; none when nothing is left.
///
/// # Errors
/// If the database refuses.
pub async fn add_up(platform: &Platform) -> Result<u64> {
    let mut tx = SystemTx::begin(&platform.engine).await?;
    let taken = store::add_up(tx.conn(), BATCH).await?;
    tx.commit().await?;
    Ok(taken)
}

/// Rows come in the order of their groups.
fn grouped(rows: Vec<CountRow>) -> Vec<MessageFigures> {
    let mut groups: Vec<MessageFigures> = Vec::new();
    for row in rows {
        let same = |group: &MessageFigures| {
            (group.hour, &group.channel, group.provider_id, group.template_id, &group.purpose)
                == (row.hour, &row.channel, row.provider_id, row.template_id, &row.purpose)
        };
        if !groups.last().is_some_and(same) {
            groups.push(MessageFigures {
                hour: row.hour,
                channel: row.channel.clone(),
                provider_id: row.provider_id,
                template_id: row.template_id,
                purpose: row.purpose.clone(),
                ..MessageFigures::default()
            });
        }
        if let Some(group) = groups.last_mut() {
            group.add(row);
        }
    }
    for group in &mut groups {
        group.relate();
    }
    groups
}

impl MessageFigures {
    fn add(&mut self, row: CountRow) {
        self.messages += row.n;
        *self.statuses.entry(row.status.clone()).or_default() += row.n;
        if row.failure.is_some() {
            let kind = row.failure.as_deref().and_then(FailureKind::stored);
            self.failures.push(FailureFigure { status: row.status, kind, code: row.code, messages: row.n });
        }
    }

    fn relate(&mut self) {
        let of = |status: Status| self.statuses.get(status.as_str()).copied().unwrap_or_default();
        let (read, bounced) = (of(Status::Read), of(Status::Bounced));
        self.delivered = of(Status::Delivered) + read;
        self.accepted = of(Status::Sent) + self.delivered + bounced;
        self.delivered_of_accepted = share(self.delivered, self.accepted);
        self.read_of_delivered = share(read, self.delivered);
        self.bounced_of_accepted = share(bounced, self.accepted);
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of messages are far below 2^52")]
fn share(part: i64, whole: i64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(channel: &str, status: &str, failure: Option<&str>, n: i64) -> CountRow {
        CountRow {
            hour: None,
            channel: Some(channel.into()),
            provider_id: None,
            template_id: None,
            purpose: None,
            status: status.into(),
            failure: failure.map(Into::into),
            code: failure.map(|_| "30005".into()),
            n,
        }
    }

    #[test]
    fn a_rate_says_what_it_is_a_share_of_and_is_null_over_nothing() {
        let groups = grouped(vec![
            row("email", "failed", Some("permanent"), 2),
            row("email", "queued", None, 1),
            row("sms", "bounced", Some("permanent"), 1),
            row("sms", "delivered", None, 5),
            row("sms", "read", None, 1),
            row("sms", "sent", None, 3),
        ]);
        let [mail, sms] = groups.as_slice() else { panic!("two groups: {groups:?}") };
        assert_eq!((mail.messages, mail.accepted, mail.delivered_of_accepted), (3, 0, None));
        let failures = [FailureFigure {
            status: "failed".into(),
            kind: Some(FailureKind::Permanent),
            code: Some("30005".into()),
            messages: 2,
        }];
        assert_eq!(mail.failures, failures);
        assert_eq!((sms.messages, sms.accepted, sms.delivered), (10, 10, 6));
        assert_eq!(sms.delivered_of_accepted, Some(0.6));
        assert_eq!(sms.bounced_of_accepted, Some(0.1));
        assert_eq!(sms.read_of_delivered, Some(1.0 / 6.0));
    }
}
