//! Jobs that ended in a range, by how and of which kind: from the engine's counters, which are kept by whole hours of UTC as
//! long as the history of jobs is. In a zone that is off by 30 or 45 minutes the hours at the borders of days go to the day in
//! which they begin.

use std::collections::BTreeMap;

use super::frame::{Frame, MOST_ROWS, Parts, column};
use crate::{
    analytics::{
        document::{Cell, Chart, ChartKind, ColumnKind, Figure, Series, Table, Unit},
        measures::quotient,
        store::{self, JobCount},
    },
    error::Result,
    tenancy::TenantTx,
};

/// Kinds of a step of time and what became of them: more than there will be.
const MOST: i64 = 100_000;

/// What attempts came to.
#[derive(Debug, Default, Clone, Copy)]
struct Ended {
    completed: i64,
    cancelled: i64,
    failed: i64,
    retries: i64,
}

impl Ended {
    fn add(&mut self, count: &JobCount) {
        match count.what.as_str() {
            "completed" => self.completed += count.n,
            "cancelled" => self.cancelled += count.n,
            "retrying" => self.retries += count.n,
            _ => self.failed += count.n,
        }
    }

    fn of<'c>(counts: impl IntoIterator<Item = &'c JobCount>) -> Self {
        let mut ended = Self::default();
        counts.into_iter().for_each(|count| ended.add(count));
        ended
    }

    fn all(self) -> i64 {
        self.completed + self.cancelled + self.failed
    }

    fn failure(self) -> Option<Figure> {
        quotient(self.failed, self.completed + self.failed)
    }
}

/// By kind; drawn by when they ended.
pub(super) async fn parts(tx: &mut TenantTx, frame: &Frame) -> Result<Parts> {
    let tenant = tx.tenant;
    let mut parts = Parts::titled("Jobs");
    let steps = store::jobs_by_time(tx.conn(), tenant, &frame.borders(), MOST).await?;
    let before = store::jobs_by_time(tx.conn(), tenant, &[frame.before.from, frame.before.to], MOST).await?;
    let (now, then) = (Ended::of(&steps), Ended::of(&before));
    let pair = |of: fn(Ended) -> i64| (Some(Figure::Whole(of(now))), Some(Figure::Whole(of(then))));
    parts.tile("job.ended", pair(Ended::all));
    parts.tile("job.completed", pair(|ended| ended.completed));
    parts.tile("job.failed", pair(|ended| ended.failed));
    parts.tile("job.failure", (now.failure(), then.failure()));
    parts.tile("job.retries", pair(|ended| ended.retries));
    parts.charts.push(drawn(frame, &steps));
    let mut kinds: BTreeMap<&str, Ended> = BTreeMap::new();
    for count in &steps {
        kinds.entry(count.kind.as_deref().unwrap_or_default()).or_default().add(count);
    }
    parts.tables.push(by_kind(kinds));
    Ok(parts)
}

fn drawn(frame: &Frame, steps: &[JobCount]) -> Chart {
    let ended: Vec<Ended> = (1..=frame.steps.len())
        .map(|place| Ended::of(steps.iter().filter(|count| usize::try_from(count.bucket) == Ok(place))))
        .collect();
    let series = |name: &str, of: fn(Ended) -> i64| Series {
        name: name.to_owned(),
        values: ended.iter().map(|one| Some(Figure::Whole(of(*one)))).collect(),
    };
    Chart {
        title: "Jobs by when they ended".into(),
        kind: ChartKind::Line,
        unit: Unit::Count,
        labels: frame.steps.iter().map(|step| step.label.clone()).collect(),
        series: vec![series("Completed", |one| one.completed), series("Given up", |one| one.failed)],
    }
}

fn by_kind(kinds: BTreeMap<&str, Ended>) -> Table {
    let line = |name: &str, ended: Ended| {
        let count = |n: i64| Some(Cell::Figure(Figure::Whole(n)));
        vec![
            Some(Cell::from(name)),
            count(ended.all()),
            count(ended.completed),
            count(ended.failed),
            ended.failure().map(Cell::Figure),
            count(ended.retries),
        ]
    };
    let mut all = Ended::default();
    for ended in kinds.values() {
        all.completed += ended.completed;
        all.cancelled += ended.cancelled;
        all.failed += ended.failed;
        all.retries += ended.retries;
    }
    let mut rows: Vec<(&str, Ended)> = kinds.into_iter().collect();
    rows.sort_by_key(|(_, ended)| std::cmp::Reverse(ended.all()));
    Table {
        title: "By kind".into(),
        columns: vec![
            column("Kind", ColumnKind::Text),
            column("Jobs ended", ColumnKind::Count),
            column("Completed", ColumnKind::Count),
            column("Given up", ColumnKind::Count),
            column("Failure", ColumnKind::Ratio),
            column("Retries", ColumnKind::Count),
        ],
        totals: (!rows.is_empty()).then(|| line("Total", all)),
        cut: rows.len() > MOST_ROWS,
        rows: rows.into_iter().take(MOST_ROWS).map(|(name, ended)| line(name, ended)).collect(),
    }
}
