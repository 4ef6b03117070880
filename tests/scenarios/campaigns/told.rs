//! What is told of a campaign's messages moves their recipients: as the rules say, and so that no doubt is lost.

use std::sync::Arc;

use domain::{
    Ctx,
    campaigns::{
        release::{self, Turn},
        rules::lifecycle::{RecipientStatus, RunStatus},
    },
    messages::{
        provider::{Answer, Refusal, Route},
        rules::{Status, told},
        segments,
    },
};
use serde_json::{Value, json};
use sqlx::PgConnection;
use switchboard_tests::{
    Client, TestApp,
    scripted::{Scripted, lost, refused},
};
use uuid::Uuid;

use crate::{
    campaigns::planned::{begun, plan, release},
    campaigns::{draft, recipients},
    rights::admitted,
    routing::rules::lead,
    sending::{account, begin, end, go, idle, open, stored},
};

/// An installation whose messages a test carries by itself, first by SMS, then by e-mail.
pub async fn by_both(route: Route) -> (TestApp, Ctx, Value) {
    let (sms, mail) = (Arc::new(Scripted::new("texts", route)), Arc::new(Scripted::new("mails", route)));
    let app = open(idle, &[&sms, &mail]).await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    account(admin, "texts", 1, "hold").await;
    let mails = json!({"name": "mails", "kind": "mails", "channel": "email"});
    admin.post("/api/v1/communication/providers", &mails).await.expect(201);
    for template in [
        json!({"name": "text", "channel": "sms", "text": "Dear {{name}}"}),
        json!({"name": "letter", "channel": "email", "subject": "News", "text": "Dear {{name}}"}),
    ] {
        admin.post("/api/v1/communication/templates", &template).await.expect(201);
    }
    let content = json!({
        "purpose": "transactional", "channels": [{"channel": "sms"}, {"channel": "email"}],
        "variants": [{"name": "a", "messages": [
            {"channel": "sms", "template": "text"}, {"channel": "email", "template": "letter"},
        ]}],
    });
    (app, ctx, content)
}

pub async fn people(client: &Client, many: usize) {
    for number in 0..many {
        let (phone, email) = (format!("+493090182{number}"), format!("person-{number}@example.com"));
        lead(client, &json!({"phone": phone, "email": email, "name": "Ada"})).await;
    }
}

/// Has a provider take a message. Answers how many parts it is that left.
pub async fn taken(ctx: &Ctx, message: &str) -> usize {
    let attempt = go(begin(ctx, message).await);
    let parts = segments::count(&attempt.outgoing.text).segments;
    end(ctx, attempt, Answer::Accepted { provider_message_id: Some(message.to_owned()) }).await;
    parts
}

/// Has something be told of a message.
pub async fn becomes(system: &mut PgConnection, message: &str, status: &str) {
    sqlx::query("update messages set status = $2 where id = $1::uuid")
        .bind(message)
        .bind(status)
        .execute(system)
        .await
        .expect("it is told");
}

/// The messages of a campaign that are there.
pub async fn messages(client: &Client, path: &str) -> Vec<String> {
    let all = recipients(client, path).await;
    all.iter().filter_map(|one| Some(one["message_id"].as_str()?.to_owned())).collect()
}

#[tokio::test]
async fn what_may_have_been_sent_stays_in_doubt_when_its_campaign_is_cancelled() {
    let (app, ctx, content) = by_both(Route::Keyed).await;
    let admin = &app.acme.admin;
    people(admin, 2).await;
    let path = draft(admin, &content, &json!({})).await;
    let run = begun(admin, &path).await;
    plan(&ctx, run).await;
    assert_eq!(release(&ctx, run).await, Turn::Settling);
    let all = messages(admin, &path).await;
    end(&ctx, go(begin(&ctx, &all[0]).await), lost()).await;
    assert_eq!(stored(admin, &all[0]).await["status"], "queued", "it waits for its repeat");
    admin.post(&format!("{path}/cancel"), &json!({})).await.expect(200);
    assert_eq!(release(&ctx, run).await, Turn::Over);
    let doubtful = stored(admin, &all[0]).await;
    assert_eq!((&doubtful["status"], &doubtful["failure"]), (&json!("unknown"), &json!("ambiguous")));
    assert_eq!(stored(admin, &all[1]).await["status"], "cancelled");
    let progress = admin.get(&format!("{path}/progress")).await.expect(200);
    assert_eq!(progress["statuses"], json!({"cancelled": 1, "unknown": 1}), "{progress}");
    assert_eq!((&progress["run_status"], &progress["open"]), (&json!("cancelled"), &json!(0)));
    app.process.stop().await;
}

#[tokio::test]
async fn a_provider_that_fails_stops_a_campaign_also_if_another_channel_is_there() {
    let (app, ctx, content) = by_both(Route::Echoes).await;
    let admin = &app.acme.admin;
    people(admin, 5).await;
    let limits = json!({"limits": {"breaker": {"window": 10, "percent": 60, "least": 3}}});
    let path = draft(admin, &content, &limits).await;
    let run = begun(admin, &path).await;
    plan(&ctx, run).await;
    assert_eq!(release(&ctx, run).await, Turn::Settling);
    for message in messages(admin, &path).await.iter().take(3) {
        end(&ctx, go(begin(&ctx, message).await), refused(Refusal::Permanent, None)).await;
    }
    let progress = admin.get(&format!("{path}/progress")).await.expect(200);
    assert_eq!(progress["statuses"], json!({"planned": 3, "queued": 2}), "they are tried by mail");
    assert_eq!(progress["recipients"], 5, "and are no others");
    release::turn(&ctx, run).await.expect("a turn");
    let progress = admin.get(&format!("{path}/progress")).await.expect(200);
    assert_eq!((&progress["run_status"], &progress["pause_code"]), (&json!("paused"), &json!("breaker")));
    // Whoever lets it go on knows of those.
    admin.post(&format!("{path}/resume"), &json!({})).await.expect(200);
    assert_eq!(release(&ctx, run).await, Turn::Settling);
    let progress = admin.get(&format!("{path}/progress")).await.expect(200);
    assert_eq!(progress["statuses"], json!({"queued": 5}));
    app.process.stop().await;
}

#[tokio::test]
async fn what_came_back_after_it_was_taken_is_paid_for_and_is_no_message_too_many() {
    let (app, ctx, mut content) = by_both(Route::Echoes).await;
    let admin = &app.acme.admin;
    content["channels"][0]["cost_micros"] = json!(10_000_000);
    people(admin, 3).await;
    let limits = json!({"limits": {"frequency_cap": {"most": 1, "hours": 24}, "breaker": null}});
    let path = draft(admin, &content, &limits).await;
    let run = begun(admin, &path).await;
    plan(&ctx, run).await;
    assert_eq!(release(&ctx, run).await, Turn::Settling);
    let all = messages(admin, &path).await;
    for message in &all[..2] {
        taken(&ctx, message).await;
    }
    end(&ctx, go(begin(&ctx, &all[2]).await), refused(Refusal::Permanent, None)).await;
    let mut system = app.database.connect_as("switchboard_system").await;
    for (message, status) in all.iter().zip(["bounced", "failed"]) {
        becomes(&mut system, message, status).await;
    }
    let progress = admin.get(&format!("{path}/progress")).await.expect(200);
    assert_eq!((&progress["statuses"], &progress["cost_cents"]), (&json!({"planned": 3}), &json!(20)));
    assert_eq!(release(&ctx, run).await, Turn::Settling);
    let all = recipients(admin, &path).await;
    assert!(all.iter().all(|one| one["status"] == "queued" && one["channel"] == "email"), "{all:?}");
    app.process.stop().await;
}

/// What a recipient becomes whose message moves, by the rules.
fn moved(at: Status, tells: Status, run: RunStatus, has_another: bool) -> RecipientStatus {
    let (from, to) = (RecipientStatus::of_message(at), RecipientStatus::of_message(tells));
    if to.may_fall_back(run) && has_another {
        return RecipientStatus::Planned;
    }
    // Nobody would be there to end it again.
    if to == RecipientStatus::Queued && run.is_over() {
        return from;
    }
    from.told(to).unwrap_or(if from.may_become(to) { to } else { from })
}

#[tokio::test]
async fn the_database_moves_recipients_as_the_rules_say() {
    let (app, ctx, content) = by_both(Route::Echoes).await;
    let admin = &app.acme.admin;
    people(admin, 1).await;
    let path = draft(admin, &content, &json!({})).await;
    let run = begun(admin, &path).await;
    plan(&ctx, run).await;
    assert_eq!(release(&ctx, run).await, Turn::Settling);
    let message: Uuid = messages(admin, &path).await[0].parse().expect("an id");
    let mut system = app.database.connect_as("switchboard_system").await;
    let news = |at: Status| {
        let resent = (at == Status::Unknown).then_some((at, Status::Queued));
        // That an attempt goes on is not written down of recipients.
        let told = Status::ALL
            .into_iter()
            .filter(move |tells| *tells != Status::Sending && told(at, *tells) == Some(*tells));
        told.map(move |tells| (at, tells)).chain(resent)
    };
    let waits = [Status::Suppressed, Status::Cancelled, Status::Failed, Status::Unknown];
    let waits = waits.map(|tells| (Status::Queued, tells));
    let seen = Status::ALL.into_iter().filter(|at| !matches!(at, Status::Pending | Status::Sending));
    let pairs: Vec<(Status, Status)> = seen.flat_map(news).chain(waits).collect();
    assert!(pairs.len() > 15, "{pairs:?}");
    for run_status in RunStatus::ALL {
        sqlx::query(
            "update campaign_runs set status = $2, finished_at = case when $3 then engine.now() end where id = $1",
        )
        .bind(run.0)
        .bind(run_status.as_str())
        .bind(run_status.is_over())
        .execute(&mut system)
        .await
        .expect("a run");
        for ((at, tells), another) in pairs.iter().flat_map(|pair| [(*pair, true), (*pair, false)]) {
            for statement in [
                "update messages set status = $2 where id = $1 and $3::text is not null",
                "update campaign_recipients
                    set status = $2, message_id = $1, channel = 'sms', reason = null, due_at = null,
                        rest = case when $3::text = 'yes' then array['email'] end
                  where run_id = (select campaign_run_id from messages where id = $1)",
            ] {
                sqlx::query(statement)
                    .bind(message)
                    .bind(at.as_str())
                    .bind(if another { "yes" } else { "no" })
                    .execute(&mut system)
                    .await
                    .expect("where it begins");
            }
            sqlx::query("update messages set status = $2 where id = $1")
                .bind(message)
                .bind(tells.as_str())
                .execute(&mut system)
                .await
                .expect("what is told");
            let (status, channel): (String, String) =
                sqlx::query_as("select status, channel from campaign_recipients where run_id = $1")
                    .bind(run.0)
                    .fetch_one(&mut system)
                    .await
                    .expect("a recipient");
            let wanted = moved(at, tells, run_status, another);
            assert_eq!(status, wanted.as_str(), "{at:?} {tells:?} in {run_status:?}, another: {another}");
            let by = if wanted == RecipientStatus::Planned { "email" } else { "sms" };
            assert_eq!(channel, by, "{at:?} {tells:?} in {run_status:?}");
        }
    }
    app.process.stop().await;
}
