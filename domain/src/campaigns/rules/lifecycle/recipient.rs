//! Where each recipient of a run is.
//!
//! Two kinds of things move a recipient. What is *told* of the message moves it forward only, in whatever order and however
//! often it comes. What is *done* by the run itself, its row locked, may also take it up again: the next channel, or a
//! message that may come twice.

use super::RunStatus;
use crate::{messages::rules::Status, words::words};

words! {
    /// Where a recipient is. The order of the variants is how much is known: what is told moves a recipient to a later one.
    ///
    /// What we did not send comes before what may have been sent, so that the truth wins where a provider says that a message
    /// left which was taken for cancelled. That it failed and that it bounced come before that it arrived, as for messages.
    #[derive(PartialOrd, Ord, Hash)]
    RecipientStatus {
        /// Written down; no message was made.
        Planned = "planned",
        /// The message waits for its turn.
        Queued = "queued",
        /// An attempt goes on, or the next one waits.
        Sending = "sending",
        /// The run did not try: too late, no address, no budget.
        Skipped = "skipped",
        /// The run or the message was cancelled before it left.
        Cancelled = "cancelled",
        /// Consent, suppression or a cap was against it.
        Suppressed = "suppressed",
        /// Nobody knows whether it was sent.
        Unknown = "unknown",
        /// The provider has taken it.
        Sent = "sent",
        Failed = "failed",
        Bounced = "bounced",
        Delivered = "delivered",
        Read = "read",
    }
}

impl RecipientStatus {
    /// Where a recipient is whose message is there.
    #[must_use]
    pub fn of_message(message: Status) -> Self {
        match message {
            Status::Pending | Status::Queued => Self::Queued,
            Status::Sending => Self::Sending,
            Status::Sent => Self::Sent,
            Status::Delivered => Self::Delivered,
            Status::Read => Self::Read,
            Status::Failed => Self::Failed,
            Status::Bounced => Self::Bounced,
            Status::Suppressed => Self::Suppressed,
            Status::Cancelled => Self::Cancelled,
            Status::Unknown => Self::Unknown,
        }
    }

    /// Whether the run has something to do for the recipient yet. A run is finished when no recipient is open; `unknown` is
    /// not, since it may stay so for ever.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Planned | Self::Queued | Self::Sending)
    }

    /// Whether it counts against the run's breaker. A provider that leaves everything in doubt is no better than one that
    /// fails.
    #[must_use]
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::Bounced | Self::Unknown)
    }

    /// Whether the breaker counts it at all: the message was tried. What we did not try says nothing of the route.
    #[must_use]
    pub fn was_tried(self) -> bool {
        self.is_failure() || matches!(self, Self::Sent | Self::Delivered | Self::Read)
    }

    /// Where the recipient is after its message is told to be there; none if that changes nothing.
    #[must_use]
    pub fn told(self, tells: Self) -> Option<Self> {
        (tells > self).then_some(tells)
    }

    /// Whether the run, the row locked, may itself put a recipient there.
    ///
    /// The way back to `planned` is the next channel, after what came to nothing; see [`Self::may_fall_back`]. The way back
    /// to `queued` is the next attempt: from `unknown` only where the provider's row says that messages may come twice
    /// (`on_unknown: resend`).
    #[must_use]
    pub fn may_become(self, to: Self) -> bool {
        match to {
            Self::Planned => {
                self.came_to_nothing() || matches!(self, Self::Queued | Self::Sending | Self::Sent)
            }
            Self::Queued => matches!(self, Self::Planned | Self::Sending | Self::Unknown),
            Self::Sending => self == Self::Queued,
            Self::Skipped | Self::Cancelled | Self::Suppressed => self.is_open(),
            // A template that cannot be filled in, an address that is none: known before any attempt.
            Self::Failed => self.told(to).is_some(),
            Self::Unknown | Self::Sent | Self::Bounced | Self::Delivered | Self::Read => {
                self != Self::Planned && self.told(to).is_some()
            }
        }
    }

    /// Whether it did not arrive, surely.
    fn came_to_nothing(self) -> bool {
        matches!(self, Self::Failed | Self::Bounced | Self::Suppressed)
    }

    /// Whether the next channel may be tried: this one came to nothing, surely, and the run goes on. A run that is over
    /// stays so: what bounces later is not tried again.
    #[must_use]
    pub fn may_fall_back(self, run: RunStatus) -> bool {
        (run.sends() || run == RunStatus::Paused) && self.came_to_nothing()
    }
}
