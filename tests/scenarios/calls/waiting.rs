//! Calls that wait: given out, told when they wait too long, helped out with, given up, and counted.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};
use switchboard_tests::{Client, Socket, TestApp};

use crate::{
    call_webhook::Pbx,
    calls::{CALLS, NUMBER, at, begun, set, step},
    routing::team,
};

const TEAMS: &str = "/api/v1/teams";
const QUEUES: &str = "/api/v1/automation/queues";

async fn change(client: &Client, team: &Value, change: &Value) -> Value {
    client.patch(&at(TEAMS, team), change).await.expect(200)
}

/// The figures of a team's queue.
async fn figures(client: &Client, team: &Value) -> Value {
    let queues = client.all(QUEUES).await;
    queues.into_iter().find(|queue| queue["id"] == *team).expect("the team's queue")
}

#[tokio::test]
async fn a_call_waits_in_the_teams_queue_until_somebody_can_take_it() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (team, agents) = team(admin, "sales", 1, 10).await;
    set(admin, &agents[0], "break").await.expect(200);
    let incoming = json!({"direction": "inbound", "number": NUMBER, "team_id": team});
    let mut socket = Socket::open(admin, None).await;
    let first = begun(admin, &incoming).await;
    let second = begun(admin, &incoming).await;
    for path in [&first, &second] {
        assert_eq!(admin.get(path).await.expect(200)["status"], "queued");
    }
    assert_eq!(admin.delete(&at("/api/v1/teams", &team)).await.problem(409), "team-in-use");
    socket.until("call.queued").await;

    set(admin, &agents[0], "available").await.expect(200);
    let told = socket.until("call.incoming").await.pop().expect("an event");
    assert_eq!(told["subject"], format!("call:{}", first.rsplit('/').next().expect("an id")));
    let rings = admin.get(&first).await.expect(200);
    assert_eq!((&rings["status"], &rings["agent_id"]), (&json!("ringing"), &agents[0]));
    assert_eq!(admin.get(&second).await.expect(200)["status"], "queued", "one at a time");

    // It is missed, so there is room for the next.
    step(admin, &first, "end", &json!({})).await.expect(200);
    let told = socket.until("call.incoming").await.pop().expect("an event");
    assert_eq!(told["subject"], format!("call:{}", second.rsplit('/').next().expect("an id")));

    // More calls at a time bring room too.
    let third = begun(admin, &incoming).await;
    assert_eq!(admin.get(&third).await.expect(200)["status"], "queued");
    let most = json!({"capacities": [{"channel": "voice", "most": 2}]});
    let path = format!("{}/capacities", at("/api/v1/agents", &agents[0]));
    admin.send(admin.request(Method::PUT, &path).json(&most)).await.expect(200);
    socket.until("call.incoming").await;
    assert_eq!(admin.get(&third).await.expect(200)["status"], "ringing");
    app.process.stop().await;
}

#[tokio::test]
async fn a_call_that_waits_too_long_is_told_once_and_another_team_helps_out() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (north, northern) = team(admin, "north", 1, 10).await;
    let (south, southern) = team(admin, "south", 1, 10).await;
    set(admin, &northern[0], "break").await.expect(200);
    let limits = json!({"sla_s": 20, "overflow_team_id": south, "overflow_after_s": 40});
    change(admin, &north, &limits).await;
    let mut socket = Socket::open(admin, None).await;
    let path = begun(admin, &json!({"direction": "inbound", "number": NUMBER, "team_id": north})).await;
    let depth = figures(admin, &north).await;
    assert_eq!((&depth["waiting_calls"], &depth["overdue_calls"]), (&json!(1), &json!(0)));
    assert_eq!((&depth["waiting"], &depth["service_level"]), (&json!(0), &Value::Null), "a lead is no call");

    app.advance(TimeDelta::seconds(21)).await;
    let told = socket.until("call.overdue").await.pop().expect("an event");
    assert_eq!((&told["data"]["team_id"], &told["data"]["status"]), (&north, &json!("queued")));
    let depth = figures(admin, &north).await;
    assert_eq!((&depth["overdue_calls"], depth["oldest_call"].is_string()), (&json!(1), true));
    let queue = format!("{}/calls", at(QUEUES, &north));
    let waiting = admin.all(&queue).await;
    assert_eq!((waiting.len(), at(CALLS, &waiting[0]["id"])), (1, path.clone()));
    assert!(waiting[0]["overdue_at"].is_string(), "{waiting:?}");
    assert_eq!(app.other.admin.get(&queue).await.problem(404), "not-found");
    let agent = app.user(&app.acme, "Agent").await;
    assert_eq!(agent.get(&queue).await.problem(403), "permission-missing");

    app.advance(TimeDelta::seconds(20)).await;
    let told = socket.until("call.incoming").await;
    let rerouted = told.iter().find(|event| event["type"] == "switchboard.call.rerouted.v1");
    let rerouted = &rerouted.expect("an event")["data"];
    assert_eq!((&rerouted["why"], &rerouted["from_team_id"]), (&json!("overflow"), &north));
    assert_eq!((&rerouted["to_team_id"], &rerouted["agent_id"]), (&south, &southern[0]));
    assert!(!told.iter().any(|event| event["type"] == "switchboard.call.overdue.v1"), "told once");
    assert!(admin.all(&queue).await.is_empty());

    step(admin, &path, "answer", &json!({})).await.expect(200);
    change(admin, &south, &json!({"sla_s": 300})).await;
    let level = figures(admin, &south).await;
    assert_eq!(
        (&level["calls"], &level["answered_calls"], &level["calls_in_time"], &level["service_level"]),
        (&json!(1), &json!(1), &json!(1), &json!(1.0))
    );
    change(admin, &south, &json!({"sla_s": 30})).await;
    let level = figures(admin, &south).await;
    assert_eq!((&level["calls_in_time"], &level["service_level"]), (&json!(0), &json!(0.0)));
    app.process.stop().await;
}

#[tokio::test]
async fn a_call_that_nobody_takes_is_given_up_as_its_team_says() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (empty, _) = team(admin, "empty", 0, 10).await;
    let mut socket = Socket::open(admin, None).await;
    for (after, outcome) in [("voicemail", "voicemail"), ("hang_up", "abandoned")] {
        change(admin, &empty, &json!({"max_wait_s": null})).await;
        let path = begun(admin, &json!({"direction": "inbound", "number": NUMBER, "team_id": empty})).await;
        // It holds for what waits already, within a minute.
        change(admin, &empty, &json!({"max_wait_s": 30, "after_max_wait": after})).await;
        app.advance(TimeDelta::seconds(90)).await;
        let told = socket.until("call.completed").await.pop().expect("an event");
        assert_eq!(told["data"]["outcome"], outcome);
        let over = admin.get(&path).await.expect(200);
        assert_eq!((&over["status"], &over["outcome"]), (&json!("abandoned"), &json!(outcome)));
        assert!(over["wait_s"].as_i64().is_some_and(|seconds| seconds >= 90), "{over}");
    }
    for (wrong, pointer) in [
        (json!({"ring_s": 4}), "/ring_s"),
        (json!({"ring_s": 601}), "/ring_s"),
        (json!({"max_wait_s": 0}), "/max_wait_s"),
        (json!({"after_max_wait": "dance"}), "/after_max_wait"),
    ] {
        let refused = admin.patch(&at(TEAMS, &empty), &wrong).await;
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{wrong}");
        assert_eq!(refused.problem(422), "invalid");
    }
    app.process.stop().await;
}

#[tokio::test]
async fn teams_never_help_each_other_out_in_a_ring() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let mut teams = Vec::new();
    for name in ["a", "b", "c", "d"] {
        teams.push(team(admin, name, 0, 10).await.0);
    }
    let helped = async |team: usize, helper: usize| {
        admin.patch(&at(TEAMS, &teams[team]), &json!({"overflow_team_id": teams[helper]})).await
    };
    helped(0, 1).await.expect(200);
    helped(1, 2).await.expect(200);
    for ring in [(1, 0), (2, 0), (2, 1)] {
        let refused = helped(ring.0, ring.1).await;
        assert_eq!(refused.body["errors"][0]["pointer"], "/overflow_team_id", "{ring:?}");
        assert_eq!(refused.problem(422), "invalid");
    }
    helped(2, 3).await.expect(200);
    assert_eq!(helped(3, 0).await.problem(422), "invalid", "of four, too");
    // A ring that two would close at once is closed by neither.
    change(admin, &teams[0], &json!({"overflow_team_id": null})).await;
    change(admin, &teams[2], &json!({"overflow_team_id": null})).await;
    let (one, other) = tokio::join!(helped(0, 3), helped(3, 0));
    let mut status = [one.status, other.status];
    status.sort_unstable();
    assert_eq!(status, [200, 422]);
    app.process.stop().await;
}

#[tokio::test]
async fn a_call_that_nothing_says_a_team_of_comes_to_the_default_team_or_ends_clearly() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let incoming = json!({"direction": "inbound", "number": NUMBER});
    assert_eq!(admin.post(CALLS, &incoming).await.problem(409), "no-team");
    assert!(admin.all(CALLS).await.is_empty());
    let pbx = Pbx::new(admin).await;
    let mut socket = Socket::open(admin, None).await;
    let calls = async |external: &str| {
        let found = admin.all(CALLS).await;
        found.into_iter().find(|call| call["external_id"] == external).expect("the call")
    };
    pbx.tell(&app, "m-1", "call.started", json!({})).await;
    let over = calls("c-1").await;
    assert_eq!((&over["status"], &over["outcome"]), (&json!("abandoned"), &json!("no_team")));
    let told = socket.until("call.completed").await;
    let kinds: Vec<&str> = told.iter().filter_map(|event| event["type"].as_str()).collect();
    assert!(kinds.contains(&"switchboard.call.missed.v1"), "{kinds:?}");
    assert!(!kinds.contains(&"switchboard.call.queued.v1"), "it waits for nobody: {kinds:?}");
    // The phone system found somebody all the same.
    pbx.tell(&app, "m-2", "call.answered", json!({})).await;
    let answered = calls("c-1").await;
    assert_eq!((&answered["status"], &answered["outcome"]), (&json!("ended"), &Value::Null));

    let ((home, _), (desk, _)) = (team(admin, "home", 0, 10).await, team(admin, "desk", 0, 10).await);
    let (theirs, _) = team(&app.other.admin, "theirs", 0, 10).await;
    let source = format!("/api/v1/call-sources/{}", pbx.id);
    for path in ["/api/v1/tenant", source.as_str()] {
        let refused = admin.patch(path, &json!({"default_team_id": theirs})).await;
        assert_eq!(refused.body["errors"][0]["pointer"], "/default_team_id", "{path}");
        assert_eq!(refused.problem(422), "invalid");
    }
    let foreign = app.other.admin.patch(&source, &json!({"default_team_id": theirs})).await;
    assert_eq!(foreign.problem(404), "not-found");
    let settled = admin.patch("/api/v1/tenant", &json!({"default_team_id": home})).await.expect(200);
    assert_eq!(settled["default_team_id"], home);
    let path = begun(admin, &incoming).await;
    let waits = admin.get(&path).await.expect(200);
    assert_eq!((&waits["status"], &waits["team_id"]), (&json!("queued"), &home));
    pbx.tell(&app, "m-3", "call.started", json!({"call_id": "c-2"})).await;
    assert_eq!(calls("c-2").await["team_id"], home);
    let changed = admin.patch(&source, &json!({"name": "desk", "default_team_id": desk})).await.expect(200);
    assert_eq!((&changed["name"], &changed["default_team_id"]), (&json!("desk"), &desk));
    pbx.tell(&app, "m-4", "call.started", json!({"call_id": "c-3"})).await;
    assert_eq!(calls("c-3").await["team_id"], desk);

    // A team that calls come to stays: first for the calls that wait, then because it is named.
    let refused = async |team: &Value| {
        let answer = admin.delete(&at(TEAMS, team)).await;
        let detail = answer.body["detail"].as_str().unwrap_or_default().to_owned();
        assert_eq!(answer.problem(409), "team-in-use");
        detail
    };
    assert!(refused(&home).await.contains("let them end"));
    for call in admin.all(&format!("{CALLS}?status=queued")).await {
        step(admin, &at(CALLS, &call["id"]), "end", &json!({})).await.expect(200);
    }
    assert!(refused(&home).await.contains("tenant's default team"));
    assert!(refused(&desk).await.contains("phone system"));
    admin.patch("/api/v1/tenant", &json!({"default_team_id": null})).await.expect(200);
    admin.patch(&source, &json!({"default_team_id": null})).await.expect(200);
    for team in [&home, &desk] {
        admin.delete(&at(TEAMS, team)).await.expect(204);
    }
    app.process.stop().await;
}
