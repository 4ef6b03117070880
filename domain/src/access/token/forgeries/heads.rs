//! What a token says in front: how it is signed, and by whom.

use aws_lc_rs::signature::KeyPair as _;
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{super::tests::signer, Forged, Good, pair, signed};

/// No algorithm, another one, and ours by a name that is not its name.
pub(super) fn algorithms(good: &Good) -> Forged {
    let mut forged = Forged::new();
    for alg in ["none", "None", "NONE", "nOnE", "none ", "", "HS256", "RS256", "ES256", "PS256", "ES512"] {
        let mut header = good.header.clone();
        header["alg"] = json!(alg);
        let token = good.left(&header);
        let bare = token.rsplit_once('.').expect("a signature").0;
        forged.push((format!("alg {alg}, no signature"), format!("{bare}.")));
        forged.push((format!("alg {alg}, no third part"), bare.to_owned()));
        forged.push((format!("alg {alg}, its signature left"), token));
        forged.push((format!("alg {alg}, signed by us"), good.headed(1, "alg", &json!(alg))));
    }
    for alg in ["EDDSA", "eddsa", "EdDsa", " EdDSA", "EdDSA\u{0}", "Ed25519", "Ed448"] {
        forged.push((format!("alg {alg}"), good.headed(1, "alg", &json!(alg))));
    }
    for alg in [json!(null), json!(1), json!(["EdDSA"]), json!({"EdDSA": 1})] {
        forged.push((format!("alg {alg}"), good.headed(1, "alg", &alg)));
    }
    forged
}

/// MACs under what everybody may know, first of all our public key.
pub(super) fn shared_secrets(good: &Good) -> Forged {
    let pair = pair(1);
    let public = pair.public_key().as_ref();
    let head = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    let der = [head.as_slice(), public].concat();
    let pem =
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", STANDARD.encode(der.as_slice()));
    let x = URL_SAFE_NO_PAD.encode(public);
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": x}).to_string();
    let kid = good.header["kid"].as_str().expect("a name").to_owned();
    let secrets: [(&str, Vec<u8>); 10] = [
        ("our public key", public.to_vec()),
        ("it as DER", der),
        ("it as PEM", pem.clone().into_bytes()),
        ("it as PEM with a line's end", format!("{pem}\n").into_bytes()),
        ("it as base64", x.into_bytes()),
        ("it as a JWK", jwk.into_bytes()),
        ("our kid", kid.clone().into_bytes()),
        ("nothing", Vec::new()),
        ("a NUL", vec![0]),
        ("a word", b"secret".to_vec()),
    ];
    let mut forged = Forged::new();
    for alg in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
        let header = Header { kid: Some(kid.clone()), ..Header::new(alg) };
        for (said, secret) in &secrets {
            let key = EncodingKey::from_secret(secret);
            let token = jsonwebtoken::encode(&header, &good.claims, &key).expect("signed");
            forged.push((format!("{alg:?} under {said}"), token));
        }
    }
    forged
}

/// Another key, under our name, shown in the header, or said to lie somewhere; and names that lead elsewhere.
pub(super) fn keys(good: &Good) -> Forged {
    let x = URL_SAFE_NO_PAD.encode(pair(2).public_key().as_ref());
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": good.header["kid"]});
    let mut forged = vec![("another key under our kid".to_owned(), good.headed(2, "typ", &json!("JWT")))];
    for (field, value) in [
        ("jwk", jwk.clone()),
        ("jwks", json!({"keys": [jwk]})),
        ("jku", json!("https://evil.example.com/keys")),
        ("jku", json!("https://switchboard@evil.example.com/keys")),
        ("jku", json!("file:///dev/null")),
        ("x5u", json!("https://evil.example.com/cert")),
        ("x5c", json!(["MIIB"])),
        ("x5t", json!("AAAA")),
        ("x5t#S256", json!("AAAA")),
    ] {
        forged.push((format!("another key by {field}"), good.headed(2, field, &value)));
        forged.push((format!("our key and {field}"), good.headed(1, field, &value)));
    }
    let kid = good.header["kid"].as_str().expect("a name");
    for other in [
        json!(""),
        json!("other"),
        json!("../../../../dev/null"),
        json!("/proc/sys/kernel/randomize_va_space"),
        json!("file:///etc/passwd"),
        json!("' or 1=1 --"),
        json!("x' union select '\\x00' --"),
        json!("| id"),
        json!("$(id)"),
        json!("https://evil.example.com/key"),
        json!(format!("{kid} ")),
        json!(format!("{kid}\u{0}")),
        json!(format!("{kid}/../{kid}")),
        json!(Uuid::from_u128(1)),
        json!(signer(2).kid),
        json!(1),
        json!([kid]),
        Value::Null,
    ] {
        forged.push((format!("kid {other}"), good.headed(1, "kid", &other)));
        forged.push((format!("kid {other}, another key"), good.headed(2, "kid", &other)));
    }
    forged
}

/// What ours never say in front, or leave out.
pub(super) fn headers(good: &Good) -> Forged {
    let mut forged = Forged::new();
    for (field, value) in [
        ("typ", json!("at+jwt")),
        ("typ", json!("jwt")),
        ("typ", json!("JWE")),
        ("typ", Value::Null),
        ("cty", json!("JWT")),
        ("crit", json!(["exp"])),
        ("crit", json!(["b64"])),
        ("crit", json!([])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("enc", json!("A256GCM")),
        ("url", json!("https://evil.example.com/")),
        ("nonce", json!("1")),
        ("admin", json!(true)),
    ] {
        forged.push((format!("header {field} {value}"), good.headed(1, field, &value)));
    }
    for field in ["typ", "alg", "kid"] {
        let mut header = good.header.clone();
        header.as_object_mut().expect("an object").remove(field);
        forged.push((
            format!("header without {field}"),
            signed(1, &header.to_string(), &good.claims.to_string()),
        ));
    }
    let kid = &good.header["kid"];
    for header in [
        format!(r#"{{"typ":"JWT","alg":"none","alg":"EdDSA","kid":{kid}}}"#),
        format!(r#"{{"typ":"JWT","alg":"EdDSA","alg":"none","kid":{kid}}}"#),
        format!(r#"{{"typ":"JWT","alg":"EdDSA","kid":{kid},"kid":"other"}}"#),
        format!(r#"{{"typ":"JWT","alg":"EdDSA","kid":"other","kid":{kid}}}"#),
        format!(r#"{{"typ":"JWT","alg":"EdDSA","kid":{kid}}} x"#),
        format!(r#"{{"typ":"JWT","alg":"EdDSA","kid":{kid}"#),
        format!(r#"["JWT","EdDSA",{kid}]"#),
        format!(r#"{{"typ":"JWT","alg":"EdDSA","kid":{kid},"x":{}"#, "[".repeat(100_000)),
        "null".into(),
        "{}".into(),
        String::new(),
    ] {
        forged.push((format!("header {header:.80}"), signed(1, &header, &good.claims.to_string())));
    }
    forged
}
