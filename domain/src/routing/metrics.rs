//! What scoring and routing come to over a range of time.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::store;
use crate::{
    Ctx,
    access::permission::Permission,
    error::{Error, Result},
    tenancy::store::{PATIENCE_OVER_SPANS, give_up_after},
    types::RuleId,
};

/// The longest range, in days.
const LONGEST: i64 = 92;
/// Combinations of rule, strategy and outcome that are named.
const MOST: i64 = 500;

/// The figures of a range, half open.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct AutomationMetrics {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    /// Leads that were made in the range and have a score, by tenths of it: always ten.
    pub scores: Vec<ScoreTenth>,
    /// What became of leads in the range, the most frequent first; the first 500.
    pub routings: Vec<RoutingCount>,
    pub waiting: WaitingTimes,
}

/// Leads whose score is in one tenth.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ScoreTenth {
    /// From this score.
    pub from: i32,
    /// Below this one; the last tenth holds 100 too.
    pub to: i32,
    pub leads: i64,
    /// Those of them that are converted now.
    pub converted: i64,
    /// Converted ÷ leads; null where there are none.
    pub conversion: Option<f64>,
}

/// How often something became of a lead.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct RoutingCount {
    /// Null of what was asked for by hand.
    pub rule_id: Option<RuleId>,
    /// Null where no rule decided.
    pub strategy: Option<String>,
    /// `assigned`, `queued`, `overflowed` or `no_rule`.
    pub outcome: String,
    pub count: i64,
}

/// How long leads waited that were given to somebody in the range.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct WaitingTimes {
    /// How many were given to somebody.
    pub assigned: i64,
    /// Those of them that had waited in a queue; the others had not waited at all.
    pub waited: i64,
    /// Half of those assigned had waited for at most so many seconds; null if none was.
    pub p50_s: Option<f64>,
    /// The same for 95 of 100.
    pub p95_s: Option<f64>,
}

/// The figures of a range.
///
/// # Errors
/// If the caller sees only some leads, or the range is empty or longer than 92 days.
pub async fn metrics(ctx: &Ctx, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<AutomationMetrics> {
    ctx.require(Permission::AutomationRead)?;
    ctx.require_all_rows()?;
    if from >= to || to - from > TimeDelta::days(LONGEST) {
        return Err(Error::invalid("?from", format!("before `to`, and at most {LONGEST} days")));
    }
    let (tenant, range) = (ctx.tenant, (from, to));
    let mut tx = ctx.begin().await?;
    give_up_after(tx.conn(), PATIENCE_OVER_SPANS).await?;
    let tenths = store::scores(tx.conn(), tenant, range).await?;
    Ok(AutomationMetrics {
        from,
        to,
        scores: histogram(&tenths),
        routings: store::counts(tx.conn(), tenant, range, MOST).await?,
        waiting: store::waiting_times(tx.conn(), tenant, range).await?,
    })
}

/// All ten, those without leads too.
fn histogram(tenths: &[(i32, i64, i64)]) -> Vec<ScoreTenth> {
    let tenth = |number: i32| {
        let found = tenths.iter().find(|(at, ..)| *at == number);
        let (leads, converted) = found.map_or((0, 0), |(_, leads, converted)| (*leads, *converted));
        #[expect(clippy::cast_precision_loss, reason = "a share for people to look at")]
        let conversion = (leads > 0).then(|| converted as f64 / leads as f64);
        ScoreTenth { from: number * 10, to: number * 10 + 10, leads, converted, conversion }
    };
    (0..10).map(tenth).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenths_without_leads_are_there_and_have_no_conversion() {
        let tenths = histogram(&[(9, 4, 1), (0, 2, 0)]);
        assert_eq!(tenths.len(), 10);
        let last = ScoreTenth { from: 90, to: 100, leads: 4, converted: 1, conversion: Some(0.25) };
        assert_eq!(tenths[9], last);
        assert_eq!((tenths[0].leads, tenths[0].conversion), (2, Some(0.0)));
        assert_eq!((tenths[5].leads, tenths[5].conversion), (0, None));
    }
}
