//! How patient a process is with its sockets.

use std::time::Duration;

/// Bounds of the sockets of one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Open at a time; more are told to come again.
    pub most: usize,
    /// How often each is asked whether it is there.
    pub ping_every: Duration,
    /// A socket of which nothing was heard for so long is closed: 1008.
    pub idle: Duration,
    /// How long one write may wait for a peer that takes nothing, before it is closed: 1013.
    pub patience: Duration,
    /// How long a socket that fell behind may take to come to the present, before it is closed: 1013.
    pub behind: Duration,
    /// How often sockets look around that have something to see, and how often one that is told nothing hears at the most
    /// how far it is.
    pub look_every: Duration,
}

impl Settings {
    /// How many of them one tenant may have: the rest is for the others.
    #[must_use]
    pub fn most_of_a_tenant(&self) -> usize {
        self.most - self.most / 10
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            most: 20_000,
            ping_every: Duration::from_secs(20),
            idle: Duration::from_mins(1),
            patience: Duration::from_secs(10),
            behind: Duration::from_secs(30),
            look_every: Duration::from_secs(1),
        }
    }
}
