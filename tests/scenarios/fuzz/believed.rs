//! Proofs of who says something: only what was made is believed, byte for byte.

use chrono::{DateTime, Utc};
use domain::{
    access::{
        api_key::{ApiKey, OperatorKey},
        token::{Claims, Signer},
    },
    calls::webhook::{self, Headers},
    messages::signatures,
    types::{ApiKeyId, OperatorId, SessionId, TenantId, UserId},
    vault::{DataKey, Place, cipher},
};
use proptest::{
    collection::vec,
    prelude::{Just, Strategy, any, prop_oneof},
};
use uuid::Uuid;

use super::{bytes, feed, text};

fn key(of: u8) -> DataKey {
    DataKey { id: Uuid::from_u128(of.into()), bytes: [of; 32].into() }
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_649_367_553, 0).expect("a time")
}

#[test]
fn of_a_token_nothing_can_be_changed() {
    let signer = Signer::new(&key(1)).expect("a signer");
    let id = Uuid::from_u128(2);
    let claims = Claims::new(TenantId(id), UserId(id), SessionId(id), 1, now());
    let token = signer.sign(&claims).expect("a token");
    assert!(signer.check(&token, now()).is_ok());
    feed(&text(&[&token]), |other| {
        assert!(other == token || signer.check(&other, now()).is_err(), "it is believed");
    });
}

#[test]
fn of_a_key_nothing_can_be_changed() {
    let pepper = key(3);
    let ours = ApiKey::new(ApiKeyId(Uuid::from_u128(4)), [5; 32]).reveal(&pepper);
    let operator = OperatorKey::new(OperatorId(Uuid::from_u128(4)), [5; 32]).reveal(&pepper);
    assert!(ApiKey::parse(&ours, &pepper).is_some() && OperatorKey::parse(&operator, &pepper).is_some());
    feed(&text(&[&ours, &operator]), |other| {
        assert!(other == ours || ApiKey::parse(&other, &pepper).is_none(), "it is believed");
        assert!(other == operator || OperatorKey::parse(&other, &pepper).is_none(), "it is believed");
    });
}

#[test]
fn of_a_sealed_value_nothing_can_be_changed() {
    let key = key(6);
    let place = Place {
        tenant: TenantId(Uuid::from_u128(1)),
        table: "leads",
        column: "name_sealed",
        row: Uuid::from_u128(2),
    };
    let sealed = cipher::seal(&key, [7; 12], &place, b"Ada Lovelace");
    feed(&bytes(&[&sealed]), |other| {
        assert!(other == sealed || cipher::open(&key, &place, &other).is_err(), "it opens");
        assert!(other != sealed || cipher::open(&key, &place, &other).is_ok());
        let _ = cipher::key_of(&other);
    });
}

#[test]
fn of_a_webhook_nothing_can_be_changed_that_is_signed() {
    const ID: &str = "msg_1";
    const BODY: &[u8] = br#"{"call":"c-1","state":"ringing"}"#;
    let (timestamp, secret) = (now().timestamp().to_string(), webhook::secret(&[8; 24]));
    let signed = webhook::sign(&secret, ID, &timestamp, BODY).expect("signed");
    let listed = format!("v1,AAAA {signed}");
    let inputs = (
        kept_or(&[ID]),
        kept_or(&[&timestamp, "1649367853", "-1", "9223372036854775807"]),
        kept_or(&[&signed, &listed]),
        prop_oneof![Just(BODY.to_vec()), bytes(&[BODY])],
    );
    feed(&inputs, |(id, at, signature, body)| {
        let headers = Headers { id: &id, timestamp: &at, signature: &signature };
        let is_ours = (id.as_str(), at.as_str(), body.as_slice()) == (ID, timestamp.as_str(), BODY);
        let believed = webhook::verify(&[&secret], headers, &body, now()).is_ok();
        assert!(is_ours || !believed, "it is believed");
        assert!(webhook::verify(&[&webhook::secret(&[9; 24])], headers, &body, now()).is_err());
        let _ = webhook::verify(&[&signature], headers, &body, now());
    });
}

/// One of the examples as it is, or changed.
fn kept_or(examples: &[&str]) -> impl Strategy<Value = String> + use<> {
    let examples: Vec<String> = examples.iter().map(|example| (*example).to_owned()).collect();
    prop_oneof![Just(examples[0].clone()), text(&examples)]
}

#[test]
fn of_what_meta_signs_nothing_can_be_changed() {
    const BODY: &[u8] = br#"{"entry":[]}"#;
    let signature = fakes::signatures::meta("app-secret", BODY);
    feed(&(prop_oneof![Just(BODY.to_vec()), bytes(&[BODY])], kept_or(&[&signature])), |(body, signed)| {
        assert!(body == BODY || !signatures::is_by_meta("app-secret", &body, &signed), "it is believed");
        assert!(!signatures::is_by_meta("another", &body, &signed), "another's is believed");
    });
}

#[test]
fn whatever_comes_another_account_has_not_signed_it() {
    const URL: &str = "https://calls.example.com:443/callbacks/twilio/t?message=1";
    let fields = || text(&["MessageSid", "SM0123", "MessageStatus", "delivered", "To", "+14155550100"]);
    let form = vec((fields(), fields()), 0..6);
    let inputs =
        (text(&[URL, "http://h:", "://", "https://[::1]:80/a?b#c"]), form, any::<[u8; 20]>(), any::<bool>());
    feed(&inputs, |(url, form, mac, is_ours)| {
        let signature = if is_ours {
            fakes::signatures::twilio("token", &url, &form)
        } else {
            String::from_utf8_lossy(&mac).into_owned()
        };
        assert!(!is_ours || signatures::is_by_twilio("token", &url, &form, &signature), "{url}");
        assert!(!signatures::is_by_twilio("another", &url, &form, &signature), "another's is believed");
        let _ = signatures::is_same_secret(&url, &signature);
    });
}
