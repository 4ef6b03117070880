//! People, calls and leads of a tenant, drawn around the days on which clocks change, the same each time.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use proptest::{
    prelude::{Just, Strategy, any, prop_oneof},
    strategy::ValueTree,
    test_runner::TestRunner,
};
use serde_json::{Value, json};
use sqlx::{PgConnection, types::Json};
use switchboard_tests::Tenant;
use uuid::Uuid;

/// Days around which the clocks of one zone or another change.
pub const DAYS: [&str; 6] =
    ["2026-03-08", "2026-03-29", "2026-04-05", "2026-10-04", "2026-10-25", "2026-11-01"];

/// People and rows of a tenant.
pub struct World {
    pub teams: Vec<Uuid>,
    pub agents: Vec<Uuid>,
}

impl World {
    /// Two teams and three agents.
    pub async fn of(tenant: &Tenant) -> Self {
        let (mut teams, mut agents) = (Vec::new(), Vec::new());
        for name in ["North", "South"] {
            teams.push(made(tenant, "/api/v1/teams", &json!({ "name": name })).await);
        }
        for (name, team) in [("Ada Lovelace", 0), ("Grace Hopper", 1), ("Μαρία Κιουρί", 1)] {
            let agent = json!({ "name": name, "team_id": teams[team], "capacity": 1_000 });
            agents.push(made(tenant, "/api/v1/agents", &agent).await);
        }
        Self { teams, agents }
    }

    /// So many calls and leads that are there by whatever way, the same each time.
    pub async fn fill(&self, conn: &mut PgConnection, tenant: &Tenant, rows: usize) {
        let mut runner = TestRunner::deterministic();
        let calls: Vec<Value> = (0..rows).map(|_| self.call(&drawn(&call(), &mut runner))).collect();
        let leads: Vec<Value> = (0..rows).map(|_| self.lead(&drawn(&lead(), &mut runner))).collect();
        put_calls(conn, tenant, &calls).await;
        put_leads(conn, tenant, &leads).await;
    }

    fn call(&self, drawn: &DrawnCall) -> Value {
        let (at, wait, talk) =
            (drawn.at, TimeDelta::seconds(drawn.wait), TimeDelta::milliseconds(drawn.talk));
        let answered = (drawn.status == "ended").then(|| at + wait);
        json!({
            "id": Uuid::now_v7(), "direction": drawn.direction, "status": drawn.status, "started_at": at,
            "answered_at": answered, "ended_at": answered.unwrap_or(at + wait) + talk,
            "agent_id": drawn.agent.map(|place| self.agents[place]), "team_id": drawn.team.map(|place| self.teams[place]),
            "outcome": drawn.outcome, "satisfaction": drawn.satisfaction, "value_cents": drawn.value,
        })
    }

    fn lead(&self, drawn: &DrawnLead) -> Value {
        json!({
            "id": Uuid::now_v7(), "status": drawn.status, "source": drawn.source, "created_at": drawn.at,
            "owner_id": drawn.owner.map(|place| self.agents[place]), "team_id": drawn.team.map(|place| self.teams[place]),
            "activities": drawn.activities, "value_cents": drawn.value, "cost_cents": drawn.cost,
            "had_been": drawn.had_been,
        })
    }
}

async fn made(tenant: &Tenant, path: &str, body: &Value) -> Uuid {
    let made = tenant.admin.post(path, body).await.expect(201);
    made["id"].as_str().and_then(|id| id.parse().ok()).expect("an id")
}

/// The next value of a strategy.
pub fn drawn<S: Strategy>(strategy: &S, runner: &mut TestRunner) -> S::Value {
    strategy.new_tree(runner).expect("a value").current()
}

#[derive(Debug, Clone)]
struct DrawnCall {
    at: DateTime<Utc>,
    direction: &'static str,
    status: &'static str,
    wait: i64,
    talk: i64,
    agent: Option<usize>,
    team: Option<usize>,
    outcome: Option<&'static str>,
    satisfaction: Option<i16>,
    value: Option<i64>,
}

#[derive(Debug, Clone)]
struct DrawnLead {
    at: DateTime<Utc>,
    status: &'static str,
    source: &'static str,
    owner: Option<usize>,
    team: Option<usize>,
    activities: i32,
    value: Option<i64>,
    cost: Option<i64>,
    had_been: &'static str,
}

/// Up to two days from the middle of a day on which a clock changes, now and then at a full hour.
pub fn at() -> impl Strategy<Value = DateTime<Utc>> {
    let day = proptest::sample::select(DAYS.to_vec());
    (day, -172_800_000_i64..172_800_000, any::<bool>()).prop_map(|(day, ms, full)| {
        let noon = day.parse::<NaiveDate>().expect("a day").and_hms_opt(12, 0, 0).expect("noon").and_utc();
        let ms = if full { ms / 3_600_000 * 3_600_000 } else { ms };
        noon + TimeDelta::milliseconds(ms)
    })
}

/// One of these, or now and then none.
pub fn some<T: std::fmt::Debug + Clone + 'static>(values: Vec<T>) -> impl Strategy<Value = Option<T>> {
    prop_oneof![3 => proptest::sample::select(values).prop_map(Some), 1 => Just(None)]
}

fn call() -> impl Strategy<Value = DrawnCall> {
    let status = proptest::sample::select(vec!["ended", "ended", "ended", "missed", "abandoned"]);
    let outcome = some(vec!["converted", "interested", "callback", "no_team", "abandoned", "other"]);
    let place = (some(vec![0_usize, 1, 2]), some(vec![0_usize, 1]));
    let said = (outcome, some(vec![1_i16, 2, 3, 4, 5]), some(vec![0_i64, 100, 12_345]));
    let direction = proptest::sample::select(vec!["inbound", "inbound", "outbound"]);
    (at(), direction, status, 0_i64..45, 0_i64..900_000, place, said).prop_map(
        |(at, direction, status, wait, talk, (agent, team), (outcome, satisfaction, value))| DrawnCall {
            at,
            direction,
            status,
            wait,
            talk,
            agent,
            team,
            outcome,
            satisfaction,
            value,
        },
    )
}

fn lead() -> impl Strategy<Value = DrawnLead> {
    let statuses = vec!["new", "contacted", "qualified", "proposal", "converted", "lost"];
    let status = proptest::sample::select(statuses.clone());
    let had_been = proptest::sample::select(statuses);
    let source =
        proptest::sample::select(vec!["referral", "organic", "campaign", "paid_ads", "import", "manual"]);
    let place = (some(vec![0_usize, 1, 2]), some(vec![0_usize, 1]));
    let money = (some(vec![0_i64, 500, 99_999]), some(vec![0_i64, 250, 1_000]));
    (at(), status, source, place, 0_i32..4, money, had_been).prop_map(
        |(at, status, source, (owner, team), activities, (value, cost), had_been)| DrawnLead {
            at,
            status,
            source,
            owner,
            team,
            activities,
            value,
            cost,
            had_been,
        },
    )
}

async fn put_calls(conn: &mut PgConnection, tenant: &Tenant, calls: &[Value]) {
    sqlx::query(
        "insert into calls (tenant_id, id, direction, status, agent_id, team_id, subject_id, number_sealed, number_index,
                            outcome, satisfaction, value_cents, started_at, answered_at, ended_at, disposed_at, entered_at)
         select $1, r.id, r.direction, r.status, r.agent_id, r.team_id, r.id, '', '', r.outcome, r.satisfaction,
                r.value_cents, r.started_at, r.answered_at, r.ended_at,
                case when r.outcome is not null then r.ended_at end, r.started_at
           from jsonb_to_recordset($2) as r (
             id uuid, direction text, status text, agent_id uuid, team_id uuid, outcome text, satisfaction smallint,
             value_cents bigint, started_at timestamptz, answered_at timestamptz, ended_at timestamptz)",
    )
    .bind(tenant.id.0)
    .bind(Json(calls))
    .execute(conn)
    .await
    .expect("calls");
}

async fn put_leads(conn: &mut PgConnection, tenant: &Tenant, leads: &[Value]) {
    sqlx::query(
        "insert into leads (tenant_id, id, status, source, owner_id, team_id, activities, value_cents, cost_cents,
                            created_at)
         select $1, r.id, r.status, r.source, r.owner_id, r.team_id, r.activities, r.value_cents, r.cost_cents,
                r.created_at
           from jsonb_to_recordset($2) as r (
             id uuid, status text, source text, owner_id uuid, team_id uuid, activities int, value_cents bigint,
             cost_cents bigint, created_at timestamptz)",
    )
    .bind(tenant.id.0)
    .bind(Json(leads))
    .execute(&mut *conn)
    .await
    .expect("leads");
    // Each has been something else before, and whatever it is now.
    for field in ["had_been", "status"] {
        sqlx::query(
            "insert into lead_activities (tenant_id, id, lead_id, kind, at, actor_kind, status)
             select $1, gen_random_uuid(), (r ->> 'id')::uuid, 'status', (r ->> 'created_at')::timestamptz, 'system',
                    r ->> $3
               from jsonb_array_elements($2) as r",
        )
        .bind(tenant.id.0)
        .bind(Json(leads))
        .bind(field)
        .execute(&mut *conn)
        .await
        .expect("activities");
    }
}
