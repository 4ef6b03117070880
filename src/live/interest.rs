//! What a client wants to be told of what it may see. Pure.

use std::collections::{BTreeSet, HashSet};

use domain::events;

/// The most that one socket may name: each is looked through for each event.
pub const MOST_TYPES: usize = 100;
/// The most resources that it may name.
pub const MOST_RESOURCES: usize = 500;
/// The longest name of one.
const CHARS: usize = 100;

/// The types and resources that a client asked for. Of a kind that is not named it wants everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Interest {
    types: HashSet<String>,
    /// `message` of `message.*`.
    families: HashSet<String>,
    resources: HashSet<String>,
}

impl Interest {
    /// What these name: types as `message.sent`, `message.*` or `switchboard.message.sent.v1`, resources as events have them in
    /// `subject`, for example `lead:<id>`.
    ///
    /// # Errors
    /// A sentence on what is too much.
    pub fn of(
        types: impl IntoIterator<Item = String>,
        resources: impl IntoIterator<Item = String>,
    ) -> Result<Self, String> {
        let mut interest = Self::default();
        for named in types {
            let whole = named.strip_prefix("switchboard.").and_then(|rest| rest.strip_suffix(".v1"));
            let named = short(whole.unwrap_or(&named))?;
            match named.strip_suffix(".*") {
                Some(family) => interest.families.insert(family.to_owned()),
                None => interest.types.insert(named.to_owned()),
            };
        }
        for named in resources {
            interest.resources.insert(short(&named)?.to_owned());
        }
        if interest.types.len() + interest.families.len() > MOST_TYPES {
            return Err(format!("at most {MOST_TYPES} types; `message.*` stands for all about messages"));
        }
        if interest.resources.len() > MOST_RESOURCES {
            return Err(format!("at most {MOST_RESOURCES} resources; leave them out to hear of all"));
        }
        Ok(interest)
    }

    /// Whether an entry of this type about this is asked for. Whether the peer may see it is not looked at here.
    #[must_use]
    pub fn wants(&self, kind: &str, subject: &str) -> bool {
        let any_type = self.types.is_empty() && self.families.is_empty();
        let family = || kind.split_once('.').is_some_and(|(family, _)| self.families.contains(family));
        (any_type || self.types.contains(kind) || family())
            && (self.resources.is_empty() || self.resources.contains(subject))
    }

    /// The types that this build never tells of, in order: spelling mistakes, or types of a newer build.
    #[must_use]
    pub fn unknown(&self) -> BTreeSet<String> {
        let types = self.types.iter().filter(|named| !events::kinds().any(|kind| kind == *named)).cloned();
        let is_known = |family: &String| {
            events::kinds().any(|kind| kind.split_once('.').is_some_and(|(about, _)| about == family))
        };
        let families = self.families.iter().filter(|family| !is_known(family));
        types.chain(families.map(|family| format!("{family}.*"))).collect()
    }
}

fn short(named: &str) -> Result<&str, String> {
    if named.len() <= CHARS { Ok(named) } else { Err(format!("no name is longer than {CHARS} bytes")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(types: &[&str], resources: &[&str]) -> Interest {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        Interest::of(owned(types), owned(resources)).expect("not too much")
    }

    #[test]
    fn a_client_is_told_what_it_asked_for() {
        for (types, resources, wanted) in [
            (&[][..], &[][..], true),
            (&["message.sent"], &[], true),
            (&["switchboard.message.sent.v1"], &[], true),
            (&["message.*"], &[], true),
            (&["lead.*", "message.*"], &[], true),
            (&["message.failed"], &[], false),
            (&["lead.*"], &[], false),
            (&["mess.*"], &[], false),
            (&[], &["message:1"], true),
            (&[], &["message:2"], false),
            (&["message.sent"], &["message:1", "message:2"], true),
            (&["message.failed"], &["message:1"], false),
            (&["message.sent"], &["message:2"], false),
        ] {
            let interest = of(types, resources);
            assert_eq!(interest.wants("message.sent", "message:1"), wanted, "{types:?} {resources:?}");
        }
    }

    #[test]
    fn what_comes_to_nothing_is_named_and_too_much_is_refused() {
        let interest = of(&["message.sent", "message.snet", "lead.*", "laed.*"], &[]);
        assert_eq!(interest.unknown(), BTreeSet::from(["laed.*".to_owned(), "message.snet".to_owned()]));
        let many = |count: usize| (0..count).map(|number| number.to_string()).collect::<Vec<_>>();
        assert!(Interest::of(many(MOST_TYPES), many(MOST_RESOURCES)).is_ok());
        assert!(Interest::of(many(MOST_TYPES + 1), []).is_err());
        assert!(Interest::of([], many(MOST_RESOURCES + 1)).is_err());
        assert!(Interest::of(["x".repeat(101)], []).is_err());
    }
}
