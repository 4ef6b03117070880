//! The table: what is measured, its bar, the median of three.

use std::{collections::BTreeMap, future::Future, pin::Pin};

use crate::Outcome;

/// Figures by name, as `--json` prints them.
pub type Figures = Vec<(&'static str, f64)>;
pub type Measure = fn() -> Pin<Box<dyn Future<Output = Outcome<Figures>>>>;

/// How the table is asked for.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// One JSON object instead of the table.
    #[arg(long)]
    json: bool,
    /// Only the measurement that yields this figure.
    #[arg(long)]
    only: Option<String>,
    /// The median of so many runs.
    #[arg(long, default_value_t = 3)]
    runs: usize,
}

/// What a figure must be.
#[derive(Clone, Copy)]
pub enum Bar {
    None,
    Least(f64),
    Most(f64),
    Between(f64, f64),
    /// At most so much, or another figure of the same measurement at most that.
    MostOr(f64, &'static str, f64),
}
use Bar::{Between, Least, Most, MostOr};

macro_rules! measure {
    ($($path:tt)*) => { || Box::pin($($path)*()) };
}
pub(crate) use measure;

/// A measurement, and the figures that it yields.
pub type Row = (Measure, Vec<(&'static str, Bar)>);

/// Measures and prints.
pub async fn report(args: Args, rows: Vec<Row>) -> Outcome<()> {
    let mut medians: BTreeMap<&str, f64> = BTreeMap::new();
    let mut missed = 0;
    for (measure, figures) in rows {
        let wanted = |name: &String| figures.iter().any(|(figure, _)| figure == name);
        if args.only.as_ref().is_some_and(|only| !wanted(only)) {
            continue;
        }
        let mut runs: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for _ in 0..args.runs.max(1) {
            for (name, value) in measure().await? {
                runs.entry(name).or_default().push(value);
            }
        }
        for (name, _) in &figures {
            let values = runs.get_mut(name).ok_or_else(|| format!("{name} was not measured"))?;
            values.sort_by(f64::total_cmp);
            medians.insert(name, values[values.len() / 2]);
        }
        for (name, bar) in figures {
            let (values, median) = (&runs[name], medians[name]);
            let (says, met) = bar.holds(median, |other| medians.get(other).copied());
            missed += usize::from(!met);
            if !args.json {
                let range = format!("{} .. {}", round(values[0]), round(values[values.len() - 1]));
                let verdict = if met { "" } else { "MISSED" };
                println!("{name:<30} {:>10}   {says:<8} {verdict:<7} ({range})", round(median));
            }
        }
    }
    if args.json {
        println!("{}", serde_json::to_string(&medians)?);
    }
    if medians.is_empty() {
        return Err("there is no such figure; run without --only to see all".into());
    }
    if missed > 0 {
        return Err(format!("{missed} figures missed their bar").into());
    }
    Ok(())
}

impl Bar {
    /// What the bar says, and whether a figure meets it; `of` tells other figures.
    fn holds(self, value: f64, of: impl Fn(&str) -> Option<f64>) -> (String, bool) {
        match self {
            Self::None => (String::new(), true),
            Least(least) => (format!(">= {least}"), value >= least),
            Most(most) => (format!("<= {most}"), value <= most),
            Between(least, most) => (format!("{least}..{most}"), (least..=most).contains(&value)),
            MostOr(most, other, limit) => {
                let met = value <= most || of(other).is_some_and(|value| value <= limit);
                (format!("<= {most}, or {other} <= {limit}"), met)
            }
        }
    }
}

fn round(value: f64) -> String {
    if value >= 1_000.0 { format!("{value:.0}") } else { format!("{value:.3}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_may_miss_its_bar_where_another_meets_its_own() {
        let bar = MostOr(3.0, "beside", 2.0);
        let met = |ratio, beside| bar.holds(ratio, |name| (name == "beside").then_some(beside)).1;
        assert!(met(3.0, 9.0) && met(4.0, 2.0));
        assert!(!met(3.1, 2.1));
        assert!(!bar.holds(3.1, |_| None).1);
    }
}
