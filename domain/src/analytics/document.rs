//! A report as a value: JSON, the dashboard, spreadsheets and PDF are all written from it, so that they cannot differ.
//!
//! Numbers are exact where they are counts, money (in cents of the tenant's currency) or seconds that were added up; a
//! rate is a share of one, 0.25 for a quarter. What cannot be told is null: a rate with nothing below the line, an average
//! of nothing.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::words::words;

words! {
    /// What a report is about.
    ReportKind {
        Lead = "lead",
        Call = "call",
        Campaign = "campaign",
        Agent = "agent",
        Gamification = "gamification",
        Message = "message",
        Job = "job",
    }
}

words! {
    /// What a number counts.
    Unit {
        /// Things: a whole number.
        Count = "count",
        /// A share of one, 0.25 for a quarter; of a return, more than one and below zero as well.
        Ratio = "ratio",
        Seconds = "seconds",
        /// Cents of the tenant's currency.
        Cents = "cents",
        /// Of satisfaction, 1 to 5; of a lead, 0 to 100; of games.
        Points = "points",
    }
}

words! {
    /// What the cells of a column are.
    ColumnKind {
        Text = "text",
        /// An instant, RFC 3339.
        Time = "time",
        Count = "count",
        Ratio = "ratio",
        Seconds = "seconds",
        Cents = "cents",
        Points = "points",
    }
}

words! {
    /// How a chart is drawn.
    ChartKind {
        Line = "line",
        Bar = "bar",
    }
}

/// A number: whole ones stay whole in JSON and in spreadsheets.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Figure {
    Whole(i64),
    Real(f64),
}

impl Figure {
    /// For axes and for what is drawn; a count beyond 2^53 is rounded.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "drawn, not counted on")]
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Whole(whole) => whole as f64,
            Self::Real(real) => real,
        }
    }
}

/// What stands in a cell of a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Cell {
    Figure(Figure),
    /// Also an instant, in RFC 3339. It may say anything that people wrote, so whoever writes a spreadsheet of it
    /// neutralises formulas.
    Text(String),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Figure> for Cell {
    fn from(figure: Figure) -> Self {
        Self::Figure(figure)
    }
}

/// The time that a report is about, half-open: `from` is in it and `to` is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ReportRange)]
pub struct Range {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
}

/// One number that stands out, with what it was in the period of the same length before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ReportTile)]
pub struct Tile {
    pub label: String,
    #[schema(value_type = Option<f64>)]
    pub value: Option<Figure>,
    pub unit: Unit,
    /// Null if there was none, or if it cannot be told.
    #[schema(value_type = Option<f64>)]
    pub previous: Option<Figure>,
    /// The `name` of the measure that says how it is computed.
    pub measure: String,
}

/// A series of a chart: a value for each of its labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ReportSeries)]
pub struct Series {
    pub name: String,
    #[schema(value_type = Vec<Option<f64>>)]
    pub values: Vec<Option<Figure>>,
}

/// A chart, as data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ReportChart)]
pub struct Chart {
    pub title: String,
    pub kind: ChartKind,
    pub unit: Unit,
    /// What stands below: dates in the report's zone (`2026-03-29`, or `2026-03-29 14:00`), or names.
    pub labels: Vec<String>,
    pub series: Vec<Series>,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ReportColumn)]
pub struct Column {
    pub name: String,
    pub kind: ColumnKind,
}

/// A table; each row, and `totals` if there are some, has a cell for each column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ReportTable)]
pub struct Table {
    pub title: String,
    pub columns: Vec<Column>,
    #[schema(value_type = Vec<Vec<Option<serde_json::Value>>>)]
    pub rows: Vec<Vec<Option<Cell>>>,
    /// Null for a table whose columns do not add up.
    #[schema(value_type = Option<Vec<Option<serde_json::Value>>>)]
    pub totals: Option<Vec<Option<Cell>>>,
    /// There were more rows than are shown; `totals` are of all of them.
    pub cut: bool,
}

/// How a number is computed, in one sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ReportMeasure)]
pub struct MeasureNote {
    pub name: String,
    pub sentence: String,
}

/// A report, made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = AnalyticsReport)]
pub struct Report {
    /// Of the operation that made it; the same one asked for again is another.
    pub id: Uuid,
    pub kind: ReportKind,
    pub title: String,
    /// The name of the tenant.
    pub tenant: String,
    pub range: Range,
    /// The IANA zone that days begin in.
    pub zone: String,
    pub made_at: DateTime<Utc>,
    /// Everything that had happened before this instant is counted: the events that the figures come from are read up to
    /// here.
    pub counted_until: DateTime<Utc>,
    pub tiles: Vec<Tile>,
    pub charts: Vec<Chart>,
    pub tables: Vec<Table>,
    pub measures: Vec<MeasureNote>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_stay_what_they_are_in_json() {
        for (figure, text) in [
            (Figure::Whole(3), "3"),
            (Figure::Real(0.25), "0.25"),
            (Figure::Whole(i64::MAX), "9223372036854775807"),
        ] {
            assert_eq!(serde_json::to_string(&figure).expect("a number"), text);
            assert_eq!(serde_json::from_str::<Figure>(text).expect(text), figure);
        }
    }

    #[test]
    fn a_cell_is_a_number_a_text_or_null() {
        let row = vec![Some(Cell::from("=1+1")), Some(Figure::Whole(-2).into()), None];
        let kept = serde_json::to_value(&row).expect("cells");
        assert_eq!(kept, json!(["=1+1", -2, null]));
        assert_eq!(serde_json::from_value::<Vec<Option<Cell>>>(kept).expect("cells"), row);
    }
}
