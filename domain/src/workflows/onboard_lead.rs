//! What the workflow `onboard_lead` is given.

use std::time::Duration;

use engine::{JobKind, NewJob};
use serde::{Deserialize, Serialize};

use crate::{
    Ctx,
    access::permission::Permission,
    error::{Error, Result},
    messages::send,
    routing::route::{self, Strategy, Target},
    tenancy::TenantTx,
    types::{AgentId, LeadId, ProviderId, TeamId, TemplateId},
};

/// What its steps do for whoever starts it; the messages tell what is known of the lead to its address.
pub(super) const PERMISSIONS: &[Permission] =
    &[Permission::LeadsScore, Permission::LeadsRoute, Permission::MessagesSend, Permission::PersonalRead];

/// The longest time that is waited for a reply, in hours.
const LONGEST: u16 = 30 * 24;

/// A lead is scored, routed and welcomed; if it does not reply in time, it is written to once more.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OnboardLead {
    pub lead_id: LeadId,
    pub strategy: Strategy,
    /// For `round_robin` and `team`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team_id: Option<TeamId>,
    /// For `direct`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<AgentId>,
    /// Whom both messages are sent by.
    pub provider_id: ProviderId,
    pub welcome_template_id: TemplateId,
    pub follow_up_template_id: TemplateId,
    /// How long a reply is waited for, 1 to 720 hours; a day if not said.
    #[serde(default = "a_day")]
    #[schema(required = false)]
    pub reply_within_hours: u16,
}

impl JobKind for OnboardLead {
    const KIND: &'static str = "onboard_lead";
    const QUEUE: &'static str = "automation";
    const WATCHED: bool = true;
}

fn a_day() -> u16 {
    24
}

impl OnboardLead {
    /// Whom the lead goes to.
    #[must_use]
    pub fn target(&self) -> Target {
        Target { strategy: self.strategy, team: self.team_id, agent: self.agent_id }
    }

    /// How long a reply is waited for.
    #[must_use]
    pub fn reply_within(&self) -> Duration {
        Duration::from_hours(self.reply_within_hours.into())
    }

    pub(super) async fn first_job(&self, ctx: &Ctx, tx: &mut TenantTx, at: &str) -> Result<NewJob> {
        if !(1..=LONGEST).contains(&self.reply_within_hours) {
            return Err(Error::invalid(format!("{at}/reply_within_hours"), format!("1 to {LONGEST}")));
        }
        route::check(tx, self.target(), at).await?;
        let templates = [
            ("/welcome_template_id", self.welcome_template_id),
            ("/follow_up_template_id", self.follow_up_template_id),
        ];
        for template in templates {
            send::check(ctx, tx, self.provider_id, template, Some(self.lead_id), at).await?;
        }
        let lead = self.lead_id;
        let first = NewJob::of(ctx.tenant.0, ctx.id(), self).map_err(Error::internal)?;
        Ok(first.about(format!("lead:{lead}")).unique(lead.to_string()))
    }
}
