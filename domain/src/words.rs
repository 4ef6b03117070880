//! Enums that are stored and shown as words.

/// Writes an enum down with its words, which are those that it has in JSON. They are token trees, for a literal of a macro is
/// hidden from the derive that describes it.
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$of_one:meta])* $variant:ident = $text:tt),+ $(,)? }) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        $(#[$about])*
        pub enum $name {
            $($(#[$of_one])* #[serde(rename = $text)] $variant),+
        }

        impl $name {
            /// All of them, in the order in which they are written down.
            pub const ALL: [Self; [$($text),+].len()] = [$(Self::$variant),+];

            /// As it is stored, and as the API names it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text),+
                }
            }

            /// As it is stored or written in a request.
            #[must_use]
            pub fn named(text: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|one| one.as_str() == text)
            }
        }
    };
}
pub(crate) use words;

#[cfg(test)]
mod tests {
    use serde_json::json;
    use utoipa::PartialSchema as _;

    words! {
        /// Days.
        Days {
            Today = "today",
            /// A week of them.
            Seven = "last_7",
        }
    }

    #[test]
    fn a_word_is_the_same_where_it_is_stored_sent_and_described() {
        let words: Vec<&str> = Days::ALL.iter().map(|one| one.as_str()).collect();
        assert_eq!(words, ["today", "last_7"]);
        assert_eq!(serde_json::to_value(Days::ALL).expect("JSON"), json!(words));
        let schema = serde_json::to_value(Days::schema()).expect("JSON");
        assert_eq!(schema["enum"], json!(words));
        assert_eq!(Days::named("last_7"), Some(Days::Seven));
        assert_eq!(Days::named("seven"), None);
    }
}
