//! Where everything of a chart goes, as shares of its height and width. The lines themselves are drawn by Typst.

use serde::Serialize;

use crate::bounds::{LABELS, SERIES, TITLE, first};
use crate::document::{Chart, Kind};
use crate::figures::Form;
use crate::said::Said;

/// A chart as `chart.typ` takes it. Heights are from 0 at the bottom to 1 at the top.
#[derive(Debug, Serialize)]
pub(crate) struct Plot {
    title: Said,
    unit: Said,
    kind: &'static str,
    /// What it is to somebody who cannot see it.
    alt: String,
    ticks: Vec<Tick>,
    /// Where nought is.
    nought: f64,
    labels: Vec<Said>,
    /// The labels begin with figures, as dates, times and numbers do: some of them can be left out, and they are read in
    /// their order.
    ordered: bool,
    series: Vec<Drawn>,
    note: Option<String>,
    /// There is nothing to draw.
    empty: bool,
}

#[derive(Debug, Serialize)]
struct Tick {
    at: f64,
    text: String,
}

#[derive(Debug, Serialize)]
struct Drawn {
    name: Said,
    /// A height for each label, null where nothing is.
    heights: Vec<Option<f64>>,
    /// The same, written out.
    values: Vec<Option<String>>,
}

impl Plot {
    pub(crate) fn of(chart: &Chart) -> Self {
        let labels = &chart.labels[..chart.labels.len().min(LABELS)];
        let shown = &chart.series[..chart.series.len().min(SERIES)];
        let values = |values: &[Option<f64>]| -> Vec<Option<f64>> {
            let known =
                values.iter().map(|value| value.filter(|value| value.is_finite() && value.abs() < 1e18));
            known.chain(std::iter::repeat(None)).take(labels.len()).collect()
        };
        let series: Vec<_> = shown.iter().map(|series| (&series.name, values(&series.values))).collect();
        let axis = Axis::over(series.iter().flat_map(|(_, values)| values.iter().flatten().copied()));
        let form = Form::of(axis.step, axis.top.max(-axis.bottom));
        let known = series.iter().flat_map(|(_, values)| values.iter().flatten().copied());
        let fine = Form::of(axis.step / 10.0, axis.top.max(-axis.bottom)).shortest(known);
        let any = series.iter().any(|(_, values)| values.iter().any(Option::is_some));
        let notes = [
            first(shown.len(), chart.series.len(), "series"),
            first(labels.len(), chart.labels.len(), "points"),
        ];
        Self {
            title: Said::of(&chart.title, TITLE),
            unit: Said::whole(&chart.unit, 40),
            kind: match chart.kind {
                Kind::Line => "line",
                Kind::Bar => "bar",
            },
            alt: alt(chart),
            ticks: axis.ticks().map(|tick| Tick { at: axis.height(tick), text: form.write(tick) }).collect(),
            nought: axis.height(0.0),
            ordered: labels.iter().all(|label| label.starts_with(|letter: char| letter.is_ascii_digit())),
            labels: labels.iter().map(|label| Said::whole(label, 60)).collect(),
            series: series
                .into_iter()
                .map(|(name, values)| Drawn {
                    name: Said::whole(name, 60),
                    heights: values.iter().map(|value| value.map(|value| axis.height(value))).collect(),
                    values: values.iter().map(|value| value.map(|value| fine.write(value))).collect(),
                })
                .collect(),
            empty: !any,
            note: notes.into_iter().flatten().reduce(|all, note| format!("{all} {note}")),
        }
    }
}

fn alt(chart: &Chart) -> String {
    let kind = match chart.kind {
        Kind::Line => "Line chart",
        Kind::Bar => "Bar chart",
    };
    let names =
        chart.series.iter().take(SERIES).map(|series| series.name.as_str()).collect::<Vec<_>>().join(", ");
    let mut text = format!("{kind}: {}", chart.title);
    for (what, value) in [("in", chart.unit.as_str()), ("of", names.as_str())] {
        if !value.is_empty() {
            text = format!("{text}, {what} {value}");
        }
    }
    if let [from, .., to] = chart.labels.as_slice() {
        text = format!("{text}, from {from} to {to}");
    }
    crate::said::plain(&text, 4 * TITLE)
}

/// An axis that begins and ends with a tick and has nought on it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Axis {
    bottom: f64,
    top: f64,
    step: f64,
}

impl Axis {
    /// Steps of 1, 2, 2.5 or 5 times a power of ten, about four of them; whole ones where all values are whole.
    fn over(values: impl Iterator<Item = f64>) -> Self {
        let (mut least, mut most, mut counts) = (0.0_f64, 0.0_f64, true);
        for value in values {
            (least, most, counts) = (least.min(value), most.max(value), counts && value.fract() == 0.0);
        }
        let span = most - least;
        if span <= f64::MIN_POSITIVE {
            return Self { bottom: 0.0, top: 1.0, step: 1.0 };
        }
        let rough = span / 4.0;
        let power = 10_f64.powf(rough.log10().floor());
        let steps = [1.0, 2.0, 2.5, 5.0, 10.0].map(|factor| factor * power);
        let fits = |step: &f64| *step >= rough * 0.999_999 && !(counts && step.fract() != 0.0);
        let step = steps.into_iter().find(fits).unwrap_or(if counts { 1.0 } else { 10.0 * power });
        Self { bottom: (least / step).floor() * step, top: (most / step - 1e-9).ceil() * step, step }
    }

    fn height(&self, value: f64) -> f64 {
        ((value - self.bottom) / (self.top - self.bottom)).clamp(0.0, 1.0)
    }

    fn ticks(self) -> impl Iterator<Item = f64> {
        (0..=12_u8)
            .map(move |at| self.bottom + f64::from(at) * self.step)
            .take_while(move |tick| *tick <= self.top + self.step / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Series;

    fn axis(values: &[f64]) -> (f64, f64, f64) {
        let axis = Axis::over(values.iter().copied());
        (axis.bottom, axis.top, axis.step)
    }

    #[test]
    fn an_axis_has_nought_and_ends_with_a_tick() {
        assert_eq!(axis(&[]), (0.0, 1.0, 1.0));
        assert_eq!(axis(&[0.0]), (0.0, 1.0, 1.0));
        assert_eq!(axis(&[3.0, 87.0]), (0.0, 100.0, 25.0));
        assert_eq!(axis(&[4.0]), (0.0, 4.0, 1.0));
        assert_eq!(axis(&[1.0, 2.0]), (0.0, 2.0, 1.0));
        assert_eq!(axis(&[0.5, 2.0]), (0.0, 2.0, 0.5));
        assert_eq!(axis(&[-30.0, 50.0]), (-40.0, 60.0, 20.0));
        let small = Axis::over([0.000_3].into_iter());
        assert!(small.top >= 0.000_3 && small.ticks().count() <= 6, "{small:?}");
    }

    #[test]
    fn what_is_no_number_is_a_gap() {
        let chart = Chart {
            title: "Calls".into(),
            kind: Kind::Line,
            unit: String::new(),
            labels: ["1", "2", "3", "4"].map(str::to_owned).to_vec(),
            series: vec![Series { name: "all".into(), values: vec![Some(1.0), Some(f64::NAN), None] }],
        };
        let plot = Plot::of(&chart);
        assert_eq!(plot.series[0].heights, [Some(1.0), None, None, None]);
        assert!(plot.note.is_none() && plot.ordered);
    }

    #[test]
    fn a_chart_without_figures_is_empty() {
        let chart = Chart {
            title: "Calls".into(),
            kind: Kind::Bar,
            unit: String::new(),
            labels: vec![],
            series: vec![],
        };
        assert!(Plot::of(&chart).empty);
    }
}
