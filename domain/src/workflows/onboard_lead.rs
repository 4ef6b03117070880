//! What the workflow `onboard_lead` is given.

use std::time::Duration;

use engine::{JobKind, NewJob};
use serde::{Deserialize, Serialize};

use super::{going_on, of_lead};
use crate::{
    Ctx,
    access::permission::Permission,
    error::{Error, Result},
    leads::merged,
    messages::accept,
    routing::route::{self, Strategy, Target},
    tenancy::TenantTx,
    types::{AgentId, LeadId, ProviderId, SkillId, TeamId, TemplateId},
};

/// What its steps do for whoever starts it; the messages tell what is known of the lead to its address.
pub(super) const PERMISSIONS: &[Permission] =
    &[Permission::LeadsScore, Permission::LeadsRoute, Permission::MessagesSend, Permission::PersonalRead];

/// The longest time that is waited for a reply, in hours.
const LONGEST: u16 = 30 * 24;

/// A lead is scored, routed and welcomed; if it does not reply in time, it is written to once more. One without an e-mail
/// address is not written to, and the step says `no_address`. If the lead is merged into another meanwhile, what is left
/// is done with that one, unless it has such a run of its own; if it is deleted, the run is cancelled.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OnboardLead {
    /// Where it was merged into another, that one.
    pub lead_id: LeadId,
    /// The routing rules decide if none is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<Strategy>,
    /// For all strategies but `direct`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team_id: Option<TeamId>,
    /// For `direct`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<AgentId>,
    /// For `skill`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skill_id: Option<SkillId>,
    /// For `skill`: 1 to 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_level: Option<i16>,
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
    /// In the first version a strategy was always named, so what is stored of it reads as it is.
    const VERSION: i16 = 2;
    const WATCHED: bool = true;
}

fn a_day() -> u16 {
    24
}

impl OnboardLead {
    /// Whom the lead goes to; as the rules decide if there is none.
    #[must_use]
    pub fn target(&self) -> Option<Target> {
        self.asked().ok().flatten()
    }

    fn asked(&self) -> Result<Option<Target>, &'static str> {
        Target::asked(self.strategy, self.team_id, self.agent_id, self.skill_id, self.min_level)
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
        let target = self.asked().map_err(|why| Error::invalid(format!("{at}/strategy"), why))?;
        // Held until commit: whoever merges or deletes it sees the run.
        let lead = merged::hold(tx, self.lead_id, ctx.rows).await?.unwrap_or(self.lead_id);
        route::check(tx, target, at).await?;
        let templates = [
            ("/welcome_template_id", self.welcome_template_id),
            ("/follow_up_template_id", self.follow_up_template_id),
        ];
        for template in templates {
            accept::check(ctx, tx, self.provider_id, template, Some(lead), at).await?;
        }
        if let Some(run) = of_lead::running(tx, lead).await?.first() {
            // It may have begun for another lead that was merged into this one.
            return Err(going_on(*run, Self::KIND));
        }
        let input = Self { lead_id: lead, ..*self };
        let first = NewJob::of(ctx.tenant.0, ctx.id(), &input).map_err(Error::internal)?;
        Ok(first.about(format!("lead:{lead}")).unique(lead.to_string()))
    }
}
