//! A report to break the layout.

use paper::{Align, Chart, Document, Kind, Series, Table};

use super::{columns, made_at, noise, row, tile};

/// A report in which nothing is as it should be: long names, many series, gaps, numbers of all sizes.
pub fn odd() -> Document {
    use Align::{Left, Right};
    let hours: Vec<String> =
        (0..168).map(|hour| format!("{} Nov {:02}:00", 2 + hour / 24, hour % 24)).collect();
    let series = ["Sales", "Support", "Renewals", "Complaints", "المبيعات", "续约", "One too many"];
    let waves = (0_u32..).zip(series).map(|(at, name)| Series {
        name: name.into(),
        values: (0..168_u32)
            .map(|hour| {
                let day = (f64::from(hour) * std::f64::consts::TAU / 24.0).sin().max(-0.4) + 0.4;
                (hour % 61 != at * 7)
                    .then(|| (day * f64::from(20 + 14 * at) + noise(hour + at) / 14.0).round())
            })
            .collect(),
    });
    let people: Vec<String> = (1..=24).map(|at| format!("Agent number {at} of the team")).collect();
    let bars = |title: &str, unit: &str, labels: &[&str], values: &[f64]| Chart {
        title: title.into(),
        kind: Kind::Bar,
        unit: unit.into(),
        labels: row(labels),
        series: vec![Series { name: String::new(), values: values.iter().copied().map(Some).collect() }],
    };
    let days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    Document {
        title: "A title that is so long that it does not stand on one line, and goes on: المكالمات والوكلاء"
            .into(),
        tenant: "شركة الشمال لخدمة العملاء".into(),
        range: "2–8 نوفمبر 2026".into(),
        zone: "Africa/Cairo".into(),
        made_at: made_at(),
        language: Some("ar".into()),
        note: None,
        tiles: vec![
            tile("مكالمات", "٤٢", ""),
            tile(
                "A label of a figure that takes two lines in here",
                "123,456,789,012,345,678.90 EUR",
                "and a note that goes on for so long that it is on more than a line",
            ),
            tile("Nothing known", "–", ""),
        ],
        charts: vec![
            Chart {
                title: "Calls by hour".into(),
                kind: Kind::Line,
                unit: "calls".into(),
                labels: hours,
                series: waves.collect(),
            },
            Chart {
                title: "Calls and sales by agent".into(),
                kind: Kind::Bar,
                unit: "a month".into(),
                labels: people,
                series: vec![
                    Series {
                        name: "Calls".into(),
                        values: (0..24).map(|at| Some(noise(at) * 12.0)).collect(),
                    },
                    Series { name: "Sales".into(), values: (0..24).map(|at| Some(noise(at + 30))).collect() },
                ],
            },
            bars("Sales", "€", &days, &[2.1e6, 3.5e6, 12.25e6, 8e6, 7.5e6, 0.0, 1e5]),
            bars("One day", "calls", &["Mon"], &[1.0]),
            bars("Below nought", "points", &days, &[-2.0, -1.5, -3.25, -0.5, -1.0, -2.0, -2.5]),
            bars("Nothing", "calls", &days, &[]),
        ],
        tables: vec![
            Table {
                title: "What no font has: 😀 বাংলা, and an empty table below".into(),
                note: String::new(),
                columns: columns(&[("Text", Left), ("Figure", Right)]),
                rows: vec![
                    row(&[
                        "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore et dolore magna aliqua, ut enim ad minim veniam",
                        "−1,204.50",
                    ]),
                    row(&[
                        "لوريم إيبسوم دولور سيت أميت (consectetur 2026) إيليت، سيد دو إيوسمود تيمبور إنسيديدونت يوت لابوري إت دولوري ماغنا أليكا",
                        "٣٧",
                    ]),
                    row(&["দাম 😀", ""]),
                ],
                totals: None,
            },
            Table {
                title: "Empty".into(),
                note: String::new(),
                columns: columns(&[("Queue", Left), ("Calls", Right), ("Talk time", Right)]),
                rows: vec![],
                totals: Some(row(&["All", "0", "0 s"])),
            },
        ],
        measures: vec![],
    }
}
