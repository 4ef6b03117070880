//! The rail: for each dimension its values with how many jobs there are, and one click to filter by one.

use std::collections::BTreeMap;

use engine::tallies::{Cell, Depth};

use uuid::Uuid;

use super::{
    asked::{Asked, ENDED, LIVE},
    one::short,
};
use crate::dashboard::{
    link,
    ui::{Facet, FacetValue},
};

/// Values of a facet that are shown; the search box finds the others.
const SHOWN: usize = 12;

/// What the figures of jobs that ended are about: in words, and from when as an address says it.
pub struct Since {
    pub words: String,
    pub from: String,
}

/// The facets of what is counted, with all filters on but a facet's own.
pub fn facets(asked: &Asked, cells: &[Cell], depths: &[Depth], here: &str, since: &Since) -> Vec<Facet> {
    let Since { words: since, from } = since;
    let about = format!("ended {since}");
    let facet = |name, about: &str, values| Facet { name, about: about.to_owned(), counted: true, values };
    vec![
        facet("Now", "as of the last census", live(asked, depths, here)),
        facet("Ended", since, ended(asked, cells, here, from)),
        facet("Queue", "", by(asked, cells, depths, here, "queue")),
        facet("Kind", "", by(asked, cells, depths, here, "kind")),
        facet("Error", &about, by(asked, cells, &[], here, "error")),
        facet("Node", &about, by(asked, cells, &[], here, "node")),
    ]
}

fn live(asked: &Asked, depths: &[Depth], here: &str) -> Vec<FacetValue> {
    // The census knows queues and kinds, and neither nodes nor errors.
    let counted = asked.node.is_none() && asked.error.is_none() && asked.key.is_none() && asked.tag.is_none();
    let fits =
        |depth: &&Depth| is(asked.queue.as_deref(), &depth.queue) && is(asked.kind.as_deref(), &depth.kind);
    LIVE.iter()
        .map(|state| {
            let count = depths.iter().filter(fits).map(|depth| of_state(depth, state)).sum();
            state_value(asked, here, state, counted.then_some(count))
        })
        .collect()
}

fn ended(asked: &Asked, cells: &[Cell], here: &str, from: &str) -> Vec<FacetValue> {
    ENDED
        .iter()
        .map(|state| {
            let fits = |cell: &&Cell| cell.what == *state && matches(asked, cell, "state");
            let count = cells.iter().filter(fits).map(|cell| cell.count).sum();
            let found = state_value(asked, here, state, Some(count));
            // The list behind the figure is as long as the figure says.
            let dated = !found.current && asked.from.is_none();
            let href = if dated { link::with(&found.href, "from", from) } else { found.href };
            FacetValue { href, ..found }
        })
        .collect()
}

fn by(asked: &Asked, cells: &[Cell], depths: &[Depth], here: &str, field: &'static str) -> Vec<FacetValue> {
    let mut counts: BTreeMap<String, i64> = BTreeMap::new();
    for cell in cells.iter().filter(|cell| cell.what != "retrying" && matches(asked, cell, field)) {
        let word = match field {
            "queue" => Some(cell.queue.clone()),
            "kind" => Some(cell.kind.clone()),
            "error" => cell.code.clone(),
            _ => cell.node.map(|node| node.to_string()),
        };
        if let Some(word) = word {
            *counts.entry(word).or_default() += cell.count;
        }
    }
    let blind = asked.node.is_some() || asked.error.is_some();
    for depth in depths.iter().filter(|_| !blind) {
        let (word, other, own) = match field {
            "queue" => (&depth.queue, &depth.kind, asked.kind.as_deref()),
            _ => (&depth.kind, &depth.queue, asked.queue.as_deref()),
        };
        if !is(own, other) {
            continue;
        }
        let count = match asked.state.as_deref() {
            Some(state) => of_state(depth, state),
            None => LIVE.iter().map(|state| of_state(depth, state)).sum(),
        };
        *counts.entry(word.clone()).or_default() += count;
    }
    let chosen = match field {
        "queue" => asked.queue.as_deref(),
        "kind" => asked.kind.as_deref(),
        "error" => asked.error.as_deref(),
        _ => asked.node.as_deref(),
    };
    if let Some(chosen) = chosen {
        counts.entry(chosen.to_owned()).or_default();
    }
    let mut counts: Vec<(String, i64)> =
        counts.into_iter().filter(|(word, count)| *count > 0 || chosen == Some(word)).collect();
    counts.sort_by(|one, two| two.1.cmp(&one.1).then_with(|| one.0.cmp(&two.0)));
    counts.truncate(SHOWN);
    let value = |(word, count): (String, i64)| {
        // A process is told apart by the end of its id, as a job is.
        let short = if field == "node" { Uuid::try_parse(&word).map(short).ok() } else { None };
        let shown = short.as_deref().unwrap_or(&word);
        FacetValue { count: Some(count), ..FacetValue::of(here, field, (&word, shown), chosen) }
    };
    counts.into_iter().map(value).collect()
}

/// Whether an attempt fits all filters but the one named.
fn matches(asked: &Asked, cell: &Cell, but: &str) -> bool {
    let node = cell.node.map(|node| node.to_string()).unwrap_or_default();
    let ended = asked.state.as_deref().filter(|state| ENDED.contains(state));
    let live = asked.state.as_deref().is_some_and(|state| LIVE.contains(&state));
    // What has ended is in no live state.
    (but == "state" || (!live && is(ended, &cell.what)))
        && (but == "queue" || is(asked.queue.as_deref(), &cell.queue))
        && (but == "kind" || is(asked.kind.as_deref(), &cell.kind))
        && (but == "node" || is(asked.node.as_deref(), &node))
        && (but == "error" || is(asked.error.as_deref(), cell.code.as_deref().unwrap_or_default()))
}

fn is(wanted: Option<&str>, found: &str) -> bool {
    wanted.is_none_or(|wanted| wanted.is_empty() || wanted == found)
}

/// How many of a lane are in a state, as `engine.live_state` tells them apart.
fn of_state(depth: &Depth, state: &str) -> i64 {
    match state {
        "scheduled" => depth.scheduled - depth.retrying_scheduled,
        "running" => depth.running,
        "parked" if depth.parked => depth.available,
        "available" if !depth.parked => depth.available - depth.retrying_available,
        "retrying" if depth.parked => depth.retrying_scheduled,
        "retrying" => depth.retrying_scheduled + depth.retrying_available,
        _ => 0,
    }
}

fn state_value(asked: &Asked, here: &str, state: &'static str, count: Option<i64>) -> FacetValue {
    let value = FacetValue::of(here, "state", (state, state), asked.state.as_deref());
    FacetValue { like: state, count, ..value }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn cell(what: &str, kind: &str, code: Option<&str>, count: i64) -> Cell {
        let code = code.map(ToOwned::to_owned);
        Cell { what: what.into(), queue: "q".into(), kind: kind.into(), node: None, code, count }
    }

    fn depth(kind: &str, parked: bool) -> Depth {
        Depth {
            queue: "q".into(),
            kind: kind.into(),
            parked,
            scheduled: 10,
            available: 20,
            running: 3,
            retrying_scheduled: 1,
            retrying_available: 2,
            counted_at: DateTime::UNIX_EPOCH,
        }
    }

    fn since() -> Since {
        Since { words: String::new(), from: "F".into() }
    }

    fn counts(facet: &Facet) -> Vec<(&str, Option<i64>)> {
        facet.values.iter().map(|value| (value.word.as_str(), value.count)).collect()
    }

    #[test]
    fn each_facet_counts_with_all_filters_but_its_own() {
        let cells = [
            cell("completed", "a", None, 100),
            cell("completed", "b", None, 7),
            cell("discarded", "a", Some("gone"), 5),
            cell("retrying", "a", Some("slow"), 50),
        ];
        let asked = Asked { state: Some("discarded".into()), kind: Some("a".into()), ..Asked::default() };
        let here = "/ops/jobs?state=discarded&kind=a";
        let found = facets(&asked, &cells, &[depth("a", false)], here, &since());
        assert_eq!(found[1].values[0].href, "/ops/jobs?kind=a&state=completed&from=F");
        assert_eq!(counts(&found[1])[..2], [("completed", Some(100)), ("discarded", Some(5))]);
        assert_eq!(counts(&found[3]), [("a", Some(5))]);
        assert_eq!(counts(&found[4]), [("gone", Some(5))]);
        assert_eq!(found[3].values[0].href, "/ops/jobs?state=discarded", "a second click takes it away");
        assert_eq!(found[4].values[0].href, "/ops/jobs?state=discarded&kind=a&error=gone");
    }

    #[test]
    fn live_states_are_told_apart_as_the_list_does() {
        let now = |depths: &[Depth]| {
            let found = facets(&Asked::default(), &[], depths, "/ops/jobs", &since());
            found[0].values.iter().map(|value| value.count.unwrap_or_default()).collect::<Vec<_>>()
        };
        assert_eq!(now(&[depth("a", false)]), [9, 18, 3, 3, 0]);
        assert_eq!(now(&[depth("a", true)]), [9, 0, 3, 1, 20]);
    }
}
