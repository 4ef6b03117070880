//! Figures of messages are those of the counters, by quarter hours and by days, whether or not upkeep has added them up yet.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use domain::messages::stats;
use serde_json::{Value, json};
use sqlx::{PgConnection, types::Json};
use switchboard_tests::{Client, Tenant, TestApp};
use uuid::Uuid;

use super::{
    ZONES, in_zone,
    oracle::{day, same},
    reports::{check_form, report, table, tile},
};

/// A message that was asked for in a quarter hour.
#[derive(Debug, Clone)]
struct Counted {
    quarter: DateTime<Utc>,
    channel: &'static str,
    template: Uuid,
    status: &'static str,
}

/// Some on each of ten days, from one on.
fn some(from: &str) -> Vec<Counted> {
    let begins = from.parse::<NaiveDate>().expect("a day").and_time(chrono::NaiveTime::MIN).and_utc();
    let statuses = ["delivered", "read", "sent", "bounced", "failed", "queued", "delivered"];
    let one = |n: i32| Counted {
        quarter: begins + TimeDelta::minutes(15) * (n * 7 % 960),
        channel: ["email", "sms"][usize::from(n % 3 == 0)],
        template: Uuid::from_u128(u128::from((n % 5).unsigned_abs())),
        status: statuses[usize::try_from(n % 7).expect("few")],
    };
    (0..500).map(one).collect()
}

async fn put(conn: &mut PgConnection, tenant: &Tenant, counted: &[Counted]) {
    let rows: Vec<Value> = counted
        .iter()
        .map(|one| {
            json!({ "quarter": one.quarter, "channel": one.channel, "template_id": one.template, "status": one.status })
        })
        .collect();
    sqlx::query(
        "insert into message_count_changes (tenant_id, quarter, channel, template_id, purpose, status, n)
         select $1, r.quarter, r.channel, r.template_id, 'marketing', r.status, 1
           from jsonb_to_recordset($2) as r (quarter timestamptz, channel text, template_id uuid, status text)",
    )
    .bind(tenant.id.0)
    .bind(Json(rows))
    .execute(conn)
    .await
    .expect("counted");
}

/// How many there are, and which part of what a provider took arrived.
fn right(counted: &[&Counted]) -> (f64, Option<f64>) {
    let of = |statuses: &[&str]| {
        let those = counted.iter().filter(|one| statuses.contains(&one.status)).count();
        f64::from(u32::try_from(those).expect("few"))
    };
    let accepted = of(&["sent", "delivered", "read", "bounced"]);
    let all = f64::from(u32::try_from(counted.len()).expect("few"));
    (all, (accepted > 0.0).then(|| of(&["delivered", "read"]) / accepted))
}

async fn get(client: &Client, path: &str) -> Value {
    client.get(&format!("/api/v1/analytics/{path}")).await.expect(200)
}

async fn check(client: &Client, counted: &[Counted], zone: Tz, (from, to): (NaiveDate, NaiveDate)) {
    let held = |one: &&Counted| (from..to).contains(&day(one.quarter, zone));
    let mine: Vec<&Counted> = counted.iter().filter(held).collect();
    let range = format!("measures=message.count,message.delivery&from={from}&to={to}");
    for by in ["", "channel", "template", "template,channel", "channel,day"] {
        let key = |one: &Counted| {
            let template = if by.contains("template") { one.template.to_string() } else { String::new() };
            let channel = if by.contains("channel") { one.channel } else { "" };
            let day = if by.contains("day") { day(one.quarter, zone).to_string() } else { String::new() };
            (channel.to_owned(), template, day)
        };
        let mut groups: BTreeMap<_, Vec<&Counted>> = BTreeMap::new();
        for one in &mine {
            groups.entry(key(one)).or_default().push(one);
        }
        let path = format!("metrics?{range}&by={by}").trim_end_matches("&by=").to_owned();
        let answer = get(client, &path).await;
        let rows = answer["rows"].as_array().expect("rows");
        assert_eq!(rows.len(), if by.is_empty() { 1 } else { groups.len() }, "{path}: {answer}");
        for row in rows {
            let word = |name: &str| row["keys"][name].as_str().unwrap_or_default().to_owned();
            let begins =
                row["step"]["from"].as_str().map(|at| at.parse::<DateTime<Utc>>().expect("an instant"));
            let begins = begins.map(|at| day(at, zone).to_string()).unwrap_or_default();
            let of = groups.get(&(word("channel"), word("template"), begins));
            let (all, delivery) = right(of.map_or(&[][..], Vec::as_slice));
            same(&row["values"]["message.count"], Some(all), &path);
            same(&row["values"]["message.delivery"], delivery, &path);
        }
    }
    let path = format!("trends?measure=message.count&by=day&from={from}&to={to}");
    let trend = get(client, &path).await;
    same(&trend["value"], Some(right(&mine).0), &path);
    for point in trend["points"].as_array().expect("points") {
        let label = point["label"].as_str().expect("a label");
        let of: Vec<&Counted> =
            mine.iter().copied().filter(|one| day(one.quarter, zone).to_string() == label).collect();
        same(&point["value"], Some(right(&of).0), &format!("{path} {label}"));
    }
}

#[tokio::test]
async fn messages_are_those_of_the_counters_whether_they_are_added_up_or_not() {
    let app = TestApp::start().await;
    let mut conn = app.database.connect_as("switchboard_system").await;
    let counted = some("2026-03-26");
    put(&mut conn, &app.other, &counted[..50]).await;
    put(&mut conn, &app.acme, &counted[..300]).await;
    while stats::add_up(&app.process.app.platform).await.expect("it adds up") > 0 {}
    put(&mut conn, &app.acme, &counted[300..]).await;
    let admin = &app.acme.admin;
    let from: NaiveDate = "2026-03-28".parse().expect("a day");
    for (name, _) in ZONES {
        let zone: Tz = name.parse().expect("a zone");
        in_zone(&app.acme, name).await;
        for days in [1, 3, 6] {
            check(admin, &counted, zone, (from, from + Days::new(days))).await;
        }
    }
    while stats::add_up(&app.process.app.platform).await.expect("it adds up") > 0 {}
    let zone = chrono_tz::Asia::Kathmandu;
    check(admin, &counted, zone, (from, from + Days::new(6))).await;
    let made = report(admin, "message", "2026-03-28", "2026-04-03").await;
    check_form(&made);
    let held = |one: &&Counted| (from..from + Days::new(6)).contains(&day(one.quarter, zone));
    let mine: Vec<&Counted> = counted.iter().filter(held).collect();
    same(tile(&made, "message.count"), Some(right(&mine).0), "the tile");
    same(tile(&made, "message.delivery"), right(&mine).1, "the tile");
    let channels: BTreeSet<_> = mine.iter().map(|one| one.channel).collect();
    let by_channel = table(&made, "By channel");
    assert_eq!(by_channel["rows"].as_array().expect("rows").len(), channels.len());
    same(&by_channel["totals"][1], Some(right(&mine).0), "below the table");
    app.process.stop().await;
}
