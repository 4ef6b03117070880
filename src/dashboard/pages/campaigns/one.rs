//! One campaign: how far its run is, what came of it, and what can be done with it.

use askama::Template;
use domain::{
    Ctx,
    access::permission::Permission,
    campaigns::{
        manage::{self, CampaignView},
        progress::{self, CampaignProgress},
        rules::lifecycle::{CampaignStatus, RecipientStatus},
        sampled,
    },
    types::{CampaignId, CampaignRunId},
};
use serde::Deserialize;

use super::{
    bar::percent,
    facts::facts,
    figures::{self, Amiss, FunnelStep, Money, VariantRow},
};
use crate::{
    dashboard::{
        link,
        page::{Answer, Page, show},
        ui,
        viewer::Viewer,
    },
    http::extract::{Caller, Path, Query},
};

/// Runs that are shown below; the others have a page of their own.
const RUNS: i64 = 5;

/// The parameters of the address.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    /// The newest if not said.
    run: Option<CampaignRunId>,
}

/// What came of one run.
struct Came {
    run: CampaignProgress,
    /// None as long as it is not known how many there will be.
    percent: Option<i64>,
    moves: bool,
    newest: bool,
    funnel: Vec<FunnelStep>,
    statuses: Vec<(String, i64, String)>,
    amiss: Vec<Amiss>,
    all_amiss: i64,
    amiss_list: String,
    looked_at: i64,
    money: Money,
    variants: Vec<VariantRow>,
    winner_why: Option<String>,
}

/// What this viewer may do with it where it is.
#[expect(clippy::struct_excessive_bools, reason = "what may be done does not depend on each other")]
struct Steps {
    schedule: bool,
    start: bool,
    approve: bool,
    /// They wrote it, so somebody else must agree.
    own: bool,
    pause: bool,
    resume: bool,
    /// It has spent its budget, and they may give it another.
    budget: bool,
    cancel: Option<ui::Confirm>,
}

#[derive(Template)]
#[template(path = "campaigns/one.html")]
struct One {
    page: Page,
    campaign: CampaignView,
    steps: Steps,
    came: Option<Came>,
    runs: Vec<CampaignProgress>,
    more_runs: bool,
    facts: Vec<(&'static str, String)>,
    filter: String,
    workflows: bool,
    moves: bool,
}

/// A campaign.
pub async fn show_campaign(
    viewer: Viewer,
    Caller(ctx): Caller,
    Path(id): Path<CampaignId>,
    Query(asked): Query<Asked>,
) -> Answer {
    let campaign = manage::get(&ctx, id).await?;
    let mut runs = progress::runs(&ctx, id, None, RUNS + 1).await?;
    let more_runs = runs.len() > usize::try_from(RUNS).unwrap_or_default();
    runs.truncate(usize::try_from(RUNS).unwrap_or_default());
    let newest = runs.first().map(|run| run.run_id);
    let run = match asked.run {
        Some(run) => Some(progress::progress(&ctx, id, Some(run)).await?),
        None => runs.first().cloned(),
    };
    let came = match run {
        Some(run) => Some(came(&ctx, &campaign, run, newest).await?),
        None => None,
    };
    show(&One {
        page: viewer.page(&campaign.name),
        steps: steps(&viewer, &ctx, &campaign),
        moves: came.as_ref().is_some_and(|came| came.moves) || campaign.status == CampaignStatus::Scheduled,
        facts: facts(&campaign),
        filter: ui::pretty(&campaign.audience.filter),
        workflows: viewer.may(Permission::WorkflowsRead),
        more_runs,
        runs,
        came,
        campaign,
    })
}

async fn came(
    ctx: &Ctx,
    campaign: &CampaignView,
    run: CampaignProgress,
    newest: Option<CampaignRunId>,
) -> domain::Result<Came> {
    let (id, which) = (campaign.id, Some(run.run_id));
    let list = link::to(&format!("/ops/campaigns/{id}/recipients"), &[("run", &run.run_id.to_string())]);
    let unreached = sampled::unreached(ctx, id, which).await?;
    let answered = sampled::answered(ctx, id, which).await?;
    let of_status = |status: &str| link::with(&list, "status", status);
    // In the order of what happens, not of letters.
    let statuses = RecipientStatus::ALL.into_iter().filter_map(|status| {
        let word = status.as_str();
        run.statuses.get(word).map(|count| (word.to_owned(), *count, of_status(word)))
    });
    Ok(Came {
        percent: run.planned_at.is_some().then(|| percent(run.recipients - run.open, run.recipients)),
        moves: run.run_status.moves(),
        newest: newest == Some(run.run_id),
        funnel: figures::funnel(&run, &answered, &list),
        statuses: statuses.collect(),
        amiss: figures::amiss(&unreached, &list),
        all_amiss: unreached.all,
        amiss_list: link::with(&list, "group", "unreached"),
        looked_at: unreached.looked_at,
        money: figures::costs(&run.figures, campaign.limits.budget_cents),
        variants: figures::variants(&run, &list),
        winner_why: run.winner_why.as_ref().and_then(figures::winner_why),
        run,
    })
}

fn steps(viewer: &Viewer, ctx: &Ctx, campaign: &CampaignView) -> Steps {
    use CampaignStatus::{AwaitingApproval, Draft, Paused, Running, Scheduled};
    let (at, may) = (campaign.status, |permission| viewer.may(permission));
    let (run, approve) = (may(Permission::CampaignsRun), may(Permission::CampaignsApprove));
    let send = run && may(Permission::MessagesSend);
    let own = campaign.created_by.is_some() && ctx.actor.id() == campaign.created_by;
    let agreed = !campaign.needs_approval || (approve && !own);
    let spent = campaign.pause_code.as_deref() == Some("budget");
    let cancel = (run && !at.is_over()).then(|| ui::Confirm {
        action: format!("/ops/campaigns/{}/cancel", campaign.id),
        csrf: viewer.csrf().to_owned(),
        name: campaign.name.clone(),
        warning: "It is stopped for good: who has not been written to by now is not. A paused campaign can go on, a \
                  cancelled one cannot."
            .into(),
        verb: "Cancel the campaign".into(),
        fields: Vec::new(),
    });
    Steps {
        schedule: send && at == Draft && (campaign.schedule.is_some() || campaign.needs_approval),
        start: send && (at == Scheduled || (at == Draft && !campaign.needs_approval)),
        approve: approve && !own && at == AwaitingApproval,
        own: approve && own && at == AwaitingApproval,
        pause: run && matches!(at, Scheduled | Running),
        resume: run && at == Paused,
        budget: run && at == Paused && spent && agreed && may(Permission::CampaignsWrite),
        cancel,
    }
}
