//! The ranks of leads: what they are found by in the order of their scores stays what the leads are.

use std::{cmp::Ordering, collections::HashSet};

use domain::{
    scoring::apply::{self, Why},
    types::LeadId,
};
use serde_json::{Value, json};
use sqlx::PgConnection;
use switchboard_tests::{Client, TestApp};
use uuid::Uuid;

use crate::{
    leads::actions::{done, path},
    leads::import,
    leads::sort::{LEADS, crowd, order},
    rights::admitted,
    routing::rules::{ROUTE, lead},
    routing::team,
};

const SCORE: &str = "/api/v1/automation/leads/score";
const STATUSES: [&str; 6] = ["new", "contacted", "qualified", "proposal", "converted", "lost"];

/// Leads whose rank is not what they are, ranks of no lead among them.
async fn apart(system: &mut PgConnection) -> Vec<Uuid> {
    let apart = sqlx::query_scalar(
        "select coalesce(l.id, r.lead_id)
           from leads l full join lead_ranks r on r.tenant_id = l.tenant_id and r.lead_id = l.id
          where (l.status, l.owner_id, l.team_id, coalesce(l.score, -1))
             is distinct from (r.status, r.owner_id, r.team_id, r.score::int)",
    );
    apart.fetch_all(system).await.expect("an answer")
}

/// A tenant with agents and leads, and what is done with them.
struct House<'a> {
    admin: &'a Client,
    agents: Vec<Value>,
    leads: Vec<Value>,
}

impl<'a> House<'a> {
    async fn set_up(admin: &'a Client) -> Self {
        let (_, agents) = team(admin, "sales", 3, 1_000).await;
        let mut house = Self { admin, agents, leads: Vec::new() };
        house.import(12).await;
        house
    }

    async fn import(&mut self, leads: usize) {
        let line = |_| format!("{}@example.com\n", Uuid::now_v7().simple());
        let file: String = std::iter::once("email\n".to_owned()).chain((0..leads).map(line)).collect();
        assert_eq!(import(self.admin, file).await.expect(201)["created"], leads);
        self.leads = self.admin.all("/api/v1/leads").await.iter().map(|lead| lead["id"].clone()).collect();
    }

    /// Something that is done with leads, another each time.
    async fn step(&mut self, at: usize) {
        let (admin, place) = (self.admin, at * 31 % self.leads.len());
        let one = self.leads[place].clone();
        let (status, agent) = (STATUSES[at % 6], &self.agents[at % 3]);
        match at * 7 % 11 {
            0 => self.leads.push(lead(admin, &json!({ "status": status })).await),
            1 | 2 => drop(admin.patch(&path(&one), &json!({ "status": status })).await.expect(200)),
            // Nobody is given a closed lead, which is well too.
            3 | 4 => {
                let direct =
                    json!({"lead_id": one, "strategy": "direct", "agent_id": agent, "reroute": true});
                admin.post(ROUTE, &direct).await;
            }
            5 => drop(admin.post(SCORE, &json!({ "lead_id": one })).await.expect(200)),
            6 => {
                let other = self.leads.swap_remove((place + 1) % self.leads.len());
                admin.post(&format!("{}/merge", path(&one)), &json!({ "loser_id": other })).await.expect(200);
            }
            7 => {
                self.leads.swap_remove(place);
                admin.delete(&path(&one)).await.expect(204);
            }
            8 => {
                let action = json!({"kind": "set_status", "status": status});
                done(admin, &action, &json!({"source": "manual"})).await;
            }
            9 => drop(done(admin, &json!({"kind": "clear_owner"}), &json!({ "owner_id": agent })).await),
            _ => {
                self.import(3).await;
                admin.ended(admin.post(SCORE, &json!({"all": true})).await).await;
            }
        }
    }
}

#[tokio::test]
async fn whatever_is_done_with_leads_their_ranks_are_what_they_are() {
    let app = TestApp::start().await;
    let mut system = app.database.connect_as("switchboard_system").await;
    let mut houses = [House::set_up(&app.acme.admin).await, House::set_up(&app.other.admin).await];
    assert!(apart(&mut system).await.is_empty(), "imported");
    for at in 0..44 {
        for (number, house) in houses.iter_mut().enumerate() {
            house.step(at + number * 5).await;
            assert!(apart(&mut system).await.is_empty(), "step {at} of tenant {number}");
        }
    }
    for (house, tenant) in houses.iter().zip([&app.acme, &app.other]) {
        let (statuses, owned, scored): (i64, i64, i64) = sqlx::query_as(
            "select count(distinct status), count(owner_id), count(*) filter (where score >= 0)
               from lead_ranks where tenant_id = $1",
        )
        .bind(tenant.id.0)
        .fetch_one(&mut system)
        .await
        .expect("an answer");
        assert!(statuses > 1 && owned > 0 && scored > 0, "{statuses} {owned} {scored}");
        let agent = format!("/api/v1/agents/{}?requeue=true", house.agents[0].as_str().expect("an id"));
        house.admin.delete(&agent).await.expect(204);
        assert!(apart(&mut system).await.is_empty(), "an agent is gone");
        done(house.admin, &json!({"kind": "delete"}), &json!({"source": "manual"})).await;
        assert!(apart(&mut system).await.is_empty(), "leads are gone");
    }

    // Another tenant neither sees ranks nor changes them, and one that is changed by hand is noticed.
    let mut walled = app.database.connect_as("switchboard_app").await;
    sqlx::query("select set_config('app.tenant', $1, false)")
        .bind(app.other.id.to_string())
        .execute(&mut walled)
        .await
        .expect("a tenant is set");
    let wrong = "update lead_ranks set score = 1 + (score + 1) % 2 where tenant_id = $1";
    let changed = sqlx::query(wrong).bind(app.acme.id.0).execute(&mut walled).await.expect("an answer");
    assert_eq!(changed.rows_affected(), 0);
    let changed = sqlx::query(wrong).bind(app.acme.id.0).execute(&mut system).await.expect("an answer");
    assert!(changed.rows_affected() > 0);
    assert!(!apart(&mut system).await.is_empty());
    app.process.stop().await;
}

/// How many rows of a table this connection has changed so far, and how many of them without an index being touched.
async fn changed(conn: &mut PgConnection, table: &str) -> (i64, i64) {
    sqlx::query_as("select n_tup_upd, n_tup_hot_upd from pg_stat_xact_user_tables where relname = $1")
        .bind(table)
        .fetch_one(conn)
        .await
        .expect("they are counted")
}

#[tokio::test]
async fn leads_are_scored_without_an_index_of_theirs_being_touched() {
    const MANY: i64 = 500;
    let app = TestApp::start().await;
    let line = |at: i64| format!("Ada {at},l{at}@example.com,+1415{}\n", 5_550_000 + at);
    let file: String = std::iter::once("name,email,phone\n".to_owned()).chain((0..MANY).map(line)).collect();
    assert_eq!(import(&app.acme.admin, file).await.expect(201)["created"], MANY);
    let ctx = admitted(&app, &app.acme.admin).await;
    let mut tx = ctx.begin().await.expect("a transaction");
    let indexes: Vec<String> = sqlx::query_scalar(
        "select indexdef from pg_indexes where schemaname = 'public' and tablename = 'leads'",
    )
    .fetch_all(tx.conn())
    .await
    .expect("the catalogue answers");
    assert!(indexes.len() > 5 && !indexes.iter().any(|index| index.contains("score")), "{indexes:?}");

    let leads: Vec<Uuid> = sqlx::query_scalar("select id from leads order by id")
        .fetch_all(tx.conn())
        .await
        .expect("they are there");
    let before = (changed(tx.conn(), "leads").await, changed(tx.conn(), "lead_ranks").await);
    // All in one transaction, as a job does a page: nothing that has become old makes room meanwhile.
    for lead in &leads {
        apply::within(&mut tx, LeadId(*lead), ctx.now(), Why::Asked).await.expect("it is scored");
    }
    let after = (changed(tx.conn(), "leads").await, changed(tx.conn(), "lead_ranks").await);
    assert_eq!((after.0.0 - before.0.0, after.0.1 - before.0.1), (MANY, MANY), "all of them heap-only");
    assert_eq!(after.1.0 - before.1.0, MANY);
    // Where a score stays what it was, nothing that is found by it is written.
    for lead in &leads {
        apply::within(&mut tx, LeadId(*lead), ctx.now(), Why::Asked).await.expect("it is scored");
    }
    let again = (changed(tx.conn(), "leads").await, changed(tx.conn(), "lead_ranks").await);
    assert_eq!((again.0.0 - after.0.0, again.1.0 - after.1.0), (MANY, 0));
    tx.commit().await.expect("committed");
    let mut system = app.database.connect_as("switchboard_system").await;
    assert!(apart(&mut system).await.is_empty());
    app.process.stop().await;
}

#[tokio::test]
async fn leads_of_all_statuses_are_one_list_by_their_score() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    crowd(&app).await;
    let theirs = lead(&app.other.admin, &json!({})).await;
    let mut system = app.database.connect_as("switchboard_system").await;
    sqlx::query(
        "update leads l set status = ($2::text[])[1 + n.at % 6]
           from (select id, row_number() over (order by id) as at from leads where tenant_id = $1) n
          where n.id = l.id",
    )
    .bind(app.acme.id.0)
    .bind(&STATUSES[..])
    .execute(&mut system)
    .await
    .expect("they come to something");
    assert!(apart(&mut system).await.is_empty());
    for (sort, falls) in [("score", false), ("-score", true)] {
        for (filter, wanted) in [("", LEADS), ("&status=new", LEADS / 6), ("&tag=vip", LEADS / 10)] {
            let leads = admin.all(&format!("/api/v1/leads?sort={sort}{filter}")).await;
            let ids: HashSet<&str> = leads.iter().filter_map(|lead| lead["id"].as_str()).collect();
            assert_eq!((leads.len(), ids.len()), (wanted, wanted), "{sort} {filter}");
            for pair in leads.windows(2) {
                assert_eq!(order(&pair[0], &pair[1], "score", falls), Ordering::Less, "{sort}: {pair:?}");
            }
            assert!(leads[0]["score"].is_object(), "{sort} {filter}");
            let statuses: HashSet<&str> = leads.iter().filter_map(|lead| lead["status"].as_str()).collect();
            assert_eq!(statuses.len() == 1, filter == "&status=new", "{sort} {filter}: {statuses:?}");
        }
        let last = &admin.all(&format!("/api/v1/leads?sort={sort}&status=new")).await[LEADS / 6 - 1];
        assert_eq!(last["score"], Value::Null, "those without a score come last");
        let seen = app.other.admin.all(&format!("/api/v1/leads?sort={sort}")).await;
        assert_eq!((seen.len(), &seen[0]["id"]), (1, &theirs));
    }
    app.process.stop().await;
}
