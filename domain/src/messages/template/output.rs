//! How much may come out.

use std::io::{self, Write};

/// Bytes of one part.
const PART: usize = 256 * 1024;
/// Bytes of a whole message: subject, text, HTML and what only its channel has.
const MESSAGE: usize = 512 * 1024;
/// Bytes of one text of what only a channel has. FCM takes no more than 4,096 of all data together
/// (<https://firebase.google.com/docs/cloud-messaging/concept-options>), `WhatsApp` and Slack less in one place.
const EXTRA: usize = 4 * 1024;

/// What one message may still say. Its parts share it, so that a small template cannot become a large message by many of
/// them.
pub struct Room {
    part: usize,
    left: usize,
}

impl Room {
    /// That of a message of which nothing is said yet.
    #[must_use]
    pub fn of_message() -> Self {
        Self { part: PART, left: MESSAGE }
    }

    /// From now on it is for the texts of what only a channel has.
    pub fn for_extra(&mut self) {
        self.part = EXTRA;
    }

    pub(super) fn take(&mut self, bytes: usize) {
        self.left = self.left.saturating_sub(bytes);
    }

    /// What was too long.
    pub(super) fn why(&self) -> String {
        if self.left < self.part {
            return format!(
                "the rendered message is longer than {} KiB, all its parts together",
                MESSAGE / 1024
            );
        }
        format!("the rendered text is longer than {} KiB", self.part / 1024)
    }
}

/// Takes what comes out until there is no more room.
pub(super) struct Bounded {
    bytes: Vec<u8>,
    most: usize,
    over: bool,
}

impl Bounded {
    /// As long as a part may be, and no longer than what is left of the message.
    pub fn within(room: &Room) -> Self {
        Self { bytes: Vec::new(), most: room.part.min(room.left), over: false }
    }

    /// Whether more came than there was room for.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// What has come out; of what [is over](Self::is_over) only the beginning.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.most - self.bytes.len() {
            self.over = true;
            return Err(io::Error::other("too long"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
