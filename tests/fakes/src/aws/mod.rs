//! What the services of Amazon have in common, and all that speak like them: accounts, and requests that are signed.
//!
//! - [`signature`] the fourth version of their signatures, looked at and made

pub mod signature;

/// Who may call, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub access_key: String,
    pub secret_key: String,
    pub region: String,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            access_key: "AKIDFAKE".into(),
            secret_key: "fake/secret+key".into(),
            region: "eu-central-1".into(),
        }
    }
}
