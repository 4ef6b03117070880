//! Readers of what strangers send, fed with arbitrary bytes and with good examples in which something was changed: none
//! of them panics, and what was changed is not believed. `PROPTEST_CASES` says how many inputs each of them gets.

mod believed;
mod callbacks;
mod files;
mod mail;
mod providers;
mod texts;

use proptest::{
    collection::vec,
    prelude::{Strategy, any, prop_oneof},
    sample::Index,
    test_runner::{Config, TestRunner},
};

/// Inputs of each reader, if nobody says another number.
const CASES: u32 = 2_000;
/// What readers stumble over.
const WORDS: [&str; 24] = [
    "{{",
    "}}",
    "{{#if ",
    "{{/",
    "\0",
    "\r\n",
    "\r\n\r\n",
    "../",
    "%00",
    "%2e",
    "\"",
    "'",
    "[[[[[[[[",
    "{\"a\":",
    "-1",
    "18446744073709551616",
    "1e999",
    "null",
    "\u{202e}",
    "\u{feff}",
    "\u{fffd}é日",
    "=",
    "@",
    "+",
];

/// How many inputs a reader gets where an input costs a conversation: a share of all.
fn share(of: u32) -> u32 {
    (cases() / of).max(1)
}

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|said| said.parse().ok()).unwrap_or(CASES)
}

fn runner() -> TestRunner {
    TestRunner::new(Config { cases: cases(), failure_persistence: None, ..Config::default() })
}

/// Feeds a reader, which panics where something does not hold, and says how often it was fed.
fn feed<S: Strategy>(inputs: &S, reader: impl Fn(S::Value)) {
    let mut runner = runner();
    let fed = runner.run(inputs, |input| {
        reader(input);
        Ok(())
    });
    fed.unwrap_or_else(|why| panic!("{why}"));
    println!("security-cases {}", runner.config().cases);
}

/// A change of bytes.
#[derive(Debug, Clone)]
enum Edit {
    Set(Index, u8),
    Insert(Index, Vec<u8>),
    Word(Index, Index),
    Remove(Index, u8),
    Repeat(Index, u8, u8),
    Cut(Index),
}

impl Edit {
    fn any() -> impl Strategy<Value = Self> {
        let at = any::<Index>;
        prop_oneof![
            (at(), any::<u8>()).prop_map(|(at, byte)| Self::Set(at, byte)),
            (at(), vec(any::<u8>(), 1..9)).prop_map(|(at, bytes)| Self::Insert(at, bytes)),
            (at(), at()).prop_map(|(at, word)| Self::Word(at, word)),
            (at(), any::<u8>()).prop_map(|(at, len)| Self::Remove(at, len)),
            (at(), 1..32_u8, 1..64_u8).prop_map(|(at, len, times)| Self::Repeat(at, len, times)),
            at().prop_map(Self::Cut),
        ]
    }

    fn apply(&self, bytes: &mut Vec<u8>) {
        // Behind the last byte is a place, too.
        let place = |at: &Index, bytes: &[u8]| at.index(bytes.len() + 1);
        match self {
            Self::Set(at, byte) => {
                let at = place(at, bytes);
                if let Some(old) = bytes.get_mut(at) {
                    *old = *byte;
                }
            }
            Self::Insert(at, more) => insert(bytes, place(at, bytes), more),
            Self::Word(at, word) => insert(bytes, place(at, bytes), word.get(&WORDS).as_bytes()),
            Self::Remove(at, len) => {
                let from = place(at, bytes);
                let to = bytes.len().min(from + usize::from(*len));
                bytes.drain(from..to);
            }
            Self::Repeat(at, len, times) => {
                let from = place(at, bytes);
                let to = bytes.len().min(from + usize::from(*len));
                let more = bytes[from..to].repeat(usize::from(*times));
                insert(bytes, to, &more);
            }
            Self::Cut(at) => bytes.truncate(place(at, bytes)),
        }
    }
}

fn insert(bytes: &mut Vec<u8>, at: usize, more: &[u8]) {
    bytes.splice(at..at, more.iter().copied());
}

/// Arbitrary bytes, and more often one of the examples with some changes, or none.
fn bytes<E: AsRef<[u8]>>(examples: &[E]) -> impl Strategy<Value = Vec<u8>> + use<E> {
    let examples: Vec<Vec<u8>> = examples.iter().map(|example| example.as_ref().to_vec()).collect();
    let changed = (any::<Index>(), vec(Edit::any(), 0..7)).prop_map(move |(which, edits)| {
        let mut bytes = which.get(&examples).clone();
        for edit in edits {
            edit.apply(&mut bytes);
        }
        bytes
    });
    prop_oneof![1 => vec(any::<u8>(), 0..600), 4 => changed]
}

/// The same as text.
fn text<E: AsRef<[u8]>>(examples: &[E]) -> impl Strategy<Value = String> + use<E> {
    bytes(examples).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}
