//! Charts of reports as pages draw them.

use chrono::NaiveDate;
use domain::analytics::{
    document::{Chart, ChartKind, Figure, Unit},
    trends::Trend,
};

use super::figures::said;
use crate::dashboard::ui::{Plot, Series};

/// Series that are told apart by colour and stroke.
const TONES: [&str; 4] = ["1", "2", "3", "4"];

/// A chart of a report.
#[must_use]
pub fn chart(chart: &Chart) -> Plot {
    let over_time = chart.labels.first().is_some_and(|label| is_day(label));
    let series: Vec<(&str, &[Option<Figure>])> =
        chart.series.iter().map(|line| (line.name.as_str(), line.values.as_slice())).collect();
    // More than two bars beside each other are too thin to be told apart.
    let bars = chart.kind == ChartKind::Bar && chart.series.len() <= 2;
    plot(
        &chart.title,
        chart.unit,
        if over_time { "From" } else { "" },
        &chart.labels,
        &series,
        if bars { "groups" } else { "lines" },
    )
}

/// Whether a step is named by the day that it begins with.
fn is_day(label: &str) -> bool {
    label.get(..10).is_some_and(|day| day.parse::<NaiveDate>().is_ok())
}

/// A measure over time, with the period before beside it.
#[must_use]
pub fn trend(trend: &Trend) -> Plot {
    let labels: Vec<String> = trend.points.iter().map(|point| point.label.clone()).collect();
    let now: Vec<Option<Figure>> = trend.points.iter().map(|point| point.value).collect();
    let before: Vec<Option<Figure>> = trend.points.iter().map(|point| point.previous).collect();
    let series = [(trend.label, now.as_slice()), ("In the period before", before.as_slice())];
    plot(trend.label, trend.unit, "From", &labels, &series, "lines")
}

fn plot(
    title: &str,
    unit: Unit,
    steps: &'static str,
    labels: &[String],
    series: &[(&str, &[Option<Figure>])],
    style: &'static str,
) -> Plot {
    let cell = |value: Option<Figure>| value.map_or_else(|| "–".to_owned(), |value| said(value, unit));
    let cells = (0..labels.len()).map(|place| {
        series.iter().map(|(_, values)| cell(values.get(place).copied().flatten())).collect::<Vec<_>>()
    });
    let (factor, word) = axis(unit);
    Plot {
        title: title.to_owned(),
        unit: word,
        steps,
        labels: labels.to_vec(),
        cells: cells.collect(),
        series: series
            .iter()
            .zip(TONES.into_iter().cycle())
            .map(|((name, values), tone)| Series {
                name: (*name).to_owned(),
                tone,
                values: values.iter().map(|value| value.map(|value| value.as_f64() * factor)).collect(),
            })
            .collect(),
        style,
    }
}

/// What a number is multiplied by on an axis, and the unit there.
fn axis(unit: Unit) -> (f64, &'static str) {
    match unit {
        Unit::Count | Unit::Points => (1.0, ""),
        Unit::Ratio => (100.0, "%"),
        Unit::Seconds => (1.0, "s"),
        Unit::Cents => (0.01, "money"),
    }
}

#[cfg(test)]
mod tests {
    use domain::analytics::document;

    use super::*;

    #[test]
    fn a_chart_has_its_unit_on_the_axis_and_in_the_table() {
        let line = |values: Vec<Option<Figure>>| document::Series { name: "Success".into(), values };
        let drawn = chart(&Chart {
            title: "Success".into(),
            kind: ChartKind::Line,
            unit: Unit::Ratio,
            labels: vec!["2026-03-29".into(), "2026-03-30".into()],
            series: vec![line(vec![Some(Figure::Real(0.25)), None])],
        });
        assert_eq!((drawn.unit, drawn.steps, drawn.style), ("%", "From", "lines"));
        assert_eq!(drawn.series[0].values, [Some(25.0), None]);
        assert_eq!(drawn.cells, [["25.0 %"], ["–"]]);
    }

    #[test]
    fn days_are_told_from_names() {
        assert!(is_day("2026-03-29") && is_day("2026-03-29 02:00 +02:00"));
        assert!(!is_day("2026 spring") && !is_day("Åsa"));
    }

    #[test]
    fn bars_stand_beside_each_other_as_long_as_they_can_be_told_apart() {
        let of = |lines: usize| {
            let line = document::Series { name: "Cost".into(), values: vec![Some(Figure::Whole(250))] };
            chart(&Chart {
                title: "Cost and value".into(),
                kind: ChartKind::Bar,
                unit: Unit::Cents,
                labels: vec!["Spring".into()],
                series: vec![line; lines],
            })
        };
        assert_eq!((of(2).style, of(3).style), ("groups", "lines"));
        assert_eq!(
            (of(1).series[0].values[0], of(1).cells[0][0].as_str(), of(1).steps),
            (Some(2.5), "2.50", "")
        );
    }
}
