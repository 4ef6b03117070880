//! What somebody asks for who writes one word to a number that sends to them. Pure.

/// What a word asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keyword {
    /// Nothing more.
    Stop,
    /// To be written to again.
    Start,
    Help,
}

/// In English those that Twilio's default handling knows, and `revoke` and `optout` of 47 CFR 64.1200(a)(10), as in force
/// since April 2025; then the usual words of other languages.
const STOP: &[&str] = &[
    "stop",
    "stopall",
    "stop all",
    "unsubscribe",
    "cancel",
    "end",
    "quit",
    "revoke",
    "optout",
    "opt out",
    "opt-out",
    "arret",
    "arrêt",
    "alto",
    "baja",
    "parar",
    "sair",
    "stopp",
    "halt",
    "abmelden",
    "afmelden",
    "avsluta",
    "afmeld",
];
const START: &[&str] = &["start", "unstop", "yes", "subscribe", "alta", "anmelden"];
const HELP: &[&str] = &["help", "info", "aide", "ayuda", "hilfe"];

/// What a whole message asks for, whatever its case and whatever punctuation stands around it; none if it says more.
#[must_use]
pub fn read(text: &str) -> Option<Keyword> {
    const LONGEST: usize = 64;
    if text.len() > LONGEST {
        return None;
    }
    let is_edge = |c: char| !c.is_alphanumeric();
    let word = text.trim_matches(is_edge).to_lowercase();
    let word = word.split_whitespace().collect::<Vec<_>>().join(" ");
    let lists = [(STOP, Keyword::Stop), (START, Keyword::Start), (HELP, Keyword::Help)];
    lists.into_iter().find(|(words, _)| words.contains(&word.as_str())).map(|(_, keyword)| keyword)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_alone_is_understood_and_a_sentence_is_not() {
        use Keyword::{Help, Start, Stop};
        for (text, wanted) in [
            ("STOP", Some(Stop)),
            (" stop. ", Some(Stop)),
            ("\"Stop!\"", Some(Stop)),
            ("Stop  All", Some(Stop)),
            ("Unsubscribe", Some(Stop)),
            ("ARRÊT", Some(Stop)),
            ("opt-out", Some(Stop)),
            ("unstop", Some(Start)),
            ("Yes", Some(Start)),
            ("HELP?", Some(Help)),
            ("stop by tomorrow", None),
            ("please stop", None),
            ("stopping", None),
            ("", None),
            ("...", None),
        ] {
            assert_eq!(read(text), wanted, "{text}");
        }
        assert_eq!(read(&format!("stop{}", " ".repeat(100))), None, "too long to be a word");
    }

    #[test]
    fn no_word_means_two_things() {
        let mut all: Vec<_> = [STOP, START, HELP].concat();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
