//! The list of messages, newest first, by pages.
//! <https://www.twilio.com/docs/usage/twilios-response#pagination>

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde_json::json;

use super::{Twilio, error};
use crate::{
    http::{Answer, encoded, value},
    ledger::Entry,
};

impl Twilio {
    /// `To`, `From`, `DateSent`, `DateSent<` and `DateSent>` (written `DateSent>=…` in an address),
    /// `PageSize`, `Page`, `PageToken`. A message that has not left yet has no date of sending, so whoever asks by it is
    /// not shown that one: Twilio's page does not say, and this is the worse of the two for a sender.
    pub(super) fn list(&self, query: &[(String, String)]) -> Answer {
        let Some(wanted) = Wanted::of(query) else {
            return error(20001, "A date must be YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ");
        };
        let number = |name: &str| value(query, name).and_then(|text| text.parse::<usize>().ok());
        let size = number("PageSize").unwrap_or(50).clamp(1, 1000);
        let page = number("Page").unwrap_or(0);
        let entries = self.config.world.ledger.entries();
        let is_shown = |entry: &&Arc<Entry>| wanted.is(entry) && (!wanted.by_date() || self.has_left(entry));
        let mut found = entries.iter().rev().filter(is_shown).peekable();
        match value(query, "PageToken").and_then(|token| token.strip_prefix("PA")) {
            // What came meanwhile does not shift the pages.
            Some(last) => while found.next().is_some_and(|entry| entry.provider_message_id != last) {},
            None => {
                for _ in 0..page.saturating_mul(size) {
                    if found.next().is_none() {
                        break;
                    }
                }
            }
        }
        let shown: Vec<&Arc<Entry>> = found.by_ref().take(size).collect();
        let more = shown.last().filter(|_| found.peek().is_some());
        let at = |page: usize, token: Option<&str>| {
            let mut pairs: Vec<(&str, String)> = query
                .iter()
                .filter(|(name, _)| !matches!(name.as_str(), "Page" | "PageSize" | "PageToken"))
                .map(|(name, value)| (name.as_str(), value.clone()))
                .collect();
            pairs.extend([("PageSize", size.to_string()), ("Page", page.to_string())]);
            pairs.extend(token.map(|token| ("PageToken", format!("PA{token}"))));
            let account = &self.config.account_sid;
            format!("/2010-04-01/Accounts/{account}/Messages.json?{}", encoded(&pairs))
        };
        let start = page.saturating_mul(size);
        let body = json!({
            "messages": shown.iter().map(|entry| self.message(entry)).collect::<Vec<_>>(),
            "page": page, "page_size": size, "start": start,
            "end": start.saturating_add(shown.len()).saturating_sub(1),
            "uri": at(page, None), "first_page_uri": at(0, None),
            "next_page_uri": more.map(|last| at(page + 1, Some(last.provider_message_id.as_str()))),
            "previous_page_uri": (page > 0).then(|| at(page - 1, None)),
        });
        Answer::json(200, &body)
    }
}

struct Wanted<'q> {
    to: Option<&'q str>,
    from: Option<&'q str>,
    on: Option<DateTime<Utc>>,
    since: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
}

impl<'q> Wanted<'q> {
    /// None if a date is none.
    fn of(query: &'q [(String, String)]) -> Option<Self> {
        let date = |name: &str| value(query, name).map_or(Some(None), |text| moment(text).map(Some));
        Some(Self {
            to: value(query, "To"),
            from: value(query, "From"),
            on: date("DateSent")?,
            since: date("DateSent>")?,
            until: date("DateSent<")?,
        })
    }

    fn by_date(&self) -> bool {
        self.on.or(self.since).or(self.until).is_some()
    }

    fn is(&self, entry: &Entry) -> bool {
        self.to.is_none_or(|to| entry.to == to)
            && self.from.is_none_or(|from| entry.body["From"] == from)
            && self.on.is_none_or(|day| entry.at >= day && entry.at < day + TimeDelta::days(1))
            && self.since.is_none_or(|since| entry.at >= since)
            && self.until.is_none_or(|until| entry.at <= until)
    }
}

fn moment(text: &str) -> Option<DateTime<Utc>> {
    let day = || text.parse::<NaiveDate>().ok()?.and_hms_opt(0, 0, 0).map(|day| day.and_utc());
    DateTime::parse_from_rfc3339(text).ok().map(|moment| moment.to_utc()).or_else(day)
}
