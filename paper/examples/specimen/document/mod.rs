//! Made-up reports.

mod charts;
mod odd;

use chrono::{DateTime, FixedOffset};
use paper::{Align, Column, Document, Measure, Table, Tile};

pub use odd::odd;

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
        charts: charts::charts(),
        tables: vec![agents(), literal(), wide()],
        measures: measures(),
    }
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
