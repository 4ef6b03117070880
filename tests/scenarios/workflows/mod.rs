//! Procedures of many steps: in their order, once, whatever ends in between.

mod endings;
mod order;
mod signals;
mod spread;

use std::{sync::Arc, time::Duration};

use engine::{
    Engine, Enqueued, Flow, NewJob,
    workflows::{self, Restarted, RunView, Signalled, StepView},
};
use serde_json::json;
use switchboard_tests::{
    Database,
    probe::{Probe, Seen, nobody, procedure},
};
use uuid::Uuid;

/// A process that knows procedures: each declares a flow by what it says.
struct Site {
    engine: Engine,
    database: Database,
    tenant: Uuid,
}

fn say(text: &str) -> Probe {
    Probe { say: text.into() }
}

/// Handlers that declare this flow.
fn declaring(declare: impl Fn(&mut Flow) + Send + Sync + 'static) -> Seen {
    let declare = Arc::new(declare);
    Seen::default().answering(move |claim, said| {
        (said == "declare").then(|| {
            let mut flow = Flow::new(claim.tenant);
            declare(&mut flow);
            Box::pin(std::future::ready(flow.begin())) as _
        })
    })
}

impl Site {
    async fn create() -> Self {
        let database = Database::create().await;
        Self { engine: database.engine().await, database, tenant: Uuid::now_v7() }
    }

    async fn start(&self) -> Uuid {
        self.start_as(procedure(self.tenant, "declare")).await.id
    }

    async fn start_as(&self, first: NewJob) -> Enqueued {
        let mut tx = self.engine.begin_tenant(self.tenant).await.expect("a transaction");
        let started = tx.start_workflows(vec![first], &nobody()).await.expect("started");
        tx.commit().await.expect("committed");
        started[0]
    }

    async fn run(&self, run: Uuid) -> RunView {
        let mut tx = self.engine.begin_tenant(self.tenant).await.expect("a transaction");
        workflows::get(tx.conn(), self.tenant, run).await.expect("an answer").expect("the run")
    }

    async fn steps(&self, run: Uuid) -> Vec<StepView> {
        let mut tx = self.engine.begin_tenant(self.tenant).await.expect("a transaction");
        workflows::steps(tx.conn(), self.tenant, run).await.expect("the steps")
    }

    /// `name state` of each step, with how a wait ended.
    async fn standing(&self, run: Uuid) -> Vec<String> {
        let shown = |step: StepView| match step.outcome {
            Some(outcome) => format!("{} {}", step.name, outcome),
            None => format!("{} {}", step.name, step.state),
        };
        self.steps(run).await.into_iter().map(shown).collect()
    }

    async fn becomes(&self, run: Uuid, state: &str) {
        self.until(run, |now, _| now.state == state).await;
    }

    async fn step_becomes(&self, run: Uuid, name: &str, state: &str) {
        let is = |_: &RunView, steps: &[StepView]| {
            steps.iter().any(|step| step.name == name && step.state == state)
        };
        self.until(run, is).await;
    }

    /// Looks again and again, ticking.
    async fn until(&self, run: Uuid, holds: impl Fn(&RunView, &[StepView]) -> bool) {
        let reached = async {
            while !holds(&self.run(run).await, &self.steps(run).await) {
                self.engine.tick().await.expect("ticked");
            }
        };
        let reached = tokio::time::timeout(Duration::from_secs(30), reached).await.is_ok();
        assert!(reached, "it stays {:?} {:?}", self.run(run).await, self.standing(run).await);
    }

    async fn signal(&self, run: Uuid, name: &str) -> Signalled {
        let mut tx = self.engine.begin_tenant(self.tenant).await.expect("a transaction");
        let given = tx.signal_run(run, name, &json!({"from": "test"}), &nobody()).await.expect("an answer");
        tx.commit().await.expect("committed");
        given
    }

    async fn restart(&self, run: Uuid, from: Option<&str>) -> Restarted {
        let mut tx = self.engine.begin_tenant(self.tenant).await.expect("a transaction");
        let again = tx.restart_run(run, from).await.expect("an answer");
        tx.commit().await.expect("committed");
        again
    }

    async fn cancel(&self, run: Uuid) -> Option<String> {
        let mut tx = self.engine.begin_tenant(self.tenant).await.expect("a transaction");
        let state = tx.cancel_run(run).await.expect("an answer");
        tx.commit().await.expect("committed");
        self.engine.wind_down(self.tenant, run).await.expect("wound down");
        state
    }
}
