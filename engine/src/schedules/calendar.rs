//! When a schedule is due: a crontab read in a time zone.
//!
//! The crontab is stepped through in local time; what the zone does to its clock is ours:
//!
//! - A local time that the clock jumps over in spring is due at the instant of the jump, once.
//! - A local time that comes twice in autumn is due the first time.
//! - Where the hour is `*`, each hour that passes counts: both of a repeated hour, none for a skipped one
//!   but the jump itself.

use chrono::{DateTime, LocalResult, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use croner::{
    Cron,
    parser::{CronParser, Seconds, Year},
};

/// The longest time that a zone's clock was ever put back over in our days.
const REPEATED: TimeDelta = TimeDelta::hours(4);
/// The longest that one jumped over: a whole day, where the date line moved.
const LONGEST_GAP: TimeDelta = TimeDelta::hours(25);
const LONGEST_CRONTAB: usize = 200;
const LONGEST_ZONE: usize = 64;

/// A crontab in a zone.
#[derive(Debug, Clone)]
pub struct Calendar {
    cron: Cron,
    zone: Tz,
    every_hour: bool,
}

/// Why text does not make a calendar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadCalendar {
    #[error(
        "`{0}` is no crontab of five fields (minute, hour, day of month, month, day of week) or a name such \
         as @daily: {1}"
    )]
    Cron(String, String),
    #[error("`{0}` is no time zone; use a name of the IANA database such as Europe/Berlin or UTC")]
    Zone(String),
    #[error("`{0}` never comes")]
    Never(String),
}

impl Calendar {
    /// Reads a crontab of five fields, or `@hourly @daily @weekly @monthly @yearly`, in a zone of the IANA
    /// database. Sunday is 0 and 7; where both day fields are restricted, a day that fits either is due
    /// (POSIX crontab).
    ///
    /// # Errors
    /// If either is unknown, or the crontab never comes, as on the 30th of February.
    pub fn parse(crontab: &str, zone: &str) -> Result<Self, BadCalendar> {
        let zone = read_zone(zone)?;
        let bad =
            |why: &str| BadCalendar::Cron(crontab.chars().take(LONGEST_CRONTAB).collect(), why.to_owned());
        if crontab.len() > LONGEST_CRONTAB || !is_plain(crontab) {
            return Err(bad("only numbers, names of days and months, and `* , - /` between them"));
        }
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let cron = parser.parse(crontab).map_err(|error| bad(&error.to_string()))?;
        let every_hour = match crontab.split_whitespace().nth(1) {
            Some(hour) => hour == "*",
            None => crontab.trim().eq_ignore_ascii_case("@hourly"),
        };
        let calendar = Self { cron, zone, every_hour };
        match calendar.next_after(DateTime::UNIX_EPOCH) {
            Some(_) => Ok(calendar),
            None => Err(BadCalendar::Never(crontab.to_owned())),
        }
    }

    /// The first instant after `after` that is due; none if there is none.
    #[must_use]
    pub fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut local = after.naive_utc().checked_add_signed(self.offset(after))?;
        // A repeated hour began before, and its second pass is still to come.
        let (back, on) = (after.checked_sub_signed(REPEATED)?, after.checked_add_signed(REPEATED)?);
        if self.every_hour && self.offset(back) != self.offset(on) {
            local -= REPEATED;
        }
        let mut second_pass: Option<DateTime<Utc>> = None;
        loop {
            local = self.next_local(local)?;
            // Later local times never come before earlier ones, so the first that is late enough ends it.
            let (first, last) = self.instants(local)?;
            if self.every_hour && last > after {
                second_pass = Some(second_pass.map_or(last, |before| before.min(last)));
            }
            if first > after {
                return Some(second_pass.map_or(first, |second| second.min(first)));
            }
        }
    }

    /// The newest instants that are due after `from` and not after `to`, the oldest first, `most` of them
    /// at most.
    #[must_use]
    pub fn last_within(&self, from: DateTime<Utc>, to: DateTime<Utc>, most: usize) -> Vec<DateTime<Utc>> {
        let mut span = TimeDelta::hours(1);
        loop {
            let start = to.checked_sub_signed(span).map_or(from, |start| start.max(from));
            let mut found: Vec<_> = self.after(start).take_while(|due| *due <= to).collect();
            if found.len() >= most || start == from {
                return found.split_off(found.len().saturating_sub(most));
            }
            span = span * 2;
        }
    }

    /// The instants that are due after `after`.
    pub fn after(&self, after: DateTime<Utc>) -> impl Iterator<Item = DateTime<Utc>> {
        std::iter::successors(self.next_after(after), |due| self.next_after(*due))
    }

    fn next_local(&self, local: NaiveDateTime) -> Option<NaiveDateTime> {
        let next = self.cron.find_next_occurrence(&Utc.from_utc_datetime(&local), false);
        next.ok().map(|next| next.naive_utc())
    }

    /// The first and the last instant of a local time; the jump over it, if there is none.
    fn instants(&self, local: NaiveDateTime) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let minutes = (0..=LONGEST_GAP.num_minutes()).map(|minute| local + TimeDelta::minutes(minute));
        minutes.map(|local| self.zone.from_local_datetime(&local)).find_map(|found| match found {
            LocalResult::Single(at) => Some((at.to_utc(), at.to_utc())),
            LocalResult::Ambiguous(first, last) => Some((first.to_utc(), last.to_utc())),
            LocalResult::None => None,
        })
    }

    fn offset(&self, at: DateTime<Utc>) -> TimeDelta {
        let offset = self.zone.offset_from_utc_datetime(&at.naive_utc()).fix();
        TimeDelta::seconds(i64::from(offset.local_minus_utc()))
    }
}

/// Whether text is made of what a crontab is made of everywhere: other dialects' letters are not read.
fn is_plain(crontab: &str) -> bool {
    if let Some(name) = crontab.trim().strip_prefix('@') {
        return ["hourly", "daily", "weekly", "monthly", "yearly"]
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known));
    }
    let names = "sun mon tue wed thu fri sat jan feb mar apr may jun jul aug sep oct nov dec";
    crontab.chars().all(|c| c.is_ascii_alphanumeric() || " *,-/".contains(c))
        && crontab.split(|c: char| !c.is_ascii_alphanumeric()).all(|word| {
            let is_name = word.len() == 3 && names.split(' ').any(|name| name.eq_ignore_ascii_case(word));
            is_name || word.chars().all(|c| c.is_ascii_digit())
        })
}

/// A zone by its name.
///
/// # Errors
/// If there is none of this name.
pub(super) fn read_zone(name: &str) -> Result<Tz, BadCalendar> {
    name.parse().map_err(|_| BadCalendar::Zone(name.chars().take(LONGEST_ZONE).collect()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use chrono::{Datelike, NaiveDate};
    use proptest::{prelude::*, sample::subsequence};

    use super::*;

    const ZONES: [&str; 13] = [
        "UTC",
        "Europe/Berlin",
        "Europe/Dublin",
        "America/New_York",
        "America/St_Johns",
        "America/Santiago",
        "Africa/Casablanca",
        "Antarctica/Troll",
        "Asia/Kathmandu",
        "Asia/Tehran",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "Pacific/Auckland",
    ];

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("an instant")
    }

    fn dues(crontab: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
        let calendar = Calendar::parse(crontab, zone).expect("a calendar");
        calendar.after(at(after)).take(count).map(|due| due.format("%dT%H:%M").to_string()).collect()
    }

    #[test]
    fn a_time_in_the_gap_is_due_right_after_it_and_one_in_the_overlap_once() {
        let spring = "2026-03-28T12:00:00Z";
        assert_eq!(dues("30 2 * * *", "Europe/Berlin", spring, 2), ["29T01:00", "30T00:30"]);
        assert_eq!(dues("0,30 2 * * *", "Europe/Berlin", spring, 2), ["29T01:00", "30T00:00"]);
        let autumn = "2026-10-24T12:00:00Z";
        assert_eq!(dues("30 2 * * *", "Europe/Berlin", autumn, 2), ["25T00:30", "26T01:30"]);
        assert_eq!(dues("30 2 * * *", "Europe/Berlin", "2026-10-25T01:10:00Z", 1), ["26T01:30"]);
    }

    #[test]
    fn every_hour_means_each_hour_that_passes() {
        assert_eq!(
            dues("0 * * * *", "Europe/Berlin", "2026-10-24T23:30:00Z", 3),
            ["25T00:00", "25T01:00", "25T02:00"]
        );
        assert_eq!(dues("@hourly", "Europe/Berlin", "2026-03-29T00:30:00Z", 2), ["29T01:00", "29T02:00"]);
    }

    /// Asked from the other half of the year, when the offset is the one of the second pass.
    #[test]
    fn it_does_not_matter_from_when_it_is_asked() {
        for from in ["2026-01-15T00:00:00Z", "2026-07-15T00:00:00Z", "2026-10-25T00:00:00Z"] {
            assert_eq!(dues("30 2 25 10 *", "Europe/Berlin", from, 1), ["25T00:30"], "{from}");
        }
        assert_eq!(dues("0 1 1 1,11 *", "America/New_York", "2026-01-01T06:00:00Z", 1), ["01T05:00"]);
        assert_eq!(dues("30 * 5 4 *", "America/Santiago", "2025-04-06T02:30:00Z", 1), ["06T03:30"]);
    }

    #[test]
    fn either_of_two_day_fields_is_enough_and_sunday_has_two_numbers() {
        assert_eq!(
            dues("0 0 13 * 5", "UTC", "2026-11-01T00:00:00Z", 3),
            ["06T00:00", "13T00:00", "20T00:00"]
        );
        assert_eq!(
            dues("0 0 * * 7", "UTC", "2026-11-25T00:00:00Z", 1),
            dues("0 0 * * 0", "UTC", "2026-11-25T00:00:00Z", 1)
        );
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_reason() {
        let refused = |crontab, zone| Calendar::parse(crontab, zone).expect_err("refused").to_string();
        assert_eq!(refused("0 0 30 2 *", "UTC"), "`0 0 30 2 *` never comes");
        assert_eq!(refused("59 * 31 9 *", "UTC"), "`59 * 31 9 *` never comes");
        assert!(refused("* * * * * *", "UTC").contains("five fields"), "{}", refused("* * * * * *", "UTC"));
        assert!(refused("61 * * * *", "UTC").contains("five fields"));
        assert!(refused("", "UTC").contains("five fields"));
        assert!(refused("@daily", "Mars/Olympus").contains("IANA"));
    }

    #[test]
    fn the_newest_dues_of_a_long_time_are_found() {
        let calendar = Calendar::parse("0 3 * * *", "UTC").expect("a calendar");
        let (from, to) = (at("2000-01-01T00:00:00Z"), at("2026-11-25T03:00:00Z"));
        assert_eq!(calendar.last_within(from, to, 2), [at("2026-11-24T03:00:00Z"), to]);
        assert!(calendar.last_within(to, to, 2).is_empty());
        assert_eq!(calendar.last_within(at("2026-11-24T03:00:00Z"), to, 5), [to]);
    }

    /// A crontab as the sets that it stands for.
    #[derive(Debug, Clone)]
    struct Sets {
        minutes: Vec<u32>,
        /// None is `*`.
        hours: Option<Vec<u32>>,
        days: Option<Vec<u32>>,
        months: Option<Vec<u32>>,
        weekdays: Option<Vec<u32>>,
    }

    impl Sets {
        fn any() -> impl Strategy<Value = Self> {
            let days = prop_oneof![3 => Just(None), 1 => subsequence((1..=31).collect::<Vec<u32>>(), 1..4).prop_map(Some)];
            let weekdays = prop_oneof![3 => Just(None), 1 => subsequence((0..=6).collect::<Vec<u32>>(), 1..4).prop_map(Some)];
            let hours = prop_oneof![1 => Just(None), 5 => subsequence((0..=23).collect::<Vec<u32>>(), 1..4).prop_map(Some)];
            let months = prop_oneof![1 => Just(None), 1 => subsequence((1..=12).collect::<Vec<u32>>(), 1..3).prop_map(Some)];
            (subsequence(vec![0, 1, 15, 29, 30, 31, 59], 1..3), hours, days, months, weekdays).prop_map(
                |(minutes, hours, days, months, weekdays)| Self { minutes, hours, days, months, weekdays },
            )
        }

        fn crontab(&self) -> String {
            let field = |set: Option<&Vec<u32>>| match set {
                Some(set) => set.iter().map(u32::to_string).collect::<Vec<_>>().join(","),
                None => "*".into(),
            };
            let (hours, days) = (field(self.hours.as_ref()), field(self.days.as_ref()));
            let (months, weekdays) = (field(self.months.as_ref()), field(self.weekdays.as_ref()));
            format!("{} {hours} {days} {months} {weekdays}", field(Some(&self.minutes)))
        }

        fn fits(&self, day: NaiveDate) -> bool {
            if self.months.as_ref().is_some_and(|months| !months.contains(&day.month())) {
                return false;
            }
            let by_day = self.days.as_ref().map(|days| days.contains(&day.day()));
            let by_weekday =
                self.weekdays.as_ref().map(|days| days.contains(&day.weekday().num_days_from_sunday()));
            match (by_day, by_weekday) {
                (Some(one), Some(other)) => one || other,
                (one, other) => one.unwrap_or(true) && other.unwrap_or(true),
            }
        }

        /// Whether any day of the four centuries after which the calendar repeats itself is due.
        fn ever_fits(&self) -> bool {
            NaiveDate::from_ymd_opt(2000, 1, 1)
                .expect("a day")
                .iter_days()
                .take(146_097)
                .any(|day| self.fits(day))
        }

        /// Every instant that is due: each local minute of each day, looked up in the zone.
        fn all(&self, zone: Tz, from: NaiveDate, to: NaiveDate) -> BTreeSet<DateTime<Utc>> {
            let every: Vec<u32> = (0..24).collect();
            let mut all = BTreeSet::new();
            for day in from.iter_days().take_while(|day| *day < to).filter(|day| self.fits(*day)) {
                for hour in self.hours.as_ref().unwrap_or(&every) {
                    for minute in &self.minutes {
                        let local = day.and_hms_opt(*hour, *minute, 0).expect("a time");
                        let offset = |hours| {
                            zone.offset_from_utc_datetime(&(local + TimeDelta::hours(hours)))
                                .fix()
                                .local_minus_utc()
                        };
                        if offset(-30) == offset(30) {
                            all.insert((local - TimeDelta::seconds(offset(0).into())).and_utc());
                            continue;
                        }
                        // Each minute around it, as the zone's clock shows it.
                        let around =
                            (-15 * 60..=27 * 60).map(|minute| (local + TimeDelta::minutes(minute)).and_utc());
                        let shows = |at: &DateTime<Utc>| at.with_timezone(&zone).naive_local();
                        let mut found = around.clone().filter(|at| shows(at) == local);
                        if let (Some(first), second) = (found.next(), found.next()) {
                            all.insert(first);
                            all.extend(second.filter(|_| self.hours.is_none()));
                        } else {
                            let jump = around.clone().find(|at| shows(at) > local).expect("it goes on");
                            all.insert(jump);
                        }
                    }
                }
            }
            all
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

        #[test]
        fn twenty_years_are_as_the_calendar_says(
            sets in Sets::any(),
            zone in prop::sample::select(ZONES.to_vec()),
            asked in prop::collection::vec(0..20 * 365 * 24 * 60_i64, 50),
        ) {
            let calendar = match Calendar::parse(&sets.crontab(), zone) {
                Err(BadCalendar::Never(_)) => {
                    prop_assert!(!sets.ever_fits(), "{} is due on some day", sets.crontab());
                    return Ok(());
                }
                calendar => calendar.expect("a calendar"),
            };
            let day = |year| NaiveDate::from_ymd_opt(year, 1, 3).expect("a day");
            let (from, to) = (day(2009), day(2029));
            let start = calendar.zone.from_local_datetime(&from.and_time(chrono::NaiveTime::MIN)).unwrap().to_utc();
            let end = calendar.zone.from_local_datetime(&to.and_time(chrono::NaiveTime::MIN)).unwrap().to_utc();
            let expected: Vec<_> = sets.all(calendar.zone, from, to).into_iter().collect();
            let found: Vec<_> =
                calendar.after(start - TimeDelta::seconds(1)).take_while(|due| *due < end).collect();
            prop_assert_eq!(&found, &expected, "{} in {}", sets.crontab(), zone);
            for from in asked.into_iter().map(|minute| start + TimeDelta::minutes(minute)) {
                let next = expected.iter().copied().find(|due| *due > from);
                prop_assert_eq!(calendar.next_after(from).filter(|due| *due < end), next, "from {}", from);
            }
        }
    }
}
