//! Many leads in a sequence: they enter by the selection of an action, and whoever dies or works beside, each gets each
//! message once.

use domain::{
    Ctx,
    sequences::walk::{self, Walked},
    types::SequenceId,
};
use serde_json::{Value, json};
use sqlx::Connection;
use switchboard_tests::{Client, TestApp, id};

use crate::{
    callbacks::messages::{count, system, until_count},
    leads::actions::{done, result},
    leads::import,
    onboarding::until,
    rights::admitted,
    routing::rules::lead,
    sending::idle,
    sequences::{DAY, at, desk, enter, published, steer, steps},
};

const LEADS: usize = 600;

fn file(leads: usize) -> String {
    (0..leads).fold("email\n".to_owned(), |file, at| format!("{file}l{at}@example.com\n"))
}

async fn progress(client: &Client, sequence: &Value) -> Value {
    client.get(&format!("{}/progress", at(sequence))).await.expect(200)
}

/// Walks until nothing is due, beside others.
async fn walk_all(ctx: &Ctx, sequence: SequenceId) -> usize {
    let mut moved = 0;
    loop {
        match walk::page(ctx, sequence).await.expect("a page") {
            Walked::Page(count) => moved += count,
            Walked::Held => tokio::task::yield_now().await,
            Walked::Stuck(code) => panic!("it is stuck: {code}"),
            Walked::Over => return moved,
        }
    }
}

#[tokio::test]
async fn many_enter_by_an_action_and_entering_twice_is_harmless() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    desk(admin, &["first"]).await;
    let sequence = published(admin, "s", &steps(&[("first", 24 * 60)])).await;
    import(admin, file(LEADS)).await.expect(201);
    let apart = lead(admin, &json!({"status": "lost"})).await;
    let (all, lost) = (json!({"source": "import"}), json!({"status": "lost"}));
    let into = json!({"kind": "enrol", "sequence_id": sequence});
    let dry = admin
        .post("/api/v1/leads/actions", &json!({"action": into, "filter": all, "dry_run": true}))
        .await
        .expect(200);
    assert_eq!(dry["matched"], LEADS);
    assert_eq!(progress(admin, &sequence).await["entered"], 0, "shown and not done");
    assert_eq!(done(admin, &into, &all).await, result(LEADS, LEADS, 0, &json!({})));
    assert_eq!(done(admin, &into, &all).await, result(LEADS, 0, LEADS, &json!({})));
    let goes = progress(admin, &sequence).await;
    assert_eq!((&goes["entered"], &goes["waiting"]), (&json!(LEADS), &json!(LEADS)));

    // Who has been through does not enter again.
    let way = enter(admin, &sequence, &apart).await;
    admin.post(&format!("{way}/leave"), &json!({})).await.expect(200);
    assert_eq!(done(admin, &into, &lost).await, result(1, 0, 0, &json!({"been-through": 1})));
    let out = json!({"kind": "leave", "sequence_id": sequence});
    assert_eq!(done(admin, &out, &all).await, result(LEADS, LEADS, 0, &json!({})));
    let goes = progress(admin, &sequence).await;
    assert_eq!((&goes["waiting"], &goes["left"]), (&json!(0), &json!(LEADS + 1)));

    let draft = admin.post("/api/v1/sequences", &json!({"name": "d", "definition": {"steps": []}})).await;
    let nowhere = json!({"kind": "enrol", "sequence_id": draft.expect(201)["id"]});
    let refused = admin.post("/api/v1/leads/actions", &json!({"action": nowhere, "filter": all})).await;
    assert_eq!(refused.body["errors"][0]["pointer"], "/action/sequence_id");
    assert_eq!(refused.problem(422), "invalid");
    app.process.stop().await;
}

#[tokio::test]
async fn of_many_who_walk_at_once_each_step_is_taken_once() {
    let app = TestApp::with(idle).await;
    let admin = &app.acme.admin;
    desk(admin, &["first", "second"]).await;
    let sequence = published(admin, "s", &steps(&[("first", 0), ("second", 60)])).await;
    for number in 0..250 {
        let who = lead(admin, &json!({"email": format!("w{number}@example.com")})).await;
        enter(admin, &sequence, &who).await;
    }
    let ctx = admitted(&app, admin).await;
    let theirs = admitted(&app, &app.other.admin).await;
    assert_eq!(walk_all(&theirs, id(&sequence)).await, 0, "nothing of another tenant");
    let mut conn = system(&app).await;
    for round in 1_i64..=2 {
        let walks = (0..6).map(|_| walk_all(&ctx, id(&sequence)));
        let moved: usize = futures::future::join_all(walks).await.into_iter().sum();
        assert_eq!(moved, 250);
        assert_eq!(count(&mut conn, "select count(*) from sequence_steps").await, 250 * round);
        assert_eq!(count(&mut conn, "select count(*) from messages").await, 250 * round);
        assert_eq!(count(&mut conn, "select count(distinct lead_id) from messages").await, 250);
        // Nobody sends them here, and who has not got the first gets no second.
        let gone = "update messages set status = 'sent', sent_at = engine.now() where status = 'queued'";
        sqlx::query(gone).execute(&mut conn).await.expect("they are sent");
        app.database.advance(2.0 * 3600.0).await;
    }
    assert_eq!(progress(admin, &sequence).await["completed"], 250);
    app.process.stop().await;
}

#[tokio::test]
async fn a_page_that_is_cut_off_has_taken_no_step_and_comes_again_whole() {
    let app = TestApp::with(idle).await;
    let admin = &app.acme.admin;
    desk(admin, &["first"]).await;
    let sequence = published(admin, "s", &steps(&[("first", 0)])).await;
    for _ in 0..3 {
        enter(admin, &sequence, &lead(admin, &json!({})).await).await;
    }
    let ctx = admitted(&app, admin).await;
    let mut conn = system(&app).await;
    let mut owner = sqlx::PgConnection::connect_with(&app.database.owner).await.expect("a connection");
    // Each of the tables that a page writes refuses once: whatever came before it is undone.
    let breaks = "create function breaks() returns trigger language plpgsql as
                  $$ begin raise exception 'cut off'; end $$";
    sqlx::raw_sql(breaks).execute(&mut owner).await.expect("a function");
    for (put, drop) in [
        (
            "create trigger b before insert on messages execute function breaks()",
            "drop trigger b on messages",
        ),
        (
            "create trigger b before insert on engine.jobs execute function breaks()",
            "drop trigger b on engine.jobs",
        ),
        (
            "create trigger b before insert on sequence_steps execute function breaks()",
            "drop trigger b on sequence_steps",
        ),
        (
            "create trigger b before update on sequence_enrolments execute function breaks()",
            "drop trigger b on sequence_enrolments",
        ),
        (
            "create trigger b before insert on engine.log execute function breaks()",
            "drop trigger b on engine.log",
        ),
    ] {
        sqlx::raw_sql(put).execute(&mut owner).await.expect("a trigger");
        assert!(walk::page(&ctx, id(&sequence)).await.is_err(), "{put}");
        sqlx::raw_sql(drop).execute(&mut owner).await.expect("no trigger");
        assert_eq!(count(&mut conn, "select count(*) from messages").await, 0, "{put}");
        assert_eq!(count(&mut conn, "select count(*) from sequence_steps").await, 0, "{put}");
    }
    assert_eq!(walk_all(&ctx, id(&sequence)).await, 3);
    assert_eq!(count(&mut conn, "select count(distinct lead_id) from messages").await, 3);
    assert_eq!(count(&mut conn, "select count(*) from messages").await, 3);
    app.process.stop().await;
}

#[tokio::test]
async fn a_lead_whose_key_cannot_be_read_keeps_nobody_else_from_their_step() {
    let app = TestApp::with(idle).await;
    let admin = &app.acme.admin;
    desk(admin, &["first"]).await;
    let sequence = published(admin, "s", &steps(&[("first", 0)])).await;
    let mut ways = Vec::new();
    for _ in 0..2 {
        let who = lead(admin, &json!({})).await;
        ways.push((enter(admin, &sequence, &who).await, who));
    }
    let [(spoilt, whose), (sound, _)] = &ways[..] else { panic!("two") };
    let turned = "update subject_keys
                     set wrapped = set_byte(wrapped, length(wrapped) - 1, get_byte(wrapped, length(wrapped) - 1) # 1)
                   where subject_id = $1";
    let mut conn = system(&app).await;
    let whose: uuid::Uuid = whose.as_str().expect("an id").parse().expect("an id");
    let done = sqlx::query(turned).bind(whose).execute(&mut conn).await;
    assert_eq!(done.expect("a key").rows_affected(), 1);
    let ctx = admitted(&app, admin).await;
    assert_eq!(walk_all(&ctx, id(&sequence)).await, 2);
    let taken = async |way: &str| admin.get(way).await.expect(200)["steps"][0].clone();
    assert_eq!(taken(spoilt).await["reason"], "no_address");
    assert_eq!(taken(sound).await["outcome"], "sent");
    app.process.stop().await;
}

#[tokio::test]
async fn figures_are_the_same_before_and_after_they_are_added_up() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    desk(admin, &["first"]).await;
    let sequence = published(admin, "s", &steps(&[("first", 60)])).await;
    for _ in 0..3 {
        enter(admin, &sequence, &lead(admin, &json!({})).await).await;
    }
    app.database.advance(DAY).await;
    let path = format!("{}/progress", at(&sequence));
    let goes = until(admin, &path, |goes| goes["completed"] == 3).await;
    assert_eq!((&goes["entered"], &goes["steps"][0]["sent"]), (&json!(3), &json!(3)));
    walk::add_up(&app.process.app.platform).await.expect("added up");
    let mut conn = system(&app).await;
    // Upkeep may be about the rest.
    until_count(&mut conn, "select count(*) from sequence_count_changes", 0).await;
    assert_eq!(progress(admin, &sequence).await, goes);
    steer(admin, &sequence, "archive").await.expect(200);
    assert_eq!(progress(admin, &sequence).await["entered"], 3);
    app.process.stop().await;
}
