//! Figures as they are asked for: measures from the list, told apart by what they are kept by, of a range of days. Nothing
//! that comes from outside becomes SQL, rows are bounded, and a statement that takes too long is given up.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    calendar::{Cut, Dates, LONGEST, Step, borders},
    cubes::{Asked, Cube, Dimension},
    document::{Figure, Range, Unit},
    measures::{self, Measure},
    store::{self, Group},
};
use crate::{
    Ctx,
    access::permission::Permission,
    agents::people,
    error::{Error, Result},
    tenancy::{
        self, TenantTx,
        store::{as_of_one_moment, may_use_mib, plan_each_time},
    },
};

/// Rows of an answer.
const MOST: usize = 5_000;
/// Measures that are told at once.
pub const MOST_MEASURES: usize = 10;
/// What a step of a statement may use of memory: the groups of an answer fit into it.
const MEMORY_MIB: u32 = 32;
/// What a statement may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Which figures.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Names of measures of one fact.
    pub measures: Vec<String>,
    pub step: Option<Step>,
    pub asked: Asked,
    pub from: Option<NaiveDate>,
    pub to: Option<NaiveDate>,
}

/// Figures of a range.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AnalyticsMetrics)]
pub struct Metrics {
    pub range: Range,
    /// The IANA zone that days begin in: the tenant's.
    pub zone: String,
    /// Everything that had happened before this instant is counted.
    pub counted_until: DateTime<Utc>,
    pub measures: Vec<MetricColumn>,
    /// In the order of time, then of what they are told apart by. Of steps of time alone there is each of the range, with
    /// zeros; otherwise what has none is left out.
    pub rows: Vec<MetricRow>,
}

/// A measure that is shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct MetricColumn {
    pub name: &'static str,
    pub label: &'static str,
    pub unit: Unit,
    /// How it is computed.
    pub sentence: &'static str,
}

/// The figures of one group.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub struct MetricRow {
    /// The step of time; left out if it is not told apart by one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<Range>,
    /// By dimension: a word or an id; null for what has none.
    #[schema(value_type = std::collections::BTreeMap<String, Option<String>>)]
    pub keys: BTreeMap<&'static str, Option<String>>,
    /// By measure; null where it cannot be told.
    #[schema(value_type = std::collections::BTreeMap<String, Option<f64>>)]
    pub values: BTreeMap<&'static str, Option<Figure>>,
}

impl From<&'static Measure> for MetricColumn {
    fn from(measure: &'static Measure) -> Self {
        let Measure { name, label, unit, sentence, .. } = *measure;
        Self { name, label, unit, sentence }
    }
}

/// The figures that are asked for.
///
/// # Errors
/// If a permission is missing, the caller sees only some leads, a measure is unknown, what is asked for is not kept
/// together, the range does not fit, or there are too many groups.
pub async fn metrics(ctx: &Ctx, wanted: &Wanted) -> Result<Metrics> {
    ctx.require(Permission::AnalyticsRead)?;
    ctx.require_all_rows()?;
    let measures = known(&wanted.measures)?;
    let cube = held(&measures, &wanted.asked, wanted.step.is_some())?;
    let mut tx = ctx.begin().await?;
    let ground = Ground::find(ctx, &mut tx).await?;
    let longest = wanted.step.map_or(LONGEST, Step::longest);
    let dates = Dates::asked(wanted.from, wanted.to, ground.today, longest).map_err(of_query)?;
    let steps = wanted.step.map(|step| dates.steps(step, ground.zone)).unwrap_or_default();
    let range = dates.range(ground.zone);
    let marks = if wanted.step.is_some() { borders(&steps) } else { vec![range.from, range.to] };
    let groups = read(&mut tx, cube, (range, &marks), &wanted.asked).await?;
    let row = |step: Option<Range>, group: Option<&Group>| {
        let keys = cube.dimensions().iter().enumerate().filter(|(_, one)| wanted.asked.by.contains(one));
        let key = |place: usize| group.and_then(|group| group.keys[place].clone());
        let sums = group.map(|group| group.sums.as_slice()).unwrap_or_default();
        MetricRow {
            step,
            keys: keys.map(|(place, one)| (one.as_str(), key(place))).collect(),
            values: measures.iter().map(|measure| (measure.name, measure.value(sums))).collect(),
        }
    };
    let step_of = |bucket: i64| usize::try_from(bucket - 1).ok().and_then(|place| steps.get(place));
    let rows: Vec<MetricRow> = if wanted.asked.by.is_empty() && wanted.step.is_some() {
        let at = |place: usize| groups.iter().find(|group| usize::try_from(group.bucket) == Ok(place + 1));
        steps.iter().enumerate().map(|(place, step)| row(Some(step.range), at(place))).collect()
    } else if wanted.asked.by.is_empty() {
        vec![row(None, groups.first())]
    } else {
        groups.iter().map(|group| row(step_of(group.bucket).map(|step| step.range), Some(group))).collect()
    };
    Ok(Metrics {
        range,
        zone: ground.zone_name,
        counted_until: ground.counted_until.unwrap_or(range.from),
        measures: measures.into_iter().map(MetricColumn::from).collect(),
        rows,
    })
}

/// What is known of a tenant before anything is read.
pub(super) struct Ground {
    pub zone: Tz,
    pub zone_name: String,
    pub today: NaiveDate,
    pub counted_until: Option<DateTime<Utc>>,
}

impl Ground {
    /// Has all that follows in the transaction seen as of one moment, and given up if it takes long.
    pub(super) async fn find(ctx: &Ctx, tx: &mut TenantTx) -> Result<Self> {
        as_of_one_moment(tx.conn()).await?;
        added_up(tx).await?;
        let patience = ctx.patience.map_or(PATIENCE, |patience| patience.min(PATIENCE));
        tenancy::store::give_up_after(tx.conn(), patience).await?;
        let zone_name = tenancy::store::zone(tx.conn(), ctx.tenant).await?;
        let zone = people::zone(None, &zone_name);
        let counted_until = store::counted_until(tx.conn(), ctx.tenant).await?;
        Ok(Self { zone, zone_name, today: ctx.now().with_timezone(&zone).date_naive(), counted_until })
    }
}

/// Has what follows planned and carried out as fits many rows that come to few: a plan for any range takes three times as
/// long.
pub(super) async fn added_up(tx: &mut TenantTx) -> Result<()> {
    plan_each_time(tx.conn()).await?;
    may_use_mib(tx.conn(), MEMORY_MIB).await
}

/// The measures of these names.
fn known(names: &[String]) -> Result<Vec<&'static Measure>> {
    if names.is_empty() || names.len() > MOST_MEASURES {
        return Err(Error::invalid(
            "?measures",
            format!("name 1 to {MOST_MEASURES} measures, with commas between them"),
        ));
    }
    names.iter().map(|name| named(name, "?measures")).collect()
}

/// The measure of a name that stands in a request.
pub(super) fn named(name: &str, at: &str) -> Result<&'static Measure> {
    let unknown = || Error::invalid(at, "there is no such measure; docs/measures.md lists them");
    measures::named(name).ok_or_else(unknown)
}

/// The table of figures that holds what is asked for.
pub(super) fn held(measures: &[&Measure], asked: &Asked, by_time: bool) -> Result<Cube> {
    Cube::holding(measures, asked, by_time).map_err(|detail| Error::invalid("?by", detail))
}

/// The groups of a range, or of the steps between marks.
///
/// # Errors
/// If there are too many, or it takes too long.
pub(super) async fn read(
    tx: &mut TenantTx,
    cube: Cube,
    (range, marks): (Range, &[DateTime<Utc>]),
    asked: &Asked,
) -> Result<Vec<Group>> {
    let (tenant, cut) = (tx.tenant, Cut::of(range));
    let limit = i64::try_from(MOST + 1).unwrap_or(i64::MAX);
    let conn = tx.conn();
    let groups = match cube {
        Cube::CallTotals => store::all_calls(conn, tenant, marks).await,
        Cube::CallTime => store::calls_by_time(conn, tenant, marks, asked, limit).await,
        Cube::CallDays => store::calls_by_day(conn, tenant, cut, asked, limit).await,
        Cube::CallOutcomes => store::call_outcomes(conn, tenant, cut, asked, limit).await,
        Cube::LeadTotals => store::all_leads(conn, tenant, marks).await,
        Cube::LeadTime => store::leads_by_time(conn, tenant, marks, asked, limit).await,
        Cube::LeadDays => store::leads_by_day(conn, tenant, cut, asked, limit).await,
        Cube::LeadOwners => store::leads_by_owner(conn, tenant, cut, asked, limit).await,
        Cube::MessageTotals => store::all_messages(conn, tenant, marks).await,
        Cube::MessageDays => store::messages_by_day(conn, tenant, cut, asked, limit).await,
        Cube::MessageTime => store::messages(conn, tenant, marks, asked, limit).await,
    };
    let groups = groups.map_err(given_up)?;
    if groups.len() > MOST {
        return Err(Error::invalid(
            "?by",
            "these are too many groups; shorten the range, or ask for less apart",
        ));
    }
    Ok(groups)
}

/// A statement that took too long was given up: whoever asked is told what to do.
fn given_up(error: Error) -> Error {
    if error.is_given_up() {
        return Error::conflict("too-long", "this took too long and was given up; shorten the range");
    }
    error
}

/// The same refusal, of parameters of a query.
pub(super) fn of_query(error: Error) -> Error {
    let Error::Invalid(mut wrong) = error else { return error };
    for field in &mut wrong {
        field.pointer = field.pointer.replacen('/', "?", 1);
    }
    Error::Invalid(wrong)
}

/// A filter by a dimension, of which the value is read.
///
/// # Errors
/// If the value is no id where there are ids, or too long.
pub fn only(dimension: Dimension, value: String) -> Result<(Dimension, String)> {
    let fits = if dimension.is_id() {
        uuid::Uuid::try_parse(&value).is_ok()
    } else {
        (1..=50).contains(&value.len())
    };
    let at = format!("?{}{}", dimension.as_str(), if dimension.is_id() { "_id" } else { "" });
    if fits { Ok((dimension, value)) } else { Err(Error::invalid(at, "this is no such value")) }
}
