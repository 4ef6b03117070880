//! A procedure of several steps that waits for an answer and holds no worker meanwhile: `./x example workflows`.

mod shared;

use std::time::Duration;

use engine::{
    Flow, JobKind, NewJob, Outcome,
    workflows::{self, Ended},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::Result;
use sqlx::postgres::PgConnectOptions;
use tokio::sync::mpsc;
use uuid::Uuid;

/// The workflow's input. A job of this kind begins a run.
#[derive(Serialize, Deserialize)]
struct TakeOrder {
    table: u8,
}

impl JobKind for TakeOrder {
    const KIND: &'static str = "take_order";
    const QUEUE: &'static str = "examples";
}

/// What most of its steps do.
#[derive(Serialize, Deserialize)]
struct Say {
    words: String,
}

impl JobKind for Say {
    const KIND: &'static str = "say";
    const QUEUE: &'static str = "examples";
}

/// The procedure: each step follows the one before it unless it says otherwise.
fn steps(flow: &mut Flow, order: &TakeOrder) {
    let say = |words: &str| Say { words: format!("table {}: {words}", order.table) };
    flow.step("ask", &say("soup or salad?"));
    flow.wait_for("answer", "answered", Some(Duration::from_hours(1)));
    flow.step("serve", &say("here you are")).only_if("answer", Ended::Signalled);
    flow.step("leave", &say("call me when you are ready"))
        .after(["answer"])
        .only_if("answer", Ended::TimedOut);
}

#[tokio::main]
async fn main() -> Result<()> {
    show(shared::database().await?).await
}

/// # Errors
/// If Postgres refuses.
///
/// # Panics
/// If the engine does not do what the example says.
pub async fn show(connect: PgConnectOptions) -> Result<()> {
    let engine = shared::engine(connect).await?;
    let (said, mut heard) = mpsc::channel(8);
    let kinds = [shared::kind::<TakeOrder>(), shared::kind::<Say>()];
    let worker = shared::Worker::start(&engine, &kinds, 4, said, |envelope, said| async move {
        if &*envelope.kind == TakeOrder::KIND {
            let mut flow = Flow::new(envelope.claim.tenant);
            steps(&mut flow, &TakeOrder::decode(envelope.version, &envelope.args)?);
            return Ok(flow.begin());
        }
        said.send(Say::decode(envelope.version, &envelope.args)?.words).await?;
        Ok(Outcome::Done(json!(null)))
    })
    .await?;

    let (tenant, run) = (Uuid::now_v7(), Uuid::now_v7());
    let mut tx = engine.begin_tenant(tenant).await?;
    let first = NewJob::of(tenant, run, &TakeOrder { table: 4 })?;
    tx.start_workflows(vec![first], &shared::nobody()).await?;
    tx.commit().await?;
    assert_eq!(heard.recv().await.as_deref(), Some("table 4: soup or salad?"));

    // A signal counts once, and is kept if its step does not wait for it yet.
    let mut tx = engine.begin_tenant(tenant).await?;
    let taken = tx.signal_run(run, "answered", &json!("soup"), &shared::nobody()).await?;
    tx.commit().await?;
    println!("the answer is {taken:?}");
    assert_eq!(heard.recv().await.as_deref(), Some("table 4: here you are"));

    worker.stop().await?;
    let mut tx = engine.begin_tenant(tenant).await?;
    let all = workflows::steps(tx.conn(), tenant, run).await?;
    let shown = |step: &workflows::StepView| format!("{} after {:?}: {}", step.name, step.needs, step.state);
    println!("{:#?}", all.iter().map(shown).collect::<Vec<_>>());
    let states: Vec<&str> = all.iter().map(|step| &*step.state).collect();
    assert_eq!(states, ["completed", "completed", "completed", "skipped"]);
    let run = workflows::get(tx.conn(), tenant, run).await?.ok_or("no run")?;
    assert_eq!(run.state, "completed");
    Ok(())
}
