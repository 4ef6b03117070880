//! Trends equal a count over the rows, whatever the measure and the step, on days of 23, 24.5, 23.5 and 25 hours, in zones that
//! are off by halves; and so does the period before.

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use proptest::{
    prelude::any,
    sample::{Index, subsequence},
    test_runner::TestRunner,
};
use serde_json::Value;
use switchboard_tests::{Client, TestApp};

use super::{
    ZONES,
    clock::{self, Days, Step, around, day, is_on},
    counted_app, in_zone,
    oracle::{self, Counted, same},
    world::drawn,
};

pub const CALL_MEASURES: [&str; 15] = [
    "call.count",
    "call.answered",
    "call.handled",
    "call.offered",
    "call.lost",
    "call.service_level",
    "call.abandonment",
    "call.asa",
    "call.talk_time",
    "call.talk_average",
    "call.converted",
    "call.success",
    "call.rated",
    "call.satisfaction",
    "call.value",
];
pub const LEAD_MEASURES: [&str; 15] = [
    "lead.count",
    "lead.engaged",
    "lead.engagement",
    "lead.activities",
    "lead.contacted",
    "lead.qualified",
    "lead.proposal",
    "lead.converted",
    "lead.lost",
    "lead.conversion",
    "lead.value",
    "lead.cost",
    "lead.cost_each",
    "lead.cost_converted",
    "lead.roi",
];

pub async fn get(client: &Client, path: &str) -> Value {
    client.get(&format!("/api/v1/analytics/{path}")).await.expect(200)
}

pub fn instant(value: &Value) -> DateTime<Utc> {
    value.as_str().expect("an instant").parse().expect("RFC 3339")
}

/// What figures are narrowed down to: a value of one of the rows for some dimensions, at most so many.
pub fn narrowed<R: Counted>(
    rows: &[R],
    (dimensions, most): (&[&'static str], usize),
    runner: &mut TestRunner,
) -> Vec<(&'static str, String)> {
    let some = drawn(&subsequence(dimensions.to_vec(), 0..=most.min(dimensions.len())), runner);
    let row = drawn(&any::<Index>(), runner).get(rows);
    some.into_iter().filter_map(|dimension| Some((dimension, row.key(dimension)?))).collect()
}

/// Those of some rows that are what figures are narrowed down to.
pub fn fitting<'r, R: Counted>(rows: &'r [R], only: &[(&'static str, String)]) -> Vec<&'r R> {
    let fits = |row: &&R| {
        only.iter().all(|(dimension, value)| row.key(dimension).as_deref() == Some(value.as_str()))
    };
    rows.iter().filter(fits).collect()
}

/// The same as it is asked for.
pub fn said(only: &[(&'static str, String)]) -> String {
    let ids = ["team", "agent", "owner", "provider", "template"];
    let one = |(dimension, value): &(&str, String)| {
        format!("&{dimension}{}={value}", if ids.contains(dimension) { "_id" } else { "" })
    };
    only.iter().map(one).collect()
}

/// Days around one on which the clock changes, as many as fit a step; of months now and then whole ones.
pub fn asked(by: &str, changed: &str, runner: &mut TestRunner) -> Days {
    let (before, after) = match by {
        "hour" => drawn(&(0..3_u64, 1..3_u64), runner),
        "day" => drawn(&(0..6_u64, 1..6_u64), runner),
        "week" => drawn(&(6..17_u64, 6..17_u64), runner),
        _ => drawn(&(25..45_u64, 20..40_u64), runner),
    };
    let (from, to) = around(changed, before, after);
    let first = |day: NaiveDate| day.with_day(1).expect("a first");
    if by == "month" && drawn(&any::<bool>(), runner) {
        // The month of the change is among them.
        return (first(from), first(to + TimeDelta::days(31)));
    }
    (from, to)
}

/// Whether trends are right: of each measure in each zone on both of its days by each step, in part narrowed down to something
/// that is kept by time.
pub async fn check<R: Counted>(app: &TestApp, rows: &[R], measures: &[&str], dimensions: &[&'static str]) {
    let (admin, mut runner) = (&app.acme.admin, TestRunner::deterministic());
    for (name, changes) in ZONES {
        let zone: Tz = name.parse().expect("a zone");
        in_zone(&app.acme, name).await;
        for changed in changes {
            for by in ["hour", "day", "week", "month"] {
                let days = asked(by, changed, &mut runner);
                let (now, then) = (clock::steps(by, days, zone), clock::steps(by, clock::before(days), zone));
                for measure in measures {
                    let only = narrowed(rows, (dimensions, 1), &mut runner);
                    let (from, to) = days;
                    let path = format!("trends?measure={measure}&by={by}&from={from}&to={to}{}", said(&only));
                    let trend = get(admin, &path).await;
                    let mine = fitting(rows, &only);
                    check_points(&trend, measure, &mine, (&now, &then), &format!("{name} {path}"));
                    let all = |days: Days| -> Vec<&R> {
                        mine.iter().copied().filter(|row| is_on(row.at(), days, zone)).collect()
                    };
                    same(&trend["value"], R::measure(measure, &all(days)), &path);
                    let right = R::measure(measure, &all(clock::before(days)));
                    same(&trend["previous"], right, &format!("{path} before"));
                }
            }
        }
    }
}

fn check_points<R: Counted>(
    trend: &Value,
    measure: &str,
    rows: &[&R],
    (now, then): (&[Step], &[Step]),
    what: &str,
) {
    let points = trend["points"].as_array().expect("points");
    assert_eq!(points.len(), now.len(), "{what}: {trend}");
    for (point, step) in points.iter().zip(now) {
        assert_eq!((instant(&point["from"]), instant(&point["to"])), (step.from, step.to), "{what}: {point}");
        assert_eq!(point["label"], step.label.as_str(), "{what}");
        let what = format!("{what} {}", step.label);
        same(&point["value"], R::measure(measure, &step.of(rows)), &what);
        let earlier = then.iter().find(|earlier| earlier.place == step.place);
        let right = earlier.and_then(|earlier| R::measure(measure, &earlier.of(rows)));
        same(&point["previous"], right, &format!("{what} before"));
    }
}

#[tokio::test]
async fn trends_of_calls_are_those_of_the_rows() {
    let (app, ..) = counted_app(400).await;
    let mut conn = app.database.connect_as("switchboard_system").await;
    let calls = oracle::calls(&mut conn, &app.acme).await;
    check(&app, &calls, &CALL_MEASURES, &["direction", "team"]).await;
    app.process.stop().await;
}

#[tokio::test]
async fn trends_of_leads_are_those_of_the_rows() {
    let (app, ..) = counted_app(400).await;
    let mut conn = app.database.connect_as("switchboard_system").await;
    let leads = oracle::leads(&mut conn, &app.acme).await;
    check(&app, &leads, &LEAD_MEASURES, &["source"]).await;
    app.process.stop().await;
}

#[tokio::test]
async fn whole_months_are_compared_with_as_many_before() {
    let (app, ..) = counted_app(120).await;
    let mut conn = app.database.connect_as("switchboard_system").await;
    let calls = oracle::calls(&mut conn, &app.acme).await;
    in_zone(&app.acme, "Europe/Berlin").await;
    let path = "trends?measure=call.count&by=month&from=2026-04-01&to=2026-05-01";
    let trend = get(&app.acme.admin, path).await;
    let march = calls.iter().filter(|call| {
        let day = day(call.started_at, chrono_tz::Europe::Berlin);
        (day.year(), day.month()) == (2026, 3)
    });
    let right = u32::try_from(march.count()).expect("few");
    same(&trend["previous"], Some(f64::from(right)), path);
    assert_eq!(instant(&trend["previous_range"]["from"]), instant(&Value::from("2026-02-28T23:00:00Z")));
    app.process.stop().await;
}

#[tokio::test]
async fn an_hour_that_the_clock_shows_twice_is_two() {
    let (app, ..) = counted_app(400).await;
    let mut conn = app.database.connect_as("switchboard_system").await;
    let calls = oracle::calls(&mut conn, &app.acme).await;
    for (name, hours) in [("Europe/Berlin", 25), ("Australia/Lord_Howe", 24), ("Asia/Kathmandu", 24)] {
        in_zone(&app.acme, name).await;
        let trend =
            get(&app.acme.admin, "trends?measure=call.count&by=hour&from=2026-10-25&to=2026-10-26").await;
        let points = trend["points"].as_array().expect("points");
        let labels: std::collections::BTreeSet<_> =
            points.iter().map(|point| point["label"].as_str().expect("a label")).collect();
        assert_eq!((points.len(), labels.len()), (hours, hours), "{name}: {labels:?}");
        let zone: Tz = name.parse().expect("a zone");
        let right =
            calls.iter().filter(|call| day(call.started_at, zone).to_string() == "2026-10-25").count();
        let all: u64 = points.iter().map(|point| point["value"].as_u64().expect("a count")).sum();
        assert_eq!(usize::try_from(all), Ok(right), "{name}: each call of the day is in one of its hours");
    }
    app.process.stop().await;
}
