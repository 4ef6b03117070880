//! The report of agents is that of their calls and leads, of what they were from when to when, of their shifts by their own clocks,
//! and of the entries of the audit log.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use domain::analytics::document::ReportKind;
use serde_json::{Value, json};
use switchboard_tests::TestApp;
use uuid::Uuid;

use super::{
    ZONES,
    clock::{self, Days, around, instants, is_on},
    counted, counted_in, in_zone,
    oracle::{self, Call, Lead, of_calls, of_leads, over, real, same, whole},
    quiet_app,
    reports::{check_cells, made, previous, row, table, tile},
    spells::{Entry, Shift, Span, Spell, put_entries, put_shifts, put_spells},
};
use crate::agents::person;

const MEASURES: [&str; 9] = [
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
/// By agent, the zone of the shifts; the tenant's if there is none. It is another day there for almost all of the day.
const SHIFTS: [Option<&str>; 3] = [None, Some("Pacific/Honolulu"), None];

/// All that agents were and did.
struct Did {
    agents: Vec<Uuid>,
    users: Vec<Option<Uuid>>,
    calls: Vec<Call>,
    leads: Vec<Lead>,
    spells: Vec<Spell>,
    shifts: Vec<Shift>,
    entries: Vec<Entry>,
}

/// Milliseconds that lie in all of these spans.
fn common(spans: &[Span]) -> i64 {
    let from = spans.iter().map(|(from, _)| *from).max().expect("a span");
    let to = spans.iter().map(|(_, to)| *to).min().expect("a span");
    (to - from).num_milliseconds().max(0)
}

impl Did {
    /// From when to when an agent was what; the last of it goes on.
    fn was(&self, agent: usize, status: &[&str], now: DateTime<Utc>) -> Vec<Span> {
        let held = self.spells.iter().filter(|one| one.agent == agent && status.contains(&one.status));
        held.map(|one| (one.from, one.to.unwrap_or(now))).collect()
    }

    fn time(&self, agent: usize, status: &[&str], within: Span, now: DateTime<Utc>) -> i64 {
        self.was(agent, status, now).into_iter().map(|span| common(&[span, within])).sum()
    }

    /// From when to when an agent's shifts go that may lie in some days.
    fn shifts(&self, agent: usize, (from, to): Days, home: Tz) -> Vec<Span> {
        let zone = SHIFTS[agent].map_or(home, |zone| zone.parse().expect("a zone"));
        let days =
            (from - chrono::Days::new(4)).iter_days().take_while(|day| *day < to + chrono::Days::new(4));
        let mut spans = Vec::new();
        for day in days {
            let of_day = self.shifts.iter().filter(|one| one.agent == agent && one.is_of(day));
            spans.extend(of_day.map(|one| one.span(day, zone)));
        }
        spans
    }

    /// What is right of each of the measures, of some of the agents together.
    fn right(&self, agents: &[usize], days: Days, zone: Tz, now: DateTime<Utc>) -> [Option<f64>; 9] {
        let theirs = |id: Option<Uuid>| agents.iter().any(|agent| id == Some(self.agents[*agent]));
        let calls: Vec<&Call> = self
            .calls
            .iter()
            .filter(|call| theirs(call.agent_id) && is_on(call.started_at, days, zone))
            .collect();
        let leads: Vec<&Lead> = self
            .leads
            .iter()
            .filter(|lead| theirs(lead.owner_id) && is_on(lead.created_at, days, zone))
            .collect();
        let within = instants(days, zone);
        let until = (within.0, within.1.min(now));
        let sum = |of: &dyn Fn(usize) -> i64| agents.iter().map(|agent| of(*agent)).sum::<i64>();
        let busy = sum(&|agent| self.time(agent, &["on_call", "wrap_up"], within, now));
        let free = sum(&|agent| self.time(agent, &["available"], within, now));
        let is_short = (days.1 - days.0).num_days() <= 31;
        let spans = |agent: usize| if is_short { self.shifts(agent, days, zone) } else { Vec::new() };
        let due = sum(&|agent| spans(agent).into_iter().map(|shift| common(&[shift, until])).sum());
        let kept = sum(&|agent| {
            let there = self.was(agent, &["available", "on_call", "wrap_up", "break"], now);
            let of = |shift: Span| there.iter().map(|span| common(&[shift, until, *span])).sum::<i64>();
            spans(agent).into_iter().map(of).sum()
        });
        let by = |user: Option<Uuid>| agents.iter().any(|agent| user.is_some() && self.users[*agent] == user);
        let entries = self.entries.iter().filter(|entry| by(entry.user) && is_on(entry.at, days, zone));
        [
            of_calls("call.handled", &calls),
            of_calls("call.success", &calls),
            of_calls("call.talk_average", &calls),
            of_calls("call.satisfaction", &calls),
            over(real(busy), busy + free),
            over(real(kept), due),
            of_leads("lead.count", &leads),
            of_leads("lead.conversion", &leads),
            Some(real(whole(entries.count()))),
        ]
    }

    fn check(&self, made: &Value, days: Days, zone: Tz) {
        let what = format!("{zone} {days:?}");
        let now: DateTime<Utc> = made["made_at"].as_str().expect("an instant").parse().expect("RFC 3339");
        let all = self.right(&[0, 1, 2], days, zone, now);
        let before = self.right(&[0, 1, 2], clock::before(days), zone, now);
        for (place, measure) in MEASURES.into_iter().enumerate() {
            same(tile(made, measure), all[place], &format!("{what} {measure}"));
            // Of the period before there is what calls tell.
            let earlier = before[place].filter(|_| place < 4);
            same(previous(made, measure), earlier, &format!("{what} {measure} before"));
        }
        let by_agent = table(made, "By agent");
        let rows = by_agent["rows"].as_array().expect("rows");
        assert_eq!(rows.len(), self.agents.len(), "{what}: {by_agent}");
        assert!(
            rows.is_sorted_by_key(|row| std::cmp::Reverse(row[1].as_i64())),
            "the busiest first: {by_agent}"
        );
        for (place, id) in self.agents.iter().enumerate() {
            let right = self.right(&[place], days, zone, now);
            check_cells(row(by_agent, &format!("agent:{id}")), &right, &format!("{what} agent {place}"));
        }
        check_cells(by_agent["totals"].as_array().expect("totals"), &all, &what);
        let chart = &made["charts"][0];
        let drawn = |place: usize| rows.iter().map(|row| row[place].clone()).collect::<Vec<_>>();
        assert_eq!((&chart["labels"], &chart["series"][0]["values"]), (&json!(drawn(0)), &json!(drawn(1))));
    }
}

/// The users behind some agents; none behind the last.
async fn users(app: &TestApp, agents: &[Uuid]) -> Vec<Option<Uuid>> {
    let mut conn = app.database.connect_as("switchboard_system").await;
    let mut users = Vec::new();
    for agent in &agents[..2] {
        person(app, &json!(agent)).await;
        let user = sqlx::query_scalar("select user_id from agents where id = $1").bind(agent);
        users.push(user.fetch_one(&mut conn).await.expect("a user"));
    }
    users.push(None);
    users
}

#[tokio::test]
async fn the_report_of_agents_is_that_of_what_they_were_and_did() {
    let (app, world, ctx) = counted_in(quiet_app().await, 300).await;
    let agents = world.agents;
    let users = users(&app, &agents).await;
    let mut conn = app.database.connect_as("switchboard_system").await;
    let spells = put_spells(&mut conn, &agents).await;
    let shifts = put_shifts(&mut conn, &app.acme, &agents, SHIFTS).await;
    let entries = put_entries(&app, &users).await;
    counted(&app, &ctx).await;
    let calls = oracle::calls(&mut conn, &app.acme).await;
    let leads = oracle::leads(&mut conn, &app.acme).await;
    let did = Did { agents, users, calls, leads, spells, shifts, entries };
    for (name, changes) in ZONES {
        let zone: Tz = name.parse().expect("a zone");
        in_zone(&app.acme, name).await;
        for changed in changes {
            for days in [around(changed, 0, 1), around(changed, 2, 3), around(changed, 20, 20)] {
                did.check(&made(&ctx, ReportKind::Agent, days).await, days, zone);
            }
        }
    }
    app.process.stop().await;
}
