//! A lead with eight encrypted fields, and the same in plain: what is done in memory to show it, and nothing else.
//!
//! Each field is sealed by itself, though the product puts attributes together: it is the most that it can cost.

use std::error::Error;

use domain::{
    types::TenantId,
    vault::{
        DataKey, Place,
        cipher::{Cipher, seal},
        kek::{KeyEncryptionKey, LocalKek},
    },
};
use uuid::Uuid;

/// 32 zero bytes: a key for measurements only.
const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const PURPOSE: &[u8] = b"a lead";
const FIELDS: [(&str, &str); 8] = [
    ("name_sealed", "Augusta Ada King, Countess of Lovelace"),
    ("phone_sealed", "+14155550100"),
    ("email_sealed", "ada.lovelace@analytical.example.com"),
    ("street_sealed", "12 St James's Square"),
    ("city_sealed", "London SW1Y 4JH"),
    ("company_sealed", "Analytical Engines Ltd"),
    ("birthday_sealed", "1815-12-10"),
    (
        "notes_sealed",
        "Asks for the machine that weaves algebraical patterns; call in the afternoon, not on Sundays.",
    ),
];

type Failure = Box<dyn Error + Send + Sync>;

/// As it lies in the database.
pub struct Lead {
    kek: LocalKek,
    key_id: Uuid,
    wrapped: Vec<u8>,
    fields: Vec<(Place, Vec<u8>, String)>,
}

impl Lead {
    /// # Errors
    /// If the key is none.
    pub async fn new() -> Result<Self, Failure> {
        let kek = LocalKek::from_text(KEY)?;
        let wrapped = kek.wrap(PURPOSE, &[7; 32]).await?;
        let key_id = Uuid::from_u128(7);
        let key = DataKey { id: key_id, bytes: kek.unwrap(PURPOSE, &wrapped).await? };
        let tenant = TenantId(Uuid::from_u128(1));
        let fields = FIELDS.into_iter().zip(0..).map(|((column, text), number)| {
            let place = Place { tenant, table: "leads", column, row: Uuid::from_u128(9) };
            (place, seal(&key, [number; 12], &place, text.as_bytes()), text.to_owned())
        });
        let fields = fields.collect();
        Ok(Self { kek, key_id, wrapped, fields })
    }

    /// Unwraps the person's key and opens all fields, as each reading does.
    ///
    /// # Errors
    /// If one does not open.
    pub async fn opened(&self) -> Result<Vec<String>, Failure> {
        let key = DataKey { id: self.key_id, bytes: self.kek.unwrap(PURPOSE, &self.wrapped).await? };
        let cipher = Cipher::of(&key);
        let mut texts = Vec::with_capacity(self.fields.len());
        for (place, blob, _) in &self.fields {
            texts.push(String::from_utf8(cipher.open(place, blob)?.to_vec())?);
        }
        Ok(texts)
    }

    /// The same of a lead that is not encrypted.
    #[must_use]
    pub fn plain(&self) -> Vec<String> {
        self.fields.iter().map(|(_, _, text)| text.clone()).collect()
    }
}
