//! What providers answer: any status with any body. It is judged, and never taken for more than it says.

use domain::{
    Ctx,
    messages::provider::{Account, Answer, Asked, Found, Provider},
};
use fakes::{faults::Fault, http as wire};
use proptest::{
    prelude::{Strategy, any, prop_oneof},
    sample::select,
    strategy::ValueTree,
};
use switchboard_tests::TestApp;

use super::{bytes, runner, share};
use crate::{
    contract::sides::{Side, sides},
    rights::admitted,
};

/// Those that a client reads a body of, and that end a call.
const STATUSES: [u16; 24] = [
    200, 200, 200, 201, 202, 204, 207, 226, 300, 301, 302, 307, 400, 401, 403, 404, 409, 410, 421, 422, 429,
    500, 503, 599,
];
const BODIES: [&str; 16] = [
    r#"{"sid":"SM0123","status":"queued","code":21610,"message":"no"}"#,
    r#"{"messages":[{"sid":"SM1","to":"+1","body":"Hello","status":"delivered","date_created":"Thu, 26 Nov 2026 12:00:00 +0000","direction":"outbound-api","error_code":null}],"next_page_uri":"/x"}"#,
    r#"{"messages":[{"id":"wamid.1"}],"error":{"code":131026,"message":"no"}}"#,
    r#"{"id":"106540352242922"}"#,
    r#"{"ok":true,"ts":"1700000000.000100","messages":[{"ts":"1","metadata":{"event_payload":{"message_id":"x"}}}],"response_metadata":{"next_cursor":"c"}}"#,
    r#"{"ok":false,"error":"ratelimited"}"#,
    r#"{"name":"projects/p/messages/1"}"#,
    r#"{"error":{"status":"NOT_FOUND","details":[{"errorCode":"UNREGISTERED","fieldViolations":[{"field":"message.token"}]}]}}"#,
    r#"{"access_token":"t","expires_in":-9223372036854775808}"#,
    r#"{"error":"invalid_grant"}"#,
    "ok",
    "invalid_token",
    "<html>",
    "[]",
    "\"\"",
    "",
];
const WAITS: [&str; 8] = [
    "7",
    "-1",
    "0",
    "18446744073709551615",
    "Thu, 26 Nov 2026 12:00:30 GMT",
    "Mon, 31 Dec 9999 23:59:60 GMT",
    "soon",
    "",
];

fn answers() -> impl Strategy<Value = wire::Answer> {
    let body = prop_oneof![4 => bytes(&BODIES), 1 => any::<Vec<u8>>()];
    (select(STATUSES.to_vec()), select(WAITS.to_vec()), body).prop_map(|(status, wait, body)| {
        let answer = wire::Answer { status, headers: Vec::new(), body };
        answer.with("Content-Type", "application/json").with("Retry-After", wait).with("Location", wait)
    })
}

fn is_bounded(answer: &Answer, status: u16, kind: &str) {
    match answer {
        Answer::Accepted { provider_message_id } => {
            // Slack says it in the body alone.
            assert!((200..300).contains(&status) || kind == "slack", "{kind}: {status} is taken for a yes");
            let id = provider_message_id.as_deref().unwrap_or("x");
            assert!((1..=255).contains(&id.len()) && !id.contains(char::is_control), "{kind}: {id:?}");
        }
        Answer::Refused { code, .. } => {
            let is_word = code.len() <= 100 && code.bytes().all(|byte| byte.is_ascii_graphic());
            assert!(is_word, "{kind}: {code:?}");
        }
        Answer::Unknown { .. } => {}
    }
}

async fn converse(ctx: &Ctx, side: &Side, adapter: &dyn Provider, account: &Account, said: wire::Answer) {
    let status = said.status;
    side.faults.of_all(Some(Fault::Answer(said.clone())));
    let answer = adapter.send(ctx, account, &side.outgoing(ctx, "Hello")).await;
    side.faults.of_all(None);
    is_bounded(&answer, status, side.kind);
    // Where nothing is asked the fake keeps the fault, and gives it to whoever asks next.
    side.faults.next_read(Fault::Answer(said.clone()));
    let _ = adapter.verify(ctx, account).await;
    side.faults.next_read(Fault::Answer(said.clone()));
    let asked = Asked { outgoing: side.outgoing(ctx, "Hello"), since: ctx.now() };
    let found = adapter.look_up(ctx, account, &asked).await;
    if let Found::There { provider_message_id: Some(id), .. } = &found {
        assert!((1..=255).contains(&id.len()) && !id.contains(char::is_control), "{}: {id:?}", side.kind);
    }
    side.faults.next_read(Fault::Answer(said));
    let _ = adapter.forget(ctx, account, "SM0123456789abcdef0123456789abcdef").await;
}

#[tokio::test]
async fn whatever_a_provider_answers_is_judged() {
    let app = TestApp::start().await;
    let ctx = admitted(&app, &app.acme.admin).await;
    let (sides, times) = (sides().await, share(10));
    let (mut runner, answers, mut fed) = (runner(), answers(), 0);
    for side in &sides {
        let adapter = app.process.app.platform.providers.get(side.kind).expect("it is in the build");
        let account = side.account(&ctx, &side.credentials);
        for _ in 0..times {
            let said = answers.new_tree(&mut runner).expect("an answer").current();
            converse(&ctx, side, adapter.as_ref(), &account, said).await;
            fed += 1;
        }
    }
    println!("security-cases {fed}");
    app.process.stop().await;
}
