//! Forgeries of a token of ours, by the attacks of RFC 8725 and the JWT cheat sheets of OWASP and `PortSwigger`.
//!
//! Many are signed by our own key, which nobody has: what is refused then is refused for what it says.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    ISSUER, Signer,
    tests::{at, claims, signer},
};

/// What is wrong with a token, and the token.
type Forged = Vec<(String, String)>;

/// The seed of [`signer`]`(n)`.
fn pair(n: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[n; 32]).expect("a seed")
}

/// A token of these very texts, signed by the key of [`signer`]`(n)`.
fn signed(n: u8, header: &str, claims: &str) -> String {
    let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = URL_SAFE_NO_PAD.encode(pair(n).sign(text.as_bytes()).as_ref());
    format!("{text}.{signature}")
}

/// What ours say, to be altered.
struct Good {
    header: Value,
    claims: Value,
    token: String,
}

impl Good {
    fn of(ours: &Signer) -> Self {
        let header = json!({"typ": "JWT", "alg": "EdDSA", "kid": ours.kid});
        let claims = serde_json::to_value(claims(1)).expect("JSON");
        let token = signed(1, &header.to_string(), &claims.to_string());
        assert!(ours.check(&token, at(1_000)).is_ok(), "the way of forging is itself sound");
        Self { header, claims, token }
    }

    fn parts(&self) -> [&str; 3] {
        let parts: Vec<&str> = self.token.split('.').collect();
        parts.try_into().expect("three parts")
    }

    /// The claims under another header, signed by the key of [`signer`]`(n)`.
    fn headed(&self, n: u8, field: &str, value: &Value) -> String {
        let mut header = self.header.clone();
        header[field] = value.clone();
        signed(n, &header.to_string(), &self.claims.to_string())
    }

    /// Other claims under our header, signed by our key.
    fn claiming(&self, field: &str, value: &Value) -> String {
        let mut claims = self.claims.clone();
        claims[field] = value.clone();
        signed(1, &self.header.to_string(), &claims.to_string())
    }

    /// The signature left, under another header.
    fn left(&self, header: &Value) -> String {
        let [_, claims, signature] = self.parts();
        format!("{}.{claims}.{signature}", URL_SAFE_NO_PAD.encode(header.to_string()))
    }
}

pub(super) fn forgeries(ours: &Signer) -> Forged {
    let good = Good::of(ours);
    let mut forged = algorithms(&good);
    forged.extend(shared_secrets(&good));
    forged.extend(keys(&good));
    forged.extend(headers(&good));
    forged.extend(values(&good));
    forged.extend(texts(&good));
    forged.extend(signatures(&good));
    forged.extend(forms(&good));
    forged
}

/// No algorithm, another one, and ours by a name that is not its name.
fn algorithms(good: &Good) -> Forged {
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
fn shared_secrets(good: &Good) -> Forged {
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
fn keys(good: &Good) -> Forged {
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
fn headers(good: &Good) -> Forged {
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

/// Claims of another value, or none, signed by our own key.
fn values(good: &Good) -> Forged {
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
fn texts(good: &Good) -> Forged {
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

/// Signatures that are of something else, nothing, or the same in another form.
fn signatures(good: &Good) -> Forged {
    /// The order of Ed25519's group, from its lowest byte on (RFC 8032, section 5.1).
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let [header, body, own] = good.parts();
    let bytes = URL_SAFE_NO_PAD.decode(own).expect("base64");
    let mut beyond = bytes.clone();
    let mut carry = 0;
    for (byte, more) in beyond[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(more) + carry;
        *byte = u8::try_from(sum & 0xff).expect("a byte");
        carry = sum >> 8;
    }
    let mut turned = bytes.clone();
    turned[0] ^= 1;
    let mut neutral = vec![0; 64];
    neutral[0] = 1;
    let forged: [(&str, Vec<u8>); 9] = [
        ("one bit of it turned", turned),
        ("its number and the group's order", beyond),
        ("noughts", vec![0; 64]),
        ("ones", vec![0xff; 64]),
        ("the neutral point", neutral),
        ("half of it", bytes[..32].to_vec()),
        ("it and a byte", [bytes.as_slice(), &[0]].concat()),
        ("it twice", [bytes.as_slice(), &bytes].concat()),
        ("one byte", vec![0]),
    ];
    let as_token = |(name, bytes): (&str, Vec<u8>)| {
        (format!("signature: {name}"), format!("{header}.{body}.{}", URL_SAFE_NO_PAD.encode(bytes)))
    };
    let mut forged: Forged = forged.into_iter().map(as_token).collect();
    let other = good.claiming("ver", &json!(2));
    let of_other = other.rsplit('.').next().expect("one");
    forged.push(("the signature of another".into(), format!("{header}.{body}.{of_other}")));
    // The last digit holds two bits of the signature: a careless reader takes the others for nothing.
    let last = char::from(own.bytes().next_back().expect("a digit") + 1);
    forged.push(("spare bits set".into(), format!("{header}.{body}.{}{last}", &own[..own.len() - 1])));
    forged
}

/// Ours, in a form that it does not have.
fn forms(good: &Good) -> Forged {
    let token = good.token.as_str();
    let [header, body, own] = good.parts();
    [
        String::new(),
        ".".into(),
        "..".into(),
        "...".into(),
        ".".repeat(100_000),
        "A".repeat(1 << 20),
        format!("{}.{}.{}", "A".repeat(1 << 20), "A".repeat(1 << 20), "A".repeat(1 << 20)),
        header.to_owned(),
        format!("{header}.{body}"),
        format!("{header}..{own}"),
        format!(".{body}.{own}"),
        format!("{token}.{own}"),
        format!("{token}.{body}.{own}"),
        format!("{body}.{header}.{own}"),
        format!("{token}=="),
        format!("{token}\n"),
        format!("{token}\u{0}"),
        format!("{token},{token}"),
        format!(" {token}"),
        format!("{header}.{body}\r\n.{own}"),
        format!("{header}. {body}.{own}"),
        token[..token.len() - 3].to_owned(),
        token.to_uppercase(),
        token.replace('.', "%2E"),
        format!("Bearer {token}"),
        format!("\"{token}\""),
    ]
    .into_iter()
    .map(|text| (format!("form {text:.60}"), text))
    .collect()
}
