use zeroize::Zeroizing;

use super::{forgeries::forgeries, *};

pub(super) fn signer(n: u8) -> Signer {
    Signer::new(&DataKey { id: Uuid::from_u128(n.into()), bytes: Zeroizing::new([n; 32]) }).expect("a signer")
}

pub(super) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).expect("a time")
}

/// What somebody is told at 1,000.
pub(super) fn claims(version: i64) -> Claims {
    let (tenant, user) = (TenantId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
    Claims::new(tenant, user, SessionId(Uuid::from_u128(3)), version, at(1_000))
}

#[test]
fn a_token_is_good_for_ten_minutes() {
    let (signer, said) = (signer(1), claims(7));
    let token = signer.sign(&said).expect("a token");
    assert_eq!(signer.check(&token, at(1_599)).expect("valid"), said);
    assert!(
        matches!(signer.check(&token, at(1_600)), Err(Error::Unauthenticated(why)) if why.contains("expired"))
    );
}

#[test]
fn forgeries_are_refused() {
    let ours = signer(1);
    let forged = forgeries(&ours);
    assert!(forged.len() >= 150, "{}", forged.len());
    for (name, token) in &forged {
        assert!(matches!(ours.check(token, at(1_000)), Err(Error::Unauthenticated(_))), "{name}");
    }
    println!("security-cases {}", forged.len());
}
