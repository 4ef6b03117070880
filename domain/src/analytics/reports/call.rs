//! Calls that began in a range: how many, how soon they were answered, how long they took and what they came to; by agent,
//! team, direction and outcome.

use super::frame::{Frame, MOST_GROUPS, Parts, are_cut, by_key, ids, ranked, together, word};
use crate::{
    analytics::{
        cubes::{Asked, Dimension},
        document::{Cell, Chart, ChartKind, ColumnKind, Figure, Series, Table, Unit},
        make::stands_for,
        measures::{call, named, quotient, real},
        store,
    },
    error::Result,
    tenancy::TenantTx,
};

/// The time of agents in a range, in milliseconds: on calls, in wrap-up, available.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Worked {
    pub on_call: i64,
    pub wrap_up: i64,
    pub available: i64,
}

impl Worked {
    pub(super) fn add(&mut self, status: &str, ms: i64) {
        match status {
            "on_call" => self.on_call += ms,
            "wrap_up" => self.wrap_up += ms,
            "available" => self.available += ms,
            _ => {}
        }
    }

    pub(super) fn occupancy(self) -> Option<Figure> {
        let busy = self.on_call + self.wrap_up;
        quotient(busy, busy + self.available)
    }

    /// Seconds that a handled call takes with what is written up of it.
    fn handling(self, sums: &[i64]) -> Option<Figure> {
        let at = |place: usize| sums.get(place).copied().unwrap_or_default();
        let handled = at(call::HANDLED);
        let ms = at(call::TALK_MS) + self.wrap_up;
        (handled > 0).then(|| Figure::Real(real(ms) / 1_000.0 / real(handled)))
    }
}

/// By agent, team, direction and outcome; drawn by when they began.
pub(super) async fn parts(tx: &mut TenantTx, frame: &Frame) -> Result<Parts> {
    let tenant = tx.tenant;
    let cut = frame.cut();
    let mut parts = Parts::titled("Calls");
    let steps = store::all_calls(tx.conn(), tenant, &frame.borders()).await?;
    let sums = together(&steps);
    let before = together(&store::all_calls(tx.conn(), tenant, &frame.borders_before()).await?);
    let mut worked = [Worked::default(); 2];
    for (place, (range, cut)) in
        [(frame.range, cut), (frame.before, frame.cut_before())].into_iter().enumerate()
    {
        for (_, status, ms) in store::agent_time(tx.conn(), tenant, (range, cut), frame.now).await? {
            worked[place].add(&status, ms);
        }
    }
    parts.tiles_of(
        &[
            "call.count",
            "call.handled",
            "call.service_level",
            "call.asa",
            "call.abandonment",
            "call.talk_average",
        ],
        &sums,
        &before,
    );
    parts.tile("call.aht", (worked[0].handling(&sums), worked[1].handling(&before)));
    parts.tile("call.occupancy", (worked[0].occupancy(), worked[1].occupancy()));
    parts.tiles_of(&["call.success", "call.satisfaction", "call.value"], &sums, &before);
    for (title, kind, names) in [
        ("Calls by when they began", ChartKind::Line, &["call.count", "call.handled", "call.lost"][..]),
        ("Service level and abandonment", ChartKind::Line, &["call.service_level", "call.abandonment"]),
        ("Answering and talking", ChartKind::Line, &["call.asa", "call.talk_average"]),
        ("Success", ChartKind::Line, &["call.success"]),
    ] {
        let series: Vec<_> = names
            .iter()
            .filter_map(|name| named(name))
            .map(|one| (one.label, one, steps.as_slice()))
            .collect();
        let unit = series.first().map_or(Unit::Count, |(_, one, _)| one.unit);
        parts.charts.push(frame.drawn(title, (kind, unit), &series));
        parts.says(names);
    }
    let outcomes =
        store::call_outcomes(tx.conn(), tenant, cut, &Asked::of(&[Dimension::Outcome]), MOST_GROUPS).await?;
    let outcomes = ranked(outcomes, 2, |outcome| outcome.map_or_else(|| "Not said".to_owned(), word));
    parts.charts.push(Chart {
        title: "What they came to".into(),
        kind: ChartKind::Bar,
        unit: Unit::Count,
        labels: outcomes.iter().map(|(name, _)| name.clone()).collect(),
        series: vec![Series {
            name: "Calls".into(),
            values: outcomes.iter().map(|(_, sums)| sums.first().map(|n| Figure::Whole(*n))).collect(),
        }],
    });
    parts.tables.push(by_outcome(&outcomes));
    let shown = [
        "call.count",
        "call.handled",
        "call.service_level",
        "call.abandonment",
        "call.asa",
        "call.talk_average",
        "call.success",
        "call.satisfaction",
        "call.value",
    ];
    let asked = Asked::of(&[Dimension::Direction, Dimension::Team, Dimension::Agent]);
    let read = store::calls_by_day(tx.conn(), tenant, cut, &asked, MOST_GROUPS).await?;
    for (title, first, dimension, key) in [
        ("By agent", "Agent", Dimension::Agent, 2),
        ("By team", "Team", Dimension::Team, 1),
        ("By direction", "Direction", Dimension::Direction, 0),
    ] {
        let groups = by_key(&read, key);
        let teams = match dimension {
            Dimension::Team => store::teams(tx.conn(), tenant, &ids(&groups, key)).await?,
            _ => std::collections::HashMap::new(),
        };
        let name = |value: Option<&str>| match (value, dimension) {
            (None, Dimension::Agent) => "Nobody".to_owned(),
            (None, _) => "None".to_owned(),
            (Some(id), Dimension::Agent) => stands_for(id),
            (Some(id), Dimension::Team) => teams.get(id).cloned().unwrap_or_else(|| id.to_owned()),
            (Some(text), _) => word(text),
        };
        let rows = ranked(groups, key, name);
        parts.table_of((title, first), &shown, rows, (&sums, are_cut(&read)));
    }
    Ok(parts)
}

fn by_outcome(outcomes: &[(String, Vec<i64>)]) -> Table {
    let all: i64 = outcomes.iter().filter_map(|(_, sums)| sums.first()).sum();
    let line = |name: &str, n: i64| {
        vec![Some(Cell::from(name)), Some(Figure::Whole(n).into()), quotient(n, all).map(Cell::Figure)]
    };
    Table {
        title: "By outcome".into(),
        columns: vec![
            super::frame::column("Outcome", ColumnKind::Text),
            super::frame::column("Calls", ColumnKind::Count),
            super::frame::column("Share", ColumnKind::Ratio),
        ],
        rows: outcomes
            .iter()
            .map(|(name, sums)| line(name, sums.first().copied().unwrap_or_default()))
            .collect(),
        totals: (!outcomes.is_empty()).then(|| line("Total", all)),
        cut: false,
    }
}
