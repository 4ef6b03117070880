//! One line for each job kind.

use std::{collections::HashMap, future::Future};

use domain::{Ctx, Result};
use engine::{JobKind, Outcome, finish::Claim};
use futures::future::BoxFuture;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::jobs::{self, Shared};

/// What a handler is given besides its payload.
pub struct Run {
    pub ctx: Ctx,
    pub claim: Claim,
    /// Cancelled when the node drains: a long handler checkpoints and snoozes.
    pub stop: CancellationToken,
    pub shared: std::sync::Arc<Shared>,
}

/// A handler that reads its own payload.
pub type Handler = Box<dyn Fn(Run, Value) -> BoxFuture<'static, Result<Outcome>> + Send + Sync>;

/// The handlers of this build, by kind.
#[must_use]
pub fn handlers() -> HashMap<&'static str, Handler> {
    HashMap::from([job(jobs::send_message::run), job(jobs::score_leads::run), job(jobs::route_leads::run)])
}

/// The queues of this build and how many handlers of each run at a time.
pub const QUEUES: [(&str, usize); 2] = [("messages", 64), ("automation", 4)];

fn job<K, F, Fut>(run: F) -> (&'static str, Handler)
where
    K: JobKind,
    F: Fn(Run, K) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Outcome>> + Send + 'static,
{
    let handler = move |given: Run, args: Value| -> BoxFuture<'static, Result<Outcome>> {
        match serde_json::from_value::<K>(args) {
            Ok(payload) => Box::pin(run(given, payload)),
            Err(error) => Box::pin(async move {
                let why = format!("the payload does not fit {} version {}: {error}", K::KIND, K::VERSION);
                Ok(Outcome::Discard { code: "bad_payload", why })
            }),
        }
    };
    (K::KIND, Box::new(handler))
}

#[cfg(test)]
mod tests {
    use domain::{leads::scoring::ScoreLeads, messages::send::SendMessage, routing::route::RouteLeads};
    use engine::JobKind as _;

    use super::*;

    /// Stored jobs name their kind, so a kind that vanishes or changes its name is noticed here.
    #[test]
    fn kinds_and_queues_are_the_known_ones() {
        let mut kinds: Vec<_> = handlers().into_keys().collect();
        kinds.sort_unstable();
        assert_eq!(kinds, ["route_leads", "score_leads", "send_message"]);
        for wanted in [SendMessage::QUEUE, ScoreLeads::QUEUE, RouteLeads::QUEUE] {
            assert!(QUEUES.iter().any(|(queue, _)| *queue == wanted), "{wanted}");
        }
    }
}
