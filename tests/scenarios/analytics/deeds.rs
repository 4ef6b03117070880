//! What agents did, drawn, and what it is worth by some rules: read from the log into the ledger, as it is by itself.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use domain::{
    Ctx,
    gamification::tail::{self, Advanced},
};
use proptest::{
    prelude::{Strategy, any},
    sample::select,
};
use serde_json::{Value, json};
use sqlx::{PgConnection, types::Json};
use switchboard_tests::{Client, TestApp};
use uuid::Uuid;

use super::{
    World,
    clock::day,
    world::{at, some},
};
use crate::gamification;

/// What somebody did.
#[derive(Debug, Clone)]
pub struct Deed {
    id: Uuid,
    at: DateTime<Utc>,
    agent: usize,
    kind: &'static str,
    outcome: Option<&'static str>,
    satisfaction: Option<i16>,
    /// Of a conversion, whether it was none after all.
    undone: bool,
}

pub fn deed() -> impl Strategy<Value = Deed> {
    let kind =
        select(vec!["call.answered", "call.answered", "call.completed", "call.completed", "lead.converted"]);
    let said = (some(vec!["converted", "interested"]), some(vec![2_i16, 4, 5]), any::<bool>());
    (at(), 0..3_usize, kind, said).prop_map(|(at, agent, kind, (outcome, satisfaction, undone))| Deed {
        id: Uuid::now_v7(),
        at,
        agent,
        kind,
        outcome,
        satisfaction,
        undone: undone && kind == "lead.converted",
    })
}

/// What somebody earned on a day, and by how many deeds.
pub type Earned = BTreeMap<(NaiveDate, usize), (i64, i64)>;

/// All that was earned, and what a cap has let through.
#[derive(Default)]
pub struct Right {
    pub earned: Earned,
    picked_up: BTreeMap<(NaiveDate, usize), i64>,
    rated: BTreeMap<(NaiveDate, usize), i64>,
}

impl Right {
    /// What a deed gives by the [`rules`].
    pub fn add(&mut self, deed: &Deed, zone: Tz) {
        let of = (day(deed.at, zone), deed.agent);
        if deed.undone {
            return;
        }
        let points = match deed.kind {
            "call.answered" => {
                let had = self.picked_up.entry(of).or_default();
                let points = (25 - *had).min(10);
                *had += points;
                points
            }
            "call.completed" => {
                let sold = if deed.outcome == Some("converted") { 20 } else { 0 };
                let had = self.rated.entry(of).or_default();
                let rated = deed.satisfaction.is_some_and(|rated| rated >= 4) && *had < 2;
                *had += i64::from(rated);
                5 + sold + if rated { 3 } else { 0 }
            }
            _ => 50,
        };
        let earned = self.earned.entry(of).or_default();
        *earned = (earned.0 + points, earned.1 + 1);
    }
}

/// The rules, which were there long before.
pub async fn rules(admin: &Client, conn: &mut PgConnection) {
    for rule in [
        json!({"name": "each", "deed": "call_completed", "points": 5}),
        json!({"name": "sale", "deed": "call_completed", "points": 20, "outcome": "converted"}),
        json!({"name": "rated", "deed": "call_completed", "points": 3, "min_satisfaction": 4,
               "cap": {"per": "day", "times": 2}}),
        json!({"name": "picked up", "deed": "call_answered", "points": 10, "cap": {"per": "day", "points": 25}}),
        json!({"name": "conversion", "deed": "lead_converted", "points": 50}),
    ] {
        gamification::made(admin, "rules", &rule).await;
    }
    sqlx::query("update point_rules set created_at = '2025-01-01'").execute(conn).await.expect("old rules");
}

/// Tells of what was done as of when it was, and has the ledger written.
pub async fn tell(app: &TestApp, ctx: &Ctx, world: &World, deeds: &[Deed]) {
    let told = |deed: &Deed, kind: &str, at: DateTime<Utc>| {
        let agent = world.agents[deed.agent];
        json!({
            "at": at, "type": kind, "subject": format!("{}:{}", &kind[..4], deed.id),
            "body": {"agent_id": agent, "owner_id": agent, "outcome": deed.outcome, "satisfaction": deed.satisfaction},
        })
    };
    let mut rows: Vec<Value> = deeds.iter().map(|deed| told(deed, deed.kind, deed.at)).collect();
    let undone = deeds.iter().filter(|deed| deed.undone);
    rows.extend(undone.map(|deed| told(deed, "lead.unconverted", deed.at + TimeDelta::hours(1))));
    let mut conn = app.database.connect_as("switchboard_system").await;
    sqlx::query(
        "insert into engine.log (tenant_id, at, type, subject, body)
         select $1, (r ->> 'at')::timestamptz, r ->> 'type', r ->> 'subject', r -> 'body'
           from jsonb_array_elements($2) as r",
    )
    .bind(ctx.tenant.0)
    .bind(Json(rows))
    .execute(&mut conn)
    .await
    .expect("told");
    let read = "select (select g.from_sequence from game_heads g where g.tenant_id = $1)
                     = (select count(*) from engine.log l where l.tenant_id = $1)";
    loop {
        app.process.app.platform.engine.number_log().await.expect("numbered");
        while tail::advance(ctx).await.expect("read") == Advanced::More {}
        let all = sqlx::query_scalar::<_, bool>(read).bind(ctx.tenant.0).fetch_one(&mut conn);
        if all.await.expect("an answer") {
            return;
        }
    }
}
