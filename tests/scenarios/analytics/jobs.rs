//! The report of jobs is that of the attempts, each in the whole hour of UTC in which it ended.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use domain::analytics::document::ReportKind;
use proptest::{option, prelude::Strategy, sample::select, test_runner::TestRunner};
use serde_json::{Value, json};
use sqlx::{PgConnection, types::Json};
use switchboard_tests::Tenant;

use super::{
    ZONES,
    clock::{self, Days, around, is_on},
    in_zone,
    oracle::{near, over, real, same},
    quiet_app,
    reports::{check_cells, made, previous, row, table, tile},
    world::{at, drawn},
};
use crate::rights::admitted;

/// Lanes by their kinds, of which two have one; of the last one nothing is known any more.
const LANES: [(i16, &str); 4] = [(1, "send"), (2, "send"), (1, "route"), (0, "")];
const MEASURES: [&str; 5] = ["job.ended", "job.completed", "job.failed", "job.failure", "job.retries"];

/// So many attempts of a lane that came to the same in a minute.
#[derive(Debug, Clone)]
struct Attempts {
    at: DateTime<Utc>,
    lane: usize,
    what: &'static str,
    code: Option<&'static str>,
    bucket: Option<i16>,
    n: i32,
}

impl Attempts {
    /// The hour that they are counted in.
    fn hour(&self) -> DateTime<Utc> {
        self.at - TimeDelta::milliseconds(self.at.timestamp_millis().rem_euclid(3_600_000))
    }
}

fn attempts() -> impl Strategy<Value = Attempts> {
    let what = ["completed", "completed", "cancelled", "discarded", "quarantined", "retrying", "snoozed"];
    let told = (option::of(select(vec!["timeout", "refused"])), option::of(0_i16..10));
    (at(), 0..LANES.len(), select(what.to_vec()), told, 1_i32..5)
        .prop_map(|(at, lane, what, (code, bucket), n)| Attempts { at, lane, what, code, bucket, n })
}

/// Makes the lanes of a tenant; answers their ids.
async fn lanes(conn: &mut PgConnection, tenant: &Tenant) -> Vec<i64> {
    let queue: i32 = sqlx::query_scalar(
        "insert into engine.queues (name) values ('counted')
         on conflict on constraint queues_name_key do update set name = excluded.name returning id",
    )
    .fetch_one(&mut *conn)
    .await
    .expect("a queue");
    let mut ids = Vec::new();
    for (priority, kind) in &LANES[..3] {
        let made = "insert into engine.lanes (queue_id, tenant_id, priority, kind, version) values ($1, $2, $3, $4, 1)
                    returning id";
        let made = sqlx::query_scalar(made).bind(queue).bind(tenant.id.0).bind(priority).bind(kind);
        ids.push(made.fetch_one(&mut *conn).await.expect("a lane"));
    }
    ids.push(-1);
    ids
}

/// Has the engine count them, in two parts.
async fn put(conn: &mut PgConnection, tenant: &Tenant, attempts: &[Attempts]) {
    let lanes = lanes(conn, tenant).await;
    for part in attempts.chunks(attempts.len().div_ceil(2)) {
        let rows: Vec<Value> = part
            .iter()
            .map(|one| {
                json!({
                    "minute": one.at, "lane": lanes[one.lane], "what": one.what, "code": one.code,
                    "bucket": one.bucket, "count": one.n,
                })
            })
            .collect();
        sqlx::query(
            "insert into engine.tallies (minute, tenant_id, lane, what, code, bucket, count)
             select date_trunc('minute', r.minute), $1, r.lane, r.what, r.code, r.bucket, r.count
               from jsonb_to_recordset($2) as r (
                 minute timestamptz, lane bigint, what text, code text, bucket smallint, count int)",
        )
        .bind(tenant.id.0)
        .bind(Json(rows))
        .execute(&mut *conn)
        .await
        .expect("counted");
        sqlx::query("select engine.fold_tallies()").execute(&mut *conn).await.expect("added up");
    }
}

fn sum(attempts: &[&Attempts], what: &[&str]) -> i64 {
    attempts.iter().filter(|one| what.contains(&one.what)).map(|one| i64::from(one.n)).sum()
}

/// What is right of each of the measures.
fn right(attempts: &[&Attempts]) -> [Option<f64>; 5] {
    let (completed, given_up) = (sum(attempts, &["completed"]), sum(attempts, &["discarded", "quarantined"]));
    let ended = completed + given_up + sum(attempts, &["cancelled"]);
    let retries = sum(attempts, &["retrying"]);
    [
        Some(real(ended)),
        Some(real(completed)),
        Some(real(given_up)),
        over(real(given_up), completed + given_up),
        Some(real(retries)),
    ]
}

fn check(made: &Value, attempts: &[Attempts], days: Days, zone: Tz) {
    let of = |days: Days| -> Vec<&Attempts> {
        attempts.iter().filter(|one| one.what != "snoozed" && is_on(one.hour(), days, zone)).collect()
    };
    let (now, then) = (of(days), of(clock::before(days)));
    let what = format!("{zone} {days:?}");
    for ((measure, right), earlier) in MEASURES.into_iter().zip(right(&now)).zip(right(&then)) {
        same(tile(made, measure), right, &format!("{what} {measure}"));
        same(previous(made, measure), earlier, &format!("{what} {measure} before"));
    }
    let mut kinds: BTreeMap<&str, Vec<&Attempts>> = BTreeMap::new();
    for one in &now {
        kinds.entry(LANES[one.lane].1).or_default().push(one);
    }
    let by_kind = table(made, "By kind");
    let rows = by_kind["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), kinds.len(), "{what}: {by_kind}");
    for (kind, attempts) in &kinds {
        check_cells(row(by_kind, kind), &right(attempts), &format!("{what} {kind:?}"));
    }
    assert!(rows.is_sorted_by_key(|row| std::cmp::Reverse(row[1].as_i64())), "{what}: {by_kind}");
    check_cells(by_kind["totals"].as_array().expect("totals"), &right(&now), &what);
    let by = if (days.1 - days.0).num_days() <= 2 { "hour" } else { "day" };
    let steps = clock::steps(by, days, zone);
    let chart = &made["charts"][0];
    let labels: Vec<&str> = steps.iter().map(|step| step.label.as_str()).collect();
    assert_eq!(chart["labels"], json!(labels), "{what}");
    for (place, step) in steps.iter().enumerate() {
        let held = |one: &&&Attempts| (step.from..step.to).contains(&one.hour());
        let mine: Vec<&Attempts> = now.iter().filter(held).copied().collect();
        for (series, those) in [(0, &["completed"][..]), (1, &["discarded", "quarantined"])] {
            let found = &chart["series"][series]["values"][place];
            near(found, Some(real(sum(&mine, those))), 0.0, &format!("{what} {}", step.label));
        }
    }
}

#[tokio::test]
async fn the_report_of_jobs_is_that_of_the_attempts() {
    let app = quiet_app().await;
    let ctx = admitted(&app, &app.acme.admin).await;
    let mut conn = app.database.connect_as("switchboard_system").await;
    let mut runner = TestRunner::deterministic();
    let all: Vec<Attempts> = (0..600).map(|_| drawn(&attempts(), &mut runner)).collect();
    put(&mut conn, &app.acme, &all).await;
    put(&mut conn, &app.other, &all[..100]).await;
    for (name, changes) in ZONES {
        let zone: Tz = name.parse().expect("a zone");
        in_zone(&app.acme, name).await;
        for changed in changes {
            for days in [around(changed, 0, 1), around(changed, 1, 1), around(changed, 2, 3)] {
                check(&made(&ctx, ReportKind::Job, days).await, &all, days, zone);
            }
        }
    }
    app.process.stop().await;
}
