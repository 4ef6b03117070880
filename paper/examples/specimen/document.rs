//! Made-up reports.

use chrono::{DateTime, FixedOffset};
use paper::{Align, Chart, Column, Document, Kind, Measure, Series, Table, Tile};

fn made_at() -> DateTime<FixedOffset> {
    DateTime::parse_from_rfc3339("2026-12-01T07:30:00+01:00").unwrap_or_default()
}

fn tile(label: &str, value: &str, note: &str) -> Tile {
    Tile { label: label.into(), value: value.into(), note: note.into() }
}

fn columns(names: &[(&str, Align)]) -> Vec<Column> {
    names.iter().map(|(name, align)| Column { name: (*name).into(), align: *align }).collect()
}

fn row(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|cell| (*cell).to_owned()).collect()
}

/// A number from 0 to 99 that is always the same for the same `at`.
fn noise(at: u32) -> f64 {
    f64::from(at.wrapping_mul(2_654_435_761).rotate_left(13).wrapping_mul(40_503) % 100)
}

pub fn specimen() -> Document {
    Document {
        title: "Calls and agents".into(),
        tenant: "Nordwind Kundendienst GmbH".into(),
        range: "1–30 November 2026".into(),
        zone: "Europe/Berlin".into(),
        made_at: made_at(),
        language: Some("en".into()),
        note: Some("Queues: Sales, Support, Renewals. Everything that happened before 1 December 2026, 07:29 is counted.".into()),
        tiles: vec![
            tile("Calls", "18,204", "+4.1 % on October"),
            tile("Answered", "16,911", "92.9 %, 1.2 points more"),
            tile("Service level (20 s)", "81.4 %", "−0.6 points"),
            tile("Average speed of answer", "14 s", "1 s less"),
            tile("Average handling time", "5 min 12 s", "unchanged"),
            tile("Occupancy", "76.3 %", "+2.0 points"),
            tile("Satisfaction", "4.3 of 5", "of 2,117 answers"),
            tile("Revenue of campaigns", "€ 1,284,310.50", "+11.8 % on October"),
        ],
        charts: charts(),
        tables: vec![agents(), literal(), wide()],
        measures: measures(),
    }
}

fn charts() -> Vec<Chart> {
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

fn agents() -> Table {
    use Align::{Left, Right};
    let people = [
        ("Anna Lindqvist", "Stockholm"),
        ("Łukasz Wiśniewski", "Łódź"),
        ("Ştefania Ionescu-Brâncoveanu", "Timișoara"),
        ("Nguyễn Thị Minh Khai", "Thành phố Hồ Chí Minh"),
        ("Екатерина Щербакова", "Санкт-Петербург"),
        ("Ґалина Їжакевич", "Київ"),
        ("Ελευθερία Παπαδοπούλου", "Θεσσαλονίκη"),
        ("أحمد عبد الرحمن", "القاهرة"),
        ("فرهاد پورمحمدی", "تهران (دفتر ۲)"),
        ("דוד בן־גוריון", "תל אביב"),
        ("राजेन्द्र श्रीवास्तव", "नई दिल्ली"),
        ("王小明", "北京市朝阳区"),
        ("陳美玲", "臺北市"),
        ("佐藤 さくら", "横浜市"),
        ("김민준", "서울특별시"),
        ("สมชาย ใจดี", "เชียงใหม่"),
        ("José Ángel Muñoz Íñiguez", "A Coruña"),
        ("Zoë O’Brien (שירות)", "Dublin"),
    ];
    let names = [
        ("Agent", Left),
        ("Place", Left),
        ("Calls", Right),
        ("Talk time", Right),
        ("Occupancy", Right),
        ("Sales", Right),
    ];
    let rows = (1_u32..).zip(people).map(|(at, (name, place))| {
        let calls = 400.0 + 9.0 * noise(at);
        vec![
            name.to_owned(),
            place.to_owned(),
            thousands(calls),
            format!("{:.0} h {:02.0} min", calls / 13.0, noise(at + 5) * 0.59),
            format!("{:.1} %", 60.0 + noise(at + 9) / 4.0),
            format!("€ {}", thousands(noise(at + 2) * 317.0)),
        ]
    });
    Table {
        title: "Agents".into(),
        note: String::new(),
        columns: columns(&names),
        rows: rows.collect(),
        totals: Some(row(&["18 agents", "", "16,911", "1,301 h 02 min", "76.3 %", "€ 281,004"])),
    }
}

fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    match digits.len() {
        0..=3 => digits,
        length => format!("{},{}", &digits[..length - 3], &digits[length - 3..]),
    }
}

/// What would do something if it were read as markup.
pub fn literal() -> Table {
    use Align::{Left, Right};
    Table {
        title: "Campaigns: #import \"x.typ\" and *others*".into(),
        note: "Names are as people entered them.".into(),
        columns: columns(&[("Campaign", Left), ("Target", Left), ("Sent", Right)]),
        rows: vec![
            row(&[
                "#import \"@preview/cetz:0.3.0\"",
                "https://example.org/landing/autumn-campaign?utm_source=newsletter&utm_medium=email",
                "1,204",
            ]),
            row(&["*bold* _emphasis_ `raw`", "$x^2$ @label <label> \\ ~ --- ...", "377"]),
            row(&["= Heading", "#panic(\"no\") // comment /* comment */", "12"]),
            row(&["\"quotes\" 'single' -> => 3x4", "#(1 + 1) #{ } [ ] ]]", "0"]),
        ],
        totals: None,
    }
}

fn wide() -> Table {
    use Align::{Left, Right};
    let names = [
        "Offered",
        "Answered",
        "Abandoned",
        "Overflowed",
        "Within 20 s",
        "Longest wait",
        "Average wait",
        "Talk time",
        "After call",
        "Holds",
        "Transfers",
        "Callbacks",
        "Satisfaction",
    ];
    let mut head = vec![("Queue", Left)];
    head.extend(names.map(|name| (name, Right)));
    let queues = [
        "Sales, new customers",
        "Support, first line",
        "Support, second line",
        "Renewals",
        "Rückrufe",
        "خدمة العملاء",
    ];
    let cells = |at: u32| -> Vec<String> {
        (0..13_u32)
            .map(|column| thousands(noise(at * 13 + column) * if column < 4 { 31.0 } else { 1.0 }))
            .collect()
    };
    let rows = (0_u32..).zip(queues).map(|(at, queue)| {
        let mut row = vec![queue.to_owned()];
        row.extend(cells(at));
        row
    });
    let mut totals = vec!["All queues".to_owned()];
    totals.extend(cells(77));
    Table {
        title: "Queues in full".into(),
        note: "Times in seconds.".into(),
        columns: columns(&head),
        rows: rows.collect(),
        totals: Some(totals),
    }
}

fn measures() -> Vec<Measure> {
    [
        ("Service level", "Calls that were answered within 20 seconds, as a share of all that were offered less those abandoned within 5 seconds."),
        ("Average speed of answer", "Seconds from entering the queue to the answer, over all calls that were answered."),
        ("Average handling time", "Talk time, holds and work after the call, over all calls that were answered."),
        ("Occupancy", "Time on calls and after them, as a share of the time for which agents were signed in and not on a break."),
        ("Satisfaction", "The mean of the answers to the survey after the call, from 1 to 5. Calls without an answer do not count."),
    ]
    .map(|(name, sentence)| Measure { name: name.into(), sentence: sentence.into() })
    .to_vec()
}

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

/// A report that is one table of `rows` rows.
pub fn long(rows: u32) -> Document {
    use Align::{Left, Right};
    let names = [
        ("Lead", Left),
        ("Company", Left),
        ("Owner", Left),
        ("Status", Left),
        ("Score", Right),
        ("Calls", Right),
        ("Last contact", Right),
        ("Value", Right),
    ];
    let row = |at: u32| {
        vec![
            format!("Lead {at}, {}", ["Maier", "O’Neill", "García", "王小明", "أحمد"][(at % 5) as usize]),
            format!("Company {} with some more of a name", at / 3),
            format!("Agent {}", at % 97),
            ["new", "contacted", "qualified", "won", "lost"][(at % 5) as usize].to_owned(),
            format!("{}", at % 101),
            format!("{}", at % 13),
            format!("{:02} Nov 2026, {:02}:{:02}", 1 + at % 30, at % 24, at % 60),
            format!("€ {}", thousands(f64::from(at % 9_000))),
        ]
    };
    Document {
        title: "Leads".into(),
        tiles: vec![],
        charts: vec![],
        tables: vec![Table {
            title: "All leads".into(),
            note: String::new(),
            columns: columns(&names),
            rows: (1..=rows).map(row).collect(),
            totals: Some(vec![
                "All".into(),
                String::new(),
                String::new(),
                String::new(),
                String::new(),
                "60,012".into(),
            ]),
        }],
        measures: vec![],
        ..specimen()
    }
}
