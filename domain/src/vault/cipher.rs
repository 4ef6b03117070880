//! The sealed form of a value: AES-256-GCM bound to its place.
//!
//! Blob = format version (1), algorithm (1), key id (16), nonce (12), ciphertext, tag (16). The
//! additional data names tenant, table, column and row, so a blob moved anywhere else does not open.
//! NIST SP 800-38D bounds random nonces to 2^32 for each key.

use std::fmt::Write as _;

use aes_gcm::{Aes256Gcm, Key, KeyInit, Nonce, aead::Aead, aead::Payload};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::types::TenantId;

const FORMAT: u8 = 1;
const AES_256_GCM: u8 = 1;
const HEAD: usize = 2 + 16 + 12;

/// A 256-bit key and its name.
#[derive(Clone)]
pub struct DataKey {
    pub id: Uuid,
    pub bytes: Zeroizing<[u8; 32]>,
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DataKey({})", self.id)
    }
}

/// Where a sealed value belongs.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub tenant: TenantId,
    pub table: &'static str,
    pub column: &'static str,
    pub row: Uuid,
}

/// Why a blob did not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("a sealed value has no known form")]
    Form,
    #[error("a sealed value names a key that is not here")]
    Key,
    #[error("a sealed value was altered or moved")]
    Altered,
}

impl Place {
    fn additional_data(&self) -> Vec<u8> {
        let parts: [&[u8]; 5] = [
            &[FORMAT, AES_256_GCM],
            self.tenant.0.as_bytes(),
            self.table.as_bytes(),
            self.column.as_bytes(),
            self.row.as_bytes(),
        ];
        length_prefixed(&parts)
    }
}

/// Joins parts so that no two lists of parts give the same bytes.
pub(crate) fn length_prefixed(parts: &[&[u8]]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(parts.iter().map(|part| 8 + part.len()).sum());
    for part in parts {
        joined.extend_from_slice(&(part.len() as u64).to_be_bytes());
        joined.extend_from_slice(part);
    }
    joined
}

/// Seals a value for its place. The nonce must be random and fresh.
#[must_use]
pub fn seal(key: &DataKey, nonce: [u8; 12], place: &Place, plain: &[u8]) -> Vec<u8> {
    seal_with(key, nonce, &place.additional_data(), plain)
}

/// # Errors
/// [`Unreadable`], if the blob is not one of ours, names another key, or was altered or moved.
pub fn open(key: &DataKey, place: &Place, blob: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unreadable> {
    open_with(key, &place.additional_data(), blob)
}

/// The key a blob was sealed with.
///
/// # Errors
/// If the blob is not one of ours.
pub fn key_of(blob: &[u8]) -> Result<Uuid, Unreadable> {
    match blob {
        [FORMAT, AES_256_GCM, rest @ ..] if blob.len() >= HEAD + 16 => {
            Uuid::from_slice(&rest[..16]).map_err(|_| Unreadable::Form)
        }
        _ => Err(Unreadable::Form),
    }
}

/// A key that is ready to seal and open: what AES makes of a key before its first block is made once, and not for each
/// value. It forgets it when it goes.
pub struct Cipher {
    id: Uuid,
    // In a place of its own, so that moving this moves no key about.
    gcm: Box<Aes256Gcm>,
}

impl std::fmt::Debug for Cipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cipher({})", self.id)
    }
}

impl Cipher {
    /// Makes the key ready, once for all values that it seals and opens.
    #[must_use]
    pub fn of(key: &DataKey) -> Self {
        Self { id: key.id, gcm: Box::new(Aes256Gcm::new(&Key::<Aes256Gcm>::from(*key.bytes))) }
    }

    /// As [`seal`].
    #[must_use]
    pub fn seal(&self, nonce: [u8; 12], place: &Place, plain: &[u8]) -> Vec<u8> {
        self.seal_with(nonce, &place.additional_data(), plain)
    }

    /// As [`open`].
    ///
    /// # Errors
    /// As [`open`].
    pub fn open(&self, place: &Place, blob: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unreadable> {
        self.open_with(&place.additional_data(), blob)
    }

    pub(super) fn seal_with(&self, nonce: [u8; 12], aad: &[u8], plain: &[u8]) -> Vec<u8> {
        let sealed = self
            .gcm
            .encrypt(&Nonce::from(nonce), Payload { msg: plain, aad })
            .unwrap_or_else(|_| unreachable!("AES-GCM refuses only texts of 64 GiB"));
        let mut blob = Vec::with_capacity(HEAD + sealed.len());
        blob.extend_from_slice(&[FORMAT, AES_256_GCM]);
        blob.extend_from_slice(self.id.as_bytes());
        blob.extend_from_slice(&nonce);
        blob.extend_from_slice(&sealed);
        blob
    }

    pub(super) fn open_with(&self, aad: &[u8], blob: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unreadable> {
        if key_of(blob)? != self.id {
            return Err(Unreadable::Key);
        }
        let nonce: [u8; 12] = blob[18..HEAD].try_into().map_err(|_| Unreadable::Form)?;
        self.gcm
            .decrypt(&Nonce::from(nonce), Payload { msg: &blob[HEAD..], aad })
            .map(Zeroizing::new)
            .map_err(|_| Unreadable::Altered)
    }
}

pub(super) fn seal_with(key: &DataKey, nonce: [u8; 12], aad: &[u8], plain: &[u8]) -> Vec<u8> {
    Cipher::of(key).seal_with(nonce, aad, plain)
}

pub(super) fn open_with(key: &DataKey, aad: &[u8], blob: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unreadable> {
    Cipher::of(key).open_with(aad, blob)
}

/// A blind index: equal values give equal bytes, and nothing else can be learned without the key.
/// HMAC-SHA256 (RFC 2104) under a key of its own for each column. Never for fields of few values.
#[must_use]
pub fn blind_index(key: &DataKey, column: &'static str, normal: &str) -> Vec<u8> {
    let column_key = mac(key.bytes.as_slice(), &[b"blind index", column.as_bytes()]);
    mac(&column_key, &[normal.as_bytes()])
}

/// HMAC-SHA256 over length-prefixed parts.
pub(crate) fn mac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key)
        .unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
    mac.update(&length_prefixed(parts));
    mac.finalize().into_bytes().to_vec()
}

/// In small hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// SHA-256.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u8) -> DataKey {
        DataKey { id: Uuid::from_u128(n.into()), bytes: Zeroizing::new([n; 32]) }
    }

    fn place(row: u128) -> Place {
        Place {
            tenant: TenantId(Uuid::from_u128(1)),
            table: "leads",
            column: "phone",
            row: Uuid::from_u128(row),
        }
    }

    #[test]
    fn a_blob_opens_only_with_its_key_in_its_place_and_whole() {
        let blob = seal(&key(1), [7; 12], &place(5), b"+14155550100");
        assert_eq!(open(&key(1), &place(5), &blob).expect("it opens").as_slice(), b"+14155550100");
        assert_eq!(key_of(&blob), Ok(Uuid::from_u128(1)));
        assert_eq!(open(&key(2), &place(5), &blob), Err(Unreadable::Key));
        let moved = [
            Place { row: Uuid::from_u128(6), ..place(5) },
            Place { column: "email", ..place(5) },
            Place { table: "users", ..place(5) },
            Place { tenant: TenantId(Uuid::from_u128(2)), ..place(5) },
        ];
        for place in moved {
            assert_eq!(open(&key(1), &place, &blob), Err(Unreadable::Altered), "{place:?}");
        }
        for at in 0..blob.len() {
            let mut altered = blob.clone();
            altered[at] ^= 1;
            assert!(open(&key(1), &place(5), &altered).is_err(), "byte {at}");
            assert!(open(&key(1), &place(5), &blob[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn parts_cannot_be_shifted_into_each_other() {
        assert_ne!(length_prefixed(&[b"ab", b"c"]), length_prefixed(&[b"a", b"bc"]));
        assert_ne!(blind_index(&key(1), "phone", "x"), blind_index(&key(1), "email", "x"));
        assert_eq!(blind_index(&key(1), "phone", "x"), blind_index(&key(1), "phone", "x"));
    }

    /// AES-256-GCM test case 16 of the GCM specification (`McGrew` and Viega, 2005).
    #[test]
    fn the_cipher_is_the_published_one() {
        let bytes = |hex: &str| -> Vec<u8> {
            (0..hex.len()).step_by(2).filter_map(|at| u8::from_str_radix(&hex[at..at + 2], 16).ok()).collect()
        };
        let half = bytes("feffe9928665731c6d6a8f9467308308");
        let whole: [u8; 32] = [half.clone(), half].concat().try_into().expect("32 bytes");
        let key = DataKey { id: Uuid::nil(), bytes: Zeroizing::new(whole) };
        let nonce = bytes("cafebabefacedbaddecaf888").try_into().expect("12 bytes");
        let plain = bytes(
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
        );
        let blob = seal_with(&key, nonce, &bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2"), &plain);
        assert_eq!(blob[blob.len() - 16..], bytes("76fc6ece0f4e1768cddf8853bb2d551b"));
    }
}
