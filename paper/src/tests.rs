//! What stands on the pages, read from them as they are set, before they are written as PDF.

use std::fmt::Write;

use typst::layout::{Frame, FrameItem, Point};
use typst::text::TextItem;

use super::*;

#[path = "../examples/specimen/document/mod.rs"]
mod made_up;

/// Every text on a page, with where it begins.
fn texts(document: &Document) -> Vec<Vec<(Point, TextItem)>> {
    fn collect(frame: &Frame, from: Point, into: &mut Vec<(Point, TextItem)>) {
        for (at, item) in frame.items() {
            match item {
                FrameItem::Group(group) => collect(&group.frame, from + *at, into),
                FrameItem::Text(text) => into.push((from + *at, text.clone())),
                _ => {}
            }
        }
    }
    let sheet = serde_json::to_vec(&sheet::Sheet::of(document)).expect("JSON");
    let pages = pages(&world::World::of(sheet)).expect("pages");
    let of = |page: &typst_layout::Page| {
        let mut texts = Vec::new();
        collect(&page.frame, Point::zero(), &mut texts);
        texts
    };
    pages.pages().iter().map(of).collect()
}

fn all(document: &Document) -> String {
    let pages = texts(document);
    pages
        .iter()
        .flatten()
        .map(|(_, text)| text.text.as_str())
        .collect::<Vec<_>>()
        .join("|")
        .replace('\u{200b}', "")
}

fn empty() -> Document {
    Document {
        tiles: vec![],
        charts: vec![],
        tables: vec![],
        measures: vec![],
        note: None,
        ..made_up::specimen()
    }
}

fn with_rows(rows: Vec<Vec<String>>) -> Document {
    let column = |name: &str| Column { name: name.into(), align: Align::Left };
    let columns = vec![column("One"), column("Two")];
    let totals = Some(vec!["the sum".into(), "of it".into()]);
    let table = Table { title: "Table".into(), note: String::new(), columns, rows, totals };
    Document { tables: vec![table], ..empty() }
}

#[test]
fn the_specimen_looks_as_it_did() {
    let mut seen = String::new();
    for (at, page) in texts(&made_up::specimen()).iter().enumerate() {
        let _ = writeln!(seen, "page {}", at + 1);
        for (at, text) in page {
            let (x, y) = (at.x.to_pt().round(), at.y.to_pt().round());
            let _ = writeln!(
                seen,
                "{x:>4} {y:>4} {:>4.1} {}",
                text.size.to_pt(),
                text.text.replace("\u{200b}", "·")
            );
        }
    }
    insta::assert_snapshot!(seen);
}

#[test]
fn the_same_document_gives_the_same_bytes() {
    let document = made_up::specimen();
    let first = render(&document).expect("a PDF");
    assert!(first.starts_with(b"%PDF-1."));
    assert!(first == render(&document).expect("a PDF"), "the bytes differ");
    let later = Document { made_at: document.made_at + chrono::TimeDelta::days(1), ..document };
    assert!(first != render(&later).expect("a PDF"), "a document of another day is the same");
}

#[test]
fn names_of_every_script_are_set_with_letters_of_their_own() {
    let names = [
        ("Zoë Łukasz Nguyễn", "Inter"),
        ("Щербакова Їжакевич", "Inter"),
        ("Ελευθερία", "Inter"),
        ("أحمد", "Noto Sans Arabic"),
        ("پورمحمدی", "Noto Sans Arabic"),
        ("בן־גוריון", "Noto Sans Hebrew"),
        ("श्रीवास्तव", "Noto Sans Devanagari"),
        ("สมชาย", "Noto Sans Thai"),
        ("王小明陳美玲", "Noto Sans CJK SC"),
        ("さくら", "Noto Sans CJK SC"),
        ("サトウ", "Noto Sans CJK SC"),
        ("김민준", "Noto Sans CJK SC"),
    ];
    let document = with_rows(names.iter().map(|(name, _)| vec![(*name).to_owned(), "x".into()]).collect());
    let pages = texts(&document);
    for (name, family) in names {
        let (_, text) = pages.iter().flatten().find(|(_, text)| text.text == name).expect(name);
        assert_eq!(text.font.font().info().family, family, "{name}");
    }
    for (_, text) in pages.iter().flatten() {
        assert!(text.glyphs.iter().all(|glyph| glyph.id != 0), "{} has letters that no font has", text.text);
    }
}

#[test]
fn letters_are_joined_and_run_from_right_to_left() {
    let pages = texts(&with_rows(vec![vec!["سلام".into(), "x".into()]]));
    let (_, text) = pages.iter().flatten().find(|(_, text)| text.text == "سلام").expect("the cell");
    let starts: Vec<_> = text.glyphs.iter().map(|glyph| glyph.range().start).collect();
    assert!(starts.is_sorted_by(|left, right| left >= right), "{starts:?}");
    let alone = text.font.ttf().glyph_index('س').expect("a letter").0;
    assert!(text.glyphs.iter().all(|glyph| glyph.id != alone), "the first letter stands alone");
}

#[test]
fn a_sentence_from_right_to_left_ends_on_the_left() {
    let pages = texts(&with_rows(vec![vec!["تهران (دفتر)".into(), "x".into()]]));
    let place = |wanted: &str| {
        let found = pages.iter().flatten().find(|(_, text)| text.text.contains(wanted));
        found.map(|(at, _)| at.x).expect(wanted)
    };
    assert!(place("دفتر") <= place("تهران"));
}

#[test]
fn what_people_wrote_is_never_markup() {
    let document = Document { title: "#import \"a\"".into(), tables: vec![made_up::literal()], ..empty() };
    let said = all(&document);
    for text in [
        "#import \"a\"",
        "#import \"@preview/cetz:0.3.0\"",
        "*bold* _emphasis_ `raw`",
        "$x^2$ @label <label> \\ ~ --- ...",
        "= Heading",
        "#panic(\"no\") // comment /* comment */",
        "\"quotes\" 'single' -> => 3x4",
        "#(1 + 1) #{ } [ ] ]]",
    ] {
        assert!(said.contains(text), "{text:?} is not in {said}");
    }
}

#[test]
fn a_report_of_nothing_says_so() {
    assert!(all(&empty()).contains("There is nothing to report in this range."));
    assert!(all(&with_rows(vec![])).contains("There are no rows."));
    let bare = Document {
        title: String::new(),
        tenant: String::new(),
        range: String::new(),
        zone: String::new(),
        ..empty()
    };
    render(&bare).expect("a PDF");
}

#[test]
fn whatever_stands_in_it_a_report_becomes_a_pdf() {
    render(&made_up::odd()).expect("a PDF");
}

#[test]
fn heads_are_repeated_totals_come_once_and_pages_are_counted() {
    let pages = texts(&made_up::long(120));
    let count = pages.len();
    assert!(count >= 3, "{count} pages");
    for (at, page) in pages.iter().enumerate() {
        let has = |wanted: &str| page.iter().any(|(_, text)| text.text == wanted);
        assert!(has("Lead") && has("Company"), "page {at} has no head");
        assert!(has(&format!("Page {} of {count}", at + 1)), "page {at} has no number");
        assert_eq!(has("60,012"), at + 1 == count, "page {at}");
    }
}

#[test]
fn a_gap_parts_a_line() {
    fn shapes(frame: &Frame) -> usize {
        let of = |item: &FrameItem| match item {
            FrameItem::Group(group) => shapes(&group.frame),
            FrameItem::Shape(..) => 1,
            _ => 0,
        };
        frame.items().map(|(_, item)| of(item)).sum()
    }
    let drawn = |values: Vec<Option<f64>>| {
        let labels = (1..=values.len()).map(|at| at.to_string()).collect();
        let series = vec![Series { name: String::new(), values }];
        let chart = Chart { title: "Chart".into(), kind: Kind::Line, unit: String::new(), labels, series };
        let document = Document { charts: vec![chart], ..empty() };
        let sheet = serde_json::to_vec(&sheet::Sheet::of(&document)).expect("JSON");
        let pages = pages(&world::World::of(sheet)).expect("pages");
        pages.pages().iter().map(|page| shapes(&page.frame)).sum::<usize>()
    };
    let whole = drawn(vec![Some(1.0), Some(4.0), Some(2.0), Some(3.0), Some(1.0)]);
    assert_eq!(drawn(vec![Some(1.0), Some(4.0), None, Some(3.0), Some(1.0)]), whole + 1);
    assert_eq!(drawn(vec![Some(1.0), Some(4.0), None, Some(3.0), None]), whole + 1);
    assert!(drawn(vec![None; 5]) < whole);
}

#[test]
fn every_chart_can_be_drawn() {
    let long = "A name that is much longer than there is room for beside a bar in half of a page";
    for kind in [Kind::Line, Kind::Bar] {
        for labels in [
            vec![],
            vec!["1"],
            vec![long, "أحمد عبد الرحمن من قسم خدمة العملاء في القاهرة"],
            vec!["x"; 40],
            vec!["1 Nov"; 1_200],
        ] {
            for value in [None, Some(0.0), Some(-3.5), Some(1e17), Some(f64::INFINITY), Some(1e-9)] {
                let values = vec![value; labels.len()];
                let series = vec![Series { name: long.into(), values }; 8];
                let labels = labels.iter().map(|label| (*label).to_owned()).collect();
                let chart = Chart { title: long.into(), kind, unit: "%".into(), labels, series };
                render(&Document { charts: vec![chart], ..empty() }).expect("a PDF");
            }
        }
    }
}
