//! Times. The page says UTC; a script turns them into how long ago, with the exact instant in the viewer's zone and in
//! UTC to hover over.

use askama::{Template, filters::HtmlSafe};
use chrono::{DateTime, SecondsFormat, Utc};

/// The element that [`time()`] makes.
#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<time datetime="{{ iso }}" title="{{ exact }} UTC">{{ text }} UTC</time>"#
)]
pub struct Time {
    iso: String,
    exact: String,
    text: String,
}

impl HtmlSafe for Time {}

/// A time.
#[must_use]
pub fn time(at: &DateTime<Utc>) -> Time {
    Time {
        iso: at.to_rfc3339_opts(SecondsFormat::Millis, true),
        exact: at.format("%Y-%m-%d %H:%M:%S%.3f").to_string(),
        text: at.format("%Y-%m-%d %H:%M:%S").to_string(),
    }
}

/// The element that [`maybe_time`] makes; a dash where there is no time.
#[derive(Template)]
#[template(
    ext = "html",
    source = r#"{% match time %}{% when Some(time) %}{{ time }}{% when None %}<span class="none">–</span>{% endmatch %}"#
)]
pub struct MaybeTime {
    time: Option<Time>,
}

impl HtmlSafe for MaybeTime {}

/// A time that may not have come.
#[must_use]
pub fn maybe_time(at: &Option<DateTime<Utc>>) -> MaybeTime {
    MaybeTime { time: at.as_ref().map(time) }
}

/// How long something took, in the two units that matter: `340 ms`, `4.2 s`, `3 min 20 s`, `5 h 10 min`, `2 d 4 h`.
#[must_use]
pub fn duration(from: &DateTime<Utc>, to: &DateTime<Utc>) -> String {
    in_words((*to - *from).num_milliseconds())
}

/// The same of milliseconds.
#[must_use]
pub fn lasting(milliseconds: i64) -> String {
    in_words(milliseconds)
}

/// The fragment that [`took`] makes, with the unit apart from the figure.
#[derive(Template)]
#[template(
    ext = "html",
    source = r#"{% if let Some((number, unit)) = text.rsplit_once(' ') %}{{ number }}<span class="unit">{{ unit }}</span>{% else %}{{ text }}{% endif %}"#
)]
pub struct Took {
    text: String,
}

impl HtmlSafe for Took {}

/// A duration in a column of them, whose figures stand below each other whatever their unit.
#[must_use]
pub fn took(text: String) -> Took {
    Took { text }
}

fn in_words(ms: i64) -> String {
    let two = |high: i64, high_name: &str, low: i64, low_name: &str| {
        if low == 0 { format!("{high} {high_name}") } else { format!("{high} {high_name} {low} {low_name}") }
    };
    let s = ms / 1_000;
    match ms {
        ..1_000 => format!("{} ms", ms.max(0)),
        1_000..60_000 => format!("{}.{} s", s, ms % 1_000 / 100),
        60_000..3_600_000 => two(s / 60, "min", s % 60, "s"),
        3_600_000..86_400_000 => two(s / 3_600, "h", s / 60 % 60, "min"),
        _ => two(s / 86_400, "d", s / 3_600 % 24, "h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_the_units_that_matter() {
        for (ms, wanted) in [
            (-5, "0 ms"),
            (340, "340 ms"),
            (4_250, "4.2 s"),
            (200_000, "3 min 20 s"),
            (18_600_000, "5 h 10 min"),
            (7_200_000, "2 h"),
            (187_200_000, "2 d 4 h"),
        ] {
            assert_eq!(in_words(ms), wanted);
        }
    }

    #[test]
    fn the_unit_of_a_column_stands_apart() {
        assert_eq!(took("3 min 20 s".into()).to_string(), r#"3 min 20<span class="unit">s</span>"#);
        assert_eq!(took(String::new()).to_string(), "");
    }

    #[test]
    fn a_time_says_its_instant() {
        let at = DateTime::from_timestamp_millis(1_700_000_000_123).expect("a time");
        let wanted = r#"<time datetime="2023-11-14T22:13:20.123Z" title="2023-11-14 22:13:20.123 UTC">2023-11-14 22:13:20 UTC</time>"#;
        assert_eq!(time(&at).to_string(), wanted);
        assert!(maybe_time(&None).to_string().contains('–'));
    }
}
