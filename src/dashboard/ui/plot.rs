//! A chart over steps that have names, days of a tenant's calendar or whatever is told apart, and the same as a table.

use askama::{Template, filters::HtmlSafe};
use serde::Serialize;

use super::chart::Series;

/// Rows of the table below it.
const MOST_ROWS: usize = 200;

/// What it shows.
#[derive(Debug, Clone)]
pub struct Plot {
    /// In its heading and for screen readers.
    pub title: String,
    /// Of the vertical axis: `%`, `s`; empty for what is counted.
    pub unit: &'static str,
    /// What its steps are: the heading of the table's first column.
    pub steps: &'static str,
    /// What stands below each step.
    pub labels: Vec<String>,
    pub series: Vec<Series>,
    /// `lines`, or `groups` of bars beside each other.
    pub style: &'static str,
    /// For each step the values of all series, as people read them.
    pub cells: Vec<Vec<String>>,
}

/// What the script reads.
#[derive(Serialize)]
struct Data<'a> {
    labels: &'a [String],
    series: &'a [Series],
    unit: &'a str,
    style: &'a str,
    brush: bool,
}

/// The fragment that [`plot`] makes.
#[derive(Template)]
#[template(path = "ui/plot.html")]
pub struct PlotBox<'a> {
    plot: &'a Plot,
    data: String,
    rows: Vec<(&'a str, &'a [String])>,
    /// Of how many steps only the last ones are in the table; none if all are.
    cut: Option<usize>,
}

impl HtmlSafe for PlotBox<'_> {}

/// The chart.
#[must_use]
pub fn plot(plot: &Plot) -> PlotBox<'_> {
    let Plot { labels, series, unit, style, cells, .. } = plot;
    let data = Data { labels, series, unit, style, brush: false };
    let skipped = labels.len().saturating_sub(MOST_ROWS);
    let rows = labels.iter().map(String::as_str).zip(cells.iter().map(Vec::as_slice)).skip(skipped);
    PlotBox {
        plot,
        data: serde_json::to_string(&data).unwrap_or_default(),
        rows: rows.collect(),
        cut: (skipped > 0).then_some(labels.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_table_has_its_last_rows_and_says_so() {
        let steps = MOST_ROWS + 1;
        let drawn = |steps: usize| {
            let shown = Plot {
                title: "Calls <b>".into(),
                unit: "",
                steps: "Day",
                labels: (0..steps).map(|step| format!("day {step};")).collect(),
                series: vec![Series { name: "Calls".into(), tone: "1", values: vec![Some(1.0); steps] }],
                style: "lines",
                cells: vec![vec!["1".into()]; steps],
            };
            plot(&shown).to_string()
        };
        let long = drawn(steps);
        assert!(!long.contains("<td>day 0;</td>") && long.contains("<td>day 1;</td>"), "{long}");
        assert!(long.contains("of 201") && !drawn(3).contains("of 3") && !long.contains("<b>"), "{long}");
    }
}
