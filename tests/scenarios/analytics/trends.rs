//! Trends and metrics equal a count over the rows, on days of 23, 24.5, 23.5 and 25 hours, in zones that are off by halves.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, Utc, Weekday};
use chrono_tz::Tz;
use serde_json::Value;
use switchboard_tests::Client;

use super::{
    ZONES, counted_app, in_zone,
    oracle::{self, Call, Lead, day, of_calls, of_leads, same},
};

const CALL_MEASURES: &str = "call.count,call.answered,call.handled,call.lost,call.service_level,call.abandonment,call.asa,\
                             call.talk_average,call.success,call.satisfaction";
const MORE_CALL_MEASURES: &str = "call.offered,call.talk_time,call.converted,call.rated,call.value";
const LEAD_MEASURES: &str = "lead.count,lead.engaged,lead.engagement,lead.activities,lead.contacted,lead.qualified,\
                             lead.proposal,lead.converted,lead.lost,lead.conversion";
const MORE_LEAD_MEASURES: &str = "lead.value,lead.cost,lead.cost_each,lead.cost_converted,lead.roi";

async fn get(client: &Client, path: &str) -> Value {
    client.get(&format!("/api/v1/analytics/{path}")).await.expect(200)
}

fn instant(value: &Value) -> DateTime<Utc> {
    value.as_str().expect("an instant").parse().expect("RFC 3339")
}

/// A day on which the clock changes, some before and some after it: from, and the first that is not counted.
fn around(changes: &str, before: u64, after: u64) -> (NaiveDate, NaiveDate) {
    let day: NaiveDate = changes.parse().expect("a day");
    (day - Days::new(before), day + Days::new(after))
}

/// The first day of the step that a day is in, or of the range if the step began before it.
fn beginning(day: NaiveDate, by: &str, from: NaiveDate) -> NaiveDate {
    let first = match by {
        "week" => day.week(Weekday::Mon).first_day(),
        "month" => day.with_day(1).expect("a first"),
        _ => day,
    };
    first.max(from)
}

/// Calls or leads of a range by the label of their step.
fn by_label<'r, R>(
    rows: &'r [R],
    at: impl Fn(&R) -> DateTime<Utc>,
    (zone, by): (Tz, &str),
    (from, to): (NaiveDate, NaiveDate),
) -> BTreeMap<String, Vec<&'r R>> {
    let mut found: BTreeMap<String, Vec<&R>> = BTreeMap::new();
    for row in rows {
        let on = day(at(row), zone);
        if (from..to).contains(&on) {
            found.entry(beginning(on, by, from).to_string()).or_default().push(row);
        }
    }
    found
}

/// Whether the steps of an answer begin and end where the clock says that days do.
fn check_days(points: &[Value], zone: Tz, (from, to): (NaiveDate, NaiveDate)) {
    assert_eq!(day(instant(&points[0]["from"]), zone), from);
    for pair in points.windows(2) {
        assert_eq!(pair[0]["to"], pair[1]["from"], "no gap");
    }
    for point in points {
        let (begins, ends) = (instant(&point["from"]), instant(&point["to"]));
        let second = TimeDelta::seconds(1);
        assert!(day(begins - second, zone) < day(begins, zone), "{begins} is the first instant of its day");
        assert!(day(ends - second, zone) < day(ends, zone), "{ends} is the first instant of its day");
    }
    let last = points.last().expect("a point");
    assert_eq!(day(instant(&last["to"]), zone), to);
}

#[tokio::test]
async fn steps_of_days_weeks_and_months_are_those_of_the_rows_and_have_the_period_before_beside_them() {
    let (app, ..) = counted_app(400).await;
    let mut conn = app.database.connect_as("switchboard_system").await;
    let calls = oracle::calls(&mut conn, &app.acme).await;
    let leads = oracle::leads(&mut conn, &app.acme).await;
    let admin = &app.acme.admin;
    for (name, changes) in ZONES {
        let zone: Tz = name.parse().expect("a zone");
        in_zone(&app.acme, name).await;
        for changed in changes {
            for (by, (from, to)) in [
                ("day", around(changed, 2, 3)),
                ("day", around(changed, 0, 1)),
                ("week", around(changed, 10, 10)),
                ("month", around(changed, 40, 30)),
            ] {
                let days = to - from;
                for measure in ["call.count", "call.service_level", "call.asa", "call.value"] {
                    let path = format!("trends?measure={measure}&by={by}&from={from}&to={to}");
                    let trend = get(admin, &path).await;
                    let points = trend["points"].as_array().expect("points");
                    check_days(points, zone, (from, to));
                    let now = by_label(&calls, |call: &Call| call.started_at, (zone, by), (from, to));
                    for point in points {
                        let rows = now.get(point["label"].as_str().expect("a label"));
                        let right = of_calls(measure, rows.map_or(&[][..], Vec::as_slice));
                        same(&point["value"], right, &format!("{name} {path} {}", point["label"]));
                    }
                    let all: Vec<&Call> = now.into_values().flatten().collect();
                    same(&trend["value"], of_calls(measure, &all), &path);
                    let before = (from - days, from);
                    let then = by_label(&calls, |call: &Call| call.started_at, (zone, by), before);
                    if by == "day" {
                        for point in points {
                            let label: NaiveDate =
                                point["label"].as_str().expect("a label").parse().expect("a day");
                            let rows = then.get(&(label - days).to_string());
                            let right = of_calls(measure, rows.map_or(&[][..], Vec::as_slice));
                            same(&point["previous"], right, &format!("{path} before {label}"));
                        }
                    }
                    let all: Vec<&Call> = then.into_values().flatten().collect();
                    same(&trend["previous"], of_calls(measure, &all), &format!("{path} before"));
                }
                for measure in ["lead.count", "lead.conversion", "lead.roi", "lead.qualified"] {
                    let path = format!("trends?measure={measure}&by={by}&from={from}&to={to}");
                    let trend = get(admin, &path).await;
                    let now = by_label(&leads, |lead: &Lead| lead.created_at, (zone, by), (from, to));
                    for point in trend["points"].as_array().expect("points") {
                        let rows = now.get(point["label"].as_str().expect("a label"));
                        let right = of_leads(measure, rows.map_or(&[][..], Vec::as_slice));
                        same(&point["value"], right, &format!("{name} {path} {}", point["label"]));
                    }
                }
            }
        }
    }
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
async fn hours_are_those_of_the_rows_also_where_the_clock_shows_one_twice() {
    let (app, ..) = counted_app(400).await;
    let mut conn = app.database.connect_as("switchboard_system").await;
    let calls = oracle::calls(&mut conn, &app.acme).await;
    for (name, changes) in ZONES {
        let zone: Tz = name.parse().expect("a zone");
        in_zone(&app.acme, name).await;
        for changed in changes {
            let (from, to) = around(changed, 0, 1);
            let path = format!("trends?measure=call.count&by=hour&from={from}&to={to}");
            let trend = get(&app.acme.admin, &path).await;
            let points = trend["points"].as_array().expect("points");
            let (mut all, mut labels) = (0, Vec::new());
            for pair in points.windows(2) {
                assert_eq!(pair[0]["to"], pair[1]["from"], "no gap");
            }
            for point in points {
                let (begins, ends) = (instant(&point["from"]), instant(&point["to"]));
                assert!(ends - begins <= TimeDelta::hours(1), "{point}");
                assert!(
                    day(begins, zone) == from && day(ends - TimeDelta::seconds(1), zone) == from,
                    "{point}"
                );
                let right = calls.iter().filter(|call| (begins..ends).contains(&call.started_at)).count();
                all += right;
                let right = f64::from(u32::try_from(right).expect("few"));
                same(&point["value"], Some(right), &format!("{name} {path} {}", point["label"]));
                labels.push(point["label"].as_str().expect("a label"));
            }
            let right = calls.iter().filter(|call| day(call.started_at, zone) == from).count();
            assert_eq!(all, right, "{name} {path}: each call of the day is in one of its hours");
            let distinct: std::collections::BTreeSet<_> = labels.iter().collect();
            assert_eq!(distinct.len(), labels.len(), "{labels:?}");
        }
    }
    app.process.stop().await;
}

#[tokio::test]
async fn metrics_by_each_dimension_are_those_of_the_rows() {
    let (app, world, _) = counted_app(400).await;
    let mut conn = app.database.connect_as("switchboard_system").await;
    let calls = oracle::calls(&mut conn, &app.acme).await;
    let leads = oracle::leads(&mut conn, &app.acme).await;
    let admin = &app.acme.admin;
    for (name, changes) in ZONES {
        let zone: Tz = name.parse().expect("a zone");
        in_zone(&app.acme, name).await;
        for changed in changes {
            for (before, after) in [(0, 1), (3, 5)] {
                let (from, to) = around(changed, before, after);
                let range = format!("from={from}&to={to}");
                let held = |at: DateTime<Utc>| (from..to).contains(&day(at, zone));
                let mine: Vec<&Call> = calls.iter().filter(|call| held(call.started_at)).collect();
                for measures in [CALL_MEASURES, MORE_CALL_MEASURES] {
                    for by in ["direction", "team", "agent", ""] {
                        let key = |call: &Call| match by {
                            "direction" => Some(call.direction.clone()),
                            "team" => call.team_id.map(|id| id.to_string()),
                            "agent" => call.agent_id.map(|id| id.to_string()),
                            _ => None,
                        };
                        let path = format!("metrics?measures={measures}&by={by}&{range}");
                        let path = path.replace("&by=&", "&");
                        check_rows(&get(admin, &path).await, by, &path, &mine, key, of_calls);
                    }
                }
                let outcome = |call: &Call| call.outcome.clone();
                let path = format!("metrics?measures=call.count&by=outcome&{range}");
                check_rows(&get(admin, &path).await, "outcome", &path, &mine, outcome, of_calls);
                let mine: Vec<&Lead> = leads.iter().filter(|lead| held(lead.created_at)).collect();
                for measures in [LEAD_MEASURES, MORE_LEAD_MEASURES] {
                    for by in ["source", "status", "team"] {
                        let key = |lead: &Lead| match by {
                            "source" => Some(lead.source.clone()),
                            "status" => Some(lead.status.clone()),
                            _ => lead.team_id.map(|id| id.to_string()),
                        };
                        let path = format!("metrics?measures={measures}&by={by}&{range}");
                        check_rows(&get(admin, &path).await, by, &path, &mine, key, of_leads);
                    }
                }
                let owner = |lead: &Lead| lead.owner_id.map(|id| id.to_string());
                let path = format!("metrics?measures=lead.count,lead.conversion,lead.value&by=owner&{range}");
                check_rows(&get(admin, &path).await, "owner", &path, &mine, owner, of_leads);
                let (team, agent) = (world.teams[1], world.agents[1]);
                let path = format!(
                    "metrics?measures={CALL_MEASURES}&{range}&team_id={team}&agent_id={agent}&direction=inbound"
                );
                let only: Vec<&Call> = calls
                    .iter()
                    .filter(|call| held(call.started_at) && call.direction == "inbound")
                    .filter(|call| call.team_id == Some(team) && call.agent_id == Some(agent))
                    .collect();
                check_rows(&get(admin, &path).await, "", &path, &only, |_| None, of_calls);
            }
        }
    }
    app.process.stop().await;
}

/// Whether the rows of an answer are those of these rows by a key, each with its measures.
fn check_rows<R>(
    answer: &Value,
    by: &str,
    path: &str,
    rows: &[&R],
    key: impl Fn(&R) -> Option<String>,
    measure: fn(&str, &[&R]) -> Option<f64>,
) {
    let mut right: BTreeMap<Option<String>, Vec<&R>> = BTreeMap::new();
    if by.is_empty() {
        right.insert(None, rows.to_vec());
    } else {
        for row in rows {
            right.entry(key(row)).or_default().push(row);
        }
    }
    let found = answer["rows"].as_array().expect("rows");
    assert_eq!(found.len(), right.len(), "{path}: {answer}");
    for row in found {
        let key = row["keys"].get(by).and_then(Value::as_str).map(str::to_owned);
        let rows = right.get(&key).unwrap_or_else(|| panic!("{path}: nothing has {key:?}"));
        for (name, value) in row["values"].as_object().expect("values") {
            same(value, measure(name, rows), &format!("{path} {key:?} {name}"));
        }
    }
}

#[tokio::test]
async fn what_is_not_known_or_not_kept_together_is_refused_and_nothing_of_a_request_becomes_sql() {
    let (app, ..) = counted_app(1).await;
    let admin = &app.acme.admin;
    for query in [
        "metrics?measures=call.colour",
        "metrics?measures=",
        "metrics?measures=call.count,lead.count",
        "metrics?measures=call.aht",
        "metrics?measures=call.count&by=colour",
        "metrics?measures=call.count&by=hour,day",
        "metrics?measures=call.count&by=agent,day",
        "metrics?measures=call.count&by=source",
        "metrics?measures=call.count&team_id=1%20or%201%3D1",
        "metrics?measures=call.count&from=2026-01-02&to=2026-01-01",
        "metrics?measures=call.count&from=2020-01-01&to=2026-01-01",
        "metrics?measures=call.count&by=hour&from=2026-01-01&to=2026-03-01",
        "trends?measure=call.aht",
        "trends?measure=call.count&source=manual",
        "trends?measure=call.count%27%3B--",
    ] {
        admin.get(&format!("/api/v1/analytics/{query}")).await.expect(422);
    }
    let path = "metrics?measures=call.count&direction=%27%20or%20true%20--&from=2026-01-01&to=2026-12-01";
    assert_eq!(
        get(admin, path).await["rows"][0]["values"]["call.count"],
        0,
        "it is a value and nothing else"
    );
    let agent = app.user(&app.acme, "Agent").await;
    agent.get("/api/v1/analytics/metrics?measures=call.count").await.expect(403);
    app.process.stop().await;
}
