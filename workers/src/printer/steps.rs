//! What stands below charts: days and hours, shortened. Pure.

use chrono::{Datelike as _, NaiveDate, NaiveTime};

/// Labels as they are read, in their order: of days "29 Mar", with the year if there are several; of the hours of one day
/// "09:00". Names stay as they are.
pub(super) fn shortened(labels: &[String]) -> Vec<String> {
    let steps: Option<Vec<Step<'_>>> = labels.iter().map(|label| Step::read(label)).collect();
    let Some(steps) = steps else { return labels.to_vec() };
    let same = |like: fn(&Step<'_>, &Step<'_>) -> bool| steps.windows(2).all(|two| like(&two[0], &two[1]));
    let of_one_day = same(|one, other| one.day == other.day);
    let day = if same(|one, other| one.day.year() == other.day.year()) { "%-d %b" } else { "%-d %b %Y" };
    let word = |step: &Step<'_>| match step.time {
        Some(time) if of_one_day => time.to_owned(),
        Some(time) => format!("{} {time}", step.day.format(day)),
        None => step.day.format(day).to_string(),
    };
    steps.iter().map(word).collect()
}

/// A step of `domain::analytics::calendar`.
struct Step<'l> {
    day: NaiveDate,
    /// With the offset from UTC, where the clock showed it twice.
    time: Option<&'l str>,
}

impl<'l> Step<'l> {
    fn read(label: &'l str) -> Option<Self> {
        let (day, time) = label.split_once(' ').map_or((label, None), |(day, time)| (day, Some(time)));
        if let Some(time) = time {
            NaiveTime::parse_from_str(time.split(' ').next()?, "%H:%M").ok()?;
        }
        Some(Self { day: day.parse().ok()?, time })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_hours_are_short_and_names_stay() {
        for (labels, wanted) in [
            (&["2026-03-29", "2026-03-30"][..], &["29 Mar", "30 Mar"][..]),
            (&["2026-12-28", "2027-01-04"], &["28 Dec 2026", "4 Jan 2027"]),
            (&["2026-03-29 09:00", "2026-03-29 10:00"], &["09:00", "10:00"]),
            (&["2026-10-25 02:00", "2026-10-25 02:00 +01:00"], &["02:00", "02:00 +01:00"]),
            (&["2026-03-29 23:00", "2026-03-30 00:00"], &["29 Mar 23:00", "30 Mar 00:00"]),
            (&["2026-03-29"], &["29 Mar"]),
            (&["2026-03-29", "Spring"], &["2026-03-29", "Spring"]),
            (&["2026-03-29 campaign"], &["2026-03-29 campaign"]),
            (&["Åsa", "", "2026-02-30"], &["Åsa", "", "2026-02-30"]),
            (&[], &[]),
        ] {
            let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
            assert_eq!(shortened(&labels), wanted, "{labels:?}");
        }
    }
}
