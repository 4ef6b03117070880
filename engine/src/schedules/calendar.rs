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
mod tests;
