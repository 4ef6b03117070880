//! How many parts a short message takes: GSM 03.38 and UCS-2 as 3GPP TS 23.038 has them. Pure.

use serde::Serialize;

/// The letters in which a text is written over the air.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// Seven bits a letter: the default alphabet and its extension.
    Gsm7,
    /// Two bytes a unit, for everything else; what lies beyond the first plane takes two units.
    Ucs2,
}

impl Encoding {
    /// As the API and the dashboard name it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gsm7 => "gsm7",
            Self::Ucs2 => "ucs2",
        }
    }

    /// Units of a message that is alone, and of each part of a longer one.
    fn rooms(self) -> (usize, usize) {
        match self {
            Self::Gsm7 => (160, 153),
            Self::Ucs2 => (70, 67),
        }
    }
}

/// What a text takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segments {
    pub encoding: Encoding,
    /// Septets or 16-bit units.
    pub units: usize,
    pub segments: usize,
}

/// The default alphabet, without its escape.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§\
                     ¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// Those that need an escape before them.
const EXTENDED: &str = "\u{c}^{}\\[~]|€";

/// Counts a text. An escape and what it escapes, and the halves of a pair, stay in one part.
#[must_use]
pub fn count(text: &str) -> Segments {
    let septets: Option<Vec<usize>> = text.chars().map(septets).collect();
    let (encoding, sizes) = match septets {
        Some(sizes) => (Encoding::Gsm7, sizes),
        None => (Encoding::Ucs2, text.chars().map(char::len_utf16).collect()),
    };
    let units = sizes.iter().sum();
    let (alone, part) = encoding.rooms();
    let segments = if units <= alone { usize::from(units > 0) } else { parts(&sizes, part) };
    Segments { encoding, units, segments }
}

fn septets(letter: char) -> Option<usize> {
    if BASIC.contains(letter) { Some(1) } else { EXTENDED.contains(letter).then_some(2) }
}

fn parts(sizes: &[usize], room: usize) -> usize {
    let (mut parts, mut left) = (0, 0);
    for size in sizes {
        if *size > left {
            (parts, left) = (parts + 1, room);
        }
        left -= size;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_alphabet_is_whole() {
        assert_eq!(BASIC.chars().count(), 127, "128 places, one of which is the escape");
        assert_eq!(EXTENDED.chars().count(), 10);
    }

    #[test]
    fn parts_are_counted_as_the_network_does() {
        use Encoding::{Gsm7, Ucs2};
        let cases = [
            (String::new(), Gsm7, 0, 0),
            ("x".repeat(160), Gsm7, 160, 1),
            ("x".repeat(161), Gsm7, 161, 2),
            ("x".repeat(306), Gsm7, 306, 2),
            ("x".repeat(307), Gsm7, 307, 3),
            ("€".repeat(80), Gsm7, 160, 1),
            // An escape never stands at the end of a part: 76 pairs, and a place that stays empty.
            ("€".repeat(81), Gsm7, 162, 2),
            ("€".repeat(153), Gsm7, 306, 3),
            ("ж".repeat(70), Ucs2, 70, 1),
            ("ж".repeat(71), Ucs2, 71, 2),
            ("ж".repeat(134), Ucs2, 134, 2),
            ("😀".repeat(35), Ucs2, 70, 1),
            // 33 pairs and a place that stays empty in each part of 67.
            ("😀".repeat(66), Ucs2, 132, 2),
            ("😀".repeat(67), Ucs2, 134, 3),
            ("Grüße".into(), Gsm7, 5, 1),
            ("Grüße, ç".into(), Ucs2, 8, 1),
        ];
        for (text, encoding, units, segments) in cases {
            assert_eq!(count(&text), Segments { encoding, units, segments }, "{text}");
        }
    }
}
