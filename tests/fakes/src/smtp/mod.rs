//! A mail server (RFC 5321) that writes down what it takes.
//!
//! How it behaves is said by the recipient's local part:
//! `refuse-550-5.1.1` answers RCPT with that; `busy` answers 451 the first time; `lost` takes the mail
//! and breaks the connection without a word; `cut` breaks it before the final dot is answered and does
//! not take the mail; `slow` waits before it answers. All others are taken, unless the world's faults
//! say otherwise: those are met at the final dot, by the mail's `Message-ID`. What comes before the dot may be slow or
//! end in silence ([`Manner`]).

use std::{
    collections::HashSet,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    World,
    http::Answer,
    ledger::{Entry, Ledger},
    listening::Listening,
    lock,
};

mod dsn;
mod manner;
mod session;
#[cfg(test)]
mod tests;

pub use dsn::dsn;
pub use manner::{Manner, Stage};

/// A mail that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    pub from: String,
    pub to: String,
    /// Head and body as they came, dots unstuffed.
    pub data: String,
}

impl Mail {
    /// The mail in an entry of a mail server's ledger.
    #[must_use]
    pub fn of(entry: &Entry) -> Self {
        let text = |name: &str| entry.body[name].as_str().unwrap_or_default().to_owned();
        Self { from: text("from"), to: entry.to.clone(), data: text("data") }
    }

    /// A header's value; headers that go over several lines are unfolded.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        header(&self.data, name)
    }

    fn body(&self) -> Value {
        json!({"from": self.from, "data": self.data})
    }
}

fn header(data: &str, name: &str) -> Option<String> {
    let head = data.split("\n\n").next().unwrap_or_default().replace("\n ", " ").replace("\n\t", " ");
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    })
}

/// For [`Ledger::keyed_by`]: the mail's `Message-ID`.
#[must_use]
pub fn message_id(entry: &Entry) -> Option<String> {
    Mail::of(entry).header("message-id")
}

/// What the server is like, whoever writes to it.
#[derive(Debug, Clone, Default)]
pub struct Nature {
    /// How long it thinks about each mail.
    pub delay: Duration,
    /// `AUTH PLAIN` or `AUTH LOGIN` is wanted, with this user and password.
    pub login: Option<(String, String)>,
    /// Its ledger, its faults, its clock.
    pub world: World,
}

/// The server. It ends, with all its connections, when it is dropped.
pub struct Server {
    pub addr: SocketAddr,
    shared: Arc<Shared>,
    listening: Listening,
}

struct Shared {
    nature: Nature,
    manner: Mutex<Manner>,
    seen_busy: Mutex<HashSet<String>>,
}

impl Server {
    /// Starts on a free port of the loopback interface.
    ///
    /// # Errors
    /// If there is none.
    pub async fn start(nature: Nature) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let shared = Arc::new(Shared { nature, manner: Mutex::default(), seen_busy: Mutex::default() });
        let listening = Listening::start(listener, {
            let shared = Arc::clone(&shared);
            move |stream| {
                let shared = Arc::clone(&shared);
                async move { session::serve(stream, &shared).await }
            }
        })?;
        Ok(Self { addr: listening.addr(), shared, listening })
    }

    /// Everything that was taken, in order, once for each recipient.
    #[must_use]
    pub fn ledger(&self) -> Vec<Mail> {
        self.world().ledger.entries().iter().map(|entry| Mail::of(entry)).collect()
    }

    /// The same with the server's own ids and times, and to wait on.
    #[must_use]
    pub fn accepted(&self) -> &Ledger {
        &self.world().ledger
    }

    /// How it keeps people waiting from now on.
    pub fn behave(&self, manner: Manner) {
        *lock(&self.shared.manner) = manner;
    }

    #[must_use]
    pub fn world(&self) -> &World {
        &self.shared.nature.world
    }

    /// How many connections were opened.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.listening.opened()
    }
}

/// What a mail server says, for [`crate::faults::Fault::Answer`]: `reply(550, "5.1.1 nobody here")`.
#[must_use]
pub fn reply(code: u16, text: &str) -> Answer {
    Answer { status: code, headers: Vec::new(), body: text.into() }
}

impl Shared {
    /// Writes a mail down and tells its number.
    fn accept(&self, mail: &Mail) -> String {
        let entry = self.nature.world.ledger.record(|number| Entry {
            key: None,
            provider_message_id: number.to_string(),
            to: mail.to.clone(),
            body: mail.body(),
            at: self.nature.world.clock.now(),
        });
        entry.provider_message_id.clone()
    }

    /// What RCPT is answered with, if not with yes.
    fn refusal(&self, address: &str) -> Option<String> {
        let whim = address.split('@').next().unwrap_or_default();
        if let Some((code, enhanced)) = whim.strip_prefix("refuse-").and_then(|codes| codes.split_once('-')) {
            return Some(format!("{code} {enhanced} no mail for {address}"));
        }
        let first = whim == "busy" && lock(&self.seen_busy).insert(address.to_owned());
        first.then(|| "451 4.7.1 come back later".to_owned())
    }
}
