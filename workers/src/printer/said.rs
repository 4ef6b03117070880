//! Numbers of reports as people read them on paper. Pure.

use domain::analytics::document::{Figure, Unit};

/// What stands where nothing can be told.
pub(super) const NOTHING: &str = "–";

/// A number as its unit is read: "12,345", "80.5 %", "3:25" and "1:03:25" of seconds, "1,234.56" of cents.
pub(super) fn said(figure: Figure, unit: Unit) -> String {
    match (unit, figure) {
        (Unit::Count | Unit::Points, Figure::Whole(whole)) => {
            signed(whole < 0, &paper::apart(&whole.unsigned_abs().to_string()))
        }
        (Unit::Count | Unit::Points, Figure::Real(real)) => fixed(real, 2),
        (Unit::Ratio, _) => format!("{} %", fixed(figure.as_f64() * 100.0, 1)),
        (Unit::Seconds, _) => clock(figure.as_f64()),
        (Unit::Cents, Figure::Whole(cents)) => {
            let (whole, part) = (cents.unsigned_abs() / 100, cents.unsigned_abs() % 100);
            signed(cents < 0, &format!("{}.{part:02}", paper::apart(&whole.to_string())))
        }
        (Unit::Cents, Figure::Real(cents)) => fixed(cents / 100.0, 2),
    }
}

/// The same, or that it cannot be told.
pub(super) fn said_or_nothing(figure: Option<Figure>, unit: Unit) -> String {
    figure.map_or_else(|| NOTHING.to_owned(), |figure| said(figure, unit))
}

/// What a number was before and how it has changed since: "before: 12, +25 %". Empty if there was none.
pub(super) fn before(value: Option<Figure>, previous: Option<Figure>, unit: Unit) -> String {
    let Some(previous) = previous else { return String::new() };
    let was = format!("before: {}", said(previous, unit));
    let change = value.and_then(|value| change(value.as_f64(), previous.as_f64(), unit));
    match change {
        Some(change) => format!("{was}, {change}"),
        None => was,
    }
}

/// Shares are compared by the points between them, all else in percent; of nothing there are none.
fn change(value: f64, previous: f64, unit: Unit) -> Option<String> {
    let by = value - previous;
    let sign = if by < 0.0 { "−" } else { "+" };
    if unit == Unit::Ratio {
        let points = by.abs() * 100.0;
        let unchanged = points < 0.05;
        return Some(if unchanged {
            "unchanged".into()
        } else {
            format!("{sign}{} points", fixed(points, 1))
        });
    }
    if by.abs() < f64::EPSILON {
        return Some("unchanged".into());
    }
    let percent = (by / previous * 100.0).abs();
    match percent {
        _ if previous == 0.0 => None,
        ..0.05 => Some("nearly unchanged".into()),
        ..1.0 => Some(format!("{sign}{} %", fixed(percent, 1))),
        _ => Some(format!("{sign}{} %", fixed(percent, 0))),
    }
}

/// With so many decimals, and its thousands apart.
fn fixed(real: f64, decimals: usize) -> String {
    if !real.is_finite() {
        return NOTHING.to_owned();
    }
    let digits = format!("{:.decimals$}", real.abs());
    let (whole, part) = digits.split_once('.').unwrap_or((&digits, ""));
    let point = if part.is_empty() { "" } else { "." };
    let is_nought = digits.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    signed(real < 0.0 && !is_nought, &format!("{}{point}{part}", paper::apart(whole)))
}

fn clock(seconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "it saturates, and is only shown")]
    let whole = seconds.round() as i64;
    let all = whole.unsigned_abs();
    let (hours, minutes, rest) = (all / 3_600, all / 60 % 60, all % 60);
    let text = if hours == 0 {
        format!("{minutes}:{rest:02}")
    } else {
        format!("{}:{minutes:02}:{rest:02}", paper::apart(&hours.to_string()))
    };
    signed(whole < 0, &text)
}

fn signed(is_negative: bool, text: &str) -> String {
    if is_negative { format!("−{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const W: fn(i64) -> Figure = Figure::Whole;
    const R: fn(f64) -> Figure = Figure::Real;

    #[test]
    fn numbers_are_written_as_their_unit_is_read() {
        for (figure, unit, wanted) in [
            (W(12_345), Unit::Count, "12,345"),
            (W(-1_000), Unit::Count, "−1,000"),
            (W(i64::MIN), Unit::Count, "−9,223,372,036,854,775,808"),
            (R(1_234.5), Unit::Count, "1,234.50"),
            (R(0.805), Unit::Ratio, "80.5 %"),
            (R(-0.7), Unit::Ratio, "−70.0 %"),
            (R(-0.000_1), Unit::Ratio, "0.0 %"),
            (W(1), Unit::Ratio, "100.0 %"),
            (R(f64::NAN), Unit::Points, "–"),
            (R(13.6), Unit::Seconds, "0:14"),
            (W(205), Unit::Seconds, "3:25"),
            (R(59.7), Unit::Seconds, "1:00"),
            (W(3_805), Unit::Seconds, "1:03:25"),
            (W(3_600_000), Unit::Seconds, "1,000:00:00"),
            (W(-123_456), Unit::Cents, "−1,234.56"),
            (W(i64::MAX), Unit::Cents, "92,233,720,368,547,758.07"),
            (R(99.6), Unit::Cents, "1.00"),
            (W(-5), Unit::Cents, "−0.05"),
            (R(4.5), Unit::Points, "4.50"),
        ] {
            assert_eq!(said(figure, unit), wanted, "{figure:?} {unit:?}");
        }
        assert_eq!(said_or_nothing(None, Unit::Ratio), "–");
    }

    #[test]
    fn what_was_before_stands_beside_it_with_the_change() {
        for (value, previous, unit, wanted) in [
            (Some(W(13)), Some(W(12)), Unit::Count, "before: 12, +8 %"),
            (Some(W(9)), Some(W(12)), Unit::Count, "before: 12, −25 %"),
            (Some(W(12)), Some(W(12)), Unit::Count, "before: 12, unchanged"),
            (Some(W(1_005)), Some(W(1_000)), Unit::Count, "before: 1,000, +0.5 %"),
            (Some(W(100_001)), Some(W(100_000)), Unit::Count, "before: 100,000, nearly unchanged"),
            (Some(W(60_000)), Some(W(3)), Unit::Count, "before: 3, +1,999,900 %"),
            (Some(W(3)), Some(W(0)), Unit::Count, "before: 0"),
            (Some(R(0.85)), Some(R(0.8)), Unit::Ratio, "before: 80.0 %, +5.0 points"),
            (Some(R(0.8)), Some(R(0.8001)), Unit::Ratio, "before: 80.0 %, unchanged"),
            (Some(W(-100)), Some(W(-200)), Unit::Cents, "before: −2.00, +50 %"),
            (Some(W(150)), Some(W(205)), Unit::Seconds, "before: 3:25, −27 %"),
            (None, Some(W(12)), Unit::Count, "before: 12"),
            (Some(W(12)), None, Unit::Count, ""),
        ] {
            assert_eq!(before(value, previous, unit), wanted, "{value:?} {previous:?}");
        }
    }
}
