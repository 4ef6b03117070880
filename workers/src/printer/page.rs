//! A report as a document on paper. Pure.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use domain::analytics::{
    document::{Cell, Chart, ChartKind, Column, ColumnKind, Range, Report, Table, Tile, Unit},
    measures,
};
use paper::Align;

use super::{
    said::{NOTHING, before, said, said_or_nothing},
    steps::shortened,
};

const DAY: &str = "%-d %B %Y";
const MOMENT: &str = "%-d %B %Y, %H:%M";
/// In a cell.
const SHORT_MOMENT: &str = "%-d %b %Y, %H:%M";

/// What a report says, in words and numbers as people read them, in its zone.
pub(super) fn of(report: &Report) -> paper::Document {
    let zone: Tz = report.zone.parse().unwrap_or(Tz::UTC);
    paper::Document {
        title: report.title.clone(),
        tenant: report.tenant.clone(),
        range: days(report.range, zone),
        zone: zone.name().to_owned(),
        made_at: report.made_at.with_timezone(&zone).fixed_offset(),
        language: Some("en".to_owned()),
        note: Some(note(report, zone)),
        tiles: report.tiles.iter().map(tile).collect(),
        charts: report.charts.iter().map(chart).collect(),
        tables: report.tables.iter().map(|one| table(one, zone)).collect(),
        measures: report
            .measures
            .iter()
            .map(|note| paper::Measure {
                name: measures::named(&note.name)
                    .map_or_else(|| note.name.clone(), |measure| measure.label.to_owned()),
                sentence: note.sentence.clone(),
            })
            .collect(),
    }
}

/// The days of a range, with the last one that is in it.
fn days(range: Range, zone: Tz) -> String {
    let said = |at: DateTime<Utc>| at.with_timezone(&zone).format(DAY).to_string();
    let (first, last) = (said(range.from), said(range.to - TimeDelta::milliseconds(1)));
    if first == last || range.to <= range.from { first } else { format!("{first} – {last}") }
}

fn note(report: &Report, zone: Tz) -> String {
    let until = report.counted_until.with_timezone(&zone).format(MOMENT);
    let counted = format!("Everything that had happened before {until} is counted.");
    let has_times = report.tiles.iter().any(|tile| tile.unit == Unit::Seconds)
        || report.tables.iter().flat_map(|table| &table.columns).any(|one| one.kind == ColumnKind::Seconds);
    if has_times {
        format!("{counted} How long something took is written as minutes:seconds or hours:minutes:seconds.")
    } else {
        counted
    }
}

fn tile(tile: &Tile) -> paper::Tile {
    paper::Tile {
        label: tile.label.clone(),
        value: said_or_nothing(tile.value, tile.unit),
        note: before(tile.value, tile.previous, tile.unit),
    }
}

fn chart(chart: &Chart) -> paper::Chart {
    let all = chart.series.iter().flat_map(|series| &series.values).flatten();
    let largest = all.map(|value| value.as_f64().abs()).fold(0.0, f64::max);
    let (factor, unit) = axis(chart.unit, largest);
    paper::Chart {
        title: chart.title.clone(),
        kind: match chart.kind {
            ChartKind::Line => paper::Kind::Line,
            ChartKind::Bar => paper::Kind::Bar,
        },
        unit: unit.to_owned(),
        labels: shortened(&chart.labels),
        series: chart
            .series
            .iter()
            .map(|series| paper::Series {
                name: series.name.clone(),
                values: series
                    .values
                    .iter()
                    .map(|value| value.map(|value| value.as_f64() * factor))
                    .collect(),
            })
            .collect(),
    }
}

/// What a number is multiplied by at an axis that goes up to `largest`, and the unit there. Money is of the tenant's currency,
/// which stands nowhere.
fn axis(unit: Unit, largest: f64) -> (f64, &'static str) {
    match unit {
        Unit::Count | Unit::Points => (1.0, ""),
        Unit::Ratio => (100.0, "%"),
        Unit::Cents => (0.01, "money"),
        Unit::Seconds if largest < 180.0 => (1.0, "seconds"),
        Unit::Seconds if largest < 3.0 * 3_600.0 => (1.0 / 60.0, "minutes"),
        Unit::Seconds => (1.0 / 3_600.0, "hours"),
    }
}

fn table(table: &Table, zone: Tz) -> paper::Table {
    let row = |cells: &Vec<Option<Cell>>| -> Vec<String> {
        let cells = cells.iter().zip(&table.columns);
        cells.map(|(cell, column)| written(cell.as_ref(), column.kind, zone)).collect()
    };
    let note = match (table.cut, &table.totals) {
        (false, _) => "",
        (true, None) => "There are more rows than are shown.",
        (true, Some(_)) => "There are more rows than are shown; the last line is of all of them.",
    };
    paper::Table {
        title: table.title.clone(),
        note: note.to_owned(),
        columns: table.columns.iter().map(column).collect(),
        rows: table.rows.iter().map(row).collect(),
        totals: table.totals.as_ref().map(row),
    }
}

fn column(column: &Column) -> paper::Column {
    let is_text = matches!(column.kind, ColumnKind::Text | ColumnKind::Time);
    paper::Column { name: column.name.clone(), align: if is_text { Align::Left } else { Align::Right } }
}

fn written(cell: Option<&Cell>, kind: ColumnKind, zone: Tz) -> String {
    let unit = match kind {
        ColumnKind::Text | ColumnKind::Time | ColumnKind::Count => Unit::Count,
        ColumnKind::Ratio => Unit::Ratio,
        ColumnKind::Seconds => Unit::Seconds,
        ColumnKind::Cents => Unit::Cents,
        ColumnKind::Points => Unit::Points,
    };
    match cell {
        None => NOTHING.to_owned(),
        Some(Cell::Figure(figure)) => said(*figure, unit),
        Some(Cell::Text(text)) if kind == ColumnKind::Time => DateTime::parse_from_rfc3339(text)
            .map_or_else(|_| text.clone(), |at| at.with_timezone(&zone).format(SHORT_MOMENT).to_string()),
        Some(Cell::Text(text)) => text.clone(),
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::Europe::Berlin;
    use domain::analytics::document::{Figure, MeasureNote, ReportKind, Series};
    use uuid::Uuid;

    use super::*;

    const W: fn(i64) -> Figure = Figure::Whole;
    const R: fn(f64) -> Figure = Figure::Real;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("an instant")
    }

    fn report() -> Report {
        let column = |name: &str, kind| Column { name: name.into(), kind };
        Report {
            id: Uuid::nil(),
            kind: ReportKind::Call,
            title: "Calls".into(),
            tenant: "Acme".into(),
            range: Range { from: at("2026-02-28T23:00:00Z"), to: at("2026-03-31T22:00:00Z") },
            zone: "Europe/Berlin".into(),
            made_at: at("2026-04-01T05:30:00Z"),
            counted_until: at("2026-04-01T05:29:58Z"),
            tiles: vec![Tile {
                label: "Service level".into(),
                value: Some(R(0.85)),
                unit: Unit::Ratio,
                previous: Some(R(0.8)),
                measure: "call.service_level".into(),
            }],
            charts: vec![Chart {
                title: "Success".into(),
                kind: ChartKind::Line,
                unit: Unit::Ratio,
                labels: vec!["2026-03-01".into(), "2026-03-02".into()],
                series: vec![Series { name: "Success".into(), values: vec![Some(R(0.25)), None] }],
            }],
            tables: vec![Table {
                title: "By agent".into(),
                columns: vec![
                    column("Agent", ColumnKind::Text),
                    column("Since", ColumnKind::Time),
                    column("Talking", ColumnKind::Seconds),
                    column("Value", ColumnKind::Cents),
                ],
                rows: vec![vec![
                    Some("=Ann".into()),
                    Some("2026-03-29T01:00:00Z".into()),
                    Some(R(205.2).into()),
                    None,
                ]],
                totals: Some(vec![Some("Total".into()), None, Some(W(205).into()), Some(W(123_456).into())]),
                cut: true,
            }],
            measures: vec![
                MeasureNote { name: "call.count".into(), sentence: "Calls that began.".into() },
                MeasureNote { name: "else".into(), sentence: "Else.".into() },
            ],
        }
    }

    #[test]
    fn a_report_is_said_in_its_zone_and_as_people_read_it() {
        let page = of(&report());
        assert_eq!((page.title.as_str(), page.tenant.as_str()), ("Calls", "Acme"));
        assert_eq!(
            (page.range.as_str(), page.zone.as_str()),
            ("1 March 2026 – 31 March 2026", "Europe/Berlin")
        );
        assert_eq!(page.made_at.to_rfc3339(), "2026-04-01T07:30:00+02:00");
        assert_eq!(
            page.note.as_deref(),
            Some(
                "Everything that had happened before 1 April 2026, 07:29 is counted. How long something took is written as \
                 minutes:seconds or hours:minutes:seconds."
            )
        );
        assert_eq!(
            page.tiles,
            [paper::Tile {
                label: "Service level".into(),
                value: "85.0 %".into(),
                note: "before: 80.0 %, +5.0 points".into()
            }]
        );
        let chart = &page.charts[0];
        assert_eq!((chart.unit.as_str(), chart.kind), ("%", paper::Kind::Line));
        assert_eq!(chart.labels, ["1 Mar", "2 Mar"]);
        assert_eq!(chart.series[0].values, [Some(25.0), None]);
        let table = &page.tables[0];
        assert_eq!(table.note, "There are more rows than are shown; the last line is of all of them.");
        assert_eq!(table.rows, [["=Ann", "29 Mar 2026, 03:00", "3:25", "–"]]);
        assert_eq!(table.totals.as_deref().expect("totals"), ["Total", "–", "3:25", "1,234.56"]);
        let aligned: Vec<Align> = table.columns.iter().map(|column| column.align).collect();
        assert_eq!(aligned, [Align::Left, Align::Left, Align::Right, Align::Right]);
        let names: Vec<&str> = page.measures.iter().map(|measure| measure.name.as_str()).collect();
        assert_eq!(names, ["Calls", "else"], "by its label, if there is one");
    }

    #[test]
    fn days_are_those_of_the_zone() {
        for (from, to, zone, wanted) in [
            ("2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z", Tz::UTC, "1 March 2026 – 31 March 2026"),
            ("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", Berlin, "29 March 2026"),
            ("2025-12-31T23:00:00Z", "2026-12-31T23:00:00Z", Berlin, "1 January 2026 – 31 December 2026"),
            ("2026-03-01T00:00:00Z", "2026-03-01T00:00:00Z", Tz::UTC, "1 March 2026"),
        ] {
            assert_eq!(days(Range { from: at(from), to: at(to) }, zone), wanted);
        }
    }

    #[test]
    fn a_zone_that_is_not_known_is_utc() {
        let page = of(&Report { zone: "Mars/Olympus".into(), tables: vec![], ..report() });
        assert_eq!(
            (page.zone.as_str(), page.made_at.to_rfc3339().as_str()),
            ("UTC", "2026-04-01T05:30:00+00:00")
        );
        assert_eq!(
            page.note.as_deref(),
            Some("Everything that had happened before 1 April 2026, 05:29 is counted.")
        );
    }

    #[test]
    fn seconds_are_drawn_in_what_fits_them() {
        for (unit, largest, wanted) in [
            (Unit::Count, 1e6, (1.0, "")),
            (Unit::Ratio, 1.0, (100.0, "%")),
            (Unit::Cents, 1e6, (0.01, "money")),
            (Unit::Seconds, 20.0, (1.0, "seconds")),
            (Unit::Seconds, 600.0, (1.0 / 60.0, "minutes")),
            (Unit::Seconds, 90_000.0, (1.0 / 3_600.0, "hours")),
        ] {
            assert_eq!(axis(unit, largest), wanted, "{unit:?} {largest}");
        }
    }

    #[test]
    fn what_is_said_is_set() {
        let pdf = paper::render(&of(&report())).expect("a PDF");
        assert!(pdf.starts_with(b"%PDF-"));
    }
}
