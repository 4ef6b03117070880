//! What others have found to go wrong with AES-GCM, held against ours: the published vectors of Project Wycheproof, and
//! values that are opened in any place but their own.
//!
//! The vectors lie beside this file as they were published, for keys of 256 bits; their ids are those of the source.

use proptest::prelude::*;
use serde::Deserialize;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::cipher::{self, DataKey, Place, Unreadable, open, open_with, seal, seal_with};
use crate::types::TenantId;

const VECTORS: &str = include_str!("aes_256_gcm.json");
/// Format, algorithm and key id, which come before the nonce.
const BEFORE_NONCE: usize = 18;

#[derive(Deserialize)]
struct Vectors {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    id: u32,
    nonce_bits: usize,
    tag_bits: usize,
    valid: bool,
    key: String,
    nonce: String,
    aad: String,
    plain: String,
    sealed: String,
    tag: String,
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal digits");
    (0..hex.len()).step_by(2).map(digits).collect()
}

impl Case {
    fn key(&self) -> DataKey {
        let key: [u8; 32] = bytes(&self.key).try_into().expect("a key of 256 bits");
        DataKey { id: Uuid::from_u128(self.id.into()), bytes: Zeroizing::new(key) }
    }

    /// The vector as one of our blobs.
    fn blob(&self) -> Vec<u8> {
        let mut blob = vec![1, 1];
        blob.extend_from_slice(self.key().id.as_bytes());
        for part in [&self.nonce, &self.sealed, &self.tag] {
            blob.extend(bytes(part));
        }
        blob
    }
}

#[test]
fn every_valid_vector_opens_to_its_plain_text_and_every_other_is_refused() {
    let vectors: Vectors = serde_json::from_str(VECTORS).expect("the vectors are JSON");
    let (mut valid, mut refused, mut of_other_sizes) = (0, 0, 0);
    for case in vectors.cases {
        let (key, aad, blob) = (case.key(), bytes(&case.aad), case.blob());
        let opened = open_with(&key, &aad, &blob);
        if (case.nonce_bits, case.tag_bits) != (96, 128) {
            // Ours have no place for such a nonce, so its bytes are taken for something else and nothing opens.
            assert!(opened.is_err(), "case {} opens with a nonce of {} bits", case.id, case.nonce_bits);
            of_other_sizes += 1;
            continue;
        }
        if case.valid {
            let plain = bytes(&case.plain);
            assert_eq!(opened.expect("it is valid").as_slice(), plain, "case {}", case.id);
            let nonce = bytes(&case.nonce).try_into().expect("96 bits");
            assert_eq!(seal_with(&key, nonce, &aad, &plain), blob, "case {}", case.id);
            valid += 1;
        } else {
            assert_eq!(opened, Err(Unreadable::Altered), "case {}", case.id);
            refused += 1;
        }
    }
    assert_eq!((valid, refused, of_other_sizes), (39, 27, 39), "the whole of the published set");
    println!("security-cases {}", valid + refused + of_other_sizes);
}

const TABLES: [&str; 4] = ["leads", "messages", "calls", "users"];
const COLUMNS: [&str; 4] = ["name_sealed", "phone_sealed", "email_sealed", "attributes_sealed"];

fn places() -> impl Strategy<Value = Place> {
    // Of few, so that two of them often differ in one part only.
    let part = 0..3_u128;
    (part.clone(), 0..TABLES.len(), 0..COLUMNS.len(), part).prop_map(|(tenant, table, column, row)| Place {
        tenant: TenantId(Uuid::from_u128(tenant)),
        table: TABLES[table],
        column: COLUMNS[column],
        row: Uuid::from_u128(row),
    })
}

fn parts(place: &Place) -> (TenantId, &str, &str, Uuid) {
    (place.tenant, place.table, place.column, place.row)
}

proptest! {
    #[test]
    fn a_value_opens_in_its_own_place_and_in_no_other(
        (own, other) in (places(), places()),
        plain in proptest::collection::vec(any::<u8>(), 0..200),
        (bytes, nonce) in (any::<[u8; 32]>(), any::<[u8; 12]>()),
    ) {
        let key = DataKey { id: Uuid::from_u128(7), bytes: Zeroizing::new(bytes) };
        let blob = seal(&key, nonce, &own, &plain);
        let opened = open(&key, &other, &blob);
        if parts(&own) == parts(&other) {
            let opened = opened.expect("its own place");
            prop_assert_eq!(opened.as_slice(), plain);
        } else {
            prop_assert_eq!(opened, Err(Unreadable::Altered));
        }
    }

    #[test]
    fn a_value_with_another_head_nonce_text_or_tag_does_not_open(
        place in places(),
        plain in proptest::collection::vec(any::<u8>(), 0..100),
        (at, bits) in (any::<proptest::sample::Index>(), 1..=255_u8),
    ) {
        let key = DataKey { id: Uuid::from_u128(7), bytes: Zeroizing::new([3; 32]) };
        let mut blob = seal(&key, [9; 12], &place, &plain);
        let at = at.index(blob.len());
        blob[at] ^= bits;
        let expected = match at {
            0..2 => Unreadable::Form,
            2..BEFORE_NONCE => Unreadable::Key,
            _ => Unreadable::Altered,
        };
        prop_assert_eq!(open(&key, &place, &blob), Err(expected));
    }

    #[test]
    fn nothing_that_comes_from_outside_breaks_the_reader(
        blob in proptest::collection::vec(any::<u8>(), 0..100),
        known in any::<bool>(),
    ) {
        let key = DataKey { id: Uuid::nil(), bytes: Zeroizing::new([3; 32]) };
        let mut blob = blob;
        if known && blob.len() >= BEFORE_NONCE {
            blob[..2].fill(1);
            blob[2..BEFORE_NONCE].fill(0);
        }
        prop_assert!(open_with(&key, b"", &blob).is_err());
        prop_assert_eq!(cipher::key_of(&blob).is_ok(), blob.len() >= 46 && blob[..2] == [1, 1]);
    }
}
