//! The charts of the specimen.

use paper::{Chart, Kind, Series};

use super::{noise, row};

pub(super) fn charts() -> Vec<Chart> {
    let days: Vec<String> = (1..=30).map(|day| format!("{day} Nov")).collect();
    let weekday = |day: u32| if matches!(day % 7, 0 | 1) { 0.35 } else { 1.0 };
    let calls = |seed: u32, base: f64| -> Vec<Option<f64>> {
        (1..=30).map(|day| Some(((base + noise(day + seed)) * weekday(day)).round())).collect()
    };
    let offered = calls(3, 610.0);
    let mut answered: Vec<_> = (1..)
        .zip(&offered)
        .map(|(day, calls)| calls.map(|calls| (calls * (0.86 + noise(day + 7) / 900.0)).round()))
        .collect();
    answered[17..20].fill(None);
    answered[18] = Some(600.0);
    let level = (1..=30).map(|day| (day != 12).then(|| 72.0 + noise(day + 60) / 5.0)).collect();
    let hours: Vec<String> = (0..24).map(|hour| format!("{hour:02}:00")).collect();
    let by_hour = |peak: f64, seed: u32| -> Vec<Option<f64>> {
        (0..24_u32)
            .map(|hour| {
                let distance = (f64::from(hour) - peak) / 3.4;
                Some((90.0 * (-distance * distance).exp() + noise(hour + seed) / 12.0).round())
            })
            .collect()
    };
    let queues = [
        "Sales, new customers",
        "Support, first line",
        "Support, second line",
        "Renewals",
        "Rückrufe",
        "خدمة العملاء",
        "客户服务",
    ];
    vec![
        Chart {
            title: "Calls by day".into(),
            kind: Kind::Line,
            unit: "calls".into(),
            labels: days.clone(),
            series: vec![
                Series { name: "Offered".into(), values: offered },
                Series { name: "Answered".into(), values: answered },
            ],
        },
        Chart {
            title: "Service level by day".into(),
            kind: Kind::Line,
            unit: "% within 20 s".into(),
            labels: days,
            series: vec![Series { name: String::new(), values: level }],
        },
        Chart {
            title: "Calls by hour".into(),
            kind: Kind::Bar,
            unit: "calls".into(),
            labels: hours,
            series: vec![
                Series { name: "Inbound".into(), values: by_hour(10.5, 4) },
                Series { name: "Outbound".into(), values: by_hour(15.0, 40) },
            ],
        },
        Chart {
            title: "Handling time by queue".into(),
            kind: Kind::Bar,
            unit: "minutes".into(),
            labels: row(&queues),
            series: vec![Series {
                name: String::new(),
                values: vec![Some(6.4), Some(4.1), Some(9.75), Some(5.2), None, Some(3.9), Some(7.0)],
            }],
        },
        Chart {
            title: "Change of the pipeline by month".into(),
            kind: Kind::Bar,
            unit: "€".into(),
            labels: row(&["Jun", "Jul", "Aug", "Sep", "Oct", "Nov"]),
            series: vec![
                Series {
                    name: "Won".into(),
                    values: [182e3, 140e3, 95e3, 210e3, 250e3, 281e3].map(Some).to_vec(),
                },
                Series {
                    name: "Lost".into(),
                    values: [-80e3, -120e3, -60e3, -30e3, -44e3, -51e3].map(Some).to_vec(),
                },
            ],
        },
    ]
}
