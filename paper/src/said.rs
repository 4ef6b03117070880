//! Texts as people wrote them, made safe to be set.

use serde::ser::{Serialize, SerializeMap, Serializer};
use unicode_bidi::{Direction, get_base_direction};

/// A text of one paragraph that knows its direction: that of its first letter (UAX 9, P2). Written from right to left it
/// is `{"rtl": text}`, otherwise a string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said(String);

impl Said {
    /// At most `longest` characters of `text`, on one line.
    pub(crate) fn of(text: &str, longest: usize) -> Self {
        Self(breakable(&plain(text, longest)))
    }

    /// The same for what is never broken into lines.
    pub(crate) fn whole(text: &str, longest: usize) -> Self {
        Self(plain(text, longest))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Serialize for Said {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if get_base_direction(self.0.as_str()) == Direction::Rtl {
            let mut map = serializer.serialize_map(Some(1))?;
            map.serialize_entry("rtl", &self.0)?;
            return map.end();
        }
        serializer.serialize_str(&self.0)
    }
}

/// Without lines and control characters. Embeddings and overrides of direction go as well: one that is left open would
/// turn around what we write beside it.
pub(crate) fn plain(text: &str, longest: usize) -> String {
    let turns = |letter: char| matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut letters =
        text.trim()
            .chars()
            .map(|letter| {
                if letter.is_whitespace() && letter != '\u{a0}' && letter != '\u{202f}' {
                    ' '
                } else {
                    letter
                }
            })
            .filter(|letter| !letter.is_control() && !turns(*letter) && *letter != '\u{feff}');
    let mut kept: String = letters.by_ref().take(longest).collect();
    if letters.next().is_some() {
        kept.pop();
        kept.push('…');
    }
    kept
}

/// Letters in a row without a place to break a line, from where on places are put in.
const RUN: usize = 20;

/// With places where a line may break (U+200B) in addresses, keys and whatever else would run into the next column. Only
/// between letters that do not join: a break would change how Arabic is written.
fn breakable(text: &str) -> String {
    let simple = |letter: char| letter < '\u{530}' && !('\u{300}'..'\u{370}').contains(&letter);
    let mut broken = String::with_capacity(text.len());
    for (at, word) in text.split(' ').enumerate() {
        if at > 0 {
            broken.push(' ');
        }
        if word.chars().take(RUN + 1).count() <= RUN {
            broken.push_str(word);
            continue;
        }
        let mut run = 0;
        let mut letters = word.chars().peekable();
        while let Some(letter) = letters.next() {
            broken.push(letter);
            run += 1;
            let Some(&next) = letters.peek() else { break };
            let place = "/_-.@:?&=,;".contains(letter) && run >= 4;
            if simple(letter) && simple(next) && (place || run >= RUN) {
                broken.push('\u{200b}');
                run = 0;
            }
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_one_line_without_what_turns_its_surroundings_around() {
        for (text, kept) in [
            ("  two\nlines\t ", "two lines"),
            ("a\u{202e}b\u{2067}c\u{0}d", "abcd"),
            ("1\u{202f}000", "1\u{202f}000"),
            ("", ""),
            ("abcdefgh", "abcdefgh"),
            ("abcdefghi", "abcdefg…"),
        ] {
            assert_eq!(plain(text, 8.max(kept.chars().count())), kept, "{text:?}");
        }
    }

    #[test]
    fn long_words_may_be_broken_and_short_ones_may_not() {
        assert_eq!(breakable("an ordinary-length word"), "an ordinary-length word");
        assert_eq!(
            breakable("https://example.org/abcdefghijklmnopqrstuvwxyz"),
            "https:\u{200b}//example.\u{200b}org/\u{200b}abcdefghijklmnopqrst\u{200b}uvwxyz"
        );
        let joined = "العربيةالعربيةالعربيةالعربية";
        assert_eq!(breakable(joined), joined);
    }

    #[test]
    fn the_first_letter_gives_the_direction() {
        let json = |text: &str| serde_json::to_string(&Said::of(text, 50)).expect("a text");
        assert_eq!(json("Anna أحمد"), r#""Anna أحمد""#);
        assert_eq!(json("12 أحمد"), r#"{"rtl":"12 أحمد"}"#);
        assert_eq!(json("דוד"), r#"{"rtl":"דוד"}"#);
        assert_eq!(json("12.5 %"), r#""12.5 %""#);
    }
}
