//! What a tenant can have begin by itself: one variant and one line each.

use engine::{JobKind, NewJob};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Ctx,
    access::permission::Permission,
    analytics::saved::{send, work::DeliverReport},
    campaigns::{steer, work::RunCampaign},
    error::{Error, Result},
    routing::route::{self, RouteLeads, Strategy, Target},
    scoring::{
        apply::{ScoreLeads, Why},
        refresh::RefreshScores,
    },
    tenancy::TenantTx,
    types::{AgentId, SkillId, TeamId},
};

/// The work of a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Work {
    /// Every lead is scored anew.
    ScoreLeads {},
    /// Scores of open leads that are older than a day are taken again: they fade with time.
    RefreshScores {},
    /// All leads without an owner are routed.
    RouteLeads {
        /// The rules decide if none is named.
        strategy: Option<Strategy>,
        /// For all strategies but `direct`.
        team_id: Option<TeamId>,
        /// For `direct`.
        agent_id: Option<AgentId>,
        /// For `skill`.
        skill_id: Option<SkillId>,
        /// For `skill`: 1 to 5.
        min_level: Option<i16>,
    },
}

impl Work {
    /// The kind of its jobs.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::ScoreLeads {} => ScoreLeads::KIND,
            Self::RefreshScores {} => RefreshScores::KIND,
            Self::RouteLeads { .. } => RouteLeads::KIND,
        }
    }

    /// What whoever has jobs of a kind begin by themselves must be allowed to do.
    pub(super) fn permissions_of(kind: &str) -> &'static [Permission] {
        match kind {
            ScoreLeads::KIND | RefreshScores::KIND => &[Permission::LeadsScore],
            RouteLeads::KIND => &[Permission::LeadsRoute],
            RunCampaign::KIND => steer::PERMISSIONS,
            DeliverReport::KIND => send::PERMISSIONS,
            // The product's own.
            _ => &[Permission::SchedulesWrite],
        }
    }

    /// Whether jobs of a kind are begun by a schedule that something else has made for itself.
    pub(super) fn is_anothers(kind: &str) -> bool {
        kind == RunCampaign::KIND || kind == DeliverReport::KIND
    }

    /// The job of each run.
    pub(super) async fn job(&self, ctx: &Ctx, tx: &mut TenantTx) -> Result<NewJob> {
        match self {
            Self::ScoreLeads {} => new(ctx, &ScoreLeads { import: None, asked_at: None, why: Why::Asked }),
            Self::RefreshScores {} => new(ctx, &RefreshScores {}),
            Self::RouteLeads { strategy, team_id, agent_id, skill_id, min_level } => {
                let target = Target::asked(*strategy, *team_id, *agent_id, *skill_id, *min_level)
                    .map_err(|why| Error::invalid("/work/strategy", why))?;
                route::check(tx, target, "/work").await?;
                new(ctx, &RouteLeads { import: None, target })
            }
        }
    }
}

fn new<K: JobKind>(ctx: &Ctx, args: &K) -> Result<NewJob> {
    NewJob::of(ctx.tenant.0, Uuid::nil(), args).map_err(Error::internal)
}
