//! The time that a page's figures are about, as its address says it.

use chrono::{DateTime, SecondsFormat, Utc};
use engine::tallies::{Ended, Span};
use serde::Deserialize;

use super::jobs::asked::{Asked, LASTS};
use crate::{
    dashboard::{link, ui::Tab},
    http::problem::Problem,
};

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
    fn asked(&self) -> Asked {
        let Self { last, from, until } = self.clone();
        Asked { from, until, last, ..Asked::default() }
    }

    /// On whole minutes, and the minutes of a step of a chart.
    ///
    /// # Errors
    /// If an end of it is no time, or it ends before it begins.
    pub fn span(&self, now: DateTime<Utc>) -> Result<(Span, i32), Problem> {
        self.asked().span(now)
    }

    /// Somebody has marked a part of the past, so that nothing of it is news.
    pub fn is_marked(&self) -> bool {
        self.from.is_some() || self.until.is_some()
    }

    /// Spans to choose from, at this address.
    pub fn choices(&self, here: &str) -> Vec<Tab> {
        let open = !self.is_marked();
        let plain = link::with(&link::with(here, "from", ""), "until", "");
        let choice = |(word, _): &(&'static str, i64)| Tab {
            word,
            href: link::with(&plain, "last", word),
            current: open && self.name() == *word,
        };
        LASTS.iter().map(choice).collect()
    }

    /// The span up to now that is chosen, or would be.
    pub fn name(&self) -> &str {
        let known = |last: &&str| LASTS.iter().any(|(name, _)| name == last);
        self.last.as_deref().filter(known).unwrap_or("24h")
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
    fn rates_and_shares_are_of_the_span() {
        let at = |minute: i64| DateTime::from_timestamp(minute * 60, 0).expect("a time");
        let span = Span { from: at(0), until: at(60) };
        assert_eq!((a_minute(90, span).as_str(), a_minute(60_000, span).as_str()), ("1.50", "1000"));
        assert_eq!((percent(1, 8).as_deref(), percent(0, 0)), (Some("12.5"), None));
    }
}
