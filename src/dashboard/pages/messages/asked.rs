//! What the address of the list says.

use chrono::{DateTime, Duration, DurationRound, Utc};
use domain::{
    messages::{
        read::Filter,
        stats::{Dimension, Wanted},
    },
    types::{LeadId, ProviderId, TemplateId},
};
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    dashboard::{asked, link},
    http::problem::Problem,
};

/// Spans that can be chosen, in hours.
pub const LASTS: [(&str, i64); 4] = [("24h", 24), ("7d", 168), ("30d", 720), ("1y", 8_760)];
const USUAL: &str = "7d";

/// From when and until when, each if it has an end there.
pub type Ends = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// The parameters of the address.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Asked {
    /// The id of a message, or whom it is to.
    pub q: Option<String>,
    pub status: Option<String>,
    pub channel: Option<String>,
    pub purpose: Option<String>,
    pub provider: Option<String>,
    pub template: Option<String>,
    pub failure: Option<String>,
    pub code: Option<String>,
    pub lead: Option<String>,
    pub batch: Option<String>,
    pub to: Option<String>,
    /// Accepted from this hour on, and before that one.
    pub from: Option<String>,
    pub until: Option<String>,
    /// The span up to now.
    pub last: Option<String>,
    pub cursor: Option<String>,
}

impl Asked {
    fn named(&self) -> [(&'static str, Option<&str>); 13] {
        [
            ("status", self.status.as_deref()),
            ("channel", self.channel.as_deref()),
            ("purpose", self.purpose.as_deref()),
            ("provider", self.provider.as_deref()),
            ("template", self.template.as_deref()),
            ("failure", self.failure.as_deref()),
            ("code", self.code.as_deref()),
            ("lead", self.lead.as_deref()),
            ("batch", self.batch.as_deref()),
            ("to", self.to.as_deref()),
            ("from", self.from.as_deref()),
            ("until", self.until.as_deref()),
            ("last", self.last.as_deref()),
        ]
    }

    /// The value of a filter.
    pub fn field(&self, name: &str) -> Option<&str> {
        let found = self.named().into_iter().find(|(known, _)| *known == name);
        found.and_then(|(_, value)| asked::text(value))
    }

    /// Whether it is about some messages and not about all of a span.
    pub fn filters(&self) -> bool {
        self.named().into_iter().any(|(name, value)| name != "last" && asked::text(value).is_some())
    }

    /// The address of these filters, without a cursor.
    pub fn address(&self) -> String {
        let pairs: Vec<(&str, &str)> =
            self.named().map(|(name, _)| (name, self.field(name).unwrap_or_default())).to_vec();
        link::to("/ops/messages", &pairs)
    }

    /// Whether it is about what counters do not tell apart.
    pub fn beyond_counters(&self) -> bool {
        ["lead", "batch", "to"].iter().any(|name| self.field(name).is_some())
    }

    /// The chosen span; none where a span of its own is marked, or all of a lead, a batch or an address is shown.
    pub fn last(&self) -> Option<&str> {
        if self.field("from").is_some() || self.field("until").is_some() {
            return None;
        }
        let known = self.field("last").filter(|last| LASTS.iter().any(|(name, _)| name == last));
        known.or((!self.beyond_counters()).then_some(USUAL))
    }

    /// From which hour on and before which one; both on whole hours, since by these is counted.
    ///
    /// # Errors
    /// If an end of it is no time.
    pub fn span(&self, now: DateTime<Utc>) -> Result<Ends, Problem> {
        if let Some(last) = self.last() {
            let hours = LASTS.iter().find(|(name, _)| *name == last).map_or(168, |(_, hours)| *hours);
            return Ok((Some(hour(now - Duration::hours(hours))), None));
        }
        let from = asked::moment("?from", self.from.as_deref())?.map(hour);
        let until =
            asked::moment("?until", self.until.as_deref())?.map(|at| hour(at + Duration::seconds(3_599)));
        Ok((from, until))
    }

    /// # Errors
    /// If a value cannot be one.
    pub fn filter(&self, now: DateTime<Utc>) -> Result<Filter, Problem> {
        let (from, until) = self.span(now)?;
        Ok(Filter {
            id: None,
            status: asked::word("?status", self.status.as_deref())?,
            channel: asked::word("?channel", self.channel.as_deref())?,
            purpose: asked::word("?purpose", self.purpose.as_deref())?,
            lead: asked::id("?lead", self.lead.as_deref())?.map(LeadId),
            provider: asked::id("?provider", self.provider.as_deref())?.map(ProviderId),
            template: asked::id("?template", self.template.as_deref())?.map(TemplateId),
            batch: asked::id("?batch", self.batch.as_deref())?,
            failure: asked::word("?failure", self.failure.as_deref())?,
            code: self.field("code").map(ToOwned::to_owned),
            to: self.field("to").map(ToOwned::to_owned),
            from,
            until,
        })
    }

    /// What to ask of the counters; none if they cannot say.
    ///
    /// # Errors
    /// As [`Asked::span`].
    pub fn wanted(&self, now: DateTime<Utc>) -> Result<Option<Wanted>, Problem> {
        if self.beyond_counters() {
            return Ok(None);
        }
        let (from, until) = self.span(now)?;
        let until = until.unwrap_or(hour(now) + Duration::hours(1));
        // A facet is counted with all filters on but its own, so only what is no facet is asked for here.
        Ok(Some(Wanted {
            from: from.unwrap_or(until - Duration::hours(8_760)),
            until,
            by: vec![Dimension::Channel, Dimension::Provider, Dimension::Purpose],
            channel: None,
            provider: None,
            template: asked::id("?template", self.template.as_deref())?.map(TemplateId),
            purpose: None,
        }))
    }

    /// The message that was searched for by its id.
    pub fn message(&self) -> Option<Uuid> {
        Uuid::try_parse(asked::text(self.q.as_deref())?).ok()
    }
}

fn hour(at: DateTime<Utc>) -> DateTime<Utc> {
    at.duration_trunc(Duration::hours(1)).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-11-27T15:20:00Z".parse().expect("a time")
    }

    fn own(text: &str) -> String {
        text.to_owned()
    }

    #[test]
    fn list_and_counters_are_of_the_same_whole_hours() {
        let marked = Asked {
            from: Some(own("2026-11-27T10:30:00Z")),
            until: Some(own("2026-11-27T11:10")),
            ..Asked::default()
        };
        let day = Asked { last: Some(own("24h")), ..Asked::default() };
        for (asked, from, until) in [
            (&marked, "2026-11-27T10:00:00Z", "2026-11-27T12:00:00Z"),
            (&day, "2026-11-26T15:00:00Z", "2026-11-27T16:00:00Z"),
        ] {
            let wanted = asked.wanted(now()).ok().flatten().expect("counted");
            let Ok(filter) = asked.filter(now()) else { panic!("a filter") };
            let at = |text: &str| text.parse::<DateTime<Utc>>().expect("a time");
            assert_eq!((wanted.from, wanted.until), (at(from), at(until)));
            assert_eq!(filter.from, Some(at(from)));
            assert!(filter.until.is_none_or(|until| until == wanted.until));
        }
    }

    #[test]
    fn all_of_a_lead_is_shown_and_nothing_counts_it() {
        let lead = Asked { lead: Some(own("00000000-0000-7000-8000-000000000001")), ..Asked::default() };
        assert!(lead.wanted(now()).is_ok_and(|wanted| wanted.is_none()));
        assert!(lead.filter(now()).is_ok_and(|filter| filter.from.is_none() && filter.lead.is_some()));
        assert_eq!(Asked::default().last(), Some("7d"));
        assert!(!Asked { last: Some(own("24h")), ..Asked::default() }.filters() && lead.filters());
        assert!(Asked { status: Some(own("lost")), ..Asked::default() }.filter(now()).is_err());
    }
}
