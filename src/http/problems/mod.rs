//! What the `type` of a problem document means (RFC 9457, section 3.1.1): one list of all kinds, which the pages at
//! `/problems` show. Whoever makes a new kind says here what it means: a document of an unknown kind ends a test.

mod asking;
mod people;
mod running;

use serde::Serialize;

/// A kind of problem.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ProblemKind {
    /// The last part of the `type`.
    pub name: &'static str,
    /// The status that it comes with (RFC 9110, section 15).
    pub status: u16,
    /// What is the matter.
    pub means: &'static str,
    /// What to do next.
    pub remedy: &'static str,
}

/// Says a kind in one or two lines: name, status, what is the matter, what to do next.
macro_rules! kinds {
    ($($name:literal $status:literal $means:literal => $remedy:literal;)*) => {
        &[$($crate::http::problems::ProblemKind { name: $name, status: $status, means: $means, remedy: $remedy }),*]
    };
}
use kinds;

/// All kinds, those of any request first.
pub fn all() -> impl Iterator<Item = &'static ProblemKind> {
    [asking::KINDS, people::KINDS, running::KINDS].into_iter().flatten()
}

/// The kind of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static ProblemKind> {
    all().find(|kind| kind.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_kind_has_one_name_and_whole_sentences() {
        let mut names = HashSet::new();
        for kind in all() {
            assert!(names.insert(kind.name), "{} stands twice", kind.name);
            assert!(
                kind.name.bytes().all(|letter| letter.is_ascii_lowercase() || letter == b'-'),
                "{}",
                kind.name
            );
            assert!((400..600).contains(&kind.status), "{}", kind.name);
            for text in [kind.means, kind.remedy] {
                assert!(text.starts_with(|first: char| !first.is_lowercase()), "{}: {text}", kind.name);
                assert!(text.ends_with('.') && text.len() > 5, "{}: {text}", kind.name);
            }
        }
    }
}
