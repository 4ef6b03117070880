//! What is right of days: a zone's clock, looked at each quarter hour, and nothing of the calendar that is tested. No clock has
//! jumped at another time than that since 1972.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::oracle::Counted;

/// Days of a calendar: the first, and the first that is not counted any more.
pub type Days = (NaiveDate, NaiveDate);

const QUARTER: TimeDelta = TimeDelta::minutes(15);
/// No clock is farther ahead of UTC.
const FAR: TimeDelta = TimeDelta::hours(15);

/// The day that a clock shows.
pub fn day(at: DateTime<Utc>, zone: Tz) -> NaiveDate {
    at.with_timezone(&zone).date_naive()
}

pub fn is_on(at: DateTime<Utc>, (from, to): Days, zone: Tz) -> bool {
    (from..to).contains(&day(at, zone))
}

/// A day on which the clock changes, some before and some after it.
pub fn around(changes: &str, before: u64, after: u64) -> Days {
    let day: NaiveDate = changes.parse().expect("a day");
    (day - chrono::Days::new(before), day + chrono::Days::new(after))
}

/// When a clock first shows this time or a later one.
pub fn shows(local: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    let mut at = local.and_utc() - FAR;
    while at.with_timezone(&zone).naive_local() < local {
        at += QUARTER;
    }
    at
}

/// The instants that days go from and to.
pub fn instants((from, to): Days, zone: Tz) -> (DateTime<Utc>, DateTime<Utc>) {
    (shows(from.and_time(NaiveTime::MIN), zone), shows(to.and_time(NaiveTime::MIN), zone))
}

/// The period before: as many whole months as it is made of, else as many days.
pub fn before((from, to): Days) -> Days {
    if from.day() != 1 || to.day() != 1 {
        return (from - (to - from), from);
    }
    let mut months = from.iter_days().take_while(|day| *day < to).filter(|day| day.day() == 1).count();
    let mut first = from;
    while months > 0 {
        first = first.pred_opt().expect("a day");
        months -= usize::from(first.day() == 1);
    }
    (first, from)
}

/// A step of days.
#[derive(Debug)]
pub struct Step {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    /// What stands below it.
    pub label: String,
    /// Which it is; of an hour, which of which day.
    pub place: (usize, usize),
}

impl Step {
    /// Those of some rows that lie in it.
    pub fn of<'r, R: Counted>(&self, rows: &[&'r R]) -> Vec<&'r R> {
        rows.iter().copied().filter(|row| (self.from..self.to).contains(&row.at())).collect()
    }
}

/// The hours, days, weeks or months of some days; the first and the last may be cut.
pub fn steps(by: &str, (from, to): Days, zone: Tz) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut at = shows(from.and_time(NaiveTime::MIN), zone);
    while day(at, zone) < to {
        if steps.last().is_none_or(|last| is_over(by, last.from, at, zone)) {
            steps.push(step(by, at, &steps, (from, zone)));
        }
        at += QUARTER;
        if let Some(last) = steps.last_mut() {
            last.to = at;
        }
    }
    steps
}

/// Whether a step that began then is over.
fn is_over(by: &str, began: DateTime<Utc>, at: DateTime<Utc>, zone: Tz) -> bool {
    let (first, on) = (day(began, zone), day(at, zone));
    match by {
        "hour" => on != first || at - began >= TimeDelta::hours(1),
        "day" => on != first,
        "week" => on.iso_week() != first.iso_week(),
        _ => (on.year(), on.month()) != (first.year(), first.month()),
    }
}

/// One that begins after those that were.
fn step(by: &str, at: DateTime<Utc>, were: &[Step], (from, zone): (NaiveDate, Tz)) -> Step {
    let (local, on) = (at.with_timezone(&zone), day(at, zone));
    if by != "hour" {
        return Step { from: at, to: at, label: on.to_string(), place: (were.len(), 0) };
    }
    let mut label = local.format("%Y-%m-%d %H:%M").to_string();
    if were.iter().any(|step| step.label == label) {
        label = local.format("%Y-%m-%d %H:%M %:z").to_string();
    }
    let days = usize::try_from((on - from).num_days()).expect("few");
    let hours = were.iter().filter(|step| day(step.from, zone) == on).count();
    Step { from: at, to: at, label, place: (days, hours) }
}
