//! The rail: how many messages there are of each value, with all filters on but its own.

use std::collections::BTreeMap;

use domain::messages::{
    provider::Channel,
    rules::{FailureKind, Purpose, Status},
    stats::MessageFigures,
};

use super::{Accounts, asked::Asked};
use crate::dashboard::ui::{Facet, FacetValue};

/// Values of a facet that are shown.
const SHOWN: usize = 12;

/// Messages that are the same in all that is counted.
#[derive(Debug, Clone, Default)]
pub struct Cell {
    status: String,
    channel: String,
    provider: Option<String>,
    purpose: String,
    failure: Option<&'static str>,
    code: Option<String>,
    count: i64,
}

/// Takes figures apart: each failure, and of each status those without one.
pub fn cells(figures: &[MessageFigures]) -> Vec<Cell> {
    let mut cells = Vec::new();
    for group in figures {
        let same = Cell {
            channel: group.channel.clone().unwrap_or_default(),
            provider: group.provider_id.map(|id| id.to_string()),
            purpose: group.purpose.clone().unwrap_or_default(),
            ..Cell::default()
        };
        let failed = group.failures.iter().map(|failure| Cell {
            status: failure.status.clone(),
            failure: failure.kind.map(FailureKind::as_str),
            code: failure.code.clone(),
            count: failure.messages,
            ..same.clone()
        });
        cells.extend(failed);
        for (status, count) in &group.statuses {
            let of = group.failures.iter().filter(|failure| failure.status == *status);
            let rest = count - of.map(|failure| failure.messages).sum::<i64>();
            cells.push(Cell { status: status.clone(), count: rest, ..same.clone() });
        }
    }
    cells.retain(|cell| cell.count > 0);
    cells
}

/// The facets; without figures if there are no cells to count.
pub fn facets(
    asked: &Asked,
    cells: Option<&[Cell]>,
    accounts: &Accounts,
    here: &str,
    about: &str,
) -> Vec<Facet> {
    let words = |all: &[&'static str]| all.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let statuses = words(&Status::ALL.map(Status::as_str));
    let channels = words(&Channel::ALL.map(Channel::as_str));
    let purposes = words(&[Purpose::Transactional, Purpose::Marketing].map(Purpose::as_str));
    let known: Vec<String> = accounts.0.keys().map(ToString::to_string).collect();
    let name = |id: &str| id.parse().map_or_else(|_| id.to_owned(), |id| accounts.name(id));
    let plain = |word: &str| word.to_owned();
    let facet = |title, field, all: Vec<String>, ordered, name: &dyn Fn(&str) -> String| {
        let mut values = values(asked, cells, here, field, all, ordered, name);
        if field == "status" {
            for value in &mut values {
                value.like = like(&value.word);
            }
        }
        let about = if cells.is_some() { about.to_owned() } else { String::new() };
        Facet { name: title, about, counted: cells.is_some(), values }
    };
    vec![
        facet("Status", "status", statuses, true, &plain),
        facet("Channel", "channel", channels, true, &plain),
        facet("Account", "provider", known, false, &name),
        facet("Purpose", "purpose", purposes, true, &plain),
        facet("Failure", "failure", Vec::new(), false, &plain),
        facet("Code", "code", Vec::new(), false, &plain),
    ]
}

/// The status itself has a shape; the facet only hands it on.
fn like(status: &str) -> &'static str {
    Status::ALL.iter().map(|known| known.as_str()).find(|known| *known == status).unwrap_or("")
}

/// The values of one: those that are known, in their order or by how many there are.
fn values(
    asked: &Asked,
    cells: Option<&[Cell]>,
    here: &str,
    field: &'static str,
    known: Vec<String>,
    ordered: bool,
    name: &dyn Fn(&str) -> String,
) -> Vec<FacetValue> {
    let mut counts: BTreeMap<String, i64> = BTreeMap::new();
    for cell in cells.unwrap_or_default().iter().filter(|cell| fits(asked, cell, field)) {
        if let Some(value) = of(cell, field) {
            *counts.entry(value.to_owned()).or_default() += cell.count;
        }
    }
    let chosen = asked.field(field);
    let mut all = known;
    let more = counts.keys().map(String::as_str).chain(chosen).map(ToOwned::to_owned);
    for value in more.collect::<Vec<_>>() {
        if !all.contains(&value) {
            all.push(value);
        }
    }
    let count = |value: &str| counts.get(value).copied().unwrap_or_default();
    if !ordered {
        all.sort_by(|one, two| count(two).cmp(&count(one)).then_with(|| name(one).cmp(&name(two))));
        all.truncate(SHOWN);
    }
    let value = |value: String| {
        let shown = FacetValue::of(here, field, (&value, &name(&value)), chosen);
        FacetValue { count: cells.map(|_| count(&value)), ..shown }
    };
    all.into_iter().map(value).collect()
}

fn of<'a>(cell: &'a Cell, field: &str) -> Option<&'a str> {
    match field {
        "status" => Some(&cell.status),
        "channel" => Some(&cell.channel),
        "provider" => cell.provider.as_deref(),
        "purpose" => Some(&cell.purpose),
        "failure" => cell.failure,
        _ => cell.code.as_deref(),
    }
}

/// Whether it fits all filters but the one named.
fn fits(asked: &Asked, cell: &Cell, but: &str) -> bool {
    ["status", "channel", "provider", "purpose", "failure", "code"]
        .iter()
        .all(|field| *field == but || asked.field(field).is_none_or(|wanted| of(cell, field) == Some(wanted)))
}

#[cfg(test)]
mod tests {
    use domain::messages::stats::FailureFigure;

    use super::*;

    fn figures() -> Vec<MessageFigures> {
        let group = |channel: &str, statuses: &[(&str, i64)], failures| MessageFigures {
            channel: Some(channel.into()),
            purpose: Some("transactional".into()),
            statuses: statuses.iter().map(|(status, n)| ((*status).to_owned(), *n)).collect(),
            failures,
            ..MessageFigures::default()
        };
        let gone = FailureFigure {
            status: "failed".into(),
            kind: Some(FailureKind::Permanent),
            code: Some("30005".into()),
            messages: 2,
        };
        vec![
            group("sms", &[("failed", 3), ("sent", 10)], vec![gone]),
            group("email", &[("sent", 5)], Vec::new()),
        ]
    }

    fn counts(facets: &[Facet], name: &str) -> Vec<(String, Option<i64>)> {
        let facet = facets.iter().find(|facet| facet.name == name).expect("there");
        let some = facet.values.iter().filter(|value| value.count != Some(0));
        some.map(|value| (value.word.clone(), value.count)).collect()
    }

    fn rail(asked: &Asked, cells: Option<&[Cell]>) -> Vec<Facet> {
        facets(asked, cells, &Accounts::default(), &asked.address(), "in the last 7d")
    }

    #[test]
    fn each_facet_counts_with_all_filters_but_its_own() {
        let cells = cells(&figures());
        let all = rail(&Asked::default(), Some(&cells));
        let sent = |n| ("sent".to_owned(), Some(n));
        assert_eq!(counts(&all, "Status"), [sent(15), ("failed".to_owned(), Some(3))]);
        assert_eq!(counts(&all, "Code"), [("30005".to_owned(), Some(2))]);
        let asked = Asked { status: Some("sent".into()), channel: Some("sms".into()), ..Asked::default() };
        let some = rail(&asked, Some(&cells));
        assert_eq!(counts(&some, "Status"), [sent(10), ("failed".to_owned(), Some(3))]);
        assert_eq!(counts(&some, "Channel"), [("email".to_owned(), Some(5)), ("sms".to_owned(), Some(10))]);
        assert!(counts(&some, "Code").is_empty(), "none that was sent has one");
    }

    #[test]
    fn without_counters_there_are_words_and_no_figures() {
        let asked = Asked { code: Some("30005".into()), ..Asked::default() };
        let rail = rail(&asked, None);
        assert!(rail.iter().all(|facet| !facet.counted));
        assert_eq!(counts(&rail, "Code"), [("30005".to_owned(), None)], "what is chosen can be taken away");
        assert_eq!(counts(&rail, "Status").len(), Status::ALL.len());
    }
}
