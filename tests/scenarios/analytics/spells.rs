//! What agents were, from when to when, when they are to be there, and what their users did, drawn.

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use proptest::{option, prelude::any, sample::select, test_runner::TestRunner};
use serde_json::{Value, json};
use sqlx::{PgConnection, types::Json};
use switchboard_tests::{Tenant, TestApp};
use uuid::Uuid;

use super::{
    clock::shows,
    world::{DAYS, at, drawn},
};
use crate::access::by_token::owner;

/// From an instant to before another.
pub type Span = (DateTime<Utc>, DateTime<Utc>);

/// What an agent was from when to when; it goes on if there is no end.
#[derive(Debug)]
pub struct Spell {
    pub agent: usize,
    pub status: &'static str,
    pub from: DateTime<Utc>,
    pub to: Option<DateTime<Utc>>,
}

/// A shift of every week, in quarters of an hour on a clock.
#[derive(Debug)]
pub struct Shift {
    pub agent: usize,
    weekday: u32,
    starts: i32,
    quarters: i32,
}

impl Shift {
    pub fn is_of(&self, day: NaiveDate) -> bool {
        day.weekday().num_days_from_sunday() == self.weekday
    }

    /// That of a day.
    pub fn span(&self, day: NaiveDate, zone: Tz) -> Span {
        let begins = day.and_time(NaiveTime::MIN) + TimeDelta::minutes(15) * self.starts;
        (shows(begins, zone), shows(begins + TimeDelta::minutes(15) * self.quarters, zone))
    }
}

/// An entry of the audit log, by a user if it is one's.
#[derive(Debug)]
pub struct Entry {
    pub at: DateTime<Utc>,
    pub user: Option<Uuid>,
}

/// Has agents become one thing after the other around each change of a clock, and the first one be there since.
pub async fn put_spells(conn: &mut PgConnection, agents: &[Uuid]) -> Vec<Spell> {
    let mut runner = TestRunner::deterministic();
    let status = select(vec!["available", "on_call", "on_call", "wrap_up", "break", "offline"]);
    let mut spells: Vec<Spell> = Vec::new();
    for (agent, id) in agents.iter().enumerate() {
        let mut last = Spell { agent, status: "offline", from: begins("2026-03-01"), to: None };
        sqlx::query("update agents set created_at = $2, status_since = $2 where id = $1")
            .bind(id)
            .bind(last.from)
            .execute(&mut *conn)
            .await
            .expect("one who was there before");
        for day in DAYS {
            let (mut at, over) = (begins(day) - TimeDelta::days(2), begins(day) + TimeDelta::days(3));
            while at < over {
                let (status, ms) = drawn(&(status.clone(), 60_000..36_000_000_i64), &mut runner);
                become_at(conn, (id, status, at), &mut last, &mut spells).await;
                at += TimeDelta::milliseconds(ms);
            }
            let is_there = agent == 0 && day == DAYS[DAYS.len() - 1];
            let status = if is_there { "available" } else { "offline" };
            become_at(conn, (id, status, at), &mut last, &mut spells).await;
        }
        spells.push(last);
    }
    spells
}

fn begins(day: &str) -> DateTime<Utc> {
    day.parse::<NaiveDate>().expect("a day").and_time(NaiveTime::MIN).and_utc()
}

/// An agent becomes something else, unless they are that.
async fn become_at(
    conn: &mut PgConnection,
    (id, status, at): (&Uuid, &'static str, DateTime<Utc>),
    last: &mut Spell,
    spells: &mut Vec<Spell>,
) {
    if last.status == status {
        return;
    }
    sqlx::query("update agents set status = $2, status_since = $3 where id = $1")
        .bind(id)
        .bind(status)
        .bind(at)
        .execute(conn)
        .await
        .expect("it becomes that");
    let next = Spell { agent: last.agent, status, from: at, to: None };
    spells.push(Spell { to: Some(at), ..std::mem::replace(last, next) });
}

/// Early shifts and late ones, in zones of the agents' own where there are some: no two of an agent overlap.
pub async fn put_shifts(
    conn: &mut PgConnection,
    tenant: &Tenant,
    agents: &[Uuid],
    zones: [Option<&str>; 3],
) -> Vec<Shift> {
    let mut runner = TestRunner::deterministic();
    let mut shifts = Vec::new();
    for (agent, (id, zone)) in agents.iter().zip(zones).enumerate() {
        sqlx::query("update agents set zone = $2 where id = $1")
            .bind(id)
            .bind(zone)
            .execute(&mut *conn)
            .await
            .expect("a zone");
        for weekday in 0..7 {
            // From the first hours of a day on, or from its second half into the next one.
            let spans = if agent == 0 { (0..16_i32, 1..80_i32) } else { (48..96_i32, 8..49_i32) };
            let Some((starts, quarters)) = drawn(&option::weighted(0.9, spans), &mut runner) else {
                continue;
            };
            let clock = |quarters: i32| NaiveTime::MIN + TimeDelta::minutes(15) * quarters;
            sqlx::query(
                "insert into agent_shifts (tenant_id, agent_id, weekday, starts, ends) values ($1, $2, $3::int, $4, $5)",
            )
            .bind(tenant.id.0)
            .bind(id)
            .bind(weekday)
            .bind(clock(starts))
            .bind(clock(starts + quarters))
            .execute(&mut *conn)
            .await
            .expect("a shift");
            let weekday = u32::try_from(weekday).expect("a day of the week");
            shifts.push(Shift { agent, weekday, starts, quarters });
        }
    }
    shifts
}

/// Entries of the audit log, in months of which the log has no part yet, by some of these users, by another one, and by nobody.
pub async fn put_entries(app: &TestApp, users: &[Option<Uuid>]) -> Vec<Entry> {
    let mut runner = TestRunner::deterministic();
    let by = select(users.iter().copied().chain([Some(Uuid::nil())]).collect::<Vec<_>>());
    let (mut entries, mut rows): (Vec<Entry>, Vec<Value>) = (Vec::new(), Vec::new());
    for _ in 0..400 {
        let (at, user, is_refused) = drawn(&(at(), by.clone(), any::<bool>()), &mut runner);
        let kind = if user.is_some() { "user" } else { "system" };
        let outcome = if is_refused { "denied" } else { "done" };
        rows.push(json!({"at": at, "user": user, "kind": kind, "outcome": outcome}));
        entries.push(Entry { at, user });
    }
    let mut owner = owner(app).await;
    sqlx::raw_sql(
        "do $$
         declare
           first date;
         begin
           for first in select d::date from generate_series(date '2026-03-01', date '2026-11-01', '1 month') d loop
             execute format('create table if not exists audit_log_%s partition of audit_log for values from (%L) to (%L)',
               to_char(first, 'YYYYMM'), first || ' 00:00+00', (first + interval '1 month')::date || ' 00:00+00');
           end loop;
         end $$",
    )
    .execute(&mut owner)
    .await
    .expect("the owner may");
    sqlx::query(
        "insert into audit_log (tenant_id, id, at, actor_kind, actor_id, action, resource, outcome, seq)
         select $1, gen_random_uuid(), (r ->> 'at')::timestamptz, r ->> 'kind', (r ->> 'user')::uuid, 'read', 'lead',
                r ->> 'outcome', place
           from jsonb_array_elements($2) with ordinality as t (r, place)",
    )
    .bind(app.acme.id.0)
    .bind(Json(rows))
    .execute(&mut owner)
    .await
    .expect("recorded");
    entries
}
