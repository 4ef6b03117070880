//! The rail: for each dimension its values with how many jobs there are, and one click to filter by one.

use std::collections::BTreeMap;

use engine::tallies::{Cell, Depth};
use uuid::Uuid;

use super::asked::Asked;
use crate::{
    dashboard::{
        link,
        ui::{self, Facet, FacetValue},
    },
    http::api::jobs::{ENDED, LIVE},
};

/// Values of a facet that are shown; the search box finds the others.
const SHOWN: usize = 12;

/// What the figures of jobs that ended are about: in words, and from when as an address says it.
pub struct Since {
    pub words: String,
    pub from: String,
}

/// What facets are made of: jobs that ended, and jobs that are unfinished, each by its state and what else is known of it.
pub struct Counted<'a> {
    pub ended: &'a [Cell],
    pub live: &'a [Cell],
    /// They are of a sample, and not all.
    pub sampled: bool,
}

/// The unfinished by their states, as [`LIVE`] names them.
pub fn census(depths: &[Depth]) -> Vec<Cell> {
    let cell = |depth: &Depth, state: &str| Cell {
        what: state.to_owned(),
        queue: depth.queue.clone(),
        kind: depth.kind.clone(),
        node: None,
        code: None,
        count: depth.of_state(state),
    };
    depths.iter().flat_map(|depth| LIVE.iter().map(move |state| cell(depth, state))).collect()
}

/// The facets of what is counted, with all filters on but a facet's own.
pub fn facets(asked: &Asked, counted: &Counted<'_>, here: &str, since: &Since) -> Vec<Facet> {
    let about = format!("ended {}", since.words);
    // Of what the figures of queues and kinds are, and whether the list behind them has to be told from when.
    let unfinished = asked.state.as_deref().is_some_and(|state| LIVE.contains(&state));
    let both = match (asked.is_past() || asked.node.is_some(), unfinished) {
        (true, _) => about.clone(),
        (false, true) => String::new(),
        (false, false) => format!("unfinished, and {about}"),
    };
    let facet = |name, about: &str, values| Facet { name, about: about.to_owned(), counted: true, values };
    let of = |field| by(asked, counted, here, field, since);
    vec![
        facet("Now", "as of the last census", live(asked, counted, here)),
        facet("Ended", &since.words, ended(asked, counted.ended, here, since)),
        facet("Queue", &both, of("queue")),
        facet("Kind", &both, of("kind")),
        facet("Error", &about, of("error")),
        facet("Node", &about, of("node")),
    ]
}

fn live(asked: &Asked, counted: &Counted<'_>, here: &str) -> Vec<FacetValue> {
    // The census knows no processes, and a sample of a marked time nothing that is unfinished.
    let marked = asked.lately().is_marked();
    let known = if counted.sampled { !marked } else { asked.node.is_none() };
    // What has not ended is in no marked time, and has no error that it ended by.
    let open =
        ["from", "until", "error"].iter().fold(here.to_owned(), |here, name| link::with(&here, name, ""));
    LIVE.iter()
        .map(|state| {
            let fits = |cell: &&Cell| cell.what == *state && fits(asked, cell, &["state", "error"]);
            let count = counted.live.iter().filter(fits).map(|cell| cell.count).sum();
            let current = asked.state.as_deref() == Some(*state);
            let href: &str = if current { here } else { &open };
            state_value(asked, href, state, known.then_some(count))
        })
        .collect()
}

fn ended(asked: &Asked, cells: &[Cell], here: &str, since: &Since) -> Vec<FacetValue> {
    ENDED
        .iter()
        .map(|state| {
            let fits = |cell: &&Cell| cell.what == *state && fits(asked, cell, &["state"]);
            let count = cells.iter().filter(fits).map(|cell| cell.count).sum();
            dated(asked, state_value(asked, here, state, Some(count)), since)
        })
        .collect()
}

/// The list behind a figure of what has ended is as long as the figure says.
fn dated(asked: &Asked, value: FacetValue, since: &Since) -> FacetValue {
    if value.current || asked.from.is_some() {
        return value;
    }
    FacetValue { href: link::with(&value.href, "from", &since.from), ..value }
}

fn by(
    asked: &Asked,
    counted: &Counted<'_>,
    here: &str,
    field: &'static str,
    since: &Since,
) -> Vec<FacetValue> {
    let mut counts: BTreeMap<String, i64> = BTreeMap::new();
    let past = ["error", "node"].contains(&field);
    let ended = counted.ended.iter().filter(|cell| ENDED.contains(&cell.what.as_str()));
    // A marked time leaves nothing that is unfinished.
    let marked = asked.lately().is_marked();
    let live = counted.live.iter().filter(|_| !past && !marked);
    for cell in ended.chain(live).filter(|cell| fits(asked, cell, &[field])) {
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
    // The one that is chosen stays, wherever it stands: else it could not be taken away here.
    let at = counts.iter().position(|(word, _)| chosen == Some(word)).filter(|at| *at >= SHOWN);
    if let Some(at) = at {
        counts.swap(SHOWN - 1, at);
    }
    counts.truncate(SHOWN);
    let only_past = past || asked.is_past() || asked.node.is_some();
    let value = |(word, count): (String, i64)| {
        // A process is told apart by the end of its id, as a job is.
        let short = if field == "node" { Uuid::try_parse(&word).map(ui::short).ok() } else { None };
        let shown = short.as_deref().unwrap_or(&word);
        let value = FacetValue { count: Some(count), ..FacetValue::of(here, field, (&word, shown), chosen) };
        if only_past { dated(asked, value, since) } else { value }
    };
    counts.into_iter().map(value).collect()
}

/// Whether it fits all filters but those named.
pub fn fits(asked: &Asked, cell: &Cell, but: &[&str]) -> bool {
    let node = cell.node.map(|node| node.to_string()).unwrap_or_default();
    let all = [
        ("state", &asked.state, cell.what.as_str()),
        ("queue", &asked.queue, &cell.queue),
        ("kind", &asked.kind, &cell.kind),
        ("node", &asked.node, &node),
        ("error", &asked.error, cell.code.as_deref().unwrap_or_default()),
    ];
    all.iter().all(|(name, wanted, found)| but.contains(name) || is(wanted.as_deref(), found))
}

fn is(wanted: Option<&str>, found: &str) -> bool {
    wanted.is_none_or(|wanted| wanted.is_empty() || wanted == found)
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

    fn found(asked: &Asked, ended: &[Cell], depths: &[Depth], here: &str) -> Vec<Facet> {
        let counted = Counted { ended, live: &census(depths), sampled: false };
        facets(asked, &counted, here, &since())
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
        let found = found(&asked, &cells, &[depth("a", false)], here);
        assert_eq!(found[1].values[0].href, "/ops/jobs?kind=a&state=completed&from=F");
        assert_eq!(counts(&found[1])[..2], [("completed", Some(100)), ("discarded", Some(5))]);
        assert_eq!(counts(&found[3]), [("a", Some(5))]);
        assert_eq!(counts(&found[4]), [("gone", Some(5))]);
        assert_eq!(found[3].values[0].href, "/ops/jobs?state=discarded", "a second click takes it away");
        assert_eq!(found[4].values[0].href, "/ops/jobs?state=discarded&kind=a&error=gone&from=F");
    }

    #[test]
    fn live_states_are_told_apart_as_the_list_does() {
        let now = |depths: &[Depth]| {
            let found = found(&Asked::default(), &[], depths, "/ops/jobs");
            found[0].values.iter().map(|value| value.count.unwrap_or_default()).collect::<Vec<_>>()
        };
        assert_eq!(now(&[depth("a", false)]), [9, 18, 3, 3, 0]);
        assert_eq!(now(&[depth("a", true)]), [9, 0, 3, 1, 20]);
    }

    #[test]
    fn the_list_behind_a_figure_is_of_the_same_jobs() {
        let cells = [
            cell("completed", "a", None, 5),
            cell("snoozed", "a", None, 90),
            cell("retrying", "a", Some("slow"), 50),
        ];
        let depths = [depth("a", false)];
        let open = found(&Asked::default(), &cells, &depths, "/ops/jobs");
        assert_eq!(
            counts(&open[3]),
            [("a", Some(38))],
            "33 are unfinished; what is tried again or put off has not ended"
        );
        assert_eq!(
            (open[3].values[0].href.as_str(), open[3].about.as_str()),
            ("/ops/jobs?kind=a", "unfinished, and ended ")
        );
        let here = "/ops/jobs?from=F&until=U";
        let marked = Asked { from: Some("F".into()), until: Some("U".into()), ..Asked::default() };
        let marked = found(&marked, &cells, &depths, here);
        assert_eq!(counts(&marked[3]), [("a", Some(5))], "in a marked time only what ended is listed");
        let running = &marked[0].values[2];
        assert_eq!((running.count, running.href.as_str()), (Some(3), "/ops/jobs?state=running"));
        let node = Asked { node: Some("n".into()), ..Asked::default() };
        let on_a_node = found(&node, &cells, &depths, "/ops/jobs?node=n");
        assert_eq!(on_a_node[0].values[2].count, None, "the census does not know where they run");
    }

    #[test]
    fn a_value_that_is_chosen_can_be_taken_away() {
        let kinds: Vec<String> = (0..20).map(|number| format!("k{number:02}")).collect();
        let cells: Vec<Cell> = kinds.iter().map(|kind| cell("completed", kind, None, 9)).collect();
        let asked = Asked { kind: Some("rare".into()), ..Asked::default() };
        let found = found(&asked, &cells, &[], "/ops/jobs?kind=rare");
        assert_eq!(found[3].values.len(), SHOWN);
        let last = found[3].values.last().expect("values");
        assert_eq!((last.word.as_str(), last.count, last.href.as_str()), ("rare", Some(0), "/ops/jobs"));
    }
}
