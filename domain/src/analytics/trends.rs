//! A measure over time, with the period before beside it: as many months before where the range is made of whole ones, else as
//! many days. Hours are compared with those of the same place in their day, so a day of 23 or 25 hours moves no other.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    calendar::{Bucket, Dates, Step, borders},
    cubes::Asked,
    document::{Figure, Range, Unit},
    measures::Measure,
    metrics::{Ground, held, named, of_query, read},
};
use crate::{Ctx, access::permission::Permission, error::Result, tenancy::TenantTx};

/// Which trend.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub measure: String,
    pub step: Step,
    /// Only what has these values; nothing is told apart.
    pub asked: Asked,
    pub from: Option<NaiveDate>,
    pub to: Option<NaiveDate>,
}

/// A measure over a range.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AnalyticsTrend)]
pub struct Trend {
    pub measure: &'static str,
    pub label: &'static str,
    pub unit: Unit,
    /// How it is computed.
    pub sentence: &'static str,
    pub by: Step,
    pub range: Range,
    /// The period before, which each step is compared with.
    pub previous_range: Range,
    pub zone: String,
    /// Everything that had happened before this instant is counted.
    pub counted_until: DateTime<Utc>,
    /// Each step of the range, in order; where nothing was, counts are zero and rates are null.
    pub points: Vec<Point>,
    /// Of the whole range: of a rate that of its sums, not the mean of its steps.
    #[schema(value_type = Option<f64>)]
    pub value: Option<Figure>,
    /// The same of the period before.
    #[schema(value_type = Option<f64>)]
    pub previous: Option<Figure>,
}

/// A step of a trend.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = TrendPoint)]
pub struct Point {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    /// The day on the tenant's calendar that it begins with, and the time of an hour.
    pub label: String,
    #[schema(value_type = Option<f64>)]
    pub value: Option<Figure>,
    /// Of the step of the period before that stands in its place; null if there is none.
    #[schema(value_type = Option<f64>)]
    pub previous: Option<Figure>,
}

/// A period, read.
struct Period {
    steps: Vec<Bucket>,
    values: Vec<Option<Figure>>,
    whole: Option<Figure>,
}

/// The trend that is asked for.
///
/// # Errors
/// If a permission is missing, the caller sees only some leads, the measure is not kept by time and what it is narrowed
/// down by, or the range does not fit.
pub async fn trend(ctx: &Ctx, wanted: &Wanted) -> Result<Trend> {
    ctx.require(Permission::AnalyticsRead)?;
    ctx.require_all_rows()?;
    let measure = named(&wanted.measure, "?measure")?;
    let mut tx = ctx.begin().await?;
    let ground = Ground::find(ctx, &mut tx).await?;
    let dates =
        Dates::asked(wanted.from, wanted.to, ground.today, wanted.step.longest()).map_err(of_query)?;
    let before = dates.previous();
    let now = period(&mut tx, &ground, (measure, wanted), dates).await?;
    let then = period(&mut tx, &ground, (measure, wanted), before).await?;
    let mut earlier: HashMap<(usize, usize), Option<Figure>> =
        then.steps.iter().map(|step| step.place).zip(then.values).collect();
    let points = now.steps.into_iter().zip(now.values).map(|(step, value)| Point {
        from: step.range.from,
        to: step.range.to,
        label: step.label,
        value,
        previous: earlier.remove(&step.place).flatten(),
    });
    Ok(Trend {
        measure: measure.name,
        label: measure.label,
        unit: measure.unit,
        sentence: measure.sentence,
        by: wanted.step,
        range: dates.range(ground.zone),
        previous_range: before.range(ground.zone),
        points: points.collect(),
        value: now.whole,
        previous: then.whole,
        counted_until: ground.counted_until.unwrap_or(dates.range(ground.zone).from),
        zone: ground.zone_name,
    })
}

async fn period(
    tx: &mut TenantTx,
    ground: &Ground,
    (measure, wanted): (&'static Measure, &Wanted),
    dates: Dates,
) -> Result<Period> {
    let cube = held(&[measure], &wanted.asked, true)?;
    let (range, steps) = (dates.range(ground.zone), dates.steps(wanted.step, ground.zone));
    let groups = read(tx, cube, (range, &borders(&steps)), &wanted.asked).await?;
    let mut whole: Vec<i64> = Vec::new();
    let mut values = vec![measure.value(&[]); steps.len()];
    for group in &groups {
        whole.resize(whole.len().max(group.sums.len()), 0);
        whole.iter_mut().zip(&group.sums).for_each(|(sum, more)| *sum += more);
        if let Some(value) = usize::try_from(group.bucket - 1).ok().and_then(|place| values.get_mut(place)) {
            *value = measure.value(&group.sums);
        }
    }
    Ok(Period { steps, values, whole: measure.value(&whole) })
}
