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
    assert_eq!(dues("0 0 13 * 5", "UTC", "2026-11-01T00:00:00Z", 3), ["06T00:00", "13T00:00", "20T00:00"]);
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
