//! Numbers of reports as people read them: with their unit, and beside what they were before.

use chrono::DateTime;
use domain::analytics::{
    document::{Cell, ColumnKind, Figure, Table, Tile, Unit},
    measures,
};

use crate::dashboard::ui;

/// A number that stands out.
pub struct Kpi {
    pub label: String,
    /// None if it cannot be told.
    pub value: Option<String>,
    /// Why it cannot be told.
    pub why: String,
    /// How it has changed: an arrow, and words that say the same.
    pub change: Option<(&'static str, String)>,
    /// What it was in the period before.
    pub before: String,
}

impl Kpi {
    /// If it cannot be told, the sentence of its measure says why.
    #[must_use]
    pub fn of(tile: &Tile) -> Self {
        let sentence = measures::named(&tile.measure).map_or("", |measure| measure.sentence);
        Self::new(&tile.label, tile.unit, (tile.value, tile.previous), sentence)
    }

    /// A number and what it was before; `sentence` is that of its measure.
    #[must_use]
    pub fn new(
        label: &str,
        unit: Unit,
        (value, previous): (Option<Figure>, Option<Figure>),
        sentence: &str,
    ) -> Self {
        let pair = value.zip(previous);
        Self {
            label: label.to_owned(),
            value: value.map(|value| said(value, unit)),
            why: why_null(sentence),
            change: pair.map(|(value, previous)| change(value, previous, unit)),
            before: previous.map_or_else(
                || "nothing to compare it with".to_owned(),
                |previous| format!("{} before", said(previous, unit)),
            ),
        }
    }
}

/// Why there is no figure, by the sentence of its measure.
fn why_null(sentence: &str) -> String {
    let clause =
        sentence.split_once("null ").map(|(_, rest)| rest.split([';', '.']).next().unwrap_or_default());
    clause
        .map_or_else(|| "it cannot be told".to_owned(), |clause| format!("not to be told {}", clause.trim()))
}

/// How a number has changed.
fn change(value: Figure, previous: Figure, unit: Unit) -> (&'static str, String) {
    let (value, previous) = (value.as_f64(), previous.as_f64());
    // A share is compared by the points between them.
    let (by, least) = match unit {
        Unit::Ratio => ((value - previous) * 100.0, 0.05),
        _ => (value - previous, f64::EPSILON),
    };
    if by.abs() < least {
        return ("→", "unchanged".to_owned());
    }
    let (arrow, way) = if by > 0.0 { ("↑", "up") } else { ("↓", "down") };
    if unit == Unit::Ratio {
        return (arrow, format!("{way} {:.1} points", by.abs()));
    }
    if previous == 0.0 {
        return (arrow, format!("{way} from nothing"));
    }
    let percent = (by / previous * 100.0).abs();
    let percent = match percent {
        ..0.1 => "less than 0.1 %".to_owned(),
        ..10.0 => format!("{percent:.1} %"),
        ..1_000.0 => format!("{percent:.0} %"),
        _ => format!("{:.0} times", (value / previous).abs()),
    };
    (arrow, format!("{way} {percent}"))
}

/// A number with its unit. Money is of the tenant's currency, which stands nowhere.
#[must_use]
pub fn said(figure: Figure, unit: Unit) -> String {
    match (unit, figure) {
        (Unit::Count, Figure::Whole(count)) => ui::count(&count),
        (Unit::Count, Figure::Real(mean)) => format!("{mean:.2}"),
        (Unit::Ratio, _) => format!("{:.1} %", figure.as_f64() * 100.0),
        (Unit::Seconds, _) => ui::lasting(whole(figure.as_f64() * 1_000.0)),
        (Unit::Cents, _) => {
            let cents = whole(figure.as_f64());
            let sign = if cents < 0 { "-" } else { "" };
            format!("{sign}{}.{:02}", ui::count(&(cents / 100).abs()), (cents % 100).abs())
        }
        (Unit::Points, Figure::Whole(points)) => ui::count(&points),
        (Unit::Points, Figure::Real(points)) => format!("{points:.2}"),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "it saturates, and is only shown")]
fn whole(real: f64) -> i64 {
    real.round() as i64
}

/// A table as it is shown: each head and each cell as text, and whether it stands to the right.
pub struct Shown {
    pub title: String,
    pub heads: Vec<(String, bool)>,
    pub rows: Vec<Vec<(String, bool)>>,
    pub totals: Option<Vec<(String, bool)>>,
    pub cut: bool,
}

impl Shown {
    /// Figures stand to the right, texts and times to the left.
    #[must_use]
    pub fn of(table: &Table) -> Self {
        let right = |kind: ColumnKind| !matches!(kind, ColumnKind::Text | ColumnKind::Time);
        let row = |cells: &Vec<Option<Cell>>| -> Vec<(String, bool)> {
            let cells = cells.iter().zip(&table.columns);
            cells.map(|(cell, column)| (cell_of(cell.as_ref(), column.kind), right(column.kind))).collect()
        };
        Self {
            title: table.title.clone(),
            heads: table.columns.iter().map(|column| (column.name.clone(), right(column.kind))).collect(),
            rows: table.rows.iter().map(row).collect(),
            totals: table.totals.as_ref().map(row),
            cut: table.cut,
        }
    }
}

fn cell_of(cell: Option<&Cell>, kind: ColumnKind) -> String {
    let unit = match kind {
        ColumnKind::Text | ColumnKind::Time | ColumnKind::Count => Unit::Count,
        ColumnKind::Ratio => Unit::Ratio,
        ColumnKind::Seconds => Unit::Seconds,
        ColumnKind::Cents => Unit::Cents,
        ColumnKind::Points => Unit::Points,
    };
    match cell {
        None => "–".to_owned(),
        Some(Cell::Figure(figure)) => said(*figure, unit),
        Some(Cell::Text(text)) if kind == ColumnKind::Time => DateTime::parse_from_rfc3339(text)
            .map_or_else(|_| text.clone(), |at| at.to_utc().format("%Y-%m-%d %H:%M:%S UTC").to_string()),
        Some(Cell::Text(text)) => text.clone(),
    }
}

#[cfg(test)]
mod tests {
    use domain::analytics::document::Column;

    use super::*;

    const W: fn(i64) -> Figure = Figure::Whole;
    const R: fn(f64) -> Figure = Figure::Real;

    #[test]
    fn numbers_have_their_unit() {
        for (figure, unit, wanted) in [
            (W(12_345), Unit::Count, "12,345"),
            (R(2.5), Unit::Count, "2.50"),
            (R(0.805), Unit::Ratio, "80.5 %"),
            (R(-0.7), Unit::Ratio, "-70.0 %"),
            (R(20.04), Unit::Seconds, "20.0 s"),
            (R(754.0), Unit::Seconds, "12 min 34 s"),
            (W(-123_456), Unit::Cents, "-1,234.56"),
            (R(99.6), Unit::Cents, "1.00"),
            (W(-5), Unit::Cents, "-0.05"),
            (R(4.5), Unit::Points, "4.50"),
        ] {
            assert_eq!(said(figure, unit), wanted);
        }
    }

    #[test]
    fn a_change_is_said_by_an_arrow_and_by_words() {
        for (value, previous, unit, wanted) in [
            (W(15), W(12), Unit::Count, ("↑", "up 25 %")),
            (W(9), W(12), Unit::Count, ("↓", "down 25 %")),
            (W(12), W(12), Unit::Count, ("→", "unchanged")),
            (W(3), W(0), Unit::Count, ("↑", "up from nothing")),
            (W(1_001), W(1_000), Unit::Count, ("↑", "up 0.1 %")),
            (W(60_000), W(3), Unit::Count, ("↑", "up 20000 times")),
            (R(0.85), R(0.8), Unit::Ratio, ("↑", "up 5.0 points")),
            (R(0.8), R(0.800_1), Unit::Ratio, ("→", "unchanged")),
            (W(-100), W(-200), Unit::Cents, ("↑", "up 50 %")),
        ] {
            assert_eq!(
                change(value, previous, unit),
                (wanted.0, wanted.1.to_owned()),
                "{value:?} {previous:?}"
            );
        }
    }

    #[test]
    fn what_cannot_be_told_says_why() {
        for measure in measures::ALL.iter().filter(|measure| measure.sentence.contains("null")) {
            let why = why_null(measure.sentence);
            assert!(why.starts_with("not to be told ") && !why.contains("null") && why.len() > 20, "{why}");
        }
        assert_eq!(
            why_null("A; null if none was offered; 0.8 is usual."),
            "not to be told if none was offered"
        );
        let kpi = Kpi::new("Rate", Unit::Ratio, (None, Some(R(0.5))), "A; null if there are none.");
        assert_eq!((kpi.value, kpi.change, kpi.before.as_str()), (None, None, "50.0 % before"));
    }

    #[test]
    fn cells_are_of_their_column() {
        let column = |name: &str, kind| Column { name: name.into(), kind };
        let table = Table {
            title: "By agent".into(),
            columns: vec![column("Agent", ColumnKind::Text), column("Success", ColumnKind::Ratio)],
            rows: vec![vec![Some("Ann".into()), Some(R(0.5).into())], vec![Some("Bob".into()), None]],
            totals: Some(vec![Some("Total".into()), Some(R(0.25).into())]),
            cut: false,
        };
        let shown = Shown::of(&table);
        let texts: Vec<&str> = shown.rows.iter().flatten().map(|(text, _)| text.as_str()).collect();
        assert_eq!(texts, ["Ann", "50.0 %", "Bob", "–"]);
        assert_eq!(shown.rows[0].iter().map(|(_, right)| *right).collect::<Vec<_>>(), [false, true]);
        assert_eq!(shown.totals.expect("totals")[1].0, "25.0 %");
    }
}
