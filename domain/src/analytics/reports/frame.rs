//! What every report is made in: its range, the one before, and the steps that it is drawn by; and the parts it is made of.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::analytics::{
    calendar::{Bucket, Cut, Dates, Step, borders},
    document::{Cell, Chart, ChartKind, Column, ColumnKind, Figure, Range, Series, Table, Tile, Unit},
    measures::{Measure, named},
    store::Group,
};

/// Rows that a table shows at most.
pub(super) const MOST_ROWS: usize = 200;
/// Groups that are read for the tables of a report, all together.
pub(super) const MOST_GROUPS: i64 = 20_000;

/// The time that a report is about.
pub(super) struct Frame {
    pub dates: Dates,
    pub zone: Tz,
    pub range: Range,
    pub before: Range,
    pub steps: Vec<Bucket>,
    pub now: DateTime<Utc>,
}

impl Frame {
    pub(super) fn of(dates: Dates, zone: Tz, now: DateTime<Utc>) -> Self {
        let steps = dates.steps(Step::fitting(dates.days()), zone);
        Self { dates, zone, range: dates.range(zone), before: dates.previous().range(zone), steps, now }
    }

    pub(super) fn cut(&self) -> Cut {
        Cut::of(self.range)
    }

    pub(super) fn cut_before(&self) -> Cut {
        Cut::of(self.before)
    }

    pub(super) fn borders(&self) -> Vec<DateTime<Utc>> {
        borders(&self.steps)
    }

    /// Those of the period before, as one step.
    pub(super) fn borders_before(&self) -> [DateTime<Utc>; 2] {
        [self.before.from, self.before.to]
    }

    /// A chart over its steps: for each series the sums of each step, with the measure that is drawn of them.
    pub(super) fn drawn(
        &self,
        title: &str,
        (kind, unit): (ChartKind, Unit),
        series: &[(&str, &Measure, &[Group])],
    ) -> Chart {
        let series = series.iter().map(|(name, measure, groups)| Series {
            name: (*name).to_owned(),
            values: (1..=self.steps.len())
                .map(|place| {
                    let at = groups.iter().find(|group| usize::try_from(group.bucket) == Ok(place));
                    measure.value(at.map(|group| group.sums.as_slice()).unwrap_or_default())
                })
                .collect(),
        });
        Chart {
            title: title.to_owned(),
            kind,
            unit,
            labels: self.steps.iter().map(|step| step.label.clone()).collect(),
            series: series.collect(),
        }
    }
}

/// What a report is made of.
#[derive(Default)]
pub(super) struct Parts {
    pub title: &'static str,
    pub tiles: Vec<Tile>,
    pub charts: Vec<Chart>,
    pub tables: Vec<Table>,
    /// The names of measures that it shows.
    pub measures: Vec<&'static str>,
}

impl Parts {
    pub(super) fn titled(title: &'static str) -> Self {
        Self { title, ..Self::default() }
    }

    /// Tiles of measures of these sums, and of those of the period before.
    pub(super) fn tiles_of(&mut self, names: &[&'static str], sums: &[i64], before: &[i64]) {
        for name in names {
            if let Some(measure) = named(name) {
                self.tile(measure.name, (measure.value(sums), measure.value(before)));
            }
        }
    }

    /// A tile of what its report alone tells.
    pub(super) fn tile(&mut self, name: &'static str, (value, previous): (Option<Figure>, Option<Figure>)) {
        let Some(measure) = named(name) else { return };
        let (label, unit, measure) = (measure.label.to_owned(), measure.unit, measure.name.to_owned());
        self.tiles.push(Tile { label, value, unit, previous, measure });
        self.says(&[name]);
    }

    /// Notes that it shows these measures, so that each is explained once.
    pub(super) fn says(&mut self, names: &[&'static str]) {
        for name in names {
            if !self.measures.contains(name) {
                self.measures.push(name);
            }
        }
    }

    /// A table of measures by names: one row for each group, with the name of what it is, and below them the sums of
    /// everything, whether or not all of it was read by groups.
    pub(super) fn table_of(
        &mut self,
        (title, first): (&str, &str),
        names: &[&'static str],
        rows: Vec<(String, Vec<i64>)>,
        (totals, cut): (&[i64], bool),
    ) {
        let measures: Vec<&Measure> = names.iter().filter_map(|name| named(name)).collect();
        let mut columns = vec![column(first, ColumnKind::Text)];
        columns.extend(measures.iter().map(|one| column(one.label, of_unit(one.unit))));
        let line = |name: String, sums: &[i64]| -> Vec<Option<Cell>> {
            let cells = measures.iter().map(|one| one.value(sums).map(Cell::Figure));
            std::iter::once(Some(Cell::Text(name))).chain(cells).collect()
        };
        let cut = cut || rows.len() > MOST_ROWS;
        let total = (!rows.is_empty()).then(|| line("Total".to_owned(), totals));
        let shown = rows.into_iter().take(MOST_ROWS).map(|(name, sums)| line(name, &sums));
        let rows = shown.collect();
        self.tables.push(Table { title: title.to_owned(), columns, rows, totals: total, cut });
        self.says(names);
    }
}

pub(super) fn column(name: &str, kind: ColumnKind) -> Column {
    Column { name: name.to_owned(), kind }
}

/// What the cells of a column are that holds numbers of a unit.
pub(super) fn of_unit(unit: Unit) -> ColumnKind {
    match unit {
        Unit::Count => ColumnKind::Count,
        Unit::Ratio => ColumnKind::Ratio,
        Unit::Seconds => ColumnKind::Seconds,
        Unit::Cents => ColumnKind::Cents,
        Unit::Points => ColumnKind::Points,
    }
}

/// The sums of all groups together.
pub(super) fn together(groups: &[Group]) -> Vec<i64> {
    let mut all: Vec<i64> = Vec::new();
    for group in groups {
        add(&mut all, &group.sums);
    }
    all
}

/// What was read by several things as told apart by one of them: so a range is read once for all tables of a report.
pub(super) fn by_key(groups: &[Group], key: usize) -> Vec<Group> {
    let mut folded: BTreeMap<Option<&str>, Vec<i64>> = BTreeMap::new();
    for group in groups {
        add(folded.entry(group.keys[key].as_deref()).or_default(), &group.sums);
    }
    let of = |(name, sums): (Option<&str>, Vec<i64>)| {
        let mut keys = [None, None, None, None];
        keys[key] = name.map(ToOwned::to_owned);
        Group { bucket: 1, keys, sums }
    };
    folded.into_iter().map(of).collect()
}

/// Whether there may be more groups than were read.
pub(super) fn are_cut(groups: &[Group]) -> bool {
    i64::try_from(groups.len()).is_ok_and(|read| read >= MOST_GROUPS)
}

pub(super) fn add(sums: &mut Vec<i64>, more: &[i64]) {
    sums.resize(sums.len().max(more.len()), 0);
    sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
}

/// Groups as rows, the largest first, each by the name of its key.
pub(super) fn ranked(
    groups: Vec<Group>,
    key: usize,
    name: impl Fn(Option<&str>) -> String,
) -> Vec<(String, Vec<i64>)> {
    let mut groups = groups;
    groups.sort_by(|one, other| other.sums.first().cmp(&one.sums.first()).then(one.keys.cmp(&other.keys)));
    groups.into_iter().map(|group| (name(group.keys[key].as_deref()), group.sums)).collect()
}

/// The ids that stand in a key of some groups.
pub(super) fn ids(groups: &[Group], key: usize) -> Vec<uuid::Uuid> {
    groups.iter().filter_map(|group| uuid::Uuid::try_parse(group.keys[key].as_deref()?).ok()).collect()
}

/// A word of ours as people read it.
pub(super) fn word(text: &str) -> String {
    let spaced = text.replace('_', " ");
    let mut letters = spaced.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(keys: [Option<&str>; 4], sums: [i64; 2]) -> Group {
        Group { bucket: 1, keys: keys.map(|key| key.map(ToOwned::to_owned)), sums: sums.to_vec() }
    }

    #[test]
    fn what_is_read_once_is_told_apart_by_each_of_its_keys() {
        let read = [
            group([Some("inbound"), Some("north"), None, None], [5, 1]),
            group([Some("inbound"), None, Some("ada"), None], [2, 2]),
            group([Some("outbound"), Some("north"), Some("ada"), None], [1, 0]),
        ];
        assert_eq!(together(&read), [8, 3]);
        assert_eq!(
            by_key(&read, 0),
            [
                group([Some("inbound"), None, None, None], [7, 3]),
                group([Some("outbound"), None, None, None], [1, 0]),
            ]
        );
        assert_eq!(
            by_key(&read, 2),
            [group([None; 4], [5, 1]), group([None, None, Some("ada"), None], [3, 2])],
            "what has none is one of them"
        );
        assert!(together(&[]).is_empty() && by_key(&[], 1).is_empty() && !are_cut(&read));
    }
}
