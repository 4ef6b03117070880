//! What is left behind, by a process, by a job, by an account that cannot be opened: it is taken up again, and is in nobody
//! else's way.

use std::sync::Arc;

use domain::messages::{
    attempt::{self, LEASE, Start},
    provider::Route,
};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use switchboard_tests::{
    Client, TestApp, id,
    scripted::{Scripted, lost, turn},
};
use uuid::Uuid;

use crate::{
    gates::becomes,
    onboarding::until,
    rights::admitted,
    sending::{MESSAGES, account, begin, end, go, idle, open, send, sms, stored},
};

const JOBS: &str = "/api/v1/jobs?kind=send_message";

async fn queue(client: &Client, verb: &str) {
    client.post(&format!("/api/v1/queues/messages/{verb}"), &json!({})).await.expect(204);
}

/// Two accounts, of which the first is about to be locked up, and a message by that one.
async fn broken_and_sound(admin: &Client) -> (Value, Value, Value) {
    let broken = account(admin, "keyed", 1, "hold").await;
    let sound = account(admin, "keyed", 2, "hold").await;
    let message = sms(admin, Some(&broken)).await;
    (broken, sound, message)
}

/// Has an account's credentials sealed for another place, so that nobody can open them.
async fn lock_up(app: &TestApp, account: &Value, by: &Value) {
    let swapped =
        "update providers set credentials_sealed = (select credentials_sealed from providers where id = $2)
                    where id = $1";
    let mut system = app.database.connect_as("switchboard_system").await;
    let done = sqlx::query(swapped).bind(id::<Uuid>(account)).bind(id::<Uuid>(by)).execute(&mut system).await;
    assert_eq!(done.expect("an account").rows_affected(), 1);
}

#[tokio::test]
async fn a_job_whose_message_is_still_out_waits_for_what_comes_of_it() {
    let keyed = Arc::new(Scripted::new("keyed", Route::Keyed));
    let app = open(|_| {}, &[&keyed]).await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    let provider = account(admin, "keyed", 1, "hold").await;
    let message = sms(admin, Some(&provider)).await;
    queue(admin, "pause").await;
    let message = send(admin, &message).await;
    // An earlier run of the job, as it seems, whose node is gone but not its call.
    let attempt = go(begin(&ctx, &message).await);
    queue(admin, "resume").await;
    until(admin, JOBS, |jobs| jobs["items"][0]["state"] == "scheduled").await;
    assert_eq!(stored(admin, &message).await["status"], "sending");
    end(&ctx, attempt, lost()).await;
    app.database.advance(6.0).await;
    keyed.call().await.take();
    assert_eq!(becomes(admin, &message, "message.sent").await["attempts"], 2);
    assert_eq!(admin.all(JOBS).await.len(), 1, "the job that was there has done it");
    app.process.stop().await;
}

#[tokio::test]
async fn a_message_whose_job_was_taken_away_gets_another_from_the_upkeep() {
    let adapter = Arc::new(Scripted::new("scripted", Route::Echoes));
    let app = open(|_| {}, &[&adapter]).await;
    let admin = &app.acme.admin;
    account(admin, "scripted", 1, "hold").await;
    let message = sms(admin, None).await;
    queue(admin, "pause").await;
    let message = send(admin, &message).await;
    let job = stored(admin, &message).await["job_id"].clone();
    let path = format!("/api/v1/jobs/{}/cancel", job.as_str().expect("an id"));
    assert_eq!(admin.post(&path, &json!({})).await.expect(200)["state"], "cancelled");
    queue(admin, "resume").await;
    // The upkeep comes every five minutes.
    app.database.advance(301.0).await;
    adapter.call().await.take();
    let sent = becomes(admin, &message, "message.sent").await;
    assert_ne!(sent["job_id"], job, "{sent}");
    assert_eq!(admin.all(JOBS).await.len(), 2);
    assert_eq!(adapter.handed().len(), 1);
    app.process.stop().await;
}

#[tokio::test]
async fn a_message_that_has_its_job_gets_no_other_and_one_that_is_fresh_is_left_alone() {
    let app = open(idle, &[&Arc::new(Scripted::new("scripted", Route::Echoes))]).await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    account(admin, "scripted", 1, "hold").await;
    let message = sms(admin, None).await;
    let (attended, orphan) = (send(admin, &message).await, send(admin, &message).await);
    let job = stored(admin, &orphan).await["job_id"].clone();
    let path = format!("/api/v1/jobs/{}/cancel", job.as_str().expect("an id"));
    admin.post(&path, &json!({})).await.expect(200);
    assert_eq!(attempt::adopt(&ctx).await.expect("looked"), 0, "its job may be about to end");
    app.database.advance(61.0).await;
    let platform = &app.process.app.platform;
    assert_eq!(attempt::tenants_with_orphans(platform, 10).await.expect("tenants"), [app.acme.id]);
    let kept = stored(admin, &attended).await["job_id"].clone();
    assert_eq!(attempt::adopt(&ctx).await.expect("adopted"), 1);
    assert_eq!(stored(admin, &attended).await["job_id"], kept);
    let new = stored(admin, &orphan).await["job_id"].clone();
    assert_ne!(new, job);
    let path = format!("/api/v1/jobs/{}", new.as_str().expect("an id"));
    assert_eq!(admin.get(&path).await.expect(200)["state"], "available");
    assert_eq!(attempt::adopt(&ctx).await.expect("looked"), 0);
    app.process.stop().await;
}

#[tokio::test]
async fn an_account_that_cannot_be_opened_holds_its_own_messages_and_no_others() {
    let keyed = Arc::new(Scripted::new("keyed", Route::Keyed));
    let app = open(idle, &[&keyed]).await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    let (broken, sound, mut message) = broken_and_sound(admin).await;
    let (doubtful, fresh) = (send(admin, &message).await, send(admin, &message).await);
    message["provider_id"] = sound.clone();
    let other = send(admin, &message).await;
    end(&ctx, go(begin(&ctx, &doubtful).await), lost()).await;
    lock_up(&app, &broken, &sound).await;
    let turns = [turn(&doubtful), turn(&fresh), turn(&other)];
    let starts = attempt::begin(&ctx, &turns).await.expect("the batch goes on");
    assert!(matches!(starts[..], [Start::Later(_), Start::Later(_), Start::Go(_)]));
    for message in [&doubtful, &fresh] {
        let waits = stored(admin, message).await;
        assert_eq!(
            (&waits["status"], &waits["error_code"]),
            (&json!("queued"), &json!("account_unreadable"))
        );
    }
    assert_eq!(stored(admin, &other).await["status"], "sending");
    app.process.stop().await;
}

#[tokio::test]
async fn what_an_account_that_cannot_be_opened_may_have_is_held_and_holds_up_nothing() {
    let keyed = Arc::new(Scripted::new("keyed", Route::Keyed));
    let app = open(idle, &[&keyed]).await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    let (broken, sound, mut message) = broken_and_sound(admin).await;
    let held = send(admin, &message).await;
    message["provider_id"] = sound.clone();
    let again = send(admin, &message).await;
    for message in [&held, &again] {
        go(begin(&ctx, message).await);
    }
    lock_up(&app, &broken, &sound).await;
    app.database.advance(LEASE.as_secs_f64() + 1.0).await;
    assert_eq!(attempt::expire(&ctx).await.expect("settled"), 2);
    assert_eq!(stored(admin, &held).await["status"], "unknown", "what drops repeats is not known of it");
    assert_eq!(stored(admin, &again).await["status"], "queued");
    app.process.stop().await;
}

#[tokio::test]
async fn what_is_wrong_with_one_tenant_does_not_keep_others_from_being_settled() {
    let adapter = Arc::new(Scripted::new("scripted", Route::Echoes));
    let app = open(|_| {}, &[&adapter]).await;
    let mut owner = app.database.connect_as("none").await;
    let refuse = "create function refuse() returns trigger language plpgsql as
                  $$ begin raise exception 'as the test asks'; end $$";
    sqlx::raw_sql(refuse).execute(&mut owner).await.expect("a function");
    let mut lines = Vec::new();
    for tenant in [&app.acme, &app.other] {
        let provider = account(&tenant.admin, "scripted", 1, "hold").await;
        let message = sms(&tenant.admin, Some(&provider)).await;
        queue(&tenant.admin, "pause").await;
        lines.push((tenant, message, admitted(&app, &tenant.admin).await));
    }
    // Whichever of the two comes first.
    for faulty in 0..2 {
        let mut out = Vec::new();
        for (tenant, message, ctx) in &lines {
            let message = send(&tenant.admin, message).await;
            go(begin(ctx, &message).await);
            out.push(message);
        }
        let refused = format!(
            "create trigger refused before update on message_attempts for each row when (new.tenant_id = '{}')
             execute function refuse()",
            lines[faulty].0.id
        );
        sqlx::raw_sql(AssertSqlSafe(refused)).execute(&mut owner).await.expect("a trigger");
        app.database.advance(LEASE.as_secs_f64() + 61.0).await;
        let sound = 1 - faulty;
        let path = format!("{MESSAGES}/{}", out[sound]);
        until(&lines[sound].0.admin, &path, |message| message["status"] == "unknown").await;
        assert_eq!(stored(&lines[faulty].0.admin, &out[faulty]).await["status"], "sending");
        sqlx::raw_sql("drop trigger refused on message_attempts").execute(&mut owner).await.expect("dropped");
    }
    app.process.stop().await;
}
