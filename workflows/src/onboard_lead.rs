//! A new lead: scored, routed, welcomed, and written to once more if it does not reply.

use domain::{
    messages::to_lead::MessageLead,
    routing::route::RouteLead,
    scoring::apply::{ScoreLead, Why},
    workflows::OnboardLead,
};
use engine::{Flow, workflows::Ended};

/// The steps, in their order.
pub(super) fn steps(flow: &mut Flow, input: &OnboardLead) {
    let (lead, provider) = (input.lead_id, input.provider_id);
    flow.step("score", &ScoreLead { lead, why: Why::Workflow });
    flow.step("route", &RouteLead { lead, target: input.target() });
    flow.step("welcome", &MessageLead { lead, provider, template: input.welcome_template_id });
    flow.wait_for("reply", "lead_replied", Some(input.reply_within()));
    flow.step("follow_up", &MessageLead { lead, provider, template: input.follow_up_template_id })
        .only_if("reply", Ended::TimedOut);
}
