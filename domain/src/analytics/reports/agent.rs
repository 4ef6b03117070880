//! What agents did in a range: calls, what these came to, how busy they were, whether they kept to their shifts, and what the
//! audit log has of them.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    call::Worked,
    frame::{Frame, MOST_GROUPS, MOST_ROWS, Parts, add, column, of_unit},
};
use crate::{
    agents::{people, shifts::AgentShift, store::shifts},
    analytics::{
        cubes::{Asked, Dimension},
        document::{Cell, Chart, ChartKind, ColumnKind, Figure, Range, Series, Table, Unit},
        make::stands_for,
        measures::{Formula, call, lead, named, quotient},
        store::{self, ActiveAgent, Group},
    },
    error::Result,
    tenancy::TenantTx,
    types::{AgentId, UserId},
};

/// Agents that are looked at.
const MOST: usize = 1_000;
/// The longest range, in days, of which adherence is told: it is found shift by shift.
const LONGEST_ADHERENCE: i64 = 31;

const SHOWN: [&str; 9] = [
    "agent.handled",
    "agent.conversion",
    "agent.talk_average",
    "agent.satisfaction",
    "agent.occupancy",
    "agent.adherence",
    "agent.leads",
    "agent.lead_conversion",
    "agent.actions",
];

/// All that is known of an agent's range.
#[derive(Debug, Default, Clone)]
struct Did {
    calls: Vec<i64>,
    leads: Vec<i64>,
    worked: Worked,
    /// Milliseconds of shifts up to now, and of those the ones in which they were there.
    shifts: i64,
    kept: i64,
    actions: i64,
}

impl Did {
    fn add(&mut self, other: &Self) {
        add(&mut self.calls, &other.calls);
        add(&mut self.leads, &other.leads);
        self.worked.on_call += other.worked.on_call;
        self.worked.wrap_up += other.worked.wrap_up;
        self.worked.available += other.worked.available;
        self.shifts += other.shifts;
        self.kept += other.kept;
        self.actions += other.actions;
    }

    /// Whether calls or leads of the range are theirs.
    fn is_something(&self) -> bool {
        !self.calls.is_empty() || !self.leads.is_empty()
    }

    /// The measure in this place of [`SHOWN`].
    fn figure(&self, place: usize) -> Option<Figure> {
        match place {
            0 => Formula::Sum(call::HANDLED).of(&self.calls),
            1 => Formula::Share(call::CONVERTED, call::HANDLED).of(&self.calls),
            2 => Formula::MeanSeconds(call::TALK_MS, call::HANDLED).of(&self.calls),
            3 => Formula::Mean(call::RATING, call::RATED).of(&self.calls),
            4 => self.worked.occupancy(),
            5 => quotient(self.kept, self.shifts),
            6 => Formula::Sum(lead::LEADS).of(&self.leads),
            7 => Formula::Share(lead::CONVERTED, lead::LEADS).of(&self.leads),
            _ => Some(Figure::Whole(self.actions)),
        }
    }
}

/// One row for each agent who was there in the range, busiest first: those who have left since as well, for what they did is
/// done.
pub(super) async fn parts(tx: &mut TenantTx, frame: &Frame) -> Result<Parts> {
    let tenant = tx.tenant;
    let limit = i64::try_from(MOST + 1).unwrap_or(i64::MAX);
    let mut agents = store::agents(tx.conn(), tenant, frame.before.from, limit).await?;
    let cut = agents.len() > MOST;
    agents.truncate(MOST);
    let did = did(tx, frame, &agents).await?;
    let mut all = Did::default();
    for one in did.values() {
        all.add(one);
    }
    let mut earlier: HashMap<AgentId, Did> = agents.iter().map(|agent| (agent.id, Did::default())).collect();
    let by_agent = Asked::of(&[Dimension::Agent]);
    let before = store::calls_by_day(tx.conn(), tenant, frame.cut_before(), &by_agent, MOST_GROUPS).await?;
    put(&mut earlier, before, 2, |did, sums| did.calls = sums);
    let mut then = Did::default();
    for one in earlier.values() {
        then.add(one);
    }
    let mut parts = Parts::titled("Agents");
    for (place, name) in SHOWN.into_iter().enumerate() {
        // Of the period before there is what calls tell.
        parts.tile(name, (all.figure(place), then.figure(place).filter(|_| place < 4)));
    }
    let left = |agent: &&ActiveAgent| agent.until.is_some_and(|until| until <= frame.range.from);
    let gone: HashSet<AgentId> = agents.iter().filter(left).map(|agent| agent.id).collect();
    let shown = |(id, did): &(AgentId, Did)| !gone.contains(id) || did.is_something();
    let mut rows: Vec<(AgentId, Did)> = did.into_iter().filter(shown).collect();
    rows.sort_by_key(|(id, did)| (std::cmp::Reverse(did.calls.get(call::HANDLED).copied()), *id));
    parts.charts.push(drawn(&rows));
    parts.tables.push(table(&rows, &all, cut));
    Ok(parts)
}

async fn did(tx: &mut TenantTx, frame: &Frame, agents: &[ActiveAgent]) -> Result<HashMap<AgentId, Did>> {
    let (tenant, cut) = (tx.tenant, frame.cut());
    let mut did: HashMap<AgentId, Did> = agents.iter().map(|agent| (agent.id, Did::default())).collect();
    let calls =
        store::calls_by_day(tx.conn(), tenant, cut, &Asked::of(&[Dimension::Agent]), MOST_GROUPS).await?;
    put(&mut did, calls, 2, |did, sums| did.calls = sums);
    let leads =
        store::leads_by_owner(tx.conn(), tenant, cut, &Asked::of(&[Dimension::Owner]), MOST_GROUPS).await?;
    put(&mut did, leads, 0, |did, sums| did.leads = sums);
    for (agent, status, ms) in store::agent_time(tx.conn(), tenant, (frame.range, cut), frame.now).await? {
        if let Some(did) = did.get_mut(&agent) {
            did.worked.add(&status, ms);
        }
    }
    let users: HashMap<UserId, AgentId> =
        agents.iter().filter_map(|agent| Some((agent.user?, agent.id))).collect();
    let ids: Vec<_> = users.keys().map(|user| user.0).collect();
    for (user, actions) in store::actions(tx.conn(), tenant, cut, &ids).await? {
        if let Some(did) = users.get(&user).and_then(|agent| did.get_mut(agent)) {
            did.actions = actions;
        }
    }
    if frame.dates.days() <= LONGEST_ADHERENCE {
        let spans = shift_spans(tx, frame, agents).await?;
        for (agent, span) in &spans {
            if let Some(did) = did.get_mut(agent) {
                did.shifts += (span.to - span.from).num_milliseconds();
            }
        }
        for (agent, ms) in store::adherence(tx.conn(), tenant, &spans, frame.now).await? {
            if let Some(did) = did.get_mut(&agent) {
                did.kept = ms;
            }
        }
    }
    Ok(did)
}

fn put(did: &mut HashMap<AgentId, Did>, groups: Vec<Group>, key: usize, set: impl Fn(&mut Did, Vec<i64>)) {
    for group in groups {
        let id = group.keys[key].as_deref().and_then(|id| uuid::Uuid::try_parse(id).ok());
        if let Some(did) = id.and_then(|id| did.get_mut(&AgentId(id))) {
            set(did, group.sums);
        }
    }
}

/// The shifts of a range, as far as they lie in it and have begun.
async fn shift_spans(
    tx: &mut TenantTx,
    frame: &Frame,
    agents: &[ActiveAgent],
) -> Result<Vec<(AgentId, Range)>> {
    let tenant = tx.tenant;
    let ids: Vec<AgentId> = agents.iter().map(|agent| agent.id).collect();
    let mut of: HashMap<AgentId, Vec<AgentShift>> = HashMap::new();
    for (agent, shift) in shifts(tx.conn(), tenant, &ids).await? {
        of.entry(agent).or_default().push(shift);
    }
    let until = frame.range.to.min(frame.now);
    let mut spans = Vec::new();
    for agent in agents {
        let zone = people::zone(agent.zone.as_deref(), frame.zone.name());
        // By the agent's own clock, which may be a day and more off the report's: one that begins on the day before may reach
        // into the range.
        let day = |at: DateTime<Utc>| at.with_timezone(&zone).date_naive();
        let (first, last) = (day(frame.range.from) - TimeDelta::days(1), day(until));
        for shift in of.get(&agent.id).map(Vec::as_slice).unwrap_or_default() {
            let days = first.iter_days().take_while(|day| *day <= last);
            for (begins, ends) in days.filter_map(|day| shift.span(day, zone)) {
                // Nobody keeps to a shift before they come, or after they have left.
                let (from, to) = (begins.max(agent.since), agent.until.map_or(ends, |left| ends.min(left)));
                let span = Range { from: from.max(frame.range.from), to: to.min(until) };
                if span.from < span.to {
                    spans.push((agent.id, span));
                }
            }
        }
    }
    Ok(spans)
}

fn drawn(rows: &[(AgentId, Did)]) -> Chart {
    let rows: Vec<_> = rows.iter().take(20).collect();
    Chart {
        title: "Calls handled".into(),
        kind: ChartKind::Bar,
        unit: Unit::Count,
        labels: rows.iter().map(|(id, _)| stands_for(&id.to_string())).collect(),
        series: vec![Series {
            name: "Calls handled".into(),
            values: rows.iter().map(|(_, did)| did.figure(0)).collect(),
        }],
    }
}

fn table(rows: &[(AgentId, Did)], all: &Did, cut: bool) -> Table {
    let line = |name: String, did: &Did| -> Vec<Option<Cell>> {
        let cells = (0..SHOWN.len()).map(|place| did.figure(place).map(Cell::Figure));
        std::iter::once(Some(Cell::Text(name))).chain(cells).collect()
    };
    let mut columns = vec![column("Agent", ColumnKind::Text)];
    columns
        .extend(SHOWN.iter().filter_map(|name| named(name)).map(|one| column(one.label, of_unit(one.unit))));
    Table {
        title: "By agent".into(),
        columns,
        rows: rows.iter().take(MOST_ROWS).map(|(id, did)| line(stands_for(&id.to_string()), did)).collect(),
        totals: (!rows.is_empty()).then(|| line("Total".into(), all)),
        cut: cut || rows.len() > MOST_ROWS,
    }
}
