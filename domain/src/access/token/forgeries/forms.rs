//! How a token is written down, and its signature.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

use super::{Forged, Good};

/// Signatures that are of something else, nothing, or the same in another form.
pub(super) fn signatures(good: &Good) -> Forged {
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
pub(super) fn forms(good: &Good) -> Forged {
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
