//! Who has a lead that another one was merged into, how far it has come, and who has room again.

use serde_json::{Value, json};
use switchboard_tests::{Answer, Client, Socket, TestApp};

use crate::{
    activities::timeline,
    routing::rules::{ROUTE, lead, set_status},
    routing::team,
};

fn path(lead: &Value) -> String {
    format!("/api/v1/leads/{}", lead.as_str().expect("an id"))
}

async fn merge(client: &Client, winner: &Value, loser: &Value) -> Answer {
    client.post(&format!("{}/merge", path(winner)), &json!({ "loser_id": loser })).await
}

/// A new lead of an agent.
async fn lead_of(client: &Client, agent: &Value) -> Value {
    let lead = lead(client, &json!({})).await;
    let direct = json!({"lead_id": lead, "strategy": "direct", "agent_id": agent});
    assert_eq!(client.post(ROUTE, &direct).await.expect(200)["owner_id"], *agent);
    lead
}

/// A new lead that waits in a team's queue.
async fn waiting(client: &Client, team: &Value) -> Value {
    let lead = lead(client, &json!({})).await;
    let queued = json!({"lead_id": lead, "strategy": "round_robin", "team_id": team});
    assert_eq!(client.post(ROUTE, &queued).await.expect(200)["outcome"], "queued");
    lead
}

async fn queue(client: &Client, team: &Value) -> Vec<Value> {
    client.all(&format!("/api/v1/automation/queues/{}/leads", team.as_str().expect("an id"))).await
}

/// Waits until a lead is given to somebody; answers to whom.
async fn given(socket: &mut Socket, lead: &Value) -> Value {
    let subject = format!("lead:{}", lead.as_str().expect("an id"));
    loop {
        let told = socket.until("lead.assigned").await.pop().expect("an event");
        if told["subject"] == subject {
            return told["data"]["owner_id"].clone();
        }
    }
}

#[tokio::test]
async fn of_two_merges_in_both_directions_one_finds_nothing() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (team, agents) = team(admin, "sales", 1, 1).await;
    let (one, other) = (lead(admin, &json!({})).await, lead_of(admin, &agents[0]).await);
    let waits = waiting(admin, &team).await;
    let (first, second) = tokio::join!(merge(admin, &one, &other), merge(admin, &other, &one));
    let mut status = [first.status, second.status];
    status.sort_unstable();
    assert_eq!(status, [200, 404], "{first:?} {second:?}");
    let (stays, goes) = if first.status == 200 { (&one, &other) } else { (&other, &one) };
    assert_eq!(admin.get(&path(goes)).await.expect(308), json!({ "id": stays }));
    // Whichever it is, its agent has one lead, as before.
    assert_eq!(admin.get(&path(stays)).await.expect(200)["owner_id"], agents[0]);
    assert_eq!(admin.get(&path(&waits)).await.expect(200)["owner_id"], Value::Null);
    let mut socket = Socket::open(admin, None).await;
    admin.patch(&path(stays), &json!({"status": "lost"})).await.expect(200);
    assert_eq!(given(&mut socket, &waits).await, agents[0]);
    app.process.stop().await;
}

#[tokio::test]
async fn whoever_had_the_lead_that_goes_has_room_again() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (team, agents) = team(admin, "sales", 2, 1).await;
    let (stays, goes) = (lead_of(admin, &agents[0]).await, lead_of(admin, &agents[1]).await);
    admin.patch(&path(&goes), &json!({"status": "proposal"})).await.expect(200);
    let waits = waiting(admin, &team).await;
    let mut socket = Socket::open(admin, None).await;
    let merged = merge(admin, &stays, &goes).await.expect(200);
    assert_eq!((&merged["owner_id"], &merged["status"]), (&agents[0], &json!("proposal")));
    assert_eq!(given(&mut socket, &waits).await, agents[1]);
    app.process.stop().await;
}

#[tokio::test]
async fn a_lead_of_nobody_takes_the_owner_of_the_other_and_no_more_room() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (team, agents) = team(admin, "sales", 1, 1).await;
    let (stays, goes) = (lead(admin, &json!({})).await, lead_of(admin, &agents[0]).await);
    let had = admin.patch(&path(&goes), &json!({"status": "qualified"})).await.expect(200);
    let waits = waiting(admin, &team).await;
    let mut socket = Socket::open(admin, None).await;
    let merged = merge(admin, &stays, &goes).await.expect(200);
    for field in ["owner_id", "team_id", "assigned_at", "status"] {
        assert_eq!(merged[field], had[field], "{field}");
        assert!(!merged[field].is_null(), "{field}");
    }
    assert_eq!(merged["version"], 2);
    assert_eq!(given(&mut socket, &stays).await, agents[0]);
    let shown = timeline(admin, &stays).await;
    let became = shown.iter().filter(|one| one["kind"] == "status" && one["status"] == "qualified").count();
    assert_eq!(became, 2, "what the other became, and what this one did by the merge: {shown:?}");

    // The agent's hands are as full as before.
    assert_eq!(admin.get(&path(&waits)).await.expect(200)["owner_id"], Value::Null);
    admin.patch(&path(&stays), &json!({"status": "lost"})).await.expect(200);
    assert_eq!(given(&mut socket, &waits).await, agents[0]);
    app.process.stop().await;
}

#[tokio::test]
async fn a_lead_of_nobody_takes_the_place_in_the_queue() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (team, agents) = team(admin, "sales", 1, 5).await;
    set_status(admin, &agents[0], "break").await;
    let (stays, goes) = (lead(admin, &json!({})).await, waiting(admin, &team).await);
    let before = queue(admin, &team).await;
    let merged = merge(admin, &stays, &goes).await.expect(200);
    assert_eq!((&merged["owner_id"], &merged["team_id"]), (&Value::Null, &team));
    let after = queue(admin, &team).await;
    assert_eq!((before.len(), after.len()), (1, 1));
    assert_eq!((&before[0]["id"], &after[0]["id"]), (&goes, &stays));
    for field in ["waiting_since", "entered_at", "strategy"] {
        assert_eq!(after[0][field], before[0][field], "{field}");
    }
    let mut socket = Socket::open(admin, None).await;
    set_status(admin, &agents[0], "available").await;
    assert_eq!(given(&mut socket, &stays).await, agents[0]);
    app.process.stop().await;
}

#[tokio::test]
async fn whoever_had_a_closed_lead_is_given_the_other_if_they_have_room() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (team, agents) = team(admin, "sales", 1, 1).await;
    let mut closed = Vec::new();
    for _ in 0..2 {
        let lead = lead_of(admin, &agents[0]).await;
        admin.patch(&path(&lead), &json!({"status": "lost"})).await.expect(200);
        closed.push(lead);
    }
    let (stays, waits) = (lead(admin, &json!({})).await, lead(admin, &json!({})).await);
    let merged = merge(admin, &stays, &closed[0]).await.expect(200);
    assert_eq!((&merged["owner_id"], &merged["status"]), (&agents[0], &json!("new")));
    let merged = merge(admin, &waits, &closed[1]).await.expect(200);
    assert_eq!((&merged["owner_id"], &merged["team_id"]), (&Value::Null, &team), "no hand is free");
    assert_eq!(queue(admin, &team).await[0]["id"], waits);

    // One that is closed takes nobody's room: whoever had the other has it again.
    let over = lead(admin, &json!({"status": "converted"})).await;
    let mut socket = Socket::open(admin, None).await;
    let merged = merge(admin, &over, &stays).await.expect(200);
    assert_eq!((&merged["owner_id"], &merged["status"]), (&agents[0], &json!("converted")));
    assert_eq!(given(&mut socket, &waits).await, agents[0]);
    app.process.stop().await;
}

#[tokio::test]
async fn tags_of_both_stay_or_nothing_is_merged() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let tags = |from: u8, to: u8, letter: char| -> Vec<String> {
        (from..to).map(|number| format!("{letter}{number}")).collect()
    };
    let stays = lead(admin, &json!({ "tags": tags(0, 30, 't') })).await;
    let goes = lead(admin, &json!({ "tags": tags(20, 60, 'T') })).await;
    assert_eq!(merge(admin, &stays, &goes).await.problem(409), "too-much-to-merge");
    assert_eq!(admin.get(&path(&stays)).await.expect(200)["tags"], json!(tags(0, 30, 't')));
    admin.patch(&path(&goes), &json!({ "tags": tags(20, 50, 'T') })).await.expect(200);
    let merged = merge(admin, &stays, &goes).await.expect(200);
    assert_eq!(merged["tags"], json!([tags(0, 30, 't'), tags(30, 50, 'T')].concat()));
    assert_eq!(admin.all("/api/v1/leads?tag=t49").await[0]["id"], stays);
    app.process.stop().await;
}
