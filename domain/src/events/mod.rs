//! What is told to people who watch: the event types, and who may see each ([`seen`]).
//!
//! Events are rows of the engine's log. Types are stable strings, listed here only. Those about leads, calls and
//! messages carry whose they are at that moment (`whose`; `store` reads it), and are heard by whoever sees such leads.
//! How they look on a socket and in a webhook is said in [`envelope`], what each means and holds in [`about`] and [`data`];
//! [`sockets`] counts who is told.

pub mod about;
pub mod data;
pub mod envelope;
pub mod seen;
pub mod sockets;
mod store;
pub(crate) mod whose;

use serde_json::{Value, json};
use uuid::Uuid;

pub use seen::{Hearers, needed};

/// The type of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventType {
    MessageQueued,
    MessageSent,
    MessageFailed,
    MessageUnknown,
    MessageRetrying,
    MessageCancelled,
    /// The provider says that it arrived.
    MessageDelivered,
    MessageRead,
    /// It came back.
    MessageBounced,
    /// It was not sent: consent, a suppression or a cap forbids it.
    MessageSuppressed,
    /// It waits: for quiet hours to end, or for an account.
    MessageDeferred,
    /// A person wrote to one of our numbers.
    MessageReceived,
    /// An account is not used until it is resumed: by hand, or because the provider said that it is at fault.
    ProviderPaused,
    ProviderResumed,
    /// An address is not written to any more, or is again.
    SuppressionAdded,
    SuppressionRemoved,
    ConsentGiven,
    ConsentWithdrawn,
    LeadCreated,
    LeadUpdated,
    /// It came to the status `converted`, or left it again.
    LeadConverted,
    LeadUnconverted,
    LeadDeleted,
    /// Another lead that was the same person went into it.
    LeadMerged,
    /// Nothing more is done with it than to keep it, or what was forbidden may be done again (GDPR Art. 18).
    LeadRestricted,
    LeadUnrestricted,
    /// What its person said is wrong was corrected: whoever has it from here is to correct it too (Art. 19).
    LeadRectified,
    /// Somebody asked to see what is held of them, is to wait longer, or was answered or refused.
    SubjectRequestAsked,
    SubjectRequestExtended,
    SubjectRequestEnded,
    /// Somebody asked to be forgotten, thought better of it, or is forgotten: whoever has something of them from here is to
    /// forget it too (Art. 19).
    ErasureAsked,
    ErasureWithdrawn,
    ErasureDone,
    /// Something was done with it.
    LeadActivity,
    LeadsScored,
    LeadAssigned,
    /// It waits in a team's queue.
    LeadQueued,
    /// It waits longer than the team's service level allows.
    LeadOverdue,
    ImportFinished,
    /// A call rings: an incoming one at an agent's, an outgoing one at the other end.
    CallRinging,
    /// For the agent: pick it up.
    CallIncoming,
    /// It waits in a team's queue.
    CallQueued,
    /// It went from an agent or a queue to another: whoever had it stops ringing.
    CallRerouted,
    /// It waits longer than the team's service level allows.
    CallOverdue,
    CallAnswered,
    CallEnded,
    /// It is over and was said what it came to: for points and reports.
    CallCompleted,
    /// It was over before anybody answered.
    CallMissed,
    /// Something else of it is known that was not before: how content the customer was, or that it began earlier.
    CallUpdated,
    AgentStatusChanged,
    /// A model was learned, and waits as a draft.
    ScoringModelFitted,
    ScoringModelPublished,
    /// Leads that enter from now on go through this version.
    SequencePublished,
    /// No step is taken until it is resumed: by hand, or because an account or a template is gone.
    SequencePaused,
    SequenceResumed,
    SequenceArchived,
    /// A lead is on its way through it.
    SequenceEntered,
    /// A lead has come to its end, to a goal, or left.
    SequenceEnded,
    /// Somebody was given points, or some were taken back.
    PointsAwarded,
    PointsReversed,
    BadgeAwarded,
    TierAdvanced,
    /// Somebody has reached what a challenge asks for.
    ChallengeCompleted,
    /// A day, week or month of it is over.
    ChallengeClosed,
    /// Its standings are final.
    CompetitionClosed,
    RewardRedeemed,
    /// It was scheduled, submitted or rejected.
    CampaignChanged,
    CampaignApproved,
    /// A run of it has begun.
    CampaignStarted,
    /// How far a run is: at most twice a second.
    CampaignProgress,
    /// By hand, or by itself: its `code` says why.
    CampaignPaused,
    CampaignResumed,
    CampaignCancelled,
    /// Which variant the rest of its recipients get.
    CampaignWinner,
    /// A run of it is over.
    CampaignFinished,
    /// What a user or a key may do was changed.
    AccessChanged,
    /// An endpoint is told nothing any more until somebody enables it: it said so itself, or has failed for days.
    WebhookDisabled,
}

/// What the engine tells of jobs and of the runs of workflows.
const OF_ENGINE: [&str; 7] = [
    "job.completed",
    "job.cancelled",
    "job.discarded",
    "job.quarantined",
    "workflow.completed",
    "workflow.failed",
    "workflow.cancelled",
];

/// Every type that this build tells of, as the log names it.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    EventType::ALL.iter().map(|kind| kind.as_str()).chain(OF_ENGINE)
}

impl EventType {
    /// What the domain tells of; the engine's own types are in [`kinds`] besides.
    pub const ALL: [Self; 77] = [
        Self::MessageQueued,
        Self::MessageSent,
        Self::MessageFailed,
        Self::MessageUnknown,
        Self::MessageRetrying,
        Self::MessageCancelled,
        Self::MessageDelivered,
        Self::MessageRead,
        Self::MessageBounced,
        Self::MessageSuppressed,
        Self::MessageDeferred,
        Self::MessageReceived,
        Self::ProviderPaused,
        Self::ProviderResumed,
        Self::SuppressionAdded,
        Self::SuppressionRemoved,
        Self::ConsentGiven,
        Self::ConsentWithdrawn,
        Self::LeadCreated,
        Self::LeadUpdated,
        Self::LeadConverted,
        Self::LeadUnconverted,
        Self::LeadDeleted,
        Self::LeadMerged,
        Self::LeadRestricted,
        Self::LeadUnrestricted,
        Self::LeadRectified,
        Self::SubjectRequestAsked,
        Self::SubjectRequestExtended,
        Self::SubjectRequestEnded,
        Self::ErasureAsked,
        Self::ErasureWithdrawn,
        Self::ErasureDone,
        Self::LeadActivity,
        Self::LeadsScored,
        Self::LeadAssigned,
        Self::LeadQueued,
        Self::LeadOverdue,
        Self::ImportFinished,
        Self::CallRinging,
        Self::CallIncoming,
        Self::CallQueued,
        Self::CallRerouted,
        Self::CallOverdue,
        Self::CallAnswered,
        Self::CallEnded,
        Self::CallCompleted,
        Self::CallMissed,
        Self::CallUpdated,
        Self::AgentStatusChanged,
        Self::ScoringModelFitted,
        Self::ScoringModelPublished,
        Self::SequencePublished,
        Self::SequencePaused,
        Self::SequenceResumed,
        Self::SequenceArchived,
        Self::SequenceEntered,
        Self::SequenceEnded,
        Self::PointsAwarded,
        Self::PointsReversed,
        Self::BadgeAwarded,
        Self::TierAdvanced,
        Self::ChallengeCompleted,
        Self::ChallengeClosed,
        Self::CompetitionClosed,
        Self::RewardRedeemed,
        Self::CampaignChanged,
        Self::CampaignApproved,
        Self::CampaignStarted,
        Self::CampaignProgress,
        Self::CampaignPaused,
        Self::CampaignResumed,
        Self::CampaignCancelled,
        Self::CampaignWinner,
        Self::CampaignFinished,
        Self::AccessChanged,
        Self::WebhookDisabled,
    ];

    /// As the log stores it; on sockets and in webhooks it is `switchboard.<type>.v1`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MessageQueued => "message.queued",
            Self::MessageSent => "message.sent",
            Self::MessageFailed => "message.failed",
            Self::MessageUnknown => "message.unknown",
            Self::MessageRetrying => "message.retrying",
            Self::MessageCancelled => "message.cancelled",
            Self::MessageDelivered => "message.delivered",
            Self::MessageRead => "message.read",
            Self::MessageBounced => "message.bounced",
            Self::MessageSuppressed => "message.suppressed",
            Self::MessageDeferred => "message.deferred",
            Self::MessageReceived => "message.received",
            Self::ProviderPaused => "provider.paused",
            Self::ProviderResumed => "provider.resumed",
            Self::SuppressionAdded => "suppression.added",
            Self::SuppressionRemoved => "suppression.removed",
            Self::ConsentGiven => "consent.given",
            Self::ConsentWithdrawn => "consent.withdrawn",
            Self::LeadCreated => "lead.created",
            Self::LeadUpdated => "lead.updated",
            Self::LeadConverted => "lead.converted",
            Self::LeadUnconverted => "lead.unconverted",
            Self::LeadDeleted => "lead.deleted",
            Self::LeadMerged => "lead.merged",
            Self::LeadRestricted => "lead.restricted",
            Self::LeadUnrestricted => "lead.unrestricted",
            Self::LeadRectified => "lead.rectified",
            Self::SubjectRequestAsked => "subject_request.asked",
            Self::SubjectRequestExtended => "subject_request.extended",
            Self::SubjectRequestEnded => "subject_request.ended",
            Self::ErasureAsked => "erasure.asked",
            Self::ErasureWithdrawn => "erasure.withdrawn",
            Self::ErasureDone => "erasure.done",
            Self::LeadActivity => "lead.activity",
            Self::LeadsScored => "lead.scored",
            Self::LeadAssigned => "lead.assigned",
            Self::LeadQueued => "lead.queued",
            Self::LeadOverdue => "lead.overdue",
            Self::ImportFinished => "import.finished",
            Self::CallRinging => "call.ringing",
            Self::CallIncoming => "call.incoming",
            Self::CallQueued => "call.queued",
            Self::CallRerouted => "call.rerouted",
            Self::CallOverdue => "call.overdue",
            Self::CallAnswered => "call.answered",
            Self::CallEnded => "call.ended",
            Self::CallCompleted => "call.completed",
            Self::CallMissed => "call.missed",
            Self::CallUpdated => "call.updated",
            Self::AgentStatusChanged => "agent.status",
            Self::ScoringModelFitted => "scoring_model.fitted",
            Self::ScoringModelPublished => "scoring_model.published",
            Self::SequencePublished => "sequence.published",
            Self::SequencePaused => "sequence.paused",
            Self::SequenceResumed => "sequence.resumed",
            Self::SequenceArchived => "sequence.archived",
            Self::SequenceEntered => "sequence.entered",
            Self::SequenceEnded => "sequence.ended",
            Self::PointsAwarded => "points.awarded",
            Self::PointsReversed => "points.reversed",
            Self::BadgeAwarded => "badge.awarded",
            Self::TierAdvanced => "tier.advanced",
            Self::ChallengeCompleted => "challenge.completed",
            Self::ChallengeClosed => "challenge.closed",
            Self::CompetitionClosed => "competition.closed",
            Self::RewardRedeemed => "reward.redeemed",
            Self::CampaignChanged => "campaign.changed",
            Self::CampaignApproved => "campaign.approved",
            Self::CampaignStarted => "campaign.started",
            Self::CampaignProgress => "campaign.progress",
            Self::CampaignPaused => "campaign.paused",
            Self::CampaignResumed => "campaign.resumed",
            Self::CampaignCancelled => "campaign.cancelled",
            Self::CampaignWinner => "campaign.winner",
            Self::CampaignFinished => "campaign.finished",
            Self::AccessChanged => "access.changed",
            Self::WebhookDisabled => "webhook.disabled",
        }
    }
}

/// Something that happened to one thing. The body holds ids and states, never personal data.
#[derive(Debug, Clone)]
pub struct Event {
    pub kind: EventType,
    pub subject: String,
    pub body: Value,
}

impl Event {
    /// An event about `resource:id`.
    pub fn new(kind: EventType, resource: &str, id: impl std::fmt::Display) -> Self {
        Self { kind, subject: format!("{resource}:{id}"), body: json!({}) }
    }

    /// What it says: ids and states, as `data` lists them for its type.
    #[must_use]
    pub fn with(mut self, body: Value) -> Self {
        self.body = body;
        self
    }

    pub(crate) fn entry(&self, tenant: Uuid) -> engine::log::NewEntry {
        engine::log::NewEntry {
            tenant,
            kind: self.kind.as_str(),
            subject: self.subject.clone(),
            body: self.body.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::permission::Permission;

    #[test]
    fn every_type_has_a_name_of_its_own_and_a_permission() {
        let mut names: Vec<_> = kinds().collect();
        assert!(names.iter().all(|name| needed(name).is_some()), "{names:?}");
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), EventType::ALL.len() + OF_ENGINE.len());
        assert_eq!(needed("workflow.failed"), Some(Permission::WorkflowsRead));
        assert_eq!(needed("secret.thing"), None);
    }
}
