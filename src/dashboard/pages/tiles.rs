//! The figures of work that say how things are: what waits and since when, what gets done, who does it. Each leads to the
//! list behind it.

use chrono::{DateTime, Duration, Utc};
use engine::{
    queues::{NodeView, QueueView},
    tallies::{Depth, Ended, Span, is_attempt, is_failure},
};

use super::{
    jobs::picture::quantile,
    span::{Lately, a_minute, count, percent},
};
use crate::dashboard::{
    link,
    ui::{self, Tile},
};

/// Work that has been due for so long is behind.
pub const BEHIND: Duration = Duration::minutes(5);

/// What is unfinished.
#[must_use]
pub fn waiting(queues: &[QueueView], depths: &[Depth], sees_queues: bool, now: DateTime<Utc>) -> Vec<Tile> {
    let list = |state: &str| link::to("/ops/jobs", &[("state", state)]);
    let oldest = queues.iter().filter_map(|queue| Some((queue.oldest_due_at?, &queue.name))).min();
    // Whoever may not see the queues is led to the jobs in them.
    let at = if sees_queues { "/ops/queues" } else { "/ops/jobs?state=available" };
    let mut tiles = vec![backlog(oldest.map(|(at, queue)| (at, format!("in {queue}"))), at, now)];
    let of = |state: &str| depths.iter().map(|depth| depth.of_state(state)).sum::<i64>();
    let (available, again, running) = (of("available"), of("retrying"), of("running"));
    let (parked, later) = (of("parked"), of("scheduled"));
    tiles.extend([
        figure("Due and waiting", available, list("available"), "", ""),
        figure("Running", running, list("running"), "", ""),
        figure("Due later", later, list("scheduled"), "", ""),
        figure("To be tried again", again, "/ops/dead-letters?state=retrying".into(), "after a failure", ""),
    ]);
    if parked > 0 {
        tiles.push(figure("Parked", parked, list("parked"), "no process knows their kind", "parked"));
    }
    let held = queues.iter().filter(|queue| queue.paused || !queue.paused_kinds.is_empty()).count();
    if held > 0 {
        let held = i64::try_from(held).unwrap_or(i64::MAX);
        let at = if sees_queues { "/ops/queues?state=paused".to_owned() } else { String::new() };
        tiles.push(figure("Queues held", held, at, "by a pause", "paused"));
    }
    tiles
}

/// Since when the oldest has been due.
#[must_use]
pub fn backlog(oldest: Option<(DateTime<Utc>, String)>, href: &str, now: DateTime<Utc>) -> Tile {
    let (value, note, state) = match oldest {
        None => ("nothing".into(), "all that is due runs".into(), "ok"),
        Some((at, place)) => {
            let late = now - at >= BEHIND;
            (ui::duration(&at, &now), place, if late { "behind" } else { "ok" })
        }
    };
    Tile { label: "Oldest waiting".into(), value, href: href.into(), note, state }
}

/// What has ended in the span.
#[must_use]
pub fn done(ended: &[Ended], span: Span, lately: &Lately) -> Vec<Tile> {
    let completed = count(ended, &["completed"]);
    let lost = count(ended, &["discarded", "quarantined"]);
    let of =
        |is: fn(&str) -> bool| ended.iter().filter(|one| is(&one.what)).map(|one| one.count).sum::<i64>();
    let (attempts, failed) = (of(is_attempt), of(is_failure));
    let all: Vec<&Ended> = ended.iter().collect();
    let tile = |label: &str, value: String, href: String, note: String| Tile {
        label: label.into(),
        value,
        href,
        note,
        state: "",
    };
    let slowest = quantile(&all, 0.95).map_or_else(|| "–".into(), seconds);
    // The list behind a figure is of one state, and of a marked time it stands among all jobs.
    let letters = |state: &str| {
        if lately.is_marked() {
            lately.jobs(span, &[("state", state)])
        } else {
            link::to("/ops/dead-letters", &[("state", state), ("last", lately.name())])
        }
    };
    let quarantined = count(ended, &["quarantined"]);
    let given_up = lost - quarantined;
    let state = if given_up > 0 { "failed" } else { "ok" };
    let mut tiles = vec![
        tile(
            "Completed a minute",
            a_minute(completed, span),
            lately.jobs(span, &[("state", "completed")]),
            format!("{} {}", ui::count(&completed), lately.words()),
        ),
        tile(
            "Attempts that failed",
            percent(failed, attempts).map_or_else(|| "–".into(), |part| format!("{part} %")),
            lately.jobs(span, &[("chart", "failures")]),
            format!("{} of {}", ui::count(&failed), ui::count(&attempts)),
        ),
        Tile { state, ..tile("Given up", ui::count(&given_up), letters("discarded"), lately.words()) },
        tile(
            "95 % take at most",
            slowest,
            lately.jobs(span, &[("chart", "duration")]),
            "an attempt, to half a decade".into(),
        ),
    ];
    if quarantined > 0 {
        let (held, href) = (ui::count(&quarantined), letters("quarantined"));
        tiles.insert(3, Tile { state: "quarantined", ..tile("Quarantined", held, href, lately.words()) });
    }
    tiles
}

/// A duration that is known to half a decade.
#[must_use]
pub fn seconds(seconds: f64) -> String {
    match seconds {
        ..1.0 => format!("{:.0} ms", seconds * 1_000.0),
        ..60.0 => format!("{seconds:.1} s"),
        ..3_600.0 => format!("{:.0} min", seconds / 60.0),
        _ => format!("{:.1} h", seconds / 3_600.0),
    }
}

/// The processes, and how much of them is in use.
#[must_use]
pub fn workers(nodes: &[NodeView]) -> Tile {
    let works = |node: &&NodeView| !node.silent && node.slots > 0;
    let alive = nodes.iter().filter(works).count();
    let silent = nodes.iter().filter(|node| node.silent).count();
    let (slots, busy): (i64, i64) = nodes
        .iter()
        .filter(works)
        .fold((0, 0), |(slots, busy), node| (slots + i64::from(node.slots), busy + i64::from(node.busy)));
    let note = format!("{} of {} slots in use", ui::count(&busy), ui::count(&slots));
    let state = match (alive, silent) {
        (0, _) => "down",
        (_, 0) => "ok",
        _ => "suspect",
    };
    let silent = if silent > 0 { format!(", {silent} silent") } else { String::new() };
    let value = alive.to_string();
    Tile {
        label: "Workers".into(),
        value,
        href: "/ops/workers".into(),
        note: format!("{note}{silent}"),
        state,
    }
}

/// A number with its name.
#[must_use]
pub fn figure(label: &str, value: i64, href: String, note: &str, state: &'static str) -> Tile {
    Tile { label: label.into(), value: ui::count(&value), href, note: note.into(), state }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(minute * 60, 0).expect("a time")
    }

    #[test]
    fn what_has_waited_for_long_is_behind() {
        let tile = |since: Option<i64>| backlog(since.map(|since| (at(since), "in q".into())), "/x", at(100));
        assert_eq!((tile(None).state, tile(None).value.as_str()), ("ok", "nothing"));
        assert_eq!((tile(Some(96)).state, tile(Some(96)).value.as_str()), ("ok", "4 min"));
        assert_eq!(tile(Some(95)).state, "behind");
    }

    #[test]
    fn figures_count_attempts_and_lead_to_their_jobs() {
        let one = |what: &str, bucket: Option<i16>, count: i64| Ended {
            at: at(0),
            what: what.into(),
            bucket,
            count,
        };
        let ended = [
            one("completed", Some(4), 90),
            one("discarded", None, 3),
            one("quarantined", None, 1),
            one("retrying", None, 6),
            one("cancelled", None, 50),
        ];
        let tiles = done(&ended, Span { from: at(0), until: at(60) }, &Lately::default());
        let values: Vec<&str> = tiles.iter().map(|tile| tile.value.as_str()).collect();
        assert_eq!(values[..4], ["1.50", "10.0 %", "3", "1"], "each is as long as the list that it leads to");
        assert_eq!(tiles[3].href, "/ops/dead-letters?state=quarantined&last=24h");
        assert_eq!(
            (tiles[2].state, tiles[2].href.as_str()),
            ("failed", "/ops/dead-letters?state=discarded&last=24h")
        );
        assert_eq!(tiles[0].href, "/ops/jobs?state=completed&from=1970-01-01T00%3A00%3A00Z");
    }

    #[test]
    fn durations_are_said_as_exactly_as_they_are_known() {
        for (given, wanted) in [(0.05, "50 ms"), (2.54, "2.5 s"), (120.0, "2 min"), (5_400.0, "1.5 h")] {
            assert_eq!(seconds(given), wanted);
        }
    }
}
