//! Which state of a campaign and of a run may follow which; [`RecipientStatus`] says the same of each recipient.
//!
//! A campaign is what people write, submit and steer. A run is one sending of it: a one-off campaign has one, a recurring
//! one has many, one after the other.

mod recipient;

use std::borrow::Cow;

pub use recipient::RecipientStatus;

use crate::{error::Error, words::words};

words! {
    /// Where a campaign is.
    CampaignStatus {
        /// It is being written.
        Draft = "draft",
        /// It is written, and somebody must agree.
        AwaitingApproval = "awaiting_approval",
        /// It waits for its time, or for the next of its times.
        Scheduled = "scheduled",
        /// A run of it goes on.
        Running = "running",
        /// Nothing of it leaves and no run begins until it is resumed.
        Paused = "paused",
        /// All of it was sent, or was not sent and says why.
        Finished = "finished",
        /// Somebody has stopped it for good.
        Cancelled = "cancelled",
        /// It could not go on.
        Failed = "failed",
    }
}

/// What people may ask of a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    Edit,
    Submit,
    Approve,
    Reject,
    /// Begin now, whatever time it is set to.
    Start,
    Pause,
    Resume,
    Cancel,
}

/// What happens to a campaign by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happening {
    /// Its time has come: a run is to begin.
    Due,
    /// The last open recipient of its run was settled.
    RunOver,
    /// Too many of its messages failed.
    Tripped,
    /// Its run could not be begun.
    Broke,
}

/// What is known of a campaign beside its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// Somebody must agree before it runs.
    pub needs_approval: bool,
    /// A run of it has begun and is not over.
    pub run_open: bool,
    /// It is recurring, and another of its times is to come, or has come and waits for the run that goes on.
    pub comes_again: bool,
}

/// Why a campaign does not do what it is told, in words for whoever told it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub Cow<'static, str>);

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::conflict("campaign-state", refused.0)
    }
}

impl CampaignStatus {
    /// Whether nothing more comes of it.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Finished | Self::Cancelled | Self::Failed)
    }

    /// Where a command leads. The row is locked while this is asked and written.
    ///
    /// Whatever was agreed to is what is sent: a change makes a draft of a campaign, which is submitted again. What has
    /// begun is not changed, since its template is frozen and part of its recipients have it.
    ///
    /// # Errors
    /// If the campaign cannot do so where it is.
    pub fn on(self, command: Command, standing: Standing) -> Result<Self, Refused> {
        match (self, command) {
            (Self::Draft | Self::AwaitingApproval | Self::Scheduled, Command::Edit)
            | (Self::AwaitingApproval, Command::Reject) => Ok(Self::Draft),
            (Self::Paused, Command::Edit) if !standing.run_open => Ok(Self::Draft),
            (Self::Draft, Command::Submit) if standing.needs_approval => Ok(Self::AwaitingApproval),
            (Self::Paused, Command::Resume) if standing.run_open => Ok(Self::Running),
            (Self::Draft, Command::Submit)
            | (Self::AwaitingApproval, Command::Approve)
            | (Self::Paused, Command::Resume) => Ok(Self::Scheduled),
            (Self::Draft, Command::Start) if !standing.needs_approval => Ok(Self::Running),
            (Self::Scheduled, Command::Start) => Ok(Self::Running),
            (Self::Scheduled | Self::Running, Command::Pause) => Ok(Self::Paused),
            (at, Command::Cancel) if !at.is_over() => Ok(Self::Cancelled),
            (at, command) => Err(at.refusal(command)),
        }
    }

    /// Why a command leads nowhere.
    fn refusal(self, command: Command) -> Refused {
        let text = match (self, command) {
            (Self::Finished | Self::Cancelled | Self::Failed, _) => {
                return Refused(format!("the campaign is {}; make a new one", self.as_str()).into());
            }
            (Self::Running | Self::Paused, Command::Edit) => {
                "the campaign has begun and is not changed any more; cancel it and make a new one"
            }
            (Self::Draft, Command::Start) => "the campaign needs approval; submit it first",
            (Self::Draft, Command::Approve | Command::Reject) => {
                "the campaign waits for nobody's approval; submit it first"
            }
            (Self::Draft | Self::AwaitingApproval, Command::Pause | Command::Resume) => {
                "the campaign has not been scheduled; there is nothing to pause or to resume"
            }
            (Self::AwaitingApproval, Command::Submit | Command::Start) => {
                "the campaign waits for approval; somebody who may approve campaigns must agree first"
            }
            (Self::Scheduled | Self::Running | Self::Paused, Command::Submit) => {
                "the campaign is submitted already"
            }
            (Self::Scheduled | Self::Running | Self::Paused, Command::Approve | Command::Reject) => {
                "the campaign does not wait for approval any more"
            }
            (Self::Running, Command::Start) => "the campaign is running already",
            (Self::Paused, Command::Start) => "the campaign is paused; resume it",
            (Self::Paused, Command::Pause) => "the campaign is paused already",
            (_, Command::Resume) => "the campaign is not paused",
            // No other pair is refused.
            _ => "the campaign cannot do so now",
        };
        Refused(text.into())
    }

    /// Where something leads that happens by itself; none if it changes nothing. A run begins only where [`Happening::Due`]
    /// leads to `running`: whoever paused, changed or cancelled the campaign in the meantime was first.
    #[must_use]
    pub fn after(self, happening: Happening, standing: Standing) -> Option<Self> {
        match (self, happening) {
            (Self::Scheduled, Happening::Due) => Some(Self::Running),
            (Self::Running, Happening::RunOver) if standing.comes_again => Some(Self::Scheduled),
            (Self::Running, Happening::RunOver) => Some(Self::Finished),
            // All that had left when it was paused was settled, and nothing else waits.
            (Self::Paused, Happening::RunOver) if !standing.comes_again => Some(Self::Finished),
            (Self::Running, Happening::Tripped) => Some(Self::Paused),
            // The next run would break as well: people are to look first.
            (Self::Scheduled, Happening::Broke) if standing.comes_again => Some(Self::Paused),
            (Self::Scheduled, Happening::Broke) => Some(Self::Failed),
            _ => None,
        }
    }
}

words! {
    /// Where a run is.
    RunStatus {
        /// Its recipients are being written down; the first of them may be sent to meanwhile.
        Planning = "planning",
        /// All its recipients are known.
        Running = "running",
        /// Nothing leaves, nothing is planned.
        Paused = "paused",
        /// It is over for people; what had left is still to be settled, and what waits to be cancelled.
        Stopping = "stopping",
        Finished = "finished",
        Cancelled = "cancelled",
        /// It broke before it began.
        Failed = "failed",
    }
}

/// What moves a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunEvent {
    /// The last recipient was written down. A run that is paused stays so.
    Planned,
    Pause,
    /// Says whether the last recipient was written down.
    Resume {
        planned: bool,
    },
    Cancel,
    /// All recipients are written down, or no more will be, and none is open.
    Drained,
}

impl RunStatus {
    /// Whether nothing more comes of it.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Finished | Self::Cancelled | Self::Failed)
    }

    /// Whether it goes on by itself.
    #[must_use]
    pub fn moves(self) -> bool {
        matches!(self, Self::Planning | Self::Running | Self::Stopping)
    }

    /// Whether its messages may leave.
    #[must_use]
    pub fn sends(self) -> bool {
        matches!(self, Self::Planning | Self::Running)
    }

    /// Where an event leads; none if it changes nothing.
    #[must_use]
    pub fn after(self, event: RunEvent) -> Option<Self> {
        match (self, event) {
            (Self::Planning, RunEvent::Planned) | (Self::Paused, RunEvent::Resume { planned: true }) => {
                Some(Self::Running)
            }
            (Self::Planning | Self::Running, RunEvent::Pause) => Some(Self::Paused),
            (Self::Paused, RunEvent::Resume { planned: false }) => Some(Self::Planning),
            (Self::Planning | Self::Running | Self::Paused, RunEvent::Cancel) => Some(Self::Stopping),
            (Self::Running | Self::Paused, RunEvent::Drained) => Some(Self::Finished),
            (Self::Stopping, RunEvent::Drained) => Some(Self::Cancelled),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
