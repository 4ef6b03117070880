//! The dashboard's pages about people: leads, messages and the sandbox's outbox, and what people ask for about their data.

use std::{sync::Arc, time::Duration};

use domain::messages::provider::Route;
use serde_json::{Value, json};
use switchboard_tests::{
    Browser, Shown, TestApp,
    scripted::{Scripted, lost},
};

use crate::{
    dashboard::house::{audited, reader, stranger},
    gates::{CONSENT, becomes, send},
    message::sandbox,
    privacy::erasure::at_once,
    rights::admitted,
    routing::rules::lead,
    sending::{self, account, begin, end, go, idle, sms, stored},
    sessions::ADMIN,
};

const LEADS: &str = "/api/v1/leads";

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// What is typed to confirm that it is about this one.
fn short(id: &str) -> String {
    id.replace('-', "")[24..].to_owned()
}

/// What a page holds besides what stands around every page.
fn inside(page: &Shown) -> &str {
    let (_, main) = page.text.split_once("<main").expect("a page");
    main.split_once("</main>").expect("its end").0
}

/// Sends a form of a page and follows to where it leads.
async fn does(browser: &mut Browser, path: &str, fields: &[(&str, &str)]) -> Shown {
    let to = browser.post(path, fields).await.leads();
    browser.get(&to).await.expect(200)
}

/// Loads a page until it says something.
async fn comes_to_say(browser: &mut Browser, path: &str, wanted: &str) -> Shown {
    let looks = async {
        loop {
            let page = browser.get(path).await.expect(200);
            if page.says(wanted) {
                return page;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), looks).await.expect("it comes to say so")
}

#[tokio::test]
async fn leads_are_ranked_filtered_found_and_masked() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let ada =
        json!({"name": "Ada Lovelace", "phone": "+14155550101", "source": "referral", "tags": ["gold"]});
    let ada = text(&lead(admin, &ada).await);
    let bob = text(&lead(admin, &json!({"name": "Bob Low", "source": "manual"})).await);
    admin.post("/api/v1/automation/leads/score", &json!({ "lead_id": ada })).await.expect(200);
    admin.post("/api/v1/automation/leads/score", &json!({ "lead_id": bob })).await.expect(200);
    let mut browser = Browser::of(&app, "acme", ADMIN).await;

    let page = browser.get("/ops/leads").await.expect(200);
    let (first, second) = (page.text.find("Ada Lovelace"), page.text.find("Bob Low"));
    assert!(first.is_some() && first < second, "the better one first: {}", page.text);
    let one = browser.get("/ops/leads?tag=gold&status=&q=").await.expect(200);
    assert!(one.says("Ada Lovelace") && !one.says("Bob Low"), "{}", one.text);
    let one = browser.get("/ops/leads?q=%2B14155550101").await.expect(200);
    assert!(one.says("Ada Lovelace") && !one.says("Bob Low"), "{}", one.text);
    let none = browser.get("/ops/leads?status=lost").await.expect(200);
    assert!(none.says("No lead fits these filters."), "{}", none.text);
    assert!(browser.get("/ops/leads?status=gone").await.expect(422).says("status"));
    assert_eq!(browser.get(&format!("/ops/leads?q={ada}")).await.leads(), format!("/ops/leads/{ada}"));

    let page = browser.get(&format!("/ops/leads/{ada}")).await.expect(200);
    for wanted in
        ["Ada Lovelace", "+14155550101", "it came by referral", "nobody has it", "somebody asked for it"]
    {
        assert!(page.says(wanted), "{wanted}: {}", page.text);
    }
    let mut reader = reader(&app, &["leads:read"]).await;
    let list = reader.get("/ops/leads").await.expect(200);
    assert!(list.says("A••• L•••") && !list.says("Lovelace") && !list.says("name=\"q\""), "{}", list.text);
    let page = reader.get(&format!("/ops/leads/{ada}")).await.expect(200);
    assert!(page.says("•••01") && page.says("are masked") && !page.says("4155550101"), "{}", page.text);
    assert!(!inside(&page).contains("<form") && !page.says("<h2>Messages</h2>"), "{}", page.text);
    reader.get("/ops/leads?q=ada").await.expect(403);
    app.process.stop().await;
}

#[tokio::test]
async fn what_is_done_with_a_lead_is_written_down_and_another_tenants_is_not_there() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let ada = text(&lead(admin, &json!({"name": "Ada"})).await);
    let said = json!({"lead_id": ada, "channel": "email", "purpose": "marketing", "granted": true, "source": "a form"});
    admin.post(CONSENT, &said).await.expect(201);
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    let path = format!("/ops/leads/{ada}");
    let page = browser.get(&path).await.expect(200);
    assert!(page.says("a form") && page.says("agrees"), "{}", page.text);

    assert!(does(&mut browser, &format!("{path}/score"), &[]).await.says("of 100 now."));
    assert!(audited(admin, "score", "lead", &ada).await);
    let note = [("kind", "note"), ("note", "<b>calls back</b>"), ("once", "1")];
    let page = does(&mut browser, &format!("{path}/note"), &note).await;
    assert!(page.says("&#60;b&#62;calls back") && !page.says("<b>calls"), "{}", page.text);
    does(&mut browser, &format!("{path}/note"), &note).await;
    let notes = admin.all(&format!("{LEADS}/{ada}/activities")).await;
    let notes = notes.iter().filter(|one| one["kind"] == "note").count();
    assert_eq!(notes, 1, "a second click writes nothing more");

    let version = admin.get(&format!("{LEADS}/{ada}")).await.expect(200)["version"].to_string();
    let qualified = [("status", "qualified"), ("version", version.as_str())];
    assert!(does(&mut browser, &format!("{path}/status"), &qualified).await.says("became qualified"));
    browser.post(&format!("{path}/status"), &[("status", "lost"), ("version", &version)]).await.expect(409);
    assert!(audited(admin, "update", "lead", &ada).await);

    let mut stranger = stranger(&app).await;
    stranger.get(&path).await.expect(404);
    stranger.post(&format!("{path}/score"), &[]).await.expect(404);
    let mut reader = reader(&app, &["leads:read"]).await;
    reader.get(&path).await.expect(200);
    for action in ["score", "route", "note", "status", "restrict", "hold", "delete"] {
        let refused = reader.post(&format!("{path}/{action}"), &[]).await.expect(403);
        assert!(refused.says("You may not do this"), "{action}: {}", refused.text);
    }

    browser.get(&path).await.expect(200);
    browser.post(&format!("{path}/delete"), &[("confirm", "delete")]).await.expect(422);
    let why = [("reason", "the number is being checked")];
    let page = does(&mut browser, &format!("{path}/restrict"), &why).await;
    assert!(page.says("the number is being checked") && !page.says("/delete\""), "{}", page.text);
    browser.post(&format!("{path}/delete"), &[("confirm", &short(&ada))]).await.expect(409);
    let restriction = admin.all("/api/v1/compliance/gdpr/restriction").await[0]["id"].clone();
    let stands = format!("/ops/privacy/restrictions/{}", text(&restriction));
    let typed = short(&text(&restriction));
    let lift = [("reason", "it was right"), ("confirm", typed.as_str())];
    assert!(does(&mut browser, &format!("{stands}/lift"), &lift).await.says("it was right"));
    assert_eq!(
        browser.post(&format!("{path}/delete"), &[("confirm", &short(&ada))]).await.leads(),
        "/ops/leads"
    );
    admin.get(&format!("{LEADS}/{ada}")).await.expect(404);
    assert!(audited(admin, "delete", "lead", &ada).await);
    app.process.stop().await;
}

#[tokio::test]
async fn messages_are_counted_followed_cancelled_and_shown_as_they_would_have_come() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let mut message = sandbox(admin).await;
    let template = json!({
        "name": "mail", "channel": "email", "subject": "Hi {{name}}", "text": "Dear {{name}}",
        "html": "<script>alert(1)</script><b>Dear {{name}}</b>",
    });
    let template = admin.post("/api/v1/communication/templates", &template).await.expect(201);
    message["template_id"] = template["id"].clone();
    let sent = send(admin, &message).await;
    becomes(admin, &sent, "message.sent").await;
    admin.post("/api/v1/queues/messages/pause", &json!({})).await.expect(204);
    let waits = send(admin, &message).await;
    let mut browser = Browser::of(&app, "acme", ADMIN).await;

    let list = browser.get("/ops/messages").await.expect(200);
    assert!(list.says(&sent) && list.says(&waits) && list.says("ada@example.com"), "{}", list.text);
    assert!(list.says(r#"<span class="num" title="2">2</span>"#), "both are mail: {}", list.text);
    let list = browser.get("/ops/messages?status=queued&channel=email&last=24h").await.expect(200);
    assert!(!list.says(&sent) && list.says(&waits), "{}", list.text);
    let list = browser.get("/ops/messages?q=ada%40example.com").await.leads();
    assert_eq!(list, "/ops/messages?to=ada%40example.com");
    let list = browser.get(&list).await.expect(200);
    assert!(list.says(&sent) && list.says("Nothing counts by lead"), "{}", list.text);
    assert!(browser.get("/ops/messages?channel=sms").await.expect(200).says("No message fits"));
    assert_eq!(
        browser.get(&format!("/ops/messages?q={sent}")).await.leads(),
        format!("/ops/messages/{sent}")
    );

    let page = browser.get(&format!("/ops/messages/{sent}")).await.expect(200);
    for wanted in ["was accepted by us", "attempt 1 was taken by the provider", "/ops/outbox?message="] {
        assert!(page.says(wanted), "{wanted}: {}", page.text);
    }
    assert!(!page.says("/cancel\""), "{}", page.text);
    let path = format!("/ops/messages/{waits}");
    assert!(browser.get(&path).await.expect(200).says("/cancel\""));
    assert!(does(&mut browser, &format!("{path}/cancel"), &[]).await.says("The message is cancelled."));
    assert!(audited(admin, "cancel", "message", &waits).await);

    let outbox = browser.get(&format!("/ops/outbox?message={sent}&channel=email")).await.expect(200);
    assert!(outbox.says("Dear Ada") && outbox.says("&#60;b&#62;Dear Ada"), "{}", outbox.text);
    assert!(
        !outbox.says("<script>") && !outbox.says("<b>Dear") && !outbox.says("<iframe"),
        "{}",
        outbox.text
    );
    assert!(browser.get("/ops/outbox?channel=sms").await.expect(200).says("Nothing of this kind"));

    let mut reader = reader(&app, &["messages:read", "deliveries:read"]).await;
    let list = reader.get("/ops/messages").await.expect(200);
    assert!(list.says("a•••@example.com") && !list.says("ada@"), "{}", list.text);
    assert!(list.says("your role does not see them"), "{}", list.text);
    let outbox = reader.get("/ops/outbox").await.expect(200);
    assert!(!outbox.says("Dear Ada") && outbox.says("is not shown"), "{}", outbox.text);
    reader.post(&format!("{path}/cancel"), &[]).await.expect(403);
    reader.get("/ops/messages?to=ada%40example.com").await.expect(403);
    let mut stranger = stranger(&app).await;
    stranger.get(&path).await.expect(404);
    stranger.post(&format!("{path}/cancel"), &[]).await.expect(404);
    assert!(!stranger.get("/ops/outbox").await.expect(200).says("Dear Ada"));
    app.process.stop().await;
}

#[tokio::test]
async fn a_message_of_unknown_fate_is_settled_by_who_may() {
    let unsure = Arc::new(Scripted::new("unsure", Route::Blind));
    let app = sending::open(idle, &[&unsure]).await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    let provider = account(admin, "unsure", 1, "hold").await;
    let message = sending::send(admin, &sms(admin, Some(&provider)).await).await;
    end(&ctx, go(begin(&ctx, &message).await), lost()).await;
    assert_eq!(stored(admin, &message).await["status"], "unknown");
    let path = format!("/ops/messages/{message}");
    let mut reader = reader(&app, &["messages:read"]).await;
    assert!(!reader.get(&path).await.expect(200).says("Settle it"));
    reader.post(&format!("{path}/settle"), &[("outcome", "sent")]).await.expect(403);
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    let list = browser.get("/ops/messages?status=unknown").await.expect(200);
    assert!(list.says(&message), "{}", list.text);
    assert!(browser.get(&path).await.expect(200).says("Settle it"));
    browser.post(&format!("{path}/settle"), &[("outcome", "lost")]).await.expect(422);
    let page = does(&mut browser, &format!("{path}/settle"), &[("outcome", "sent")]).await;
    assert!(page.says("The message counts as sent.") && !page.says("Settle it"), "{}", page.text);
    assert!(audited(admin, "resolve", "message", &message).await);
    browser.post(&format!("{path}/settle"), &[("outcome", "failed")]).await.expect(409);
    app.process.stop().await;
}

fn refusal(confirm: &str) -> [(&str, &str); 2] {
    [("reason", "nobody knows who asks"), ("confirm", confirm)]
}

#[tokio::test]
async fn a_request_to_see_what_is_held_is_taken_down_answered_and_given_by_a_link() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let ada = text(&lead(admin, &json!({"name": "Ada"})).await);
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    assert!(browser.get("/ops/privacy").await.expect(200).says("Nothing is open"));
    let fields = [("lead", ada.as_str()), ("received_at", "2020-01-01T10:00"), ("once", "1")];
    let late = browser.post("/ops/privacy/access", &fields).await.leads();
    assert_eq!(browser.post("/ops/privacy/access", &fields).await.leads(), late, "taken down once");
    let fields = [("email", "nobody@example.com"), ("lead", "")];
    let early = browser.post("/ops/privacy/access", &fields).await.leads();
    let wish = text(&lead(admin, &json!({"name": "Bob"})).await);
    let wish = browser.post("/ops/privacy/erasures", &[("lead", &wish)]).await.leads();

    let list = browser.get("/ops/privacy").await.expect(200);
    let place = |href: &str| list.text.find(href).expect("it is open");
    assert!(place(&late) < place(&wish).min(place(&early)), "what is late comes first: {}", list.text);
    assert!(list.says("late by"), "{}", list.text);
    let list = browser.get("/ops/privacy?kind=erasure&state=identity").await.expect(200);
    assert!(list.says(&wish) && !list.says(&late), "{}", list.text);
    let list = browser.get("/ops/privacy?list=access&state=identity").await.expect(200);
    assert!(list.says(&late) && list.says(&early) && !list.says(&wish), "{}", list.text);
    browser.get("/ops/privacy?state=lost").await.expect(422);

    let id = early.rsplit('/').next().expect("an id").to_owned();
    let why = [("reason", "your records are many")];
    assert!(does(&mut browser, &format!("{early}/extension"), &why).await.says("your records are many"));
    assert!(audited(admin, "extend", "privacy_request", &id).await);
    browser.post(&format!("{early}/extension"), &why).await.expect(409);
    browser.post(&format!("{early}/refusal"), &refusal("refuse")).await.expect(422);
    let typed = short(&id);
    let page = does(&mut browser, &format!("{early}/refusal"), &refusal(&typed)).await;
    assert!(page.says("nobody knows who asks") && !page.says("/refusal\""), "{}", page.text);

    let page = browser.get(&late).await.expect(200);
    assert!(page.says("Late") && !page.says("/extension\"") && page.says("/identity\""), "{}", page.text);
    browser.post(&format!("{late}/identity"), &[("method", " ")]).await.expect(422);
    does(&mut browser, &format!("{late}/identity"), &[("method", "called back")]).await;
    let page = comes_to_say(&mut browser, &late, "A link for the person").await;
    assert!(!page.says("/exports/"), "nobody has asked for a link yet: {}", page.text);
    let page = browser.post(&format!("{late}/link"), &[]).await.expect(200);
    let link =
        page.text.split_once("/exports/").and_then(|(_, rest)| rest.split_once('"')).expect("a link").0;
    let file = admin.anonymous().get(&format!("/exports/{link}")).await;
    assert_eq!((file.status, &file.headers["content-type"] == "application/zip"), (200, true));
    assert!(!browser.get(&late).await.expect(200).says("/exports/"), "it is shown once");

    let mut reader = reader(&app, &["privacy:read"]).await;
    let page = reader.get(&late).await.expect(200);
    assert!(!inside(&page).contains("<form"), "{}", page.text);
    assert!(!reader.get("/ops/privacy").await.expect(200).says("Take a request down"));
    reader.post(&format!("{late}/link"), &[]).await.expect(403);
    reader.post("/ops/privacy/access", &[("lead", &ada)]).await.expect(403);
    let mut stranger = stranger(&app).await;
    stranger.get(&late).await.expect(404);
    assert!(!stranger.get("/ops/privacy").await.expect(200).says(&late));
    stranger.post(&format!("{late}/export"), &[]).await.expect(404);
    app.process.stop().await;
}

#[tokio::test]
async fn an_erasure_is_confirmed_by_typing_withdrawn_held_and_certified() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let ada = text(&lead(admin, &json!({"name": "Ada"})).await);
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    browser.get(&format!("/ops/leads/{ada}")).await.expect(200);
    let first = browser.post("/ops/privacy/erasures", &[("lead", &ada)]).await.leads();
    let page = browser.get(&first).await.expect(200);
    assert!(page.says("somebody has to say how they know who asks"), "{}", page.text);
    let known = |path: &str| {
        let short = short(path.rsplit('/').next().expect("an id"));
        [("identity", "called back".to_owned()), ("confirm", short)]
    };
    browser.post(&format!("{first}/identity"), &[("identity", "called back")]).await.expect(422);
    let fields = known(&first);
    let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
    let page = does(&mut browser, &format!("{first}/identity"), &fields).await;
    assert!(page.says("until then it may be withdrawn"), "{}", page.text);

    let mut reader = reader(&app, &["privacy:read"]).await;
    assert!(!reader.get(&first).await.expect(200).says("/withdraw\""));
    reader.post(&format!("{first}/withdraw"), &fields).await.expect(403);
    let mut stranger = stranger(&app).await;
    stranger.get(&first).await.expect(404);
    stranger.post(&format!("{first}/withdraw"), &fields).await.expect(404);
    browser.get(&first).await.expect(200);
    browser.post(&format!("{first}/withdraw"), &[("confirm", "withdraw")]).await.expect(422);
    let page = does(&mut browser, &format!("{first}/withdraw"), &fields).await;
    assert!(page.says("it was withdrawn") && !page.says("/withdraw\""), "{}", page.text);
    let id = first.rsplit('/').next().expect("an id");
    assert!(audited(admin, "withdraw", "erasure", id).await);
    browser.get(&format!("{first}/certificate")).await.expect(409);

    at_once(admin).await;
    let hold = [("reason", "claim 4711"), ("law", "GDPR Art. 17(3)(e)")];
    assert!(does(&mut browser, &format!("/ops/leads/{ada}/hold"), &hold).await.says("claim 4711"));
    let second = browser.post("/ops/privacy/erasures", &[("lead", &ada)]).await.leads();
    let fields = known(&second);
    let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
    does(&mut browser, &format!("{second}/identity"), &fields).await;
    let page = comes_to_say(&mut browser, &second, "a legal hold keeps it from beginning").await;
    let hold = page.text.split_once("/ops/privacy/holds/").and_then(|(_, rest)| rest.split_once('"'));
    let hold = hold.expect("a link to the hold").0.to_owned();
    let typed = short(&hold);
    let release = [("reason", "it was settled"), ("confirm", typed.as_str())];
    browser.post(&format!("/ops/privacy/holds/{hold}/release"), &release[..1]).await.expect(422);
    assert!(
        does(&mut browser, &format!("/ops/privacy/holds/{hold}/release"), &release).await.says("is over")
    );
    comes_to_say(&mut browser, &second, "the person is forgotten").await;
    let page = browser.get(&format!("{second}/certificate")).await.expect(200);
    assert!(page.says("subject_keys") && page.says("Ed25519"), "{}", page.text);
    let file = browser.get(&format!("{second}/certificate.json")).await.expect(200);
    assert!(file.headers["content-disposition"].to_str().expect("text").contains("erasure-"));
    let certificate: Value = serde_json::from_str(&file.text).expect("JSON");
    assert!(text(&certificate["statement"]).contains("certificate of erasure"), "{certificate}");
    app.process.stop().await;
}
