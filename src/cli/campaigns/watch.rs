//! A run of a campaign that is followed to its end, with a bar of its recipients.

use std::time::Duration;

use domain::{
    Ctx,
    campaigns::{
        progress::{CampaignProgress, progress},
        rules::lifecycle::RunStatus,
    },
    types::{CampaignId, CampaignRunId},
};

use crate::cli::{Failure, exit::Exit, output::Form, progress as bars};

/// How often it is looked how far it is.
const LOOK: Duration = Duration::from_secs(1);

/// Waits until a run is over or paused: the newest, if none is named.
pub(super) async fn follow(
    ctx: &Ctx,
    form: Form,
    campaign: CampaignId,
    run: Option<CampaignRunId>,
) -> Result<(), Failure> {
    let mut now = progress(ctx, campaign, run).await?;
    let run = Some(now.run_id);
    let bar = bars::bar(0, "sent");
    while now.run_status.moves() {
        bar.set_length(settled(now.recipients));
        bar.set_position(settled(now.recipients - now.open));
        bar.set_message(now.run_status.as_str());
        tokio::time::sleep(LOOK).await;
        now = progress(ctx, campaign, run).await?;
    }
    bar.finish_and_clear();
    if now.run_status == RunStatus::Paused {
        let why = now.pause_why.or(now.pause_code).unwrap_or_default();
        // Some of it was sent, so it is no refusal.
        return Err(Exit::Failed.because(format!("run {} is paused: {why}", now.run_id)));
    }
    if now.run_status == RunStatus::Failed {
        let why = now.broke.unwrap_or_default();
        return Err(Exit::Failed.because(format!("run {} could not go on: {why}", now.run_id)));
    }
    form.done(&words(&now), &now)
}

fn words(run: &CampaignProgress) -> String {
    let statuses: Vec<String> =
        run.statuses.iter().map(|(status, count)| format!("{count} {status}")).collect();
    format!("run {} is {}: {}", run.run_id, run.run_status.as_str(), statuses.join(", "))
}

fn settled(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}
