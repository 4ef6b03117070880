//! A filter as the payload of a job holds it: ids, words of ours, and keyed hashes of what somebody typed in, for that
//! may be personal.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use super::super::{
    commands::Filter,
    lead::{Source, Status},
    store::Wanted,
};
use crate::{
    error::{Error, Result},
    types::{AgentId, ImportId},
};

/// Which leads a job is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::leads) struct Selected {
    status: Option<Status>,
    source: Option<Source>,
    owner: Option<AgentId>,
    import: Option<ImportId>,
    email: Option<String>,
    phone: Option<String>,
    /// Kinds and hashes of tags, words of names and values of attributes.
    #[serde(default)]
    terms: Vec<(String, String)>,
}

impl Selected {
    /// What a filter asks for, of which the hashes are made by now.
    pub(in crate::leads) fn of(filter: &Filter, wanted: &Wanted) -> Self {
        Self {
            status: filter.status,
            source: filter.source,
            owner: filter.owner,
            import: filter.import,
            email: wanted.email.as_deref().map(write),
            phone: wanted.phone.as_deref().map(write),
            terms: wanted.terms.iter().map(|(kind, hash)| (kind.clone(), write(hash))).collect(),
        }
    }

    /// The same for the stores.
    ///
    /// # Errors
    /// If a hash was not written by [`Self::of`].
    pub(in crate::leads) fn read(&self) -> Result<(Filter, Wanted)> {
        let filter = Filter {
            status: self.status,
            source: self.source,
            owner: self.owner,
            import: self.import,
            ..Filter::default()
        };
        let terms: Result<Vec<(String, Vec<u8>)>> =
            self.terms.iter().map(|(kind, hash)| Ok((kind.clone(), read(hash)?))).collect();
        let wanted = Wanted {
            email: self.email.as_deref().map(read).transpose()?,
            phone: self.phone.as_deref().map(read).transpose()?,
            terms: terms?,
        };
        Ok((filter, wanted))
    }
}

fn write(hash: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(hash)
}

fn read(text: &str) -> Result<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_holds_hashes_and_gives_them_back() {
        let filter = Filter {
            status: Some(Status::Lost),
            email: Some("ada@example.com".parse().expect("an address")),
            tag: Some("vip".parse().expect("a tag")),
            ..Filter::default()
        };
        let wanted =
            Wanted { email: Some(vec![1, 255]), phone: None, terms: vec![("tag".into(), vec![7; 32])] };
        let kept = serde_json::to_string(&Selected::of(&filter, &wanted)).expect("JSON");
        assert!(!kept.contains("ada") && !kept.contains("vip"), "{kept}");
        let selected: Selected = serde_json::from_str(&kept).expect("a selection");
        let (again, hashes) = selected.read().expect("hashes");
        assert_eq!((again.status, hashes.email, hashes.phone), (filter.status, wanted.email, None));
        assert_eq!(hashes.terms, wanted.terms);
        let odd = Selected { email: Some("?".into()), ..Selected::default() };
        assert!(odd.read().is_err());
    }
}
