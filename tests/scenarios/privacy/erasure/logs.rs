//! What the process logs, kept as text: everything of its own crates, and of others what a process logs unless asked for more.

use std::{
    fmt::{Debug, Write as _},
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

const OURS: [&str; 5] = ["switchboard", "domain", "engine", "workers", "workflows"];

static TEXT: Mutex<String> = Mutex::new(String::new());
static KEPT: OnceLock<()> = OnceLock::new();

/// Keeps what is logged from now on, by all tests of this process.
pub fn keep() {
    KEPT.get_or_init(|| {
        tracing::subscriber::set_global_default(Logs { spans: AtomicU64::new(1) }).expect("nobody else logs");
    });
}

pub fn so_far() -> String {
    TEXT.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

struct Logs {
    spans: AtomicU64,
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).expect("memory takes it");
    }
}

impl Line {
    fn end(self) {
        let mut text = TEXT.lock().unwrap_or_else(PoisonError::into_inner);
        text.push_str(&self.0);
        text.push('\n');
    }
}

impl Subscriber for Logs {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let ours = OURS.iter().any(|name| metadata.target().starts_with(name));
        *metadata.level() <= if ours { Level::TRACE } else { Level::WARN }
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut line = Line(span.metadata().name().to_owned());
        span.record(&mut line);
        line.end();
        Id::from_u64(self.spans.fetch_add(1, Ordering::Relaxed))
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        let mut line = Line(String::new());
        values.record(&mut line);
        line.end();
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().target().to_owned());
        event.record(&mut line);
        line.end();
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
