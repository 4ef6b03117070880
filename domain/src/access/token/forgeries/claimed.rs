//! What a token claims.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{super::ISSUER, Forged, Good, signed};

/// Claims of another value, or none, signed by our own key.
pub(super) fn values(good: &Good) -> Forged {
    let id = Uuid::nil();
    let rights = |more: Value| {
        let mut rights = json!({"list": "1", "may": "1", "rows": "all", "role": id, "since": 1, "era": 1});
        for (field, value) in more.as_object().expect("an object") {
            rights[field] = value.clone();
        }
        rights
    };
    let mut forged = Forged::new();
    for (claim, value) in [
        ("aud", json!("elsewhere")),
        ("aud", json!(["switchboard-api", "elsewhere"])),
        ("aud", json!(["switchboard-api"])),
        ("aud", json!("switchboard-api ")),
        ("aud", json!("")),
        ("aud", Value::Null),
        ("iss", json!("elsewhere")),
        ("iss", json!(ISSUER.to_uppercase())),
        ("iss", json!([ISSUER])),
        ("iss", Value::Null),
        ("typ", json!("refresh")),
        ("typ", json!("Access")),
        ("typ", json!("")),
        ("typ", Value::Null),
        ("exp", json!("99999999999")),
        ("exp", json!("1600")),
        ("exp", json!(1_600.5)),
        ("exp", json!(-1)),
        ("exp", json!(0)),
        ("exp", json!(999)),
        ("exp", json!(1_000)),
        ("exp", json!(1_601)),
        ("exp", json!(9_999_999_999_i64)),
        ("exp", json!(i64::MAX)),
        ("exp", json!(u64::MAX)),
        ("exp", json!(1e300)),
        ("exp", json!(true)),
        ("exp", json!([1_600])),
        ("exp", json!({"$gt": 0})),
        ("exp", Value::Null),
        ("iat", json!(i64::MIN)),
        ("iat", json!("1000")),
        ("iat", Value::Null),
        ("nbf", json!(9_999_999_999_i64)),
        ("nbf", json!(1_000)),
        ("nbf", json!("1000")),
        ("sub", json!("' or 1=1 --")),
        ("sub", json!(1)),
        ("sub", json!("")),
        ("tid", json!("*")),
        ("tid", json!([id, id])),
        ("sid", json!([])),
        ("ver", json!("1")),
        ("ver", json!(1.5)),
        ("ver", json!(u64::MAX)),
        ("admin", json!(true)),
        ("permissions", json!(["*"])),
        ("jti", json!("1")),
        ("rts", json!(true)),
        ("rts", rights(json!({"may": "-1"}))),
        ("rts", rights(json!({"may": 1}))),
        ("rts", rights(json!({"may": "f".repeat(33)}))),
        ("rts", rights(json!({"rows": "every"}))),
        ("rts", rights(json!({"era": Value::Null}))),
        ("rts", rights(json!({"a": 1}))),
    ] {
        forged.push((format!("{claim} {value}"), good.claiming(claim, &value)));
    }
    for claim in ["iss", "aud", "sub", "tid", "sid", "typ", "ver", "iat", "exp"] {
        let mut claims = good.claims.clone();
        claims.as_object_mut().expect("an object").remove(claim);
        forged.push((format!("no {claim}"), signed(1, &good.header.to_string(), &claims.to_string())));
    }
    forged
}

/// Claims that are no claims, say something twice, or have no end; signed by our own key.
pub(super) fn texts(good: &Good) -> Forged {
    let whole = good.claims.to_string();
    let inside = whole.strip_prefix('{').and_then(|text| text.strip_suffix('}')).expect("an object");
    let mut texts = vec![
        String::new(),
        "null".into(),
        "{}".into(),
        "[]".into(),
        format!("[{whole}]"),
        format!("{whole}{whole}"),
        format!("{{{inside}"),
        format!("{{{inside},}}"),
        format!("\u{feff}{whole}"),
        format!("{{{inside},\"x\":{}", "[".repeat(100_000)),
        format!("{{{inside},\"x\":\"{}\"}}", "x".repeat(1 << 20)),
    ];
    for (claim, other) in [
        ("exp", json!(99_999_999_999_i64)),
        ("sub", json!(Uuid::nil())),
        ("tid", json!(Uuid::nil())),
        ("aud", json!("elsewhere")),
        ("typ", json!("refresh")),
    ] {
        texts.push(format!("{{\"{claim}\":{other},{inside}}}"));
        texts.push(format!("{{{inside},\"{claim}\":{other}}}"));
    }
    let of = |text: String| (format!("claims {text:.60}"), signed(1, &good.header.to_string(), &text));
    texts.into_iter().map(of).collect()
}
