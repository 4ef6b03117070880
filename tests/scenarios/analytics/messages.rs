//! Figures of messages are those of the counters, by quarter hours and by days, whether or not upkeep has added them up yet.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use domain::{Ctx, analytics::document::ReportKind, messages::stats};
use proptest::{prelude::Strategy, sample::select, test_runner::TestRunner};
use serde_json::{Value, json};
use sqlx::{PgConnection, types::Json};
use switchboard_tests::{Tenant, TestApp};
use uuid::Uuid;

use super::{
    ZONES,
    clock::{self, around, is_on},
    in_zone, metrics,
    oracle::{Counted, over, real, same, whole},
    quiet_app,
    reports::{check_cells, made, row, table},
    trends,
    world::{at, drawn, some},
};
use crate::rights::admitted;

/// What they are told apart by, also along with time.
const DIMENSIONS: [&str; 4] = ["channel", "provider", "template", "purpose"];
const MEASURES: [&str; 12] = [
    "message.count",
    "message.accepted",
    "message.delivered",
    "message.read",
    "message.bounced",
    "message.failed",
    "message.suppressed",
    "message.cancelled",
    "message.unknown",
    "message.delivery",
    "message.reading",
    "message.bouncing",
];
const STATUSES: [&str; 11] = [
    "queued",
    "sent",
    "delivered",
    "delivered",
    "delivered",
    "read",
    "bounced",
    "failed",
    "suppressed",
    "cancelled",
    "unknown",
];

/// A message that was asked for in a quarter hour.
#[derive(Debug, Clone)]
struct Message {
    quarter: DateTime<Utc>,
    channel: &'static str,
    provider: Option<Uuid>,
    template: Uuid,
    purpose: &'static str,
    /// What it was when it was counted first, and what it is.
    was: &'static str,
    status: &'static str,
}

impl Counted for Message {
    fn at(&self) -> DateTime<Utc> {
        self.quarter
    }

    fn key(&self, dimension: &str) -> Option<String> {
        match dimension {
            "channel" => Some(self.channel.to_owned()),
            "provider" => self.provider.map(|id| id.to_string()),
            "template" => Some(self.template.to_string()),
            "purpose" => Some(self.purpose.to_owned()),
            _ => panic!("messages have no {dimension}"),
        }
    }

    fn measure(name: &str, rows: &[&Self]) -> Option<f64> {
        let of =
            |those: &[&str]| whole(rows.iter().filter(|message| those.contains(&message.status)).count());
        let (accepted, arrived) = (of(&["sent", "delivered", "read", "bounced"]), of(&["delivered", "read"]));
        match name {
            "message.count" => Some(real(whole(rows.len()))),
            "message.accepted" => Some(real(accepted)),
            "message.delivered" => Some(real(arrived)),
            "message.delivery" => over(real(arrived), accepted),
            "message.reading" => over(real(of(&["read"])), arrived),
            "message.bouncing" => over(real(of(&["bounced"])), accepted),
            one => Some(real(of(&[one.trim_start_matches("message.")]))),
        }
    }
}

fn message() -> impl Strategy<Value = Message> {
    let status = || select(STATUSES.to_vec());
    let carried = (select(vec!["email", "sms", "whatsapp"]), some(vec![1_u128, 2]), 3_u128..7);
    (at(), carried, select(vec!["marketing", "transactional"]), status(), status()).prop_map(
        |(at, (channel, provider, template), purpose, was, status)| Message {
            quarter: at - TimeDelta::milliseconds(at.timestamp_millis().rem_euclid(900_000)),
            channel,
            provider: provider.map(Uuid::from_u128),
            template: Uuid::from_u128(template),
            purpose,
            was,
            status,
        },
    )
}

/// Counts some, as what they are or as what they were: once, or once less.
async fn put(conn: &mut PgConnection, tenant: &Tenant, messages: &[Message], as_they_were: bool, n: i64) {
    let rows: Vec<Value> = messages
        .iter()
        .map(|one| {
            json!({
                "quarter": one.quarter, "channel": one.channel, "provider_id": one.provider, "purpose": one.purpose,
                "template_id": one.template, "status": if as_they_were { one.was } else { one.status },
            })
        })
        .collect();
    sqlx::query(
        "insert into message_count_changes (tenant_id, quarter, channel, provider_id, template_id, purpose, status, n)
         select $1, r.quarter, r.channel, r.provider_id, r.template_id, r.purpose, r.status, $3
           from jsonb_to_recordset($2) as r (
             quarter timestamptz, channel text, provider_id uuid, template_id uuid, purpose text, status text)",
    )
    .bind(tenant.id.0)
    .bind(Json(rows))
    .bind(n)
    .execute(conn)
    .await
    .expect("counted");
}

async fn added_up(app: &TestApp) {
    while stats::add_up(&app.process.app.platform).await.expect("it adds up") > 0 {}
}

/// Some that are counted, of which part is added up and has changed since; and others of another tenant.
async fn counted(app: &TestApp) -> (Vec<Message>, Ctx) {
    let mut runner = TestRunner::deterministic();
    let all: Vec<Message> = (0..500).map(|_| drawn(&message(), &mut runner)).collect();
    let (first, last) = all.split_at(300);
    let mut conn = app.database.connect_as("switchboard_system").await;
    put(&mut conn, &app.other, &all[..50], false, 1).await;
    put(&mut conn, &app.acme, first, true, 1).await;
    added_up(app).await;
    put(&mut conn, &app.acme, first, true, -1).await;
    put(&mut conn, &app.acme, first, false, 1).await;
    put(&mut conn, &app.acme, last, false, 1).await;
    (all, admitted(app, &app.acme.admin).await)
}

#[tokio::test]
async fn trends_of_messages_are_those_of_the_counters() {
    let app = quiet_app().await;
    let (all, _) = counted(&app).await;
    trends::check(&app, &all, &MEASURES, &DIMENSIONS).await;
    app.process.stop().await;
}

#[tokio::test]
async fn metrics_of_messages_are_those_of_the_counters_whether_they_are_added_up_or_not() {
    let app = quiet_app().await;
    let (all, _) = counted(&app).await;
    let held = [metrics::Held { dimensions: &DIMENSIONS, by_time: true, measures: &MEASURES }];
    metrics::check(&app, &all, &held, &ZONES).await;
    added_up(&app).await;
    metrics::check(&app, &all, &held, &ZONES[2..]).await;
    app.process.stop().await;
}

#[tokio::test]
async fn the_report_of_messages_is_that_of_the_counters() {
    let app = quiet_app().await;
    let (all, ctx) = counted(&app).await;
    for (name, changes) in ZONES {
        let zone: Tz = name.parse().expect("a zone");
        in_zone(&app.acme, name).await;
        for days in changes.map(|changed| around(changed, 2, 3)) {
            let made = made(&ctx, ReportKind::Message, days).await;
            let of = |days| all.iter().filter(|one| is_on(one.quarter, days, zone)).collect::<Vec<_>>();
            let (now, then) = (of(days), of(clock::before(days)));
            for tile in made["tiles"].as_array().expect("tiles") {
                let measure = tile["measure"].as_str().expect("a measure");
                let what = format!("{name} {days:?} {measure}");
                same(&tile["value"], Message::measure(measure, &now), &what);
                same(&tile["previous"], Message::measure(measure, &then), &what);
            }
            let shown = [
                "message.count",
                "message.accepted",
                "message.delivered",
                "message.delivery",
                "message.reading",
                "message.bouncing",
                "message.failed",
                "message.suppressed",
            ];
            for (title, dimension) in [("By channel", "channel"), ("By purpose", "purpose")] {
                let by = table(&made, title);
                let words: BTreeSet<_> = now.iter().filter_map(|one| one.key(dimension)).collect();
                assert_eq!(by["rows"].as_array().expect("rows").len(), words.len(), "{by}");
                for word in words {
                    let mine: Vec<&Message> = now
                        .iter()
                        .copied()
                        .filter(|one| one.key(dimension).as_ref() == Some(&word))
                        .collect();
                    let found = row(by, &(word[..1].to_uppercase() + &word[1..]));
                    let right = shown.map(|measure| Message::measure(measure, &mine));
                    check_cells(found, &right, &format!("{name} {days:?} {word}"));
                }
                let right = shown.map(|measure| Message::measure(measure, &now));
                check_cells(by["totals"].as_array().expect("totals"), &right, "below the table");
            }
        }
    }
    app.process.stop().await;
}
