//! Passwords that very many people use, which are guessed first (OWASP ASVS 5.0, 6.2.4; NIST SP 800-63B, 3.1.1.2). Of those
//! that are frequent few have twelve characters, and who must have so many puts some of them in a row.

use std::{collections::HashSet, sync::LazyLock};

use unicode_normalization::UnicodeNormalization as _;

/// One a line behind the head, in lower case.
const FILE: &str = include_str!("common.txt");
/// Characters of the shortest that are listed, and of the longest.
const SHORTEST: usize = 3;
const LONGEST: usize = 32;
/// So many of them in a row are as common as one.
const IN_A_ROW: usize = 3;
/// What repeats so few characters is no better.
const REPEATED: usize = 4;

static LISTED: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| FILE.split_once("\n\n").map_or("", |(_, listed)| listed).lines().collect());

/// Whether a password is one of those, or is made of nothing else. Neither the case of letters nor the way in which they are
/// written down makes another of it.
pub(super) fn is_common(password: &str) -> bool {
    let text = password.nfkc().collect::<String>().to_lowercase();
    repeats(&text) || is_made_of(&text, IN_A_ROW)
}

fn repeats(text: &str) -> bool {
    (1..=REPEATED).any(|few| text.chars().skip(few).zip(text.chars()).all(|(one, before)| one == before))
}

fn is_made_of(text: &str, at_most: usize) -> bool {
    if text.is_empty() || at_most == 0 {
        return text.is_empty();
    }
    (SHORTEST..=text.len().min(LONGEST)).any(|end| {
        text.split_at_checked(end)
            .is_some_and(|(first, rest)| LISTED.contains(first) && is_made_of(rest, at_most - 1))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_many_use_is_known_however_it_is_written_and_what_nobody_uses_is_not() {
        for common in [
            "password1234",
            "PassWord1234",
            "ｐａｓｓｗｏｒｄ１２３４",
            "1qaz2wsx3edc4rfv",
            "qwertyuiop123",
            "letmeinletmein",
            "passworddragonmonkey",
            "aaaaaaaaaaaa",
            "abcabcabcabcab",
        ] {
            assert!(is_common(common), "{common}");
        }
        for rare in [
            "correct horse battery",
            "correct-horse-battery",
            "passwords are dull things",
            "Straße am Wald 7",
            "dragonmonkeydragonmonkey",
        ] {
            assert!(!is_common(rare), "{rare}");
        }
    }

    #[test]
    fn the_list_is_as_it_is_read() {
        assert!(LISTED.len() > 5_000, "{}", LISTED.len());
        for listed in LISTED.iter() {
            let length = listed.len();
            assert!((SHORTEST..=LONGEST).contains(&length) && listed.is_ascii(), "{listed}");
            assert_eq!(listed.to_lowercase(), *listed);
        }
    }
}
