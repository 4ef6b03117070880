//! What each type of event means, in a sentence for those who listen. Pure.

/// Of a type as the log names it; none of a type that this build does not know.
#[must_use]
pub fn about(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "message.queued" => "A message was accepted and waits to be sent",
        "message.sent" => "The provider has taken it",
        "message.failed" => "It is not sent any more; code says why",
        "message.unknown" => "Nobody knows whether it was sent; it is looked into",
        "message.retrying" => "It was not sent, and is tried again",
        "message.cancelled" => "It was taken back before it was sent",
        "message.delivered" => "The provider says that it arrived",
        "message.read" => "The provider says that it was read",
        "message.bounced" => "It came back",
        "message.suppressed" => "It was not sent: consent, a suppression or a cap forbids it",
        "message.deferred" => "It waits: for quiet hours to end, or for an account",
        "message.received" => "A person wrote to one of the tenant's numbers or addresses",
        "provider.paused" => "An account is not used until it is resumed",
        "provider.resumed" => "An account is used again",
        "suppression.added" => "An address is not written to any more",
        "suppression.removed" => "An address is written to again",
        "consent.given" => "A person agreed to be written to",
        "consent.withdrawn" => "A person does not want to be written to any more",
        "lead.created" => "A lead is there",
        "lead.updated" => "Something about a lead has changed",
        "lead.converted" => "It has come to what it was for",
        "lead.unconverted" => "It has not after all: another status was written",
        "lead.deleted" => "A lead is gone, or went into another",
        "lead.merged" => "Another lead that was the same person went into it",
        "lead.restricted" => "Nothing more is done with it than to keep it (GDPR Art. 18)",
        "lead.unrestricted" => "What was restricted may be done again",
        "lead.rectified" => {
            "What its person said is wrong was corrected: whoever has it is to correct it too (GDPR Art. 19)"
        }
        "lead.activity" => "Something was done with it",
        "lead.scored" => "Its score or the model that gave it has changed",
        "lead.assigned" => "An agent has it",
        "lead.queued" => "It waits in a team's queue",
        "lead.overdue" => "It waits longer than the team's service level allows",
        "subject_request.asked" => "Somebody asked to see what is held of them",
        "subject_request.extended" => "Their answer takes longer",
        "subject_request.ended" => "They were answered or refused",
        "erasure.asked" => "Somebody asked to be forgotten",
        "erasure.withdrawn" => "They thought better of it",
        "erasure.done" => {
            "They are forgotten: whoever has something of them is to forget it too (GDPR Art. 19)"
        }
        "import.finished" => "An import is over",
        "call.ringing" => "A call rings: an incoming one at an agent's, an outgoing one at the other end",
        "call.incoming" => "For the agent: pick it up",
        "call.queued" => "A call waits in a team's queue",
        "call.rerouted" => "It went from an agent or a queue to another: whoever had it stops ringing",
        "call.overdue" => "A call waits longer than the team's service level allows",
        "call.answered" => "Somebody has picked it up",
        "call.ended" => "It is over",
        "call.completed" => "It is over, and it was said what it came to",
        "call.missed" => "It was over before anybody answered",
        "call.updated" => {
            "Something else of it is known: how content the customer was, or that it began earlier"
        }
        "agent.status" => "An agent is available, on a call, away or gone",
        "scoring_model.fitted" => "A model was learned, and waits as a draft",
        "scoring_model.published" => "Leads are scored by this model from now on",
        "sequence.published" => "Leads that enter from now on go through this version",
        "sequence.paused" => "No step is taken until it is resumed",
        "sequence.resumed" => "Steps are taken again",
        "sequence.archived" => "It is used no more",
        "sequence.entered" => "A lead is on its way through it",
        "sequence.ended" => "A lead has come to its end, to a goal, or left",
        "points.awarded" => "An agent was given points",
        "points.reversed" => "Points that an agent was given were taken back",
        "badge.awarded" => "An agent was given a badge",
        "tier.advanced" => "An agent has come to a tier for the first time",
        "challenge.completed" => "An agent has reached what a challenge asks for",
        "challenge.closed" => "A day, week or month of a challenge is over",
        "competition.closed" => "A competition is over, and its standings are final",
        "reward.redeemed" => "An agent has given points for a reward",
        "campaign.changed" => "It was scheduled, submitted or rejected, or its time has passed",
        "campaign.approved" => "Somebody has agreed to it",
        "campaign.started" => "A run of it has begun",
        "campaign.progress" => "How far a run is: at most twice a second",
        "campaign.paused" => "By hand, or by itself: code says why",
        "campaign.resumed" => "It goes on",
        "campaign.cancelled" => "It was called off",
        "campaign.winner" => "Which variant the rest of its recipients get",
        "campaign.finished" => "A run of it is over",
        "access.changed" => "What a user or a key may do was changed",
        "webhook.disabled" => "An endpoint is told nothing any more until somebody enables it",
        "job.completed" => "A job that is watched has ended well",
        "job.cancelled" => "A job that is watched was cancelled",
        "job.discarded" => "A job was given up; it can be retried",
        "job.quarantined" => "A job brought its process down, and is not run again by itself",
        "workflow.completed" => "A run that is watched has ended well",
        "workflow.failed" => "A run has failed; failed_step says where",
        "workflow.cancelled" => "A run that is watched was cancelled",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::kinds;

    #[test]
    fn every_type_is_explained() {
        let unexplained: Vec<_> = kinds().filter(|kind| about(kind).is_none()).collect();
        assert_eq!(unexplained, [""; 0]);
        assert_eq!(about("secret.thing"), None);
    }
}
