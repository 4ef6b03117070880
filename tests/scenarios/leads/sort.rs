//! Lists of leads in the order that is asked for, page by page.

use std::{cmp::Ordering, collections::HashSet};

use serde_json::{Value, json};
use switchboard_tests::{Client, TestApp};

use crate::{agents::person, calls::seen::plan, leads::import, routing::rules::lead, routing::team};

pub const LEADS: usize = 1_000;

/// What a lead is sorted by; nothing for its id alone.
fn key(lead: &Value, by: &str) -> Option<i64> {
    match by {
        "updated" => {
            let at = lead["updated_at"].as_str().expect("an instant");
            Some(chrono::DateTime::parse_from_rfc3339(at).expect("an instant").timestamp_micros())
        }
        "value" => lead["value_cents"].as_i64(),
        "score" => lead["score"]["total"].as_i64(),
        _ => Some(0),
    }
}

/// How two neighbours of a list that rises or falls stand to each other: those without a key last, ids decide.
pub fn order(before: &Value, after: &Value, by: &str, falls: bool) -> Ordering {
    let turned = |ordering: Ordering| if falls { ordering.reverse() } else { ordering };
    let ids = turned(before["id"].as_str().cmp(&after["id"].as_str()));
    match (key(before, by), key(after, by)) {
        (Some(one), Some(two)) => turned(one.cmp(&two)).then(ids),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => ids,
    }
}

/// Few keys for many leads, and some leads without one.
pub async fn crowd(app: &TestApp) {
    let line = |at: usize| {
        let value = if at.is_multiple_of(7) { String::new() } else { (at % 5 * 100).to_string() };
        let tag = if at.is_multiple_of(10) { "vip" } else { "" };
        format!("l{at}@example.com,{value},{tag}\n")
    };
    let file: String =
        std::iter::once("email,value_cents,tags\n".to_owned()).chain((0..LEADS).map(line)).collect();
    let made = import(&app.acme.admin, file).await.expect(201);
    assert_eq!(made["created"], LEADS);
    let mut system = app.database.connect_as("switchboard_system").await;
    sqlx::query(
        "with scored as (
           update leads l set updated_at = to_timestamp(1700000000 + n.at % 3), score = n.score,
                  score_source = n.score, score_status = 0, score_engagement = 0, score_assignment = 0, score_fit = 0,
                  score_recency = 0, score_model = 1, scored_at = now()
             from (select id, at, case when at % 4 > 0 then (at % 4 * 10)::smallint end as score
                     from (select id, row_number() over (order by id) as at from leads) numbered) n
            where n.id = l.id
           returning l.id, l.score
         )
         update lead_ranks r set score = s.score from scored s where r.lead_id = s.id and s.score is not null",
    )
    .execute(&mut system)
    .await
    .expect("the leads are sorted by something");
}

async fn refused(client: &Client, query: &str, cursor: &Value, status: u16) -> String {
    let cursor = cursor.as_str().expect("a cursor");
    client.get(&format!("/api/v1/leads?{query}&cursor={cursor}")).await.problem(status)
}

#[tokio::test]
async fn a_thousand_leads_of_few_keys_come_once_each_in_every_order() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    crowd(&app).await;
    lead(&app.other.admin, &json!({"value_cents": 1})).await;
    let mut all = HashSet::new();
    for sort in ["", "-created", "created", "updated", "-updated", "value", "-value", "score", "-score"] {
        let (by, falls) = (sort.trim_start_matches('-'), sort.is_empty() || sort.starts_with('-'));
        let query = if sort.is_empty() { String::new() } else { format!("?sort={sort}") };
        let leads = admin.all(&format!("/api/v1/leads{query}")).await;
        let ids: HashSet<String> =
            leads.iter().map(|lead| lead["id"].as_str().expect("an id").to_owned()).collect();
        assert_eq!((leads.len(), ids.len()), (LEADS, LEADS), "{sort}");
        if all.is_empty() {
            all.clone_from(&ids);
        }
        assert_eq!(ids, all, "{sort}");
        for pair in leads.windows(2) {
            assert_eq!(order(&pair[0], &pair[1], by, falls), Ordering::Less, "{sort}: {pair:?}");
        }
        // The first and the last have what they should have, so that the order above means something.
        let ends = (key(&leads[0], by), key(&leads[LEADS - 1], by));
        match sort {
            "value" => assert_eq!(ends, (Some(0), None)),
            "-value" => assert_eq!(ends, (Some(400), None)),
            "score" => assert_eq!(ends, (Some(10), None)),
            "-score" => assert_eq!(ends, (Some(30), None)),
            _ => {}
        }
    }
    // With a filter: a hundred have the tag.
    let tagged = admin.all("/api/v1/leads?tag=vip&sort=-value&status=new").await;
    assert_eq!(tagged.len(), LEADS / 10);
    assert!(tagged.windows(2).all(|pair| order(&pair[0], &pair[1], "value", true) == Ordering::Less));
    assert!(tagged.iter().all(|lead| lead["tags"] == json!(["vip"])));
    let newest = admin.all("/api/v1/leads?tag=vip").await;
    assert_eq!(newest.len(), LEADS / 10);
    assert!(newest.windows(2).all(|pair| order(&pair[0], &pair[1], "", true) == Ordering::Less));
    app.process.stop().await;
}

/// However far back a page lies, it is found by its place: also by a role that Postgres lets see some rows only.
#[tokio::test]
async fn a_page_is_found_in_the_index_of_its_order() {
    let app = TestApp::start().await;
    crowd(&app).await;
    let mut owner = app.database.connect_as("none").await;
    sqlx::raw_sql("analyze leads, lead_ranks").execute(&mut owner).await.expect("they are counted");
    let mut walled = app.database.connect_as("switchboard_app").await;
    let tenant = app.acme.id;
    let settings = format!("set app.tenant = '{tenant}'; set enable_seqscan = off; set enable_sort = off");
    sqlx::raw_sql(sqlx::AssertSqlSafe(settings)).execute(&mut walled).await.expect("set");
    let (id, page) = (uuid::Uuid::max(), "limit 50");
    let value = "case when l.value_cents is null then -1::bigint else l.value_cents end";
    for (index, key, place) in [
        ("leads_updated_idx", "l.updated_at", "'2030-01-01'::timestamptz"),
        ("leads_value_idx", value, "300::bigint"),
    ] {
        let query = format!(
            "select l.id from leads l where l.tenant_id = '{tenant}' and ({key}, l.id) < ({place}, '{id}'::uuid)
              order by {key} desc, l.id desc {page}"
        );
        let plan = plan(&mut walled, &query).await;
        assert!(plan.contains(index), "{index}: {plan}");
        let found = plan.lines().find(|line| line.contains("Index Cond")).expect("a condition");
        assert!(found.contains("ROW("), "{index}: {plan}");
    }
    for (index, seen) in [
        ("lead_ranks_status_idx", ""),
        (
            "lead_ranks_owner_idx",
            "and r.owner_id = l.owner_id and r.owner_id = '00000000-0000-0000-0000-000000000001'",
        ),
        (
            "lead_ranks_team_idx",
            "and r.team_id = l.team_id and r.team_id = '00000000-0000-0000-0000-000000000001'",
        ),
    ] {
        let by_score = format!(
            "select k.lead_id from unnest(array['new', 'lost']) as s (status) cross join lateral (
               select r.score, r.lead_id
                 from lead_ranks r join leads l on l.tenant_id = r.tenant_id and l.id = r.lead_id
                where l.tenant_id = '{tenant}' and r.tenant_id = '{tenant}' and r.status = s.status {seen}
                  and (r.score, r.lead_id) < (20::smallint, '{id}'::uuid)
                order by r.score desc, r.lead_id desc {page}) k
              order by k.score desc, k.lead_id desc {page}"
        );
        let plan = plan(&mut walled, &by_score).await;
        assert!(plan.contains(index), "{index}: {plan}");
        assert!(plan.lines().any(|line| line.contains("Index Cond") && line.contains("ROW(")), "{plan}");
    }
    app.process.stop().await;
}

#[tokio::test]
async fn pages_end_anywhere_and_a_cursor_is_for_its_own_order() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    for value in [None, Some(5), Some(0), None, Some(5), Some(i64::MAX)] {
        lead(admin, &json!({ "value_cents": value })).await;
    }
    for sort in ["value", "-value"] {
        let mut values = Vec::new();
        let mut query = format!("/api/v1/leads?sort={sort}&limit=1&fields=value_cents");
        loop {
            let page = admin.get(&query).await.expect(200);
            values.push(page["items"][0]["value_cents"].as_i64());
            let Some(next) = page["next_cursor"].as_str() else { break };
            query = format!("/api/v1/leads?sort={sort}&limit=1&cursor={next}");
        }
        let mut wanted = [Some(0), Some(5), Some(5), Some(i64::MAX), None, None];
        if sort == "-value" {
            wanted[..4].reverse();
        }
        assert_eq!(values, wanted, "{sort}");
    }
    let cursor = admin.get("/api/v1/leads?sort=value&limit=1").await.expect(200)["next_cursor"].clone();
    for query in ["sort=-value&limit=1", "sort=score", "limit=1"] {
        assert_eq!(refused(admin, query, &cursor, 400).await, "cursor-of-another-order", "{query}");
    }
    assert_eq!(refused(admin, "sort=value", &json!("abc"), 422).await, "invalid");
    assert_eq!(admin.get("/api/v1/leads?sort=colour").await.problem(422), "invalid");
    assert!(app.other.admin.all("/api/v1/leads?sort=-value").await.is_empty());
    app.process.stop().await;
}

#[tokio::test]
async fn whoever_sees_their_own_leads_sees_them_in_every_order() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 2, 10).await;
    let mut own = Vec::new();
    for value in 0..4_usize {
        let id = lead(admin, &json!({ "value_cents": value })).await;
        let direct = json!({"lead_id": id, "strategy": "direct", "agent_id": agents[value % 2]});
        admin.post("/api/v1/automation/leads/route", &direct).await.expect(200);
        if value.is_multiple_of(2) {
            own.push(id);
        }
    }
    let agent = person(&app, &agents[0]).await;
    for sort in ["value", "created", "updated", "score"] {
        let seen = agent.all(&format!("/api/v1/leads?sort={sort}")).await;
        assert_eq!(seen.iter().map(|lead| lead["id"].clone()).collect::<Vec<_>>(), own, "{sort}");
        let down = agent.all(&format!("/api/v1/leads?sort=-{sort}")).await;
        assert_eq!(down.iter().rev().map(|lead| lead["id"].clone()).collect::<Vec<_>>(), own, "-{sort}");
    }
    app.process.stop().await;
}

#[tokio::test]
async fn what_was_spent_is_kept_beside_the_value_and_added_up_for_one_person() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let path = |id: &Value| format!("/api/v1/leads/{}", id.as_str().expect("an id"));
    let one = lead(admin, &json!({"value_cents": 900, "cost_cents": 30})).await;
    assert_eq!(admin.get(&path(&one)).await.expect(200)["cost_cents"], 30);
    let changed = admin.patch(&path(&one), &json!({"cost_cents": 40})).await.expect(200);
    assert_eq!((&changed["cost_cents"], &changed["value_cents"]), (&json!(40), &json!(900)));
    let wrong = admin.patch(&path(&one), &json!({"cost_cents": -1})).await;
    assert_eq!(wrong.body["errors"][0]["pointer"], "/cost_cents");
    assert_eq!(wrong.problem(422), "invalid");
    let file = "email,cost_cents\na@example.com,7\nb@example.com,-7\nc@example.com,much\n";
    let report = import(admin, file).await.expect(201);
    assert_eq!((&report["created"], &report["rejected"]), (&json!(1), &json!(2)));
    let other = admin.all("/api/v1/leads?email=a@example.com").await[0]["id"].clone();
    assert_eq!(admin.get(&path(&other)).await.expect(200)["cost_cents"], 7);
    let merged =
        admin.post(&format!("{}/merge", path(&one)), &json!({ "loser_id": other })).await.expect(200);
    assert_eq!((&merged["cost_cents"], &merged["value_cents"]), (&json!(47), &json!(900)));
    let free = admin.patch(&path(&one), &json!({"cost_cents": null})).await.expect(200);
    assert_eq!(free["cost_cents"], Value::Null);
    app.process.stop().await;
}
