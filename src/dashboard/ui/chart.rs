//! A chart over time, and the same as a table for whoever sees no chart.

use askama::{Template, filters::HtmlSafe};
use chrono::{DateTime, Utc};
use serde::Serialize;

/// What a chart shows.
#[derive(Debug, Clone)]
pub struct Chart {
    /// In its heading and for screen readers.
    pub title: String,
    /// Of the vertical axis: `jobs a minute`, `s`.
    pub unit: String,
    pub times: Vec<DateTime<Utc>>,
    pub series: Vec<Series>,
    /// `lines`, `bars` (one upon the other) or `steps`.
    pub style: &'static str,
    /// The parameters of the address that a marked range sets, `from` and `until`; none if nothing is marked.
    pub brush: bool,
}

/// One line of a chart.
#[derive(Debug, Clone, Serialize)]
pub struct Series {
    /// In the legend.
    pub name: String,
    /// A state whose colour and stroke it has: `completed`, `failed`, …; or `1` to `4` for others.
    pub tone: &'static str,
    /// A value for each time; none where there is none.
    pub values: Vec<Option<f64>>,
}

/// What the script reads.
#[derive(Serialize)]
struct Data<'a> {
    times: Vec<i64>,
    series: &'a [Series],
    unit: &'a str,
    style: &'a str,
    brush: bool,
}

/// The fragment that [`chart`] makes.
#[derive(Template)]
#[template(path = "ui/chart.html")]
pub struct ChartBox<'a> {
    chart: &'a Chart,
    data: String,
    rows: Vec<(&'a DateTime<Utc>, Vec<String>)>,
}

impl HtmlSafe for ChartBox<'_> {}

/// The chart.
#[must_use]
pub fn chart(chart: &Chart) -> ChartBox<'_> {
    let Chart { unit, times, series, style, brush, .. } = chart;
    let data =
        Data { times: times.iter().map(DateTime::timestamp).collect(), series, unit, style, brush: *brush };
    let cell = |at: usize, line: &Series| match line.values.get(at).copied().flatten() {
        Some(value) if value.fract() == 0.0 => format!("{value:.0}"),
        Some(value) => format!("{value:.2}"),
        None => "–".to_owned(),
    };
    let row = |(at, time)| (time, series.iter().map(|line| cell(at, line)).collect());
    // A table is read from the newest on, and as far as anybody reads.
    let mut rows: Vec<_> = times.iter().enumerate().map(row).collect();
    rows.reverse();
    rows.truncate(60);
    ChartBox { chart, data: serde_json::to_string(&data).unwrap_or_default(), rows }
}
