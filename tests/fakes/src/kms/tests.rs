use super::*;
use crate::faults::Fault;

async fn call(fake: &Fake, account: &Account, operation: &str, body: &Value) -> (u16, Value) {
    let headers = [
        ("content-type", "application/x-amz-json-1.1"),
        ("x-amz-target", &*format!("TrentService.{operation}")),
    ];
    let body = body.to_string();
    let (status, _, answer) =
        signature::send((&fake.url(), account, "kms"), ("POST", "/"), &headers, body.as_bytes()).await;
    (status, serde_json::from_slice(&answer).expect("JSON"))
}

#[tokio::test]
async fn what_it_encrypted_opens_with_the_same_context_and_with_no_other() {
    let fake = Fake::start(Config::default()).await.expect("a fake");
    let account = fake.config().account.clone();
    let context = json!({"tenant": "t", "purpose": "p"});
    let asked =
        json!({"KeyId": fake.arn(), "Plaintext": STANDARD.encode(b"key"), "EncryptionContext": context});
    let (status, sealed) = call(&fake, &account, "Encrypt", &asked).await;
    assert_eq!((status, &sealed["KeyId"]), (200, &json!(fake.arn())));
    let blob = &sealed["CiphertextBlob"];
    let open = json!({"CiphertextBlob": blob, "EncryptionContext": {"purpose": "p", "tenant": "t"}});
    let (_, opened) = call(&fake, &account, "Decrypt", &open).await;
    assert_eq!(opened["Plaintext"], STANDARD.encode(b"key"));
    let moved = json!({"CiphertextBlob": blob, "EncryptionContext": {"purpose": "p", "tenant": "u"}});
    let (status, refused) = call(&fake, &account, "Decrypt", &moved).await;
    assert_eq!((status, &refused["__type"]), (400, &json!("InvalidCiphertextException")));
    let done: Vec<_> = fake.ledger().entries().iter().map(|entry| entry.to.clone()).collect();
    assert_eq!(done, ["Encrypt", "Decrypt"]);
    assert!(!fake.ledger().entries()[0].body.to_string().contains(&STANDARD.encode(b"key")));
}

#[tokio::test]
async fn it_denies_throttles_and_can_be_disabled() {
    let fake = Fake::start(Config::default()).await.expect("a fake");
    let account = fake.config().account.clone();
    let asked = json!({"KeyId": fake.arn(), "Plaintext": STANDARD.encode(b"key")});
    let code = async |account: &Account, asked: &Value| {
        let (_, answer) = call(&fake, account, "Encrypt", asked).await;
        answer["__type"].as_str().unwrap_or_default().to_owned()
    };
    fake.faults().next(Fault::Answer(denied()));
    assert_eq!(code(&account, &asked).await, "AccessDeniedException");
    fake.faults().next(Fault::RateLimited { retry_after_s: 1 });
    assert_eq!(code(&account, &asked).await, "ThrottlingException");
    fake.disable(true);
    assert_eq!(code(&account, &asked).await, "DisabledException");
    fake.disable(false);
    assert_eq!(code(&account, &asked).await, "");
    let other = json!({"KeyId": "other", "Plaintext": STANDARD.encode(b"key")});
    assert_eq!(code(&account, &other).await, "NotFoundException");
    let stranger = Account { access_key: "other".into(), ..account };
    assert_eq!(code(&stranger, &asked).await, "UnrecognizedClientException");
}
