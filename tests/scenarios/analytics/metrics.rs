//! Metrics equal a count over the rows: each measure by each thing that it is kept by, and whatever else may be asked for.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use proptest::{
    option,
    sample::{select, subsequence},
    test_runner::TestRunner,
};
use switchboard_tests::TestApp;

use super::{
    ZONES,
    clock::{self, Days, is_on},
    counted_app, in_zone,
    oracle::{self, Counted, same},
    trends::{CALL_MEASURES, LEAD_MEASURES, asked, fitting, get, instant, narrowed, said},
    world::drawn,
};

/// What is kept together.
pub struct Held {
    pub dimensions: &'static [&'static str],
    pub by_time: bool,
    pub measures: &'static [&'static str],
}

/// What is asked for.
struct Query {
    measures: Vec<&'static str>,
    step: Option<&'static str>,
    by: Vec<&'static str>,
    only: Vec<(&'static str, String)>,
    days: Days,
}

impl Query {
    /// Something of what is kept together.
    fn of<R: Counted>(held: &Held, rows: &[R], changed: &str, runner: &mut TestRunner) -> Self {
        let most = held.measures.len().min(10);
        let step = drawn(&option::of(select(vec!["hour", "day", "week", "month"])), runner);
        let step = step.filter(|_| held.by_time);
        Self {
            measures: drawn(&subsequence(held.measures, 1..=most), runner),
            step,
            by: drawn(&subsequence(held.dimensions, 0..=held.dimensions.len()), runner),
            only: narrowed(rows, (held.dimensions, 2), runner),
            days: asked(step.unwrap_or("week"), changed, runner),
        }
    }

    fn path(&self) -> String {
        let by: Vec<_> = self.step.into_iter().chain(self.by.iter().copied()).collect();
        let by = if by.is_empty() { String::new() } else { format!("&by={}", by.join(",")) };
        let (from, to) = self.days;
        format!("metrics?measures={}{by}&from={from}&to={to}{}", self.measures.join(","), said(&self.only))
    }
}

/// Whether metrics are right in some zones: each measure by each dimension alone and by none, and some of everything that is
/// kept together.
pub async fn check<R: Counted>(app: &TestApp, rows: &[R], held: &[Held], zones: &[(&str, [&str; 2])]) {
    let mut runner = TestRunner::deterministic();
    for (name, changes) in zones {
        let zone: Tz = name.parse().expect("a zone");
        in_zone(&app.acme, name).await;
        for changed in changes {
            for together in held {
                let alone = together.dimensions.iter().map(|dimension| vec![*dimension]).chain([Vec::new()]);
                for by in alone {
                    for measures in together.measures.chunks(10).map(<[_]>::to_vec) {
                        let days = asked("day", changed, &mut runner);
                        let query = Query { measures, step: None, by: by.clone(), only: Vec::new(), days };
                        one(app, rows, &query, zone).await;
                    }
                }
                for _ in 0..8 {
                    let query = Query::of(together, rows, changed, &mut runner);
                    one(app, rows, &query, zone).await;
                }
            }
        }
    }
}

/// The step of time that a group is of, and by what it is told apart.
type Key = (Option<usize>, Vec<Option<String>>);

async fn one<R: Counted>(app: &TestApp, rows: &[R], query: &Query, zone: Tz) {
    let path = query.path();
    let answer = get(&app.acme.admin, &path).await;
    let steps = query.step.map(|step| clock::steps(step, query.days, zone)).unwrap_or_default();
    let mut right: BTreeMap<Key, Vec<&R>> = BTreeMap::new();
    if query.by.is_empty() {
        // Where nothing was, it says so.
        let all = (0..steps.len()).map(Some).chain(query.step.is_none().then_some(None));
        right.extend(all.map(|step| ((step, Vec::new()), Vec::new())));
    }
    for row in fitting(rows, &query.only).into_iter().filter(|row| is_on(row.at(), query.days, zone)) {
        let step = steps.iter().position(|step| (step.from..step.to).contains(&row.at()));
        let keys = query.by.iter().map(|dimension| row.key(dimension)).collect();
        right.entry((step, keys)).or_default().push(row);
    }
    let found = answer["rows"].as_array().expect("rows");
    assert_eq!(found.len(), right.len(), "{zone} {path}: {answer}");
    let mut last = None;
    for row in found {
        let step = row["step"]["from"].as_str().map(|_| instant(&row["step"]["from"]));
        assert!(last <= step, "{zone} {path}: in the order of time");
        last = step;
        let step = step.map(|at| steps.iter().position(|step| step.from == at).expect("a step"));
        let key = |dimension: &&str| row["keys"][*dimension].as_str().map(str::to_owned);
        let key: Key = (step, query.by.iter().map(key).collect());
        let rows = right.get(&key).unwrap_or_else(|| panic!("{zone} {path}: nothing has {key:?}"));
        assert_eq!(row["values"].as_object().map(serde_json::Map::len), Some(query.measures.len()), "{path}");
        for measure in &query.measures {
            let what = format!("{zone} {path} {key:?} {measure}");
            same(&row["values"][measure], R::measure(measure, rows), &what);
        }
    }
}

#[tokio::test]
async fn metrics_of_calls_are_those_of_the_rows() {
    let (app, ..) = counted_app(400).await;
    let mut conn = app.database.connect_as("switchboard_system").await;
    let calls = oracle::calls(&mut conn, &app.acme).await;
    let held = [
        Held { dimensions: &["direction", "team"], by_time: true, measures: &CALL_MEASURES },
        Held { dimensions: &["direction", "team", "agent"], by_time: false, measures: &CALL_MEASURES },
        Held { dimensions: &["direction", "team", "outcome"], by_time: false, measures: &["call.count"] },
    ];
    check(&app, &calls, &held, &ZONES).await;
    app.process.stop().await;
}

#[tokio::test]
async fn metrics_of_leads_are_those_of_the_rows() {
    let (app, ..) = counted_app(400).await;
    let mut conn = app.database.connect_as("switchboard_system").await;
    let leads = oracle::leads(&mut conn, &app.acme).await;
    let of_owners = &["lead.count", "lead.converted", "lead.lost", "lead.conversion", "lead.value"];
    let held = [
        Held { dimensions: &["source"], by_time: true, measures: &LEAD_MEASURES },
        Held { dimensions: &["source", "status", "team"], by_time: false, measures: &LEAD_MEASURES },
        Held { dimensions: &["owner"], by_time: false, measures: of_owners },
    ];
    check(&app, &leads, &held, &ZONES).await;
    app.process.stop().await;
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
