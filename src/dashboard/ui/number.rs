//! Figures. Each leads to the list behind it.

use askama::{Template, filters::HtmlSafe};

/// The fragment that [`number`], [`plain`] and [`compact`] make.
#[derive(Template)]
#[template(
    ext = "html",
    source = r#"{% if href.is_empty() %}<span class="num" title="{{ exact }}">{{ text }}</span>{% else %}<a class="num" href="{{ href }}" title="{{ exact }}">{{ text }}</a>{% endif %}"#
)]
pub struct Number<'a> {
    text: String,
    exact: String,
    href: &'a str,
}

impl HtmlSafe for Number<'_> {}

/// A figure that leads to the list behind it.
#[must_use]
pub fn number<'a>(value: &i64, href: &'a str) -> Number<'a> {
    Number { text: count(value), exact: count(value), href }
}

/// A figure without a list.
#[must_use]
pub fn plain(value: &i64) -> Number<'static> {
    Number { text: count(value), exact: count(value), href: "" }
}

/// A figure in little space: `12.3k`, with all of its digits to hover over.
#[must_use]
pub fn compact<'a>(value: &i64, href: &'a str) -> Number<'a> {
    Number { text: short(*value), exact: count(value), href }
}

/// A figure with its thousands apart.
#[must_use]
pub fn count(value: &i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if *value < 0 { format!("-{text}") } else { text }
}

fn short(value: i64) -> String {
    let tenths = |unit: i64, name: &str| {
        let tenths = value / (unit / 10);
        if tenths % 10 == 0 || tenths >= 1_000 {
            format!("{}{name}", tenths / 10)
        } else {
            format!("{}.{}{name}", tenths / 10, tenths % 10)
        }
    };
    match value {
        ..10_000 => count(&value),
        10_000..1_000_000 => tenths(1_000, "k"),
        1_000_000..1_000_000_000 => tenths(1_000_000, "M"),
        _ => tenths(1_000_000_000, "G"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_at_a_glance() {
        for (value, all, little) in [
            (0, "0", "0"),
            (-1_234, "-1,234", "-1,234"),
            (9_999, "9,999", "9,999"),
            (12_345, "12,345", "12.3k"),
            (120_000, "120,000", "120k"),
            (1_000_000, "1,000,000", "1M"),
            (i64::MAX, "9,223,372,036,854,775,807", "9223372036G"),
        ] {
            assert_eq!((count(&value).as_str(), short(value).as_str()), (all, little));
        }
        assert!(number(&7, "/ops/jobs?a=1&b=2").to_string().contains(r#"href="/ops/jobs?a=1&#38;b=2""#));
    }
}
