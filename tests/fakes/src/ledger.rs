//! What a fake accepted, in order.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read, Write},
    path::Path,
    sync::{Arc, Mutex},
};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::lock;

/// One message that the other side has, and will deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Our id, where the wire has a field for it, or as [`Ledger::keyed_by`] finds it.
    pub key: Option<String>,
    /// The other side's id.
    pub provider_message_id: String,
    pub to: String,
    /// The whole of it: JSON as it came, a form or a mail as an object.
    pub body: Value,
    /// By the fake's clock.
    pub at: DateTime<Utc>,
}

/// Finds our id in what was accepted.
pub type KeyOf = fn(&Entry) -> Option<String>;

/// Clones are the same ledger. It keeps everything in memory.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    state: Mutex<State>,
    count: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct State {
    entries: Vec<Arc<Entry>>,
    by_key: HashMap<String, Vec<usize>>,
    by_id: HashMap<String, usize>,
    key_of: Option<KeyOf>,
    file: Option<File>,
}

impl Ledger {
    /// A ledger that is also appended to a file, so that it outlives its process, though not its machine.
    /// It begins with what is in the file; a last line that was cut off is left out.
    ///
    /// # Errors
    /// If the file cannot be read or made.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut file = File::options().create(true).append(true).read(true).open(path)?;
        let mut before = Vec::new();
        file.read_to_end(&mut before)?;
        if before.last().is_some_and(|last| *last != b'\n') {
            file.write_all(b"\n")?;
        }
        let mut state = State::default();
        for entry in before.split(|byte| *byte == b'\n').filter_map(parse) {
            state.push(entry);
        }
        state.file = Some(file);
        let count = watch::Sender::new(state.entries.len());
        Ok(Self { inner: Arc::new(Inner { state: Mutex::new(state), count }) })
    }

    /// From now on our id is what this finds, also in what is here already; where it finds none, the wire's
    /// own field counts. For wires that have no such field (SMTP, FCM).
    pub fn keyed_by(&self, key_of: KeyOf) {
        let mut state = lock(&self.inner.state);
        state.key_of = Some(key_of);
        let before = std::mem::take(&mut state.entries);
        state.by_key.clear();
        state.by_id.clear();
        for entry in before {
            state.push(Arc::unwrap_or_clone(entry));
        }
    }

    /// Everything, in order.
    #[must_use]
    pub fn entries(&self) -> Vec<Arc<Entry>> {
        self.since(0)
    }

    /// What came after the first `seen`, in order.
    #[must_use]
    pub fn since(&self, seen: usize) -> Vec<Arc<Entry>> {
        lock(&self.inner.state).entries.iter().skip(seen).cloned().collect()
    }

    #[must_use]
    pub fn count(&self) -> usize {
        lock(&self.inner.state).entries.len()
    }

    /// How many of our keys are here at least once.
    #[must_use]
    pub fn keys(&self) -> usize {
        lock(&self.inner.state).by_key.len()
    }

    /// What was accepted under one of our keys, in order.
    #[must_use]
    pub fn by_key(&self, key: &str) -> Vec<Arc<Entry>> {
        let state = lock(&self.inner.state);
        let found = state.by_key.get(key).into_iter().flatten();
        found.filter_map(|at| state.entries.get(*at).cloned()).collect()
    }

    /// What has this id of the other side.
    #[must_use]
    pub fn by_id(&self, provider_message_id: &str) -> Option<Arc<Entry>> {
        let state = lock(&self.inner.state);
        state.by_id.get(provider_message_id).and_then(|at| state.entries.get(*at)).cloned()
    }

    /// The keys that were accepted more than once, sorted.
    #[must_use]
    pub fn duplicates(&self) -> Vec<String> {
        let state = lock(&self.inner.state);
        let twice = state.by_key.iter().filter(|(_, at)| at.len() > 1);
        let mut keys: Vec<String> = twice.map(|(key, _)| key.clone()).collect();
        keys.sort_unstable();
        keys
    }

    /// Waits until this many are here.
    pub async fn until(&self, count: usize) {
        let mut seen = self.inner.count.subscribe();
        // It cannot be closed: the sender is in here.
        drop(seen.wait_for(|now| *now >= count).await);
    }

    /// Writes down what `make` makes of its number, which begins with 1.
    pub(crate) fn record(&self, make: impl FnOnce(usize) -> Entry) -> Arc<Entry> {
        self.enter(&mut lock(&self.inner.state), make)
    }

    /// As [`Self::record`], if nothing is here under this key; for receivers that drop what comes twice.
    pub(crate) fn record_once(&self, key: &str, make: impl FnOnce(usize) -> Entry) -> Option<Arc<Entry>> {
        let mut state = lock(&self.inner.state);
        (!state.by_key.contains_key(key)).then(|| self.enter(&mut state, make))
    }

    fn enter(&self, state: &mut State, make: impl FnOnce(usize) -> Entry) -> Arc<Entry> {
        let entry = state.push(make(state.entries.len() + 1));
        if let Some(file) = &mut state.file {
            file.write_all(line(&entry).as_bytes()).expect("the ledger's file takes a line");
        }
        self.inner.count.send_replace(state.entries.len());
        entry
    }
}

impl State {
    fn push(&mut self, mut entry: Entry) -> Arc<Entry> {
        if let Some(key) = self.key_of.and_then(|key_of| key_of(&entry)) {
            entry.key = Some(key);
        }
        let at = self.entries.len();
        if let Some(key) = &entry.key {
            self.by_key.entry(key.clone()).or_default().push(at);
        }
        self.by_id.insert(entry.provider_message_id.clone(), at);
        let entry = Arc::new(entry);
        self.entries.push(Arc::clone(&entry));
        entry
    }
}

fn line(entry: &Entry) -> String {
    let line = json!({
        "key": entry.key, "id": entry.provider_message_id, "to": entry.to,
        "body": entry.body, "at": entry.at.to_rfc3339(),
    });
    format!("{line}\n")
}

fn parse(line: &[u8]) -> Option<Entry> {
    let value: Value = serde_json::from_slice(line).ok()?;
    let text = |name: &str| value[name].as_str().map(ToOwned::to_owned);
    Some(Entry {
        key: text("key"),
        provider_message_id: text("id")?,
        to: text("to")?,
        body: value["body"].clone(),
        at: DateTime::parse_from_rfc3339(value["at"].as_str()?).ok()?.to_utc(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    fn entry(key: Option<&str>, number: usize) -> Entry {
        Entry {
            key: key.map(ToOwned::to_owned),
            provider_message_id: format!("id{number}"),
            to: "+4930123456".into(),
            body: json!({"Body": "hello", "number": number}),
            at: Clock::default().now(),
        }
    }

    #[test]
    fn keys_accepted_twice_are_named_and_found() {
        let ledger = Ledger::default();
        for key in [Some("b"), Some("a"), None, Some("b"), Some("a"), Some("c")] {
            ledger.record(|number| entry(key, number));
        }
        assert_eq!(ledger.duplicates(), ["a", "b"]);
        assert_eq!((ledger.count(), ledger.keys()), (6, 3));
        let ids: Vec<_> = ledger.by_key("b").iter().map(|entry| entry.provider_message_id.clone()).collect();
        assert_eq!(ids, ["id1", "id4"]);
        assert_eq!(ledger.since(5)[0].key.as_deref(), Some("c"));
        assert!(ledger.by_key("d").is_empty() && ledger.by_id("id9").is_none());
        assert_eq!(ledger.by_id("id3").expect("it is here").key, None);
    }

    #[test]
    fn a_key_that_the_wire_has_no_field_for_is_found_in_what_came() {
        let ledger = Ledger::default();
        ledger.record(|number| entry(None, number));
        ledger.keyed_by(|entry| entry.body["number"].as_u64().map(|number| format!("n{}", number % 2)));
        ledger.record(|number| entry(Some("wire"), number));
        ledger.record(|number| entry(None, number));
        assert_eq!(ledger.duplicates(), ["n1"]);
        assert_eq!(ledger.by_key("n0").len(), 1);
    }

    #[test]
    fn a_receiver_that_drops_repeats_writes_one_down() {
        let ledger = Ledger::default();
        assert!(ledger.record_once("a", |number| entry(Some("a"), number)).is_some());
        assert!(ledger.record_once("a", |number| entry(Some("a"), number)).is_none());
        assert_eq!(ledger.count(), 1);
    }

    #[tokio::test]
    async fn waiting_ends_with_the_entry_waited_for() {
        let ledger = Ledger::default();
        ledger.until(0).await;
        let waiting = tokio::spawn({
            let ledger = ledger.clone();
            async move {
                ledger.until(2).await;
                ledger.count()
            }
        });
        ledger.record(|number| entry(None, number));
        ledger.record(|number| entry(None, number));
        assert_eq!(waiting.await.expect("it ends"), 2);
    }

    #[test]
    fn a_ledger_goes_on_from_its_file_and_leaves_out_a_line_cut_off() {
        let path = std::env::temp_dir().join(format!("switchboard-ledger-{}", std::process::id()));
        let first = Ledger::open(&path).expect("a file");
        first.record(|number| entry(Some("ü"), number));
        first.record(|number| entry(None, number));
        let whole = std::fs::read(&path).expect("its bytes");
        std::fs::write(&path, &whole[..whole.len() - 5]).expect("cut off");
        let second = Ledger::open(&path).expect("the file");
        assert_eq!(second.entries(), first.entries()[..1]);
        second.record(|number| entry(Some("ü"), number));
        let third = Ledger::open(&path).expect("the file");
        std::fs::remove_file(&path).expect("removed");
        assert_eq!(third.entries(), second.entries());
        assert_eq!(third.duplicates(), ["ü"]);
    }
}
