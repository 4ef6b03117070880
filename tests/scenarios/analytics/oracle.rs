//! What is right: counted row by row in plain Rust, with nothing of what is tested but the names of measures.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{FromRow, PgConnection};
use switchboard_tests::Tenant;
use uuid::Uuid;

/// A call as it lies.
#[derive(Debug, Clone, FromRow)]
pub struct Call {
    pub direction: String,
    pub status: String,
    pub agent_id: Option<Uuid>,
    pub team_id: Option<Uuid>,
    pub outcome: Option<String>,
    pub satisfaction: Option<i16>,
    pub value_cents: Option<i64>,
    pub started_at: DateTime<Utc>,
    pub answered_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
}

/// A lead as it lies, with the furthest that it has been.
#[derive(Debug, Clone, FromRow)]
pub struct Lead {
    pub status: String,
    pub source: String,
    pub owner_id: Option<Uuid>,
    pub team_id: Option<Uuid>,
    pub activities: i32,
    pub value_cents: Option<i64>,
    pub cost_cents: Option<i64>,
    pub created_at: DateTime<Utc>,
    pub been: Vec<String>,
}

pub async fn calls(conn: &mut PgConnection, tenant: &Tenant) -> Vec<Call> {
    let rows = sqlx::query_as(
        "select direction, status, agent_id, team_id, outcome, satisfaction, value_cents, started_at, answered_at,
                ended_at
           from calls where tenant_id = $1",
    );
    rows.bind(tenant.id.0).fetch_all(conn).await.expect("calls")
}

pub async fn leads(conn: &mut PgConnection, tenant: &Tenant) -> Vec<Lead> {
    let rows = sqlx::query_as(
        "select l.status, l.source, l.owner_id, l.team_id, l.activities, l.value_cents, l.cost_cents, l.created_at,
                array(select a.status from lead_activities a
                       where a.tenant_id = l.tenant_id and a.lead_id = l.id and a.status is not null) as been
           from leads l where l.tenant_id = $1",
    );
    rows.bind(tenant.id.0).fetch_all(conn).await.expect("leads")
}

/// Something that is counted.
pub trait Counted {
    /// When it was.
    fn at(&self) -> DateTime<Utc>;
    /// By what it is told apart in this way; none if it has none.
    fn key(&self, dimension: &str) -> Option<String>;
    /// A measure of some of them.
    fn measure(name: &str, rows: &[&Self]) -> Option<f64>;
}

impl Counted for Call {
    fn at(&self) -> DateTime<Utc> {
        self.started_at
    }

    fn key(&self, dimension: &str) -> Option<String> {
        match dimension {
            "direction" => Some(self.direction.clone()),
            "team" => self.team_id.map(|id| id.to_string()),
            "agent" => self.agent_id.map(|id| id.to_string()),
            "outcome" => self.outcome.clone(),
            _ => panic!("calls have no {dimension}"),
        }
    }

    fn measure(name: &str, rows: &[&Self]) -> Option<f64> {
        of_calls(name, rows)
    }
}

impl Counted for Lead {
    fn at(&self) -> DateTime<Utc> {
        self.created_at
    }

    fn key(&self, dimension: &str) -> Option<String> {
        match dimension {
            "source" => Some(self.source.clone()),
            "status" => Some(self.status.clone()),
            "team" => self.team_id.map(|id| id.to_string()),
            "owner" => self.owner_id.map(|id| id.to_string()),
            _ => panic!("leads have no {dimension}"),
        }
    }

    fn measure(name: &str, rows: &[&Self]) -> Option<f64> {
        of_leads(name, rows)
    }
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
pub fn real(n: i64) -> f64 {
    n as f64
}

pub fn whole(n: usize) -> i64 {
    i64::try_from(n).expect("few")
}

/// A part of a whole, or a sum of so many; none over nothing.
pub fn over(part: f64, whole: i64) -> Option<f64> {
    (whole > 0).then(|| part / real(whole))
}

fn seconds(from: DateTime<Utc>, to: DateTime<Utc>) -> f64 {
    real((to - from).num_milliseconds()) / 1_000.0
}

/// A measure of some calls.
pub fn of_calls(name: &str, calls: &[&Call]) -> Option<f64> {
    let number = |wanted: &dyn Fn(&Call) -> bool| whole(calls.iter().filter(|call| wanted(call)).count());
    let offered = |call: &Call| call.direction == "inbound" && call.outcome.as_deref() != Some("no_team");
    let taken = |call: &Call| offered(call) && call.answered_at.is_some();
    let handled = |call: &Call| call.status == "ended";
    let sold = |call: &Call| call.outcome.as_deref() == Some("converted");
    let waited = |call: &Call| call.answered_at.map_or(0.0, |at| seconds(call.started_at, at));
    let talked: f64 = calls
        .iter()
        .filter(|call| handled(call))
        .filter_map(|call| Some(seconds(call.answered_at?, call.ended_at?)))
        .sum();
    let all = number(&handled);
    match name {
        "call.count" => Some(real(whole(calls.len()))),
        "call.answered" => Some(real(number(&|call| call.answered_at.is_some()))),
        "call.handled" => Some(real(all)),
        "call.offered" => Some(real(number(&offered))),
        "call.lost" => Some(real(number(&|call| offered(call) && call.answered_at.is_none()))),
        "call.service_level" => {
            over(real(number(&|call| taken(call) && waited(call) <= 20.0)), number(&offered))
        }
        "call.abandonment" => over(real(number(&|call| offered(call) && !taken(call))), number(&offered)),
        "call.asa" => {
            over(calls.iter().filter(|call| taken(call)).map(|call| waited(call)).sum(), number(&taken))
        }
        "call.talk_time" => Some(talked),
        "call.talk_average" => over(talked, all),
        "call.converted" => Some(real(number(&sold))),
        "call.success" => over(real(number(&sold)), all),
        "call.rated" => Some(real(number(&|call| call.satisfaction.is_some()))),
        "call.satisfaction" => {
            let said: Vec<i16> = calls.iter().filter_map(|call| call.satisfaction).collect();
            over(said.iter().map(|n| f64::from(*n)).sum(), whole(said.len()))
        }
        "call.value" => {
            Some(real(calls.iter().filter(|call| sold(call)).filter_map(|call| call.value_cents).sum()))
        }
        _ => panic!("the oracle does not know {name}"),
    }
}

const STAGES: [&str; 5] = ["new", "contacted", "qualified", "proposal", "converted"];

fn reached(lead: &Lead) -> usize {
    let place = |status: &str| STAGES.iter().position(|stage| *stage == status);
    place(&lead.status)
        .unwrap_or_else(|| lead.been.iter().filter_map(|status| place(status)).max().unwrap_or(0))
}

/// A measure of some leads.
pub fn of_leads(name: &str, leads: &[&Lead]) -> Option<f64> {
    let all = whole(leads.len());
    let number = |wanted: &dyn Fn(&Lead) -> bool| whole(leads.iter().filter(|lead| wanted(lead)).count());
    let is = |status: &'static str| number(&|lead: &Lead| lead.status == status);
    let converted = is("converted");
    let value: i64 =
        leads.iter().filter(|lead| lead.status == "converted").filter_map(|lead| lead.value_cents).sum();
    let cost: i64 = leads.iter().filter_map(|lead| lead.cost_cents).sum();
    match name {
        "lead.count" => Some(real(all)),
        "lead.engaged" => Some(real(number(&|lead| lead.activities > 0))),
        "lead.engagement" => over(real(number(&|lead| lead.activities > 0)), all),
        "lead.activities" => over(leads.iter().map(|lead| f64::from(lead.activities)).sum(), all),
        "lead.contacted" => Some(real(number(&|lead| reached(lead) >= 1))),
        "lead.qualified" => Some(real(number(&|lead| reached(lead) >= 2))),
        "lead.proposal" => Some(real(number(&|lead| reached(lead) >= 3))),
        "lead.converted" => Some(real(converted)),
        "lead.lost" => Some(real(is("lost"))),
        "lead.conversion" => over(real(converted), all),
        "lead.value" => Some(real(value)),
        "lead.cost" => Some(real(cost)),
        "lead.cost_each" => over(real(cost), all),
        "lead.cost_converted" => over(real(cost), converted),
        "lead.roi" => over(real(value - cost), cost),
        _ => panic!("the oracle does not know {name}"),
    }
}

/// Whether a number of an answer is the right one: null is not zero.
#[track_caller]
pub fn same(found: &Value, right: Option<f64>, what: &str) {
    near(found, right, 1e-9 * right.unwrap_or_default().abs().max(1.0), what);
}

/// The same of one that is rounded.
#[track_caller]
pub fn near(found: &Value, right: Option<f64>, within: f64, what: &str) {
    match (found.as_f64(), right) {
        (None, None) => assert!(found.is_null(), "{what}: {found}"),
        (Some(found), Some(right)) => {
            assert!((found - right).abs() <= within, "{what}: {found}, and right is {right}");
        }
        _ => panic!("{what}: {found}, and right is {right:?}"),
    }
}
