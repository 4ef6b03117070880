//! `campaigns`: one message to each of many leads, as it is steered.

mod create;
mod watch;

use clap::Subcommand;
use domain::{
    Error,
    campaigns::{
        manage::{self, CampaignView},
        preview,
        progress::{self, CampaignProgress},
        rules::lifecycle::CampaignStatus,
        steer,
    },
    types::CampaignId,
};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::{
    Failure,
    output::{Columns, Form, Most},
    tenant::{Look, Of},
    values::one_of,
    with_platform,
};
use crate::config::Config;

const COLUMNS: Columns = &[
    ("ID", "/id"),
    ("NAME", "/name"),
    ("STATUS", "/status"),
    ("PAUSED BY", "/pause_code"),
    ("RUN", "/run_id"),
    ("CHANGED", "/updated_at"),
];

#[derive(Subcommand)]
pub(super) enum Command {
    /// The campaigns, newest first.
    List {
        #[command(flatten)]
        look: Look,
        #[arg(long, value_parser = one_of(&CampaignStatus::ALL, CampaignStatus::as_str))]
        status: Option<CampaignStatus>,
        #[command(flatten)]
        most: Most,
    },
    /// One campaign, and how far its newest run is.
    Show {
        #[command(flatten)]
        look: Look,
        id: Uuid,
    },
    /// Write a campaign, as `POST /api/v1/campaigns` takes it.
    Create(create::Wishes),
    /// Begin a run now, whatever time it is set to.
    Start {
        #[command(flatten)]
        of: Of,
        id: Uuid,
        /// Only show whom it would be to at this moment, and how it would look.
        #[arg(long)]
        dry_run: bool,
        /// Wait until the run is over, with a bar.
        #[arg(long, conflicts_with = "dry_run")]
        wait: bool,
    },
    /// Follow the run that goes on, until it is over.
    Watch {
        #[command(flatten)]
        look: Look,
        id: Uuid,
    },
    /// Send nothing more of it until it is resumed.
    Pause {
        #[command(flatten)]
        of: Of,
        id: Uuid,
    },
    /// Let it go on, whatever held it.
    Resume {
        #[command(flatten)]
        of: Of,
        id: Uuid,
        /// What its run may spend in all from now on, in hundredths of the tenant's currency.
        #[arg(long)]
        budget_cents: Option<i64>,
    },
    /// Stop it for good: who has not been written to by now is not.
    Cancel {
        #[command(flatten)]
        of: Of,
        id: Uuid,
    },
}

/// A campaign and its newest run.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    campaign: CampaignView,
    progress: Option<CampaignProgress>,
}

pub(super) async fn run(config: &Config, form: Form, command: Command) -> Result<(), Failure> {
    with_platform(config, async |platform| match command {
        Command::List { look, status, most } => {
            let ctx = look.enter(platform, "campaigns list").await?;
            let mut list = form.list(COLUMNS, most.limit);
            list.read(
                async |before, wanted| Ok(manage::list(&ctx, status, before, wanted).await?),
                |campaign| campaign.id,
            )
            .await?;
            list.end()
        }
        Command::Show { look, id } => {
            let ctx = look.enter(platform, "campaigns show").await?;
            let campaign = manage::get(&ctx, CampaignId(id)).await?;
            let progress = match progress::progress(&ctx, CampaignId(id), None).await {
                Err(Error::NotFound("run")) => None,
                progress => Some(progress?),
            };
            form.one(&Shown { campaign, progress })
        }
        Command::Create(wishes) => create::run(platform, form, &wishes).await,
        Command::Start { of, id, dry_run: true, .. } => {
            form.one(&preview::preview_saved(&of.show(platform).await?, CampaignId(id)).await?)
        }
        Command::Start { of, id, wait, .. } => {
            let ctx = of.show(platform).await?;
            let run = steer::start(&ctx, CampaignId(id)).await?.fresh.ok_or("it was started before")?;
            if wait {
                return watch::follow(&ctx, form, CampaignId(id), Some(run)).await;
            }
            form.done(&format!("run {run} has begun"), &json!({ "run_id": run }))
        }
        Command::Watch { look, id } => {
            let ctx = look.enter(platform, "campaigns watch").await?;
            watch::follow(&ctx, form, CampaignId(id), None).await
        }
        Command::Pause { of, id } => {
            said(form, &steer::pause(&of.show(platform).await?, CampaignId(id)).await?)
        }
        Command::Resume { of, id, budget_cents } => {
            said(form, &steer::resume(&of.show(platform).await?, CampaignId(id), budget_cents).await?)
        }
        Command::Cancel { of, id } => {
            said(form, &steer::cancel(&of.show(platform).await?, CampaignId(id)).await?)
        }
    })
    .await
}

fn said(form: Form, campaign: &CampaignView) -> Result<(), Failure> {
    form.done(&format!("campaign {} is {}", campaign.id, campaign.status.as_str()), campaign)
}
