//! Numbers at axes.

/// A whole number with its thousands apart.
pub(crate) fn count(number: usize) -> String {
    apart(&number.to_string())
}

/// The digits of a whole number with its thousands apart, as they are at axes: "12345" is "12,345".
#[must_use]
pub fn apart(digits: &str) -> String {
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How the values of one axis are written: all of them with the same digits and the same letter for thousands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Form {
    divisor: f64,
    letter: &'static str,
    decimals: usize,
}

impl Form {
    /// For an axis that has a tick every `step` and ends at `largest`.
    pub(crate) fn of(step: f64, largest: f64) -> Self {
        let (divisor, letter) = [(1e9, "G"), (1e6, "M"), (1e3, "k")]
            .into_iter()
            .find(|(divisor, _)| largest >= 10.0 * divisor && largest >= 1e5)
            .unwrap_or((1.0, ""));
        let decimals = (0..9).find(|&decimals| whole(step / divisor * 10_f64.powi(decimals))).unwrap_or(9);
        Self { divisor, letter, decimals: usize::try_from(decimals).unwrap_or(0) }
    }

    pub(crate) fn write(self, value: f64) -> String {
        if value.abs() >= 1e15 {
            return format!("{value:e}");
        }
        let text = format!("{:.*}", self.decimals, value.abs() / self.divisor);
        if text.bytes().all(|byte| matches!(byte, b'0' | b'.')) {
            return "0".to_owned();
        }
        let (before, after) = text.split_once('.').unwrap_or((&text, ""));
        let sign = if value < 0.0 { "−" } else { "" };
        let point = if after.is_empty() { "" } else { "." };
        format!("{sign}{}{point}{after}{}", apart(before), self.letter)
    }

    /// The same with as few decimals as do for all of `values`.
    pub(crate) fn shortest(self, values: impl Iterator<Item = f64>) -> Self {
        let least = |value: f64| {
            let enough = |decimals: &usize| {
                whole(value / self.divisor * 10_f64.powi(i32::try_from(*decimals).unwrap_or(0)))
            };
            (0..self.decimals).find(enough).unwrap_or(self.decimals)
        };
        Self { decimals: values.map(least).max().unwrap_or(0), ..self }
    }
}

fn whole(number: f64) -> bool {
    (number - number.round()).abs() < 1e-6 * number.abs().max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_of_one_axis_look_alike() {
        for (step, largest, values, written) in [
            (500.0, 1500.0, vec![0.0, 500.0, 1500.0], vec!["0", "500", "1,500"]),
            (0.25, 0.5, vec![0.0, 0.25, -0.5], vec!["0", "0.25", "−0.50"]),
            (50_000.0, 150_000.0, vec![0.0, 50_000.0], vec!["0", "50k"]),
            (2.5e6, 1e7, vec![0.0, 2.5e6, 1e7], vec!["0", "2.5M", "10.0M"]),
        ] {
            let form = Form::of(step, largest);
            assert_eq!(values.into_iter().map(|value| form.write(value)).collect::<Vec<_>>(), written);
        }
    }
}
