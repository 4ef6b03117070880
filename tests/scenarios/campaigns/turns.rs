//! What a turn of a campaign's run leaves for the next one: what may be sent by then, and nothing where nothing has changed.

use std::time::Duration;

use domain::{
    campaigns::release::{self, Turn},
    messages::provider::Route,
    types::CampaignRunId,
};
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use switchboard_tests::TestApp;

use crate::{
    campaigns::cost::by_text,
    campaigns::planned::{begun, plan, release},
    campaigns::told::{becomes, by_both, messages, people as reachable, taken},
    campaigns::{by_mail, draft, people},
    leads::actions::somebody_waits,
    rights::admitted,
    sending::idle,
};

#[tokio::test]
async fn what_a_turn_takes_of_time_counts_for_the_rate() {
    let app = TestApp::with(idle).await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    let content = by_mail(admin).await;
    people(admin, 5).await;
    let path = draft(admin, &content, &json!({"limits": {"rate_per_minute": 60}})).await;
    let run = begun(admin, &path).await;
    plan(&ctx, run).await;
    let queued = async || -> Value {
        admin.get(&format!("{path}/progress")).await.expect(200)["statuses"]["queued"].clone()
    };
    let mut other = app.database.connect_as("switchboard_system").await;
    let mut holds = other.begin().await.expect("a transaction");
    sqlx::query("select lead_id from campaign_recipients for update")
        .fetch_all(&mut *holds)
        .await
        .expect("the recipients are held");
    let passes = async {
        somebody_waits(&app).await;
        app.database.advance(30.0).await;
        holds.commit().await.expect("they are let go");
    };
    let (went, ()) = tokio::join!(release::turn(&ctx, run), passes);
    assert_eq!(went.expect("a turn"), Turn::Went);
    assert_eq!(queued().await, 1, "the first at once");
    assert_eq!(release::turn(&ctx, run).await.expect("a turn"), Turn::Went);
    assert_eq!(queued().await, 3, "half a minute has passed, of which two seconds count at once");
    app.process.stop().await;
}

/// Which version of its row a run has.
async fn version(system: &mut PgConnection, run: CampaignRunId) -> String {
    sqlx::query_scalar("select xmin::text from campaign_runs where id = $1")
        .bind(run.0)
        .fetch_one(system)
        .await
        .expect("a run")
}

#[tokio::test]
async fn while_nothing_moves_less_and_less_is_looked_and_nothing_is_written() {
    const SHORT: Duration = Duration::from_millis(50);
    let (app, ctx, content) = by_both(Route::Echoes).await;
    let admin = &app.acme.admin;
    reachable(admin, 4).await;
    let limits = json!({"limits": {"budget_cents": 20, "breaker": null}});
    let path = draft(admin, &by_text(content, "text"), &limits).await;
    let run = begun(admin, &path).await;
    plan(&ctx, run).await;
    // Two are paid for as long as it is not known what becomes of them.
    assert_eq!(release(&ctx, run).await, Turn::Wait(SHORT));
    let mut system = app.database.connect_as("switchboard_system").await;
    let left = version(&mut system, run).await;
    app.database.advance(0.4).await;
    let rest = release(&ctx, run).await;
    assert!(matches!(rest, Turn::Wait(rest) if rest >= Duration::from_millis(400)), "{rest:?}");
    app.database.advance(5.0).await;
    assert_eq!(release(&ctx, run).await, Turn::Wait(Duration::from_secs(1)), "and no longer than that");
    assert_eq!(version(&mut system, run).await, left, "there was nothing to write");
    // As soon as one has left it is looked for the next.
    let all = messages(admin, &path).await;
    assert_eq!(all.len(), 2);
    taken(&ctx, &all[0]).await;
    assert_eq!(release(&ctx, run).await, Turn::Wait(SHORT));
    assert_ne!(version(&mut system, run).await, left);
    app.process.stop().await;
}

#[tokio::test]
async fn who_came_of_a_variant_is_counted_where_that_may_decide_and_not_at_every_turn() {
    let app = TestApp::with(idle).await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    let mut content = by_mail(admin).await;
    let message = content["variants"][0]["messages"].clone();
    content["variants"] = json!([{"name": "a", "messages": message}, {"name": "b", "messages": message}]);
    content["winner"] = json!({"measure": "replied", "sample_percent": 50, "after_s": 600, "least": 1});
    people(admin, 60).await;
    let path = draft(admin, &content, &json!({})).await;
    let run = begun(admin, &path).await;
    plan(&ctx, run).await;
    let mut system = app.database.connect_as("switchboard_system").await;
    let mut asked = async || -> Option<String> {
        assert!(matches!(release(&ctx, run).await, Turn::Wait(_)), "the others wait");
        sqlx::query_scalar("select looks ->> 'asked_at' from campaign_runs where id = $1")
            .bind(run.0)
            .fetch_one(&mut system)
            .await
            .expect("a run")
    };
    asked().await;
    assert_eq!(asked().await, None, "nothing has left yet");
    let mut teller = app.database.connect_as("switchboard_system").await;
    for message in messages(admin, &path).await {
        becomes(&mut teller, &message, "sent").await;
    }
    let first = asked().await;
    assert!(first.is_some());
    assert_eq!(asked().await, first, "nobody has replied a moment later");
    app.database.advance(31.0).await;
    let second = asked().await;
    assert!(second > first, "{second:?} after {first:?}");
    app.database.advance(600.0).await;
    assert_eq!(release(&ctx, run).await, Turn::Settling);
    let progress = admin.get(&format!("{path}/progress")).await.expect(200);
    assert_eq!((&progress["winner"], &progress["statuses"]["planned"]), (&json!("a"), &Value::Null));
    app.process.stop().await;
}
