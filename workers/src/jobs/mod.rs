//! One file for each job kind.

pub mod apply_retention;
mod archived;
pub mod begin_archive;
mod campaigns;
pub mod check_archives;
pub mod close_games;
pub mod count_messages;
pub mod deliver_report;
pub mod deliver_webhook;
pub mod drop_archived;
pub mod empty_sequence;
pub mod end_wrap_up;
pub mod erasures;
pub mod fit_scoring_model;
pub mod index_leads;
pub mod keep_history;
pub mod leave_agent;
pub mod make_report;
pub mod message_lead;
pub mod mind_call;
pub mod mind_campaign;
pub mod plan_campaign;
pub mod rebuild_rollups;
pub mod reconcile_message;
pub mod refresh_scores;
pub mod replay_webhook;
pub mod report_campaign;
pub mod restore_archive;
pub mod route_lead;
pub mod route_leads;
pub mod score_lead;
pub mod score_leads;
pub mod send_campaign;
pub mod send_message;
pub mod settle_campaign;
pub mod settle_lost;
pub mod steer_jobs;
pub mod sweep_calls;
pub mod sweep_team;
pub mod take_audience;
pub mod tell_of_delivery;
pub mod turn_keys;
pub mod update_leads;
pub mod wake_campaign;
pub mod wake_messages;
pub mod walk_sequence;
pub mod watch_queues;
pub mod watch_sequences;
pub mod write_archives;
pub mod write_export;
pub mod write_file;

use std::time::Duration;

use domain::{
    Ctx,
    messages::attempt::{self, Finished, Start, Turn},
};

use crate::{batch::Batches, registry::Run, rim::outbound::Outbound};

/// How long results wait for a database that does not answer, before they are given up.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long a job that was asked to stop rests before another node goes on with it.
const PAUSE: Duration = Duration::from_secs(1);

/// Notes how far a job has come; `false` if another node runs it by now.
async fn progress(run: &Run, done: usize, total: i64, note: &str) -> domain::Result<bool> {
    #[expect(clippy::cast_precision_loss, reason = "a share for people to look at")]
    let share = (done as f32 / total.max(1) as f32).min(1.0);
    let mut tx = run.ctx.begin().await?;
    let held = engine::jobs::report_progress(tx.conn(), &run.claim, share, &format!("{done} {note}")).await?;
    tx.commit().await?;
    Ok(held)
}

/// What the handlers of a process share.
pub struct Shared {
    pub beginning: Batches<Turn, Start>,
    pub settling: Batches<Finished, ()>,
    /// The way to servers that tenants name.
    pub outbound: Outbound,
}

impl Shared {
    /// One for a process: only what goes through the same one is put together into batches.
    #[must_use]
    pub fn new(outbound: Outbound) -> Self {
        Self {
            outbound,
            beginning: Batches::new(|ctx: Ctx, turns| async move { attempt::begin(&ctx, &turns).await }),
            settling: Batches::new(|ctx: Ctx, finished| async move {
                settle_patiently(&ctx, &finished).await?;
                Ok(finished.iter().map(|_| ()).collect())
            }),
        }
    }
}

/// What a provider has taken must be written down: a database that restarts is waited for.
async fn settle_patiently(ctx: &Ctx, finished: &[Finished]) -> domain::Result<()> {
    let mut pause = Duration::from_millis(50);
    let patience = tokio::time::Instant::now() + PATIENCE;
    loop {
        match attempt::settle(ctx, finished).await {
            Err(error) if tokio::time::Instant::now() < patience => {
                tracing::warn!(%error, waiting = finished.len(), "results could not be written; trying again");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(2));
            }
            ended => return ended,
        }
    }
}
