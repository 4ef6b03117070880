use reqwest::Client;

use super::*;
use crate::{client, faults::Fault};

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const OLD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

async fn start() -> (Fake, Client) {
    let config = Config { secrets: vec![SECRET.into()], ..Config::default() };
    (Fake::start(config).await.expect("a fake"), client())
}

/// Delivers `{}`, signed with the secrets, at so many seconds from now.
async fn deliver(client: &Client, fake: &Fake, id: &str, secrets: &[&str], from_now: i64) -> u16 {
    let timestamp = (fake.clock().now().timestamp() + from_now).to_string();
    let signed = |secret: &&str| signatures::webhook(secret, id, &timestamp, b"{}").expect("a secret");
    let signatures = secrets.iter().map(signed).collect::<Vec<_>>().join(" ");
    let sent = client.post(format!("{}/hook", fake.url())).body("{}").header("webhook-id", id);
    let sent = sent.header("webhook-timestamp", &timestamp).header("webhook-signature", signatures);
    sent.send().await.expect("an answer").status().as_u16()
}

#[tokio::test]
async fn what_is_signed_is_taken_once_however_often_it_comes() {
    let (fake, client) = start().await;
    fake.faults().next(Fault::Error500AfterAccept);
    assert_eq!(deliver(&client, &fake, "msg1", &[SECRET], 0).await, 500);
    assert_eq!(deliver(&client, &fake, "msg1", &[SECRET], 0).await, 204);
    assert_eq!(deliver(&client, &fake, "msg2", &[OLD, SECRET], 0).await, 204, "while a secret is replaced");
    assert_eq!((fake.ledger().count(), fake.arrivals("msg1")), (2, 2));
    assert!(fake.ledger().duplicates().is_empty());
    assert_eq!(fake.ledger().by_key("msg2")[0].to, "/hook");
}

#[tokio::test]
async fn what_is_not_signed_well_and_in_time_is_refused() {
    let (fake, client) = start().await;
    assert_eq!(deliver(&client, &fake, "msg1", &[OLD], 0).await, 401);
    assert_eq!(deliver(&client, &fake, "msg1", &[SECRET], -400).await, 401);
    assert_eq!(deliver(&client, &fake, "msg1", &[SECRET], 400).await, 401);
    assert_eq!(deliver(&client, &fake, "msg1", &[], 0).await, 401);
    assert_eq!(fake.refused(), [Refused::Signature, Refused::Time, Refused::Time, Refused::Form]);
    fake.set_secrets(&[OLD]);
    assert_eq!(deliver(&client, &fake, "msg1", &[OLD], 0).await, 204);
    assert_eq!(fake.ledger().count(), 1);
}

#[tokio::test]
async fn it_can_be_gone_until_it_is_back() {
    let (fake, client) = start().await;
    fake.faults().of_all(Some(Fault::Answer(Answer::text(410, "gone"))));
    assert_eq!(deliver(&client, &fake, "msg1", &[SECRET], 0).await, 410);
    assert_eq!(fake.ledger().count(), 0);
    fake.faults().of_all(None);
    assert_eq!(deliver(&client, &fake, "msg1", &[SECRET], 0).await, 204);
    assert_eq!(fake.arrivals("msg1"), 2);
}
