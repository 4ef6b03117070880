//! The time that a page's figures are about, as its address says it.

use chrono::{DateTime, Duration, DurationRound, SecondsFormat, Utc};
use engine::tallies::{Ended, Span};
use serde::Deserialize;

use crate::{
    dashboard::{asked, link, ui::Tab},
    http::problem::Problem,
};

/// Spans that can be chosen, in hours.
pub const LASTS: [(&str, i64); 4] = [("1h", 1), ("6h", 6), ("24h", 24), ("7d", 168)];
/// Steps of a chart in minutes; a span has 120 of them at most. Those of an hour and more are of spans that are read by the
/// hour ([`Span::is_by_the_hour`]).
const STEPS: [i32; 6] = [1, 5, 60, 180, 360, 1_440];
const MOST_STEPS: i64 = 120;

/// The parameters of the address; those that are no time stay as they are.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Lately {
    /// `1h`, `6h`, `24h` or `7d`, up to now.
    pub last: Option<String>,
    /// Marked in a chart instead.
    pub from: Option<String>,
    pub until: Option<String>,
}

impl Lately {
    /// The span, and the minutes of a step of a chart: on whole minutes; on whole hours of UTC where it is long, for those are
    /// read.
    ///
    /// # Errors
    /// If an end of it is no time, or it ends before it begins.
    pub fn span(&self, now: DateTime<Utc>) -> Result<(Span, i32), Problem> {
        let until = asked::moment("?until", self.until.as_deref())?;
        let open = until.is_none_or(|until| until > now);
        let until = until.unwrap_or(now + Duration::minutes(1));
        let from = asked::moment("?from", self.from.as_deref())?;
        let from = from.unwrap_or(until - Duration::hours(self.hours()));
        let span = Span { from: begin(from, 1), until: end(until, 1) };
        let minutes = (span.until - span.from).num_minutes();
        if !(1..=400 * 24 * 60).contains(&minutes) {
            return Err(Problem::field("?until", "a time after `from`, and not more than a year"));
        }
        let fits = |step: &&i32| minutes / i64::from(**step) <= MOST_STEPS;
        let step = STEPS.iter().find(fits).copied().unwrap_or(1_440);
        if minutes <= Span::MINUTES {
            return Ok((span, step));
        }
        let until = if open { span.until } else { end(span.until, 60) };
        Ok((Span { from: begin(span.from, 60), until }, step))
    }

    /// Somebody has marked a part of the past, so that nothing of it is news.
    pub fn is_marked(&self) -> bool {
        self.from.is_some() || self.until.is_some()
    }

    /// Spans to choose from, at this address.
    pub fn choices(&self, here: &str) -> Vec<Tab> {
        lasts(here, LASTS.map(|(word, _)| word), (!self.is_marked()).then(|| self.name()))
    }

    /// The span up to now that is chosen, or would be.
    pub fn name(&self) -> &str {
        let known = |last: &&str| LASTS.iter().any(|(name, _)| name == last);
        self.last.as_deref().filter(known).unwrap_or("24h")
    }

    fn hours(&self) -> i64 {
        LASTS.iter().find(|(name, _)| *name == self.name()).map_or(24, |(_, hours)| *hours)
    }

    /// In words.
    pub fn words(&self) -> String {
        if self.is_marked() { "in the marked time".into() } else { format!("in the last {}", self.name()) }
    }

    /// Jobs that ended in this time, by these filters, so that the list is as long as the figure; `chart` may be among them.
    pub fn jobs(&self, span: Span, filters: &[(&str, &str)]) -> String {
        let said = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
        let from = said(span.from);
        let until = self.until.as_deref().filter(|until| !until.is_empty()).map(|_| said(span.until));
        let mut pairs = filters.to_vec();
        pairs.extend([("from", from.as_str()), ("until", until.as_deref().unwrap_or_default())]);
        link::to("/ops/jobs", &pairs)
    }
}

/// Spans up to now to choose from, each by its word: at this address, and instead of ends that it says.
pub fn lasts(here: &str, words: impl IntoIterator<Item = &'static str>, chosen: Option<&str>) -> Vec<Tab> {
    let open = link::timeless(here);
    let choice = |word| Tab::of(&open, "last", (word, word), chosen.unwrap_or_default());
    words.into_iter().map(choice).collect()
}

/// The whole number of minutes at or before a time.
fn begin(at: DateTime<Utc>, minutes: i64) -> DateTime<Utc> {
    at.duration_trunc(Duration::minutes(minutes)).unwrap_or(at)
}

/// The one at or after it.
fn end(at: DateTime<Utc>, minutes: i64) -> DateTime<Utc> {
    let begun = begin(at, minutes);
    if begun == at { at } else { begun + Duration::minutes(minutes) }
}

/// How many ended so.
pub fn count(ended: &[Ended], what: &[&str]) -> i64 {
    ended.iter().filter(|one| what.contains(&one.what.as_str())).map(|one| one.count).sum()
}

/// How many a minute, to two digits behind the point.
#[expect(clippy::cast_precision_loss, reason = "a rate is read to three digits")]
pub fn a_minute(count: i64, span: Span) -> String {
    let rate = count as f64 / (span.until - span.from).num_minutes().max(1) as f64;
    if rate >= 100.0 { format!("{rate:.0}") } else { format!("{rate:.2}") }
}

/// A part of all in percent; none of nothing.
#[expect(clippy::cast_precision_loss, reason = "a share is read to three digits")]
pub fn percent(part: i64, all: i64) -> Option<String> {
    (all > 0).then(|| format!("{:.1}", 100.0 * part as f64 / all as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_lead_to_the_jobs_of_their_time() {
        let now = DateTime::from_timestamp(1_700_000_030, 0).expect("a time");
        let jobs =
            |lately: &Lately| lately.jobs(lately.span(now).expect("a span").0, &[("state", "discarded")]);
        let last = Lately { last: Some("1h".into()), ..Lately::default() };
        assert_eq!(jobs(&last), "/ops/jobs?state=discarded&from=2023-11-14T21%3A14%3A00Z");
        let until = "2023-11-14T22:00:00Z".to_owned();
        let marked = Lately { from: Some("2023-11-14T21:00:00Z".into()), until: Some(until), ..last };
        assert_eq!(
            jobs(&marked),
            "/ops/jobs?state=discarded&from=2023-11-14T21%3A00%3A00Z&until=2023-11-14T22%3A00%3A00Z"
        );
        let choices = marked.choices("/ops/overview?from=2023-11-14T21%3A00%3A00Z");
        assert!(choices.iter().all(|choice| !choice.current));
        assert_eq!(choices[0].href, "/ops/overview?last=1h", "a choice takes the mark away");
    }

    #[test]
    fn a_span_has_steps_that_can_be_seen() {
        let now = DateTime::from_timestamp(1_700_000_030, 0).expect("a time");
        let span = |from: Option<&str>, until: Option<&str>, last: Option<&str>| {
            let own = |text: Option<&str>| text.map(ToOwned::to_owned);
            Lately { from: own(from), until: own(until), last: own(last) }.span(now)
        };
        // It is 22:13:50: whole hours begin 13 minutes before.
        for (last, minutes, step) in
            [(Some("1h"), 61, 1), (Some("6h"), 361, 5), (None, 1_455, 60), (Some("7d"), 10_095, 180)]
        {
            let (span, found) = span(None, None, last).expect("a span");
            assert_eq!(((span.until - span.from).num_minutes(), found), (minutes, step), "{last:?}");
            assert_eq!(span.is_by_the_hour(), step >= 60, "{last:?}");
        }
        let (brushed, step) =
            span(Some("2023-11-14T10:00:30Z"), Some("2023-11-14T10:30:10Z"), None).expect("a span");
        assert_eq!((brushed.from.to_rfc3339().as_str(), step), ("2023-11-14T10:00:00+00:00", 1));
        assert_eq!(brushed.until.to_rfc3339(), "2023-11-14T10:31:00+00:00");
        assert!(span(Some("2023-11-14T10:00:00Z"), Some("2023-11-13T10:00:00Z"), None).is_err());
        assert!(span(Some("yesterday"), None, None).is_err());
    }

    #[test]
    fn rates_and_shares_are_of_the_span() {
        let at = |minute: i64| DateTime::from_timestamp(minute * 60, 0).expect("a time");
        let span = Span { from: at(0), until: at(60) };
        assert_eq!((a_minute(90, span).as_str(), a_minute(60_000, span).as_str()), ("1.50", "1000"));
        assert_eq!((percent(1, 8).as_deref(), percent(0, 0)), (Some("12.5"), None));
    }
}
