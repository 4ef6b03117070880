//! What the address of the list says, and the same as words in the search box.

use chrono::{DateTime, SecondsFormat, Utc};
use domain::error::FieldError;
use engine::{
    jobs::Filter,
    tallies::{Part, Span},
};
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    dashboard::{asked, link, pages::span::Lately},
    http::{
        api::jobs::{ENDED, known_state},
        problem::Problem,
    },
};

/// What can be looked for, and how.
pub const FIELDS: [(&str, &str); 7] = [
    ("state", "how it is"),
    ("kind", "what it does"),
    ("queue", "where it waits"),
    ("key", "what it is about, for example message:<id>"),
    ("tag", "a tag"),
    ("error", "why it ended as it did"),
    ("node", "the process that ran it"),
];

/// The parameters of the address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Asked {
    /// Words from the search box, which become the others.
    pub q: Option<String>,
    pub state: Option<String>,
    pub kind: Option<String>,
    pub queue: Option<String>,
    pub key: Option<String>,
    pub tag: Option<String>,
    pub error: Option<String>,
    pub node: Option<String>,
    /// Only what has ended, from here.
    pub from: Option<String>,
    pub until: Option<String>,
    /// The span of the chart and of the figures, up to now.
    pub last: Option<String>,
    /// `rate`, `duration` or `failures`.
    pub chart: Option<String>,
    pub cursor: Option<String>,
    /// The newest job that a page shows already.
    pub newest: Option<Uuid>,
}

impl Asked {
    fn field(&self, name: &str) -> Option<&str> {
        let value = match name {
            "state" => &self.state,
            "kind" => &self.kind,
            "queue" => &self.queue,
            "key" => &self.key,
            "tag" => &self.tag,
            "error" => &self.error,
            "node" => &self.node,
            _ => &None,
        };
        value.as_deref().map(str::trim).filter(|value| !value.is_empty())
    }

    fn set(&mut self, name: &str, value: String) -> bool {
        let place = match name {
            "state" => &mut self.state,
            "kind" => &mut self.kind,
            "queue" => &mut self.queue,
            "key" => &mut self.key,
            "tag" => &mut self.tag,
            "error" => &mut self.error,
            "node" => &mut self.node,
            _ => return false,
        };
        *place = Some(value);
        true
    }

    /// The filters as words: `state:running kind:"send message"`.
    pub fn words(&self) -> String {
        let word = |(name, _): &(&str, &str)| {
            let value = self.field(name)?;
            let quoted =
                value.contains(|letter: char| letter.is_whitespace() || ['"', '\\'].contains(&letter));
            Some(if quoted {
                format!("{name}:\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
            } else {
                format!("{name}:{value}")
            })
        };
        FIELDS.iter().filter_map(word).collect::<Vec<_>>().join(" ")
    }

    /// Reads words into a new set of filters; span and chart stay.
    ///
    /// # Errors
    /// In words, what is not understood and what would be.
    pub fn read(&self, words: &str) -> Result<Self, String> {
        let kept = (self.from.clone(), self.until.clone(), self.last.clone(), self.chart.clone());
        let mut asked = Self { from: kept.0, until: kept.1, last: kept.2, chart: kept.3, ..Self::default() };
        for word in split(words)? {
            let known = || FIELDS.map(|(name, _)| format!("{name}:")).join(" ");
            let Some((name, value)) = word.split_once(':') else {
                return Err(format!("say where to look for `{word}`: {}", known()));
            };
            if name == "tenant" {
                return Err(
                    "these are the jobs of one tenant; operators choose another under All tenants".into()
                );
            }
            if value.trim().is_empty() {
                return Err(format!("say what to look for behind `{word}`"));
            }
            if asked.field(name).is_some() {
                return Err(format!("`{name}:` stands there twice; a job has only one that is looked for"));
            }
            if !asked.set(name, value.to_owned()) {
                return Err(format!("`{word}` is not understood; there are {}", known()));
            }
        }
        if let Err(problem) = asked.filter() {
            let said =
                |field: &FieldError| format!("{}: {}", field.pointer.trim_start_matches('?'), field.detail);
            return Err(problem.errors.iter().map(said).collect::<Vec<_>>().join("; "));
        }
        Ok(asked)
    }

    /// The address of these filters.
    pub fn address(&self) -> String {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let mut pairs: Vec<(&str, String)> =
            FIELDS.iter().map(|(name, _)| (*name, self.field(name).unwrap_or_default().to_owned())).collect();
        pairs.extend([
            ("from", text(&self.from)),
            ("until", text(&self.until)),
            ("last", text(&self.last)),
            ("chart", text(&self.chart)),
        ]);
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
        link::to("/ops/jobs", &pairs)
    }

    /// # Errors
    /// If a value cannot be one.
    pub fn filter(&self) -> Result<Filter, Problem> {
        let own = |name: &str| self.field(name).map(ToOwned::to_owned);
        Ok(Filter {
            state: known_state(own("state"), "?state")?,
            kind: own("kind"),
            queue: own("queue"),
            business_key: own("key"),
            tag: own("tag"),
            error_code: own("error"),
            node: self.node()?,
            ended_from: asked::moment("?from", self.from.as_deref())?,
            ended_until: asked::moment("?until", self.until.as_deref())?,
            ..Filter::default()
        })
    }

    fn node(&self) -> Result<Option<Uuid>, Problem> {
        let parse = |node: &str| {
            Uuid::try_parse(node)
                .map_err(|_| Problem::field("?node", "the id of a process, as the page Workers shows it"))
        };
        self.field("node").map(parse).transpose()
    }

    /// Whether a filter is about what nothing counts by.
    pub fn is_sampled(&self) -> bool {
        self.field("key").is_some() || self.field("tag").is_some()
    }

    /// Whether only jobs are shown that have ended.
    pub fn is_past(&self) -> bool {
        let ended = self.field("state").is_some_and(|state| ENDED.contains(&state));
        ended || self.field("error").is_some() || self.lately().is_marked()
    }

    /// What the counters can say of these filters; none if one is about what they do not count by.
    pub fn part(&self) -> Result<Option<Part>, Problem> {
        if self.is_sampled() {
            return Ok(None);
        }
        let own = |name: &str| self.field(name).map(ToOwned::to_owned);
        // A job that is not finished has ended no attempt but those that are tried again.
        let what = own("state").filter(|state| state == "retrying" || ENDED.contains(&state.as_str()));
        Ok(Some(Part {
            queue: own("queue"),
            kind: own("kind"),
            node: self.node()?,
            code: own("error"),
            what,
        }))
    }

    /// The time that the chart and the figures are about.
    pub fn lately(&self) -> Lately {
        Lately { last: self.last.clone(), from: self.from.clone(), until: self.until.clone() }
    }

    /// Takes the ends of the span for those that were asked for, so that the list is of the same time as the figures.
    pub fn settle(&mut self, span: Span) {
        let whole = |text: &mut Option<String>, at: DateTime<Utc>| {
            *text = text
                .take()
                .filter(|text| asked::text(Some(text.as_str())).is_some())
                .map(|_| at.to_rfc3339_opts(SecondsFormat::Secs, true));
        };
        whole(&mut self.from, span.from);
        whole(&mut self.until, span.until);
    }

    /// Whether it shows what comes, and not a page or a span of the past.
    pub fn is_open(&self) -> bool {
        self.cursor.is_none() && !self.lately().is_marked()
    }
}

/// Words with spaces between them; quotes hold one together, in which a backslash takes the next letter as it is.
fn split(words: &str) -> Result<Vec<String>, String> {
    let (mut found, mut word, mut quoted) = (Vec::new(), String::new(), false);
    let mut letters = words.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => quoted = !quoted,
            '\\' if quoted => word.extend(letters.next()),
            letter if letter.is_whitespace() && !quoted => {
                if !word.is_empty() {
                    found.push(std::mem::take(&mut word));
                }
            }
            letter => word.push(letter),
        }
    }
    if quoted {
        return Err(format!("a quote is opened and not closed before `{word}`"));
    }
    if !word.is_empty() {
        found.push(word);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_addresses_say_the_same() {
        let asked = Asked::default().read("state:running  key:message:1 tag:\"a b\"").expect("words");
        assert_eq!(asked.address(), "/ops/jobs?state=running&key=message%3A1&tag=a+b");
        assert_eq!(asked.words(), "state:running key:message:1 tag:\"a b\"");
        assert_eq!(Asked::default().read(&asked.words()), Ok(asked));
        for (wrong, said) in [
            ("running", "kind:"),
            ("colour:red", "kind:"),
            ("state:", "behind `state:`"),
            ("state:asleep", "one of scheduled"),
            ("node:worker-1", "the id of a process"),
            ("kind:a kind:b", "twice"),
            ("tag:\"a b", "not closed"),
            ("tenant:acme", "one tenant"),
        ] {
            let found = Asked::default().read(wrong).expect_err("it says so");
            assert!(found.contains(said), "{wrong}: {found}");
        }
        let odd = Asked { tag: Some("a\t\"b\"\\".into()), ..Asked::default() };
        assert_eq!(Asked::default().read(&odd.words()), Ok(odd), "an action on all of them is on the same");
        assert_eq!(Asked::default().read(""), Ok(Asked::default()));
    }

    #[test]
    fn the_list_is_of_the_time_of_the_figures() {
        let now = DateTime::from_timestamp(1_700_000_030, 0).expect("a time");
        let own = |text: &str| Some(text.to_owned());
        let mut long = Asked {
            from: own("2023-11-12T10:20:30Z"),
            until: own("2023-11-13T11:30:10Z"),
            ..Asked::default()
        };
        let (span, step) = long.lately().span(now).expect("a span");
        long.settle(span);
        assert_eq!(long.from.as_deref(), Some("2023-11-12T10:00:00Z"));
        assert_eq!(long.until.as_deref(), Some("2023-11-13T12:00:00Z"));
        assert_eq!(long.lately().span(now).expect("a span"), (span, step), "it stays as it is");
        let filter = long.filter().expect("a filter");
        assert_eq!((filter.ended_from, filter.ended_until), (Some(span.from), Some(span.until)));
        let mut none = Asked { from: own(""), ..Asked::default() };
        none.settle(span);
        assert_eq!(none, Asked::default());
    }

    #[test]
    fn what_is_not_counted_is_known() {
        let part = |words: &str| Asked::default().read(words).expect("words").part().expect("a part");
        assert!(part("tag:a").is_none() && part("key:lead:1").is_none());
        assert_eq!(part("state:running").expect("counted").what, None);
        assert_eq!(part("state:discarded").expect("counted").what.as_deref(), Some("discarded"));
    }
}
