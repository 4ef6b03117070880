//! One line for each job kind.

use std::{
    collections::HashMap,
    future::{Future, ready},
    iter::repeat,
    sync::Arc,
};

use domain::{Ctx, Result, tenancy::TenantTx};
use engine::{JobKind, Outcome, finish::Claim, worker::Signals};
use futures::future::BoxFuture;
use serde_json::value::RawValue;
use workflows::Workflow;

use crate::jobs::{self, Shared};

/// What a handler is given besides its payload.
pub struct Run {
    pub ctx: Ctx,
    pub claim: Claim,
    pub signals: Signals,
    pub shared: Arc<Shared>,
}

impl Run {
    /// Whether a long handler should checkpoint and give its place up.
    #[must_use]
    pub fn is_to_stop(&self) -> bool {
        self.signals.draining().is_cancelled() || self.signals.cancelled().is_cancelled()
    }

    /// Ends the job in the transaction of its effects: both are committed, or, where another node runs it by now,
    /// neither is.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn end(&self, mut tx: TenantTx, output: serde_json::Value) -> Result<Outcome> {
        // Nothing is tried again, so nothing is spread by chance.
        let ending = self.claim.ending(Outcome::Done(output), || 0.0);
        if !tx.finish(ending.as_slice()).await?.is_empty() {
            tx.commit().await?;
        }
        Ok(Outcome::Settled)
    }

    /// Ends the job where there is nothing to be done any more; its output says why.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn skip(&self, tx: TenantTx, why: &'static str) -> Result<Outcome> {
        self.end(tx, serde_json::json!({ "skipped": why })).await
    }
}

type ReadAndRun = dyn Fn(Run, i16, &RawValue) -> BoxFuture<'static, Result<Outcome>> + Send + Sync;

/// A kind of job that this build can run.
#[derive(Clone)]
pub struct Handler {
    /// The newest version of the payload that it reads.
    pub version: i16,
    run: Arc<ReadAndRun>,
}

impl Handler {
    /// Reads the payload, brought up to date if it is an older version's, and runs.
    #[must_use]
    pub fn call(&self, given: Run, version: i16, args: &RawValue) -> BoxFuture<'static, Result<Outcome>> {
        (self.run)(given, version, args)
    }
}

/// The handlers of this build, by kind and by the names that kinds had before.
#[must_use]
pub fn handlers() -> HashMap<&'static str, Handler> {
    let all = [
        job(jobs::send_message::run),
        job(jobs::reconcile_message::run),
        job(jobs::tell_of_delivery::run),
        job(jobs::message_lead::run),
        job(jobs::wake_messages::run),
        job(jobs::score_lead::run),
        job(jobs::score_leads::run),
        job(jobs::refresh_scores::run),
        job(jobs::fit_scoring_model::run),
        job(jobs::index_leads::run),
        job(jobs::route_lead::run),
        job(jobs::route_leads::run),
        job(jobs::sweep_calls::run),
        job(jobs::mind_call::run),
        job(jobs::sweep_team::run),
        job(jobs::update_leads::run),
        job(jobs::watch_queues::run),
        job(jobs::end_wrap_up::run),
        job(jobs::leave_agent::run),
        job(jobs::steer_jobs::run),
        job(jobs::keep_history::run),
        job(jobs::settle_lost::run),
        job(jobs::count_messages::run),
        job(jobs::deliver_webhook::run),
        job(jobs::replay_webhook::run),
        job(jobs::plan_campaign::run),
        job(jobs::send_campaign::run),
        job(jobs::settle_campaign::run),
        job(jobs::report_campaign::run),
        job(jobs::take_audience::run),
        job(jobs::wake_campaign::run),
        job(jobs::mind_campaign::run),
        job(jobs::walk_sequence::run),
        job(jobs::empty_sequence::run),
        job(jobs::watch_sequences::run),
        job(jobs::close_games::run),
        job(jobs::begin_archive::run),
        job(jobs::write_archives::run),
        job(jobs::check_archives::run),
        job(jobs::drop_archived::run),
        job(jobs::restore_archive::run),
        job(jobs::turn_keys::run),
        job(jobs::write_export::run),
        job(jobs::write_file::run),
        job(jobs::deliver_report::render),
        job(jobs::deliver_report::send),
        job(jobs::erasures::begin),
        job(jobs::erasures::stop),
        job(jobs::erasures::tell),
        job(jobs::erasures::destroy),
        job(jobs::erasures::erase),
        job(jobs::erasures::certify),
        job(jobs::apply_retention::run),
        job(jobs::rebuild_rollups::run),
        job(jobs::make_report::run),
    ];
    all.into_iter().flatten().chain(workflows::all().into_iter().flat_map(beginning)).collect()
}

/// The kinds of this build and the newest version of each, as a node presents itself.
#[must_use]
pub fn kinds() -> Vec<(&'static str, i16)> {
    handlers().into_iter().map(|(kind, handler)| (kind, handler.version)).collect()
}

/// The queues of this build and how many handlers of each run at a time.
///
/// A handler of a message mostly waits: for its batch, and for its provider, which takes a fifth of a second more often
/// than not. 256 of them fill a batch of 200 while another is under way, cost no connection of their own, and hold some
/// megabytes.
pub const QUEUES: [(&str, usize); 5] =
    [("messages", 256), ("automation", 16), ("campaigns", 8), ("operations", 4), ("webhooks", 128)];

fn job<K, F, Fut>(run: F) -> Vec<(&'static str, Handler)>
where
    K: JobKind,
    F: Fn(Run, K) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Outcome>> + Send + 'static,
{
    let read_and_run = move |given: Run, version, args: &RawValue| -> BoxFuture<'static, Result<Outcome>> {
        match K::decode(version, args) {
            Ok(payload) => Box::pin(run(given, payload)),
            Err(why) => Box::pin(async move { Ok(Outcome::Discard { code: "bad_payload", why }) }),
        }
    };
    named(K::KIND, K::ALIASES, Handler { version: K::VERSION, run: Arc::new(read_and_run) })
}

/// The first job of each run of a workflow.
fn beginning(workflow: Workflow) -> Vec<(&'static str, Handler)> {
    let (name, aliases, version) = (workflow.name, workflow.aliases, workflow.version);
    let begin = move |given: Run, version, args: &RawValue| -> BoxFuture<'static, Result<Outcome>> {
        Box::pin(ready(Ok(workflow.begin(given.claim.tenant, version, args))))
    };
    named(name, aliases, Handler { version, run: Arc::new(begin) })
}

fn named(
    name: &'static str,
    aliases: &'static [&'static str],
    handler: Handler,
) -> Vec<(&'static str, Handler)> {
    aliases.iter().copied().chain([name]).zip(repeat(handler)).collect()
}

#[cfg(test)]
mod tests {
    use domain::{
        campaigns::work::RunCampaign, jobs::bulk::SteerJobs, messages::send::SendMessage,
        routing::route::RouteLeads, scoring::apply::ScoreLeads, upkeep::KeepHistory,
        webhooks::attempt::DeliverWebhook,
    };
    use engine::JobKind as _;

    use super::*;

    /// Stored jobs name their kind, so a kind that vanishes or changes its name is noticed here.
    #[test]
    fn kinds_and_queues_are_the_known_ones() {
        let mut kinds: Vec<_> = handlers().into_keys().collect();
        kinds.sort_unstable();
        let known = [
            "apply_retention",
            "archive_logs",
            "begin_archive",
            "begin_erasure",
            "certify_erasure",
            "check_archives",
            "close_games",
            "count_messages",
            "deliver_report",
            "deliver_webhook",
            "destroy_keys",
            "drop_archived",
            "empty_sequence",
            "end_wrap_up",
            "erase_rows",
            "erase_subject",
            "export_subject",
            "fit_scoring_model",
            "index_leads",
            "keep_history",
            "leave_agent",
            "make_report",
            "message_lead",
            "mind_call",
            "mind_campaign",
            "onboard_lead",
            "plan_campaign",
            "rebuild_rollups",
            "reconcile_message",
            "refresh_scores",
            "render_report",
            "replay_webhook",
            "report_campaign",
            "restore_archive",
            "rotate_keys",
            "route_lead",
            "route_leads",
            "run_campaign",
            "score_lead",
            "score_leads",
            "send_campaign",
            "send_message",
            "send_report",
            "settle_campaign",
            "settle_lost",
            "steer_jobs",
            "stop_for_subject",
            "sweep_calls",
            "sweep_team",
            "take_audience",
            "tell_of_delivery",
            "tell_providers",
            "turn_keys",
            "update_leads",
            "wake_campaign",
            "wake_messages",
            "walk_sequence",
            "watch_queues",
            "watch_sequences",
            "write_archives",
            "write_export",
            "write_file",
        ];
        assert_eq!(kinds, known);
        let queues = [
            SendMessage::QUEUE,
            ScoreLeads::QUEUE,
            RouteLeads::QUEUE,
            SteerJobs::QUEUE,
            KeepHistory::QUEUE,
            DeliverWebhook::QUEUE,
            RunCampaign::QUEUE,
        ];
        for wanted in queues {
            assert!(QUEUES.iter().any(|(queue, _)| *queue == wanted), "{wanted}");
        }
    }
}
