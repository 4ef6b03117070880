//! What files are called within a tenant.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Signs of a name at the most: S3 takes keys up to 1,024 bytes, and the tenant's folder comes before it.
const LONGEST: usize = 512;

/// Folders and a name with slashes between them: small letters, digits, dots, hyphens and underscores, which are the
/// same in every store and on every file system. No part begins with a dot, so none leads anywhere else.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FileName(String);

/// A name that no file may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a file is called by at most 512 small letters, digits, dots, hyphens and underscores, with slashes between \
     folders, and no part of it begins with a dot"
)]
pub struct BadName;

impl FileName {
    /// With its folders, below that of the tenant.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FileName {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let sign = |sign: u8| matches!(sign, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_');
        let good = |part: &str| !part.is_empty() && !part.starts_with('.') && part.bytes().all(sign);
        if text.len() <= LONGEST && text.split('/').all(good) { Ok(Self(text.into())) } else { Err(BadName) }
    }
}

impl TryFrom<String> for FileName {
    type Error = BadName;

    fn try_from(text: String) -> Result<Self, BadName> {
        text.parse()
    }
}

impl From<FileName> for String {
    fn from(name: FileName) -> Self {
        name.0
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_where_it_is_put() {
        for good in ["a", "archive/audit_log/2026-01.jsonl.zst", "exports/0192/data.zip", "a_b-c.d"] {
            assert_eq!(good.parse::<FileName>().map(String::from), Ok(good.to_owned()), "{good}");
        }
        let long = "a".repeat(513);
        for wrong in [
            "", "/", "/a", "a/", "a//b", "..", "a/../b", ".", "a/.b", "A", "a b", "a%2fb", "a\\b", "ä",
            "a\0", &long,
        ] {
            assert_eq!(wrong.parse::<FileName>(), Err(BadName), "{wrong}");
        }
    }
}
