//! What providers tell by themselves, signed as they sign, with whatever in it.

use std::sync::Arc;

use domain::{
    messages::{
        callback::{Callback, CallbackMethod, CallbackRequest, Rejected},
        dsn,
        provider::{Account, Channel, Provider, Providers},
    },
    outbound::OutboundPolicy,
    types::ProviderId,
};
use proptest::{collection::vec, prelude::any};
use serde_json::{Value, json};
use uuid::Uuid;
use workers::rim::outbound::Outbound;

use super::{bytes, feed, text};

const URL: &str = "https://calls.example.com/callbacks/x/y";

fn adapter(kind: &str) -> Arc<dyn Provider> {
    let outbound = Outbound::new(Arc::new(OutboundPolicy::default())).expect("a client");
    let providers: Providers = workers::providers::all(&outbound);
    providers.get(kind).expect("it is in the build")
}

fn account(channel: Channel, credentials: &Value) -> Account {
    Account {
        id: ProviderId(Uuid::from_u128(1)),
        channel,
        credentials: credentials.to_string().into_bytes().into(),
        version: 1,
    }
}

/// A request with one header, which is what its signature stands in.
struct Came<'c> {
    method: CallbackMethod,
    query: &'c str,
    signature: &'c str,
    body: &'c [u8],
}

fn tell(adapter: &dyn Provider, account: &Account, came: &Came<'_>) -> Result<Callback, Rejected> {
    let header = |_: &str| Some(came.signature);
    let request = CallbackRequest {
        method: came.method,
        url: URL,
        query: came.query,
        header: &header,
        body: came.body,
        now: chrono::DateTime::UNIX_EPOCH,
    };
    adapter.callback(account, &request)
}

#[tokio::test]
async fn whatever_twilio_signs_is_read_or_refused_by_its_form() {
    let (adapter, settings) = (
        adapter("twilio"),
        json!({
            "account_sid": "AC0123456789abcdef0123456789abcdef", "auth_token": "12345", "from": "+14155550199",
        }),
    );
    let account = account(Channel::Sms, &settings);
    let names = ["MessageSid", "SmsSid", "MessageStatus", "ErrorCode", "From", "Body", "To"];
    let values =
        ["SM1", "delivered", "undelivered", "failed", "received", "30005", "21610", "STOP", "HELP", ""];
    let form = vec((text(&names), text(&values)), 0..8);
    feed(&(form, text(&["message=0192e4a0-5b7c-7d5e-9f00-3a6b8c9d0e1f", "message=%00"])), |(form, query)| {
        let (body, signature) = (fakes::http::encoded(&form), fakes::signatures::twilio("12345", URL, &form));
        let came = Came {
            method: CallbackMethod::Post,
            query: &query,
            signature: &signature,
            body: body.as_bytes(),
        };
        assert_ne!(tell(adapter.as_ref(), &account, &came), Err(Rejected::Signature), "{body}");
        let forged = Came { signature: &query, ..came };
        assert_eq!(tell(adapter.as_ref(), &account, &forged), Err(Rejected::Signature), "{body}");
    });
}

#[tokio::test]
async fn whatever_meta_signs_is_read_or_refused_by_its_form() {
    let (adapter, settings) = (
        adapter("whatsapp"),
        json!({
            "phone_number_id": "106540352242922", "access_token": "EAA", "app_secret": "app-secret",
            "verify_token": "verify-me",
        }),
    );
    let account = account(Channel::Whatsapp, &settings);
    let bodies = [
        r#"{"entry":[{"changes":[{"value":{"metadata":{"phone_number_id":"106540352242922"},"statuses":[{"id":"wamid.1","status":"failed","timestamp":"1700000000","biz_opaque_callback_data":"0192e4a0-5b7c-7d5e-9f00-3a6b8c9d0e1f","errors":[{"code":131026}]}]}}]}]}"#,
        r#"{"entry":[{"changes":[{"value":{"messages":[{"id":"wamid.2","from":"14155550100","text":{"body":"STOP"}},{"id":"wamid.3","from":"+1","button":{"text":"Yes"}}]}}]}]}"#,
        r#"{"entry":{"changes":null}}"#,
    ];
    let queries =
        ["hub.mode=subscribe&hub.verify_token=verify-me&hub.challenge=1", "hub.mode=&hub.challenge"];
    feed(&(bytes(&bodies), text(&queries), any::<bool>()), |(body, query, is_asked)| {
        let signature = fakes::signatures::meta("app-secret", &body);
        let method = if is_asked { CallbackMethod::Get } else { CallbackMethod::Post };
        let came = Came { method, query: &query, signature: &signature, body: &body };
        let read = tell(adapter.as_ref(), &account, &came);
        assert!(is_asked || read != Err(Rejected::Signature), "it is signed");
        if let (true, Ok(read)) = (is_asked, &read) {
            assert!(query.contains("verify-me") || query.contains('%'), "{query}");
            assert!(read.told.is_empty() && read.inbound.is_empty(), "a question tells nothing");
        }
        let forged = Came { method: CallbackMethod::Post, signature: &query, ..came };
        assert_eq!(tell(adapter.as_ref(), &account, &forged), Err(Rejected::Signature));
    });
}

#[tokio::test]
async fn whatever_mail_comes_back_is_a_report_or_is_refused_by_its_form() {
    let settings =
        json!({"host": "smtp.example.com", "from": "a@example.com", "bounce_domain": "b.example.com"});
    let signed = json!({
        "host": "smtp.example.com", "from": "a@example.com",
        "bounce_secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
    });
    let adapter = adapter("smtp");
    let (open, shut) = (account(Channel::Email, &settings), account(Channel::Email, &signed));
    let mails = [
        "To: bounces+0192e4a05b7c7d5e9f003a6b8c9d0e1f@b.example.com\r\nContent-Type: multipart/report;\r\n boundary=\"b1\"\r\n\r\n--b1\r\n\r\nGone.\r\n--b1\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\nFinal-Recipient: rfc822; ada@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b1\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <0192e4a0-5b7c-7d5e-9f00-3a6b8c9d0e1f@example.com>\r\n\r\nHi\r\n--b1--\r\n",
        "Content-Type: multipart/report; boundary=\r\n\r\n--\r\n----\r\n",
        "Subject: Hi\r\n\r\nHello",
    ];
    feed(&bytes(&mails), |mail| {
        let _ = dsn::read(&mail);
        let came = Came { method: CallbackMethod::Post, query: "", signature: "v1,AAAA", body: &mail };
        assert_ne!(tell(adapter.as_ref(), &open, &came), Err(Rejected::Signature));
        assert_eq!(tell(adapter.as_ref(), &shut, &came), Err(Rejected::Signature), "nobody has signed it");
    });
}
