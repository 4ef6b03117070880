//! What somebody hears of and counts who sees only some leads.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use switchboard_tests::{Client, Socket};

use crate::rows::{House, id, until_sent};

const MESSAGES: &str = "/api/v1/communication/messages";
const ROUTE: &str = "/api/v1/automation/leads/route";

/// Has an agent take a break, which everybody hears, and answers what came to each socket until then.
async fn heard(house: &House, sockets: &mut [&mut Socket]) -> Vec<Vec<Value>> {
    let status = format!("/api/v1/agents/{}", house.agents[3]);
    let to = house.app.acme.admin.get(&status).await.expect(200)["status"].clone();
    let to = if to == "break" { "available" } else { "break" };
    house.app.acme.admin.patch(&status, &json!({ "status": to })).await.expect(200);
    let mut all = Vec::new();
    for socket in sockets {
        all.push(socket.until("agent.status").await);
    }
    all
}

/// What events of a type are about.
fn subjects(events: &[Value], kind: &str) -> BTreeSet<String> {
    let wanted = format!("switchboard.{kind}.v1");
    let of_kind = events.iter().filter(|event| event["type"] == wanted);
    of_kind.map(|event| event["subject"].as_str().expect("a subject").to_owned()).collect()
}

fn named(resource: &str, ids: &[&String]) -> BTreeSet<String> {
    ids.iter().map(|id| format!("{resource}:{id}")).collect()
}

async fn change(admin: &Client, lead: &str, region: &str) {
    admin.patch(&format!("/api/v1/leads/{lead}"), &json!({ "region": region })).await.expect(200);
}

#[tokio::test]
async fn everybody_hears_of_the_leads_that_they_see_and_of_no_others() {
    let house = House::open().await;
    let admin = &house.app.acme.admin;
    let mut nina = Socket::open(&house.login("nina").await, None).await;
    let mut sara = Socket::open(&house.login("sara").await, None).await;
    let mut sven = Socket::open(&house.login("sven").await, None).await;
    let mut all = Socket::open(admin, None).await;
    let mut other = Socket::open(&house.app.other.admin, None).await;

    for lead in &house.leads {
        change(admin, lead, "x").await;
    }
    let mut sent = Vec::new();
    for lead in [0, 1, 3] {
        sent.push(id(&admin.post(MESSAGES, &house.to(lead)).await.expect(202)));
    }
    for message in &sent {
        until_sent(admin, message).await;
    }
    admin.delete(&format!("/api/v1/leads/{}", house.leads[1])).await.expect(204);
    let told = heard(&house, &mut [&mut nina, &mut sara, &mut sven, &mut all]).await;
    for (events, leads, messages) in [
        (&told[0], vec![0], vec![0]),
        (&told[1], vec![0, 1, 2], vec![0, 1]),
        (&told[2], vec![3], vec![2]),
        (&told[3], vec![0, 1, 2, 3, 4], vec![0, 1, 2]),
    ] {
        let of_leads = named("lead", &leads.iter().map(|lead| &house.leads[*lead]).collect::<Vec<_>>());
        let of_messages = named("message", &messages.iter().map(|number| &sent[*number]).collect::<Vec<_>>());
        assert_eq!(subjects(events, "lead.updated"), of_leads);
        assert_eq!(subjects(events, "message.queued"), of_messages);
        assert_eq!(subjects(events, "message.sent"), of_messages);
        let gone = if leads.contains(&1) { named("lead", &[&house.leads[1]]) } else { BTreeSet::new() };
        assert_eq!(subjects(events, "lead.deleted"), gone, "also of one that is gone");
    }
    house.app.other.admin.post("/api/v1/leads", &json!({"email": "o@example.com"})).await.expect(201);
    assert_eq!(other.until("lead.created").await.len(), 1, "and nobody of another tenant anything");
    house.app.process.stop().await;
}

#[tokio::test]
async fn a_lead_is_heard_of_by_whose_it_was_at_that_moment_live_and_later() {
    let house = House::open().await;
    let admin = &house.app.acme.admin;
    let (nina, sven, sara) =
        (house.login("nina").await, house.login("sven").await, house.login("sara").await);
    let mut live = [Socket::open(&nina, None).await, Socket::open(&sara, None).await];
    let since = live[0].frame().await["sequence"].as_i64().expect("a place in the log");
    change(admin, &house.leads[0], "north").await;
    // There is no room in the south: it waits there, and is nobody's.
    let away =
        json!({"lead_id": house.leads[0], "strategy": "team", "team_id": house.south, "reroute": true});
    admin.post(ROUTE, &away).await.expect(200);
    change(admin, &house.leads[0], "south").await;
    let [of_nina, of_sara] = &mut live;
    let told = heard(&house, &mut [of_nina, of_sara]).await;
    for (client, told) in [(&nina, &told[0]), (&sara, &told[1])] {
        let about = |event: &&Value| event["subject"] == format!("lead:{}", house.leads[0]);
        let kinds: Vec<_> = told.iter().filter(about).map(|event| event["type"].clone()).collect();
        let last = ["switchboard.lead.updated.v1", "switchboard.lead.queued.v1"];
        assert_eq!(kinds, last, "that it has gone, and not of what came after");
        let again = Socket::open(client, Some(since)).await.until("agent.status").await;
        assert_eq!(again, *told, "a replay tells the same");
    }
    let late = Socket::open(&sven, Some(since)).await.until("agent.status").await;
    assert!(subjects(&late, "lead.updated").is_empty(), "it waits for his team, but is not his");
    house.app.process.stop().await;
}

#[tokio::test]
async fn how_many_leads_somebody_holds_is_told_of_those_whose_leads_are_seen() {
    let house = House::open().await;
    let admin = &house.app.acme.admin;
    let (nina, sara) = (house.login("nina").await, house.login("sara").await);
    let shown = async |client: &Client, field: &str| {
        let agents = client.all("/api/v1/agents").await;
        let of = |agent: &String| agents.iter().find(|one| one["id"] == **agent).expect("it is listed");
        house.agents.iter().map(|agent| of(agent)[field].clone()).collect::<Value>()
    };
    assert_eq!(shown(admin, "open_leads").await, json!([1, 1, 0, 1]));
    assert_eq!(shown(&nina, "open_leads").await, json!([1, null, null, null]));
    assert_eq!(shown(&sara, "open_leads").await, json!([1, 1, 0, null]));
    let one = format!("/api/v1/agents/{}", house.agents[3]);
    assert!(sara.get(&one).await.expect(200)["open_leads"].is_null());
    // Whether somebody can take one more is no count, and the same for all.
    admin.delete(&format!("/api/v1/leads/{}", house.leads[3])).await.expect(204);
    for client in [admin, &nina, &sara] {
        assert_eq!(shown(client, "is_free").await, json!([false, false, false, true]));
    }
    let nobody = json!({ "user_id": null });
    admin.patch(&format!("/api/v1/agents/{}", house.agents[2]), &nobody).await.expect(200);
    let nobody = house.login("sara").await;
    assert_eq!(shown(&nobody, "open_leads").await, json!([null, null, null, null]));
    house.app.process.stop().await;
}
