//! Calls while somebody else changes what they are about: their lead, their team, their agent.

use serde_json::{Value, json};
use sqlx::Connection;
use switchboard_tests::{Answer, TestApp};
use uuid::Uuid;

use crate::{
    call_webhook::Pbx,
    calls::{CALLS, NUMBER, at, begun, lead, step},
    leads::actions::somebody_waits,
    routing::team,
};

const LEADS: &str = "/api/v1/leads";

fn uuid(id: &Value) -> Uuid {
    id.as_str().expect("an id").parse().expect("an id")
}

#[tokio::test]
async fn a_call_that_ends_waits_for_its_lead_before_it_has_the_team() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (team, agents) = team(admin, "sales", 1, 10).await;
    let lead = lead(admin).await;
    let direct = json!({"lead_id": lead, "strategy": "direct", "agent_id": agents[0]});
    admin.post("/api/v1/automation/leads/route", &direct).await.expect(200);
    let path = begun(admin, &json!({"direction": "outbound", "lead_id": lead, "agent_id": agents[0]})).await;
    step(admin, &path, "ring", &json!({})).await.expect(200);

    // Somebody who has the lead, and wants its team next, as whoever routes it does.
    let mut system = app.database.connect_as("switchboard_system").await;
    let mut routes = system.begin().await.expect("a transaction");
    sqlx::query("select from leads where id = $1 for update")
        .bind(uuid(&lead))
        .execute(&mut *routes)
        .await
        .expect("the lead is held");
    let (caller, call) = (admin.clone(), path.clone());
    let ending =
        tokio::spawn(async move { step(&caller, &call, "end", &json!({"outcome": "converted"})).await });
    somebody_waits(&app).await;
    sqlx::query("select from teams where id = $1 for no key update")
        .bind(uuid(&team))
        .execute(&mut *routes)
        .await
        .expect("the team is nobody's yet");
    routes.commit().await.expect("both are let go");
    let ended = ending.await.expect("an answer").expect(200);
    assert_eq!((&ended["status"], &ended["outcome"]), (&json!("missed"), &json!("converted")));
    assert_eq!(admin.get(&at(LEADS, &lead)).await.expect(200)["status"], "converted");
    app.process.stop().await;
}

/// Asks for something while somebody counts the calls of an agent: it waits for that.
async fn meanwhile(app: &TestApp, agent: &Value, asked: impl Future<Output = Answer>) -> Answer {
    let mut system = app.database.connect_as("switchboard_system").await;
    let mut counts = system.begin().await.expect("a transaction");
    sqlx::query("select from agents where id = $1 for no key update")
        .bind(uuid(agent))
        .execute(&mut *counts)
        .await
        .expect("the agent is held");
    let counted = async move {
        somebody_waits(app).await;
        counts.rollback().await.expect("the agent is let go");
    };
    let (answer, ()) = tokio::join!(asked, counted);
    answer
}

#[tokio::test]
async fn a_call_rings_at_nobody_whose_calls_are_just_being_counted() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 3, 10).await;
    let own = begun(admin, &json!({"direction": "outbound", "number": NUMBER, "agent_id": agents[0]})).await;
    let rung = meanwhile(&app, &agents[0], step(admin, &own, "ring", &json!({}))).await.expect(200);
    assert_eq!((&rung["status"], &rung["agent_id"]), (&json!("ringing"), &agents[0]));

    let pbx = Pbx::new(admin).await;
    let told = |kind: &str, call: &str, agent: &Value| {
        let facts = json!({"call_id": call, "number": NUMBER, "direction": "inbound", "agent_id": agent});
        json!({ "type": kind, "data": facts })
    };
    let new = told("call.started", "c-1", &agents[1]);
    meanwhile(&app, &agents[1], pbx.send(&app, "m-1", 0, &new)).await.expect(204);
    let onward = told("call.ringing", "c-1", &agents[2]);
    meanwhile(&app, &agents[2], pbx.send(&app, "m-2", 0, &onward)).await.expect(204);
    let calls = admin.all(&format!("{CALLS}?status=ringing")).await;
    let rings: Vec<&Value> = calls.iter().map(|call| &call["agent_id"]).collect();
    assert_eq!(rings, [&agents[2], &agents[0]]);
    app.process.stop().await;
}

#[tokio::test]
async fn a_call_that_begins_while_its_lead_is_merged_is_with_the_one_that_stays() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (stays, goes, alone) = (lead(admin).await, lead(admin).await, lead(admin).await);
    let mut system = app.database.connect_as("switchboard_system").await;
    for merged in [true, false] {
        let gone = if merged { &goes } else { &alone };
        let mut merging = system.begin().await.expect("a transaction");
        sqlx::query("select from leads where id = $1 for update")
            .bind(uuid(gone))
            .execute(&mut *merging)
            .await
            .expect("it is held");
        let (caller, call) = (admin.clone(), json!({"direction": "outbound", "lead_id": gone}));
        let beginning = tokio::spawn(async move { caller.post(CALLS, &call).await });
        somebody_waits(&app).await;
        if merged {
            sqlx::query("insert into lead_merges (tenant_id, loser_id, winner_id) values ($1, $2, $3)")
                .bind(app.acme.id.0)
                .bind(uuid(&goes))
                .bind(uuid(&stays))
                .execute(&mut *merging)
                .await
                .expect("they are one");
        }
        sqlx::query("delete from leads where id = $1")
            .bind(uuid(gone))
            .execute(&mut *merging)
            .await
            .expect("it is gone");
        merging.commit().await.expect("it is written");
        let begun = beginning.await.expect("an answer");
        if merged {
            let call = at(CALLS, &begun.expect(201)["id"]);
            let shown = admin.get(&call).await.expect(200);
            assert_eq!((&shown["lead_id"], &shown["number"]), (&stays, &json!(NUMBER)));
        } else {
            assert_eq!(begun.body["errors"][0]["pointer"], "/lead_id", "it was deleted");
            assert_eq!(begun.problem(422), "invalid");
        }
    }
    assert_eq!(admin.all(CALLS).await.len(), 1);
    app.process.stop().await;
}
