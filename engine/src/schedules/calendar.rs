//! When a schedule is due: a crontab read in a time zone.
//!
//! The crontab is stepped through in local time; what the zone does to its clock is ours:
//!
//! - A local time that the clock jumps over in spring is due at the instant of the jump, once.
//! - A local time that comes twice in autumn is due the first time.
//! - Where the hour is `*`, each hour that passes counts: both of a repeated hour, none for a skipped one
//!   but the jump itself.

use chrono::{DateTime, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use croner::{
    Cron,
    parser::{CronParser, Seconds, Year},
};

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
    /// Reads a crontab of five fields, or `@hourly @daily @weekly @monthly @yearly` and their other names,
    /// in a zone of the IANA database. Sunday is 0 and 7; where both day fields are restricted, a day that
    /// fits either is due (POSIX crontab).
    ///
    /// # Errors
    /// If either is unknown, or the crontab never comes, as on the 30th of February.
    pub fn parse(crontab: &str, zone: &str) -> Result<Self, BadCalendar> {
        let parsed: Tz = zone.parse().map_err(|_| BadCalendar::Zone(zone.to_owned()))?;
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let cron = parser
            .parse(crontab)
            .map_err(|error| BadCalendar::Cron(crontab.to_owned(), error.to_string()))?;
        let fields: Vec<&str> = crontab.split_whitespace().collect();
        let every_hour = fields.get(1) == Some(&"*") || crontab.trim().eq_ignore_ascii_case("@hourly");
        let calendar = Self { cron, zone: parsed, every_hour };
        match calendar.next_after(DateTime::UNIX_EPOCH) {
            Some(_) => Ok(calendar),
            None => Err(BadCalendar::Never(crontab.to_owned())),
        }
    }

    /// The first instant after `after` that is due; none if there is none.
    #[must_use]
    pub fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut offset = self.offset(after);
        let mut from = after;
        let mut local = self.next_local(after.naive_utc() + offset, false)?;
        loop {
            let due = Utc.from_utc_datetime(&(local - offset));
            if self.offset(due) == offset {
                if self.every_hour || !self.came_before(local, due) {
                    return Some(due);
                }
                local = self.next_local(local, false)?;
                continue;
            }
            // The zone's clock is moved in between.
            let moved = self.first_move(from, due, offset);
            let (before, now) = (moved.naive_utc() + offset, self.offset(moved));
            let then = moved.naive_utc() + now;
            if local < then {
                return Some(moved);
            }
            if self.every_hour && then < before {
                local = self.next_local(then, true)?;
            }
            (from, offset) = (moved, now);
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
            span = span * 8;
        }
    }

    /// The instants that are due after `after`.
    pub fn after(&self, after: DateTime<Utc>) -> impl Iterator<Item = DateTime<Utc>> {
        std::iter::successors(self.next_after(after), |due| self.next_after(*due))
    }

    fn next_local(&self, local: NaiveDateTime, inclusive: bool) -> Option<NaiveDateTime> {
        let next = self.cron.find_next_occurrence(&Utc.from_utc_datetime(&local), inclusive);
        next.ok().map(|next| next.naive_utc())
    }

    /// Whether an instant is the second one at which this is the local time.
    fn came_before(&self, local: NaiveDateTime, due: DateTime<Utc>) -> bool {
        let earliest = self.zone.from_local_datetime(&local).earliest();
        earliest.is_some_and(|earliest| earliest < due)
    }

    fn offset(&self, at: DateTime<Utc>) -> TimeDelta {
        let offset = self.zone.offset_from_utc_datetime(&at.naive_utc()).fix();
        TimeDelta::seconds(i64::from(offset.local_minus_utc()))
    }

    /// The second in which the offset stops being `offset`: it is still that at `from`, and no more at `to`.
    fn first_move(&self, from: DateTime<Utc>, to: DateTime<Utc>, offset: TimeDelta) -> DateTime<Utc> {
        let (mut still, mut moved) = (from.timestamp(), to.timestamp());
        while moved - still > 1 {
            let middle = still + (moved - still) / 2;
            let at = DateTime::from_timestamp(middle, 0).unwrap_or(to);
            if self.offset(at) == offset { still = middle } else { moved = middle }
        }
        DateTime::from_timestamp(moved, 0).unwrap_or(to)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use chrono::{Datelike, LocalResult, NaiveDate};
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
        weekdays: Option<Vec<u32>>,
    }

    impl Sets {
        fn any() -> impl Strategy<Value = Self> {
            let days = prop_oneof![3 => Just(None), 1 => subsequence((1..=31).collect::<Vec<u32>>(), 1..4).prop_map(Some)];
            let weekdays = prop_oneof![3 => Just(None), 1 => subsequence((0..=6).collect::<Vec<u32>>(), 1..4).prop_map(Some)];
            let hours = prop_oneof![1 => Just(None), 5 => subsequence((0..=23).collect::<Vec<u32>>(), 1..4).prop_map(Some)];
            (subsequence(vec![0, 1, 15, 29, 30, 31, 59], 1..3), hours, days, weekdays)
                .prop_map(|(minutes, hours, days, weekdays)| Self { minutes, hours, days, weekdays })
        }

        fn crontab(&self) -> String {
            let field = |set: Option<&Vec<u32>>| match set {
                Some(set) => set.iter().map(u32::to_string).collect::<Vec<_>>().join(","),
                None => "*".into(),
            };
            let (hours, days) = (field(self.hours.as_ref()), field(self.days.as_ref()));
            format!("{} {hours} {days} * {}", field(Some(&self.minutes)), field(self.weekdays.as_ref()))
        }

        fn fits(&self, day: NaiveDate) -> bool {
            let by_day = self.days.as_ref().map(|days| days.contains(&day.day()));
            let by_weekday =
                self.weekdays.as_ref().map(|days| days.contains(&day.weekday().num_days_from_sunday()));
            match (by_day, by_weekday) {
                (Some(one), Some(other)) => one || other,
                (one, other) => one.unwrap_or(true) && other.unwrap_or(true),
            }
        }

        /// Every instant that is due: each local minute of each day, looked up in the zone.
        fn all(&self, zone: Tz, from: NaiveDate, to: NaiveDate) -> BTreeSet<DateTime<Utc>> {
            let every: Vec<u32> = (0..24).collect();
            let mut all = BTreeSet::new();
            for day in from.iter_days().take_while(|day| *day < to).filter(|day| self.fits(*day)) {
                for hour in self.hours.as_ref().unwrap_or(&every) {
                    for minute in &self.minutes {
                        let mut local = day.and_hms_opt(*hour, *minute, 0).expect("a time");
                        match zone.from_local_datetime(&local) {
                            LocalResult::Single(due) => all.extend([due.to_utc()]),
                            LocalResult::Ambiguous(first, second) => {
                                all.insert(first.to_utc());
                                all.extend(self.hours.is_none().then_some(second.to_utc()));
                            }
                            LocalResult::None => {
                                let after = loop {
                                    local += TimeDelta::minutes(1);
                                    if let Some(after) = zone.from_local_datetime(&local).earliest() {
                                        break after;
                                    }
                                };
                                all.insert(after.to_utc());
                            }
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
        fn twenty_years_are_as_the_calendar_says(sets in Sets::any(), zone in prop::sample::select(ZONES.to_vec())) {
            let calendar = Calendar::parse(&sets.crontab(), zone).expect("a calendar");
            let day = |year| NaiveDate::from_ymd_opt(year, 1, 3).expect("a day");
            let (from, to) = (day(2009), day(2029));
            let start = calendar.zone.from_local_datetime(&from.and_time(chrono::NaiveTime::MIN)).unwrap().to_utc();
            let end = calendar.zone.from_local_datetime(&to.and_time(chrono::NaiveTime::MIN)).unwrap().to_utc();
            let expected: Vec<_> = sets.all(calendar.zone, from, to).into_iter().collect();
            let found: Vec<_> =
                calendar.after(start - TimeDelta::seconds(1)).take_while(|due| *due < end).collect();
            prop_assert_eq!(found, expected, "{} in {}", sets.crontab(), zone);
        }
    }
}
