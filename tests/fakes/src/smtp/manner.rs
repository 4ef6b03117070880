//! How a server keeps whoever writes to it waiting, before it has taken anything.

use std::time::Duration;

/// Where in a conversation it is, by what the server is to say next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Its first word.
    Greeting,
    /// To EHLO.
    Hello,
    /// To STARTTLS, which it offers only to fall silent there: it has no certificate.
    Starttls,
    /// To MAIL.
    Sender,
    /// To RCPT.
    Recipient,
    /// To DATA.
    Data,
}

/// From now on it is like this, for connections that are open too.
#[derive(Debug, Clone, Copy, Default)]
pub struct Manner {
    /// How long it thinks before each answer up to that to DATA.
    pub slow: Duration,
    /// Here it says nothing more until the other side has left.
    pub silent_at: Option<Stage>,
    /// A connection over which it has taken a mail is closed when the next one is announced.
    pub once: bool,
}
