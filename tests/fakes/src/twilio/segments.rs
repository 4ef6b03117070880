//! How many segments a text is billed as.

/// The basic characters of GSM 03.38; those of the extension cost two places.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
const EXTENSION: &str = "^{}[]~\\|€\u{c}";

/// At least 1. A segment never ends within an escape or a surrogate pair.
#[must_use]
pub fn segments(text: &str) -> usize {
    match text.chars().map(places).collect::<Option<Vec<_>>>() {
        Some(places) => filled(&places, 160, 153),
        None => filled(&text.chars().map(char::len_utf16).collect::<Vec<_>>(), 70, 67),
    }
}

fn places(character: char) -> Option<usize> {
    if BASIC.contains(character) { Some(1) } else { EXTENSION.contains(character).then_some(2) }
}

fn filled(places: &[usize], alone: usize, of_many: usize) -> usize {
    if places.iter().sum::<usize>() <= alone {
        return 1;
    }
    let (mut segments, mut used) = (1, 0);
    for place in places {
        if used + place > of_many {
            (segments, used) = (segments + 1, 0);
        }
        used += place;
    }
    segments
}

#[cfg(test)]
mod tests {
    use super::segments;

    #[test]
    fn texts_are_cut_by_their_alphabet_and_never_within_a_character() {
        for (text, expected) in [
            (String::new(), 1),
            ("a".repeat(160), 1),
            ("a".repeat(161), 2),
            ("a".repeat(306), 2),
            ("a".repeat(307), 3),
            ("€".repeat(80), 1),
            ("€".repeat(81), 2),
            // 76 escapes fill 152 of 153 places.
            ("€".repeat(153), 3),
            ("я".repeat(70), 1),
            ("я".repeat(71), 2),
            ("😀".repeat(35), 1),
            // 33 pairs fill 66 of 67 units.
            ("😀".repeat(67), 3),
        ] {
            assert_eq!(segments(&text), expected, "{text}");
        }
    }
}
