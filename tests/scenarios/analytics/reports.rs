//! Reports are made as operations, say what the rows say, and name people to whoever may see names.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use domain::{
    Ctx,
    analytics::{
        calendar::Dates,
        document::ReportKind,
        make::{self, MakeReport},
    },
};
use serde_json::{Value, json};
use switchboard_tests::Client;
use uuid::Uuid;

use super::{
    ZONES,
    clock::{Days, day},
    counted_app, in_zone,
    oracle::{self, Call, Lead, of_calls, of_leads, same},
};

const REPORTS: &str = "/api/v1/analytics/reports";

/// Has a report made, and fetches it.
pub async fn report(client: &Client, kind: &str, from: &str, to: &str) -> Value {
    let asked = client.post(REPORTS, &json!({ "kind": kind, "from": from, "to": to })).await;
    let id = asked.body["id"].as_str().expect("an id").to_owned();
    assert_eq!(client.ended(asked).await["status"], "succeeded");
    client.get(&format!("{REPORTS}/{id}")).await.expect(200)
}

/// The same as whoever makes it has it: agents stand in it by their ids.
pub async fn made(ctx: &Ctx, kind: ReportKind, (from, to): Days) -> Value {
    let asked = MakeReport { kind, dates: Dates { from, to } };
    let made = make::report(ctx, Uuid::now_v7(), &asked).await.expect("a report");
    let made = serde_json::to_value(made).expect("JSON");
    check_form(&made);
    made
}

/// The value of the tile of a measure.
pub fn tile<'r>(report: &'r Value, measure: &str) -> &'r Value {
    &whole_tile(report, measure)["value"]
}

/// The same of the period before.
pub fn previous<'r>(report: &'r Value, measure: &str) -> &'r Value {
    &whole_tile(report, measure)["previous"]
}

fn whole_tile<'r>(report: &'r Value, measure: &str) -> &'r Value {
    let mut tiles = report["tiles"].as_array().expect("tiles").iter();
    tiles.find(|tile| tile["measure"] == measure).unwrap_or_else(|| panic!("no tile of {measure}: {report}"))
}

/// The table of a title: its rows by what stands first in each.
pub fn table<'r>(report: &'r Value, title: &str) -> &'r Value {
    let tables = report["tables"].as_array().expect("tables");
    tables.iter().find(|table| table["title"] == title).unwrap_or_else(|| panic!("no {title}: {report}"))
}

/// The row of a table that begins with this.
pub fn row<'t>(table: &'t Value, first: &str) -> &'t [Value] {
    let rows = table["rows"].as_array().expect("rows");
    let row = rows.iter().find(|one| one[0] == first).unwrap_or_else(|| panic!("no {first}: {table}"));
    row.as_array().expect("cells")
}

/// Whether the cells of a row behind its names are these numbers.
#[track_caller]
pub fn check_cells(cells: &[Value], right: &[Option<f64>], what: &str) {
    let names = cells.len() - right.len();
    for (place, (found, right)) in cells[names..].iter().zip(right).enumerate() {
        same(found, *right, &format!("{what}, number {place}"));
    }
}

fn cell<'t>(table: &'t Value, first: &str, column: &str) -> &'t Value {
    let columns = table["columns"].as_array().expect("columns");
    let place = columns.iter().position(|one| one["name"] == column).expect(column);
    &row(table, first)[place]
}

/// Whether everything in a report that stands for a number is explained, and every row has a cell for each column.
pub fn check_form(report: &Value) {
    let explained: Vec<_> =
        report["measures"].as_array().expect("measures").iter().map(|one| &one["name"]).collect();
    for tile in report["tiles"].as_array().expect("tiles") {
        assert!(explained.contains(&&tile["measure"]), "{tile}");
    }
    for chart in report["charts"].as_array().expect("charts") {
        let labels = chart["labels"].as_array().expect("labels").len();
        for series in chart["series"].as_array().expect("series") {
            assert_eq!(series["values"].as_array().expect("values").len(), labels, "{chart}");
        }
    }
    for table in report["tables"].as_array().expect("tables") {
        let columns = table["columns"].as_array().expect("columns").len();
        let rows = table["rows"].as_array().expect("rows");
        for row in rows.iter().chain([&table["totals"]]).filter(|row| !row.is_null()) {
            assert_eq!(row.as_array().expect("cells").len(), columns, "{table}");
        }
    }
}

#[tokio::test]
async fn the_reports_of_calls_and_leads_are_those_of_the_rows() {
    let (app, ..) = counted_app(300).await;
    let mut conn = app.database.connect_as("switchboard_system").await;
    let calls = oracle::calls(&mut conn, &app.acme).await;
    let leads = oracle::leads(&mut conn, &app.acme).await;
    let admin = &app.acme.admin;
    for (name, changes) in ZONES {
        let zone: Tz = name.parse().expect("a zone");
        in_zone(&app.acme, name).await;
        for changed in changes {
            let first: NaiveDate = changed.parse().expect("a day");
            let (from, to) = (first - chrono::Days::new(2), first + chrono::Days::new(2));
            let held = |at: DateTime<Utc>| (from..to).contains(&day(at, zone));
            let (begins, ends) = (from.to_string(), to.to_string());

            let calls: Vec<&Call> = calls.iter().filter(|call| held(call.started_at)).collect();
            let made = report(admin, "call", &begins, &ends).await;
            check_form(&made);
            assert_eq!((&made["tenant"], &made["zone"]), (&json!("acme"), &json!(name)), "{made}");
            for measure in [
                "call.count",
                "call.handled",
                "call.service_level",
                "call.asa",
                "call.abandonment",
                "call.talk_average",
                "call.success",
                "call.satisfaction",
                "call.value",
            ] {
                same(tile(&made, measure), of_calls(measure, &calls), &format!("{name} {changed} {measure}"));
            }
            let inbound: Vec<&Call> =
                calls.iter().filter(|call| call.direction == "inbound").copied().collect();
            let found = cell(table(&made, "By direction"), "Inbound", "Service level");
            same(found, of_calls("call.service_level", &inbound), "of incoming calls");
            let ada: Vec<&Call> = calls.iter().filter(|call| call.agent_id.is_none()).copied().collect();
            let found = cell(table(&made, "By agent"), "Nobody", "Calls");
            same(found, of_calls("call.count", &ada), "of nobody");

            let leads: Vec<&Lead> = leads.iter().filter(|lead| held(lead.created_at)).collect();
            let made = report(admin, "lead", &begins, &ends).await;
            check_form(&made);
            for measure in [
                "lead.count",
                "lead.conversion",
                "lead.lost",
                "lead.engagement",
                "lead.value",
                "lead.cost",
                "lead.roi",
            ] {
                same(tile(&made, measure), of_leads(measure, &leads), &format!("{name} {changed} {measure}"));
            }
            let lost: Vec<&Lead> = leads.iter().filter(|lead| lead.status == "lost").copied().collect();
            let found = cell(table(&made, "By status"), "Lost", "Qualified");
            same(found, of_leads("lead.qualified", &lost), "of the lost");
            let charts = made["charts"].as_array().expect("charts");
            let funnel = charts.iter().find(|chart| chart["title"] == "How far they came").expect("a funnel");
            let stages =
                ["lead.count", "lead.contacted", "lead.qualified", "lead.proposal", "lead.converted"];
            for (place, stage) in stages.into_iter().enumerate() {
                same(&funnel["series"][0]["values"][place], of_leads(stage, &leads), stage);
            }
        }
    }
    app.process.stop().await;
}

#[tokio::test]
async fn of_nothing_counts_are_zero_and_rates_are_null() {
    let (app, ..) = counted_app(1).await;
    let admin = &app.acme.admin;
    for kind in ["lead", "call", "campaign", "agent", "gamification", "message", "job"] {
        let made = report(admin, kind, "2019-01-01", "2019-02-01").await;
        check_form(&made);
        for tile in made["tiles"].as_array().expect("tiles") {
            let wanted = match (tile["unit"].as_str(), tile["measure"].as_str()) {
                (_, Some("lead.activities")) => Value::Null,
                (Some("count"), _)
                | (
                    _,
                    Some(
                        "call.value" | "lead.value" | "lead.cost" | "campaign.cost" | "campaign.value"
                        | "game.points",
                    ),
                ) => {
                    json!(0)
                }
                _ => Value::Null,
            };
            assert_eq!(tile["value"], wanted, "{kind} {tile}");
        }
        let charts = made["charts"].as_array().expect("charts");
        assert!(charts.iter().all(|chart| chart["labels"].as_array().is_some()), "{kind}");
    }
    let problem =
        admin.post(REPORTS, &json!({ "kind": "call", "from": "2026-01-02", "to": "2026-01-02" })).await;
    problem.expect(422);
    admin.post(REPORTS, &json!({ "kind": "weather" })).await.expect(422);
    app.process.stop().await;
}

#[tokio::test]
async fn names_of_agents_are_for_whoever_may_see_them_and_reports_for_their_tenant() {
    let (app, world, _) = counted_app(100).await;
    let made = report(&app.acme.admin, "agent", "2026-03-01", "2026-04-30").await;
    check_form(&made);
    let shown = table(&made, "By agent");
    let handled = cell(shown, "Ada Lovelace", "Calls handled").as_i64().expect("a number");
    let mut conn = app.database.connect_as("switchboard_system").await;
    let calls = oracle::calls(&mut conn, &app.acme).await;
    let (from, to) = ("2026-03-01".parse().expect("a day"), "2026-04-30".parse().expect("a day"));
    let hers = calls.iter().filter(|call| {
        let day = day(call.started_at, Tz::UTC);
        call.agent_id == Some(world.agents[0]) && (from..to).contains(&day)
    });
    same(&json!(handled), of_calls("call.handled", &hers.collect::<Vec<_>>()), "hers");
    // What is kept names nobody.
    let kept: String = sqlx::query_scalar("select report::text from reports_made where tenant_id = $1")
        .bind(app.acme.id.0)
        .fetch_one(&mut conn)
        .await
        .expect("a report");
    assert!(!kept.contains("Lovelace") && kept.contains(&format!("agent:{}", world.agents[0])), "{kept}");
    // Somebody who may read figures and no names.
    let key = json!({ "name": "figures", "permissions": ["analytics:read"] });
    let key = app.acme.admin.post("/api/v1/api-keys", &key).await.expect(201);
    let masked = app.acme.admin.with_bearer(key["key"].as_str().or(key["secret"].as_str()).expect("a key"));
    let id = made["id"].as_str().expect("an id");
    let seen = masked.get(&format!("{REPORTS}/{id}")).await.expect(200);
    cell(table(&seen, "By agent"), "A••• L•••", "Calls handled");
    app.other.admin.get(&format!("{REPORTS}/{id}")).await.expect(404);
    app.user(&app.acme, "Agent").await.get(&format!("{REPORTS}/{id}")).await.expect(403);
    app.process.stop().await;
}
