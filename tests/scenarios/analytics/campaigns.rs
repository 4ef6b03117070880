//! The report of campaigns is that of the recipients of the runs that began in its days: what was tried in vain is paid for, too,
//! if a provider had taken it.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use domain::analytics::document::ReportKind;
use proptest::test_runner::TestRunner;
use serde_json::Value;

use super::{
    ZONES,
    clock::{self, Days, around, is_on},
    in_zone,
    oracle::{near, over, real, whole},
    quiet_app,
    reports::{made, previous, table, tile},
    runs::{ACCEPTED, CAMPAIGNS, Recipient, Run, VARIANTS, campaigns, put, run},
    world::drawn,
};
use crate::rights::admitted;

const MEASURES: [&str; 10] = [
    "campaign.recipients",
    "campaign.accepted",
    "campaign.delivery",
    "campaign.conversions",
    "campaign.conversion",
    "campaign.cost",
    "campaign.value",
    "campaign.cost_each",
    "campaign.cost_converted",
    "campaign.roi",
];

/// What is right of each of the measures, and how far a number may be off that is rounded.
fn right(recipients: &[&Recipient]) -> [(Option<f64>, f64); 10] {
    let are = |those: &[&str]| whole(recipients.iter().filter(|one| those.contains(&one.status)).count());
    let (accepted, arrived) = (are(&ACCEPTED), are(&["delivered", "read"]));
    let converted: Vec<Option<i64>> = recipients.iter().filter_map(|one| one.converted).collect();
    let (leads, value) = (whole(converted.len()), converted.into_iter().flatten().sum::<i64>());
    let cost = real(recipients.iter().map(|one| one.cost()).sum()) / 1e6;
    let roi = (cost > 0.0).then(|| (real(value) - cost) / cost);
    [
        (Some(real(whole(recipients.len()))), 0.0),
        (Some(real(accepted)), 0.0),
        (over(real(arrived), accepted), 1e-9),
        (Some(real(leads)), 0.0),
        (over(real(leads), accepted), 1e-9),
        // To a cent, and to a ten-thousandth.
        (Some(cost), 0.501),
        (Some(real(value)), 0.0),
        (over(cost, accepted), 1e-6),
        (over(cost, leads), 0.501),
        (roi, 0.000_051),
    ]
}

#[track_caller]
fn check_line(cells: &[Value], recipients: &[&Recipient], what: &str) {
    for ((found, (right, within)), measure) in cells.iter().zip(right(recipients)).zip(MEASURES) {
        near(found, right, within, &format!("{what} {measure}"));
    }
}

fn check(made: &Value, runs: &[Run], days: Days, zone: Tz) {
    let of = |days: Days| runs.iter().filter(move |run| is_on(run.began, days, zone));
    let now: Vec<&Recipient> = of(days).flat_map(|run| &run.recipients).collect();
    let then: Vec<&Recipient> = of(clock::before(days)).flat_map(|run| &run.recipients).collect();
    let what = format!("{zone} {days:?}");
    check_line(&MEASURES.map(|measure| tile(made, measure).clone()), &now, &what);
    check_line(&MEASURES.map(|measure| previous(made, measure).clone()), &then, &format!("{what} before"));
    let mut wholes: BTreeMap<&str, Vec<&Recipient>> = BTreeMap::new();
    let mut variants: BTreeMap<(&str, &str), Vec<&Recipient>> = BTreeMap::new();
    for run in of(days) {
        let name = CAMPAIGNS[run.campaign].0;
        wholes.entry(name).or_default().extend(&run.recipients);
        for one in &run.recipients {
            // Of one that broke nothing is known, and all others have both.
            for variant in VARIANTS {
                let own = variants.entry((name, variant)).or_default();
                own.extend(one.variant.filter(|place| VARIANTS[*place] == variant).map(|_| one));
            }
        }
    }
    let by_campaign = table(made, "By campaign")["rows"].as_array().expect("rows");
    assert_eq!(by_campaign.len(), wholes.len(), "{what}");
    assert!(by_campaign.is_sorted_by_key(|row| std::cmp::Reverse(row[1].as_i64())), "the largest first");
    let chart = &made["charts"][0];
    for (place, row) in by_campaign.iter().enumerate() {
        let name = row[0].as_str().expect("a name");
        let cells = &row.as_array().expect("cells")[1..];
        check_line(cells, &wholes[name], &format!("{what} {name}"));
        let (cost, value) = (&chart["series"][0]["values"][place], &chart["series"][1]["values"][place]);
        assert_eq!((&chart["labels"][place], cost, value), (&row[0], &cells[5], &cells[6]), "{what} {name}");
    }
    let by_variant = table(made, "By variant");
    let rows = by_variant["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), variants.len(), "{what}: {by_variant}");
    for row in rows {
        let names = (row[0].as_str().expect("a name"), row[1].as_str().expect("a name"));
        check_line(&row.as_array().expect("cells")[2..], &variants[&names], &format!("{what} {names:?}"));
    }
    for (title, names) in [("By campaign", 1), ("By variant", 2)] {
        if let Some(totals) = table(made, title)["totals"].as_array() {
            check_line(&totals[names..], &now, &format!("{what} below {title}"));
        }
    }
}

#[tokio::test]
async fn the_report_of_campaigns_is_that_of_the_recipients() {
    let app = quiet_app().await;
    let ctx = admitted(&app, &app.acme.admin).await;
    let campaigns = campaigns(&app.acme.admin).await;
    let mut runner = TestRunner::deterministic();
    let runs: Vec<Run> = (0..70).map(|_| drawn(&run(), &mut runner)).collect();
    put(&app, &campaigns, &runs).await;
    for (name, changes) in ZONES {
        let zone: Tz = name.parse().expect("a zone");
        in_zone(&app.acme, name).await;
        for changed in changes {
            for days in [around(changed, 0, 1), around(changed, 2, 3), around(changed, 20, 20)] {
                check(&made(&ctx, ReportKind::Campaign, days).await, &runs, days, zone);
            }
        }
    }
    app.process.stop().await;
}
