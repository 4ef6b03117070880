//! What a report says. Texts are shown as they are, in any script that the fonts know; see `fonts/README.md`.

use chrono::{DateTime, FixedOffset};

/// A report, with its numbers written out as people read them.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    pub title: String,
    /// Who it is about and for.
    pub tenant: String,
    /// The time that it is about, as people say it: "1–30 November 2026".
    pub range: String,
    /// The zone that days begin in: "Europe/Berlin".
    pub zone: String,
    /// When it was made, with the zone's offset then. It is the PDF's date as well.
    pub made_at: DateTime<FixedOffset>,
    /// The language of its texts (ISO 639), for screen readers and for line breaks; English if there is none.
    pub language: Option<String>,
    /// A sentence below the title: what was chosen, or up to when was counted.
    pub note: Option<String>,
    pub tiles: Vec<Tile>,
    pub charts: Vec<Chart>,
    pub tables: Vec<Table>,
    pub measures: Vec<Measure>,
}

/// One number that stands out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tile {
    pub label: String,
    pub value: String,
    /// What goes with it in small: "2.1 % more than the week before". May be empty.
    pub note: String,
}

/// How a chart is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A line for each series; for labels that follow each other in time.
    Line,
    /// A bar for each value. They lie on their side where the labels are names that would not fit below them.
    Bar,
}

/// A chart; its axis of values begins at nought or below.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    pub title: String,
    pub kind: Kind,
    /// Of all values, as it stands at the axis: "calls", "%". May be empty.
    pub unit: String,
    pub labels: Vec<String>,
    pub series: Vec<Series>,
}

/// A value for each label of the chart; `None`, or what is no number, is a gap.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    pub name: String,
    pub values: Vec<Option<f64>>,
}

/// Where the cells of a column stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Texts.
    Left,
    /// Figures; they are of equal width, so that they stand below each other.
    Right,
}

/// What a column is headed by, and where its cells stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub align: Align,
}

/// A table. A row that is shorter than the columns is filled up with empty cells, what is beyond them is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub title: String,
    /// A sentence below the title. May be empty.
    pub note: String,
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<String>>,
    /// A last row that sums up. It is shown even if not all rows are.
    pub totals: Option<Vec<String>>,
}

/// How a number is computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measure {
    pub name: String,
    pub sentence: String,
}
