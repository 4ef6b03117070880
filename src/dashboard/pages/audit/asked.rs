//! What the address of the list says.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use domain::{
    audit::{Severity, read::Filter},
    moment::Moment,
};
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    dashboard::{asked, link},
    http::problem::Problem,
};

/// Spans that can be chosen, in hours. Longer ones are looked through in parts.
pub const LASTS: [(&str, i64); 5] = [("1h", 1), ("24h", 24), ("7d", 168), ("31d", 744), ("92d", 2_208)];
const DEFAULT: &str = "31d";
/// As browsers write an instant that has no zone; it is taken for UTC.
const PLAIN: [&str; 2] = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"];

/// The parameters of the address.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Asked {
    pub actor: Option<String>,
    pub action: Option<String>,
    pub resource: Option<String>,
    /// The id of what it was done to.
    pub thing: Option<String>,
    /// `done` or `denied`.
    pub outcome: Option<String>,
    /// `security` for all that concerns it, or `notice`, `warning`, `critical`.
    pub severity: Option<String>,
    pub from: Option<String>,
    pub until: Option<String>,
    /// Up to now, if neither end is said.
    pub last: Option<String>,
    /// Also what was brought back from the archive.
    pub archived: Option<String>,
    /// Only of the file of an archive: that it is to be looked through.
    pub look: Option<String>,
    pub cursor: Option<String>,
}

/// An instant that somebody typed or chose.
///
/// # Errors
/// If it is none.
fn instant(name: &str, text: &str) -> Result<DateTime<Utc>, Problem> {
    let plain = PLAIN.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let at = match plain {
        Some(plain) => Some(plain.and_utc()),
        None => DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc()),
    };
    let at = at.and_then(|at| Moment::try_from(at).ok()).map(Moment::utc);
    at.ok_or_else(|| Problem::field(format!("?{name}"), "an instant in UTC, for example 2026-06-01T12:00"))
}

impl Asked {
    /// What stands in a field of the form.
    pub fn value(&self, name: &str) -> &str {
        let value = match name {
            "actor" => &self.actor,
            "action" => &self.action,
            "resource" => &self.resource,
            "thing" => &self.thing,
            "outcome" => &self.outcome,
            "severity" => &self.severity,
            "from" => &self.from,
            "until" => &self.until,
            _ => &None,
        };
        asked::text(value.as_deref()).unwrap_or_default()
    }

    /// The chosen span; none where ends are said.
    pub fn last(&self) -> Option<&str> {
        let ends = !self.value("from").is_empty() || !self.value("until").is_empty();
        (!ends).then(|| asked::text(self.last.as_deref()).unwrap_or(DEFAULT))
    }

    /// Whether anything but the span narrows the list, or its ends are said.
    pub fn is_filtered(&self) -> bool {
        ["actor", "action", "resource", "thing", "outcome", "severity", "from", "until"]
            .iter()
            .any(|name| !self.value(name).is_empty())
    }

    /// The address of these filters below a path.
    pub fn address(&self, path: &str) -> String {
        let mut pairs: Vec<(&str, &str)> =
            ["actor", "action", "resource", "thing", "outcome", "severity", "from", "until"]
                .iter()
                .map(|name| (*name, self.value(name)))
                .collect();
        pairs.push(("last", asked::text(self.last.as_deref()).unwrap_or_default()));
        pairs.push(("archived", asked::text(self.archived.as_deref()).unwrap_or_default()));
        pairs.push(("look", asked::text(self.look.as_deref()).unwrap_or_default()));
        link::to(path, &pairs)
    }

    /// The same entries as a file, by the names that the API has for them.
    pub fn export(&self, filter: &Filter, format: &str) -> String {
        let at = |at: &DateTime<Utc>| at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
        let severity = Some(self.value("severity")).filter(|severity| *severity != "security");
        link::to(
            "/ops/audit/export",
            &[
                ("from", &at(&filter.from)),
                ("to", &at(&filter.to)),
                ("actor_id", self.value("actor")),
                ("action", self.value("action")),
                ("resource", self.value("resource")),
                ("resource_id", self.value("thing")),
                ("outcome", self.value("outcome")),
                ("severity", severity.unwrap_or_default()),
                ("format", format),
            ],
        )
    }

    /// Which entries are meant, within two ends if the address says none.
    ///
    /// # Errors
    /// If a value cannot be one.
    pub fn filter(&self, ends: (DateTime<Utc>, DateTime<Utc>)) -> Result<Filter, Problem> {
        let own = |name: &str| Some(self.value(name)).filter(|text| !text.is_empty()).map(ToOwned::to_owned);
        let actor = match self.value("actor") {
            "" => None,
            text => Some(
                Uuid::try_parse(text)
                    .map_err(|_| Problem::field("?actor", "the id of a user, a key or an operator"))?,
            ),
        };
        let denied = match self.value("outcome") {
            "" => None,
            "done" => Some(false),
            "denied" => Some(true),
            _ => return Err(Problem::field("?outcome", "done or denied")),
        };
        let (security, severity) = match self.value("severity") {
            "" => (false, None),
            "security" => (true, None),
            "notice" => (true, Some(Severity::Notice)),
            "warning" => (true, Some(Severity::Warning)),
            "critical" => (true, Some(Severity::Critical)),
            _ => return Err(Problem::field("?severity", "security, notice, warning or critical")),
        };
        let (mut from, mut to) = ends;
        match self.value("from") {
            "" => {}
            text => from = instant("from", text)?,
        }
        match self.value("until") {
            "" => {}
            text => to = instant("until", text)?,
        }
        Ok(Filter {
            actor,
            action: own("action"),
            resource: own("resource"),
            resource_id: own("thing"),
            denied,
            severity,
            security,
            ..Filter::between(from, to)
        })
    }

    /// The ends of the chosen span, up to now. The database's clock may be a little ahead of ours.
    ///
    /// # Errors
    /// If there is no such span.
    pub fn ends(&self, now: DateTime<Utc>) -> Result<(DateTime<Utc>, DateTime<Utc>), Problem> {
        let last = self.last().unwrap_or(DEFAULT);
        let hours = LASTS.iter().find(|(word, _)| *word == last).map(|(_, hours)| *hours);
        let hours = hours.ok_or_else(|| Problem::field("?last", "1h, 24h, 7d, 31d or 92d"))?;
        let mut to = now + TimeDelta::minutes(1);
        // One end alone: as far as a look goes from there.
        if self.value("until").is_empty() && !self.value("from").is_empty() {
            to = to.min(instant("from", self.value("from"))? + TimeDelta::days(92));
        } else if !self.value("until").is_empty() {
            to = instant("until", self.value("until"))?;
        }
        Ok((to - TimeDelta::hours(hours), to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_as_browsers_and_machines_write_them() {
        let noon = DateTime::parse_from_rfc3339("2026-06-01T12:00:00Z").expect("a time").to_utc();
        for text in ["2026-06-01T12:00", "2026-06-01T12:00:00", "2026-06-01T14:00:00+02:00"] {
            assert_eq!(instant("from", text).expect("an instant"), noon, "{text}");
        }
        for text in ["", "noon", "2026-13-01T12:00", "-262143-01-01T00:00"] {
            assert!(instant("from", text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_the_address_says_is_what_is_looked_for() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).expect("a time");
        let asked = |action: &str, severity: &str| Asked {
            action: Some(action.into()),
            severity: Some(severity.into()),
            ..Asked::default()
        };
        let filter = |asked: &Asked| asked.filter(asked.ends(now).expect("ends"));
        let found = filter(&asked(" update ", "warning")).expect("a filter");
        assert_eq!(found.action.as_deref(), Some("update"));
        assert_eq!((found.severity, found.security), (Some(Severity::Warning), true));
        assert_eq!(found.to - found.from, TimeDelta::days(31));
        assert!(filter(&asked("", "odd")).is_err());
        assert!(!asked("", "").is_filtered() && asked("a", "").is_filtered());
        assert_eq!(asked("a b", "").address("/ops/audit"), "/ops/audit?action=a+b");
    }
}
